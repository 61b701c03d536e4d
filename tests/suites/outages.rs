//! One run that fails is left out; a service that fails ends the export, and soon.

use std::sync::Arc;

use lcw_simulator::{Endpoint, Fault, FaultRule, Simulator};
use lcw_tests::{Office, compact, contents};
use lcw_transform::Table;

#[tokio::test]
async fn one_run_that_always_fails_does_not_keep_the_others_out() {
    for fault in [
        Fault::status(500),
        Fault::ConnectionReset,
        Fault::MalformedJson,
    ] {
        for mut office in Office::of_each_format() {
            let tenant = Simulator::start(compact(81)).await.unwrap();
            let truth = tenant.truth();
            let run = truth.results[0].run_id.clone();
            let rule = FaultRule::new(fault.clone()).on(Endpoint::RunResults);
            tenant.inject(rule.path_contains(&run));
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 4, "{summary:#?}");
            assert_eq!(tenant.fired()[0], u64::from(office.client.max_attempts));
            let [left_out] = &*summary.not_covered else {
                panic!("{:#?}", summary.not_covered);
            };
            assert!(
                left_out.what.contains(&run) && left_out.is_partial,
                "{left_out:?}"
            );

            office.assert_nothing_false(&tenant, &truth);
            let runs = office.facts(&tenant, Table::Runs);
            assert_eq!(runs.len(), truth.runs.len());
            let stored = office.facts(&tenant, Table::UserProcessingResults).len();
            assert_eq!(stored, truth.results.len() - truth.results_of(&run).count());

            tenant.reset_requests();
            office.assert_completes(&tenant).await;
            let asked = tenant.requests();
            let again = asked.iter().filter(|request| request.path.contains(&run));
            assert!(
                again.count() > 0,
                "the run that failed is read by the next export"
            );
        }
    }
}

#[tokio::test]
async fn a_service_that_goes_down_ends_the_export_soon() {
    for fault in [Fault::gateway(503), Fault::ConnectionReset] {
        for mut office in Office::of_each_format() {
            let tenant = Arc::new(Simulator::start(compact(82)).await.unwrap());
            let (weak, down) = (Arc::downgrade(&tenant), fault.clone());
            tenant.before(Endpoint::RunResults, 30, move || {
                let tenant = weak.upgrade().unwrap();
                tenant.reset_requests();
                tenant.inject(FaultRule::new(down));
            });
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 1, "{summary:#?}");
            assert!(summary.error.is_some());
            // Eight workers, each with one run in hand and one more before the fifth has failed.
            let asked = u32::try_from(tenant.graph_count()).unwrap();
            assert!(
                asked <= 16 * office.client.max_attempts,
                "{asked} requests to a dead service"
            );
            assert!(office.assert_holds_the_oldest_days(&tenant, &tenant.truth()) > 0);
            office.assert_completes(&tenant).await;
        }
    }
}

#[tokio::test]
async fn a_service_that_cannot_list_a_single_workflow_is_down_however_few_there_are() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(compact(83)).await.unwrap();
        office.assert_completes(&tenant).await;
        tenant.inject(FaultRule::new(Fault::status(500)).on(Endpoint::Runs));
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 1, "{summary:#?}");
        office.assert_holds(&tenant, &tenant.truth());
        office.assert_completes(&tenant).await;
    }
}

#[tokio::test]
async fn one_workflow_whose_runs_cannot_be_listed_does_not_keep_the_others_out() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(compact(84)).await.unwrap();
        let broken = tenant.workflow_ids()[0].clone();
        let rule = FaultRule::new(Fault::status(502)).on(Endpoint::Runs);
        tenant.inject(rule.path_contains(&broken));
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 4, "{summary:#?}");
        assert!(summary.not_covered[0].what.contains(&broken));
        office.assert_nothing_false(&tenant, &tenant.truth());
        office.assert_completes(&tenant).await;
    }
}

#[tokio::test]
async fn details_of_workflows_that_could_not_be_read_come_with_the_next_export() {
    // What the service says it does not have is named, but nothing that can be had is missing.
    for (fault, code) in [
        (Fault::status(500), 4),
        (Fault::Forbidden, 4),
        (Fault::NotFound, 0),
    ] {
        for mut office in Office::of_each_format() {
            let tenant = Simulator::start(compact(85)).await.unwrap();
            let broken = tenant.workflow_ids()[0].clone();
            let rule = FaultRule::new(fault.clone()).on(Endpoint::Workflow);
            tenant.inject(rule.path_contains(&broken));
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, code, "{fault:?}: {summary:#?}");
            let [left_out] = &*summary.not_covered else {
                panic!("{:#?}", summary.not_covered);
            };
            assert!(left_out.what.contains(&broken), "{left_out:?}");
            let stored = office.facts(&tenant, Table::Workflows);
            assert!(
                stored.contains_key(&vec![broken]),
                "its row in the list is true"
            );
            office.assert_completes(&tenant).await;
        }
    }
}

#[tokio::test]
async fn a_service_that_is_down_from_the_start_leaves_the_dataset_untouched() {
    for endpoint in [Endpoint::Token, Endpoint::Workflows] {
        for mut office in Office::of_each_format() {
            let tenant = Simulator::start(compact(86)).await.unwrap();
            office.assert_completes(&tenant).await;
            let before = contents(office.out());
            tenant.inject(FaultRule::new(Fault::gateway(502)).on(endpoint));
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 1, "{summary:#?}");
            assert_eq!(contents(office.out()), before);
        }
    }
}
