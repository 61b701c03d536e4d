//! Faults on request: what goes wrong, where, and how often.

use std::time::Duration;

use crate::hint::RetryAfter;
use crate::random;
use crate::record::Endpoint;

/// Something that goes wrong with one request.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// 429 with Graph's body. The pause is demanded of everybody.
    Throttled(RetryAfter),
    /// Another error status; a `Retry-After` demands its pause of everybody.
    Status {
        /// The status: 408, 500, 502, 503, 504, 509 or any other.
        status: u16,
        /// What the body looks like.
        body: FaultBody,
        /// The `Retry-After` of the answer.
        retry_after: RetryAfter,
    },
    /// The connection is reset before anything is answered.
    ConnectionReset,
    /// Half of the body, although `Content-Length` promises all of it.
    TruncatedBody,
    /// A whole HTTP answer whose gzip stream ends in the middle; needs a client that asks for gzip.
    CutGzip,
    /// 200 with the first half of the JSON.
    MalformedJson,
    /// 200 with an error object.
    ErrorWithOk,
    /// 200 with a page of HTML.
    HtmlWithOk,
    /// The body comes in chunks with pauses between.
    SlowBytes {
        /// How many bytes at a time.
        chunk: usize,
        /// How long between two chunks.
        pause: Duration,
    },
    /// The next link leads back: 1 to the same page, 2 to the one before it.
    NextLinkLoop {
        /// 1 or 2.
        period: u8,
    },
    /// The next link leads to another origin, with the path and query that it would have had.
    ForeignNextLink {
        /// Scheme, host and port, or anything else to stand before the path.
        origin: String,
    },
    /// The next link spells its path in another way that the service takes as well.
    RespelledNextLink,
    /// An empty page with a next link that is always new.
    EndlessPages,
    /// The skip token of a next link is no longer known. Only requests with a skip token are hit.
    ExpiredSkipToken {
        /// 400 or 410.
        status: u16,
    },
    /// The next page begins with the last row of this one.
    RepeatedRow,
    /// The page comes without its rows, and its next link leads on behind them. Only pages with a next link are
    /// hit.
    DroppedPage,
    /// The next link is left out although rows follow.
    CutCollection,
    /// 404, as for a run that has aged out since it was listed.
    NotFound,
    /// 403.
    Forbidden,
    /// 401, as for a token that has been revoked.
    Unauthorized,
    /// The page is padded to at least this many bytes of JSON.
    OversizedPage {
        /// The size.
        bytes: usize,
    },
    /// 302.
    Redirect {
        /// Where to; the path and query of the request are added to an origin.
        origin: String,
    },
}

/// The body of an error status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultBody {
    /// An error object of Graph.
    Json,
    /// A page of a gateway.
    Html,
    /// Nothing.
    Empty,
}

/// When in the making of an answer a fault comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Instead of an answer.
    Before,
    /// When the page has a next link.
    Link,
    /// On an answer of 200.
    After,
}

impl Fault {
    /// A server error with Graph's body and no `Retry-After`.
    pub const fn status(status: u16) -> Self {
        Self::Status {
            status,
            body: FaultBody::Json,
            retry_after: RetryAfter::Absent,
        }
    }

    /// A server error with the page of a gateway and no `Retry-After`.
    pub const fn gateway(status: u16) -> Self {
        Self::Status {
            status,
            body: FaultBody::Html,
            retry_after: RetryAfter::Absent,
        }
    }

    /// A short name, which stands in the records.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Throttled(_) => "throttled",
            Self::Status { .. } => "status",
            Self::ConnectionReset => "reset",
            Self::TruncatedBody => "truncated",
            Self::CutGzip => "cut-gzip",
            Self::MalformedJson => "malformed-json",
            Self::ErrorWithOk => "error-with-ok",
            Self::HtmlWithOk => "html-with-ok",
            Self::SlowBytes { .. } => "slow",
            Self::NextLinkLoop { .. } => "loop",
            Self::ForeignNextLink { .. } => "foreign-link",
            Self::RespelledNextLink => "respelled-link",
            Self::EndlessPages => "endless",
            Self::ExpiredSkipToken { .. } => "expired-skip-token",
            Self::RepeatedRow => "repeated-row",
            Self::DroppedPage => "dropped-page",
            Self::CutCollection => "cut-collection",
            Self::NotFound => "not-found",
            Self::Forbidden => "forbidden",
            Self::Unauthorized => "unauthorized",
            Self::OversizedPage { .. } => "oversized",
            Self::Redirect { .. } => "redirect",
        }
    }

    pub(crate) const fn phase(&self) -> Phase {
        match self {
            Self::NextLinkLoop { .. }
            | Self::ForeignNextLink { .. }
            | Self::RespelledNextLink
            | Self::EndlessPages
            | Self::RepeatedRow
            | Self::DroppedPage
            | Self::CutCollection => Phase::Link,
            Self::TruncatedBody
            | Self::CutGzip
            | Self::MalformedJson
            | Self::SlowBytes { .. }
            | Self::OversizedPage { .. } => Phase::After,
            _ => Phase::Before,
        }
    }
}

/// Which of the requests that match a rule are hit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum When {
    /// Every one.
    Always,
    /// Only the n-th, counted from 1.
    Nth(u64),
    /// The n-th, counted from 1, and all after it.
    FromNth(u64),
    /// Every n-th.
    EveryNth(u64),
    /// Each with this probability, by the rule's seed.
    Chance(f64),
}

/// Which pages of a collection a rule matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pages {
    /// All.
    Any,
    /// Those without a skip token.
    First,
    /// Those with one.
    Further,
}

/// A fault and the requests that it hits. Of several rules that could fire, the one injected first does.
#[derive(Debug, Clone)]
pub struct FaultRule {
    /// What goes wrong.
    pub fault: Fault,
    /// The kinds of requests; empty: every resource of Graph, but not the token endpoint.
    pub endpoints: Vec<Endpoint>,
    /// Which pages.
    pub pages: Pages,
    /// A part of the percent-encoded path.
    pub path_contains: Option<String>,
    /// Which of the matching requests.
    pub when: When,
    /// How often at most; `None`: without end.
    pub times: Option<u64>,
    /// Decides for [`When::Chance`].
    pub seed: u64,
}

impl FaultRule {
    /// Hits every request of Graph.
    pub const fn new(fault: Fault) -> Self {
        Self {
            fault,
            endpoints: Vec::new(),
            pages: Pages::Any,
            path_contains: None,
            when: When::Always,
            times: None,
            seed: 0,
        }
    }

    /// Only requests of this kind (may be called again for a further kind).
    #[must_use]
    pub fn on(mut self, endpoint: Endpoint) -> Self {
        self.endpoints.push(endpoint);
        self
    }

    /// Only these pages.
    #[must_use]
    pub const fn pages(mut self, pages: Pages) -> Self {
        self.pages = pages;
        self
    }

    /// Only requests whose percent-encoded path contains this.
    #[must_use]
    pub fn path_contains(mut self, part: impl Into<String>) -> Self {
        self.path_contains = Some(part.into());
        self
    }

    /// Only these of the matching requests.
    #[must_use]
    pub const fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    /// At most so often.
    #[must_use]
    pub const fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Another seed for [`When::Chance`].
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    fn matches(&self, target: &FaultTarget<'_>) -> bool {
        let kind = if self.endpoints.is_empty() {
            target.endpoint.is_graph()
        } else {
            self.endpoints.contains(&target.endpoint)
        };
        let page = match self.pages {
            Pages::Any => !matches!(self.fault, Fault::ExpiredSkipToken { .. }) || target.further,
            Pages::First => !target.further,
            Pages::Further => target.further,
        };
        let path = self
            .path_contains
            .as_deref()
            .is_none_or(|part| target.path.contains(part));
        kind && page && path
    }
}

/// The request that a fault may hit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FaultTarget<'a> {
    pub(crate) endpoint: Endpoint,
    pub(crate) path: &'a str,
    pub(crate) further: bool,
}

/// The rules in force.
#[derive(Debug, Default)]
pub(crate) struct FaultBook {
    rules: Vec<Active>,
}

#[derive(Debug)]
struct Active {
    rule: FaultRule,
    matched: u64,
    fired: u64,
}

impl FaultBook {
    pub(crate) fn add(&mut self, rule: FaultRule) {
        self.rules.push(Active {
            rule,
            matched: 0,
            fired: 0,
        });
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The fault that hits a request in this phase.
    pub(crate) fn pick(&mut self, phase: Phase, target: &FaultTarget<'_>) -> Option<Fault> {
        self.rules
            .iter_mut()
            .filter(|active| active.rule.fault.phase() == phase && active.rule.matches(target))
            .find_map(Active::fire)
    }

    /// Name, matched and fired of each rule.
    pub(crate) fn state(&self) -> Vec<(&'static str, u64, u64)> {
        self.rules
            .iter()
            .map(|active| (active.rule.fault.name(), active.matched, active.fired))
            .collect()
    }
}

impl Active {
    fn fire(&mut self) -> Option<Fault> {
        self.matched += 1;
        if self.rule.times.is_some_and(|times| self.fired >= times) {
            return None;
        }
        let hit = match self.rule.when {
            When::Always => true,
            When::Nth(nth) => self.matched == nth,
            When::FromNth(nth) => self.matched >= nth,
            When::EveryNth(nth) => nth > 0 && self.matched.is_multiple_of(nth),
            When::Chance(probability) => {
                random::chance(random::mix(&[self.rule.seed, self.matched]), probability)
            }
        };
        self.fired += u64::from(hit);
        hit.then(|| self.rule.fault.clone())
    }
}

#[cfg(test)]
mod tests;
