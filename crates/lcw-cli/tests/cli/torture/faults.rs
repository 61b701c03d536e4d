//! A disk that refuses one call: every one in its turn, with whatever it may say.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use nix::errno::Errno;
use nix::libc;

use super::call::{Call, Point};
use super::say;
use super::scene::{FORMATS, Scene, Work};
use super::tracer::{Traced, Verdict};
use lcw_tests::Dice;
use lcw_tests::torture::{Replay, is_long, seeds};

/// What becomes of a call on a bad day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// It fails.
    Error(i32),
    /// It writes half of what it was to write.
    Half,
}

impl Outcome {
    const fn of(error: Errno) -> Self {
        Self::Error(error as i32)
    }

    fn verdict(self) -> Verdict {
        match self {
            Self::Error(error) => Verdict::fail(Errno::from_raw(error)),
            Self::Half => Verdict::Half,
        }
    }

    fn is(self, error: Errno) -> bool {
        self == Self::of(error)
    }

    /// Whether it is to be got over: the call is made again, or can be done without.
    fn is_harmless(self) -> bool {
        self == Self::Half || self.is(Errno::EINTR) || self.is(Errno::EINVAL)
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Error(error) => Errno::from_raw(*error).fmt(f),
            Self::Half => f.write_str("half of it written"),
        }
    }
}

/// What a call may come to.
fn outcomes(call: &Call) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> = errors(call).iter().copied().map(Outcome::of).collect();
    if matches!(call.name, "write" | "pwrite64") && call.data.len() > 1 {
        outcomes.push(Outcome::Half);
    }
    outcomes
}

fn errors(call: &Call) -> &'static [Errno] {
    use Errno::{
        EACCES, EDQUOT, EFBIG, EINTR, EINVAL, EIO, EMFILE, EMLINK, ENFILE, ENOLCK, ENOSPC,
        EOPNOTSUPP, EROFS, EXDEV,
    };
    match call.name {
        "write" | "pwrite64" | "copy_file_range" | "sendfile" => {
            &[ENOSPC, EDQUOT, EIO, EFBIG, EINTR]
        }
        "fsync" | "fdatasync" if call.is_of_folder => &[EIO, ENOSPC, EDQUOT, EINVAL],
        "fsync" | "fdatasync" | "ftruncate" => &[EIO, ENOSPC, EDQUOT],
        "rename" | "renameat" | "renameat2" => &[EIO, ENOSPC, EDQUOT, EACCES, EXDEV, EROFS],
        "openat" if call.is_nameless() => &[
            EMFILE, ENFILE, EACCES, ENOSPC, EDQUOT, EROFS, EIO, EOPNOTSUPP, EINTR,
        ],
        "openat" if call.has_flag(libc::O_CREAT) => {
            &[EMFILE, ENFILE, EACCES, ENOSPC, EDQUOT, EROFS, EIO, EINTR]
        }
        // opendir(3) does not try again, and no local file system wants it to.
        "openat" if call.has_flag(libc::O_DIRECTORY) => &[EMFILE, ENFILE, EACCES, EIO],
        "openat" => &[EMFILE, ENFILE, EACCES, EIO, EINTR],
        "mkdir" => &[ENOSPC, EDQUOT, EIO, EACCES, EROFS, EMLINK],
        "flock" => &[EIO, ENOLCK],
        "fcntl" => &[EMFILE],
        "unlink" | "unlinkat" | "rmdir" => &[EIO, EACCES, EROFS],
        "statx" | "newfstatat" | "fstat" | "lstat" | "stat" => &[EIO, EACCES],
        "read" => &[EIO, EINTR],
        "pread64" | "getdents64" => &[EIO],
        // No file system refuses to close a folder, and the standard library relies on it.
        "close" if !call.is_of_folder => &[EIO],
        _ if call.changes() => panic!("nobody knows how this may fail: {call:?}"),
        _ => &[],
    }
}

/// A call and what it comes to.
type Pair = (usize, Outcome);

fn pairs(record: &[Call]) -> Vec<Pair> {
    let calls = record.iter().enumerate();
    calls
        .flat_map(|(index, call)| outcomes(call).into_iter().map(move |it| (index, it)))
        .collect()
}

/// Every call that changes something, and of those that look at one path or at a piece of one file
/// the first and the last, with every error.
fn thorough(record: &[Call], root: &std::path::Path) -> Vec<Pair> {
    let all = pairs(record);
    let kind = |(index, outcome): Pair| (record[index].label(root), outcome);
    let (mut first, mut last) = (BTreeMap::new(), BTreeMap::new());
    for &pair in &all {
        first.entry(kind(pair)).or_insert(pair.0);
        last.insert(kind(pair), pair.0);
    }
    let is_end = |pair| first[&kind(pair)] == pair.0 || last[&kind(pair)] == pair.0;
    let chosen = all.into_iter();
    chosen
        .filter(|&pair| record[pair.0].changes() || is_end(pair))
        .collect()
}

/// Few of them, and yet each kind of call with each error, and each call that changes something.
fn sample(record: &[Call], root: &std::path::Path, dice: &mut Dice) -> Vec<Pair> {
    let all = pairs(record);
    let (mut kinds, mut places) = (BTreeSet::new(), BTreeSet::new());
    let mut chosen = Vec::new();
    let mut order: Vec<usize> = (0..all.len()).collect();
    for index in (1..order.len()).rev() {
        order.swap(index, dice.below(index + 1));
    }
    for (index, outcome) in order.into_iter().map(|index| all[index]) {
        let call = &record[index];
        let is_new_kind = kinds.insert((call.name, call.changes(), outcome));
        // Files are read piece by piece: of what changes nothing, a kind stands for all.
        let is_new_place = call.changes() && places.insert(call.label(root));
        if is_new_place || is_new_kind {
            chosen.push((index, outcome));
        }
    }
    chosen
}

/// Fails one call. What was there stays, whatever is said is one clear error or the whole truth,
/// and the next export makes up for it. Says whether the call was made.
fn fail(scene: &Scene, record: &[Call], (point, outcome): Pair) -> bool {
    let root = scene.root();
    let what = format!(
        "call {point}, {}, with {outcome}",
        record[point].label(&root)
    );
    let mut wait = Point::of(record, point, &root);
    let mut failed = None;
    let traced = scene.trace(|index, call| {
        if wait.is_met(call, &root) {
            failed = Some(index);
            outcome.verdict()
        } else {
            Verdict::Go
        }
    });
    let Some(failed) = failed else {
        // One piece of a file less to be read.
        assert!(
            !record[point].changes(),
            "{what}: it was never made: {}",
            traced.ended
        );
        return false;
    };
    scene.assert_sound(&what);
    match traced.ended.code {
        Some(0) => scene.assert_true_rows(&what),
        _ => assert_clear(&traced, exit_code(&record[point], outcome), &what),
    }
    if outcome.is_harmless() {
        assert_eq!(traced.ended.code, Some(0), "{what}: {}", traced.ended);
    } else {
        assert_never_trusted(&traced, failed, &what);
    }
    if outcome.is(Errno::EINVAL) {
        // Where folders cannot be flushed nobody can promise when a name is on the disk.
        scene.assert_heals(&what);
    } else {
        scene.assert_heals_for_good(&traced.calls, &what);
    }
    true
}

/// A folder in which no file may be made is a matter of the configuration: that is tried out with
/// a file without a name before anything is asked.
fn exit_code(call: &Call, outcome: Outcome) -> i32 {
    let is_refusal = outcome.is(Errno::EACCES) || outcome.is(Errno::EROFS);
    if call.is_nameless() && is_refusal {
        2
    } else {
        1
    }
}

/// One error, which names a place.
fn assert_clear(traced: &Traced, code: i32, what: &str) {
    let ended = &traced.ended;
    assert_eq!(ended.code, Some(code), "{what}: {ended}");
    let errors = ended
        .stderr
        .lines()
        .filter(|line| line.starts_with("error: "));
    let errors: Vec<&str> = errors.collect();
    assert!(
        errors.len() == 1 && errors[0].contains("/data"),
        "{what}: {ended}"
    );
    assert!(!ended.stderr.contains("panicked"), "{what}: {ended}");
}

/// After a flush has failed the pages may be gone: the file never gets a name that readers see.
fn assert_never_trusted(traced: &Traced, point: usize, what: &str) {
    let failed = &traced.calls[point];
    if !matches!(failed.name, "fsync" | "fdatasync") || failed.is_of_folder {
        return;
    }
    let later = &traced.calls[point + 1..];
    let is_used =
        |call: &&Call| matches!(call.name, "fsync" | "rename") && call.path == failed.path;
    assert!(!later.iter().any(|call| is_used(&call)), "{what}");
}

async fn refused(work: Work, formats: &[usize], test: &'static str) {
    for &format in formats {
        let scene = Scene::small(work, FORMATS[format]).await;
        let record = scene.record();
        for seed in seeds(1, 1) {
            let _replay = Replay::of(seed, test);
            let started = Instant::now();
            let chosen = if is_long() {
                thorough(&record, &scene.root())
            } else {
                sample(&record, &scene.root(), &mut Dice::new(seed))
            };
            let is_met = |pair: &&Pair| fail(&scene, &record, **pair);
            let met = chosen.iter().filter(is_met).count();
            say(&format!(
                "{work:?} {}: {met} faults of {} chosen, of {} calls, in {:?}",
                FORMATS[format].0,
                chosen.len(),
                record.len(),
                started.elapsed()
            ));
            assert!(met > 60, "{met} faults");
            assert!(met * 10 >= chosen.len() * 9, "{met} of {}", chosen.len());
        }
    }
}

/// The formats in which something is tried: all of them, or one for everybody's tests.
fn formats(short: usize) -> Vec<usize> {
    if is_long() { vec![0, 1] } else { vec![short] }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_export_of_which_a_call_fails_loses_nothing() {
    let test =
        "cargo test --package lcw-cli --test cli an_export_of_which_a_call_fails_loses_nothing";
    refused(Work::Export, &formats(0), test).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_backfill_of_which_a_call_fails_loses_nothing() {
    let test =
        "cargo test --package lcw-cli --test cli a_backfill_of_which_a_call_fails_loses_nothing";
    refused(Work::Backfill, &formats(1), test).await;
}

/// Says that it was written, and writes nothing: what is staged is looked at before it is
/// published.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn rows_that_the_disk_loses_are_missed_before_they_are_published() {
    for format in FORMATS {
        let scene = Scene::small(Work::Export, format).await;
        let record = scene.record();
        let root = scene.root();
        let is_of_rows =
            |call: &Call| call.name == "write" && call.path.to_string_lossy().contains("-part-0.");
        let points: Vec<usize> = (0..record.len())
            .filter(|index| is_of_rows(&record[*index]))
            .collect();
        assert!(points.len() >= 7, "{} files", points.len());
        for &point in &points {
            let what = format!("call {point}, {}, lost", record[point].label(&root));
            let traced = scene.trace(|index, call| match index {
                index if index == point => Verdict::Answer(call.data.len().try_into().unwrap()),
                _ => Verdict::Go,
            });
            scene.assert_sound(&what);
            if traced.ended.code == Some(0) {
                // Nothing of it was to be published.
                scene.assert_true_rows(&what);
            } else {
                let ended = traced.ended.with(1);
                ended.says(&["is not what was written"]);
            }
            scene.assert_heals(&what);
        }
        say(&format!("{}: {} writes lost", format.0, points.len()));
    }
}
