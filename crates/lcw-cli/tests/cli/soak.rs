//! A cron job over weeks of a tenant: exports are killed, stopped, run into a full disk and into the
//! service's troubles, and in the end nothing is missing and nothing is left lying about.

use std::thread;
use std::time::{Duration, Instant};

use lcw_pipeline::FileFormat;
use lcw_simulator::Endpoint;
use lcw_tests::Dice;
use lcw_tests::facts;
use lcw_tests::torture::{Replay, is_long, seeds};
use lcw_tests::weeks::{Size, Weeks, assert_holds_everything_ever};
use lcw_transform::Table;

use crate::desk::{Desk, contents};
use crate::program::{Ended, Lcw};

const COMMAND: &str = "cargo test -p lcw-cli --test cli soak";
const STEP: Duration = Duration::from_hours(8);

/// What an export meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    LeftAlone,
    Killed,
    Stopped,
    FullDisk,
}

impl Fate {
    fn of(dice: &mut Dice) -> Self {
        match dice.below(8) {
            0 => Self::Killed,
            1 => Self::Stopped,
            2 => Self::FullDisk,
            _ => Self::LeftAlone,
        }
    }
}

fn size() -> Size {
    Size {
        workflows: 5,
        history: if is_long() { 29 } else { 12 },
        every: Duration::from_hours(24),
        users: 4,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn weeks_of_a_cron_job() {
    for seed in seeds(1, 2) {
        let _replay = Replay::of(seed, COMMAND);
        let desk = Desk::of(Weeks::config(seed, size())).await;
        std::fs::create_dir(desk.folder().join("tmp")).unwrap();
        let mut weeks = Weeks::new(seed, size(), &desk.tenant);
        let mut dice = Dice::new(seed + 1_000);
        let mut last_whole = desk.tenant.now();
        let mut took = Duration::from_secs(1);
        for round in 0..if is_long() { 400 } else { 24 } {
            weeks.pass(&desk.tenant, STEP, last_whole);
            if dice.once_in(3) {
                weeks.strike(&desk.tenant);
            }
            let fate = Fate::of(&mut dice);
            let started = Instant::now();
            let ended = meet(fate, &lcw(&desk), took, &mut dice);
            if ended.code == Some(0) {
                (last_whole, took) = (desk.tenant.now(), started.elapsed());
            } else {
                assert_ne!(fate, Fate::LeftAlone, "round {round}: {ended}");
            }
            desk.tenant.clear_faults();
        }
        lcw(&desk)().run().with(0);
        assert_nothing_missing(&desk);
        assert_nothing_new(&desk);
    }
}

fn lcw(desk: &Desk) -> impl Fn() -> Lcw {
    move || {
        let lcw = desk.lcw("export --out data --json");
        lcw.env("TMPDIR", desk.folder().join("tmp"))
    }
}

fn meet(fate: Fate, lcw: &impl Fn() -> Lcw, took: Duration, dice: &mut Dice) -> Ended {
    match fate {
        Fate::LeftAlone => lcw().run(),
        Fate::FullDisk => {
            let blocks = 1 + dice.below(24);
            let full = format!("trap '' XFSZ; ulimit -f {blocks}");
            let ended = lcw().in_shell(&full).run();
            assert!([Some(0), Some(1)].contains(&ended.code), "{ended}");
            ended
        }
        Fate::Killed => signalled(lcw().start(), "KILL", 137, dice.moment(took)),
        Fate::Stopped => signalled(lcw().start(), "TERM", 143, dice.moment(took)),
    }
}

fn signalled(running: crate::program::Running, name: &str, code: i32, after: Duration) -> Ended {
    thread::sleep(after);
    running.signal(name);
    let ended = running.end();
    assert!([Some(0), Some(code)].contains(&ended.code), "{ended}");
    ended
}

fn assert_nothing_missing(desk: &Desk) {
    for table in Table::DEFAULT {
        let tenant = desk.tenant.tenant_id();
        let found = facts(&desk.data(), FileFormat::Parquet, tenant, table);
        assert_holds_everything_ever(&desk.tenant, table, &found);
    }
    let mut left = contents(&desk.data().join("_staging"));
    left.extend(contents(&desk.folder().join("tmp")));
    assert!(left.values().all(Option::is_none), "{:?}", left.keys());
    desk.bare("status --out data").run().with(0);
}

/// However much there is by now, and however it came there: one request for each page of the
/// listings.
fn assert_nothing_new(desk: &Desk) {
    desk.tenant.reset_requests();
    let ended = lcw(desk)().run().with(0);
    let listings = lcw_tests::listings(&desk.tenant);
    assert_eq!(lcw_tests::asked(&desk.tenant), listings);
    assert_eq!(ended.json()["requests"]["sent"], listings.len());
    assert_eq!(desk.tenant.count(Endpoint::Token), 1);
}
