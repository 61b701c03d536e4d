//! What a status means for the request.

use crate::error::ErrorKind;

/// What to do about an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Read it.
    Good,
    /// Too many requests: pause everybody, then ask again.
    Throttled,
    /// The service stumbled: ask again after a while.
    Again(ErrorKind),
    /// The token was refused: get another and ask again, once.
    Unauthorized,
    /// The link to this page is no longer known: start the collection again.
    Restart,
    /// Asking again would bring the same.
    Fatal(ErrorKind),
}

/// Says what a status means; `is_next_link` when the request followed one.
pub(crate) fn classify(status: u16, is_next_link: bool) -> Verdict {
    match status {
        200 => Verdict::Good,
        // Nothing of Graph is created, partial or empty: somebody in between has answered.
        201..=299 => Verdict::Again(ErrorKind::Page),
        400 | 410 if is_next_link => Verdict::Restart,
        401 => Verdict::Unauthorized,
        403 => Verdict::Fatal(ErrorKind::Forbidden),
        404 | 410 => Verdict::Fatal(ErrorKind::NotFound),
        408 | 500 | 502 | 503 | 504 | 509 => Verdict::Again(ErrorKind::Service),
        429 => Verdict::Throttled,
        500..=599 => Verdict::Fatal(ErrorKind::Service),
        // Redirects are not followed, so they are as final as a 400.
        _ => Verdict::Fatal(ErrorKind::Rejected),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_one_verdict() {
        for status in [408, 500, 502, 503, 504, 509] {
            assert_eq!(classify(status, false), Verdict::Again(ErrorKind::Service));
            assert_eq!(classify(status, true), Verdict::Again(ErrorKind::Service));
        }
        for status in [301, 302, 400, 405, 406, 409, 413, 414, 418] {
            assert_eq!(classify(status, false), Verdict::Fatal(ErrorKind::Rejected));
        }
        for status in [501, 505, 507, 511, 599] {
            assert_eq!(classify(status, false), Verdict::Fatal(ErrorKind::Service));
        }
        assert_eq!(classify(200, true), Verdict::Good);
        for status in [201, 203, 204, 206, 226] {
            assert_eq!(classify(status, false), Verdict::Again(ErrorKind::Page));
        }
        assert_eq!(classify(429, true), Verdict::Throttled);
        assert_eq!(classify(401, true), Verdict::Unauthorized);
        assert_eq!(classify(403, true), Verdict::Fatal(ErrorKind::Forbidden));
        assert_eq!(classify(404, true), Verdict::Fatal(ErrorKind::NotFound));
    }

    #[test]
    fn a_next_link_that_is_no_longer_known_restarts_the_collection() {
        assert_eq!(classify(400, true), Verdict::Restart);
        assert_eq!(classify(410, true), Verdict::Restart);
        assert_eq!(classify(400, false), Verdict::Fatal(ErrorKind::Rejected));
        assert_eq!(classify(410, false), Verdict::Fatal(ErrorKind::NotFound));
    }
}
