//! One request whose failure is an answer too.

use serde::Deserialize;

use crate::body::BodyBuffer;
use crate::client::Shared;
use crate::decode::{DecodeError, Decoded, PageDecoder};
use crate::error::ExtractError;
use crate::path::CollectionRequest;
use crate::request::{Stop, Target};

/// What came of asking for a collection.
#[derive(Debug)]
#[non_exhaustive]
pub struct Probe {
    /// The ids on its first page; those without one are left out.
    pub ids: Vec<String>,
    /// Why there was no first page.
    pub error: Option<ExtractError>,
}

impl Probe {
    /// The status of the last answer; 200 for a good one, `None` when there was none.
    pub fn status(&self) -> Option<u16> {
        match &self.error {
            None => Some(200),
            Some(error) => error.status(),
        }
    }
}

/// Asks for the first page, with the client's retries.
pub(crate) async fn ask(shared: &Shared, request: &CollectionRequest) -> Probe {
    match first_page(shared, request).await {
        Ok(ids) => Probe { ids, error: None },
        Err(error) => Probe {
            ids: Vec::new(),
            error: Some(error),
        },
    }
}

async fn first_page(
    shared: &Shared,
    request: &CollectionRequest,
) -> Result<Vec<String>, ExtractError> {
    let target = Target::first(shared, request)?;
    let mut buffer = BodyBuffer::default();
    let (page, _) = shared
        .get(&target, &mut buffer, &mut Ids)
        .await
        .map_err(Stop::into_error)?;
    Ok(page.output)
}

/// Keeps nothing of a page but its rows' ids.
struct Ids;

#[derive(Deserialize)]
struct Page {
    value: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    id: Option<String>,
}

impl PageDecoder for Ids {
    type Output = Vec<String>;

    fn decode(&mut self, body: &str) -> Result<Decoded<Vec<String>>, DecodeError> {
        let page: Page = serde_json::from_str(body).map_err(DecodeError::damaged)?;
        Ok(Decoded {
            rows: page.value.len(),
            output: page.value.into_iter().filter_map(|row| row.id).collect(),
            next_link: None,
        })
    }
}
