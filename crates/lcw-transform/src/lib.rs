//! Graph's entities as Arrow record batches.
//!
//! Each table's columns are declared once ([`Column`]: name, type, role, unit, source, meaning);
//! schema, builders, the published contract and the merge rules of the dataset follow from there.
//! One builder per table flattens entities into rows, decides types per column and appends per
//! row without allocating for values.
//!
//! There is no I/O and no clock in this crate: instants come in as arguments.

mod batch;
mod child;
mod column;
mod columns;
mod drift;
mod error;
mod json;
mod layout;
mod marker;
mod privacy;
mod published;
mod reports;
mod reprocessed;
mod results;
mod rows;
mod runs;
mod subject_results;
mod table;
mod task_results;
mod tasks;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod uniform;
mod versions;
mod workflows;

pub use child::ChildRows;
pub use column::{Column, Kind, Role};
pub use drift::Drift;
pub use error::FlattenError;
pub use layout::{Layout, Lineage, Timestamps};
pub use marker::{Marker, Proof, ReportMarkers, RunMarkers};
pub use privacy::{
    FORGOTTEN, Forgotten, KeyedHash, Mark, Privacy, PseudonymKey, Redacted, WeakKey, pseudonymise,
    pseudonymise_object,
};
pub use published::{PublishedColumn, PublishedSchema, published_schema};
pub use reports::TaskReportRows;
pub use reprocessed::ReprocessedRows;
pub use results::ResultRows;
pub use rows::Rows;
pub use runs::RunRows;
pub use subject_results::SubjectResultRows;
pub use table::Table;
pub use task_results::TaskResultRows;
pub use tasks::{TaskDefinitionRows, TaskRows};
pub use versions::VersionRows;
pub use workflows::WorkflowRows;
