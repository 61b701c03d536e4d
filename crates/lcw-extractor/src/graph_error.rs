//! The error object in the body of an answer, when there is one.

use crate::text::presentable;

/// What an error body says, made presentable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GraphError {
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) request_id: Option<String>,
}

impl GraphError {
    /// Reads an error body; `None` for anything else, such as a gateway's HTML page.
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let error = lcw_model::parse_error(body)?;
        let given = |text: &str| Some(presentable(text)).filter(|text| !text.is_empty());
        Some(Self {
            code: given(error.most_specific_code()),
            message: given(&error.message),
            request_id: error.request_id.as_deref().and_then(given),
        })
    }
}
