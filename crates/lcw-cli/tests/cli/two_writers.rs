//! Two exports that start at the same instant on one dataset: one writes, the other leaves at once,
//! and nothing is lost.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use lcw_pipeline::FileFormat;
use lcw_simulator::{Endpoint, RunPlan};
use lcw_tests::Dice;
use lcw_tests::compact;
use lcw_tests::torture::{Replay, seeds};
use serde_json::Value;

use crate::desk::{Desk, NDJSON, data_files};
use crate::program::{Ended, Lcw};

const COMMAND: &str = "cargo test -p lcw-cli --test cli two_writers";
const DAY: Duration = Duration::from_hours(24);
const AT_ONCE: Duration = Duration::from_secs(1);

/// The other writer, beside an export in Parquet.
const OTHERS: [&str; 3] = [
    "export --out data --json",
    "export --out data --json --format ndjson",
    "backfill --out data --json --from 2026-11-10 --to 2026-12-10",
];

/// How one of the two went.
struct Went {
    ended: Ended,
    took: Duration,
}

fn went(lcw: Lcw) -> Went {
    let started = Instant::now();
    let ended = lcw.run();
    Went {
        ended,
        took: started.elapsed(),
    }
}

/// Both at the same instant.
fn race(one: Lcw, other: Lcw) -> [Went; 2] {
    let other = thread::spawn(move || went(other));
    let one = went(one);
    [one, other.join().unwrap()]
}

/// The tenant that the second of the two sees is no longer the one that the first saw.
fn change_meanwhile(desk: &Desk, dice: &mut Dice) {
    let how = dice.below(3);
    let tenant = Arc::downgrade(&desk.tenant);
    desk.tenant.before(Endpoint::Workflows, 2, move || {
        let tenant = tenant.upgrade().unwrap();
        match how {
            0 => tenant.advance(DAY),
            1 => {
                let live = tenant.workflow_ids().remove(0);
                tenant.add_run(&live, &RunPlan::new(tenant.now(), 3));
            }
            _ => {
                let live = tenant.workflow_ids().remove(1);
                tenant.rename_workflow(&live, "Seen by one of two");
            }
        }
    });
}

/// The format that the first writer gave the dataset.
fn format_of(data: &Path) -> FileFormat {
    let text = std::fs::read_to_string(data.join("_dataset.json")).unwrap();
    let identity: Value = serde_json::from_str(&text).unwrap();
    match identity["format"].as_str().unwrap() {
        "parquet" => FileFormat::Parquet,
        _ => NDJSON,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn one_writes_and_the_other_leaves_at_once() {
    let trials = seeds(8, 200);
    let mut left = Vec::new();
    let mut codes = BTreeMap::<_, u32>::new();
    for seed in trials.clone() {
        let _replay = Replay::of(seed, COMMAND);
        let mut dice = Dice::new(seed);
        let desk = Desk::of(compact(seed)).await;
        if dice.once_in(2) {
            desk.export();
            desk.tenant.advance(3 * DAY);
        }
        desk.tenant.reset_requests();
        change_meanwhile(&desk, &mut dice);
        let other = OTHERS[usize::try_from(seed % 3).unwrap()];
        let both = race(desk.lcw("export --out data --json"), desk.lcw(other));
        left.extend(both.iter().filter_map(|went| left_at_once(&desk, went)));
        let mut ends = both.map(|went| went.ended.code.unwrap());
        ends.sort_unstable();
        *codes.entry(ends).or_default() += 1;
        assert_eq!(ends[0], 0, "nobody wrote");
        assert_nothing_lost(&desk);
    }
    assert_promptness(&mut left, trials.count(), &codes);
}

/// How long the one took that found the dataset held; it asked no more than which workflows there
/// are, as whoever has nothing to lock for yet.
fn left_at_once(desk: &Desk, went: &Went) -> Option<Duration> {
    let ended = &went.ended;
    match ended.code {
        Some(75) => {
            let summary = ended.json();
            assert_eq!(summary["status"], "failed", "{ended}");
            assert!(summary["manifest"].is_null(), "{ended}");
            let count = |endpoint| desk.tenant.count(endpoint);
            let lists = count(Endpoint::Workflows) + count(Endpoint::DeletedWorkflows);
            let sent = summary["requests"]["sent"].as_u64().unwrap();
            // Of the lists that two have read, one has read half.
            assert!(sent == 0 || sent * 2 == lists, "{sent} of {lists}: {ended}");
            ended.says(&["another export holds data", "wait until"]);
            Some(went.took)
        }
        // The dataset that the other has just made is of another format.
        Some(2) => {
            ended.says(&["the dataset's format is "]);
            None
        }
        Some(0) => None,
        _ => panic!("{ended}"),
    }
}

/// One more export brings what the tenant has now, and every table is the whole truth.
fn assert_nothing_lost(desk: &Desk) {
    let format = format_of(&desk.data());
    let name = match format {
        FileFormat::Parquet => "parquet",
        FileFormat::Ndjson(_) => "ndjson",
    };
    let line = format!("export --out data --json --format {name}");
    desk.lcw(&line).run().with(0);
    desk.assert_whole(format);
    for file in data_files(&desk.data()).into_keys() {
        assert!(file.to_string_lossy().contains(name), "{}", file.display());
    }
}

/// The promise is a time, and the machine may be busy: half of those who left have kept it.
#[expect(clippy::print_stderr, reason = "figures worth reading")]
fn assert_promptness(left: &mut [Duration], trials: usize, codes: &BTreeMap<[i32; 2], u32>) {
    left.sort_unstable();
    let told = format!("{} of {trials} trials: {codes:?}, {left:?}", left.len());
    assert!(left.len() * 2 > trials, "too few races: {told}");
    assert!(left[left.len() / 2] < AT_ONCE, "{told}");
    assert!(left[left.len() - 1] < 10 * AT_ONCE, "{told}");
    eprintln!("two writers: {told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn whoever_is_killed_holds_nothing_any_more() {
    for seed in seeds(3, 40) {
        let _replay = Replay::of(seed, COMMAND);
        let desk = Desk::of(compact(seed)).await;
        let nth = Dice::new(seed).within(1..=30).into();
        let busy = desk.trickle_from(nth);
        let first = desk.lcw("export --out data").start();
        busy.recv_timeout(Duration::from_mins(1)).unwrap();
        desk.lcw("export --out data").run().with(75);
        first.signal("KILL");
        // Not even waited for.
        desk.tenant.clear_faults();
        let mut next = desk.lcw("export --out data --json").run();
        if next.code == Some(75) {
            // A signal is sent, not yet taken.
            assert!(first.end().was_killed);
            next = desk.lcw("export --out data --json").run();
        }
        next.with(0);
        desk.assert_whole(FileFormat::Parquet);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_folder_that_is_not_there_yet_is_made_by_one_of_many() {
    for seed in seeds(2, 30) {
        let _replay = Replay::of(seed, COMMAND);
        let desk = Desk::of(compact(seed)).await;
        let start = || desk.lcw("export --out new/folders/data --json").start();
        let racers: Vec<_> = (0..4).map(|_| start()).collect();
        let ended: Vec<Ended> = racers.into_iter().map(|racer| racer.end()).collect();
        let done = ended.iter().filter(|ended| ended.code == Some(0)).count();
        let left = ended.iter().filter(|ended| ended.code == Some(75)).count();
        assert!(done > 0 && done + left == 4, "{ended:?}");
        desk.lcw("export --out new/folders/data").run().with(0);
        let data = desk.folder().join("new/folders/data");
        desk.assert_holds(&data, FileFormat::Parquet, &lcw_transform::Table::DEFAULT);
    }
}
