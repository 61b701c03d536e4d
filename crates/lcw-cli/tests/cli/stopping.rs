//! SIGTERM and SIGINT whatever the program is doing: it ends within seconds, with the code that says
//! so, and leaves whole days and a true summary.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use lcw_pipeline::FileFormat;
use lcw_simulator::{
    Category, Endpoint, Fault, FaultRule, RetryAfter, RunChange, Schedule, TenantConfig,
    WorkflowConfig,
};
use lcw_tests::Dice;
use lcw_tests::torture::{Replay, is_long, seeds};
use lcw_transform::Table;

use crate::desk::{Desk, NDJSON, data_files};
use crate::program::{Ended, Lcw, Running, until};
use crate::signals::{Hung, SIGNALS};
use crate::stopped::Before;

/// What is promised.
const PROMPTLY: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// Both signals in the long form, one of them in the short one.
fn signals(nth: usize) -> Vec<(&'static str, i32)> {
    if is_long() {
        SIGNALS.to_vec()
    } else {
        vec![SIGNALS[nth % 2]]
    }
}

/// Asks the program to stop once it is busy, and sees it do so.
#[track_caller]
fn stop(running: Running, (signal, code): (&str, i32)) -> Ended {
    let asked = Instant::now();
    running.signal(signal);
    let ended = running.end().with(code);
    assert!(asked.elapsed() < PROMPTLY, "{:?}: {ended}", asked.elapsed());
    ended
}

/// An export that is stopped once it is busy, looked at, and made up for by the next. Says how many
/// days it had committed.
#[track_caller]
fn interrupt(desk: &Desk, lcw: Lcw, busy: impl FnOnce(&Running), with: (&str, i32)) -> usize {
    let before = Before::of(desk, &Table::DEFAULT);
    let running = lcw.start();
    busy(&running);
    let ended = stop(running, with);
    let committed = before.assert_prefix(desk, &ended.json(), with.1);
    assert!(!ended.was_killed);
    heal(desk);
    committed
}

/// With nothing in its way any more, the next export makes the dataset whole.
#[track_caller]
fn heal(desk: &Desk) {
    desk.tenant.clear_faults();
    desk.export();
    desk.assert_whole(FileFormat::Parquet);
}

/// Hears when the service is asked for something the n-th time.
fn nth_request(desk: &Desk, endpoint: Endpoint, nth: u64) -> Receiver<()> {
    let (sender, receiver) = channel();
    desk.tenant.before(endpoint, nth, move || {
        sender.send(()).unwrap();
    });
    receiver
}

/// A moment later than what is heard, so that the program has come to wait for the answer.
fn heard(receiver: &Receiver<()>) {
    receiver.recv_timeout(PATIENCE).unwrap();
    thread::sleep(Duration::from_millis(100));
}

fn slow() -> Fault {
    Fault::SlowBytes {
        chunk: 1,
        pause: Duration::from_mins(1),
    }
}

const EXPORT: &str = "export --out data --json";

/// Whatever is asked of the service here, its answer takes longer than anybody waits.
async fn slow_answer(nth: usize, endpoint: Endpoint) {
    for with in signals(nth) {
        let desk = Desk::new().await;
        desk.tenant.inject(FaultRule::new(slow()).on(endpoint));
        let asked = nth_request(&desk, endpoint, 1);
        interrupt(&desk, desk.lcw(EXPORT), |_| heard(&asked), with);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn while_it_signs_in() {
    slow_answer(0, Endpoint::Token).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn while_it_lists_workflows() {
    slow_answer(1, Endpoint::Workflows).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn while_it_lists_runs() {
    slow_answer(0, Endpoint::Runs).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn while_it_reads_what_was_done_to_users() {
    slow_answer(1, Endpoint::RunResults).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn while_somebody_is_asked_to_sign_in_elsewhere() {
    for with in signals(1) {
        let desk = Desk::new().await;
        desk.tenant.update_config(|config| {
            config.access.device.pending = 1_000;
        });
        let lcw = desk.lcw("export --out data --json --auth device-code");
        let code = |running: &Running| running.wait_for_log("devicelogin");
        interrupt(&desk, lcw, code, with);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn while_the_azure_cli_hangs() {
    for with in signals(0) {
        let desk = Desk::new().await;
        desk.write("az", "#!/bin/sh\necho $$ >az.pid\nexec sleep 600\n");
        let az = desk.folder().join("az");
        std::fs::set_permissions(&az, PermissionsExt::from_mode(0o755)).unwrap();
        let path = format!("{}:/usr/bin:/bin", desk.folder().display());
        let lcw = desk.lcw("export --out data --json --auth azure-cli");
        let pid = desk.folder().join("az.pid");
        let is_started = || std::fs::read_to_string(&pid).is_ok_and(|pid| pid.ends_with('\n'));
        let started = |_: &Running| until("the Azure CLI", is_started);
        interrupt(&desk, lcw.env("PATH", path), started, with);
        let pid = std::fs::read_to_string(&pid).unwrap();
        until("the end of the Azure CLI", || !is_alive(pid.trim()));
    }
}

fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // One that nobody has waited for yet is gone all the same.
    !stat.is_empty() && !stat.contains(") Z ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn while_it_renews_its_token() {
    for with in signals(1) {
        let desk = Desk::new().await;
        desk.tenant
            .update_config(|config| config.access.token_uses = Some(30));
        let rule = FaultRule::new(slow()).on(Endpoint::Token);
        desk.tenant.inject(rule.when(lcw_simulator::When::Nth(2)));
        let renewed = nth_request(&desk, Endpoint::Token, 2);
        interrupt(&desk, desk.lcw(EXPORT), |_| heard(&renewed), with);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn while_a_listing_has_no_end() {
    for with in signals(0) {
        let desk = Desk::new().await;
        let endless = FaultRule::new(Fault::EndlessPages).on(Endpoint::Runs);
        desk.tenant.inject(endless);
        let listed = nth_request(&desk, Endpoint::Runs, 50);
        interrupt(&desk, desk.lcw(EXPORT), |_| heard(&listed), with);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn while_the_service_wants_a_long_pause() {
    for with in signals(1) {
        let desk = Desk::new().await;
        let throttled = Fault::Throttled(RetryAfter::seconds(300));
        let rule = FaultRule::new(throttled).on(Endpoint::RunResults);
        desk.tenant.inject(rule.when(lcw_simulator::When::Nth(20)));
        let lcw = desk.lcw("export --out data --json --max-concurrency 2");
        let told = |running: &Running| running.wait_for_log("429");
        assert!(interrupt(&desk, lcw, told, with) > 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn while_it_waits_to_try_again() {
    for with in signals(0) {
        let desk = Desk::new().await;
        let refused = FaultRule::new(Fault::status(503)).on(Endpoint::RunResults);
        desk.tenant.inject(refused);
        let tried = nth_request(&desk, Endpoint::RunResults, 8);
        let lcw = desk.lcw("export --out data --json --max-concurrency 2");
        interrupt(&desk, lcw, |_| heard(&tried), with);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn while_its_own_rate_holds_it_back() {
    for with in signals(1) {
        let desk = Desk::new().await;
        let listed = nth_request(&desk, Endpoint::Workflows, 1);
        let lcw = desk.with_secret("export --out data --json --requests-per-second 0.02");
        interrupt(&desk, lcw.words(&desk.urls()), |_| heard(&listed), with);
    }
}

/// With a token in its hand, and Graph elsewhere.
fn signed_in(desk: &Desk, line: &str, graph: &str) -> Lcw {
    let audience = |of: Option<&str>| {
        let of = of.map(str::to_owned);
        desk.tenant
            .update_config(|config| config.access.token_audience = of);
    };
    audience(Some(graph));
    let token = desk.tenant.issue_token();
    audience(None);
    let lcw = desk.bare(line).words(&format!("--graph-url {graph}"));
    lcw.env("LCW_ACCESS_TOKEN", token)
}

/// Takes connections and says nothing, over TCP and so over TLS.
fn silent() -> (SocketAddr, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming() {
            held.push(stream);
            if sender.send(()).is_err() {
                break;
            }
        }
    });
    (address, receiver)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn while_the_other_side_says_nothing() {
    for (nth, scheme) in (0..).zip(["http", "https"]) {
        for with in signals(nth) {
            let desk = Desk::today().await;
            let (address, connected) = silent();
            let lcw = signed_in(&desk, EXPORT, &format!("{scheme}://{address}"));
            interrupt(&desk, lcw, |_| heard(&connected), with);

            let (address, connected) = silent();
            let lcw = desk.with_secret("export --out new --json");
            let tenant = desk.tenant.origin();
            let login = format!("--graph-url {tenant} --authority-url {scheme}://{address}");
            interrupt(&desk, lcw.words(&login), |_| heard(&connected), with);
            assert!(!desk.folder().join("new").exists());
        }
    }
}

/// Its queue of connections is full: whoever comes waits to be let in.
fn full() -> (TcpListener, Vec<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
        queue.push(stream);
    }
    (listener, queue)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn while_nobody_takes_its_connection() {
    for with in signals(1) {
        let desk = Desk::today().await;
        let (host, _queue) = full();
        let graph = format!("http://{}", host.local_addr().unwrap());
        let lcw = signed_in(&desk, EXPORT, &graph).env("RUST_LOG", "debug");
        let connecting = |running: &Running| running.wait_for_log("connect");
        interrupt(&desk, lcw, connecting, with);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn with_as_many_rows_under_way_as_there_may_be() {
    for with in signals(0) {
        let desk = Desk::of(TenantConfig::bench(2, 12, 1_500)).await;
        let lcw = |line: &str| desk.lcw(line).words("--table user_processing_results");
        let tables = [Table::Workflows, Table::Runs, Table::UserProcessingResults];
        let before = Before::of(&desk, &tables);
        // The first run comes last: the others are read, and wait for it.
        desk.tenant
            .inject(FaultRule::new(slow()).on(Endpoint::RunResults).times(1));
        let running = lcw(EXPORT).start();
        let mut asked = 0;
        until("rows under way", || {
            let before = std::mem::replace(&mut asked, desk.tenant.count(Endpoint::RunResults));
            thread::sleep(Duration::from_millis(500));
            asked > 50 && asked == before
        });
        let ended = stop(running, with);
        before.assert_prefix(&desk, &ended.json(), with.1);
        desk.tenant.clear_faults();
        lcw(EXPORT).run().with(0);
        desk.assert_holds(&desk.data(), FileFormat::Parquet, &tables);
    }
}

/// A workflow that runs every hour of one day.
fn one_day(users: u32) -> TenantConfig {
    let schedule = Schedule {
        every: HOUR,
        history: 36 * HOUR,
        ended: Some(12 * HOUR + HOUR / 2),
    };
    let workflow = WorkflowConfig::new(Category::Joiner, "Every hour");
    TenantConfig {
        workflows: vec![workflow.scheduled(schedule, users..=users)],
        ..TenantConfig::bench(0, 0, 0)
    }
}

/// A day is merged as a whole, however large it is: it is given up instead of being finished.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn while_it_writes_a_day_of_very_many_rows() {
    let mut rows: u32 = if is_long() { 1_008_000 } else { 48_000 };
    let desk = Desk::of(one_day(rows / 24)).await;
    let lcw = || desk.lcw(EXPORT).words("--table user_processing_results");
    lcw().start().end_within(20 * PATIENCE).with(0);
    let days = || {
        let mut files = data_files(&desk.data());
        files.retain(|path, _| path.to_string_lossy().contains("run_date="));
        files
    };
    let workflow = desk.tenant.workflow_ids().remove(0);
    for with in signals(1) {
        let run = desk.tenant.run_ids(&workflow).remove(3);
        let change = RunChange {
            add_users: 1,
            ..RunChange::default()
        };
        desk.tenant.change_run(&run, &change);
        desk.tenant.advance(HOUR);
        let before = days();
        let running = lcw().start();
        until("a merge", || is_merging(&desk, "user_processing_results"));
        let summary = stop(running, with).json();
        assert_eq!(summary["status"], "interrupted", "{summary:#}");
        let told = &summary["tables"]["user_processing_results"];
        assert_eq!(told["rows_total"], rows);
        assert_eq!(told["rows_new"], 0);
        assert!(days() == before, "the day is as it was");
        let ended = lcw().start().end_within(20 * PATIENCE).with(0);
        let told = &ended.json()["tables"]["user_processing_results"];
        rows += 1;
        assert_eq!(told["rows_total"], rows);
    }
}

fn is_merging(desk: &Desk, table: &str) -> bool {
    let staged = crate::desk::contents(&desk.data().join("_staging"));
    let is_table = |path: &std::path::PathBuf| path.to_string_lossy().contains(table);
    staged.keys().any(is_table)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn while_others_keep_its_commits_waiting() {
    for with in signals(0) {
        let desk = Desk::new().await;
        desk.export();
        let late = WorkflowConfig::new(Category::Mover, "Late");
        desk.tenant.add_workflow(&late);
        desk.tenant.advance(24 * HOUR);
        let held = desk.hold_commits();
        let before = Before::of(&desk, &Table::DEFAULT);
        let running = desk.lcw(EXPORT).start();
        desk.until_a_commit_waits();
        let ended = stop(running, with);
        assert_eq!(before.assert_prefix(&desk, &ended.json(), with.1), 0);
        drop(held);
        heal(&desk);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn while_the_disk_does_not_let_it_read_the_dataset() {
    const EXPORT: &str = "export --out data --format ndjson --json";
    let desk = Desk::new().await;
    desk.lcw(EXPORT).run().with(0);
    let mut files = data_files(&desk.data()).into_keys();
    let runs = files.rfind(|path| path.starts_with("runs"));
    let runs = desk.data().join(runs.unwrap());
    for (nth, path) in (0..).zip([desk.data().join("_dataset.json"), runs]) {
        for with in signals(nth) {
            for line in [EXPORT, "plan export --out data --format ndjson"] {
                let mut hung = Hung::of(&path);
                let running = desk.lcw(line).start();
                hung.until_asked();
                stop(running, with);
            }
            desk.lcw(EXPORT).run().with(0);
            desk.assert_whole(NDJSON);
        }
    }
}

/// The verbs that hold nothing that a signal could leave half done.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_other_verb_ends_too() {
    let desk = Desk::today().await;
    desk.export();
    let identity = desk.data().join("_dataset.json");
    for with in SIGNALS {
        for lcw in [
            desk.bare("status --out data"),
            desk.bare("acknowledge --out data --run r --reason known"),
            desk.lcw("doctor --out data"),
        ] {
            let mut hung = Hung::of(&identity);
            let running = lcw.start();
            hung.until_asked();
            stop(running, with);
        }
        for line in ["plan export --out data", "doctor --out data"] {
            let (address, connected) = silent();
            let lcw = signed_in(&desk, line, &format!("http://{address}"));
            let running = lcw.start();
            heard(&connected);
            stop(running, with);
        }
        let demo = desk.bare("demo --out demo --json").start();
        until("the demo", || desk.folder().join("demo/runs").exists());
        let ended = stop(demo, with);
        assert_eq!(ended.json()["status"], "interrupted");
        std::fs::remove_dir_all(desk.folder().join("demo")).unwrap();
        let tenant = desk.bare("simulate --port 0 --json").start();
        tenant.stdout_until("}");
        stop(tenant, with);
    }
    heal(&desk);
}

/// An export and a backfill, each stopped at any moment of theirs.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn at_any_moment() {
    const COMMAND: &str = "cargo test -p lcw-cli --test cli stopping::at_any_moment";
    let mut committed = [0; 3];
    for seed in seeds(6, 100) {
        let _replay = Replay::of(seed, COMMAND);
        let mut dice = Dice::new(seed);
        let desk = Desk::of(lcw_tests::compact(seed)).await;
        let started = Instant::now();
        desk.lcw("export --out other").run().with(0);
        let usual = started.elapsed();
        for line in [
            EXPORT,
            "backfill --out data --json --from 2026-11-10 --to 2026-12-01",
        ] {
            let with = SIGNALS[dice.below(2)];
            let before = Before::of(&desk, &Table::DEFAULT);
            let running = desk.lcw(line).start();
            thread::sleep(dice.moment(usual));
            let asked = Instant::now();
            running.signal(with.0);
            let ended = running.end();
            assert!(asked.elapsed() < PROMPTLY, "{:?}: {ended}", asked.elapsed());
            let how = match ended.code {
                Some(0) => 2,
                // Before it could have been asked for anything.
                code if ended.was_killed => {
                    assert_eq!((code, &*ended.stdout), (Some(with.1), ""), "{ended}");
                    0
                }
                _ => {
                    let ended = ended.with(with.1);
                    before.assert_prefix(&desk, &ended.json(), with.1);
                    1
                }
            };
            committed[how] += 1;
        }
        heal(&desk);
    }
    let [early, stopped, late] = committed;
    assert!(
        stopped > early + late || seeds(6, 100).count() == 1,
        "{early} before the start, {stopped} while at work, {late} after the end"
    );
}

/// A terminal that goes away ends the export like a kill: what is committed stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_terminal_that_goes_away_leaves_what_is_committed() {
    let desk = Desk::new().await;
    let busy = desk.trickle_from(25);
    // Whoever runs the tests may have asked to be left alone by this signal.
    let mut heeding = Command::new("env");
    heeding.arg("--default-signal=HUP");
    let lcw = desk.lcw("export --out data --max-concurrency 2");
    let running = lcw.wrapped(heeding).start();
    busy.recv_timeout(PATIENCE).unwrap();
    until("a file", || !data_files(&desk.data()).is_empty());
    let ended = stop(running, ("HUP", 129));
    assert!(ended.was_killed);
    assert!(!data_files(&desk.data()).is_empty());
    heal(&desk);
    // Whoever does not want that says so.
    desk.tenant.advance(24 * HOUR);
    let held = desk.hold_commits();
    let nohup = desk.lcw("export --out data").in_shell("trap '' HUP");
    let mut running = nohup.start();
    desk.until_a_commit_waits();
    running.signal("HUP");
    thread::sleep(Duration::from_millis(200));
    assert!(!running.has_ended());
    drop(held);
    running.end().with(0);
    desk.assert_whole(FileFormat::Parquet);
}

/// Nobody listens: the export is the same, and says so with its exit code.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nobody_has_to_read_what_it_says() {
    for (line, to) in [
        ("export --out data --json", "| true"),
        ("export --out data", "2>&1 | true"),
        (
            "export --out data --log-format json",
            "2>&1 >/dev/null | true",
        ),
        ("export --out data --json", ">&- 2>&-"),
    ] {
        let desk = Desk::new().await;
        let mut sh = Command::new("sh");
        sh.args(["-c", &format!("{{ \"$0\" \"$@\"; echo $? >code; }} {to}")]);
        let lcw = desk.lcw(line).env("RUST_LOG", "trace").wrapped(sh);
        lcw.run();
        let code = std::fs::read_to_string(desk.folder().join("code")).unwrap();
        assert_eq!(code.trim(), "0", "{line} {to}");
        desk.assert_whole(FileFormat::Parquet);
    }
}

/// Nobody reads what it logs, and the pipe is full: one signal ends it all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn whoever_does_not_read_cannot_hold_it() {
    for (signal, code) in SIGNALS {
        let desk = Desk::new().await;
        let (stderr, full) = std::io::pipe().unwrap();
        let mut command = desk.lcw(EXPORT).env("RUST_LOG", "trace").command();
        let mut child = command.stdout(Stdio::null()).stderr(full).spawn().unwrap();
        // Its copy would keep the pipe open.
        drop(command);
        let mut asked = 0;
        until("a full pipe", || {
            let before = std::mem::replace(&mut asked, desk.tenant.requests().len());
            thread::sleep(Duration::from_millis(500));
            asked > 1 && asked == before
        });
        let id = child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(sent.unwrap().success());
        let asked = Instant::now();
        until("its end", || child.try_wait().unwrap().is_some());
        assert!(asked.elapsed() < 4 * PROMPTLY, "{:?}", asked.elapsed());
        assert_eq!(child.wait().unwrap().code(), Some(code));
        drop(stderr);
        heal(&desk);
    }
}
