//! `$orderby`: rows by the values of documented properties.

use std::cmp::Ordering;

use crate::filter::Value;
use crate::paging::Position;
use crate::property::{self, Property, RowKind};
use crate::query::InvalidOption;

/// One property of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) property: Property,
    pub(crate) descending: bool,
}

/// Reads the option's value: names with `asc` or `desc`, separated by commas.
pub(crate) fn parse(kind: RowKind, text: &str) -> Result<Vec<Key>, InvalidOption> {
    text.split(',').map(|part| key(kind, part.trim())).collect()
}

fn key(kind: RowKind, text: &str) -> Result<Key, InvalidOption> {
    let (name, direction) = text.split_once(' ').unwrap_or((text, "asc"));
    let descending = match direction.trim() {
        "asc" => false,
        "desc" => true,
        other => {
            return Err(InvalidOption(format!(
                "Syntax error: '{other}' in $orderby."
            )));
        }
    };
    let property = property::ordered(kind, name).ok_or_else(|| {
        InvalidOption(format!(
            "Could not find a property named '{name}' to order by."
        ))
    })?;
    Ok(Key {
        property,
        descending,
    })
}

/// The rows in the asked order, from a position on. Positions count from 0; rows that are equal stay in the
/// order in which they came.
pub(crate) fn arranged<T>(
    rows: impl Iterator<Item = T>,
    order: &[Key],
    from: Option<Position>,
    value: impl Fn(&T, Property) -> Value<'static>,
) -> impl Iterator<Item = (Position, T)> {
    let mut keyed: Vec<(Vec<Value<'static>>, T)> = rows
        .map(|row| {
            let values = order.iter().map(|key| value(&row, key.property));
            (values.collect(), row)
        })
        .collect();
    keyed.sort_by(|(left, _), (right, _)| compare(left, right, order));
    let first = from.map_or(0, |from| from.ordinal);
    numbered(keyed.into_iter().map(|(_, row)| row), first)
}

/// Rows whose positions are nothing but their numbers, from one on.
pub(crate) fn numbered<T>(
    rows: impl Iterator<Item = T>,
    first: u32,
) -> impl Iterator<Item = (Position, T)> {
    rows.zip(0_u32..)
        .map(|(row, ordinal)| {
            let position = Position {
                scheduled: 0,
                ordinal,
                row: 0,
            };
            (position, row)
        })
        .filter(move |(position, _)| position.ordinal >= first)
}

fn compare(left: &[Value<'_>], right: &[Value<'_>], order: &[Key]) -> Ordering {
    let pairs = left.iter().zip(right).zip(order);
    pairs
        .map(|((left, right), key)| {
            let ascending = left.order(right);
            if key.descending {
                ascending.reverse()
            } else {
                ascending
            }
        })
        .find(|ordering| ordering.is_ne())
        .unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read_and_rows_arranged_by_them() {
        let order = parse(RowKind::Result, "processingStatus desc, id").unwrap();
        let rows = [("b", "x"), ("a", "x"), ("c", "y")];
        let arranged = arranged(rows.into_iter(), &order, None, |row, property| {
            let text = if property == Property::Id {
                row.0
            } else {
                row.1
            };
            Value::Text(text.into())
        });
        let ids: Vec<&str> = arranged.map(|(_, row)| row.0).collect();
        assert_eq!(ids, ["c", "a", "b"]);
    }

    #[test]
    fn what_no_page_documents_is_no_order() {
        for (kind, text) in [
            (RowKind::Run, "id"),
            (RowKind::Run, "totalUsersCount"),
            (RowKind::Run, "scheduledDateTime down"),
            (RowKind::Result, "subject/id"),
            (RowKind::TaskResult, "failureReason"),
            (RowKind::Task, "displayName"),
            (RowKind::SubjectResult, "processingStatus"),
            (RowKind::Run, ""),
        ] {
            assert!(parse(kind, text).is_err(), "{text}");
        }
    }
}
