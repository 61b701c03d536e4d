//! Bodies served word for word: documented examples.

use bytes::Bytes;

use crate::answer::Answer;

/// A body for a path.
#[derive(Debug, Clone)]
pub struct ScriptedAnswer {
    path: String,
    query_contains: Option<String>,
    status: u16,
    body: Bytes,
}

impl ScriptedAnswer {
    /// Answers requests of exactly this path (without its query, compared as it comes) with 200 and the body.
    pub fn new(path: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self {
            path: path.into(),
            query_contains: None,
            status: 200,
            body: Bytes::from(body.into()),
        }
    }

    /// Only when the query, as it comes, contains this. The first answer that fits is taken.
    #[must_use]
    pub fn when_query_contains(mut self, part: impl Into<String>) -> Self {
        self.query_contains = Some(part.into());
        self
    }

    /// With another status.
    #[must_use]
    pub const fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn find(answers: &[Self], path: &str, query: &str) -> Option<Answer> {
        answers
            .iter()
            .find(|answer| {
                answer.path == path
                    && answer
                        .query_contains
                        .as_deref()
                        .is_none_or(|part| query.contains(part))
            })
            .map(|answer| Answer::json(answer.status, answer.body.clone()))
    }
}
