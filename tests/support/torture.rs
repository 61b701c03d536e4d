//! How hard the suites that torment the program go about it, and how a trial is repeated.

use std::time::Duration;

/// Whether the long form was asked for, with `LCW_TORTURE=long`.
pub fn is_long() -> bool {
    std::env::var("LCW_TORTURE").is_ok_and(|form| form == "long")
}

/// The seeds of the trials: so many in the short form, so many in the long one, or the one that
/// `LCW_SEED` names.
pub fn seeds(short: u64, long: u64) -> Vec<u64> {
    match std::env::var("LCW_SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (1..=if is_long() { long } else { short }).collect(),
    }
}

/// Says how a trial is repeated, should it fail while this lives.
pub struct Replay {
    seed: u64,
    command: &'static str,
}

impl Replay {
    /// `command` is what runs the test alone.
    pub fn of(seed: u64, command: &'static str) -> Self {
        Self { seed, command }
    }
}

impl Drop for Replay {
    #[expect(clippy::print_stderr, reason = "beside what the failed test says")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("repeat it with LCW_SEED={} {}", self.seed, self.command);
        }
    }
}

/// The same throws for the same seed.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The dice of a trial.
    pub fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// A number below `sides`.
    pub fn below(&mut self, sides: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % sides
    }

    /// Once in so many times.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// A moment before `end`.
    pub fn moment(&mut self, end: Duration) -> Duration {
        let micros = u64::try_from(end.as_micros()).unwrap();
        Duration::from_micros(self.below(micros.max(1)))
    }
}
