//! SIGKILL before any call of a forget: nothing is half done for good, and nobody comes back.

use lcw_simulator::{Category, Endpoint, RunPlan, Simulator, TenantConfig, WorkflowConfig};
use lcw_tests::{facts, mend, mistype};
use lcw_transform::Table;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::call::{Call, Point};
use super::disk::{Disk, Fate};
use super::kills::kill_everywhere;
use super::power::{below_data, data};
use super::replay::Replay;
use super::say;
use super::scene::{FORMATS, fill, in_memory};
use super::tracer::{Traced, Verdict, trace};
use crate::desk::{Contents, Desk, contents};
use crate::program::Lcw;
use lcw_pipeline::FileFormat;
use nix::sys::signal::Signal;

const DAY: Duration = Duration::from_hours(24);

/// A dataset of three days with somebody in two of them at least.
struct Scene {
    desk: Desk,
    format: FileFormat,
    name: &'static str,
    before: Contents,
    ada: String,
}

impl Scene {
    async fn new((name, format): (&'static str, FileFormat)) -> Self {
        let config = TenantConfig {
            workflows: vec![WorkflowConfig::new(Category::Leaver, "Offboard")],
            people: 3,
            ..TenantConfig::empty(7)
        };
        let tenant = Simulator::start(config).await.unwrap();
        let desk = Desk::in_folder(tenant, in_memory());
        let workflow = desk.tenant.workflow_ids()[0].clone();
        for days in 1..=3 {
            let plan = RunPlan::new(desk.tenant.now() - days * DAY, 3);
            desk.tenant.add_run(&workflow, &plan);
        }
        desk.tenant.advance(Duration::from_hours(1));
        let scene = Self {
            before: Contents::new(),
            ada: String::new(),
            desk,
            format,
            name,
        };
        scene.export();
        let truth = scene.desk.tenant.truth();
        let ada = truth.results[0].value["subject"]["id"].as_str().unwrap();
        Self {
            before: contents(&scene.desk.data()),
            ada: ada.to_owned(),
            ..scene
        }
    }

    fn export(&self) {
        let line = format!("export --out data --format {}", self.name);
        self.desk.lcw(&line).run().with(0);
    }

    /// One more run, whose task results no column can hold.
    fn set_lines_aside(&mut self) {
        let tenant = &self.desk.tenant;
        let plan = RunPlan::new(tenant.now(), 3);
        tenant.add_run(&tenant.workflow_ids()[0], &plan);
        tenant.advance(Duration::from_hours(1));
        mistype(tenant, Endpoint::TaskResults, "startedDateTime", "\"soon\"");
        let line = format!(
            "export --out data --format {} --on-drift quarantine",
            self.name
        );
        self.desk.lcw(&line).run().with(4);
        mend(&self.desk.tenant);
        self.before = contents(&self.desk.data());
    }

    fn forget(&self) -> Lcw {
        let out = self.desk.data();
        let line = format!("forget --out {} --subject {}", out.display(), self.ada);
        self.desk.bare(&line).env("TOKIO_WORKER_THREADS", "1")
    }

    fn trace(&self, mut decide: impl FnMut(usize, &Call) -> Verdict) -> Traced {
        let root = self.desk.data();
        fill(&root, &self.before);
        trace(self.forget(), &root, &mut decide)
    }

    fn rows(&self) -> (usize, usize) {
        let tenant = self.desk.tenant.tenant_id();
        let mut counts = (0, 0);
        for table in [Table::UserProcessingResults, Table::TaskProcessingResults] {
            for row in facts(&self.desk.data(), self.format, tenant, table).values() {
                let is_hers = row["subject_id"] == *self.ada;
                counts.0 += usize::from(is_hers);
                counts.1 += usize::from(!is_hers);
            }
        }
        counts
    }

    /// The same again removes all that is left of her.
    fn assert_finishes(&self, others: usize, what: &str) {
        let again = self.forget().run();
        assert_eq!(again.code, Some(0), "{what}: {again}");
        assert_eq!(self.rows(), (0, others), "{what}");
        self.assert_good(what);
        let status = self.desk.bare("status --out data --json").run().with(0);
        let status = status.json();
        assert_eq!(status["tenants"][0]["unfinished_forget"], false, "{what}");
        for (path, bytes) in contents(&self.desk.data()) {
            let text = String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
            assert!(!text.contains(&self.ada), "{what}: {}", path.display());
        }
    }

    fn assert_good(&self, what: &str) {
        let ended = self.desk.bare("verify --out data --deep").run();
        assert_eq!(ended.code, Some(0), "{what}: {ended}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_forget_killed_before_any_call_is_finished_by_the_same_again() {
    for format in FORMATS {
        let scene = Scene::new(format).await;
        let (hers, others) = scene.rows();
        assert!(hers > 1 && others > 1, "{hers} {others}");
        let root = scene.desk.data();
        let record = scene.trace(|_, _| Verdict::Go);
        record.ended.with(0);
        assert_eq!(scene.rows(), (0, others));
        let record = record.calls;
        let mut exports_between = [true, false].into_iter().cycle();
        let trial = |decide: &mut dyn FnMut(usize, &Call) -> Verdict| scene.trace(decide);
        let killed = kill_everywhere(&record, &root, &trial, |what, _| {
            // Nobody else is gone, and what is there is what was written.
            let (left, there) = scene.rows();
            assert_eq!(there, others, "{what}");
            scene.assert_good(what);
            if exports_between.next().unwrap() {
                // An export in between brings nobody back.
                scene.export();
                assert!(scene.rows().0 <= left, "{what}");
                scene.assert_good(what);
            }
            scene.assert_finishes(others, what);
        });
        scene.export();
        assert_eq!(scene.rows(), (0, others));
        say(&format!("forget {}: killed at {killed} calls", format.0));
        assert!(killed > 30, "{killed} calls");
    }
}

/// Whether a file holds rows, or lines that were set aside.
fn holds_people(path: &Path) -> bool {
    let top = path.iter().next().unwrap_or_default().to_string_lossy();
    top == "_quarantine" || !top.starts_with('_')
}

/// Where the power goes, names may be on the disk already whose files are not: whoever is forgotten
/// must not take others along.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_a_forget_writes_anew_is_on_the_disk_before_it_has_its_name() {
    for format in FORMATS {
        let mut scene = Scene::new(format).await;
        scene.set_lines_aside();
        let traced = scene.trace(|_, _| Verdict::Go);
        traced.ended.with(0);
        let after = contents(&scene.desk.data());
        let changed = |path: &PathBuf| scene.before.get(path) != after.get(path);
        let rewritten: BTreeSet<_> = after.keys().filter(|path| holds_people(path)).collect();
        let rewritten: Vec<_> = rewritten.into_iter().filter(|path| changed(path)).collect();
        for kind in ["_quarantine", "user_processing_results"] {
            let is_of = |path: &&&PathBuf| path.starts_with(kind);
            assert!(rewritten.iter().any(|path| is_of(&path)), "{kind}");
        }
        let disk = Disk::with(&below_data(&scene.before));
        let mut replay = Replay::new(disk, scene.desk.folder());
        let root = scene.desk.data();
        for (index, call) in traced.calls.iter().enumerate() {
            if !replay.make(call) {
                continue;
            }
            let left = data(replay.disk.after_power_cut(&mut Fate::Names));
            for path in &rewritten {
                let is_whole = [&scene.before, &after].map(|it| it.get(*path) == left.get(*path));
                assert!(
                    is_whole.contains(&true),
                    "{}: the power cut after call {index}, {}",
                    path.display(),
                    call.label(&root)
                );
            }
        }
        let sure = data(replay.disk.after_power_cut(&mut Fate::Nothing));
        for path in rewritten {
            assert_eq!(sure.get(path), after.get(path), "{}", path.display());
        }
    }
}

/// What it says when it is stopped, by how far it came.
const UNTOUCHED: &str = "nothing was changed";
const BEGUN: &str = "run the same again to finish";

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_forget_that_is_asked_to_stop_says_how_far_it_came_and_the_same_again_finishes_it() {
    let scene = Scene::new(FORMATS[0]).await;
    let (hers, others) = scene.rows();
    let root = scene.desk.data();
    let record = scene.trace(|_, _| Verdict::Go).calls;
    let reads = record.iter().position(|call| call.name == "openat");
    let stages = |call: &Call| call.path.starts_with(root.join("_staging"));
    let table = Table::UserProcessingResults.name();
    let writes = record
        .iter()
        .position(|call| stages(call) && call.path.to_string_lossy().contains(table));
    let points = [reads, writes].map(Option::unwrap);
    let mut told = Vec::new();
    for (nth, point) in points.into_iter().enumerate() {
        let (signal, code) = [(Signal::SIGTERM, 143), (Signal::SIGINT, 130)][nth % 2];
        let mut wait = Point::of(&record, point, &root);
        let traced = scene.trace(|_, call| {
            if wait.is_met(call, &root) {
                Verdict::Signal(signal)
            } else {
                Verdict::Go
            }
        });
        let what = format!("asked at call {point}, {}", record[point].label(&root));
        let calls = (point, traced.calls.len());
        assert_eq!(
            traced.ended.code,
            Some(code),
            "{what} {calls:?}: {}",
            traced.ended
        );
        let said = [UNTOUCHED, BEGUN].map(|said| traced.ended.stderr.contains(said));
        assert_eq!(
            said.iter().filter(|it| **it).count(),
            1,
            "{what}: {}",
            traced.ended
        );
        let (left, there) = scene.rows();
        assert_eq!(there, others, "{what}");
        if said[0] {
            assert_eq!(left, hers, "{what}");
            let mut there = contents(&root);
            let mut before = scene.before.clone();
            for tree in [&mut there, &mut before] {
                // Who held the lock last, and where something would have been staged.
                tree.retain(|path, _| {
                    !path.ends_with("_lock.json") && !path.starts_with("_staging")
                });
            }
            let differs = |path: &&PathBuf| there.get(*path) != before.get(*path);
            let all: BTreeSet<&PathBuf> = there.keys().chain(before.keys()).collect();
            let differing: Vec<_> = all.into_iter().filter(differs).collect();
            assert!(differing.is_empty(), "{what}: {differing:?}");
        }
        scene.assert_good(&what);
        told.push(said);
        scene.export();
        assert!(scene.rows().0 <= left, "{what}");
        let again = scene.forget().run();
        assert_eq!(again.code, Some(0), "{what}: {again}");
        assert_eq!(scene.rows(), (0, others), "{what}");
        scene.assert_good(&what);
    }
    assert_eq!(told, [[true, false], [false, true]]);
}
