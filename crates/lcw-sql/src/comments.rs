//! What every view and column of the kit means, as `COMMENT ON` statements.

use std::fmt::Write;

use lcw_transform::{PublishedColumn, Table, published_schema};

use crate::literal::quoted;
use crate::relation::columns;

/// A view of `sql/joined.sql`: the columns of a table, and those of others beside.
struct Joined {
    view: &'static str,
    description: &'static str,
    of: Table,
    added: &'static [(&'static str, &'static str)],
}

const WORKFLOW_NAME: (&str, &str) = (
    "workflow_display_name",
    "The workflow's name in the portal, as of its last change.",
);
const WORKFLOW_CATEGORY: (&str, &str) = (
    "workflow_category",
    "What the workflow is for: `joiner`, `mover`, `leaver`, `extensibility`. The service may add values.",
);
const RUN_SCHEDULE: (&str, &str) = ("run_scheduled_date_time", "When the run was due.");

const JOINED: [Joined; 3] = [
    Joined {
        view: "user_results",
        description: "What every run did to every user, with the names of the workflow and the state of the run: one row per user and run. Dry runs (`preview`) are in it.",
        of: Table::UserProcessingResults,
        added: &[
            WORKFLOW_NAME,
            WORKFLOW_CATEGORY,
            (
                "run_processing_status",
                "How far the run is; the user's own status is processing_status.",
            ),
            RUN_SCHEDULE,
            (
                "run_settled",
                "Whether the run was final, and left alone for long enough for its counters to be complete. False where the run has no row.",
            ),
        ],
    },
    Joined {
        view: "failed_tasks",
        description: "Tasks that failed for a user, and why: one row per user, task and run whose status is `failed`. Dry runs are left out.",
        of: Table::TaskProcessingResults,
        added: &[
            WORKFLOW_NAME,
            WORKFLOW_CATEGORY,
            (
                "workflow_execution_type",
                "How the run came about: `scheduled`, `onDemand`, `activatedWithScope` (processed again). The service may add values.",
            ),
            RUN_SCHEDULE,
        ],
    },
    Joined {
        view: "runs_latest",
        description: "The newest run of every workflow by its schedule, open or not. Dry runs are left out. A workflow without a run has no row.",
        of: Table::Runs,
        added: &[WORKFLOW_NAME, WORKFLOW_CATEGORY],
    },
];

/// The comments on the view of a table.
pub(crate) fn of_table(table: Table) -> String {
    let schema = published_schema(table, true);
    let comments = columns(&schema).map(|column| (column.name, meaning(column)));
    statements(table.name(), schema.description, comments)
}

/// The comments on the joined views.
pub(crate) fn of_joined() -> String {
    let of = |joined: &Joined| {
        let schema = published_schema(joined.of, true);
        let declared = columns(&schema).map(|column| (column.name, meaning(column)));
        let added = joined
            .added
            .iter()
            .map(|(name, meaning)| (*name, (*meaning).to_owned()));
        statements(joined.view, joined.description, declared.chain(added))
    };
    JOINED.iter().map(of).collect::<Vec<_>>().join("\n")
}

fn statements<'a>(
    view: &str,
    description: &str,
    columns: impl Iterator<Item = (&'a str, String)>,
) -> String {
    let mut text = format!("COMMENT ON VIEW {view} IS {};\n", quoted(description));
    for (name, meaning) in columns {
        // Writing to a String cannot fail.
        let _infallible = writeln!(
            text,
            "COMMENT ON COLUMN {view}.{name} IS {};",
            quoted(&meaning)
        );
    }
    text
}

/// What a column is, with its unit and where it comes from.
pub(crate) fn meaning(column: &PublishedColumn) -> String {
    let unit = column.unit.map(|unit| format!(" Unit: {unit}."));
    let source = column.source.map(|source| format!(" From {source}."));
    let (unit, source) = (unit.unwrap_or_default(), source.unwrap_or_default());
    format!("{}{unit}{source}", column.description)
}
