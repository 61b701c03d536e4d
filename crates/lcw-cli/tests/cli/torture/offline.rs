//! SIGKILL before any call of the verbs that write without the service: `snapshot` and `acknowledge`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use lcw_simulator::{RunPlan, Simulator};
use lcw_tests::single;

use super::call::Call;
use super::kills::kill_everywhere;
use super::say;
use super::scene::{assert_verifies, in_memory};
use super::tracer::{Traced, Verdict, trace};
use crate::desk::{Desk, contents, data_files};
use crate::program::Lcw;

const DAY: Duration = Duration::from_hours(24);

/// A folder with a dataset in it, and a verb that is run from there again and again.
struct Scene {
    desk: Desk,
    line: String,
}

impl Scene {
    async fn new(line: &str) -> Self {
        let tenant = Simulator::start(single(2)).await.unwrap();
        Self {
            desk: Desk::in_folder(tenant, in_memory()),
            line: line.to_owned(),
        }
    }

    /// A run of today, of which the service counts two users more than there are where it is short.
    fn add_run(&self, is_short: bool) -> String {
        let tenant = &self.desk.tenant;
        let workflow = tenant.workflow_ids().remove(0);
        let plan = RunPlan::new(tenant.now() - Duration::from_hours(2), 5);
        let run = tenant.add_run(&workflow, &plan);
        if is_short {
            tenant.report_users(&run, Some(7));
        }
        run
    }

    fn export(&self, code: i32) {
        self.desk.lcw("export --out set/data").run().with(code);
    }

    fn root(&self) -> PathBuf {
        self.desk.folder().join("set")
    }

    fn data(&self) -> PathBuf {
        self.root().join("data")
    }

    /// What there is now is the beginning.
    fn begin(&self) {
        copy(&self.root(), &self.desk.folder().join("beginning"));
    }

    fn lcw(&self) -> Lcw {
        // As many threads on every machine.
        self.desk.bare(&self.line).env("TOKIO_WORKER_THREADS", "1")
    }

    /// Runs it from the beginning.
    fn trace(&self, decide: &mut dyn FnMut(usize, &Call) -> Verdict) -> Traced {
        std::fs::remove_dir_all(self.root()).unwrap();
        copy(&self.desk.folder().join("beginning"), &self.root());
        trace(self.lcw(), &self.root(), decide)
    }

    /// Kills it before each of its calls.
    fn kill_everywhere(&self, look: impl Fn(&str)) -> usize {
        let record = self.trace(&mut |_, _| Verdict::Go);
        record.ended.with(0);
        let trial = |decide: &mut dyn FnMut(usize, &Call) -> Verdict| self.trace(decide);
        kill_everywhere(&record.calls, &self.root(), &trial, |what, _| look(what))
    }

    /// The same again, with nothing in its way.
    fn run_again(&self, what: &str) {
        let ended = self.lcw().run();
        assert_eq!(ended.code, Some(0), "{what}: {ended}");
    }
}

/// With its links, hard and symbolic ones.
fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(copied.unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_snapshot_killed_before_any_call_leaves_the_old_one_or_the_new_one() {
    let scene = Scene::new("snapshot set/snapshots --out set/data").await;
    for _ in 0..2 {
        scene.add_run(false);
        scene.export(0);
        scene.desk.tenant.advance(DAY);
    }
    scene.lcw().run().with(0);
    scene.add_run(false);
    scene.export(0);
    scene.begin();
    let snapshots = scene.root().join("snapshots");
    let current = snapshots.join("current");
    let target = || std::fs::read_link(&current).unwrap();
    let old = (target(), contents(&current));
    scene.lcw().run().with(0);
    let new = (target(), contents(&current));
    assert!(old.0 != new.0 && old.1 != new.1);
    let rows = data_files(&scene.data());
    let mut names = vec![
        PathBuf::from("_lock"),
        "current".into(),
        old.0.clone(),
        new.0.clone(),
    ];
    names.sort_unstable();

    let killed = scene.kill_everywhere(|what| {
        assert!(data_files(&scene.data()) == rows, "{what}");
        assert_verifies(&scene.data(), &what);
        let now = (target(), contents(&current));
        assert!(now == old || now == new, "{what}: {:?}", now.0);
        assert_verifies(&current, &what);
        scene.run_again(what);
        assert!((target(), contents(&current)) == new, "{what}");
        assert_verifies(&current, &what);
        let entries = std::fs::read_dir(&snapshots).unwrap();
        let mut left: Vec<PathBuf> = entries.map(|it| it.unwrap().file_name().into()).collect();
        left.sort_unstable();
        assert_eq!(left, names, "{what}");
    });
    say(&format!("snapshot: killed at {killed} calls"));
    assert!(killed > 10, "{killed} calls");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_acknowledgement_killed_before_any_call_is_made_by_the_same_again() {
    const REASON: &str = "known";
    let mut scene = Scene::new("").await;
    let run = scene.add_run(true);
    scene.line = format!("acknowledge --out set/data --run {run} --reason {REASON}");
    scene.export(5);
    scene.begin();
    let rows = data_files(&scene.data());
    // What is on record, however often somebody said so: of which run and table, how many, and why.
    let acknowledged = || -> BTreeSet<String> {
        let status = scene.desk.bare("status --out set/data --json").run();
        let mut entries = status.with(0).json()["tenants"][0]["acknowledged"].take();
        let entries = entries.as_array_mut().unwrap().iter_mut();
        let timeless = entries.map(|entry| {
            entry.as_object_mut().unwrap().remove("at");
            entry.to_string()
        });
        timeless.collect()
    };
    let none = acknowledged();
    assert!(none.is_empty(), "{none:?}");
    scene.lcw().run().with(0);
    let all = acknowledged();
    assert!(all.iter().any(|it| it.contains(REASON)), "{all:?}");

    let killed = scene.kill_everywhere(|what| {
        assert!(data_files(&scene.data()) == rows, "{what}");
        assert_verifies(&scene.data(), &what);
        let found = acknowledged();
        assert!(found == none || found == all, "{what}: {found:?}");
        scene.run_again(what);
        assert_eq!(acknowledged(), all, "{what}");
        assert_verifies(&scene.data(), &what);
        scene.export(0);
        assert_verifies(&scene.data(), &what);
    });
    say(&format!("acknowledge: killed at {killed} calls"));
    assert!(killed > 3, "{killed} calls");
}
