//! An answer before it becomes HTTP, and the error bodies of the service.

use std::time::Duration;

use bytes::Bytes;

use crate::json;

pub(crate) const JSON: &str = "application/json;odata.metadata=minimal;odata.streaming=true;\
                               IEEE754Compatible=false;charset=utf-8";
pub(crate) const HTML: &str = "text/html";

/// Status, headers and body of an answer, and how it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
    pub(crate) delivery: Delivery,
    /// The name of the fault that shaped it.
    pub(crate) fault: Option<&'static str>,
}

/// How the bytes of an answer go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// As they are.
    Whole,
    /// The connection is reset instead of an answer.
    Reset,
    /// The length says more than is sent before the connection closes.
    Cut { keep_per_mille: u16 },
    /// Compressed whole, but only the beginning of the compressed bytes is sent, with their length.
    CutInflated { keep_per_mille: u16 },
    /// A few bytes at a time.
    Slow { chunk: usize, pause: Duration },
}

/// Who asks, for error bodies.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The number of the request.
    pub(crate) number: u64,
    pub(crate) request_id: String,
    pub(crate) client_request_id: Option<String>,
    /// The service's time as it stands in error bodies.
    pub(crate) date: String,
}

impl Answer {
    pub(crate) fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            content_type: JSON,
            headers: Vec::new(),
            body: body.into(),
            delivery: Delivery::Whole,
            fault: None,
        }
    }

    pub(crate) fn html(status: u16, title: &str) -> Self {
        let body = format!(
            "<!DOCTYPE html>\r\n<html><head><title>{title}</title></head>\r\n\
             <body><center><h1>{title}</h1></center><hr><center>Gateway</center></body></html>\r\n"
        );
        Self {
            content_type: HTML,
            ..Self::json(status, body)
        }
    }

    /// An error as Graph writes it; both spellings of `innerError` occur.
    pub(crate) fn error(status: u16, code: &str, message: &str, caller: &Caller) -> Self {
        let inner = if caller.number.is_multiple_of(2) {
            "innerError"
        } else {
            "innererror"
        };
        let client = caller
            .client_request_id
            .as_deref()
            .unwrap_or(&caller.request_id);
        let body = format!(
            "{{\"error\":{{\"code\":{},\"message\":{},\"{inner}\":{{\"date\":{},\"request-id\":{},\
             \"client-request-id\":{}}}}}}}",
            json::quoted(code),
            json::quoted(message),
            json::quoted(&caller.date),
            json::quoted(&caller.request_id),
            json::quoted(client),
        );
        Self::json(status, body)
    }

    pub(crate) fn not_found(what: &str, caller: &Caller) -> Self {
        Self::error(
            404,
            "ResourceNotFound",
            &format!("{what} was not found."),
            caller,
        )
    }

    pub(crate) fn bad_request(message: &str, caller: &Caller) -> Self {
        Self::error(400, "BadRequest", message, caller)
    }

    pub(crate) fn forbidden(caller: &Caller) -> Self {
        Self::error(
            403,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
            caller,
        )
    }

    pub(crate) fn unauthorized(message: &str, caller: &Caller) -> Self {
        Self::error(401, "InvalidAuthenticationToken", message, caller).with(
            "www-authenticate",
            "Bearer realm=\"\", error=\"invalid_token\"".to_owned(),
        )
    }

    /// The body of a throttled request, as documented.
    pub(crate) fn throttled(caller: &Caller) -> Self {
        let body = format!(
            "{{\"error\":{{\"code\":\"TooManyRequests\",\"innerError\":{{\"code\":\"429\",\"date\":{},\
             \"message\":\"Please retry after\",\"request-id\":{},\"status\":\"429\"}},\
             \"message\":\"Please retry again later.\"}}}}",
            json::quoted(&caller.date),
            json::quoted(&caller.request_id),
        );
        Self::json(429, body)
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}
