//! Exports that were killed, and crons that were down: nothing in between is skipped.

use std::collections::BTreeSet;
use std::time::Duration;

use lcw_pipeline::Status;
use lcw_simulator::{Endpoint, Fault, FaultRule, Simulator, Truth};
use lcw_tests::{Archive, Office, brief, expected, runs_read};
use lcw_transform::Table;

const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn a_first_export_killed_on_its_tenth_day_is_completed_by_a_later_one() {
    for (seed, mut office) in (2..).zip(Office::of_each_format()) {
        // Days pass before the second attempt, and its lookback is shorter than what is missing.
        office.request.lookback = 2 * DAY;
        let tenant = Simulator::start(brief(seed, 14)).await.unwrap();
        let truth = tenant.truth();
        let tenth = break_day(&tenant, &truth, 10);
        let killed = office.export(&tenant).await;
        assert_eq!((killed.exit_code, killed.status), (1, Status::Failed));
        let committed = before(&truth, &tenth);
        let mut archive = Archive::of(&committed);
        office.assert_keeps(&tenant, &archive);
        assert_eq!(
            killed.proof.matched,
            office.settled_runs(&tenant, &committed)
        );

        tenant.clear_faults();
        tenant.advance(5 * DAY);
        tenant.reset_requests();
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        archive.observe(&tenant.truth());
        office.assert_keeps(&tenant, &archive);
        office.assert_markers(&tenant, &tenant.truth());
        let read = runs_read(&tenant);
        for run in &committed.runs {
            let is_known = run.value["processingStatus"] != "quarantined";
            assert_eq!(read.contains(&run.id), !is_known, "run {}", run.id);
        }
        let proven = office.settled_runs(&tenant, &tenant.truth()) - killed.proof.matched;
        assert_eq!(summary.proof.matched, proven);
    }
}

#[tokio::test]
async fn a_first_export_stopped_anywhere_is_completed_by_a_later_one() {
    let offices = [Office::of_each_format(), Office::of_each_format()];
    for (nth, mut office) in [3, 17, 33, 47]
        .into_iter()
        .zip(offices.into_iter().flatten())
    {
        office.request.lookback = DAY;
        let tenant = Simulator::start(brief(nth, 14)).await.unwrap();
        office.stop_before(&tenant, Endpoint::RunResults, nth);
        let stopped = office.export(&tenant).await;
        assert_eq!(
            (stopped.exit_code, stopped.status),
            (130, Status::Interrupted)
        );
        let days = |office: &Office| -> BTreeSet<String> {
            let rows = office.facts(&tenant, Table::Runs);
            let days = rows.values().map(|row| row["run_date"].as_str().unwrap());
            days.map(str::to_owned).collect()
        };
        let committed = days(&office);
        let first_missing = expected(&tenant.truth(), Table::Runs)
            .values()
            .map(|row| row["run_date"].as_str().unwrap().to_owned())
            .filter(|day| !committed.contains(day))
            .min();
        let mut archive = Archive::of(&before(&tenant.truth(), &first_missing.unwrap()));
        office.assert_keeps(&tenant, &archive);

        office.keep_going();
        tenant.advance(4 * DAY);
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        archive.observe(&tenant.truth());
        office.assert_keeps(&tenant, &archive);
        office.assert_markers(&tenant, &tenant.truth());
    }
}

#[tokio::test]
async fn a_later_export_that_was_killed_leaves_no_gap() {
    for (seed, mut office) in (4..).zip(Office::of_each_format()) {
        office.request.lookback = DAY;
        let tenant = Simulator::start(brief(seed, 3)).await.unwrap();
        office.export(&tenant).await;
        let mut archive = Archive::of(&tenant.truth());
        // Days 4 to 9; the export breaks in the middle of them.
        tenant.advance(6 * DAY);
        let truth = tenant.truth();
        let broken = break_day(&tenant, &truth, 8);
        let killed = office.export(&tenant).await;
        assert_eq!(killed.exit_code, 1, "{killed:#?}");
        archive.observe(&before(&truth, &broken));
        office.assert_keeps(&tenant, &archive);

        tenant.clear_faults();
        tenant.advance(2 * DAY);
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        archive.observe(&tenant.truth());
        office.assert_keeps(&tenant, &archive);
        office.assert_markers(&tenant, &tenant.truth());
    }
}

#[tokio::test]
async fn a_run_that_could_not_be_read_is_read_however_late_the_next_export_comes() {
    for (seed, mut office) in (6..).zip(Office::of_each_format()) {
        office.request.lookback = DAY;
        office.client.max_attempts = 2;
        let tenant = Simulator::start(brief(seed, 5)).await.unwrap();
        let truth = tenant.truth();
        let unread = &truth.results[0].run_id;
        let fault = FaultRule::new(Fault::status(503));
        tenant.inject(
            fault
                .on(Endpoint::RunResults)
                .path_contains(unread.as_str()),
        );
        let partial = office.export(&tenant).await;
        assert_eq!((partial.exit_code, partial.status), (4, Status::Partial));
        assert_eq!(partial.not_covered.len(), 1);
        let mut seen = truth.clone();
        seen.results.retain(|result| result.run_id != *unread);
        let mut archive = Archive::of(&seen);
        office.assert_keeps(&tenant, &archive);

        tenant.clear_faults();
        tenant.advance(10 * DAY);
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        archive.observe(&tenant.truth());
        office.assert_keeps(&tenant, &archive);
        office.assert_markers(&tenant, &tenant.truth());
    }
}

#[tokio::test]
async fn a_cron_that_was_down_for_ten_days_skips_nothing() {
    for (seed, mut office) in (2..).zip(Office::of_each_format()) {
        office.request.lookback = 2 * DAY;
        let tenant = Simulator::start(brief(seed, 4)).await.unwrap();
        office.export(&tenant).await;
        let mut archive = Archive::of(&tenant.truth());
        let listed_from = tenant.now() - 2 * DAY;

        tenant.advance(10 * DAY);
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert_eq!(summary.window.from, Some(listed_from.to_string()));
        archive.observe(&tenant.truth());
        office.assert_keeps(&tenant, &archive);
        office.assert_markers(&tenant, &tenant.truth());
    }
}

#[tokio::test]
async fn a_cron_that_was_down_for_35_days_names_the_lost_days_once() {
    for (seed, mut office) in (4..).zip(Office::of_each_format()) {
        let tenant = Simulator::start(brief(seed, 2)).await.unwrap();
        office.export(&tenant).await;
        let mut archive = Archive::of(&tenant.truth());
        tenant.advance(35 * DAY);
        let summary = office.export(&tenant).await;
        assert_eq!((summary.exit_code, summary.status), (5, Status::Unproven));
        assert_eq!(summary.proof.short, 0);
        archive.observe(&tenant.truth());
        office.assert_keeps(&tenant, &archive);
        office.assert_markers(&tenant, &tenant.truth());

        let lost: Vec<String> = (23..=28).map(|day| format!("2026-11-{day}")).collect();
        assert_eq!(summary.lost_days, lost);
        let forgotten = days_without_their_runs(&office, &tenant);
        assert!(forgotten.len() > 3 && forgotten.iter().all(|day| lost.contains(day)));

        let next = office.export(&tenant).await;
        assert_eq!(
            next.exit_code, 0,
            "only the export that finds out is red: {next:#?}"
        );
        assert!(next.lost_days.is_empty());
        let status = lcw_pipeline::status(office.out()).unwrap();
        assert_eq!(status.tenants[0].lost_days, lost);
    }
}

#[tokio::test]
async fn a_day_of_which_only_some_hours_are_lost_is_named() {
    for mut office in Office::of_each_format() {
        let mut config = brief(5, 2);
        for workflow in &mut config.workflows {
            workflow.schedule.as_mut().unwrap().every = Duration::from_hours(8);
        }
        let tenant = Simulator::start(config).await.unwrap();
        office.export(&tenant).await;
        let mut archive = Archive::of(&tenant.truth());
        tenant.advance(30 * DAY + Duration::from_hours(9));
        let summary = office.export(&tenant).await;
        assert_eq!(days_without_their_runs(&office, &tenant), ["2026-11-23"]);
        assert_eq!(
            (summary.exit_code, &*summary.lost_days),
            (5, &["2026-11-23".to_owned()][..])
        );
        archive.observe(&tenant.truth());
        office.assert_keeps(&tenant, &archive);
    }
}

#[tokio::test]
async fn what_one_table_lost_is_named_though_another_is_new() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(brief(4, 2)).await.unwrap();
        office.request.tables = vec![Table::Runs];
        office.export(&tenant).await;
        office.request.tables = lcw_tests::CORE.to_vec();
        tenant.advance(33 * DAY);
        let summary = office.export(&tenant).await;
        assert_eq!(
            (summary.exit_code, summary.lost_days.len()),
            (5, 4),
            "{summary:#?}"
        );
    }
}

#[tokio::test]
async fn a_gap_the_service_still_covers_loses_nothing_but_is_warned_of() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(brief(3, 2)).await.unwrap();
        office.export(&tenant).await;
        let mut archive = Archive::of(&tenant.truth());
        tenant.advance(29 * DAY);
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert_eq!((summary.warnings.len(), summary.lost_days.len()), (1, 0));
        archive.observe(&tenant.truth());
        office.assert_keeps(&tenant, &archive);
    }
}

/// Lets the results of a run of the `nth` day be refused for good, which ends an export when it
/// comes to them. Says which day that is.
fn break_day(tenant: &Simulator, truth: &Truth, nth: usize) -> String {
    let runs = expected(truth, Table::Runs);
    let results = expected(truth, Table::UserProcessingResults);
    let days: BTreeSet<&str> = runs
        .values()
        .map(|row| row["run_date"].as_str().unwrap())
        .collect();
    let day = days.into_iter().nth(nth - 1).unwrap();
    let hit = results.iter().find(|(_, row)| row["run_date"] == day);
    let (key, _) = hit.expect("somebody was processed on that day");
    let fault = FaultRule::new(Fault::status(400)).on(Endpoint::RunResults);
    tenant.inject(fault.path_contains(key[1].as_str()));
    day.to_owned()
}

/// What was true of the days before one, and all workflows.
fn before(truth: &Truth, day: &str) -> Truth {
    let mut truth = truth.clone();
    truth
        .runs
        .retain(|run| run.value["scheduledDateTime"].as_str().unwrap() < day);
    let kept: BTreeSet<_> = truth.runs.iter().map(|run| run.id.clone()).collect();
    truth.results.retain(|result| kept.contains(&result.run_id));
    truth
}

/// Days of runs that have been and are not in the dataset.
fn days_without_their_runs(office: &Office, tenant: &Simulator) -> Vec<String> {
    let stored = office.facts(tenant, Table::Runs);
    let ever = expected(&tenant.truth_of_everything_ever(), Table::Runs);
    let missing = ever.iter().filter(|(key, _)| !stored.contains_key(*key));
    let days: BTreeSet<String> = missing
        .map(|(_, row)| row["run_date"].as_str().unwrap().to_owned())
        .collect();
    days.into_iter().collect()
}
