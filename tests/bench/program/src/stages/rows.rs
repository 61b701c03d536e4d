//! Text into parsed rows, and parsed rows into columns.

use arrow::array::RecordBatch;
use lcw_model::{UserProcessingResult, parse_page};
use lcw_transform::{ChildRows as _, Layout, Lineage, ResultRows, Rows, Timestamps};

use super::{Answered, BARE, OURS, Stage, stage};
use crate::bare::{self, Columns};
use crate::limit::RunId;

const PARQUET: Layout = Layout {
    timestamps: Timestamps::Micros,
    keep_raw: false,
};
const NDJSON: Layout = Layout {
    timestamps: Timestamps::AsSent,
    keep_raw: false,
};

/// What the stages after a stage begin with, run by run.
pub(super) struct Made<'a> {
    parsed: Vec<Parsed<'a>>,
    pub(super) for_parquet: Vec<Rows>,
    pub(super) for_ndjson: Vec<Rows>,
    pub(super) bare: Vec<RecordBatch>,
}

struct Parsed<'a> {
    id: &'a RunId,
    ours: Vec<UserProcessingResult<'a>>,
    bare: Vec<bare::Row<'a>>,
}

impl<'a> Made<'a> {
    pub(super) fn of(answered: &'a [Answered]) -> Self {
        let parsed: Vec<Parsed<'_>> = answered.iter().map(Parsed::of).collect();
        Self {
            for_parquet: parsed.iter().map(|run| run.flatten(PARQUET)).collect(),
            for_ndjson: parsed.iter().map(|run| run.flatten(NDJSON)).collect(),
            bare: parsed.iter().map(Parsed::flatten_bare).collect(),
            parsed,
        }
    }
}

pub(super) fn stages<'a>(answered: &'a [Answered], made: &'a Made<'_>) -> Vec<Stage<'a>> {
    let pages = || answered.iter().flat_map(|run| &run.pages);
    let flatten = |layout| {
        made.parsed
            .iter()
            .map(move |run| run.flatten(layout).len())
            .sum()
    };
    let flatten_bare = || {
        made.parsed
            .iter()
            .map(|run| run.flatten_bare().num_rows())
            .sum()
    };
    vec![
        stage("parse", "", OURS, move || {
            pages().map(|page| parse(page).len()).sum()
        }),
        stage("parse", "", BARE, move || {
            pages().map(|page| parse_bare(page).len()).sum()
        }),
        stage("flatten", "parquet", OURS, move || flatten(PARQUET)),
        stage("flatten", "parquet", BARE, flatten_bare),
        stage("flatten", "ndjson", OURS, move || flatten(NDJSON)),
    ]
}

fn parse(page: &str) -> Vec<UserProcessingResult<'_>> {
    parse_page(page).unwrap().value
}

fn parse_bare(page: &str) -> Vec<bare::Row<'_>> {
    bare::parse(page.as_bytes()).value
}

impl<'a> Parsed<'a> {
    fn of(answered: &'a Answered) -> Self {
        Self {
            id: &answered.id,
            ours: answered.pages.iter().flat_map(|page| parse(page)).collect(),
            bare: answered
                .pages
                .iter()
                .flat_map(|page| parse_bare(page))
                .collect(),
        }
    }

    fn flatten(&self, layout: Layout) -> Rows {
        let lineage = Lineage {
            export_id: "20261122T000000.000000Z".into(),
            extracted_at_micros: 0,
        };
        let mut rows = ResultRows::new(layout, &lineage, &self.id.workflow, &self.id.run);
        for result in &self.ours {
            rows.append(result, None).unwrap();
        }
        rows.finish().sorted_unique(&["id"])
    }

    fn flatten_bare(&self) -> RecordBatch {
        let mut columns = Columns::new(&bare::schema());
        for row in &self.bare {
            columns.append(&self.id.workflow, &self.id.run, row);
        }
        columns.finish()
    }
}
