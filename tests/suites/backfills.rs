//! Backfills: over what is there, through interruptions, and as a repair.

use std::time::Duration;

use lcw_simulator::{Endpoint, Fault, FaultRule, RunChange, Simulator};
use lcw_tests::{Archive, Office, brief, data_files, expected, quiet, runs_read};
use lcw_transform::Table;

const DAY: Duration = Duration::from_hours(24);
const FROM: &str = "2026-11-15T00:00:00Z";
const TO: &str = "2026-11-21T00:00:00Z";

#[tokio::test]
async fn a_backfill_over_an_exported_window_reads_everything_and_rewrites_nothing() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(quiet(5, 4)).await.unwrap();
        office.export(&tenant).await;
        let archive = Archive::of(&tenant.truth());
        let files = data_files(office.out());
        let backfill = office.backfill(&tenant, "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z");
        let summary = backfill.await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        let settled = office.settled_runs(&tenant, &tenant.truth());
        assert_eq!(summary.proof.matched, settled);
        assert_eq!(summary.runs.skipped_settled, 0);
        assert_eq!(summary.runs.fetched + summary.runs.skipped_empty, settled);
        assert_eq!(data_files(office.out()), files);
        office.assert_keeps(&tenant, &archive);
        office.assert_markers(&tenant, &tenant.truth());
    }
}

#[tokio::test]
async fn a_backfill_reads_its_window_and_nothing_else_and_never_counts_as_coverage() {
    for (seed, mut office) in (6..).zip(Office::of_each_format()) {
        office.request.lookback = DAY;
        let tenant = Simulator::start(quiet(seed, 12)).await.unwrap();
        let truth = tenant.truth();
        let mut window = truth.clone();
        let is_inside = |value: &serde_json::Value| {
            let scheduled = value["scheduledDateTime"].as_str().unwrap();
            (FROM..TO).contains(&scheduled)
        };
        window.runs.retain(|run| is_inside(&run.value));
        let inside: Vec<_> = window.runs.iter().map(|run| &run.id).collect();
        window
            .results
            .retain(|result| inside.contains(&&result.run_id));

        let summary = office.backfill(&tenant, FROM, TO).await;
        assert_eq!(
            (summary.exit_code, summary.runs.listed),
            (0, inside.len() as u64)
        );
        assert_eq!(summary.proof.matched, inside.len() as u64);
        office.assert_holds(&tenant, &window);
        office.assert_markers(&tenant, &window);

        // The export after it is a first export, of 30 days.
        tenant.reset_requests();
        let summary = office.export(&tenant).await;
        let from = tenant.now() - 30 * DAY;
        assert_eq!(
            (summary.exit_code, summary.window.from),
            (0, Some(from.to_string()))
        );
        assert_eq!(summary.runs.skipped_settled, inside.len() as u64);
        assert!(inside.iter().all(|run| !runs_read(&tenant).contains(*run)));
        office.assert_holds(&tenant, &truth);
        office.assert_markers(&tenant, &truth);
    }
}

#[tokio::test]
async fn a_backfill_that_broke_half_way_goes_on_where_it_was() {
    for (seed, mut office) in (8..).zip(Office::of_each_format()) {
        let tenant = Simulator::start(quiet(seed, 8)).await.unwrap();
        let truth = tenant.truth();
        let results = expected(&truth, Table::UserProcessingResults);
        let hit = results
            .iter()
            .find(|(_, row)| row["run_date"] == "2026-11-18");
        let fault = FaultRule::new(Fault::status(400)).on(Endpoint::RunResults);
        tenant.inject(fault.path_contains(hit.unwrap().0[1].as_str()));
        let (from, to) = ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z");
        let broken = office.backfill(&tenant, from, to).await;
        assert_eq!(broken.exit_code, 1, "{broken:#?}");
        let committed = |id: &str| {
            let run = truth.runs.iter().find(|run| run.id == *id).unwrap();
            run.value["scheduledDateTime"].as_str().unwrap() < "2026-11-18"
        };
        let is_read = |id: &str| truth.results_of(id).next().is_some();
        tenant.clear_faults();

        // Another window is another backfill, even if it is started in between.
        tenant.reset_requests();
        let other = office.backfill(&tenant, "2026-11-16T00:00:00Z", "2026-11-17T00:00:00Z");
        assert!(other.await.runs.listed > 0 && !runs_read(&tenant).is_empty());

        tenant.reset_requests();
        let summary = office.backfill(&tenant, from, to).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        let read = runs_read(&tenant);
        for run in truth.runs.iter().filter(|run| is_read(&run.id)) {
            assert_eq!(
                read.contains(&run.id),
                !committed(&run.id),
                "run {}",
                run.id
            );
        }
        let skipped = truth.runs.iter().filter(|run| committed(&run.id)).count();
        assert_eq!(summary.runs.skipped_committed, skipped as u64);
        let proven = truth.runs.len() - skipped;
        assert_eq!(summary.proof.matched, proven as u64);
        office.assert_holds(&tenant, &truth);
        office.assert_markers(&tenant, &truth);

        // It is finished: once more means from the start.
        let summary = office.backfill(&tenant, from, to).await;
        assert_eq!((summary.exit_code, summary.runs.skipped_committed), (0, 0));
        assert_eq!(summary.proof.matched, truth.runs.len() as u64);
    }
}

#[tokio::test]
async fn a_backfill_that_was_stopped_is_finished_by_the_same_words() {
    for (nth, mut office) in [9, 23].into_iter().zip(Office::of_each_format()) {
        let tenant = Simulator::start(quiet(nth, 8)).await.unwrap();
        let (from, to) = ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z");
        office.stop_before(&tenant, Endpoint::RunResults, nth);
        let stopped = office.backfill(&tenant, from, to).await;
        assert_eq!(stopped.exit_code, 130, "{stopped:#?}");
        let committed = office.facts(&tenant, Table::Runs);
        office.keep_going();
        tenant.reset_requests();
        let summary = office.backfill(&tenant, from, to).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert_eq!(summary.runs.skipped_committed, committed.len() as u64);
        let read = runs_read(&tenant);
        assert!(committed.keys().all(|key| !read.contains(&key[1])));
        assert_eq!(
            stopped.proof.matched + summary.proof.matched,
            tenant.truth().runs.len() as u64
        );
        office.assert_holds(&tenant, &tenant.truth());
        office.assert_markers(&tenant, &tenant.truth());
    }
}

#[tokio::test]
async fn a_backfill_repairs_what_was_taken_away_also_after_an_unfinished_one() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(quiet(10, 5)).await.unwrap();
        office.export(&tenant).await;
        let archive = Archive::of(&tenant.truth());
        let (from, to) = ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z");
        // One run at a time: by its fifteenth request the first days are written.
        office.request.max_concurrency = 1;
        office.stop_before(&tenant, Endpoint::RunResults, 15);
        let stopped = office.backfill(&tenant, from, to).await;
        assert_eq!(stopped.exit_code, 130, "{stopped:#?}");
        assert!(stopped.proof.matched > 0, "it has committed a day");
        office.keep_going();

        let files = data_files(office.out()).into_keys();
        let damaged = files.filter(|path| path.to_string_lossy().contains("2026-11-18"));
        for path in damaged {
            std::fs::remove_file(path).unwrap();
        }
        let summary = office.backfill(&tenant, from, to).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        office.assert_keeps(&tenant, &archive);
        office.assert_markers(&tenant, &tenant.truth());
    }
}

#[tokio::test]
async fn a_backfill_of_one_workflow_leaves_the_others_alone() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(brief(11, 4)).await.unwrap();
        office.export(&tenant).await;
        let mut archive = Archive::of(&tenant.truth());
        tenant.advance(DAY);
        let truth = tenant.truth();
        let changed = truth.runs.iter().find(|run| !truth_is_open(run)).unwrap();
        tenant.change_run(
            &changed.id,
            &RunChange {
                add_users: 2,
                ..RunChange::default()
            },
        );
        tenant.advance(DAY / 24);
        office.request.kind = lcw_pipeline::Kind::Backfill(lcw_pipeline::Backfill {
            from: "2026-11-01T00:00:00Z".parse().unwrap(),
            to: "2026-12-01T00:00:00Z".parse().unwrap(),
            workflows: vec![changed.workflow_id.clone()],
            wording: "one workflow".into(),
        });
        let summary = office.run(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        let mut seen = tenant.truth();
        seen.workflows
            .retain(|workflow| workflow.id == changed.workflow_id);
        seen.runs
            .retain(|run| run.workflow_id == changed.workflow_id);
        seen.results
            .retain(|result| result.workflow_id == changed.workflow_id);
        archive.observe(&seen);
        office.assert_keeps(&tenant, &archive);
        office.assert_markers(&tenant, &seen);
        assert_eq!(summary.proof.matched, office.settled_runs(&tenant, &seen));

        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        archive.observe(&tenant.truth());
        office.assert_keeps(&tenant, &archive);
        office.assert_markers(&tenant, &tenant.truth());
    }
}

fn truth_is_open(run: &lcw_simulator::TrueRun) -> bool {
    run.value["completedDateTime"].is_null()
}
