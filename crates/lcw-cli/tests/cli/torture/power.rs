//! Power cuts: after each recorded call, what the disk may have kept of all before it.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashSet};
use std::fmt::Display;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Instant;

use lcw_dataset::digest_of;
use lcw_simulator::Endpoint;
use lcw_tests::{mend, mistype};
use serde_json::Value;

use super::call::Call;
use super::disk::{Disk, Fate};
use super::replay::Replay;
use super::say;
use super::scene::{FORMATS, Scene, Work};
use super::tracer::Verdict;
use crate::desk::Contents;
use lcw_tests::Dice;
use lcw_tests::torture::{is_long, seeds};

/// Everything that may be left of a recorded export, each state once and as early as it may come.
struct Cuts {
    states: Vec<State>,
}

/// What may be left when the power goes after so many calls.
struct State {
    after: usize,
    kind: &'static str,
    left: Contents,
    /// What was told to be committed by then: files by path, with their digests.
    committed: BTreeMap<String, String>,
}

impl Cuts {
    /// Of a record, with so many draws after each call.
    fn of(scene: &Scene, record: &[Call], seed: u64, draws: usize) -> Self {
        let mut replay = Replay::new(disk_before(scene), scene.desk.folder());
        let mut cuts = Self { states: Vec::new() };
        let mut known = HashSet::new();
        let mut dice = Dice::new(seed);
        let mut committed = BTreeMap::new();
        for (index, call) in record.iter().enumerate() {
            if !replay.make(call) {
                continue;
            }
            let kinds = ["nothing", "names", "everything"];
            let by_chance = std::iter::repeat_n("some", draws);
            for kind in kinds.into_iter().chain(by_chance) {
                let mut fate = match kind {
                    "nothing" => Fate::Nothing,
                    "names" => Fate::Names,
                    "everything" => Fate::Everything,
                    _ => Fate::Some(&mut dice),
                };
                let left = data(replay.disk.after_power_cut(&mut fate));
                if kind == "nothing" {
                    // What the disk surely has is what the program may count on.
                    committed = committed_files(&left);
                }
                if known.insert(hash(&left)) {
                    cuts.states.push(State {
                        after: index,
                        kind,
                        left,
                        committed: committed.clone(),
                    });
                }
            }
        }
        cuts
    }

    /// So many of them, from the beginning to the end; all of them where there are fewer.
    fn spread(mut self, count: usize) -> Vec<State> {
        let all = self.states.len();
        let mut index = 0;
        self.states.retain(|_| {
            let is_wanted = index * count / all != (index + 1) * count / all;
            index += 1;
            is_wanted || all <= count
        });
        self.states
    }
}

fn hash(contents: &Contents) -> u64 {
    let mut hasher = DefaultHasher::new();
    contents.hash(&mut hasher);
    hasher.finish()
}

/// The dataset's folder as part of the one around it.
pub(super) fn below_data(contents: &Contents) -> Contents {
    let inside = contents
        .iter()
        .map(|(path, bytes)| (Path::new("data").join(path), bytes.clone()));
    let itself = (!contents.is_empty()).then(|| (PathBuf::from("data"), None));
    itself.into_iter().chain(inside).collect()
}

/// The other way round.
pub(super) fn data(contents: Contents) -> Contents {
    let inside = contents.into_iter().filter_map(|(path, bytes)| {
        let path = path.strip_prefix("data").ok()?;
        (path != Path::new("")).then(|| (path.to_owned(), bytes))
    });
    inside.collect()
}

/// The manifests, oldest first.
fn manifests(contents: &Contents) -> Vec<Value> {
    let files = contents.iter().filter(|(path, _)| {
        path.starts_with("_manifests") && path.extension().is_some_and(|kind| kind == "json")
    });
    files
        .map(|(path, bytes)| {
            serde_json::from_slice(bytes.as_deref().unwrap())
                .unwrap_or_else(|error| panic!("{} is damaged: {error}", path.display()))
        })
        .collect()
}

/// What the manifests say of files, by path, in days of one kind: the newest digest of each.
fn files(contents: &Contents, is_wanted: impl Fn(&Value) -> bool) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for manifest in manifests(contents) {
        let days = manifest["days"].as_object().unwrap().values();
        for day in days.filter(|day| is_wanted(&day["state"])) {
            for file in day["files"].as_object().unwrap().values() {
                let path = file["path"].as_str().unwrap().to_owned();
                if let Some(digest) = file["after"]["sha256"].as_str() {
                    files.insert(path, digest.to_owned());
                }
            }
        }
    }
    files
}

/// Files that are told to be in place.
fn committed_files(contents: &Contents) -> BTreeMap<String, String> {
    files(contents, |state| state != "intended")
}

/// Files that are about to be put in place.
fn intended_files(contents: &Contents) -> BTreeMap<String, String> {
    files(contents, |state| state == "intended")
}

impl State {
    /// What every power cut leaves: what was told to be there is there, byte for byte, or already
    /// the next one; quarantined lines are there when they are counted.
    fn assert_keeps_its_word(&self, what: &str) {
        let mut promised = self.committed.clone();
        promised.extend(committed_files(&self.left));
        let intended = intended_files(&self.left);
        for (path, digest) in promised {
            let bytes = self.left.get(Path::new(&path)).and_then(Option::as_deref);
            let found = bytes.map(digest_of);
            let next = intended.get(&path);
            assert!(
                found.as_ref() == Some(&digest) || found.is_some() && found.as_ref() == next,
                "{what}: {path} was committed and is something else"
            );
        }
        for manifest in manifests(&self.left) {
            let id = manifest["export_id"].as_str().unwrap();
            for (table, count) in manifest["quarantined"].as_object().unwrap() {
                let path = format!("_quarantine/{id}/{table}.ndjson");
                let bytes = self.left.get(Path::new(&path)).and_then(Option::as_deref);
                let lines = bytes.unwrap_or_default().split(|byte| *byte == b'\n');
                let lines = lines.filter(|line| !line.is_empty());
                let whole = lines.filter(|line| serde_json::from_slice::<Value>(line).is_ok());
                assert!(
                    whole.count() as u64 >= count.as_u64().unwrap(),
                    "{what}: {path} lacks lines that the manifest counts"
                );
            }
            self.assert_lines_are_recorded(&manifest, what);
        }
    }

    /// What a file of quarantined lines holds is on record, as what it held or as what it was to hold,
    /// and it is there once the manifest is closed.
    fn assert_lines_are_recorded(&self, manifest: &Value, what: &str) {
        let id = manifest["export_id"].as_str().unwrap();
        let folder = Path::new("_quarantine").join(id);
        let recorded = &manifest["quarantine_files"];
        for (path, bytes) in &self.left {
            let Some(bytes) = bytes.as_ref().filter(|_| path.starts_with(&folder)) else {
                continue;
            };
            let record = &recorded[&*path.to_string_lossy()];
            let digest = digest_of(bytes);
            let is_recorded = [&record["before"], &record["after"]]
                .iter()
                .any(|it| it["sha256"] == *digest);
            assert!(is_recorded, "{what}: {} is not on record", path.display());
        }
        if manifest["status"] == "running" {
            return;
        }
        for (path, record) in recorded.as_object().into_iter().flatten() {
            let bytes = self.left.get(Path::new(path)).and_then(Option::as_deref);
            let digest = bytes.map(digest_of);
            let recorded = record["after"]["sha256"].as_str();
            assert_eq!(digest.as_deref(), recorded, "{what}: {path}");
        }
    }
}

/// Cuts the power wherever it may matter. Says how often.
fn cut(scene: &Scene, record: &[Call], seed: u64) -> usize {
    let (draws, count) = if is_long() { (6, 200) } else { (2, 16) };
    let states = Cuts::of(scene, record, seed, draws).spread(count);
    for state in &states {
        let call = record[state.after].label(&scene.root());
        let what = format!("{} left after call {}, {call}", state.kind, state.after);
        scene.fill_with(&state.left);
        scene.assert_sound(&what);
        state.assert_keeps_its_word(&what);
        scene.assert_heals(&what);
    }
    states.len()
}

/// After the good end of the last of these programs nothing can be lost any more, whichever of them
/// wrote it.
pub(crate) fn assert_lasts(scene: &Scene, programs: &[&[Call]], what: &dyn Display) {
    let mut replay = Replay::new(disk_before(scene), scene.desk.folder());
    for calls in programs {
        replay.start_program();
        for call in *calls {
            replay.make(call);
        }
    }
    let sure = data(replay.disk.after_power_cut(&mut Fate::Nothing));
    scene.fill_with(&sure);
    let after_it = format!("{what}, and the power cut after its end");
    scene.assert_true_rows(&after_it);
    scene.assert_verifies(&after_it);
    let lasting = manifests(&sure);
    let is_closed = |manifest: &Value| manifest["status"] != "running";
    assert!(lasting.iter().all(is_closed), "{what}");
    for (path, digest) in committed_files(&sure) {
        let bytes = sure.get(Path::new(&path)).and_then(Option::as_deref);
        assert_eq!(bytes.map(digest_of), Some(digest), "{what}: {path}");
    }
}

/// The disk as the export finds it.
fn disk_before(scene: &Scene) -> Disk {
    Disk::with(&below_data(scene.before()))
}

async fn power_cuts(work: Work) {
    for format in FORMATS {
        let scene = Scene::small(work, format).await;
        let record = scene.record();
        assert_lasts(&scene, &[&record], &"an export");
        for seed in seeds(1, 2) {
            let started = Instant::now();
            let states = cut(&scene, &record, seed);
            say(&format!(
                "{work:?} {}: {states} power cuts in {:?}",
                format.0,
                started.elapsed()
            ));
            assert!(states >= 16);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_power_cut_in_a_first_export_leaves_whole_files() {
    power_cuts(Work::First).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_power_cut_in_an_export_leaves_whole_files() {
    power_cuts(Work::Export).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_power_cut_in_a_backfill_leaves_whole_files() {
    power_cuts(Work::Backfill).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn quarantined_lines_reach_the_disk_before_they_are_counted() {
    let mut scene = Scene::small(Work::Export, FORMATS[0]).await;
    let tenant = &scene.desk.tenant;
    mistype(tenant, Endpoint::TaskResults, "startedDateTime", "\"soon\"");
    scene.add_words("--on-drift quarantine");
    let traced = scene.trace(|_, _| Verdict::Go);
    traced.ended.with(4);
    mend(&scene.desk.tenant);
    let record = traced.calls;
    let is_kept = |call: &Call| {
        let target = call.target.as_deref();
        target.is_some_and(|target| target.to_string_lossy().contains("/_quarantine/"))
    };
    assert!(record.iter().any(is_kept), "something is set aside");
    for seed in seeds(1, 2) {
        let states = cut(&scene, &record, seed);
        say(&format!("quarantine: {states} power cuts"));
    }
}
