//! How hard the suites that torment the program go about it, and how a trial is repeated.
//!
//! `LCW_TORTURE=long` chooses the long form; `LCW_SEED=n` plays one seed alone, `LCW_SEEDS=a..b`
//! these, `LCW_SEEDS=n` the first n.

use std::ops::Range;

/// Whether the long form was asked for, with `LCW_TORTURE=long`.
pub fn is_long() -> bool {
    std::env::var("LCW_TORTURE").is_ok_and(|form| form == "long")
}

/// The one seed that was asked for.
pub fn single_seed() -> Option<u64> {
    let seed = std::env::var("LCW_SEED").ok()?;
    Some(seed.parse().expect("LCW_SEED is a number"))
}

/// The seeds of the trials: those that were asked for, else so many as the form has.
pub fn seeds(short: u64, long: u64) -> Range<u64> {
    if let Some(seed) = single_seed() {
        return seed..seed + 1;
    }
    let Ok(asked) = std::env::var("LCW_SEEDS") else {
        return 0..if is_long() { long } else { short };
    };
    let number = |text: &str| text.parse().expect("LCW_SEEDS is a..b or a number");
    match asked.split_once("..") {
        Some((first, end)) => number(first)..number(end),
        None => 0..number(&asked),
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
