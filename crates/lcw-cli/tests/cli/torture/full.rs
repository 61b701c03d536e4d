//! A file system that is full: of data, and of files.

use std::process::Command;

use super::scene::{FORMATS, Scene, Work};
use crate::program::{Ended, Lcw};
use lcw_tests::torture::is_long;

/// What runs out.
#[derive(Debug, Clone, Copy)]
enum Scarce {
    Pages,
    Inodes,
}

/// In a mount namespace of its own: a file system of a size, the dataset on it, the export, and
/// once more after the file system has grown. `$1` is its size, `$2` how many files it may hold;
/// what follows is the program.
const SCRIPT: &str = r#"
set -e
size=$1 inodes=$2
shift 2
mkdir -p mnt
mount -t tmpfs -o size="$size",nr_inodes="$inodes",mode=0750 tmpfs mnt
cp -a data mnt/data
rm -rf data
export_into() {
    set +e
    "$@" >"$out" 2>"$err"
    echo $? >"$code"
    set -e
}
out=out1 err=err1 code=code1
export_into "$@"
cp -a mnt/data after
mount -o remount,size=64m,nr_inodes=100000 mnt
out=out2 err=err2 code=code2
export_into "$@"
cp -a mnt/data healed
"#;

/// `unshare` for whoever this is.
fn unshare() -> Command {
    let id = Command::new("id").arg("-u").output().unwrap().stdout;
    let mut unshare = Command::new("unshare");
    unshare.arg(if id == b"0\n" { "-m" } else { "-Urm" });
    unshare
}

/// What the program said and how it ended, the first or the second time.
fn ended(scene: &Scene, time: u8) -> Ended {
    let read = |name: &str| {
        let path = scene.desk.folder().join(format!("{name}{time}"));
        std::fs::read_to_string(path).unwrap()
    };
    Ended {
        code: read("code").trim().parse().ok(),
        stdout: read("out"),
        stderr: read("err"),
        was_killed: false,
    }
}

/// Exports with so much room beyond what is there. Says whether that was enough.
fn export_with(scene: &Scene, (size, inodes): (usize, usize), what: &str) -> bool {
    scene.restore();
    let folder = scene.desk.folder();
    for name in ["after", "healed"] {
        drop(std::fs::remove_dir_all(folder.join(name)));
    }
    let mut unshare = unshare();
    unshare.args(["sh", "-c", SCRIPT, "sh"]);
    unshare.args([size.to_string(), inodes.to_string()]);
    let lcw: Lcw = scene.lcw_into(&folder.join("mnt/data"));
    let script = lcw.wrapped(unshare).run();
    assert_eq!(
        script.code,
        Some(0),
        "a mount namespace with a tmpfs is needed: run as root, or allow user namespaces \
         (unshare of util-linux): {script}"
    );
    let take = |name: &str| {
        drop(std::fs::remove_dir_all(scene.root()));
        let moved = Command::new("mv")
            .arg(folder.join(name))
            .arg(scene.root())
            .status();
        assert!(moved.unwrap().success());
    };
    take("after");
    scene.assert_sound(&what);
    let first = ended(scene, 1);
    let is_enough = first.code == Some(0);
    if is_enough {
        scene.assert_true_rows(&what);
    } else {
        assert_eq!(first.code, Some(1), "{what}: {first}");
        let errors: Vec<&str> = first
            .stderr
            .lines()
            .filter(|line| line.starts_with("error: "))
            .collect();
        assert!(
            errors.len() == 1 && errors[0].contains("the disk is full"),
            "{what}: {first}"
        );
    }
    take("healed");
    let second = ended(scene, 2);
    assert_eq!(second.code, Some(0), "{what}: {second}");
    scene.assert_whole(&second);
    is_enough
}

/// Room for one more page, or file, each time, until it is enough. Says how often it was not.
fn grow(scene: &Scene, scarce: Scarce) -> usize {
    const PAGE: usize = 4096;
    // The folders above the dataset's, and a page that the file system keeps to itself.
    let (pages, inodes) = scene.room_taken();
    let step = if is_long() { 1 } else { 4 };
    let mut failures = 0;
    for more in (1..).step_by(step) {
        let room = match scarce {
            Scarce::Pages => ((pages + more) * PAGE, 100_000),
            Scarce::Inodes => (64 << 20, inodes + 2 + more),
        };
        let what = format!("{more} {scarce:?} more");
        if export_with(scene, room, &what) {
            break;
        }
        failures += 1;
        assert!(failures < 200, "{what}: never enough");
    }
    failures
}

async fn filled(work: Work) {
    for format in FORMATS {
        let scene = Scene::small(work, format).await;
        for scarce in [Scarce::Pages, Scarce::Inodes] {
            let started = std::time::Instant::now();
            let failures = grow(&scene, scarce);
            super::say(&format!(
                "{work:?} {} {scarce:?}: full {failures} times in {:?}",
                format.0,
                started.elapsed()
            ));
            assert!(failures >= 2, "{scarce:?}: {failures}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_export_onto_a_full_file_system_is_completed_once_there_is_room() {
    filled(Work::Export).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_backfill_onto_a_full_file_system_is_completed_once_there_is_room() {
    filled(Work::Backfill).await;
}
