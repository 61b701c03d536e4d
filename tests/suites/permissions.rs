//! What the service refuses to show is said, and filled in once it is allowed.

use std::sync::Arc;
use std::time::Duration;

use lcw_extractor::{GraphClient, ReadyToken};
use lcw_pipeline::DeletedWorkflows::{self, Auto, Require, Skip};
use lcw_simulator::{DeletedHistory, Endpoint, Fault, FaultRule, Simulator, Truth, roles};
use lcw_tests::{Office, compact, contents};
use lcw_transform::Table;

fn grant(tenant: &Simulator, granted: &[&str]) {
    let granted = granted.iter().map(|role| (*role).to_owned()).collect();
    tenant.update_config(|config| config.access.roles = granted);
}

fn without_deleted_workflows(truth: Truth) -> Truth {
    let mut truth = truth.without_deleted_history();
    truth.workflows.retain(|workflow| !workflow.deleted);
    truth
}

#[tokio::test]
async fn without_permission_for_the_workflow_list_nothing_is_touched() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(compact(41)).await.unwrap();
        grant(&tenant, &[roles::REPORTS]);
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 3, "{summary:#?}");
        assert!(!office.out().exists());
        let error = summary.error.unwrap();
        assert!(error.remedy.unwrap().contains(roles::WORKFLOW_BASIC));
        assert!(error.code.is_some() && error.request_id.is_some());

        grant(&tenant, &[roles::REPORTS, roles::WORKFLOW]);
        office.assert_completes(&tenant).await;
        let before = contents(office.out());
        grant(&tenant, &[roles::REPORTS]);
        assert_eq!(office.export(&tenant).await.exit_code, 3);
        assert_eq!(contents(office.out()), before);
    }
}

#[tokio::test]
async fn results_that_are_refused_leave_the_runs_and_come_once_they_are_allowed() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(compact(42)).await.unwrap();
        tenant.inject(FaultRule::new(Fault::Forbidden).on(Endpoint::RunResults));
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 4, "{summary:#?}");
        assert!(summary.not_covered.iter().all(|left_out| {
            left_out.code.is_some()
                && left_out
                    .remedy
                    .as_deref()
                    .is_some_and(|remedy| remedy.contains(roles::REPORTS))
        }));
        let truth = tenant.truth();
        office.assert_nothing_false(&tenant, &truth);
        assert_eq!(office.facts(&tenant, Table::Runs).len(), truth.runs.len());
        assert!(
            office
                .facts(&tenant, Table::UserProcessingResults)
                .is_empty()
        );
        office.assert_completes(&tenant).await;
    }
}

#[tokio::test]
async fn without_permission_for_reports_the_workflows_are_exported_and_the_rest_comes_later() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(compact(43)).await.unwrap();
        grant(&tenant, &[roles::WORKFLOW]);
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 4, "{summary:#?}");
        assert_eq!(summary.not_covered.len(), tenant.truth().workflows.len());
        office.assert_nothing_false(&tenant, &tenant.truth());
        assert_eq!(
            office.facts(&tenant, Table::Workflows).len(),
            tenant.truth().workflows.len()
        );
        grant(&tenant, &[roles::REPORTS, roles::WORKFLOW]);
        office.assert_completes(&tenant).await;
    }
}

#[tokio::test]
async fn one_workflow_that_is_refused_does_not_keep_the_others_out() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(compact(44)).await.unwrap();
        let refused = tenant.workflow_ids()[0].clone();
        tenant.forbid_workflow(&refused, true);
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 4, "{summary:#?}");
        assert!(
            summary
                .not_covered
                .iter()
                .all(|left_out| left_out.what.contains(&refused))
        );

        let mut truth = tenant.truth();
        truth.runs.retain(|run| run.workflow_id != refused);
        truth.results.retain(|result| result.workflow_id != refused);
        for table in [Table::Runs, Table::UserProcessingResults] {
            let stored = office.facts(&tenant, table);
            lcw_tests::assert_same(table.name(), &stored, &lcw_tests::expected(&truth, table));
        }
        tenant.forbid_workflow(&refused, false);
        office.assert_completes(&tenant).await;
    }
}

/// Exports with this choice, when the list of deleted workflows is refused.
async fn with_deleted_workflows(
    choice: DeletedWorkflows,
) -> Vec<(Simulator, Office, lcw_pipeline::Summary)> {
    let mut outcomes = Vec::new();
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(compact(45)).await.unwrap();
        grant(&tenant, &[roles::REPORTS, roles::WORKFLOW_BASIC]);
        office.request.deleted_workflows = choice;
        let summary = office.export(&tenant).await;
        let truth = without_deleted_workflows(tenant.truth());
        office.assert_holds(&tenant, &truth);
        outcomes.push((tenant, office, summary));
    }
    outcomes
}

#[tokio::test]
async fn deleted_workflows_that_are_refused_are_named_and_no_error() {
    for (tenant, mut office, summary) in with_deleted_workflows(Auto).await {
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        let [left_out] = &*summary.not_covered else {
            panic!("{:#?}", summary.not_covered);
        };
        assert!(left_out.what.contains("deleted") && !left_out.is_partial);
        grant(&tenant, &[roles::REPORTS, roles::WORKFLOW]);
        office.assert_completes(&tenant).await;
    }
}

#[tokio::test]
async fn deleted_workflows_that_are_required_and_refused_make_the_export_partial() {
    for (tenant, mut office, summary) in with_deleted_workflows(Require).await {
        assert_eq!(summary.exit_code, 4, "{summary:#?}");
        assert!(
            summary.not_covered[0]
                .remedy
                .as_deref()
                .unwrap()
                .contains(roles::WORKFLOW)
        );
        grant(&tenant, &[roles::REPORTS, roles::WORKFLOW]);
        office.assert_completes(&tenant).await;
    }
}

#[tokio::test]
async fn deleted_workflows_that_are_skipped_are_not_asked_for() {
    for (tenant, mut office, summary) in with_deleted_workflows(Skip).await {
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert!(
            tenant
                .requests()
                .iter()
                .all(|request| !request.path.contains("deletedItems"))
        );
        grant(&tenant, &[roles::REPORTS, roles::WORKFLOW]);
        office.request.deleted_workflows = Auto;
        office.assert_completes(&tenant).await;
    }
}

#[tokio::test]
async fn the_history_of_deleted_workflows_may_be_refused_while_their_names_are_shown() {
    for (history, choice) in [
        (DeletedHistory::Forbidden, Auto),
        (DeletedHistory::NotFound, Auto),
        (DeletedHistory::Forbidden, Require),
    ] {
        for mut office in Office::of_each_format() {
            let mut config = compact(46);
            config.deleted_history = history;
            let tenant = Simulator::start(config).await.unwrap();
            office.request.deleted_workflows = choice;
            let summary = office.export(&tenant).await;
            let code = if choice == Require { 4 } else { 0 };
            assert_eq!(summary.exit_code, code, "{history:?}: {summary:#?}");
            let mut workflows = tenant.truth().workflows.into_iter();
            let deleted = workflows.find(|workflow| workflow.deleted).unwrap().id;
            assert!(
                summary.not_covered[0].what.contains(&deleted),
                "{summary:#?}"
            );
            office.assert_holds(&tenant, &tenant.truth().without_deleted_history());

            tenant.update_config(|config| config.deleted_history = DeletedHistory::Readable);
            office.assert_completes(&tenant).await;
        }
    }
}

#[tokio::test]
async fn tokens_that_are_revoked_in_mid_export_are_renewed_once_for_all_workers() {
    for mut office in Office::of_each_format() {
        let tenant = Arc::new(Simulator::start(compact(47)).await.unwrap());
        let weak = Arc::downgrade(&tenant);
        tenant.before(Endpoint::RunResults, 30, move || {
            weak.upgrade().unwrap().revoke_tokens();
        });
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert_eq!(tenant.count(Endpoint::Token), 2);
        let refused: u64 = tenant
            .counts()
            .iter()
            .filter(|((_, status), _)| *status == 401)
            .map(|(_, count)| count)
            .sum();
        assert!(
            (1..=8).contains(&refused),
            "{refused} workers had the old token"
        );
        office.assert_holds(&tenant, &tenant.truth());
    }
}

#[tokio::test]
async fn a_token_that_is_refused_again_ends_the_export_with_the_days_so_far() {
    for mut office in Office::of_each_format() {
        let tenant = Arc::new(Simulator::start(compact(48)).await.unwrap());
        let weak = Arc::downgrade(&tenant);
        tenant.before(Endpoint::RunResults, 25, move || {
            weak.upgrade()
                .unwrap()
                .inject(FaultRule::new(Fault::Unauthorized));
        });
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 3, "{summary:#?}");
        assert!(
            tenant.count(Endpoint::Token) <= 9,
            "{}",
            tenant.count(Endpoint::Token)
        );
        assert!(office.assert_holds_the_oldest_days(&tenant, &tenant.truth()) > 0);
        office.assert_completes(&tenant).await;
    }
}

#[tokio::test]
async fn tokens_that_are_good_for_a_few_requests_only_are_good_enough() {
    for uses in [3, 10] {
        for mut office in Office::of_each_format() {
            let mut config = compact(49);
            config.access.token_uses = Some(uses);
            let tenant = Simulator::start(config).await.unwrap();
            let summary = office.export(&tenant).await;
            assert_eq!(
                summary.exit_code, 0,
                "{uses} requests a token: {summary:#?}"
            );
            assert!(summary.not_covered.is_empty());
            office.assert_holds(&tenant, &tenant.truth());
            let graph = tenant.graph_count();
            let tokens = tenant.count(Endpoint::Token);
            assert!(
                tokens <= graph / u64::from(uses) + 2,
                "{tokens} tokens for {graph} requests"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn tokens_are_renewed_before_they_end() {
    let mut config = compact(50);
    config.access.token_lifetime = Duration::from_mins(10);
    let tenant = Simulator::start(config).await.unwrap();
    let [mut office, _] = Office::of_each_format();
    office.client.requests_per_second = Some(0.02);
    let summary = office.export(&tenant).await;
    assert_eq!(summary.exit_code, 0, "{summary:#?}");
    assert!(tenant.count(Endpoint::Token) > 3);
    assert!(
        tenant.counts().keys().all(|(_, status)| *status != 401),
        "{:?}",
        tenant.counts()
    );
    office.assert_holds(&tenant, &tenant.truth());
}

#[tokio::test]
async fn an_opaque_token_serves_where_the_tenant_is_named() {
    for mut office in Office::of_each_format() {
        let mut config = compact(51);
        config.access.opaque_tokens = true;
        let tenant = Simulator::start(config).await.unwrap();
        let unnamed = office.export(&tenant).await;
        assert_eq!(unnamed.exit_code, 2, "{unnamed:#?}");
        assert!(!office.out().exists());
        office.request.tenant = Some(tenant.tenant_id().to_uppercase());
        office.assert_completes(&tenant).await;
    }
}

#[tokio::test]
async fn a_ready_token_that_ends_in_mid_export_says_how_to_get_another() {
    let [mut office, _] = Office::of_each_format();
    let mut config = compact(52);
    config.access.token_uses = Some(60);
    let tenant = Simulator::start(config).await.unwrap();
    let token = ReadyToken::new(&tenant.issue_token().into()).unwrap();
    office.client.graph_url = tenant.origin().to_owned();
    let client = GraphClient::new(office.client.clone(), token).unwrap();
    let summary = office.run_with(client).await;
    assert_eq!(summary.exit_code, 3, "{summary:#?}");
    assert!(
        summary
            .error
            .unwrap()
            .remedy
            .unwrap()
            .contains("LCW_ACCESS_TOKEN")
    );
    office.assert_holds_the_oldest_days(&tenant, &tenant.truth());
    tenant.update_config(|config| config.access.token_uses = None);
    office.assert_completes(&tenant).await;
}
