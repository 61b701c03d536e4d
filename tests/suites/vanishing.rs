//! Workflows and runs that go away between their listing and their reading.

use std::sync::Arc;

use lcw_pipeline::FileFormat;
use lcw_simulator::{Endpoint, Fault, FaultRule, Paging, Simulator, When};
use lcw_tests::{Office, assert_same, compact, expected};
use lcw_transform::Table;

/// A tenant, and something that happens to it just before a certain request is answered.
async fn before(
    seed: u64,
    endpoint: Endpoint,
    nth: u64,
    happens: impl FnOnce(&Simulator) + Send + 'static,
) -> Arc<Simulator> {
    let tenant = Arc::new(Simulator::start(compact(seed)).await.unwrap());
    let weak = Arc::downgrade(&tenant);
    tenant.before(endpoint, nth, move || happens(&weak.upgrade().unwrap()));
    tenant
}

#[tokio::test]
async fn a_listed_run_that_answers_404_is_recorded_and_left_out() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(compact(61)).await.unwrap();
        let truth = tenant.truth();
        let run = &truth.results[0].run_id;
        let rule = FaultRule::new(Fault::NotFound).on(Endpoint::RunResults);
        tenant.inject(rule.path_contains(run));
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 4, "{summary:#?}");
        let [left_out] = &*summary.not_covered else {
            panic!("{:#?}", summary.not_covered);
        };
        assert!(left_out.what.contains(run), "{left_out:?}");

        office.assert_nothing_false(&tenant, &truth);
        let runs = office.facts(&tenant, Table::Runs);
        assert_same("runs", &runs, &expected(&truth, Table::Runs));
        let mut rest = truth.clone();
        rest.results.retain(|result| result.run_id != *run);
        let results = office.facts(&tenant, Table::UserProcessingResults);
        assert_same(
            "results",
            &results,
            &expected(&rest, Table::UserProcessingResults),
        );
        office.assert_completes(&tenant).await;
    }
}

#[tokio::test]
async fn a_run_that_ages_out_after_its_listing_keeps_its_row() {
    for mut office in Office::of_each_format() {
        let tenant = Arc::new(Simulator::start(compact(62)).await.unwrap());
        let truth = tenant.truth();
        let run = truth.results[0].run_id.clone();
        let (weak, dropped) = (Arc::downgrade(&tenant), run.clone());
        tenant.before(Endpoint::RunResults, 1, move || {
            weak.upgrade().unwrap().drop_run(&dropped);
        });
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 4, "{summary:#?}");
        let mut rest = truth.clone();
        rest.results.retain(|result| result.run_id != run);
        office.assert_holds(&tenant, &rest);

        let again = office.export(&tenant).await;
        assert_eq!(again.exit_code, 0, "{again:#?}");
        office.assert_holds(&tenant, &rest);
    }
}

#[tokio::test]
async fn a_workflow_that_is_deleted_before_its_runs_are_listed_is_read_where_it_went() {
    for mut office in Office::of_each_format() {
        let tenant = before(63, Endpoint::Runs, 1, |tenant| {
            tenant.delete_workflow(&tenant.workflow_ids()[1]);
        })
        .await;
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert!(summary.not_covered.is_empty(), "{:?}", summary.not_covered);
        office.assert_holds(&tenant, &tenant.truth());
        office.assert_completes(&tenant).await;
    }
}

#[tokio::test]
async fn a_workflow_that_is_deleted_before_its_results_are_read_is_read_where_it_went() {
    for mut office in Office::of_each_format() {
        let tenant = before(64, Endpoint::RunResults, 1, |tenant| {
            tenant.delete_workflow(&tenant.workflow_ids()[2]);
        })
        .await;
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        // Its open run was listed before it was canceled; the next export sees that.
        office.assert_completes(&tenant).await;
    }
}

#[tokio::test]
async fn a_workflow_that_is_gone_for_good_is_recorded_and_the_others_are_whole() {
    for mut office in Office::of_each_format() {
        let tenant = before(65, Endpoint::Runs, 1, |tenant| {
            tenant.purge_workflow(&tenant.workflow_ids()[1]);
        })
        .await;
        let gone = tenant.workflow_ids()[1].clone();
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 4, "{summary:#?}");
        assert!(
            summary
                .not_covered
                .iter()
                .all(|left_out| left_out.what.contains(&gone))
        );
        let truth = tenant.truth();
        for table in [Table::Runs, Table::UserProcessingResults] {
            assert_same(
                table.name(),
                &office.facts(&tenant, table),
                &expected(&truth, table),
            );
        }
        let again = office.export(&tenant).await;
        assert_eq!(again.exit_code, 0, "{again:#?}");
    }
}

/// A workflow leaves a list between two of its pages, and draws the one behind it onto the page that
/// was read: `leaves` says how the first one goes.
async fn drawn(from: Endpoint, leaves: fn(&Simulator, &str)) -> Arc<Simulator> {
    let mut config = compact(66);
    config.paging = Paging::plain(1);
    let tenant = Arc::new(Simulator::start(config).await.unwrap());
    let ids = tenant.workflow_ids();
    if from == Endpoint::DeletedWorkflows {
        ids[..2].iter().for_each(|id| tenant.delete_workflow(id));
    }
    let weak = Arc::downgrade(&tenant);
    tenant.before(from, 2, move || leaves(&weak.upgrade().unwrap(), &ids[0]));
    tenant
}

/// The rows of all runs that the service has are there, but for those of `hidden` workflows.
fn assert_holds_all_runs(office: &Office, tenant: &Simulator, hidden: &[String]) {
    let mut truth = tenant.truth();
    truth.runs.retain(|it| !hidden.contains(&it.workflow_id));
    truth.results.retain(|it| !hidden.contains(&it.workflow_id));
    for table in [Table::Runs, Table::UserProcessingResults] {
        let found = office.facts(tenant, table);
        assert_same(table.name(), &found, &expected(&truth, table));
    }
}

#[tokio::test]
async fn a_workflow_that_another_one_draws_over_the_edge_of_a_page_is_read() {
    let purge: fn(&Simulator, &str) = Simulator::purge_workflow;
    let delete: fn(&Simulator, &str) = Simulator::delete_workflow;
    for (from, leaves, is_refused, exit_code) in [
        (Endpoint::Workflows, delete, false, 0),
        // Where nobody may see the deleted ones it shows when its runs are asked for.
        (Endpoint::Workflows, delete, true, 0),
        (Endpoint::Workflows, purge, false, 4),
        (Endpoint::DeletedWorkflows, purge, false, 0),
    ] {
        for mut office in Office::of_each_format() {
            let tenant = drawn(from, leaves).await;
            let mut hidden = Vec::new();
            if is_refused {
                let deleted = tenant.truth().workflows.into_iter().filter(|it| it.deleted);
                hidden.extend(deleted.map(|it| it.id));
                let rule = FaultRule::new(Fault::Forbidden);
                tenant.inject(rule.on(Endpoint::DeletedWorkflows));
            }
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, exit_code, "{from:?}: {summary:#?}");
            let gone = tenant.workflow_ids()[0].clone();
            let mut missing = summary.not_covered.iter().filter(|it| it.is_partial);
            assert!(missing.all(|it| it.what.contains(&gone)), "{summary:#?}");
            assert_holds_all_runs(&office, &tenant, &hidden);
            let again = office.export(&tenant).await;
            assert_eq!(again.exit_code, 0, "{again:#?}");
        }
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_read_again_leaves_what_it_named_and_a_word() {
    for (from, leaves) in [
        (
            Endpoint::Workflows,
            Simulator::delete_workflow as fn(&Simulator, &str),
        ),
        (Endpoint::Workflows, Simulator::purge_workflow),
        (Endpoint::DeletedWorkflows, Simulator::purge_workflow),
    ] {
        let mut office = Office::new(FileFormat::Parquet);
        let tenant = drawn(from, leaves).await;
        // The first chain of pages is one shorter than the list was, but for the page that had been named.
        let is_live = from == Endpoint::Workflows;
        let listed = if is_live {
            tenant.workflow_ids().len() as u64
        } else {
            2
        };
        let first = (listed - 1).max(2);
        let rule = FaultRule::new(Fault::Forbidden).on(from);
        tenant.inject(rule.when(When::FromNth(first + 1)));
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 4, "{from:?}: {summary:#?}");
        let mut missing = summary.not_covered.iter();
        let word = "workflows that the list may have left out";
        assert!(missing.any(|it| it.what.starts_with(word)), "{summary:#?}");
        assert!(summary.runs.listed > 0, "{summary:#?}");
        tenant.clear_faults();
        let again = office.export(&tenant).await;
        assert_eq!(again.exit_code, 0, "{again:#?}");
        assert_holds_all_runs(&office, &tenant, &[]);
    }
}

#[tokio::test]
async fn a_workflow_that_was_gone_for_the_last_export_has_no_list_read_again() {
    for from in [Endpoint::Workflows, Endpoint::DeletedWorkflows] {
        let mut office = Office::new(FileFormat::Parquet);
        let mut config = compact(67);
        config.paging = Paging::plain(1);
        let tenant = Arc::new(Simulator::start(config).await.unwrap());
        let ids = tenant.workflow_ids();
        if from == Endpoint::DeletedWorkflows {
            ids[..2].iter().for_each(|id| tenant.delete_workflow(id));
        }
        // Listed, and its runs are nowhere.
        let rule = FaultRule::new(Fault::NotFound).on(Endpoint::Runs);
        tenant.inject(rule.path_contains(&ids[1]));
        let mut pages = Vec::new();
        for _ in 0..3 {
            tenant.reset_requests();
            office.export(&tenant).await;
            pages.push(tenant.count(from));
        }
        assert!(pages[1] > 1, "{from:?}: {pages:?}");
        assert_eq!(pages[0], 2 * pages[1], "{from:?}: {pages:?}");
        assert_eq!(pages[2], pages[1], "{from:?}: {pages:?}");
        // One that goes while the list is read is another matter.
        let (weak, gone) = (Arc::downgrade(&tenant), ids[0].clone());
        tenant.before(from, 2, move || {
            weak.upgrade().unwrap().purge_workflow(&gone);
        });
        tenant.reset_requests();
        office.export(&tenant).await;
        assert!(tenant.count(from) > pages[1], "{from:?}: {pages:?}");
    }
}
