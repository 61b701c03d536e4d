//! A staged file is looked at before it may replace another.

use std::cmp::Ordering;

use crate::BATCH_ROWS;
use crate::dataset::Rows;
use crate::error::DatasetError;
use crate::values::{Values, compare_keys};

/// Reads the keys of a staged file and of the one it is to replace: keys ascend, there are as
/// many rows as were written, and exactly `removed` old keys are missing: none, unless somebody has
/// asked to forget them. The problem, if there is one.
///
/// Both are read with the key columns only, in their order.
///
/// # Errors
/// When the old file cannot be read, or somebody asks to stop.
pub(crate) fn problem(
    staged: Rows,
    old: Option<Rows>,
    (rows, removed): (u64, u64),
    go_on: impl Fn() -> Result<(), DatasetError>,
) -> Result<Option<String>, DatasetError> {
    let mut staged = Keys::new(staged);
    let mut old = old.map(Keys::new);
    let (mut found, mut missing): (u64, u64) = (0, 0);
    let mut wants_old = next(old.as_mut())?;
    loop {
        match staged.advance() {
            Err(error) => return Ok(Some(cause(&error))),
            Ok(false) => break,
            Ok(true) => found += 1,
        }
        if found.is_multiple_of(BATCH_ROWS as u64) {
            go_on()?;
        }
        let Some(old) = old.as_mut() else {
            continue;
        };
        while wants_old && missing <= removed {
            let order = old.compare(&staged);
            if order.is_gt() {
                break;
            }
            missing += u64::from(order.is_lt());
            wants_old = old.advance()?;
            if order.is_eq() {
                break;
            }
        }
    }
    while wants_old && missing <= removed {
        missing += 1;
        wants_old = next(old.as_mut())?;
    }
    if missing > removed {
        return Ok(Some("a row of the old file is missing".into()));
    }
    if missing < removed {
        let problem = format!("{missing} rows of the old file are gone instead of {removed}");
        return Ok(Some(problem));
    }
    Ok((found != rows).then(|| format!("{found} rows instead of {rows}")))
}

fn next(keys: Option<&mut Keys>) -> Result<bool, DatasetError> {
    keys.map_or(Ok(false), Keys::advance)
}

fn cause(error: &DatasetError) -> String {
    use std::error::Error;
    error
        .source()
        .map_or_else(|| error.to_string(), ToString::to_string)
}

/// The keys of a file, one after the other.
struct Keys {
    rows: Rows,
    columns: Vec<Values>,
    batch_rows: usize,
    row: usize,
}

impl Keys {
    fn new(rows: Rows) -> Self {
        Self {
            rows,
            columns: Vec::new(),
            batch_rows: 0,
            row: 0,
        }
    }

    /// Goes to the next key; `false` at the end.
    fn advance(&mut self) -> Result<bool, DatasetError> {
        if self.row + 1 < self.batch_rows {
            self.row += 1;
            let order = compare(&self.columns, self.row - 1, &self.columns, self.row);
            return self.check(order.is_lt());
        }
        loop {
            let Some(batch) = self.rows.next().transpose()? else {
                return Ok(false);
            };
            if batch.num_rows() == 0 {
                continue;
            }
            let columns = batch.columns().iter().map(Values::of);
            let Some(columns) = columns.collect::<Option<Vec<_>>>() else {
                return self.check(false);
            };
            let follows = self.batch_rows == 0
                || compare(&self.columns, self.batch_rows - 1, &columns, 0).is_lt();
            (self.columns, self.batch_rows, self.row) = (columns, batch.num_rows(), 0);
            return self.check(follows);
        }
    }

    fn check(&self, follows: bool) -> Result<bool, DatasetError> {
        if follows {
            return Ok(true);
        }
        Err(DatasetError::unreadable(
            self.rows.path(),
            "keys are not unique and ascending",
        ))
    }

    fn compare(&self, other: &Self) -> Ordering {
        compare(&self.columns, self.row, &other.columns, other.row)
    }
}

fn compare(columns: &[Values], row: usize, others: &[Values], other_row: usize) -> Ordering {
    compare_keys(columns.iter().zip(others), row, other_row)
}
