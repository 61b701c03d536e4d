//! What an error of the extractor means for the rest of the export.

use lcw_extractor::{ErrorKind, ExtractError};

/// How far one failed request reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Nothing more can be read: the export stops.
    Everything,
    /// The service refuses this table or workflow.
    Refused,
    /// The service no longer has it.
    Gone,
    /// This one collection could not be read; others may.
    JustThis,
}

pub(crate) fn reach(error: &ExtractError) -> Reach {
    match error.kind() {
        ErrorKind::Forbidden => Reach::Refused,
        ErrorKind::NotFound => Reach::Gone,
        ErrorKind::Service | ErrorKind::Network | ErrorKind::Page | ErrorKind::NextLink => {
            Reach::JustThis
        }
        _ => Reach::Everything,
    }
}

/// An error with its causes on one line.
pub(crate) fn describe(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// Gives up when nothing works any more: several collections in a row that could not be read.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    in_a_row: usize,
}

impl Breaker {
    const LIMIT: usize = 5;

    pub(crate) fn success(&mut self) {
        self.in_a_row = 0;
    }

    /// Counts a failure; true when it is one too many.
    pub(crate) fn failure(&mut self) -> bool {
        self.in_a_row += 1;
        self.in_a_row >= Self::LIMIT
    }
}
