//! The error object in the body of an answer, when there is one.

use crate::text::{presentable, without, without_people};

/// What an error body says, made presentable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GraphError {
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) request_id: Option<String>,
}

impl GraphError {
    /// Reads the error body of an answer to a request for `path`; `None` for anything else, such
    /// as a gateway's HTML page. Neither the token that was sent nor who it is about is repeated.
    pub(crate) fn parse(body: &[u8], path: &str, token: &str) -> Option<Self> {
        let error = lcw_model::parse_error(body)?;
        let given = |text: &str| {
            let text = presentable(&without(text, &[token]));
            Some(text).filter(|text| !text.is_empty())
        };
        Some(Self {
            code: given(&without_people(error.most_specific_code(), path)),
            message: given(&without_people(&error.message, path)),
            request_id: error.request_id.as_deref().and_then(given),
        })
    }
}
