//! Links, pipes, sockets and folders that somebody has put where the dataset's own files belong:
//! nothing is written outside, nobody waits for ever, and the message says what is there.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use lcw_pipeline::FileFormat;
use lcw_simulator::{RunPlan, Simulator};
use lcw_tests::single;

use crate::desk::{Contents, Desk, contents};
use crate::program::{Ended, Lcw};

const DAY: Duration = Duration::from_hours(24);

/// Every place that an export looks at or writes to, below the dataset's folder. `TENANT` is the
/// tenant's folder, `DAY` its oldest day, `ID` the newest export.
const PLACES: [&str; 18] = [
    "runs",
    "workflows",
    "user_processing_results",
    "runs/TENANT",
    "workflows/TENANT",
    "user_processing_results/TENANT",
    "runs/TENANT/DAY",
    "runs/TENANT/DAY/part-0.parquet",
    "workflows/TENANT/part-0.parquet",
    "user_processing_results/TENANT/DAY/part-0.parquet",
    "_manifests",
    "_manifests/ID.json",
    "_staging",
    "_lock",
    "_lock.json",
    "_commit.lock",
    "_dataset.json",
    "_quarantine",
];

/// What `lcw status` need not look at, and an export not write: nothing is wrong there.
const UNUSED: [&str; 1] = ["_quarantine"];

struct Planted {
    desk: Desk,
    outside: PathBuf,
}

impl Planted {
    /// A dataset of three days, and news to come: small, because it is exported again and again.
    async fn new() -> Self {
        let desk = Desk::with(Simulator::start(single(3)).await.unwrap());
        let workflow = desk.tenant.workflow_ids().remove(0);
        for days in 1..=3 {
            let scheduled = desk.tenant.now() - DAY * days;
            desk.tenant.add_run(&workflow, &RunPlan::new(scheduled, 2));
        }
        desk.export();
        let scheduled = desk.tenant.now() - Duration::from_hours(2);
        desk.tenant.add_run(&workflow, &RunPlan::new(scheduled, 2));
        copy(&desk.data(), &desk.folder().join("kept"));
        let outside = desk.folder().join("outside");
        let planted = Self { desk, outside };
        planted.restore();
        planted
    }

    /// The dataset as it was, and nothing outside but a file.
    fn restore(&self) {
        for folder in [&self.outside, &self.desk.data()] {
            // The first time there is none.
            drop(fs::remove_dir_all(folder));
        }
        copy(&self.desk.folder().join("kept"), &self.desk.data());
        fs::create_dir(&self.outside).unwrap();
        fs::write(self.outside.join("precious"), "precious").unwrap();
    }

    /// A place below the dataset's folder.
    fn find(&self, place: &str) -> PathBuf {
        let data = self.desk.data();
        let tenant = format!("tenant_id={}", self.desk.tenant.tenant_id());
        let first = |folder: &Path| {
            fs::read_dir(folder).unwrap().map(|entry| {
                let name = entry.unwrap().file_name();
                name.to_string_lossy().into_owned()
            })
        };
        let day = first(&data.join("runs").join(&tenant)).min().unwrap();
        let id = first(&data.join("_manifests")).max().unwrap();
        let place = place.replace("TENANT", &tenant).replace("DAY", &day);
        data.join(place.replace("ID.json", &id))
    }

    /// Each verb that reads or writes a dataset.
    fn verbs(&self) -> [(&'static str, Lcw); 4] {
        let line = "backfill --out data --from T-30d --to T";
        let acknowledge = "acknowledge --out data --run nothing --reason none";
        [
            ("status", self.desk.bare("status --out data")),
            ("acknowledge", self.desk.bare(acknowledge)),
            ("backfill", self.desk.lcw(line)),
            ("export", self.desk.lcw("export --out data")),
        ]
    }

    fn outside(&self) -> Contents {
        contents(&self.outside)
    }
}

fn run(program: &str, words: &[&OsStr]) {
    assert!(
        Command::new(program)
            .args(words)
            .status()
            .unwrap()
            .success(),
        "{program}"
    );
}

fn copy(from: &Path, to: &Path) {
    run("cp", &["-a".as_ref(), from.as_ref(), to.as_ref()]);
}

fn move_away(from: &Path, to: &Path) {
    if from.exists() {
        run("mv", &[from.as_ref(), to.as_ref()]);
    }
}

/// One failure, with the code for it.
#[track_caller]
fn refuses(what: &str, ended: &Ended, says: &[&str]) {
    assert!(matches!(ended.code, Some(1 | 2)), "{what}: {ended}");
    let errors = ended
        .stderr
        .lines()
        .filter(|line| line.starts_with("error: "));
    assert_eq!(errors.count(), 1, "{what}: {ended}");
    let is_said = says.iter().any(|words| ended.stderr.contains(words));
    assert!(is_said, "{what}: {ended}");
}

/// Moves what is at a place outside, and leaves a link to it.
fn replace_by_link(planted: &Planted, path: &Path) {
    let target = planted.outside.join("target");
    move_away(path, &target);
    if !target.exists() {
        fs::create_dir(&target).unwrap();
    }
    symlink(&target, path).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_link_is_not_followed_wherever_it_is() {
    let planted = Planted::new().await;
    for place in PLACES {
        planted.restore();
        replace_by_link(&planted, &planted.find(place));
        let before = planted.outside();
        for (verb, lcw) in planted.verbs() {
            let ended = lcw.run();
            let what = format!("{verb} with a link at {place}");
            assert!(planted.outside() == before, "{what} wrote outside: {ended}");
            let is_unused = UNUSED.contains(&place) || (verb == "status" && place.contains("lock"));
            if verb == "export" && !is_unused {
                refuses(&what, &ended, &["is a symbolic link"]);
            }
            assert!(!ended.stderr.contains("precious"), "{what}: {ended}");
        }
    }
}

/// Before there is a dataset, only some of these may be there at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_link_that_waits_for_the_first_export_is_not_followed() {
    for place in [
        "_staging",
        "_lock",
        "_lock.json",
        "_commit.lock",
        "_manifests",
        "_dataset.json",
    ] {
        for target in ["outside/precious", "outside/nothing", "outside"] {
            let desk = Desk::new().await;
            fs::create_dir(desk.folder().join("outside")).unwrap();
            desk.write("outside/precious", "precious");
            fs::create_dir(desk.data()).unwrap();
            symlink(desk.folder().join(target), desk.data().join(place)).unwrap();
            let before = contents(&desk.folder().join("outside"));
            let ended = desk.lcw("export --out data").run();
            let what = format!("a link to {target} at {place}");
            let after = contents(&desk.folder().join("outside"));
            assert!(after == before, "{what}: {ended}");
            refuses(&what, &ended, &["is a symbolic link", "is not a dataset"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_staged_or_linked_elsewhere_by_others_stays_as_it_is() {
    let planted = Planted::new().await;
    let (data, outside) = (planted.desk.data(), &planted.outside);
    // Links inside of _staging are swept away, not followed.
    fs::create_dir_all(data.join("_staging/evil/deeper")).unwrap();
    symlink(outside, data.join("_staging/link")).unwrap();
    symlink(
        outside.join("precious"),
        data.join("_staging/evil/deeper/file"),
    )
    .unwrap();
    fs::write(data.join("_staging/evil/x-runs-part-0.parquet"), "not ours").unwrap();
    // Hard links: another name for a file of the dataset, which is replaced and not written to.
    for (place, name) in [
        ("runs/TENANT/DAY/part-0.parquet", "hard-runs"),
        ("workflows/TENANT/part-0.parquet", "hard-workflows"),
        ("_dataset.json", "hard-dataset"),
        ("_lock", "hard-lock"),
        ("_lock.json", "hard-holder"),
        ("_commit.lock", "hard-commit-lock"),
        ("_manifests/ID.json", "hard-manifest"),
    ] {
        fs::hard_link(planted.find(place), outside.join(name)).unwrap();
    }
    let before = planted.outside();
    planted.desk.export();
    assert!(planted.outside() == before);
    assert!(!data.join("_staging/evil").exists() && !data.join("_staging/link").exists());
    planted.desk.assert_whole(FileFormat::Parquet);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nobody_waits_for_a_pipe_or_a_socket() {
    let planted = Planted::new().await;
    for place in PLACES {
        planted.restore();
        let path = planted.find(place);
        move_away(&path, &planted.outside.join("moved"));
        run("mkfifo", &[path.as_ref()]);
        for (verb, lcw) in planted.verbs() {
            // A program that waits fails the test after a minute.
            assert_special(
                &format!("{verb} with a pipe at {place}"),
                verb,
                place,
                &lcw.run(),
            );
        }
        fs::remove_file(&path).unwrap();
        // The whole path of a socket may be no longer than a hundred bytes: bound here, then moved.
        let short = planted.desk.folder().join("s");
        let _socket = UnixListener::bind(&short).unwrap();
        move_away(&short, &path);
        let ended = planted.desk.lcw("export --out data").run();
        assert_special(&format!("a socket at {place}"), "export", place, &ended);
    }
}

#[track_caller]
fn assert_special(what: &str, verb: &str, place: &str, ended: &Ended) {
    assert_ne!(ended.code, None, "{what}");
    if verb == "export" && !UNUSED.contains(&place) {
        refuses(what, ended, &["is a pipe, a socket or a device"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_folder_in_the_place_of_a_file_and_the_other_way_round_is_said() {
    let planted = Planted::new().await;
    for place in PLACES {
        planted.restore();
        let path = planted.find(place);
        let is_file = path.is_file() || path.extension() == Some(OsStr::new("json"));
        move_away(&path, &planted.outside.join("moved"));
        if is_file {
            fs::create_dir(&path).unwrap();
            fs::write(path.join("precious"), "precious").unwrap();
        } else {
            fs::write(&path, "precious").unwrap();
        }
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        for (verb, lcw) in planted.verbs() {
            let ended = lcw.run();
            let what = format!("{verb} with the wrong kind at {place}");
            assert_ne!(ended.code, None, "{what}");
            if verb == "export" && ended.code != Some(0) {
                refuses(&what, &ended, &[&name]);
            }
        }
        let kept_there = if is_file { path.join("precious") } else { path };
        // A folder for what is staged is made anew, whatever was there.
        if place != "_staging" {
            assert_eq!(fs::read(kept_there).unwrap(), b"precious", "{place}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_file_has_the_permissions_that_the_umask_leaves() {
    for (umask, files, folders) in [
        ("022", 0o644, 0o755),
        ("027", 0o640, 0o750),
        ("077", 0o600, 0o700),
    ] {
        let desk = Desk::new().await;
        let preparation = format!("umask {umask}");
        desk.lcw("export --out data")
            .in_shell(&preparation)
            .run()
            .with(0);
        let mode = |path: &Path| fs::symlink_metadata(path).unwrap().mode() & 0o7777;
        let root = mode(&desk.data());
        assert_eq!(root, 0o750 & folders, "the dataset's folder under {umask}");
        let mut count = 0;
        for (path, bytes) in contents(&desk.data()) {
            let expected = if bytes.is_some() { files } else { folders };
            assert_eq!(
                mode(&desk.data().join(&path)),
                expected,
                "{} under {umask}",
                path.display()
            );
            count += 1;
        }
        assert!(count > 20, "{count}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_folder_that_everybody_may_write_to_is_warned_about() {
    const WARNING: &str = "every user of this machine may write to the dataset's folder";
    let desk = Desk::new().await;
    let ended = desk.lcw("export --out data").run().with(0);
    assert!(!ended.stderr.contains(WARNING), "{ended}");
    for mode in [0o757, 0o1777] {
        fs::set_permissions(desk.data(), fs::Permissions::from_mode(mode)).unwrap();
        let ended = desk.lcw("export --out data --quiet").run().with(0);
        ended.says(&["WARN", WARNING, "chmod o-w"]);
    }
    fs::set_permissions(desk.data(), fs::Permissions::from_mode(0o770)).unwrap();
    let ended = desk.lcw("export --out data").run().with(0);
    assert!(!ended.stderr.contains(WARNING), "{ended}");
}
