//! Plays faults: answers that come instead of good ones, and good ones that get damaged.

use std::cell::Cell;

use tokio::time::Instant;

use crate::answer::{Answer, Caller, Delivery};
use crate::faults::{Fault, FaultBody, FaultTarget, Phase};
use crate::graph::LinkFaults;
use crate::hint::RetryAfter;
use crate::page::{Collection, PageParts};
use crate::service::{Asked, Service};

impl Service {
    /// The answer of a refused request; its pause is demanded of everybody.
    pub(crate) fn throttled(&self, hint: &RetryAfter, caller: &Caller) -> Answer {
        self.with_hint(Answer::throttled(caller), hint)
            .with(
                "x-ms-throttle-scope",
                format!(
                    "Tenant_Application/ReadWrite/{}/{}",
                    self.identity.client_id, self.identity.tenant_id
                ),
            )
            .with(
                "x-ms-throttle-information",
                "ResourceUnitLimitExceeded".to_owned(),
            )
    }

    fn with_hint(&self, answer: Answer, hint: &RetryAfter) -> Answer {
        if let Some(pause) = hint.pause() {
            self.gate().demand(Instant::now(), pause);
        }
        match hint.header(self.header_date()) {
            Some(value) => answer.with("retry-after", value),
            None => answer,
        }
    }

    /// The answer of a fault that comes instead of one.
    pub(crate) fn broken(&self, fault: &Fault, asked: &Asked, caller: &Caller) -> Answer {
        let answer = match fault {
            Fault::Throttled(hint) => self.throttled(hint, caller),
            Fault::Status {
                status,
                body,
                retry_after,
            } => self.with_hint(status_answer(*status, *body, caller), retry_after),
            Fault::ErrorWithOk => Answer {
                status: 200,
                ..Answer::error(500, "UnknownError", "Something went wrong.", caller)
            },
            Fault::HtmlWithOk => Answer::html(200, "Sign in to your account"),
            Fault::ExpiredSkipToken { status } => Answer::error(
                *status,
                "Directory_ExpiredPageToken",
                "The specified page token value has expired and can no longer be included in your request.",
                caller,
            ),
            Fault::NotFound => Answer::not_found("The resource", caller),
            Fault::Forbidden => Answer::forbidden(caller),
            Fault::Unauthorized => Answer::unauthorized("Access token has been revoked.", caller),
            Fault::Redirect { origin } => {
                let mark = if asked.query.is_empty() { "" } else { "?" };
                let location = format!("{origin}{}{mark}{}", asked.path, asked.query);
                Answer::html(302, "Object moved").with("location", location)
            }
            _ => Answer {
                delivery: Delivery::Reset,
                ..Answer::json(503, Vec::new())
            },
        };
        Answer {
            fault: Some(fault.name()),
            ..answer
        }
    }
}

fn status_answer(status: u16, body: FaultBody, caller: &Caller) -> Answer {
    let (code, reason) = match status {
        408 => ("RequestTimeout", "Request Timeout"),
        500 => ("InternalServerError", "Internal Server Error"),
        502 => ("BadGateway", "Bad Gateway"),
        503 => ("ServiceUnavailable", "Service Unavailable"),
        504 => ("GatewayTimeout", "Gateway Timeout"),
        509 => ("BandwidthLimitExceeded", "Bandwidth Limit Exceeded"),
        _ => ("UnknownError", "Unknown Error"),
    };
    match body {
        FaultBody::Json => Answer::error(status, code, reason, caller),
        FaultBody::Html => Answer::html(status, &format!("{status} {reason}")),
        FaultBody::Empty => Answer::json(status, Vec::new()),
    }
}

/// Changes a good answer the way the fault says.
pub(crate) fn damage(answer: &mut Answer, fault: &Fault) {
    answer.fault = Some(fault.name());
    match fault {
        Fault::TruncatedBody => {
            answer.delivery = Delivery::Cut {
                keep_per_mille: 500,
            }
        }
        Fault::CutGzip => {
            answer.delivery = Delivery::CutInflated {
                keep_per_mille: 500,
            }
        }
        Fault::SlowBytes { chunk, pause } => {
            answer.delivery = Delivery::Slow {
                chunk: (*chunk).max(1),
                pause: *pause,
            };
        }
        Fault::MalformedJson => answer.body = answer.body.slice(..answer.body.len() / 2),
        Fault::OversizedPage { bytes } => {
            let mut padded = answer.body.to_vec();
            padded.pop();
            padded.resize((*bytes).saturating_sub(1).max(padded.len()), b' ');
            padded.push(b'}');
            answer.body = padded.into();
        }
        _ => {}
    }
}

/// Asks the rules about the next link of a page.
pub(crate) struct Links<'a> {
    pub(crate) service: &'a Service,
    pub(crate) target: &'a FaultTarget<'a>,
    pub(crate) query: &'a str,
    /// The name of the fault that hit the link.
    pub(crate) fault: Cell<Option<&'static str>>,
}

impl LinkFaults for Links<'_> {
    fn link(&self, collection: &Collection<'_>, parts: &mut PageParts) -> Option<String> {
        let fault = self.service.faults().pick(Phase::Link, self.target);
        match fault {
            None => collection.next_link(parts),
            Some(fault) => {
                self.fault.set(Some(fault.name()));
                let before = self
                    .service
                    .records()
                    .query_before(self.target.path, self.query);
                collection.break_link(parts, &fault, self.query, before)
            }
        }
    }
}
