//! What becomes of a row that is stored already and comes again.

use super::chunk::Chunk;
use crate::table::{Role, TableSpec};
use crate::values::{NotATimestamp, Values};

/// Decides rows of one table.
#[derive(Debug)]
pub(super) struct Composer<'t> {
    table: &'t TableSpec,
    /// A bit per column that an unchanged row takes from the new one nevertheless.
    last_seen: u64,
}

/// A row made of an old and a new one.
#[derive(Debug)]
pub(super) struct Composed {
    /// A bit per column that comes from the old row.
    pub(super) from_old: u64,
    /// Whether it differs from the old row in more than its lineage.
    pub(super) is_changed: bool,
    /// Durations between timestamps that do not all come from one side.
    pub(super) durations: Vec<(usize, Option<i64>)>,
}

impl<'t> Composer<'t> {
    pub(super) fn new(table: &'t TableSpec) -> Self {
        let columns = table.columns().iter().enumerate();
        let last_seen = columns.filter(|(_, column)| column.role == Role::LastSeen);
        Self {
            table,
            last_seen: last_seen.fold(0, |bits, (position, _)| bits | 1 << position),
        }
    }

    /// # Errors
    /// When a duration has to be recomputed from a stored value that is no timestamp.
    pub(super) fn compose(
        &self,
        old: &Chunk,
        i: usize,
        new: &Chunk,
        j: usize,
    ) -> Result<Composed, NotATimestamp> {
        let absent = new.absent(j);
        let mut composed = Composed {
            from_old: 0,
            is_changed: false,
            durations: Vec::new(),
        };
        for (position, column) in self.table.columns().iter().enumerate() {
            let (before, after) = (&old.values[position], &new.values[position]);
            let bit = 1 << position;
            let is_absent = absent & bit != 0;
            if is_absent && let Some(ends) = self.table.duration(position) {
                let value = duration(old, i, new, j, absent, ends)?;
                composed.is_changed |= !is_milliseconds(before, i, value);
                composed.durations.push((position, value));
                continue;
            }
            let keeps_old = match column.role {
                Role::FirstExtractedAt | Role::FirstSeen => !before.is_null(i),
                Role::Sticky => is_absent || after.is_null(j),
                _ => is_absent,
            };
            if keeps_old {
                composed.from_old |= bit;
            } else if column.role.is_compared() {
                composed.is_changed |= !before.is_same(i, after, j);
            } else if column.role == Role::Raw {
                composed.is_changed |= before.is_null(i) && !after.is_null(j);
            }
        }
        if !composed.is_changed {
            composed.from_old = !(self.last_seen & !absent);
            composed.durations.clear();
        }
        Ok(composed)
    }
}

/// Milliseconds between two timestamps of a row, each from the side that it is taken from;
/// truncated towards zero, NULL when either is NULL.
fn duration(
    old: &Chunk,
    i: usize,
    new: &Chunk,
    j: usize,
    absent: u64,
    (from, to): (usize, usize),
) -> Result<Option<i64>, NotATimestamp> {
    let micros = |column: usize| {
        if absent & (1 << column) == 0 {
            new.values[column].micros(j)
        } else {
            old.values[column].micros(i)
        }
    };
    let (Some(from), Some(to)) = (micros(from)?, micros(to)?) else {
        return Ok(None);
    };
    Ok(Some(to.saturating_sub(from) / 1000))
}

fn is_milliseconds(values: &Values, row: usize, expected: Option<i64>) -> bool {
    match values {
        Values::Int64(array) => expected == (!values.is_null(row)).then(|| array.value(row)),
        _ => false,
    }
}
