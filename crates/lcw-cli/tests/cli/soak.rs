//! A cron job over weeks of a tenant: exports are killed, stopped, run into a limit on the size of
//! files and into the service's troubles, and in the end nothing is missing and nothing is left lying
//! about. A disk that is really full is a matter of `torture::full`.

use std::collections::BTreeMap;

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
use crate::program::{Ended, Lcw, Running};

const COMMAND: &str = "cargo test -p lcw-cli --test cli soak";
const STEP: Duration = Duration::from_hours(8);

/// What an export meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    LeftAlone,
    Killed,
    Stopped,
    /// No file may be larger than some KiB: `EFBIG`, by `ulimit -f`.
    FilesTooLarge,
}

impl Fate {
    /// What it does not survive.
    const DISTURBED: [Self; 3] = [Self::Killed, Self::Stopped, Self::FilesTooLarge];

    /// Each of them in its turn, every other time.
    fn of(round: usize, dice: &mut Dice) -> Self {
        if dice.once_in(2) {
            Self::DISTURBED[round % Self::DISTURBED.len()]
        } else {
            Self::LeftAlone
        }
    }

    /// The exit code of an export that was not over before, as a shell has it.
    fn code(self) -> i32 {
        match self {
            Self::LeftAlone => 0,
            Self::Killed => 137,
            Self::Stopped => 143,
            Self::FilesTooLarge => 1,
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
        let mut struck = BTreeMap::from(Fate::DISTURBED.map(|fate| (fate, 0)));
        for round in 0..if is_long() { 400 } else { 24 } {
            weeks.pass(&desk.tenant, STEP, last_whole);
            if dice.once_in(3) {
                weeks.strike(&desk.tenant);
            }
            let fate = Fate::of(round, &mut dice);
            let started = Instant::now();
            let ended = meet(fate, &lcw(&desk), took, &mut dice);
            if ended.code == Some(0) {
                (last_whole, took) = (desk.tenant.now(), started.elapsed());
            } else {
                assert_eq!(ended.code, Some(fate.code()), "round {round}: {ended}");
                *struck.get_mut(&fate).unwrap() += 1;
            }
            desk.tenant.clear_faults();
        }
        tell(&struck);
        assert!(struck.values().all(|times| *times > 0), "{struck:?}");
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

#[expect(clippy::print_stderr, reason = "what befell the exports")]
fn tell(struck: &BTreeMap<Fate, u32>) {
    eprintln!("soak: exports that did not come to their end: {struck:?}");
}

/// An export with this fate, unless it is over before that comes.
fn meet(fate: Fate, lcw: &impl Fn() -> Lcw, took: Duration, dice: &mut Dice) -> Ended {
    match fate {
        Fate::LeftAlone => lcw().run(),
        Fate::FilesTooLarge => {
            let blocks = 1 + dice.below(24);
            let limited = format!("trap '' XFSZ; ulimit -f {blocks}");
            lcw().in_shell(&limited).run()
        }
        Fate::Killed => signalled(lcw().start(), "KILL", dice.moment(took)),
        Fate::Stopped => signalled(lcw().start(), "TERM", dice.moment(took)),
    }
}

fn signalled(running: Running, name: &str, after: Duration) -> Ended {
    thread::sleep(after);
    running.signal(name);
    running.end()
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
