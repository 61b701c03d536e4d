//! The tenant's side: weeks pass, and after each export its figures are looked at.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use lcw_pipeline::FileFormat;
use lcw_simulator::{Contents, Reading, Simulator, TrueRun};
use lcw_tests::Dice;
use lcw_tests::expected::micros;
use lcw_tests::torture::{Replay, is_long, seeds};
use lcw_tests::weeks::{Size, Weeks, assert_holds_everything_ever};
use lcw_tests::{CORE, asked, facts, listings};

use crate::EXPORTER;
use crate::exporter::{Order, Orders, Report};
use crate::figures::{Figures, slope};

const COMMAND: &str = "cargo test -p lcw-tests --test soak";
/// The system's allocator gives back what is free, and has one place for all threads: what is resident is then
/// what the process needs, instead of anything from that to twice as much.
const GIVES_BACK: [(&str, &str); 3] = [
    ("MALLOC_ARENA_MAX", "1"),
    ("MALLOC_MMAP_THRESHOLD_", "65536"),
    ("MALLOC_TRIM_THRESHOLD_", "65536"),
];
const MIB: f64 = 1024.0 * 1024.0;
const SECOND: Duration = Duration::from_secs(1);

/// How long it goes on.
struct Course {
    size: Size,
    rounds: u32,
    /// What passes between two exports.
    step: Duration,
    requests_per_second: u32,
    /// Bytes by which what is held may grow with each run.
    held: f64,
    /// The same of resident memory.
    memory: f64,
}

/// Some 1,000 runs in the short form, 10,000 of 100 users each in the long one.
///
/// The short form looks at memory over 300 runs only, but what is held is counted to the byte: it finds a
/// leak of a kilobyte a run, and the long one a leak of 64 bytes.
fn course() -> Course {
    let hours = Duration::from_hours;
    if is_long() {
        let size = Size {
            workflows: 40,
            history: 29,
            every: hours(6),
            users: 100,
        };
        Course {
            size,
            rounds: 132,
            step: hours(6),
            requests_per_second: 400,
            held: MIB / 16.0 / 1_000.0,
            memory: MIB / 1_000.0,
        }
    } else {
        let size = Size {
            workflows: 18,
            history: 29,
            every: hours(24),
            users: 5,
        };
        Course {
            size,
            rounds: 27,
            step: hours(24),
            requests_per_second: 300,
            held: MIB / 1_000.0,
            memory: 4.0 * MIB / 1_000.0,
        }
    }
}

pub(crate) fn tell() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for seed in seeds(1, 1) {
        let _replay = Replay::of(seed, COMMAND);
        runtime.block_on(soak(seed, &course()));
    }
}

async fn soak(seed: u64, course: &Course) {
    let started = Instant::now();
    let tenant = Simulator::start(Weeks::config(seed, course.size));
    let tenant = tenant.await.unwrap();
    let mut weeks = Weeks::new(seed, course.size, &tenant);
    let mut dice = Dice::new(seed + 1_000);
    let mut exporter = Exporter::start(&tenant, course);
    let mut notes = Seen::default();
    let mut last_whole = tenant.now();
    for round in 0..course.rounds {
        if round > 0 {
            weeks.pass(&tenant, course.step, last_whole);
        }
        tenant.reset_requests();
        if round % 3 == 1 {
            weeks.strike(&tenant);
        }
        if round % 7 == 2 {
            let after = dice.moment(Duration::from_millis(400));
            let report = exporter.export(false, Some(after));
            assert!([0, 143].contains(&report.exit_code), "{report:?}");
        }
        let report = exporter.export(false, None);
        assert_eq!(report.exit_code, 0, "round {round}: {report:?}");
        last_whole = tenant.now();
        tenant.clear_faults();
        notes.rate(&tenant, course.requests_per_second);
        notes.figures.push((runs_so_far(&tenant), report.figures));
        if round % 4 == 3 {
            assert_nothing_new(&tenant, &mut exporter);
        }
    }
    for table in CORE {
        let found = facts(
            &exporter.data,
            FileFormat::Parquet,
            tenant.tenant_id(),
            table,
        );
        assert_holds_everything_ever(&tenant, table, &found);
    }
    notes.assert_flat(course, started.elapsed());
}

fn runs_so_far(tenant: &Simulator) -> u64 {
    let ids = tenant.workflow_ids();
    let runs = ids.iter().map(|id| tenant.run_ids(id).len() as u64);
    runs.sum()
}

/// An export with nothing new asks for each page of the listings once, and for nothing else.
fn assert_nothing_new(tenant: &Simulator, exporter: &mut Exporter) {
    tenant.reset_requests();
    let before = listing_pages(tenant);
    let report = exporter.export(true, None);
    assert_eq!(report.exit_code, 0, "{report:?}");
    let asked = asked(tenant);
    assert_eq!(asked, listings(tenant));
    assert!(asked.windows(2).all(|pair| pair[0] != pair[1]), "{asked:?}");
    // The tenant's clock goes on: a run can age out while they are listed.
    let after = listing_pages(tenant);
    let pages = before.min(after)..=before.max(after);
    assert!(
        pages.contains(&report.sent),
        "{} instead of {pages:?}: {asked:#?}",
        report.sent
    );
}

/// Pages of the runs of every workflow, and one for each of the two lists of workflows. Where
/// nothing in a list is older than the service's default window, its runs are asked for in two ways.
fn listing_pages(tenant: &Simulator) -> u64 {
    let truth = tenant.truth_as(&Reading::of(Contents::Listings));
    let week_ago = (tenant.now() - Duration::from_hours(7 * 24)).as_microsecond();
    let of_runs = |is_deleted: bool| -> u64 {
        let workflows = truth.workflows.iter().filter(|it| it.deleted == is_deleted);
        let (mut pages, mut ways) = (0, 2);
        for workflow in workflows {
            let runs = truth.runs.iter().filter(|it| it.workflow_id == workflow.id);
            let runs: Vec<_> = runs.collect();
            pages += (runs.len() as u64).div_ceil(100).max(1);
            let scheduled =
                |run: &&TrueRun| micros(run.value["scheduledDateTime"].as_str().unwrap());
            if runs.iter().any(|run| scheduled(run) < week_ago) {
                ways = 1;
            }
        }
        ways * pages
    };
    of_runs(false) + of_runs(true) + 2
}

/// What was seen of the process, export by export.
#[derive(Default)]
struct Seen {
    /// After how many runs.
    figures: Vec<(u64, Figures)>,
    requests: u64,
    most_a_second: usize,
}

impl Seen {
    /// The requests of the last export come no faster than they may. What a busy machine holds up
    /// arrives together: never more than the workers have under way, at both ends of the second.
    fn rate(&mut self, tenant: &Simulator, limit: u32) {
        let at: Vec<_> = tenant.requests().iter().map(|request| request.at).collect();
        let within = |start: usize| at.partition_point(|it| *it < at[start] + SECOND) - start;
        let most = (0..at.len()).map(within).max();
        self.most_a_second = self.most_a_second.max(most.unwrap_or(0));
        self.requests += at.len() as u64;
        let under_way = 2 * 8;
        assert!(
            self.most_a_second <= limit as usize + under_way,
            "{}",
            self.most_a_second
        );
    }

    fn assert_flat(&self, course: &Course, took: Duration) {
        // The first exports fill caches and pools; the window is full from the start.
        let warm = &self.figures[self.figures.len() / 3..];
        let (first, last) = (&warm[0], &warm[warm.len() - 1]);
        let growth = |of: fn(&Figures) -> u64| {
            let points: Vec<_> = warm.iter().map(|(runs, it)| (*runs, of(it))).collect();
            slope(&points)
        };
        let (held, memory) = (growth(|it| it.held), growth(|it| it.memory));
        let most = |of: fn(&Figures) -> usize| warm.iter().map(|(_, it)| of(it)).max().unwrap();
        let descriptors = most(|it| it.descriptors);
        let threads = most(|it| it.threads);
        let told = format!(
            "{} runs, {} exports, {} requests, at most {} within a second, in {took:.0?}; after the \
             first {} runs, per 1,000: {:.3} MiB held ({:.2} to {:.2} MiB), {:.2} MiB resident ({:.1} to {:.1} \
             MiB), at most {descriptors} descriptors ({} first) and {threads} threads",
            last.0,
            self.figures.len(),
            self.requests,
            self.most_a_second,
            first.0,
            held * 1_000.0 / MIB,
            mib(first.1.held),
            mib(last.1.held),
            memory * 1_000.0 / MIB,
            mib(first.1.memory),
            mib(last.1.memory),
            first.1.descriptors,
        );
        eprintln!("soak: {told}");
        assert!(held < course.held, "{told}");
        assert!(memory < course.memory, "{told}");
        assert!(last.1.descriptors <= first.1.descriptors + 8, "{told}");
        for (runs, figures) in warm {
            assert!(figures.leftovers.is_empty(), "after {runs}: {figures:?}");
        }
        assert!(threads <= first.1.threads + 4, "{told}");
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / MIB
}

/// The process that exports.
struct Exporter {
    child: Child,
    orders: ChildStdin,
    reports: BufReader<ChildStdout>,
    data: PathBuf,
    /// For its temporary files.
    _scratch: tempfile::TempDir,
}

impl Exporter {
    fn start(tenant: &Simulator, course: &Course) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .env(EXPORTER, "1")
            .env("TMPDIR", scratch.path())
            .envs(GIVES_BACK)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let orders = Orders {
            origin: tenant.origin().to_owned(),
            tenant_id: tenant.tenant_id().to_owned(),
            client_id: tenant.client_id().to_owned(),
            client_secret: tenant.client_secret().to_owned(),
            requests_per_second: course.requests_per_second.into(),
        };
        let mut exporter = Self {
            orders: child.stdin.take().unwrap(),
            reports: BufReader::new(child.stdout.take().unwrap()),
            child,
            data: PathBuf::new(),
            _scratch: scratch,
        };
        exporter.say(&serde_json::to_string(&orders).unwrap());
        exporter
    }

    fn say(&mut self, line: &str) {
        self.orders
            .write_all(format!("{line}\n").as_bytes())
            .unwrap();
    }

    fn export(&mut self, afresh: bool, stop_after: Option<Duration>) -> Report {
        let order = Order { afresh, stop_after };
        self.say(&serde_json::to_string(&order).unwrap());
        let mut line = String::new();
        self.reports.read_line(&mut line).unwrap();
        let report: Report = serde_json::from_str(&line).unwrap();
        self.data.clone_from(&report.data);
        report
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
