//! Decoders of pages: what the pipeline keeps of a response body.

use std::collections::BTreeMap;

use lcw_extractor::{DecodeError, Decoded, PageDecoder};
use lcw_model::{
    Entity, Page, PageError, Run, TaskReport, WithRaw, Workflow, parse_entity, parse_page,
    parse_raw_page,
};
use lcw_transform::{ChildRows, FlattenError, Table};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::listing::{ListedRun, ListedWorkflow};
use crate::request::OnDrift;

fn refuse(error: PageError) -> DecodeError {
    if error.is_damaged() {
        DecodeError::damaged(error)
    } else {
        DecodeError::invalid(error)
    }
}

/// A row that the tables cannot hold, as a line for `_quarantine`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SetAside {
    pub(crate) table: Table,
    pub(crate) workflow_id: String,
    /// What is wrong with it; names the property.
    pub(crate) problem: String,
    /// One JSON object with the row as it was sent.
    pub(crate) line: String,
}

/// What is done about rows that the tables cannot hold, and those it was done to.
#[derive(Debug)]
pub(crate) struct Sieve {
    table: Table,
    on_drift: OnDrift,
    /// Where the rows belong, as far as the request says.
    workflow_id: String,
    run_id: Option<String>,
    pub(crate) set_aside: Vec<SetAside>,
}

impl Sieve {
    pub(crate) fn new(table: Table, on_drift: OnDrift, workflow_id: &str) -> Self {
        Self {
            table,
            on_drift,
            workflow_id: workflow_id.to_owned(),
            run_id: None,
            set_aside: Vec::new(),
        }
    }

    pub(crate) fn of_run(mut self, run_id: &str) -> Self {
        self.run_id = Some(run_id.to_owned());
        self
    }

    fn set_aside(&mut self, row: &str, problem: &str) {
        let problem = if problem.starts_with("table ") {
            problem.to_owned()
        } else {
            format!("table {}: {problem}", self.table.name())
        };
        let row: Option<&RawValue> = serde_json::from_str(row).ok();
        let line = json!({
            "table": self.table.name(),
            "workflow_id": self.workflow_id,
            "run_id": self.run_id,
            "problem": problem,
            "row": row,
        });
        let set_aside = SetAside {
            table: self.table,
            workflow_id: self.workflow_id.clone(),
            problem,
            line: line.to_string(),
        };
        // A page that is asked for again brings it again.
        if !self.set_aside.contains(&set_aside) {
            self.set_aside.push(set_aside);
        }
    }
}

/// Takes one entity of a page, with its original text where that is wanted.
trait Take<T>: FnMut(&T, Option<&str>) -> Result<(), FlattenError> {}

impl<T, F: FnMut(&T, Option<&str>) -> Result<(), FlattenError>> Take<T> for F {}

/// Hands every entity of a page to `take`. Where one of them is not what the contract allows, and
/// such rows are set aside, the page is read row by row: those that were taken before come again,
/// which is harmless to whoever keeps the last of each key.
fn each<'a, T: Entity<'a>>(
    body: &'a str,
    keep_raw: bool,
    sieve: &mut Sieve,
    mut take: impl Take<T>,
) -> Result<Decoded<usize>, DecodeError> {
    match each_or_none(body, keep_raw, &mut take) {
        Err(DecodeError::Invalid(_)) if sieve.on_drift == OnDrift::Quarantine => {
            one_by_one(body, sieve, take)
        }
        decoded => decoded,
    }
}

fn each_or_none<'a, T: Entity<'a>>(
    body: &'a str,
    keep_raw: bool,
    mut take: impl Take<T>,
) -> Result<Decoded<usize>, DecodeError> {
    if keep_raw {
        let page = parse_page::<WithRaw<'_, T>>(body).map_err(refuse)?;
        for row in &page.value {
            take(&row.entity, Some(row.raw)).map_err(DecodeError::invalid)?;
        }
        Ok(decoded(page.value.len(), &page))
    } else {
        let page = parse_page::<T>(body).map_err(refuse)?;
        for entity in &page.value {
            take(entity, None).map_err(DecodeError::invalid)?;
        }
        Ok(decoded(page.value.len(), &page))
    }
}

fn one_by_one<'a, T: Entity<'a>>(
    body: &'a str,
    sieve: &mut Sieve,
    mut take: impl Take<T>,
) -> Result<Decoded<usize>, DecodeError> {
    let page = parse_raw_page(body).map_err(refuse)?;
    let mut taken = 0;
    for row in &page.value {
        match parse_entity::<T>(row) {
            Err(error) => sieve.set_aside(row, &error.to_string()),
            Ok(entity) => match take(&entity, Some(row)) {
                Err(error) => sieve.set_aside(row, &error.to_string()),
                Ok(()) => taken += 1,
            },
        }
    }
    Ok(decoded(taken, &page))
}

fn decoded<T>(rows: usize, page: &Page<'_, T>) -> Decoded<usize> {
    let next_link = page.next_link.as_ref().map(|link| link.as_str().to_owned());
    Decoded {
        rows,
        output: rows,
        next_link,
    }
}

fn with_output<T>(decoded: &Decoded<usize>, output: T) -> Decoded<T> {
    Decoded {
        rows: decoded.rows,
        output,
        next_link: decoded.next_link.clone(),
    }
}

/// Keeps each workflow of a listing.
pub(crate) struct Workflows {
    pub(crate) sieve: Sieve,
}

impl PageDecoder for Workflows {
    type Output = Vec<ListedWorkflow>;

    fn decode(&mut self, body: &str) -> Result<Decoded<Self::Output>, DecodeError> {
        let mut output = Vec::new();
        let page = each(
            body,
            true,
            &mut self.sieve,
            |workflow: &Workflow<'_>, raw| {
                output.push(ListedWorkflow::new(workflow, raw.unwrap_or_default()));
                Ok(())
            },
        )?;
        Ok(with_output(&page, output))
    }
}

/// Keeps one workflow's details.
pub(crate) struct WorkflowDetails;

impl PageDecoder for WorkflowDetails {
    type Output = ListedWorkflow;

    fn decode(&mut self, body: &str) -> Result<Decoded<Self::Output>, DecodeError> {
        let row = parse_entity::<WithRaw<'_, Workflow<'_>>>(body).map_err(refuse)?;
        Ok(single(ListedWorkflow::new(&row.entity, row.raw)))
    }
}

/// Keeps each run of a listing.
pub(crate) struct Runs {
    pub(crate) sieve: Sieve,
}

impl PageDecoder for Runs {
    type Output = Vec<ListedRun>;

    fn decode(&mut self, body: &str) -> Result<Decoded<Self::Output>, DecodeError> {
        let mut output = Vec::new();
        let page = each(body, true, &mut self.sieve, |run: &Run<'_>, raw| {
            output.push(ListedRun::new(run, raw.unwrap_or_default())?);
            Ok(())
        })?;
        Ok(with_output(&page, output))
    }
}

/// Keeps one run asked for by its id.
pub(crate) struct SingleRun;

impl PageDecoder for SingleRun {
    type Output = ListedRun;

    fn decode(&mut self, body: &str) -> Result<Decoded<Self::Output>, DecodeError> {
        let row = parse_entity::<WithRaw<'_, Run<'_>>>(body).map_err(refuse)?;
        let run = ListedRun::new(&row.entity, row.raw).map_err(DecodeError::invalid)?;
        Ok(single(run))
    }
}

/// Flattens what is below one run into columns, page after page.
pub(crate) struct Children<R> {
    pub(crate) rows: R,
    pub(crate) keep_raw: bool,
    pub(crate) sieve: Sieve,
}

impl<R: ChildRows> PageDecoder for Children<R> {
    type Output = usize;

    fn decode(&mut self, body: &str) -> Result<Decoded<Self::Output>, DecodeError> {
        let rows = &mut self.rows;
        each(
            body,
            self.keep_raw,
            &mut self.sieve,
            |entity: &R::Entity<'_>, raw| rows.append(entity, raw),
        )
    }
}

/// Keeps each task report of a workflow as it was sent.
pub(crate) struct TaskReports {
    pub(crate) sieve: Sieve,
}

/// A task report on its way to the day of its run.
#[derive(Debug, Clone)]
pub(crate) struct ListedReport {
    pub(crate) id: Box<str>,
    /// The run it is about; none where the service does not say.
    pub(crate) run_id: Option<Box<str>>,
    /// Its `totalUsersCount`.
    pub(crate) users: i32,
    pub(crate) raw: Box<str>,
}

impl PageDecoder for TaskReports {
    type Output = Vec<ListedReport>;

    fn decode(&mut self, body: &str) -> Result<Decoded<Self::Output>, DecodeError> {
        let mut output = Vec::new();
        let page = each(
            body,
            true,
            &mut self.sieve,
            |report: &TaskReport<'_>, raw| {
                output.push(ListedReport {
                    id: report.id.as_str().into(),
                    run_id: report.run_id.as_option().map(|id| id.as_str().into()),
                    users: report.total_users_count.as_option().copied().unwrap_or(0),
                    raw: raw.unwrap_or_default().into(),
                });
                Ok(())
            },
        )?;
        Ok(with_output(&page, output))
    }
}

/// Keeps each object of a collection as it was sent, when it is one that `T` can read.
pub(crate) struct Objects<T> {
    pub(crate) sieve: Sieve,
    pub(crate) of: std::marker::PhantomData<T>,
}

/// The entities that [`Objects`] keeps, by name: their lifetimes are those of the page.
pub(crate) trait Kind {
    type Entity<'a>: Entity<'a>;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $Kind:ident of $Entity:ident;)*) => {
        $(
            $(#[$doc])*
            pub(crate) struct $Kind;

            impl Kind for $Kind {
                type Entity<'a> = lcw_model::$Entity<'a>;
            }
        )*
    };
}

kinds! {
    /// Versions of a workflow.
    Versions of WorkflowVersion;
    /// Tasks of a workflow.
    Tasks of Task;
    /// The tenant's task definitions.
    TaskDefinitions of TaskDefinition;
}

impl<K: Kind> PageDecoder for Objects<K> {
    type Output = Vec<Box<str>>;

    fn decode(&mut self, body: &str) -> Result<Decoded<Self::Output>, DecodeError> {
        let mut output: Vec<Box<str>> = Vec::new();
        let page = each(body, true, &mut self.sieve, |_: &K::Entity<'_>, raw| {
            output.push(raw.unwrap_or_default().into());
            Ok(())
        })?;
        Ok(with_output(&page, output))
    }
}

/// Keeps one object as it was sent.
pub(crate) struct OneObject<K>(pub(crate) std::marker::PhantomData<K>);

impl<K: Kind> PageDecoder for OneObject<K> {
    type Output = Box<str>;

    fn decode(&mut self, body: &str) -> Result<Decoded<Self::Output>, DecodeError> {
        parse_entity::<K::Entity<'_>>(body).map_err(refuse)?;
        Ok(single(body.into()))
    }
}

/// The numbers of a summary: those that it has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Totals {
    #[serde(default, rename = "totalRuns")]
    pub(crate) runs: Option<i64>,
    #[serde(default, rename = "totalUsers")]
    pub(crate) users: Option<i64>,
    #[serde(default, rename = "totalTasks")]
    pub(crate) tasks: Option<i64>,
}

/// Reads a summary.
pub(crate) struct Summary;

impl PageDecoder for Summary {
    type Output = Totals;

    fn decode(&mut self, body: &str) -> Result<Decoded<Self::Output>, DecodeError> {
        let object: BTreeMap<&str, &RawValue> =
            serde_json::from_str(body).map_err(DecodeError::damaged)?;
        if object.contains_key("error") {
            return Err(DecodeError::damaged("the answer reports an error"));
        }
        let totals: Totals = serde_json::from_str(body).map_err(DecodeError::invalid)?;
        Ok(single(totals))
    }
}

fn single<T>(output: T) -> Decoded<T> {
    Decoded {
        rows: 1,
        output,
        next_link: None,
    }
}
