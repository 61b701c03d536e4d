//! What changes in the tenant while an export reads it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use lcw_simulator::{
    Endpoint, Listed, ProcessingStatus, RunChange, RunPlan, Simulator, TenantConfig,
};
use lcw_tests::{Archive, Office, brief, quiet, single};
use lcw_transform::Table;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn a_run_that_changes_between_its_listing_and_its_reading_is_read_again_next_time() {
    for mut office in Office::of_each_format() {
        let tenant = start(single(1)).await;
        let workflow = tenant.workflow_ids()[0].clone();
        let run = tenant.add_run(&workflow, &RunPlan::new(tenant.now() - 3 * HOUR, 3));
        let listed = tenant.truth();
        let changed = run.clone();
        during(&tenant, Endpoint::RunResults, 1, move |tenant| {
            let change = RunChange {
                outcome: Some(ProcessingStatus::CompletedWithErrors),
                add_users: 2,
                ..RunChange::default()
            };
            tenant.change_run(&changed, &change);
        });
        let summary = office.export(&tenant).await;
        // The row is the one that was listed, the results are those that were read.
        assert_eq!(
            (summary.exit_code, summary.proof.over),
            (0, 1),
            "{summary:#?}"
        );
        let mut seen = tenant.truth();
        seen.runs = listed.runs;
        office.assert_holds(&tenant, &seen);
        office.assert_markers(&tenant, &seen);

        tenant.advance(HOUR);
        let summary = office.export(&tenant).await;
        assert_eq!(
            (summary.exit_code, summary.proof.matched),
            (0, 1),
            "{summary:#?}"
        );
        office.assert_holds(&tenant, &tenant.truth());
        office.assert_markers(&tenant, &tenant.truth());
    }
}

#[tokio::test]
async fn a_workflow_that_is_deleted_while_it_is_exported_is_whole_after_the_next_export() {
    for endpoint in [Endpoint::RunResults, Endpoint::Workflow] {
        for mut office in Office::of_each_format() {
            let tenant = start(quiet(2, 3)).await;
            let mut archive = Archive::of(&tenant.truth());
            let id = tenant.workflow_ids()[0].clone();
            let deleted = id.clone();
            during(&tenant, endpoint, 1, move |tenant| {
                tenant.delete_workflow(&deleted);
            });
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{endpoint:?}: {summary:#?}");
            assert_eq!(
                summary.proof.matched,
                office.settled_runs(&tenant, &tenant.truth())
            );
            let runs = office.facts(&tenant, Table::Runs);
            assert_eq!(runs.len(), archive.rows(Table::Runs).len());
            office.assert_markers(&tenant, &tenant.truth());

            let summary = office.export(&tenant).await;
            assert_eq!(
                (summary.exit_code, summary.runs.fetched),
                (0, 0),
                "{summary:#?}"
            );
            archive.observe(&tenant.truth());
            office.assert_keeps(&tenant, &archive);
        }
    }
}

#[tokio::test]
async fn a_run_that_ages_out_between_its_listing_and_its_reading_is_recorded_and_skipped() {
    for mut office in Office::of_each_format() {
        let tenant = start(single(3)).await;
        let workflow = tenant.workflow_ids()[0].clone();
        let at = tenant.now();
        let old = RunPlan::new(at - 30 * DAY + HOUR, 3);
        let old = tenant.add_run(&workflow, &old);
        tenant.add_run(&workflow, &RunPlan::new(at - DAY, 4));
        let listed = tenant.truth();
        during(&tenant, Endpoint::RunResults, 1, |tenant| {
            tenant.advance(2 * HOUR);
        });
        let summary = office.export(&tenant).await;
        assert_eq!(
            (summary.exit_code, summary.proof.matched),
            (4, 1),
            "{summary:#?}"
        );
        assert!(summary.not_covered[0].what.contains(&old));
        let mut seen = listed;
        seen.results.retain(|result| result.run_id != old);
        office.assert_holds(&tenant, &seen);
        let row = &office.facts(&tenant, Table::Runs)[&vec![workflow.clone(), old.clone()]];
        assert!(row["_lcw_result_rows"].is_null() && row["_lcw_proof"].is_null());

        tenant.reset_requests();
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert_eq!(
            tenant.count(Endpoint::RunResults) + tenant.count(Endpoint::Run),
            0
        );
        office.assert_holds(&tenant, &seen);
    }
}

#[tokio::test]
async fn a_run_that_comes_up_while_its_workflow_is_listed_is_there_after_the_next_export() {
    for mut office in Office::of_each_format() {
        office.request.lookback = HOUR;
        let tenant = start(brief(4, 2)).await;
        let mut archive = Archive::of(&tenant.truth());
        // Pages that were read before do not show it.
        let workflow = tenant.workflow_ids()[0].clone();
        during(&tenant, Endpoint::RunResults, 1, move |tenant| {
            tenant.add_run(&workflow, &RunPlan::new(tenant.now(), 2));
        });
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        office.assert_keeps(&tenant, &archive);
        tenant.advance(DAY);
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        archive.observe(&tenant.truth());
        office.assert_keeps(&tenant, &archive);
        office.assert_markers(&tenant, &tenant.truth());
    }
}

#[tokio::test]
async fn of_a_run_that_is_listed_twice_the_newer_state_counts() {
    for listed in [Listed::Twice, Listed::StaleFirst, Listed::StaleLast] {
        for mut office in Office::of_each_format() {
            let tenant = start(quiet(5, 3)).await;
            let truth = tenant.truth();
            for run in &truth.runs {
                tenant.list_run(&run.id, listed);
            }
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{listed:?}: {summary:#?}");
            assert_eq!(summary.runs.listed, truth.runs.len() as u64);
            assert_eq!(summary.proof.matched, office.settled_runs(&tenant, &truth));
            office.assert_holds(&tenant, &truth);
            office.assert_markers(&tenant, &truth);
        }
    }
}

async fn start(config: TenantConfig) -> Arc<Simulator> {
    Arc::new(Simulator::start(config).await.unwrap())
}

/// Has something happen just before the `nth` request of a kind is answered.
fn during(
    tenant: &Arc<Simulator>,
    endpoint: Endpoint,
    nth: u64,
    action: impl FnOnce(&Simulator) + Send + 'static,
) {
    let weak: Weak<Simulator> = Arc::downgrade(tenant);
    tenant.before(endpoint, nth, move || {
        if let Some(tenant) = weak.upgrade() {
            action(&tenant);
        }
    });
}
