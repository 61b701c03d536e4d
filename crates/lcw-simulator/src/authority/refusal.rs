//! How the login service says no.

use serde_json::json;

use crate::answer::Answer;
use crate::random;
use crate::ticks::{self, SECOND, Ticks};

/// An error of the login service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    status: u16,
    error: &'static str,
    code: u32,
    text: String,
}

pub(super) fn refuse(status: u16, error: &'static str, code: u32, text: String) -> Refusal {
    Refusal {
        status,
        error,
        code,
        text,
    }
}

impl Refusal {
    pub(super) fn answer(&self, seed: u64, now: Ticks) -> Answer {
        let trace = random::guid_text(random::guid(seed));
        let correlation = random::guid_text(random::guid(seed ^ 1));
        let instant = ticks::instant_text(now.div_euclid(SECOND) * SECOND).replace('T', " ");
        let body = json!({
            "error": self.error,
            "error_description": format!(
                "AADSTS{}: {} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {instant}",
                self.code, self.text,
            ),
            "error_codes": [self.code],
            "timestamp": instant,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("https://login.microsoftonline.com/error?code={}", self.code),
        });
        Answer::json(self.status, body.to_string())
    }
}
