//! Requests and answers, for the bytes of the pages only.

use std::pin::pin;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use lcw_extractor::{CollectionRequest, DecodeError, Decoded, GraphClient, GraphPath, PageDecoder};
use tokio::runtime::Runtime;

use super::{Answered, BARE, OURS, Stage, stage};
use crate::bare;
use crate::limit::{IN_FLIGHT, RunId, SINCE, Service};

/// The results of so many runs, in the order of their ids.
pub(super) async fn fetch(service: &Service, runs: usize) -> Vec<Answered> {
    let mut ids = service.runs().await;
    // As a dataset has them.
    ids.sort_unstable();
    ids.truncate(runs);
    let answered = stream::iter(ids).map(|id| async move {
        let (mut pages, mut next) = (Vec::new(), Some(service.results_of(&id)));
        while let Some(url) = next {
            let body = String::from_utf8(service.get(&url).await.to_vec()).unwrap();
            next = next_link(&body).map(str::to_owned);
            pages.push(body);
        }
        Answered { id, pages }
    });
    answered.buffered(IN_FLIGHT).collect().await
}

pub(super) fn stages<'a>(
    runtime: &'a Runtime,
    service: &'a Service,
    client: &'a GraphClient,
    answered: &'a [Answered],
) -> Vec<Stage<'a>> {
    let pages = || answered.iter().flat_map(|run| &run.pages);
    let rows: usize = pages()
        .map(|page| bare::parse(page.as_bytes()).value.len())
        .sum();
    let bytes: usize = pages().map(String::len).sum();
    let ours = move || {
        let reading = stream::iter(answered).map(|run| by_extractor(client, &run.id));
        let read = reading.buffered(IN_FLIGHT).collect::<Vec<usize>>();
        assert_eq!(runtime.block_on(read).iter().sum::<usize>(), bytes);
        rows
    };
    let bare = move || {
        let reading = stream::iter(answered).map(|run| by_reqwest(service, &run.id));
        let read = reading.buffered(IN_FLIGHT).collect::<Vec<usize>>();
        assert_eq!(runtime.block_on(read).iter().sum::<usize>(), bytes);
        rows
    };
    vec![stage("HTTP", "", OURS, ours), stage("HTTP", "", BARE, bare)]
}

/// Takes a page for its length.
struct Length;

impl PageDecoder for Length {
    type Output = usize;

    fn decode(&mut self, body: &str) -> Result<Decoded<usize>, DecodeError> {
        Ok(Decoded {
            output: body.len(),
            next_link: next_link(body).map(str::to_owned),
            rows: 0,
        })
    }
}

async fn by_extractor(client: &GraphClient, id: &RunId) -> usize {
    let path = GraphPath::workflow(&id.workflow)
        .run(&id.run)
        .user_processing_results();
    let request = CollectionRequest::new(path).filtered(SINCE);
    let mut decoder = Length;
    let pages = pin!(client.pages(request, &mut decoder));
    pages
        .try_fold(0, async |sum, length| Ok(sum + length))
        .await
        .unwrap()
}

async fn by_reqwest(service: &Service, id: &RunId) -> usize {
    let (mut length, mut next) = (0, Some(service.results_of(id)));
    while let Some(url) = next {
        let body = service.get(&url).await;
        length += body.len();
        next = next_link(std::str::from_utf8(&body).unwrap()).map(str::to_owned);
    }
    length
}

/// Finds the link without parsing. The simulated tenant has it before or behind the rows, without an escape.
fn next_link(body: &str) -> Option<&str> {
    const NAME: &str = "\"@odata.nextLink\":\"";
    const REACH: usize = 2_000;
    let head = body.get(..REACH).unwrap_or(body);
    let tail = body.get(body.len().saturating_sub(REACH)..).unwrap_or(body);
    let (_, link) = head.split_once(NAME).or_else(|| tail.split_once(NAME))?;
    link.split('"').next()
}
