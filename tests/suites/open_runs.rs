//! Open runs are followed wherever they are, until they end or the service has forgotten them.

use std::collections::BTreeSet;
use std::time::Duration;

use lcw_simulator::{ProcessingStatus, RunPlan, Simulator};
use lcw_tests::{Archive, Office, data_files, runs_looked_for, runs_read, single};
use lcw_transform::Table;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn an_open_run_that_outlives_the_lookback_is_followed_until_it_has_settled() {
    for mut office in Office::of_each_format() {
        office.request.lookback = 2 * DAY;
        let tenant = Simulator::start(single(1)).await.unwrap();
        let workflow = &tenant.workflow_ids()[0];
        // It ends minutes before the export of the fifth day, when its counters lag.
        let plan = RunPlan::new(tenant.now() - HOUR, 6);
        let run = tenant.add_run(workflow, &plan.working_for(4 * DAY + 57 * HOUR / 60));
        let other = RunPlan::new(tenant.now() - 6 * HOUR, 1);
        tenant.add_run(workflow, &other);

        for (day, proof, matched) in [
            (0, "open", 1),
            (1, "open", 0),
            (2, "open", 0),
            (3, "open", 0),
            (4, "", 0),
            (5, "matched", 1),
        ] {
            tenant.reset_requests();
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            assert_eq!(summary.runs.open, u64::from(proof == "open"));
            assert_eq!(summary.proof.matched, matched, "day {day}");
            let is_listed = day < 3;
            assert_eq!(runs_looked_for(&tenant).contains(&run), !is_listed);
            assert!(runs_read(&tenant).contains(&run), "day {day}");
            office.assert_holds(&tenant, &tenant.truth());
            office.assert_markers(&tenant, &tenant.truth());
            let row = &office.facts(&tenant, Table::Runs)[&vec![workflow.clone(), run.clone()]];
            assert!(proof.is_empty() || row["_lcw_proof"] == proof, "{row:?}");
            tenant.advance(DAY);
        }
        tenant.reset_requests();
        let summary = office.export(&tenant).await;
        assert_eq!((summary.exit_code, summary.runs.fetched), (0, 0));
        assert_eq!(runs_looked_for(&tenant), BTreeSet::new());
    }
}

#[tokio::test]
async fn an_open_run_that_the_service_forgets_expires_with_what_was_seen_of_it() {
    for (lookback, mut office) in [2, 30].into_iter().zip(Office::of_each_format()) {
        office.request.lookback = lookback * DAY;
        let tenant = Simulator::start(single(2)).await.unwrap();
        let workflow = &tenant.workflow_ids()[0];
        let plan = RunPlan::new(tenant.now() - HOUR, 6).never_ending();
        let run = tenant.add_run(workflow, &plan);
        let key = vec![workflow.clone(), run.clone()];
        let mut archive = Archive::default();
        for _ in 0..4 {
            let summary = office.export(&tenant).await;
            assert_eq!(
                (summary.exit_code, summary.runs.open),
                (0, 1),
                "{summary:#?}"
            );
            archive.observe(&tenant.truth());
            office.assert_keeps(&tenant, &archive);
            tenant.advance(9 * DAY);
        }
        for expired in [1, 0] {
            let files = data_files(office.out());
            tenant.reset_requests();
            let summary = office.export(&tenant).await;
            assert_eq!((summary.exit_code, summary.runs.expired), (0, expired));
            assert_eq!(runs_looked_for(&tenant), BTreeSet::new());
            assert_eq!(data_files(office.out()) != files, expired == 1);
            office.assert_keeps(&tenant, &archive);
            let row = &office.facts(&tenant, Table::Runs)[&key];
            assert_eq!(row["processing_status"], "inProgress");
            assert_eq!(row["_lcw_proof"], "expired");
            assert_eq!(row["_lcw_result_rows"], 6);
        }
        let status = lcw_pipeline::status(office.out()).unwrap();
        let runs = &status.tenants[0].runs;
        assert_eq!((runs.expired, runs.open), (1, 0));
    }
}

#[tokio::test]
async fn an_open_run_that_answers_404_expires_at_once() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(single(3)).await.unwrap();
        let workflow = &tenant.workflow_ids()[0];
        let plan = RunPlan::new(tenant.now() - HOUR, 2).never_ending();
        let run = tenant.add_run(workflow, &plan);
        office.export(&tenant).await;
        let archive = Archive::of(&tenant.truth());
        tenant.drop_run(&run);
        for (expired, asked) in [(1, BTreeSet::from([run.clone()])), (0, BTreeSet::new())] {
            tenant.reset_requests();
            let summary = office.export(&tenant).await;
            assert_eq!((summary.exit_code, summary.runs.expired), (0, expired));
            assert_eq!(runs_looked_for(&tenant), asked);
            office.assert_keeps(&tenant, &archive);
            let row = &office.facts(&tenant, Table::Runs)[&vec![workflow.clone(), run.clone()]];
            assert_eq!(row["_lcw_proof"], "expired");
        }
    }
}

#[tokio::test]
async fn a_quarantined_run_is_read_again_and_blocks_nothing() {
    for mut office in Office::of_each_format() {
        office.request.lookback = 5 * DAY;
        let tenant = Simulator::start(single(4)).await.unwrap();
        let workflow = &tenant.workflow_ids()[0];
        let held = RunPlan::new(tenant.now() - 2 * HOUR, 4).ending(ProcessingStatus::Quarantined);
        let held = tenant.add_run(workflow, &held.never_starting());
        for round in 0..5 {
            let new = RunPlan::new(tenant.now() - HOUR, 3);
            let new = tenant.add_run(workflow, &new);
            tenant.reset_requests();
            let summary = office.export(&tenant).await;
            assert_eq!((summary.exit_code, summary.proof.matched), (0, 1));
            // It may never move on: past the lookback it is not looked for.
            let is_listed = round < 3;
            assert_eq!(summary.runs.open, u64::from(is_listed));
            let mut read = BTreeSet::from([new]);
            read.extend(is_listed.then(|| held.clone()));
            assert_eq!(runs_read(&tenant), read);
            office.assert_holds(&tenant, &tenant.truth());
            office.assert_markers(&tenant, &tenant.truth());
            tenant.advance(4 * DAY);
        }
    }
}

#[tokio::test]
async fn a_run_of_an_unknown_status_is_open() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(single(5)).await.unwrap();
        let workflow = &tenant.workflow_ids()[0];
        let plan = RunPlan::new(tenant.now() - HOUR, 3);
        let run = tenant.add_run(workflow, &plan.ending(ProcessingStatus::Other("paused")));
        for _ in 0..2 {
            tenant.reset_requests();
            let summary = office.export(&tenant).await;
            assert_eq!((summary.exit_code, summary.runs.open), (0, 1));
            assert_eq!(runs_read(&tenant), BTreeSet::from([run.clone()]));
            office.assert_holds(&tenant, &tenant.truth());
            office.assert_markers(&tenant, &tenant.truth());
        }
    }
}
