//! SIGKILL before any call, and at any moment.

use std::path::Path;
use std::sync::mpsc::channel;
use std::thread::sleep;
use std::time::{Duration, Instant};

use lcw_simulator::Endpoint;

use super::call::{Call, Point};
use super::say;
use super::scene::{FORMATS, Scene, Work};
use super::tracer::{Traced, Verdict};
use lcw_tests::Dice;
use lcw_tests::torture::{Replay, is_long, seeds};

/// The calls to kill it before: in the long form every one, in the short one those that may change
/// something when something was changed since the one before. What a kill before any other leaves
/// is what a kill before the next of these does.
fn points(record: &[Call]) -> Vec<usize> {
    let mut is_changed = true;
    let is_point = |index: &usize| {
        let call = &record[*index];
        let is_point = call.changes() && is_changed;
        if call.changes() {
            is_changed = call.has_changed();
        }
        is_long() || is_point
    };
    (0..record.len()).filter(is_point).collect()
}

/// What runs the program from the same beginning, with these things done to its calls.
pub(super) type Trial<'a> = dyn Fn(&mut dyn FnMut(usize, &Call) -> Verdict) -> Traced + 'a;

/// Kills it before each of these calls and has a look at what is left. Says how often.
pub(super) fn kill_everywhere(
    record: &[Call],
    root: &Path,
    trial: &Trial<'_>,
    mut look: impl FnMut(&str, &Traced),
) -> usize {
    let mut killed = 0;
    for point in points(record) {
        let wanted = record[point].label(root);
        let what = format!("killed before call {point}, {wanted}");
        let mut wait = Point::of(record, point, root);
        let traced = trial(&mut |_, call| {
            if wait.is_met(call, root) {
                Verdict::Kill
            } else {
                Verdict::Go
            }
        });
        if traced.ended.code == Some(0) && !record[point].changes() {
            // One piece of a file less to be read.
            continue;
        }
        killed += 1;
        assert_eq!(traced.ended.code, None, "{what}: {}", traced.ended);
        let last = traced.calls.last().unwrap();
        assert_eq!((last.label(root), last.result), (wanted, None), "{what}");
        look(&what, &traced);
    }
    killed
}

async fn killed_anywhere(work: Work) {
    for format in FORMATS {
        let scene = Scene::small(work, format).await;
        let started = Instant::now();
        let record = scene.record();
        let trial = |decide: &mut dyn FnMut(usize, &Call) -> Verdict| scene.trace(decide);
        let points = kill_everywhere(&record, &scene.root(), &trial, |what, traced| {
            scene.assert_sound(&what);
            scene.assert_heals_for_good(&traced.calls, &what);
        });
        let took = started.elapsed();
        say(&format!(
            "{work:?} {}: killed at {points} calls in {took:?}",
            format.0
        ));
        assert!(points > 30, "{points} calls");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_first_export_killed_before_any_call_loses_nothing() {
    killed_anywhere(Work::First).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_export_killed_before_any_call_loses_nothing() {
    killed_anywhere(Work::Export).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_backfill_killed_before_any_call_loses_nothing() {
    killed_anywhere(Work::Backfill).await;
}

/// Kills it before a call by chance. Whether it came to that.
fn kill_at_a_call(scene: &Scene, calls: usize, dice: &mut Dice) -> bool {
    let point = dice.below(calls);
    let traced = scene.trace(|index, _| match index {
        index if index == point => Verdict::Kill,
        _ => Verdict::Go,
    });
    traced.ended.code.is_none()
}

/// Kills it some time after a request by chance. Whether it was still there.
fn kill_after_a_request(scene: &Scene, requests: usize, dice: &mut Dice) -> bool {
    scene.restore();
    let (sender, asked) = channel();
    let nth = 1 + dice.below(requests);
    let tenant = &scene.desk.tenant;
    // Nobody may wait any more: an export that was killed early leaves its request to the next.
    tenant.before(Endpoint::RunResults, nth as u64, move || {
        sender.send(()).unwrap_or(());
    });
    let export = scene.lcw().start();
    asked.recv_timeout(Duration::from_mins(1)).unwrap();
    sleep(Duration::from_millis(dice.below(20) as u64));
    export.signal("KILL");
    export.end().code.is_none()
}

async fn killed_at_any_moment(work: Work, test: &'static str) {
    let mut scenes = Vec::new();
    for format in FORMATS {
        let scene = Scene::large(work, format).await;
        scene.desk.tenant.reset_requests();
        let calls = scene.record().len();
        let requests = scene.desk.tenant.count(Endpoint::RunResults);
        scenes.push((scene, calls, usize::try_from(requests).unwrap()));
    }
    let started = Instant::now();
    let mut killed = 0;
    let mut moments = 0;
    for seed in seeds(10, 600) {
        moments += 1;
        let _replay = Replay::of(seed, test);
        let mut dice = Dice::new(seed);
        let (scene, calls, requests) = &scenes[dice.below(scenes.len())];
        let is_killed = if dice.once_in(2) {
            kill_at_a_call(scene, *calls, &mut dice)
        } else {
            kill_after_a_request(scene, *requests, &mut dice)
        };
        killed += usize::from(is_killed);
        let what = format!("killed with seed {seed}");
        scene.assert_sound(&what);
        scene.assert_heals(&what);
    }
    let took = started.elapsed();
    say(&format!(
        "{work:?}: {killed} of {moments} moments in {took:?}"
    ));
    assert!(killed * 2 >= moments, "{killed} of {moments}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_export_killed_at_any_moment_loses_nothing() {
    let test =
        "cargo test --package lcw-cli --test cli an_export_killed_at_any_moment_loses_nothing";
    killed_at_any_moment(Work::Export, test).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_backfill_killed_at_any_moment_loses_nothing() {
    let test =
        "cargo test --package lcw-cli --test cli a_backfill_killed_at_any_moment_loses_nothing";
    killed_at_any_moment(Work::Backfill, test).await;
}
