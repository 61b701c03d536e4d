//! Rows on their way to the dataset.

use std::cmp::Ordering;

use arrow::array::{
    Array as _, ArrayRef, AsArray, Int32Array, RecordBatch, StringArray, UInt64Array,
};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::{DataType, Int32Type};

use crate::Drift;
use crate::uniform::is_uniform;

/// Rows plus what the answers did not say about them.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// The rows.
    pub batch: RecordBatch,
    /// Per row, a bit per column (the first column is bit 0) that is set when the answer did not
    /// contain the column's property, so that a merge keeps what is stored. For a duration it is
    /// set when either source is absent, for `_lcw_extra` when the answer holds nothing for it.
    /// `None`: nothing is absent anywhere.
    pub absent: Option<Vec<u64>>,
    /// What the answers held that Graph's metadata does not define. It stays when rows are left
    /// out or put together.
    pub drift: Drift,
}

impl Rows {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sorts the rows by the `key` columns (text byte by byte, numbers as such) and keeps, of rows with the same
    /// key, the last one. Rows that are sorted already are handed back as they are.
    ///
    /// # Panics
    /// If a key column is not there, or neither text nor a 32-bit number: keys are ids, and the
    /// numbers of versions.
    #[must_use]
    pub fn sorted_unique(self, key: &[&str]) -> Self {
        let keys: Vec<KeyColumn<'_>> = key
            .iter()
            .map(|name| {
                let column = self.batch.column_by_name(name);
                KeyColumn::of(column.expect("a key column is in the batch"))
            })
            .collect();
        let by_key = |a: usize, b: usize| {
            keys.iter()
                .map(|keys| keys.compare(a, b))
                .find(|order| order.is_ne())
                .unwrap_or(Ordering::Equal)
        };
        if (1..self.len()).all(|row| by_key(row - 1, row).is_lt()) {
            return self;
        }
        // Most keys differ soon: numbers are compared, and texts only where those agree.
        let head = |row| keys.first().map_or(0, |key| key.head(row));
        let mut order: Vec<(u64, usize)> = (0..self.len()).map(|row| (head(row), row)).collect();
        let by_head =
            |a: &(u64, usize), b: &(u64, usize)| a.0.cmp(&b.0).then_with(|| by_key(a.1, b.1));
        // The later row of two comes first, and `dedup` keeps the first.
        order.sort_unstable_by(|a, b| by_head(a, b).then(b.1.cmp(&a.1)));
        order.dedup_by(|later, earlier| by_head(later, earlier).is_eq());
        self.take(&order)
    }

    /// The rows of all parts in one, in their order. All parts come from builders of the same table
    /// and layout.
    ///
    /// # Panics
    /// If there is no part, or parts differ in their schemas.
    #[must_use]
    pub fn concat(mut parts: Vec<Self>) -> Self {
        if parts.len() == 1 {
            return parts.remove(0);
        }
        let schema = parts.first().expect("there is a part").batch.schema();
        let batch = concat_batches(&schema, parts.iter().map(|part| &part.batch))
            .expect("parts of one table have one schema");
        let absent = parts.iter().any(|part| part.absent.is_some()).then(|| {
            let mut all = Vec::with_capacity(batch.num_rows());
            for part in &parts {
                match &part.absent {
                    Some(bits) => all.extend_from_slice(bits),
                    None => all.resize(all.len() + part.len(), 0),
                }
            }
            all
        });
        let mut drift = Drift::default();
        for part in parts {
            drift.merge(part.drift);
        }
        Self {
            batch,
            absent,
            drift,
        }
    }

    fn take(self, rows: &[(u64, usize)]) -> Self {
        let indices = UInt64Array::from_iter_values(rows.iter().map(|(_, row)| *row as u64));
        let taken = |column: &ArrayRef| {
            if is_uniform(column) {
                column.slice(0, rows.len())
            } else {
                take(column, &indices, None).expect("every index is a row")
            }
        };
        let columns = self.batch.columns().iter().map(taken).collect();
        let batch =
            RecordBatch::try_new(self.batch.schema(), columns).expect("columns stay what they are");
        let absent = self
            .absent
            .as_ref()
            .map(|bits| rows.iter().map(|(_, row)| bits[*row]).collect());
        Self {
            batch,
            absent,
            drift: self.drift,
        }
    }
}

/// A column of a key.
enum KeyColumn<'r> {
    /// With the bytes that all of its texts begin with: ids of one run are often composed.
    Text(&'r StringArray, usize),
    Number(&'r Int32Array),
}

impl<'r> KeyColumn<'r> {
    fn of(column: &'r ArrayRef) -> Self {
        if *column.data_type() == DataType::Int32 {
            return Self::Number(column.as_primitive::<Int32Type>());
        }
        let keys = column.as_string::<i32>();
        Self::Text(keys, shared_prefix(keys))
    }

    /// Where a row's key begins to differ from others, as a number: where two numbers differ, the
    /// keys do in the same way.
    fn head(&self, row: usize) -> u64 {
        match self {
            Self::Text(keys, shared) => {
                let mut head = [0; 8];
                for (to, from) in head.iter_mut().zip(&keys.value(row).as_bytes()[*shared..]) {
                    *to = *from;
                }
                u64::from_be_bytes(head)
            }
            // The sign bit turned, negative numbers come first.
            Self::Number(keys) => u64::from(keys.value(row).cast_unsigned() ^ (1 << 31)),
        }
    }

    fn compare(&self, a: usize, b: usize) -> Ordering {
        match self {
            Self::Text(keys, _) => keys.value(a).cmp(keys.value(b)),
            Self::Number(keys) => keys.value(a).cmp(&keys.value(b)),
        }
    }
}

/// How many bytes all texts begin with.
fn shared_prefix(texts: &StringArray) -> usize {
    let mut texts = (0..texts.len()).map(|row| texts.value(row).as_bytes());
    let first = texts.next().unwrap_or_default();
    texts.fold(first.len(), |shared, text| {
        if text.starts_with(&first[..shared]) {
            return shared;
        }
        let pairs = first[..shared].iter().zip(text);
        pairs.take_while(|(one, other)| one == other).count()
    })
}

#[cfg(test)]
mod tests;
