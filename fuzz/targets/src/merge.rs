//! The merge of new rows into stored ones, against a map by key.

use std::collections::BTreeMap;

use lcw_dataset::fuzzing::merge as merged;
use lcw_dataset::{Incoming, MergeStats, Role, TableSpec, Timestamps};
use lcw_model::time::parse_micros;

use crate::table::{Cell, Row, batch, rows, table};

/// Bytes as two sides of rows, each cut into batches, with columns that the new side's answers did
/// not contain.
pub fn merge(data: &[u8]) {
    let mut bytes = Bytes(data);
    let flags = bytes.next();
    let timestamps = if flags & 1 == 0 {
        Timestamps::Micros
    } else {
        Timestamps::AsSent
    };
    let table = table(timestamps);
    // Mostly as they have to be; now and then in the order in which they come.
    let is_sorted = flags & 0b110 != 0b110;
    let old = side(&table, &mut bytes, is_sorted);
    let new = side(&table, &mut bytes, is_sorted);
    let is_in_order = is_ascending(&old) && is_ascending(&new);
    let old_batches = pieces(&old, &mut bytes)
        .map(|(rows, _)| batch(&table, &rows))
        .collect();
    let new_batches: Vec<Incoming> = pieces(&new, &mut bytes)
        .map(|(rows, absent)| Incoming {
            batch: batch(&table, &rows),
            absent: absent.iter().any(|bits| *bits != 0).then_some(absent),
        })
        .collect();
    match merged(&table, old_batches, new_batches.clone()) {
        Err(problem) => assert!(!is_in_order, "{problem}"),
        Ok((batches, stats)) => {
            assert!(is_in_order, "keys out of order were merged");
            let (expected, expected_stats) = reference(&table, &old, &new);
            let got: Vec<Row> = batches.iter().flat_map(rows).collect();
            assert_eq!(got, expected);
            assert_eq!(stats, expected_stats);
            let (_, again) = merged(&table, batches, new_batches).unwrap();
            assert_eq!(
                (again.rows_new, again.rows_replaced),
                (0, 0),
                "it came twice"
            );
        }
    }
}

/// A row, and a bit per column that the answer did not contain.
type Sent = (Row, u64);

fn reference(table: &TableSpec, old: &[Sent], new: &[Sent]) -> (Vec<Row>, MergeStats) {
    let key = |row: &Row| row[..2].to_vec();
    // As it is stored, where numbers may have become text.
    let stored = |row: &Row| rows(&batch(table, std::slice::from_ref(row))).remove(0);
    let mut all: BTreeMap<_, _> = old.iter().map(|(row, _)| (key(row), stored(row))).collect();
    let mut stats = MergeStats::default();
    for (row, absent) in new {
        let row = stored(row);
        let Some(before) = all.get_mut(&key(&row)) else {
            all.insert(key(&row), row);
            stats.rows_new += 1;
            continue;
        };
        let composed = compose(table, before, &row, *absent);
        if is_changed(table, before, &composed) {
            *before = composed;
            stats.rows_replaced += 1;
        } else {
            let last_seen = position(table, Role::LastSeen);
            before[last_seen] = composed[last_seen].clone();
        }
    }
    stats.rows_total = all.len() as u64;
    (all.into_values().collect(), stats)
}

fn compose(table: &TableSpec, old: &Row, new: &Row, absent: u64) -> Row {
    let mut row = new.clone();
    let is_absent = |column: usize| absent >> column & 1 == 1;
    for (column, spec) in table.columns().iter().enumerate() {
        let keeps = match spec.role {
            Role::FirstSeen | Role::FirstExtractedAt => true,
            Role::Sticky => is_absent(column) || new[column] == Cell::Null,
            _ => is_absent(column),
        };
        if keeps {
            row[column] = old[column].clone();
        }
    }
    for (column, spec) in table.columns().iter().enumerate() {
        if let Role::Duration { from, to } = spec.role
            && is_absent(column)
        {
            let micros = |name: &str| micros(&row[table.position(name).unwrap()]);
            row[column] = match (micros(from), micros(to)) {
                (Some(from), Some(to)) => Cell::Number(to.saturating_sub(from) / 1000),
                _ => Cell::Null,
            };
        }
    }
    row
}

fn micros(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Null => None,
        Cell::Number(micros) => Some(*micros),
        Cell::Text(text) => Some(parse_micros(text).unwrap()),
    }
}

/// Compared without where it comes from; an original object counts where there was none.
fn is_changed(table: &TableSpec, old: &Row, composed: &Row) -> bool {
    let mut columns = table.columns().iter().zip(old.iter().zip(composed));
    columns.any(|(spec, (before, after))| match spec.role {
        Role::Fact | Role::Duration { .. } | Role::Sticky | Role::Extra => before != after,
        Role::Raw => *before == Cell::Null && *after != Cell::Null,
        _ => false,
    })
}

fn position(table: &TableSpec, role: Role) -> usize {
    let mut columns = table.columns().iter();
    columns.position(|column| column.role == role).unwrap()
}

/// Bytes one by one, zeros behind the last.
struct Bytes<'d>(&'d [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }
}

/// Up to 31 rows, sorted and without a key that comes twice, or as they come.
fn side(table: &TableSpec, bytes: &mut Bytes<'_>, is_sorted: bool) -> Vec<Sent> {
    let count = bytes.next() % 32;
    let sent: Vec<Sent> = (0..count).map(|_| row(table, bytes)).collect();
    if !is_sorted {
        return sent;
    }
    let by_key: BTreeMap<_, _> = sent
        .into_iter()
        .map(|sent| (sent.0[..2].to_vec(), sent))
        .collect();
    by_key.into_values().collect()
}

/// Values from small sets, so that rows are often the same again. What is absent is NULL, and so is
/// a duration without one of its ends.
fn row(table: &TableSpec, bytes: &mut Bytes<'_>) -> Sent {
    const TEXTS: [&str; 4] = ["", "a", "b\0é", "{\"x\":1}"];
    const NUMBERS: [i64; 8] = [
        0,
        1,
        -1,
        7,
        1_500_500,
        2_999_999,
        -62_135_596_800_000_000,
        253_402_300_799_999_999,
    ];
    let mut absent = u64::from(u16::from_le_bytes([bytes.next(), bytes.next()]));
    let mut cells = Row::new();
    for (at, column) in table.columns().iter().enumerate() {
        let byte = bytes.next();
        let name = column.field.name().as_str();
        let cell = match (column.role, name) {
            (Role::Key, "id") => Cell::Number(i64::from(byte.cast_signed() / 16)),
            _ if column.field.is_nullable() && byte & 3 == 3 => Cell::Null,
            _ if name.ends_with("_status") || name.ends_with("_id") || name.ends_with("_mail") => {
                Cell::Text(TEXTS[usize::from(byte >> 2) % 4].into())
            }
            (Role::Extra | Role::Raw, _) => Cell::Text(TEXTS[usize::from(byte >> 2) % 4].into()),
            (_, "_lcw_settled") => Cell::Number(i64::from(byte >> 2 & 1)),
            (_, "total_users_count") => Cell::Number(i64::from(byte >> 2)),
            _ => Cell::Number(NUMBERS[usize::from(byte >> 2) % 8]),
        };
        let is_absent = match column.role {
            Role::Duration { from, to } => [from, to]
                .map(|end| table.position(end).unwrap())
                .iter()
                .any(|end| absent >> end & 1 == 1),
            _ => column.field.is_nullable() && absent >> at & 1 == 1,
        };
        absent = absent & !(1 << at) | u64::from(is_absent) << at;
        cells.push(if is_absent { Cell::Null } else { cell });
    }
    (cells, absent)
}

fn is_ascending(sent: &[Sent]) -> bool {
    sent.is_sorted_by(|(a, _), (b, _)| a[..2] < b[..2])
}

/// Rows cut into pieces of 0 to 7.
fn pieces(sent: &[Sent], bytes: &mut Bytes<'_>) -> impl Iterator<Item = (Vec<Row>, Vec<u64>)> {
    let mut pieces = Vec::new();
    let mut rest = sent;
    let mut empty = 0;
    while !rest.is_empty() && empty < 3 {
        let length = usize::from(bytes.next() % 8).min(rest.len());
        empty += u32::from(length == 0);
        let (piece, others) = rest.split_at(length);
        pieces.push(piece.iter().cloned().unzip());
        rest = others;
    }
    if !rest.is_empty() {
        pieces.push(rest.iter().cloned().unzip());
    }
    pieces.into_iter()
}
