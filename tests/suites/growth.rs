//! What happens in a tenant between two exports is in the dataset after the second.

use std::collections::BTreeSet;
use std::time::Duration;

use lcw_simulator::{
    Category, Endpoint, ProcessingStatus, ResultChange, RunChange, RunPlan, Schedule, Simulator,
    TenantConfig, Truth, WorkflowConfig,
};
use lcw_tests::{Archive, Office, brief, data_files, quiet, runs_read, single};
use lcw_transform::Table;

const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn new_runs_are_added_and_settled_ones_are_not_read_again() {
    for (seed, mut office) in (1..).zip(Office::of_each_format()) {
        let tenant = Simulator::start(brief(seed, 5)).await.unwrap();
        office.export(&tenant).await;
        let mut archive = Archive::of(&tenant.truth());
        let settled = settled_runs(&office, &tenant, &tenant.truth());

        tenant.advance(2 * DAY + Duration::from_hours(5));
        tenant.reset_requests();
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        let truth = tenant.truth();
        archive.observe(&truth);
        office.assert_keeps(&tenant, &archive);
        office.assert_markers(&tenant, &truth);
        assert!(runs_read(&tenant).is_disjoint(&settled));
        assert_eq!(summary.runs.skipped_settled, settled.len() as u64);
        let proven = office.settled_runs(&tenant, &truth) - settled.len() as u64;
        assert_eq!(summary.proof.matched, proven);
    }
}

#[tokio::test]
async fn an_open_run_is_followed_until_it_is_final_and_settled() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(single(7)).await.unwrap();
        let workflow = &tenant.workflow_ids()[0];
        let minutes = Duration::from_mins;
        let mut plan = RunPlan::new(tenant.now(), 5).ending(ProcessingStatus::CompletedWithErrors);
        plan.queue = Some(minutes(30));
        let run = tenant.add_run(workflow, &plan.working_for(minutes(120)));
        let key = vec![workflow.clone(), run.clone()];

        for (wait, status, proof) in [
            (10, "queued", "open"),
            (60, "inProgress", "open"),
            // Final, but the counters lag: what is said of it is not the last word.
            (81, "completedWithErrors", ""),
            (60, "completedWithErrors", "matched"),
        ] {
            tenant.advance(minutes(wait));
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            assert_eq!(summary.runs.fetched, 1, "{status}");
            assert_eq!(summary.runs.open, u64::from(proof == "open"));
            assert_eq!(summary.proof.matched, u64::from(proof == "matched"));
            office.assert_holds(&tenant, &tenant.truth());
            office.assert_markers(&tenant, &tenant.truth());
            let row = &office.facts(&tenant, Table::Runs)[&key];
            assert_eq!(row["processing_status"], status);
            assert!(proof.is_empty() || row["_lcw_proof"] == proof, "{row:?}");
        }
        let files = data_files(office.out());
        let summary = office.export(&tenant).await;
        assert_eq!(summary.runs.fetched, 0, "it has settled: {summary:#?}");
        assert_eq!(data_files(office.out()), files);
    }
}

#[tokio::test]
async fn a_settled_run_that_changes_is_read_again_and_only_its_day_is_rewritten() {
    for (seed, mut office) in (3..).zip(Office::of_each_format()) {
        let tenant = Simulator::start(quiet(seed, 5)).await.unwrap();
        office.export(&tenant).await;
        let mut archive = Archive::of(&tenant.truth());
        let before = office.facts(&tenant, Table::UserProcessingResults);
        let files = data_files(office.out());
        let truth = tenant.truth();
        let changed = truth
            .runs
            .iter()
            .find(|run| truth.results_of(&run.id).count() > 2)
            .unwrap();
        let day = &changed.value["scheduledDateTime"].as_str().unwrap()[..10];

        tenant.advance(DAY);
        let result = ResultChange {
            status: Some(ProcessingStatus::Failed),
            failed_tasks: Some(2),
            completed: Some(tenant.now()),
            ..ResultChange::default()
        };
        let change = RunChange {
            outcome: Some(ProcessingStatus::CompletedWithErrors),
            add_users: 3,
            results: vec![(1, result)],
            ..RunChange::default()
        };
        tenant.change_run(&changed.id, &change);
        tenant.advance(Duration::from_hours(1));
        tenant.reset_requests();
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        archive.observe(&tenant.truth());
        office.assert_keeps(&tenant, &archive);
        office.assert_markers(&tenant, &tenant.truth());
        assert_eq!(runs_read(&tenant), BTreeSet::from([changed.id.clone()]));
        assert_eq!(summary.proof.matched, 1);
        assert_eq!(summary.tables["user_processing_results"].rows_new, 3);
        assert_eq!(
            office.facts(&tenant, Table::UserProcessingResults).len(),
            before.len() + 3
        );
        for (path, after) in data_files(office.out()) {
            let rewritten = files[&path] != after;
            let is_its_day = path.to_string_lossy().contains(day);
            assert_eq!(rewritten, is_its_day, "{}", path.display());
        }
    }
}

#[tokio::test]
async fn a_workflow_seen_late_is_exported_with_all_its_history() {
    for mut office in Office::of_each_format() {
        office.request.lookback = 2 * DAY;
        let tenant = Simulator::start(quiet(6, 3)).await.unwrap();
        office.export(&tenant).await;
        let mut archive = Archive::of(&tenant.truth());

        tenant.advance(DAY);
        let late = WorkflowConfig::new(Category::Mover, "Seen late")
            .scheduled(Schedule::past(2 * DAY, 20), 1..=3);
        let id = tenant.add_workflow(&late);
        tenant.advance(DAY);
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        archive.observe(&tenant.truth());
        office.assert_keeps(&tenant, &archive);
        office.assert_markers(&tenant, &tenant.truth());
        assert_eq!(summary.proof.matched, tenant.run_ids(&id).len() as u64);
    }
}

#[tokio::test]
async fn a_workflow_is_asked_for_its_details_only_when_it_changed() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(quiet(8, 1)).await.unwrap();
        let details = |tenant: &Simulator| {
            tenant.count(Endpoint::Workflow) + tenant.count(Endpoint::DeletedWorkflow)
        };
        office.export(&tenant).await;
        assert_eq!(details(&tenant), tenant.truth().workflows.len() as u64);

        let renamed = &tenant.workflow_ids()[1];
        tenant.rename_workflow(renamed, "Nom d’après 変更 \"2\"");
        tenant.reset_requests();
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert_eq!(details(&tenant), 1);
        assert_eq!(summary.tables["workflows"].rows_replaced, 1);
        office.assert_holds(&tenant, &tenant.truth());

        tenant.reset_requests();
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert_eq!(details(&tenant), 0);
        office.assert_holds(&tenant, &tenant.truth());
    }
}

#[tokio::test]
async fn a_run_that_reprocesses_another_is_a_run_of_its_own() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(single(9)).await.unwrap();
        let workflow = &tenant.workflow_ids()[0];
        let at = |hours| tenant.now() - Duration::from_hours(hours);
        let failed = RunPlan::new(at(30), 4).ending(ProcessingStatus::Failed);
        let failed = tenant.add_run(workflow, &failed);
        office.export(&tenant).await;
        let again = lcw_simulator::Reprocessed::Run(failed);
        tenant.add_run(workflow, &RunPlan::new(at(1), 4).reprocessing(again));
        let summary = office.export(&tenant).await;
        assert_eq!((summary.exit_code, summary.runs.fetched), (0, 1));
        office.assert_holds(&tenant, &tenant.truth());
        office.assert_markers(&tenant, &tenant.truth());
    }
}

#[tokio::test]
async fn the_first_data_replaces_the_empty_files_of_an_empty_tenant() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(TenantConfig::empty(1)).await.unwrap();
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        office.assert_holds(&tenant, &tenant.truth());
        let empty = data_files(office.out());
        assert_eq!(empty.len(), Table::ALL.len(), "{empty:?}");

        let files = |office: &Office| data_files(office.out()).into_keys().collect::<Vec<_>>();
        let again = office.export(&tenant).await;
        assert_eq!(
            (again.exit_code, data_files(office.out())),
            (0, empty.clone())
        );

        let joiner = WorkflowConfig::new(Category::Joiner, "The first");
        let workflow = tenant.add_workflow(&joiner);
        let plan = RunPlan::new(tenant.now() - Duration::from_hours(2), 3);
        tenant.add_run(&workflow, &plan);
        let summary = office.export(&tenant).await;
        assert_eq!((summary.exit_code, summary.proof.matched), (0, 1));
        office.assert_holds(&tenant, &tenant.truth());
        assert_eq!(files(&office), empty.into_keys().collect::<Vec<_>>());
    }
}

fn settled_runs(office: &Office, tenant: &Simulator, truth: &Truth) -> BTreeSet<String> {
    let settled = truth
        .runs
        .iter()
        .filter(|run| office.is_settled(tenant, run));
    settled.map(|run| run.id.clone()).collect()
}
