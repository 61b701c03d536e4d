//! Percentiles of many values in little room.

use std::collections::BTreeMap;

use serde::Serialize;

/// Values that are kept as they are; more of them are counted in buckets.
const EXACT: usize = 1 << 16;

/// Bits of a value that a bucket keeps below the first one: it is at most 1/128 wide.
const BITS: u32 = 7;

/// How values are spread. Exact for the first 65,536 values; beyond, values are counted in buckets
/// that are less than one percent wide, so that memory does not grow with their number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spread {
    exact: Vec<i64>,
    /// Values by the lower end of their bucket; empty while all are kept.
    buckets: BTreeMap<i64, u64>,
    count: u64,
}

/// What is said of a spread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Quantiles {
    /// How many values there are.
    pub count: u64,
    /// The smallest value that at least half of the values do not exceed; null without values.
    pub p50_ms: Option<i64>,
    /// The smallest value that at least 95 % of the values do not exceed; null without values.
    pub p95_ms: Option<i64>,
    /// The largest value; null without values.
    pub max_ms: Option<i64>,
}

impl Spread {
    pub(crate) fn add(&mut self, value: i64) {
        self.count += 1;
        if !self.buckets.is_empty() {
            *self.buckets.entry(bucket(value)).or_default() += 1;
            return;
        }
        self.exact.push(value);
        if self.exact.len() > EXACT {
            for value in std::mem::take(&mut self.exact) {
                *self.buckets.entry(bucket(value)).or_default() += 1;
            }
        }
    }

    /// Adds all values of another spread.
    pub(crate) fn unite(&mut self, other: &Self) {
        other.exact.iter().for_each(|value| self.add(*value));
        if other.buckets.is_empty() {
            return;
        }
        for value in std::mem::take(&mut self.exact) {
            *self.buckets.entry(bucket(value)).or_default() += 1;
        }
        for (value, count) in &other.buckets {
            *self.buckets.entry(*value).or_default() += count;
            self.count += count;
        }
    }

    pub(crate) fn quantiles(&mut self) -> Quantiles {
        self.exact.sort_unstable();
        Quantiles {
            count: self.count,
            p50_ms: self.at(50),
            p95_ms: self.at(95),
            max_ms: self.at(100),
        }
    }

    /// The nearest rank: of sorted values the one at place `count * percent / 100`, rounded up.
    fn at(&self, percent: u64) -> Option<i64> {
        let rank = (self.count * percent).div_ceil(100).max(1);
        if self.buckets.is_empty() {
            let place = usize::try_from(rank - 1).ok()?;
            return self.exact.get(place).copied();
        }
        let mut seen = 0;
        self.buckets.iter().find_map(|(value, count)| {
            seen += count;
            (seen >= rank).then_some(*value)
        })
    }
}

/// The lower end of a value's bucket.
fn bucket(value: i64) -> i64 {
    let size = value.unsigned_abs();
    let spare = (64 - size.leading_zeros()).saturating_sub(BITS + 1);
    let rough = i64::try_from(size >> spare << spare).unwrap_or(i64::MAX);
    if value < 0 { -rough } else { rough }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = i64>) -> Quantiles {
        let mut spread = Spread::default();
        values.into_iter().for_each(|value| spread.add(value));
        spread.quantiles()
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        assert_eq!(of([]), Quantiles::default());
        let one = of([7]);
        assert_eq!(
            (one.p50_ms, one.p95_ms, one.max_ms),
            (Some(7), Some(7), Some(7))
        );
        let hundred = of((1..=100).rev());
        assert_eq!((hundred.p50_ms, hundred.p95_ms), (Some(50), Some(95)));
        let twenty = of(1..=20);
        assert_eq!((twenty.p50_ms, twenty.p95_ms), (Some(10), Some(19)));
        assert_eq!(of([-5, 3]).p50_ms, Some(-5));
    }

    #[test]
    fn many_values_take_little_room_and_are_right_within_a_percent() {
        let mut spread = Spread::default();
        for value in 0..400_000 {
            spread.add((value * 7_919) % 400_000);
        }
        assert!(spread.exact.is_empty() && spread.buckets.len() < 3_000);
        let mut few = Spread::default();
        few.add(7);
        few.unite(&spread);
        assert_eq!((few.count, few.at(95)), (400_001, spread.at(95)));
        let found = spread.quantiles();
        assert_eq!(found.count, 400_000);
        for (found, exact) in [
            (found.p50_ms, 200_000),
            (found.p95_ms, 380_000),
            (found.max_ms, 399_999),
        ] {
            let off = exact - found.unwrap();
            assert!((0..=exact / 100).contains(&off), "{found:?} for {exact}");
        }
    }
}
