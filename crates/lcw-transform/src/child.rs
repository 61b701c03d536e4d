//! What the builders of tables that are read run by run have in common.

use lcw_model::Entity;

use crate::{FlattenError, Layout, Lineage, Rows, Table};

/// Flattens what the service has of one run into rows of one table.
///
/// Shape: rows with the columns of [`TABLE`](Self::TABLE), in the order appended; one per appended
/// entity unless its builder says otherwise.
/// Units: instants in UTC at microseconds (or as sent), durations in whole milliseconds, negative
/// if the service's clocks disagree. Absent and null are NULL; [`Rows::absent`] tells them apart.
pub trait ChildRows: Sized + Send {
    /// What the service returns for the run.
    type Entity<'a>: Entity<'a>;

    /// The table of the rows.
    const TABLE: Table;

    /// Rows of this run.
    fn new(layout: Layout, lineage: &Lineage, workflow_id: &str, run_id: &str) -> Self;

    /// Says how many rows will come, before the first does: builders make room once, and not more
    /// than they get. Without it they begin with room for a page or so and grow.
    fn reserve(&mut self, rows: usize);

    /// Adds what one entity makes. `raw` is its original object, and is dropped unless the layout
    /// keeps it.
    ///
    /// # Errors
    /// A value that cannot be read, a date-time mostly. No row is added then.
    fn append(&mut self, entity: &Self::Entity<'_>, raw: Option<&str>) -> Result<(), FlattenError>;

    /// Rows appended since the last [`finish`](Self::finish).
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Hands the rows out, in the order appended, and starts over; the next rows find room for as
    /// many. Do so at the latest before a column holds 2 GiB of text, Arrow's limit.
    fn finish(&mut self) -> Rows;
}
