//! How user processing results are asked for: select, filter, orderby and expand.

use std::sync::atomic::{AtomicBool, Ordering};

use lcw_extractor::query::{ExpandForm, ResultQuery};
use lcw_extractor::{CollectionRequest, ErrorKind, ExtractError, GraphPath};

use crate::children::Child;

/// The options of an export, and what the service has said about them.
#[derive(Debug)]
pub(crate) struct Asking {
    query: ResultQuery,
    /// The service does not choose the properties of what it expands.
    expands_plainly: AtomicBool,
}

impl Asking {
    pub(crate) fn new(query: &ResultQuery) -> Self {
        Self {
            query: query.clone(),
            expands_plainly: AtomicBool::new(false),
        }
    }

    /// In which form an expanded subject is asked for at present.
    pub(crate) fn form(&self) -> ExpandForm {
        if self.expands_plainly.load(Ordering::Relaxed) {
            ExpandForm::Plain
        } else {
            ExpandForm::Selected
        }
    }

    /// The request for a table below a run. The options are those of user processing results.
    pub(crate) fn request(
        &self,
        path: GraphPath,
        child: Child,
        filter: Option<&str>,
        form: ExpandForm,
    ) -> CollectionRequest {
        let mut request = CollectionRequest::new(path);
        if child == Child::Results {
            request = request.queried(&self.query, form);
        }
        match filter {
            Some(filter) => request.filtered(filter),
            None => request,
        }
    }

    /// Whether a request in this form that was refused as wrong may be right in the other; from
    /// then on no request is sent in this one.
    pub(crate) fn can_do_with_less(
        &self,
        child: Child,
        form: ExpandForm,
        error: &ExtractError,
    ) -> bool {
        let may_help = child == Child::Results
            && self.query.expands_subject()
            && form == ExpandForm::Selected
            && error.kind() == ErrorKind::Rejected;
        if may_help {
            self.expands_plainly.store(true, Ordering::Relaxed);
        }
        may_help
    }
}
