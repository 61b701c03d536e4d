//! A collection, page by page.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, stream};
use reqwest::Url;
use tracing::{Instrument as _, debug, debug_span, warn};

use crate::body::BodyBuffer;
use crate::client::Shared;
use crate::decode::{Decoded, PageDecoder};
use crate::error::{ErrorKind, ExtractError, Failure, RequestError, remedy};
use crate::origin::{Origin, describe};
use crate::path::CollectionRequest;
use crate::request::{Stop, Target, Told};

/// How often a collection starts again because its next link is no longer known.
const MOST_RESTARTS: u32 = 2;

/// The pages of a collection as a stream that ends after the first error.
pub(crate) fn stream<'a, D: PageDecoder>(
    shared: &'a Arc<Shared>,
    request: CollectionRequest,
    decoder: &'a mut D,
) -> impl Stream<Item = Result<D::Output, ExtractError>> + 'a {
    let paging = Paging {
        shared,
        request,
        decoder,
        position: Position::Start,
        page_index: 0,
        restarts: 0,
        seen: Seen::default(),
        buffer: BodyBuffer::default(),
        told: None,
    };
    stream::try_unfold(paging, |mut paging| async move {
        Ok(paging.next().await?.map(|output| (output, paging)))
    })
}

/// Where in the collection the next request goes.
enum Position {
    /// To its first page.
    Start,
    /// Along a next link, not yet checked.
    Following(String),
    /// Nowhere: the last page had no next link.
    End,
}

struct Paging<'a, D> {
    shared: &'a Shared,
    request: CollectionRequest,
    decoder: &'a mut D,
    position: Position,
    page_index: u64,
    restarts: u32,
    seen: Seen,
    buffer: BodyBuffer,
    /// What the answer with the next link was called.
    told: Option<Told>,
}

impl<D: PageDecoder> Paging<'_, D> {
    async fn next(&mut self) -> Result<Option<D::Output>, ExtractError> {
        loop {
            let (url, is_next_link) = match std::mem::replace(&mut self.position, Position::End) {
                Position::Start => (Target::first(self.shared, &self.request)?.url, false),
                Position::Following(link) => (self.check(&link)?, true),
                Position::End => return Ok(None),
            };
            if !is_next_link {
                self.seen.begin(&url);
            }
            match self.page(url, is_next_link).await {
                Ok((decoded, told)) => {
                    self.told = Some(told);
                    return Ok(Some(self.advance(decoded)));
                }
                Err(Stop::Restart(error)) => self.restart(error)?,
                Err(Stop::Failed(error)) => return Err(error),
            }
        }
    }

    async fn page(
        &mut self,
        url: Url,
        is_next_link: bool,
    ) -> Result<(Decoded<D::Output>, Told), Stop> {
        let page_index = Some(self.page_index);
        let target = Target {
            url,
            path: self.request.path(),
            permissions: self.request.permissions(),
            page_index,
            is_next_link,
        };
        let span = debug_span!("page", page.index = self.page_index);
        self.shared
            .get(&target, &mut self.buffer, self.decoder)
            .instrument(span)
            .await
    }

    fn advance(&mut self, decoded: Decoded<D::Output>) -> D::Output {
        debug!(
            path = %self.request.path(),
            page.index = self.page_index,
            rows = decoded.rows,
            page.is_last = decoded.next_link.is_none(),
            "got a page",
        );
        self.page_index += 1;
        self.position = decoded.next_link.map_or(Position::End, Position::Following);
        decoded.output
    }

    fn restart(&mut self, error: ExtractError) -> Result<(), ExtractError> {
        if self.restarts >= MOST_RESTARTS {
            return Err(error);
        }
        self.restarts += 1;
        warn!(
            path = %self.request.path(),
            page.index = self.page_index,
            http.status = error.status(),
            graph.request_id = error.request_id(),
            retry.attempt = self.restarts,
            "the service no longer knows the next link: starting the collection again",
        );
        // The pages before this one, and the request for this one.
        self.shared.counters.count_in_vain(self.page_index + 1);
        (self.position, self.page_index) = (Position::Start, 0);
        self.seen = Seen::default();
        self.decoder.restarted();
        Ok(())
    }

    /// The URL of a next link, when it may be followed.
    fn check(&mut self, link: &str) -> Result<Url, ExtractError> {
        let limit = self.shared.config.page_limit;
        if self.page_index >= u64::from(limit) {
            return Err(self.refuse(Failure::TooManyPages { limit }));
        }
        let url = own_url(&self.shared.origin, link).map_err(|failure| self.refuse(failure))?;
        if self.seen.is_first_time(&url) {
            Ok(url)
        } else {
            Err(self.refuse(Failure::RepeatedLink))
        }
    }

    /// The error about a next link, under the name of the answer that brought it.
    fn refuse(&self, failure: Failure) -> ExtractError {
        let kind = ErrorKind::NextLink;
        let told = self.told.as_ref();
        ExtractError::Request(Box::new(RequestError {
            kind,
            method: "GET",
            path: self.request.path().to_string(),
            page_index: Some(self.page_index.saturating_sub(1)),
            status: told.and_then(|told| told.status),
            code: None,
            message: None,
            request_id: told.and_then(|told| told.request_id.clone()),
            client_request_id: told
                .map(|told| told.client_request_id.clone())
                .unwrap_or_default(),
            attempts: told.map_or(0, |told| told.attempts),
            elapsed: told.map_or(Duration::ZERO, |told| told.elapsed),
            remedy: remedy(kind, &failure, self.request.permissions(), None),
            failure,
        }))
    }
}

/// The URL of a next link, when it leads to the origin. Its path may be spelled in any way.
pub(crate) fn own_url(origin: &Origin, link: &str) -> Result<Url, Failure> {
    let mut url = Url::parse(link).map_err(|_| Failure::UnusableLink)?;
    if !origin.owns(&url) {
        return Err(Failure::ForeignLink {
            origin: describe(&url),
        });
    }
    // A fragment is never sent, so links that differ in it alone are the same.
    url.set_fragment(None);
    Ok(url)
}

/// The links of a collection, as hashes: a long collection has many, and long ones.
#[derive(Default)]
struct Seen {
    hashes: HashSet<u64>,
    hasher: RandomState,
}

impl Seen {
    /// A link back to the beginning is one for the second time, also when it has lost its filter.
    fn begin(&mut self, url: &Url) {
        self.is_first_time(url);
        let mut unfiltered = url.clone();
        unfiltered.set_query(None);
        self.is_first_time(&unfiltered);
    }

    fn is_first_time(&mut self, url: &Url) -> bool {
        self.hashes.insert(self.hasher.hash_one(url.as_str()))
    }
}
