//! Pages: how many rows, where the next one begins, and the opaque token that says so.

use crate::base64;
use crate::config::Paging;
use crate::random;
use crate::ticks::Ticks;

/// A place in a collection: the row at which a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) scheduled: Ticks,
    pub(crate) ordinal: u32,
    pub(crate) row: u32,
}

/// What a `$skiptoken` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SkipToken {
    /// The collection with its options: the token is good for nothing else.
    pub(crate) collection: u64,
    /// The number of the page, from 0.
    pub(crate) page: u32,
    /// Where it begins; `None`: at the beginning.
    pub(crate) position: Option<Position>,
}

impl SkipToken {
    pub(crate) fn encode(&self) -> String {
        let place = self.position.unwrap_or(Position {
            scheduled: Ticks::MIN,
            ordinal: 0,
            row: 0,
        });
        let mut bytes = Vec::with_capacity(36);
        bytes.extend_from_slice(&self.collection.to_be_bytes());
        bytes.extend_from_slice(&self.page.to_be_bytes());
        bytes.extend_from_slice(&place.scheduled.to_be_bytes());
        bytes.extend_from_slice(&place.ordinal.to_be_bytes());
        bytes.extend_from_slice(&place.row.to_be_bytes());
        bytes.extend_from_slice(&checksum(&bytes).to_be_bytes());
        // Opaque: without this, tokens of one collection would differ in their last letters only.
        let mask = checksum(&bytes).to_be_bytes();
        let body = bytes
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask);
        let masked: Vec<u8> = mask.iter().copied().chain(body).collect();
        base64::encode(&masked)
    }

    pub(crate) fn decode(text: &str) -> Option<Self> {
        let masked = base64::decode(text)?;
        let (mask, body) = masked.split_at_checked(8)?;
        let bytes: Vec<u8> = body
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask)
            .collect();
        let (bytes, sum) = bytes.split_at_checked(28)?;
        if sum != checksum(bytes).to_be_bytes() {
            return None;
        }
        let word = |from: usize| {
            Some(u32::from_be_bytes(
                bytes.get(from..from + 4)?.try_into().ok()?,
            ))
        };
        let long = |from: usize| {
            Some(u64::from_be_bytes(
                bytes.get(from..from + 8)?.try_into().ok()?,
            ))
        };
        let scheduled = long(12)?.cast_signed();
        let position = Position {
            scheduled,
            ordinal: word(20)?,
            row: word(24)?,
        };
        Some(Self {
            collection: long(0)?,
            page: word(8)?,
            position: (scheduled != Ticks::MIN).then_some(position),
        })
    }
}

fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0x5ea1, |state, &byte| {
        random::scramble(state ^ u64::from(byte))
    })
}

/// Rows of one page, and where the next one begins.
#[derive(Debug)]
pub(crate) struct Page<T> {
    pub(crate) rows: Vec<(Position, T)>,
    pub(crate) next: Option<Position>,
}

/// Takes `size` rows; the row behind them begins the next page.
pub(crate) fn cut<T>(rows: impl Iterator<Item = (Position, T)>, size: usize) -> Page<T> {
    let mut rows = rows;
    let taken: Vec<(Position, T)> = rows.by_ref().take(size).collect();
    Page {
        rows: taken,
        next: rows.next().map(|(position, _)| position),
    }
}

/// The number of rows of a page.
pub(crate) fn size_of(paging: &Paging, collection: u64, page: u32) -> usize {
    let hash = random::mix(&[collection, 0x517e, u64::from(page)]);
    let size = random::between(
        hash,
        u64::from(*paging.page_size.start()).max(1),
        u64::from(*paging.page_size.end()),
    );
    usize::try_from(size).unwrap_or(1)
}

/// Whether a page is empty although more rows follow.
pub(crate) fn is_empty(paging: &Paging, collection: u64, page: u32) -> bool {
    random::chance(
        random::mix(&[collection, 0xe_a9e, u64::from(page)]),
        paging.empty_pages,
    )
}

/// Whether the page behind this one begins with this one's last row.
pub(crate) fn repeats_row(paging: &Paging, collection: u64, page: u32) -> bool {
    random::chance(
        random::mix(&[collection, 0xd0_b1e, u64::from(page)]),
        paging.repeated_rows,
    )
}

/// Whether a collection says how many rows it has.
pub(crate) fn is_counted(paging: &Paging, collection: u64) -> bool {
    random::chance(random::mix(&[collection, 0xc0_047]), paging.counted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_survive_and_damaged_ones_do_not() {
        let token = SkipToken {
            collection: 0xdead_beef,
            page: 7,
            position: Some(Position {
                scheduled: -5,
                ordinal: 3,
                row: 9,
            }),
        };
        let text = token.encode();
        assert_eq!(SkipToken::decode(&text), Some(token));
        let beginning = SkipToken {
            position: None,
            ..token
        };
        assert_eq!(SkipToken::decode(&beginning.encode()), Some(beginning));
        assert_eq!(SkipToken::decode(&text[..text.len() - 3]), None);
        let other = if text.ends_with('A') { 'B' } else { 'A' };
        assert_eq!(SkipToken::decode(&format!("{other}{}", &text[1..])), None);
        assert_eq!(SkipToken::decode("nonsense"), None);
    }

    #[test]
    fn a_page_knows_whether_rows_follow() {
        let rows = |count: u32| {
            (0..count).map(|row| {
                (
                    Position {
                        scheduled: 0,
                        ordinal: 0,
                        row,
                    },
                    row,
                )
            })
        };
        assert_eq!(
            cut(rows(3), 2).next,
            Some(Position {
                scheduled: 0,
                ordinal: 0,
                row: 2
            })
        );
        assert_eq!(cut(rows(2), 2).next, None);
        assert_eq!(cut(rows(0), 2).rows.len(), 0);
    }
}
