//! Decoders of pages: what the pipeline keeps of a response body.

use std::collections::HashSet;

use lcw_extractor::{DecodeError, Decoded, PageDecoder};
use lcw_model::{
    Entity, Field, Page, Run, TaskReport, WithRaw, Workflow, parse_entity, parse_page,
    parse_raw_page,
};
use lcw_transform::{
    ChildRows, FlattenError, Layout, Lineage, ReportMarkers, RunMarkers, RunRows,
    TaskDefinitionRows, TaskReportRows, TaskRows, Timestamps, VersionRows, WorkflowRows,
};

use crate::listing::{ListedRun, ListedWorkflow};
use sieve::named;

mod sieve;

pub(crate) use sieve::{OddRows, SetAside, Sieve, refuse};

/// What rows are made with that only show whether they can be made.
const TRIAL: Layout = Layout {
    timestamps: Timestamps::Micros,
    keep_raw: false,
};

fn nowhere() -> Lineage {
    Lineage {
        export_id: String::new(),
        extracted_at_micros: 0,
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
    match each_or_none(body, keep_raw, sieve.odd, &mut take) {
        Err(DecodeError::Invalid(_)) if sieve.sets_aside() => one_by_one(body, sieve, take),
        decoded => decoded.map_err(|error| named(sieve.table, error)),
    }
}

fn each_or_none<'a, T: Entity<'a>>(
    body: &'a str,
    keep_raw: bool,
    odd: OddRows,
    mut take: impl Take<T>,
) -> Result<Decoded<usize>, DecodeError> {
    let unreadable = |error| refuse(odd.unreadable(error));
    let unfit = |error| DecodeError::invalid(odd.unfit(error));
    if keep_raw {
        let page = parse_page::<WithRaw<'_, T>>(body).map_err(unreadable)?;
        for row in &page.value {
            take(&row.entity, Some(row.raw)).map_err(unfit)?;
        }
        Ok(decoded(page.value.len(), &page))
    } else {
        let page = parse_page::<T>(body).map_err(unreadable)?;
        for entity in &page.value {
            take(entity, None).map_err(unfit)?;
        }
        Ok(decoded(page.value.len(), &page))
    }
}

fn one_by_one<'a, T: Entity<'a>>(
    body: &'a str,
    sieve: &mut Sieve,
    mut take: impl Take<T>,
) -> Result<Decoded<usize>, DecodeError> {
    let odd = sieve.odd;
    let page = parse_raw_page(body).map_err(|error| refuse(odd.unreadable(error)))?;
    let mut taken = 0;
    for row in &page.value {
        match parse_entity::<T>(row) {
            Err(error) => sieve.set_aside(row, &odd.unreadable(error).to_string()),
            Ok(entity) => match take(&entity, Some(row)) {
                Err(error) => sieve.set_aside(row, &odd.unfit(error).to_string()),
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

/// Keeps each run of a listing.
pub(crate) struct Runs {
    pub(crate) sieve: Sieve,
}

impl PageDecoder for Runs {
    type Output = Vec<ListedRun>;

    fn decode(&mut self, body: &str) -> Result<Decoded<Self::Output>, DecodeError> {
        let mut output = Vec::new();
        let sets_aside = self.sieve.sets_aside();
        let mut trial = RunRows::new(TRIAL, &nowhere(), "");
        let page = each(body, true, &mut self.sieve, |run: &Run<'_>, raw| {
            if sets_aside {
                trial.append(run, None, &RunMarkers::default())?;
            }
            output.push(ListedRun::new(run, raw.unwrap_or_default())?);
            Ok(())
        })?;
        Ok(with_output(&page, output))
    }
}

/// Keeps one run asked for by its id; none when it was set aside.
pub(crate) struct SingleRun {
    pub(crate) sieve: Sieve,
}

impl PageDecoder for SingleRun {
    type Output = Option<ListedRun>;

    fn decode(&mut self, body: &str) -> Result<Decoded<Self::Output>, DecodeError> {
        let mut output = None;
        self.sieve.one(body, |run: &Run<'_>| {
            RunRows::new(TRIAL, &nowhere(), "").append(run, None, &RunMarkers::default())?;
            output = Some(ListedRun::new(run, body)?);
            Ok(())
        })?;
        Ok(single(output))
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
        let sets_aside = self.sieve.sets_aside();
        let mut trial = TaskReportRows::new(TRIAL, &nowhere(), "");
        let page = each(
            body,
            true,
            &mut self.sieve,
            |report: &TaskReport<'_>, raw| {
                // A report that names no run has no row, and is no news.
                if sets_aside && report.run_id.as_option().is_some() {
                    trial.append(report, None, &ReportMarkers::default())?;
                }
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

    /// Whether it makes a row.
    fn check(entity: &Self::Entity<'_>) -> Result<(), FlattenError>;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $Kind:ident of $Entity:ident: $rows:expr;)*) => {
        $(
            $(#[$doc])*
            pub(crate) struct $Kind;

            impl Kind for $Kind {
                type Entity<'a> = lcw_model::$Entity<'a>;

                fn check(entity: &Self::Entity<'_>) -> Result<(), FlattenError> {
                    $rows.append(entity, None)
                }
            }
        )*
    };
}

kinds! {
    /// A workflow's details.
    WorkflowDetails of Workflow: WorkflowRows::new(TRIAL, &nowhere(), 0);
    /// Versions of a workflow.
    Versions of WorkflowVersion: VersionRows::new(TRIAL, &nowhere(), "", 0);
    /// Tasks of a workflow.
    Tasks of Task: TaskRows::new(TRIAL, &nowhere(), "", 0);
    /// The tenant's task definitions.
    TaskDefinitions of TaskDefinition: TaskDefinitionRows::new(TRIAL, &nowhere(), 0);
}

impl<K: Kind> PageDecoder for Objects<K> {
    type Output = Vec<Box<str>>;

    fn decode(&mut self, body: &str) -> Result<Decoded<Self::Output>, DecodeError> {
        let mut output: Vec<Box<str>> = Vec::new();
        let sets_aside = self.sieve.sets_aside();
        let page = each(
            body,
            true,
            &mut self.sieve,
            |entity: &K::Entity<'_>, raw| {
                if sets_aside {
                    K::check(entity)?;
                }
                output.push(raw.unwrap_or_default().into());
                Ok(())
            },
        )?;
        // A page that was read row by row brought the first of them twice.
        if !self.sieve.set_aside.is_empty() {
            let mut seen = HashSet::new();
            output.retain(|object| seen.insert(object.clone()));
        }
        Ok(with_output(&page, output))
    }
}

/// Keeps one object as it was sent; none when it was set aside.
pub(crate) struct OneObject<K> {
    pub(crate) sieve: Sieve,
    pub(crate) of: std::marker::PhantomData<K>,
}

impl<K: Kind> PageDecoder for OneObject<K> {
    type Output = Option<Box<str>>;

    fn decode(&mut self, body: &str) -> Result<Decoded<Self::Output>, DecodeError> {
        let kept = self.sieve.one::<K::Entity<'_>>(body, K::check)?;
        Ok(single(kept.then(|| body.into())))
    }
}

/// The numbers of a summary: those that it has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) runs: Option<i64>,
    pub(crate) users: Option<i64>,
    pub(crate) tasks: Option<i64>,
}

/// Reads a summary.
pub(crate) struct Summary;

impl PageDecoder for Summary {
    type Output = Totals;

    fn decode(&mut self, body: &str) -> Result<Decoded<Self::Output>, DecodeError> {
        let summary: lcw_model::Summary<'_> = parse_entity(body).map_err(refuse)?;
        let number = |field: &Field<i32>| field.as_option().copied().map(i64::from);
        Ok(single(Totals {
            runs: number(&summary.total_runs),
            users: number(&summary.total_users),
            tasks: number(&summary.total_tasks),
        }))
    }
}

fn single<T>(output: T) -> Decoded<T> {
    Decoded {
        rows: 1,
        output,
        next_link: None,
    }
}
