//! Chance that can be repeated: everything random in a test comes from its seed.

use std::ops::RangeInclusive;
use std::time::Duration;

/// A generator of numbers (SplitMix64): the same seed, the same numbers, on every machine.
#[derive(Debug, Clone)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// Begins anew.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits.
    pub const fn roll(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number of the range.
    pub fn within(&mut self, range: RangeInclusive<u32>) -> u32 {
        let (first, last) = (u64::from(*range.start()), u64::from(*range.end()));
        let number = first + self.roll() % (last - first + 1);
        u32::try_from(number).unwrap()
    }

    /// An index below `count`.
    pub fn below(&mut self, count: usize) -> usize {
        let count = u64::try_from(count).unwrap();
        usize::try_from(self.roll() % count).unwrap()
    }

    /// Yes, so many times in a hundred.
    pub const fn percent(&mut self, share: u64) -> bool {
        self.roll() % 100 < share
    }

    /// One of these.
    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    /// Once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// A moment before `end`.
    pub fn moment(&mut self, end: Duration) -> Duration {
        let micros = u64::try_from(end.as_micros()).unwrap();
        Duration::from_micros(self.roll() % micros.max(1))
    }
}
