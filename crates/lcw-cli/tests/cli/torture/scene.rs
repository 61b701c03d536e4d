//! Something that the program is in the middle of when it fails, and what has to hold afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lcw_pipeline::{FileFormat, VerifyRequest, exit};
use lcw_simulator::{
    Category, ProcessingStatus, RunChange, RunPlan, Simulator, TenantConfig, WorkflowConfig,
};
use lcw_tests::{Facts, assert_same, brief, expected, facts};
use lcw_transform::Table;
use serde_json::Value;
use tempfile::TempDir;

use super::call::Call;
use super::tracer::{Traced, Verdict, trace};
use crate::desk::{Contents, Desk, NDJSON, contents};
use crate::program::{Ended, Lcw};

const DAY: Duration = Duration::from_hours(24);

/// The tables that are exported: one without days, two below the runs, and the runs.
const TABLES: [Table; 4] = [
    Table::Workflows,
    Table::UserProcessingResults,
    Table::TaskProcessingResults,
    Table::Runs,
];

/// How they are asked for.
const CHOICE: &str = "--table user_processing_results --table task_processing_results";

/// The tables below the runs, with the marker in `runs` that says how many rows were read.
const CHILDREN: [(Table, &str); 2] = [
    (Table::UserProcessingResults, "_lcw_result_rows"),
    (Table::TaskProcessingResults, "_lcw_task_rows"),
];

/// Both formats by the name on the command line.
pub(crate) const FORMATS: [(&str, FileFormat); 2] =
    [("parquet", FileFormat::Parquet), ("ndjson", NDJSON)];

/// What the program does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// The first export, into a folder that is not there yet.
    First,
    /// A later one, which replaces a day's files and makes a further day's.
    Export,
    /// A backfill with the same to do.
    Backfill,
}

impl Work {
    fn verb(self) -> &'static str {
        match self {
            Self::First | Self::Export => "export",
            Self::Backfill => "backfill --from 2026-11-15 --to 2026-11-30",
        }
    }
}

/// A tenant, a dataset, and an export that has something to change about it.
pub(crate) struct Scene {
    pub(crate) desk: Desk,
    line: String,
    format: FileFormat,
    /// The dataset's folder as it was before, with its rows.
    before: Contents,
    stored: BTreeMap<Table, Facts>,
    /// What the tables have to hold in the end.
    truth: BTreeMap<Table, Facts>,
}

/// In memory, where a call costs little: what reaches the disk is a matter of the model.
pub(crate) fn in_memory() -> TempDir {
    tempfile::tempdir_in("/dev/shm").expect("a folder in /dev/shm, for thousands of small files")
}

impl Scene {
    /// As small as it can be with everything in it: three days, of which one is left alone, one
    /// changes and one is new.
    pub(crate) async fn small(work: Work, (name, format): (&str, FileFormat)) -> Self {
        let config = TenantConfig {
            workflows: vec![WorkflowConfig::new(Category::Leaver, "Offboard")],
            people: 10,
            ..TenantConfig::empty(7)
        };
        let tenant = Simulator::start(config).await.unwrap();
        let desk = Desk::in_folder(tenant, in_memory());
        let workflow = desk.tenant.workflow_ids()[0].clone();
        let add = |days: u32, users| {
            let plan = RunPlan::new(desk.tenant.now() - days * DAY, users);
            desk.tenant.add_run(&workflow, &plan)
        };
        add(3, 1);
        let changed = add(2, 2);
        desk.tenant.advance(Duration::from_hours(1));
        let words = format!("--format {name} {CHOICE}");
        if work != Work::First {
            let first = format!("export --out data {words}");
            desk.lcw(&first).run().with(0);
        }
        desk.tenant.rename_workflow(&workflow, "Offboard leavers");
        let change = RunChange {
            outcome: Some(ProcessingStatus::Failed),
            add_users: 1,
            ..RunChange::default()
        };
        desk.tenant.change_run(&changed, &change);
        add(0, 2);
        desk.tenant.advance(Duration::from_hours(1));
        Self::new(desk, format!("{} {words}", work.verb()), format)
    }

    /// Four workflows, with three days stored and two more to come.
    pub(crate) async fn large(work: Work, (name, format): (&str, FileFormat)) -> Self {
        let tenant = Simulator::start(brief(5, 3)).await.unwrap();
        let desk = Desk::in_folder(tenant, in_memory());
        let words = format!("--format {name} {CHOICE}");
        let first = format!("export --out data {words}");
        desk.lcw(&first).run().with(0);
        desk.tenant.advance(2 * DAY);
        Self::new(desk, format!("{} {words}", work.verb()), format)
    }

    /// From the dataset as it is now.
    fn new(desk: Desk, line: String, format: FileFormat) -> Self {
        let truth = desk.tenant.truth();
        let wanted = |table| {
            let mut rows = expected(&truth, table);
            for row in rows.values_mut() {
                // As of the workflow's last change, like the rest of its row.
                row.remove("next_schedule_run_date_time");
            }
            (table, rows)
        };
        let truth = TABLES.map(wanted).into();
        let mut scene = Self {
            before: contents(&desk.data()),
            desk,
            line,
            format,
            stored: BTreeMap::new(),
            truth,
        };
        scene.stored = scene.tables();
        scene
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.desk.data()
    }

    /// The dataset's folder as it is at the beginning.
    pub(crate) fn before(&self) -> &Contents {
        &self.before
    }

    /// Pages and inodes that the dataset takes on a file system in memory.
    pub(crate) fn room_taken(&self) -> (usize, usize) {
        let files = self.before.values().flatten();
        let pages = files.map(|bytes| bytes.len().div_ceil(4096)).sum();
        (pages, self.before.len() + 1)
    }

    /// More words on the command line.
    pub(crate) fn add_words(&mut self, words: &str) {
        self.line.push(' ');
        self.line.push_str(words);
    }

    /// The program with what it is to do.
    pub(crate) fn lcw(&self) -> Lcw {
        self.lcw_into(&self.root())
    }

    /// The same in another folder.
    pub(crate) fn lcw_into(&self, out: &Path) -> Lcw {
        let line = format!("{} --out {}", self.line, out.display());
        let calm = self.desk.lcw(&line).words("--max-concurrency 2");
        // As many threads on every machine.
        calm.env("TOKIO_WORKER_THREADS", "1")
    }

    /// Puts the dataset's folder back to what it was.
    pub(crate) fn restore(&self) {
        self.fill_with(&self.before);
    }

    /// Puts something in the place of the dataset's folder.
    pub(crate) fn fill_with(&self, wanted: &Contents) {
        fill(&self.root(), wanted);
    }

    /// Runs it from the beginning, with these things done to its calls.
    pub(crate) fn trace(&self, mut decide: impl FnMut(usize, &Call) -> Verdict) -> Traced {
        self.restore();
        trace(self.lcw(), &self.root(), &mut decide)
    }

    /// Runs it from the beginning and to its good end.
    pub(crate) fn record(&self) -> Vec<Call> {
        let traced = self.trace(|_, _| Verdict::Go);
        let ended = traced.ended.with(0);
        self.assert_whole(&ended);
        traced.calls
    }

    /// The rows as they are stored; every file can be read, and no key comes twice.
    fn tables(&self) -> BTreeMap<Table, Facts> {
        let tenant = self.desk.tenant.tenant_id();
        let rows = |table| (table, facts(&self.root(), self.format, tenant, table));
        TABLES.map(rows).into()
    }

    /// What holds at any moment, whatever went wrong: files are whole, rows are old or new ones,
    /// none that was there is gone, no run says that rows were read which are not there, and
    /// `lcw verify` finds no more than what is worth a note.
    pub(crate) fn assert_sound(&self, what: &dyn std::fmt::Display) {
        self.assert_verifies(what);
        let found = self.tables();
        for (table, rows) in &found {
            for key in self.stored[table].keys() {
                let name = table.name();
                assert!(rows.contains_key(key), "{what}: {name} lost {key:?}");
            }
            for (key, row) in rows {
                let is_old = self.stored[table].get(key).is_some_and(|old| old == row);
                assert!(
                    is_old || self.is_true(*table, key, row),
                    "{what}: {} has {key:?} as {row:?}",
                    table.name()
                );
            }
        }
        self.assert_runs_follow(&found, what);
        self.assert_no_strays(what);
    }

    /// Whether a row is what the service says, in all columns that the service fills.
    fn is_true(&self, table: Table, key: &[String], row: &BTreeMap<String, Value>) -> bool {
        let truth = self.truth[&table].get(key);
        truth.is_some_and(|truth| truth.iter().all(|(column, value)| row[column] == *value))
    }

    /// Children are written before their runs.
    fn assert_runs_follow(&self, found: &BTreeMap<Table, Facts>, what: &dyn std::fmt::Display) {
        for (run, row) in &found[&Table::Runs] {
            let is_new = self.stored[&Table::Runs].get(run) != Some(row);
            for (table, marker) in CHILDREN {
                let Some(read) = row[marker].as_u64() else {
                    continue;
                };
                let of_run = |(key, _): &(&Vec<String>, _)| key[..2] == run[..];
                let rows = found[&table].iter().filter(of_run);
                let rows: BTreeMap<_, _> = rows.collect();
                let name = table.name();
                assert!(
                    rows.len() as u64 >= read,
                    "{what}: run {run:?} says {read} rows of {name}, there are {}",
                    rows.len()
                );
                let true_rows = self.truth[&table].iter().filter(of_run);
                for (key, _) in true_rows.filter(|_| is_new) {
                    let is_there = rows
                        .get(key)
                        .is_some_and(|row| self.is_true(table, key, row));
                    assert!(is_there, "{what}: run {run:?} is ahead of {name} {key:?}");
                }
            }
        }
    }

    /// No reader's glob meets anything but data files.
    fn assert_no_strays(&self, what: &dyn std::fmt::Display) {
        for (path, bytes) in contents(&self.root()) {
            let is_own = path.to_string_lossy().starts_with('_');
            let name = path.file_name().unwrap().to_string_lossy();
            assert!(
                is_own || bytes.is_none() || name.starts_with("part-0."),
                "{what}: {} is in the way of readers",
                path.display()
            );
        }
    }

    /// The same again, with nothing in its way: it ends well and has everything.
    pub(crate) fn assert_heals(&self, what: &dyn std::fmt::Display) {
        let ended = self.lcw().run();
        assert_eq!(ended.code, Some(0), "{what}: {ended}");
        self.assert_whole(&ended);
    }

    /// The same, and what it found and made lasts: a power cut right afterwards takes nothing
    /// away, whoever it was that wrote it. `first` are the calls of the export that failed.
    pub(crate) fn assert_heals_for_good(&self, first: &[Call], what: &dyn std::fmt::Display) {
        let traced = trace(self.lcw(), &self.root(), &mut |_, _| Verdict::Go);
        let ended = traced.ended;
        assert_eq!(ended.code, Some(0), "{what}: {ended}");
        self.assert_whole(&ended);
        super::power::assert_lasts(self, &[first, &traced.calls], what);
    }

    /// `lcw verify --deep` finds nothing wrong, once there is a dataset.
    pub(crate) fn assert_verifies(&self, what: &dyn std::fmt::Display) {
        assert_verifies(&self.root(), what);
    }

    /// Whole tables are what the service says.
    pub(crate) fn assert_true_rows(&self, what: &dyn std::fmt::Display) {
        for (table, rows) in self.tables() {
            assert_same(
                &format!("{what}: {}", table.name()),
                &rows,
                &self.truth[&table],
            );
        }
    }

    /// Whole tables are true, nothing is left over, and every export is accounted for.
    pub(crate) fn assert_whole(&self, ended: &Ended) {
        self.assert_true_rows(&"after its end");
        self.assert_verifies(&"after its end");
        self.assert_no_strays(&"after its end");
        let left = contents(&self.root());
        let staged: BTreeSet<&Path> = left
            .keys()
            .filter(|path| path.starts_with("_staging") && path.as_os_str() != "_staging")
            .map(PathBuf::as_path)
            .collect();
        assert!(staged.is_empty(), "{staged:?} is left over: {ended}");
        for (path, bytes) in left
            .iter()
            .filter(|(path, _)| path.starts_with("_manifests"))
        {
            let Some(bytes) = bytes else { continue };
            let manifest: Value = serde_json::from_slice(bytes).unwrap();
            assert_ne!(manifest["status"], "running", "{}: {ended}", path.display());
        }
    }
}

/// Puts something in the place of a folder.
pub(super) fn fill(root: &Path, wanted: &Contents) {
    if root.exists() {
        std::fs::remove_dir_all(root).unwrap();
    }
    if !wanted.is_empty() {
        std::fs::create_dir(root).unwrap();
    }
    for (path, bytes) in wanted {
        let path = root.join(path);
        match bytes {
            None => std::fs::create_dir(path).unwrap(),
            Some(bytes) => std::fs::write(path, bytes).unwrap(),
        }
    }
}

/// `lcw verify --deep` finds nothing wrong with a dataset, once there is one.
pub(super) fn assert_verifies(root: &Path, what: &dyn std::fmt::Display) {
    let request = VerifyRequest {
        out: root.to_owned(),
        deep: true,
        expect_head: None,
    };
    match lcw_pipeline::verify(&request) {
        Ok(done) => {
            assert!(done.findings.is_empty(), "{what}: {:#?}", done.findings);
            assert_eq!(done.exit_code, exit::DONE, "{what}");
        }
        Err(error) => {
            let is_begun = root.join("_dataset.json").exists();
            assert!(!is_begun, "{what}: verify says {error}");
        }
    }
}
