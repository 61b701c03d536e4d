//! What the service drops, deletes or forgets stays in the dataset.

use std::time::Duration;

use lcw_pipeline::DeletedWorkflows;
use lcw_simulator::{DeletedHistory, Endpoint, RunPlan, Simulator};
use lcw_tests::{Archive, Office, brief, data_files, quiet};
use lcw_transform::Table;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn a_workflow_deleted_between_two_exports_keeps_its_history_and_gets_its_last_runs() {
    for (seed, mut office) in (2..).zip(Office::of_each_format()) {
        let tenant = Simulator::start(brief(seed, 3)).await.unwrap();
        let deleted = tenant.workflow_ids()[0].clone();
        office.export(&tenant).await;
        let mut archive = Archive::of(&tenant.truth());
        // It has another run, which is open when it is deleted.
        tenant.advance(DAY);
        let open = RunPlan::new(tenant.now() - HOUR, 3).working_for(2 * HOUR);
        let open = tenant.add_run(&deleted, &open);
        tenant.delete_workflow(&deleted);
        for wait in [Duration::ZERO, HOUR] {
            tenant.advance(wait);
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            archive.observe(&tenant.truth());
            office.assert_keeps(&tenant, &archive);
            office.assert_markers(&tenant, &tenant.truth());
            let row = &office.facts(&tenant, Table::Workflows)[&vec![deleted.clone()]];
            assert!(row["deleted_date_time"].is_i64(), "{row:?}");
        }
        let row = &office.facts(&tenant, Table::Runs)[&vec![deleted, open]];
        assert_eq!(row["processing_status"], "canceled");
    }
}

#[tokio::test]
async fn a_purged_workflow_stays_with_all_its_rows() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(brief(3, 3)).await.unwrap();
        office.export(&tenant).await;
        let mut archive = Archive::of(&tenant.truth());
        for gone in [1, 3] {
            tenant.purge_workflow(&tenant.workflow_ids()[gone]);
            tenant.advance(12 * HOUR);
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            archive.observe(&tenant.truth());
            office.assert_keeps(&tenant, &archive);
            office.assert_markers(&tenant, &tenant.truth());
        }
        assert_eq!(archive.rows(Table::Workflows).len(), 4);
    }
}

#[tokio::test]
async fn history_of_deleted_workflows_that_is_refused_is_said_and_stays() {
    for history in [DeletedHistory::Forbidden, DeletedHistory::NotFound] {
        for mut office in Office::of_each_format() {
            let tenant = Simulator::start(quiet(4, 2)).await.unwrap();
            office.export(&tenant).await;
            let mut archive = Archive::of(&tenant.truth());
            tenant.update_config(|config| config.deleted_history = history);
            tenant.delete_workflow(&tenant.workflow_ids()[1]);
            tenant.advance(HOUR);

            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            let [refused] = &*summary.not_covered else {
                panic!("said once: {summary:#?}");
            };
            for workflow in tenant.truth().workflows.iter().filter(|it| it.deleted) {
                assert!(refused.what.contains(&workflow.id), "{refused:?}");
            }
            archive.observe(&tenant.truth());
            office.assert_keeps(&tenant, &archive);

            office.request.deleted_workflows = DeletedWorkflows::Require;
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 4, "{summary:#?}");
            office.assert_keeps(&tenant, &archive);
        }
    }
}

#[tokio::test]
async fn runs_that_the_service_drops_stay() {
    for (seed, mut office) in (5..).zip(Office::of_each_format()) {
        let tenant = Simulator::start(quiet(seed, 4)).await.unwrap();
        office.export(&tenant).await;
        let mut archive = Archive::of(&tenant.truth());
        let files = data_files(office.out());
        let workflows = tenant.workflow_ids();
        tenant.drop_run(&tenant.run_ids(&workflows[0])[1]);
        tenant.drop_history(&workflows[2]);
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        office.assert_keeps(&tenant, &archive);
        assert_eq!(data_files(office.out()), files);

        // A new run on the day of a dropped one: the day's file is merged, not replaced.
        let plan = RunPlan::new(tenant.now() - DAY, 2);
        tenant.add_run(&workflows[2], &plan);
        let summary = office.export(&tenant).await;
        assert_eq!((summary.exit_code, summary.proof.matched), (0, 1));
        assert_ne!(data_files(office.out()), files);
        archive.observe(&tenant.truth());
        office.assert_keeps(&tenant, &archive);
    }
}

#[tokio::test]
async fn months_later_everything_that_ever_was_is_there() {
    for mut office in Office::of_each_format() {
        // The deleted workflow is gone by then too.
        let tenant = Simulator::start(quiet(6, 5)).await.unwrap();
        let workflow = tenant.workflow_ids()[1].clone();
        let mut archive = Archive::default();
        for _ in 0..5 {
            let plan = RunPlan::new(tenant.now() - HOUR, 3);
            tenant.add_run(&workflow, &plan);
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            archive.observe(&tenant.truth());
            tenant.advance(14 * DAY);
        }
        let truth = tenant.truth();
        assert!(truth.runs.len() < 5 && truth.workflows.len() == 3);
        office.assert_keeps(&tenant, &archive);
        office.assert_holds(&tenant, &tenant.truth_of_everything_ever());
    }
}

#[tokio::test]
async fn thirty_days_forgotten_no_way_of_exporting_takes_a_row_away() {
    for (seed, mut office) in (5..).zip(Office::of_each_format()) {
        office.request.tables = Table::DEFAULT.to_vec();
        let tenant = Simulator::start(quiet(seed, 29)).await.unwrap();
        let (started, days) = (tenant.now(), 30);
        assert_eq!(office.export(&tenant).await.exit_code, 0);
        let archive = Archive::of(&tenant.truth());
        let files = data_files(office.out());
        for workflow in tenant.workflow_ids() {
            tenant.drop_history(&workflow);
        }
        assert!(
            tenant.truth().runs.is_empty(),
            "the service has forgotten everything"
        );

        let (from, to) = ((started - days * DAY).to_string(), started.to_string());
        for lookback in [30, 1] {
            office.request.lookback = lookback * DAY;
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            let summary = office.backfill(&tenant, &from, &to).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            office.assert_keeps(&tenant, &archive);
        }
        // Without what earlier exports noted, everything is asked for again.
        std::fs::remove_dir_all(office.out().join("_manifests")).unwrap();
        // An export that knows that there were some does not go on.
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 1, "{summary:#?}");
        std::fs::remove_file(office.out().join("_lock.json")).unwrap();
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert!(summary.warnings.iter().any(|it| it.contains("no manifest")));
        office.assert_keeps(&tenant, &archive);
        assert_eq!(data_files(office.out()).len(), files.len());
    }
}

#[tokio::test]
async fn what_is_long_gone_is_not_asked_for_and_not_read_again() {
    let mut office = Office::of_each_format().into_iter().next().unwrap();
    let tenant = Simulator::start(brief(7, 3)).await.unwrap();
    office.export(&tenant).await;
    // A workflow that never comes back must not make every export read the years since.
    tenant.purge_workflow(&tenant.workflow_ids()[0]);
    for _ in 0..5 {
        tenant.advance(20 * DAY);
        office.export(&tenant).await;
    }
    let oldest = data_files(office.out()).into_keys();
    let oldest = oldest.filter(|path| path.to_string_lossy().contains("/runs/"));
    std::fs::write(oldest.min().unwrap(), "damaged long ago").unwrap();
    tenant.reset_requests();
    let summary = office.plan(&tenant).await;
    assert_eq!(summary.exit_code, 0, "{summary:#?}");
    assert_eq!(tenant.count(Endpoint::Run), 0);
}
