//! Rows of `reprocessed_runs`.

use lcw_model::{Entity, Extra, Run, Text, WithRaw, parse_entity};
use serde_json::value::RawValue;

use crate::batch::{Batch, of_batch, text};
use crate::{ChildRows, FlattenError, Layout, Lineage, Rows, Table};

/// Graph's name of the property that links a run to those that process it again.
const LATER_RUNS: &str = "reprocessedRuns";

/// Flattens the links of one run to the runs that process something of it again into rows of
/// [`Table::ReprocessedRuns`].
///
/// The reference page shows the run itself in the answer, with the later runs in its property
/// `reprocessedRuns`; the metadata says that the answer lists the later runs. Both are understood:
/// the run itself makes a row for each run that it names, and none for itself; any other run makes
/// one row, its own.
#[derive(Debug)]
pub struct ReprocessedRows {
    batch: Batch,
    run_id: String,
}

impl ChildRows for ReprocessedRows {
    type Entity<'a> = Run<'a>;

    const TABLE: Table = Table::ReprocessedRuns;

    fn new(layout: Layout, lineage: &Lineage, workflow_id: &str, run_id: &str) -> Self {
        Self {
            batch: Batch::of_run(Self::TABLE, layout, lineage, workflow_id, run_id),
            run_id: run_id.to_owned(),
        }
    }

    fn append(&mut self, run: &Run<'_>, raw: Option<&str>) -> Result<(), FlattenError> {
        if run.id != self.run_id.as_str() {
            return self.link(run, raw);
        }
        let later = later_runs(run)?;
        // A run that cannot be read keeps the others out, too.
        for run in &later {
            self.check(&run.entity)?;
        }
        later
            .iter()
            .try_for_each(|run| self.link(&run.entity, Some(run.raw)))
    }

    of_batch!();
}

impl ReprocessedRows {
    fn check(&self, run: &Run<'_>) -> Result<(), FlattenError> {
        let scheduled = &run.scheduled_date_time;
        self.batch
            .moment(&run.id, "scheduledDateTime", scheduled)
            .map(|_| ())
    }

    /// Adds the row of one later run.
    fn link(&mut self, run: &Run<'_>, raw: Option<&str>) -> Result<(), FlattenError> {
        let scheduled =
            self.batch
                .moment(&run.id, "scheduledDateTime", &run.scheduled_date_time)?;
        self.batch
            .row()
            .key("id", &run.id)
            .member("processing_status", text(&run.processing_status))
            .member(
                "workflow_execution_type",
                text(&run.workflow_execution_type),
            )
            .moment("scheduled_date_time", scheduled)
            .extra("_lcw_extra", &unknown(&run.extra), &[])
            .raw("_lcw_raw", raw)
            .end();
        Ok(())
    }
}

/// What no row of `runs` has: a run's known properties are stored there.
fn unknown<'a>(extra: &Extra<'a>) -> Extra<'a> {
    let is_unknown = |(name, _): &&(Text<'a>, &'a RawValue)| !Run::knows(name);
    extra.iter().filter(is_unknown).cloned().collect()
}

/// The runs that a run names; of a property that came twice, the last.
fn later_runs<'a>(run: &Run<'a>) -> Result<Vec<WithRaw<'a, Run<'a>>>, FlattenError> {
    let mut properties = run.extra.iter().rev();
    let Some((_, json)) = properties.find(|(name, _)| *name == LATER_RUNS) else {
        return Ok(Vec::new());
    };
    let refuse = |problem| FlattenError::nested(Table::ReprocessedRuns.name(), &run.id, problem);
    let elements: Option<Vec<&RawValue>> = serde_json::from_str(json.get())
        .map_err(|_| refuse((LATER_RUNS, "not an array of runs".to_owned())))?;
    let read = |element: &'a RawValue| {
        parse_entity(element.get()).map_err(|error| refuse((LATER_RUNS, error.to_string())))
    };
    elements.into_iter().flatten().map(read).collect()
}

#[cfg(test)]
mod tests;
