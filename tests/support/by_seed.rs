//! Many cases at once, each of which can be played again by its seed.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// As many failures are shown; what is wrong shows in the first.
const MOST_FAILURES: usize = 10;
/// How often a long run says how far it is.
const REPORT_EVERY: Duration = Duration::from_secs(30);

/// Plays every seed, on as many threads as there are cores, and says of those that failed how to
/// play them again.
///
/// # Panics
/// When one of them does.
pub fn play_all(test: &str, seeds: Range<u64>, play: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(seeds.start);
    let failed = Mutex::new(Vec::new());
    let started = Instant::now();
    let reported = Mutex::new(started);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end || failed.lock().unwrap().len() >= MOST_FAILURES {
                break;
            }
            if catch_unwind(AssertUnwindSafe(|| play(seed))).is_err() {
                complain(test, seed);
                failed.lock().unwrap().push(seed);
            }
            report(&reported, test, seed - seeds.start, started);
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(work);
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{test}: these seeds failed: {failed:?}");
}

#[expect(
    clippy::print_stderr,
    reason = "says which case failed before the next one speaks"
)]
fn complain(test: &str, seed: u64) {
    eprintln!(
        "{test}: seed {seed} failed; alone: LCW_SEED={seed} cargo test --locked -p lcw-tests --test seeds {test}"
    );
}

#[expect(clippy::print_stderr, reason = "nobody waits an hour without a word")]
fn report(reported: &Mutex<Instant>, test: &str, done: u64, started: Instant) {
    let mut last = reported.lock().unwrap();
    if last.elapsed() >= REPORT_EVERY {
        *last = Instant::now();
        eprintln!("{test}: {done} done in {} s", started.elapsed().as_secs());
    }
}
