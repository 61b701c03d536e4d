//! Decoders of pages: what the pipeline keeps of a response body.

use lcw_extractor::{DecodeError, Decoded, PageDecoder};
use lcw_model::{
    Entity, Page, PageError, Run, UserProcessingResult, WithRaw, Workflow, parse_entity, parse_page,
};
use lcw_transform::{ChildRows as _, ResultRows};

use crate::listing::{ListedRun, ListedWorkflow};

fn refuse(error: PageError) -> DecodeError {
    if error.is_damaged() {
        DecodeError::damaged(error)
    } else {
        DecodeError::invalid(error)
    }
}

fn page<'a, T: Entity<'a>>(body: &'a str) -> Result<(Vec<T>, Option<String>), DecodeError> {
    let Page { value, next_link } = parse_page::<T>(body).map_err(refuse)?;
    Ok((value, next_link.map(|link| link.as_str().to_owned())))
}

/// Keeps each workflow of a listing.
pub(crate) struct Workflows;

impl PageDecoder for Workflows {
    type Output = Vec<ListedWorkflow>;

    fn decode(&mut self, body: &str) -> Result<Decoded<Self::Output>, DecodeError> {
        let (value, next_link) = page::<WithRaw<'_, Workflow<'_>>>(body)?;
        let output: Vec<_> = value
            .iter()
            .map(|row| ListedWorkflow::new(&row.entity, row.raw))
            .collect();
        Ok(Decoded {
            rows: output.len(),
            output,
            next_link,
        })
    }
}

/// Keeps one workflow's details.
pub(crate) struct WorkflowDetails;

impl PageDecoder for WorkflowDetails {
    type Output = ListedWorkflow;

    fn decode(&mut self, body: &str) -> Result<Decoded<Self::Output>, DecodeError> {
        let row = parse_entity::<WithRaw<'_, Workflow<'_>>>(body).map_err(refuse)?;
        Ok(Decoded {
            rows: 1,
            output: ListedWorkflow::new(&row.entity, row.raw),
            next_link: None,
        })
    }
}

/// Keeps each run of a listing that `keep` returns something for.
pub(crate) struct Runs;

impl PageDecoder for Runs {
    type Output = Vec<ListedRun>;

    fn decode(&mut self, body: &str) -> Result<Decoded<Self::Output>, DecodeError> {
        let (value, next_link) = page::<WithRaw<'_, Run<'_>>>(body)?;
        let output = value
            .iter()
            .map(|row| ListedRun::new(&row.entity, row.raw))
            .collect::<Result<Vec<_>, _>>()
            .map_err(DecodeError::invalid)?;
        Ok(Decoded {
            rows: output.len(),
            output,
            next_link,
        })
    }
}

/// Keeps one run asked for by its id.
pub(crate) struct SingleRun;

impl PageDecoder for SingleRun {
    type Output = ListedRun;

    fn decode(&mut self, body: &str) -> Result<Decoded<Self::Output>, DecodeError> {
        let row = parse_entity::<WithRaw<'_, Run<'_>>>(body).map_err(refuse)?;
        let output = ListedRun::new(&row.entity, row.raw).map_err(DecodeError::invalid)?;
        Ok(Decoded {
            rows: 1,
            output,
            next_link: None,
        })
    }
}

/// Flattens the results of one run into columns, page after page.
pub(crate) struct Results {
    pub(crate) rows: ResultRows,
    pub(crate) keep_raw: bool,
}

impl PageDecoder for Results {
    type Output = usize;

    fn decode(&mut self, body: &str) -> Result<Decoded<Self::Output>, DecodeError> {
        if self.keep_raw {
            let (value, next_link) = page::<WithRaw<'_, UserProcessingResult<'_>>>(body)?;
            for row in &value {
                self.rows
                    .append(&row.entity, Some(row.raw))
                    .map_err(DecodeError::invalid)?;
            }
            Ok(Decoded {
                rows: value.len(),
                output: value.len(),
                next_link,
            })
        } else {
            let (value, next_link) = page::<UserProcessingResult<'_>>(body)?;
            for row in &value {
                self.rows.append(row, None).map_err(DecodeError::invalid)?;
            }
            Ok(Decoded {
                rows: value.len(),
                output: value.len(),
                next_link,
            })
        }
    }
}
