//! Exit codes of the `lcw` program, one constant each, and which one wins.

/// Done and proven: every requested table, workflow and day is covered.
pub const DONE: u8 = 0;
/// The export failed; what was committed before stays good.
pub const FAILED: u8 = 1;
/// The command line, the pipeline file or the environment does not make sense.
pub const USAGE: u8 = 2;
/// No usable credentials, or a permission without which nothing can be read.
pub const CREDENTIALS: u8 = 3;
/// What is committed is good, but some of what was asked for could not be fetched.
pub const PARTIAL: u8 = 4;
/// Committed, but the counts do not prove completeness, or days were lost for good.
pub const UNPROVEN: u8 = 5;
/// A condition of `--fail-on` is met.
pub const CONDITION: u8 = 6;
/// Throttled past the deadline.
pub const THROTTLED: u8 = 7;
/// Another export holds the dataset.
pub const LOCKED: u8 = 75;
/// Stopped by SIGINT.
pub const INTERRUPTED: u8 = 130;
/// Stopped by SIGTERM.
pub const TERMINATED: u8 = 143;

/// The code to end with where several hold: credentials, throttled, partial, unproven.
pub fn strongest(codes: impl IntoIterator<Item = u8>) -> u8 {
    const ORDER: [u8; 4] = [CREDENTIALS, THROTTLED, PARTIAL, UNPROVEN];
    let rank = |code: u8| ORDER.iter().position(|known| *known == code);
    codes
        .into_iter()
        .filter(|code| *code != DONE)
        .min_by_key(|code| rank(*code).map_or(0, |rank| rank + 1))
        .unwrap_or(DONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_order_decides_where_several_codes_hold() {
        assert_eq!(strongest([]), DONE);
        assert_eq!(strongest([DONE, UNPROVEN]), UNPROVEN);
        assert_eq!(strongest([UNPROVEN, PARTIAL]), PARTIAL);
        assert_eq!(strongest([PARTIAL, UNPROVEN, THROTTLED]), THROTTLED);
        assert_eq!(strongest([THROTTLED, CREDENTIALS, PARTIAL]), CREDENTIALS);
        assert_eq!(strongest([CREDENTIALS, FAILED]), FAILED);
    }
}
