//! How many rows the service puts on a page. Nothing says it, so a plan looks.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use jiff::civil::Date;
use lcw_extractor::{DecodeError, Decoded, GraphClient, PageDecoder};
use lcw_model::parse_raw_page;
use tokio::time::timeout;

use crate::by_workflow::ROWS_PER_PAGE;
use crate::catalog::path_of;
use crate::children::{Child, PerChild};
use crate::coverage::DAY;
use crate::decode::refuse;
use crate::options::Asking;
use crate::request::Request;
use crate::survey::RunTask;
use crate::ways::Way;

/// Pages that are asked for until one has rows: a page may be empty and still lead to another.
const MOST_PAGES: usize = 3;

/// How long an estimate waits for a page.
const PATIENCE: Duration = Duration::from_secs(5);

/// Rows that a page of each table holds, from the beginning of the largest run that is to be read.
/// What cannot be seen, for whatever reason, is taken to be [`ROWS_PER_PAGE`].
pub(crate) async fn look(
    request: &Request,
    client: &GraphClient,
    days: &BTreeMap<Date, Vec<RunTask>>,
) -> PerChild<u64> {
    let asking = Asking::new(&request.query);
    let mut sizes = PerChild::of(|_| ROWS_PER_PAGE);
    for child in Child::ALL {
        let read = days.values().flatten();
        let read = read.filter(|task| task.reading.children.contains(child));
        let largest = read.max_by_key(|task| task.counted(child));
        if let Some(task) = largest.filter(|task| task.counted(child) > Some(1)) {
            let size = timeout(PATIENCE, size_of_page(client, &asking, child, task)).await;
            sizes[child] = size.unwrap_or(ROWS_PER_PAGE);
        }
    }
    sizes
}

async fn size_of_page(client: &GraphClient, asking: &Asking, child: Child, task: &RunTask) -> u64 {
    let path = child.below(path_of(&task.workflow_id, task.is_deleted).run(&task.run_id));
    let since = task.listed.as_ref().map_or(0, |listed| listed.scheduled) - DAY;
    let filter = Way::of(child).first().and_then(|way| way.filter(since));
    let request = asking.request(path, child, filter.as_deref(), asking.form());
    let mut counter = RowCounter;
    let pages = client.pages(request, &mut counter).take(MOST_PAGES);
    let mut pages = pin!(pages);
    while let Some(Ok(page)) = pages.next().await {
        match page {
            CountedPage { rows: 0, .. } => {}
            CountedPage {
                rows,
                is_last: false,
            } => return rows,
            CountedPage { rows, .. } => return rows.max(ROWS_PER_PAGE),
        }
    }
    ROWS_PER_PAGE
}

struct CountedPage {
    rows: u64,
    is_last: bool,
}

struct RowCounter;

impl PageDecoder for RowCounter {
    type Output = CountedPage;

    fn decode(&mut self, body: &str) -> Result<Decoded<CountedPage>, DecodeError> {
        let page = parse_raw_page(body).map_err(refuse)?;
        let rows = page.value.len();
        let next_link = page.next_link.map(|link| link.as_str().to_owned());
        Ok(Decoded {
            output: CountedPage {
                rows: rows as u64,
                is_last: next_link.is_none(),
            },
            next_link,
            rows,
        })
    }
}
