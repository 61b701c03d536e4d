//! The tables that have one file each: versions and tasks of workflows, and task definitions.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use lcw_pipeline::NotCovered;
use lcw_simulator::{DeletedHistory, Endpoint, Simulator, roles};
use lcw_tests::{Archive, CORE, Office, asked, assert_same, compact, expected, listings, quiet};
use lcw_transform::Table;

const UNDATED: [Table; 3] = [
    Table::WorkflowVersions,
    Table::Tasks,
    Table::TaskDefinitions,
];
const ENDPOINTS: [Endpoint; 4] = [
    Endpoint::Versions,
    Endpoint::Version,
    Endpoint::Tasks,
    Endpoint::TaskDefinitions,
];
const DAY: Duration = Duration::from_hours(24);

/// One exporter per format that exports these tables, too.
fn offices() -> [Office; 2] {
    Office::of_each_format().map(|mut office| {
        office.request.tables = [&CORE[..], &UNDATED].concat();
        office
    })
}

fn grant(tenant: &Simulator, granted: &[&str]) {
    let granted = granted.iter().map(|role| (*role).to_owned()).collect();
    tenant.update_config(|config| config.access.roles = granted);
}

/// The paths of a kind that were asked for since the last reset, page after page only once.
fn paths(tenant: &Simulator, endpoint: Endpoint) -> BTreeSet<String> {
    let records = tenant.requests().into_iter();
    let of_kind = records.filter(|record| record.endpoint == endpoint);
    of_kind.map(|record| record.path).collect()
}

fn partial(not_covered: &[NotCovered]) -> Vec<&NotCovered> {
    not_covered.iter().filter(|it| it.is_partial).collect()
}

#[tokio::test]
async fn versions_tasks_and_definitions_are_the_whole_truth() {
    for seed in [101, 102] {
        for mut office in offices() {
            let tenant = Simulator::start(compact(seed)).await.unwrap();
            let truth = tenant.truth();
            assert!(truth.versions.len() > truth.workflows.len());
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            office.assert_holds(&tenant, &truth);
        }
    }
}

#[tokio::test]
async fn they_are_asked_for_only_when_a_workflow_has_changed() {
    for mut office in offices() {
        let tenant = Simulator::start(quiet(103, 3)).await.unwrap();
        office.export(&tenant).await;
        let pages = listings(&tenant);
        assert!(ENDPOINTS.iter().all(|endpoint| tenant.count(*endpoint) > 0));
        tenant.reset_requests();
        office.export(&tenant).await;
        assert_eq!(asked(&tenant), pages, "nothing is new");

        let renamed = tenant.workflow_ids()[1].clone();
        tenant.rename_workflow(&renamed, "Renamed");
        tenant.reset_requests();
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        for endpoint in [Endpoint::Versions, Endpoint::Tasks] {
            let asked = paths(&tenant, endpoint);
            assert_eq!(asked.len(), 1, "{asked:?}");
            assert!(asked.first().unwrap().contains(&renamed), "{asked:?}");
        }
        assert_eq!(tenant.count(Endpoint::Version), 1, "only the new one");
        assert_eq!(tenant.count(Endpoint::TaskDefinitions), 0);
        office.assert_holds(&tenant, &tenant.truth());
    }
}

#[tokio::test]
async fn task_definitions_are_asked_for_once_a_day() {
    for mut office in offices() {
        let tenant = Simulator::start(quiet(104, 2)).await.unwrap();
        office.export(&tenant).await;
        for (wait, is_asked) in [
            (Duration::from_hours(23), false),
            (Duration::from_hours(1), true),
            (Duration::ZERO, false),
        ] {
            tenant.advance(wait);
            tenant.reset_requests();
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            assert_eq!(tenant.count(Endpoint::TaskDefinitions) > 0, is_asked);
        }
        let truth = tenant.truth();
        let stored = office.facts(&tenant, Table::TaskDefinitions);
        let expected = expected(&truth, Table::TaskDefinitions);
        assert_same("task definitions", &stored, &expected);
    }
}

#[tokio::test]
async fn each_without_its_permission_is_named_with_it_and_comes_once_it_is_granted() {
    let basic = [roles::REPORTS, roles::WORKFLOW_BASIC];
    let workflow = [roles::REPORTS, roles::WORKFLOW];
    for (refused, granted, needed) in [
        (&UNDATED[..2], basic, roles::WORKFLOW),
        (&UNDATED[..1], basic, roles::WORKFLOW),
        (&UNDATED[1..2], basic, roles::WORKFLOW),
        (&UNDATED[2..], workflow, roles::EVERYTHING),
    ] {
        for mut office in offices() {
            let tenant = Simulator::start(compact(105)).await.unwrap();
            grant(&tenant, &granted);
            office.request.tables = [&CORE[..], refused].concat();
            if needed == roles::EVERYTHING {
                office.request.tables.extend(&UNDATED[..2]);
            }
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 4, "{summary:#?}");
            let missing = partial(&summary.not_covered);
            let tables: Vec<_> = missing.iter().map(|it| it.table.as_deref()).collect();
            let names: Vec<_> = refused.iter().map(|table| Some(table.name())).collect();
            assert_eq!(tables, names, "each is named once");
            for missing in missing {
                let remedy = missing.remedy.as_deref().unwrap();
                assert!(remedy.contains(needed), "{remedy}");
                assert!(missing.code.is_some() && missing.request_id.is_some());
            }
            let mut truth = tenant.truth();
            if needed == roles::WORKFLOW {
                truth = truth.without_deleted_history();
                truth.workflows.retain(|workflow| !workflow.deleted);
            }
            for table in office.request.wanted_tables() {
                let stored = office.facts(&tenant, table);
                if refused.contains(&table) {
                    assert!(stored.is_empty(), "{}", table.name());
                } else {
                    assert_same(table.name(), &stored, &expected(&truth, table));
                }
            }
            grant(&tenant, &[roles::EVERYTHING]);
            office.assert_completes(&tenant).await;
        }
    }
}

#[tokio::test]
async fn one_workflow_that_is_refused_does_not_keep_the_others_out() {
    for mut office in offices() {
        let tenant = Simulator::start(compact(106)).await.unwrap();
        let refused = tenant.workflow_ids()[0].clone();
        tenant.forbid_workflow(&refused, true);
        office.request.max_concurrency = 1;
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 4, "{summary:#?}");
        for table in [Table::WorkflowVersions, Table::Tasks] {
            let named: Vec<_> = partial(&summary.not_covered)
                .into_iter()
                .filter(|it| it.table.as_deref() == Some(table.name()))
                .map(|it| it.workflow_id.as_deref())
                .collect();
            assert_eq!(named, [Some(&*refused)]);
            let mut truth = tenant.truth();
            truth.versions.retain(|item| item.workflow_id != refused);
            truth.tasks.retain(|item| item.workflow_id != refused);
            let stored = office.facts(&tenant, table);
            assert_same(table.name(), &stored, &expected(&truth, table));
        }
        tenant.forbid_workflow(&refused, false);
        office.assert_completes(&tenant).await;
    }
}

#[tokio::test]
async fn what_is_refused_of_deleted_workflows_is_named_and_no_error() {
    for history in [DeletedHistory::Forbidden, DeletedHistory::NotFound] {
        for mut office in offices() {
            let mut config = compact(107);
            config.deleted_history = history;
            let tenant = Simulator::start(config).await.unwrap();
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{history:?}: {summary:#?}");
            let mut workflows = tenant.truth().workflows.into_iter();
            let deleted = workflows.find(|workflow| workflow.deleted).unwrap().id;
            for table in [Table::WorkflowVersions, Table::Tasks] {
                let mut named = summary.not_covered.iter();
                let named = named.any(|it| {
                    it.table.as_deref() == Some(table.name())
                        && it.workflow_id.as_deref() == Some(&deleted)
                });
                assert!(named, "{}: {summary:#?}", table.name());
            }
            office.assert_holds(&tenant, &tenant.truth().without_deleted_history());
            tenant.update_config(|config| config.deleted_history = DeletedHistory::Readable);
            office.assert_completes(&tenant).await;
        }
    }
}

#[tokio::test]
async fn a_workflow_that_is_deleted_while_it_is_read_is_found_where_it_went() {
    for mut office in offices() {
        for endpoint in [Endpoint::Versions, Endpoint::Tasks] {
            office = Office::new(office.request.format);
            office.request.tables = UNDATED.to_vec();
            let tenant = Arc::new(Simulator::start(quiet(108, 2)).await.unwrap());
            let weak = Arc::downgrade(&tenant);
            let deleted = tenant.workflow_ids()[0].clone();
            tenant.before(endpoint, 1, move || {
                weak.upgrade().unwrap().delete_workflow(&deleted);
            });
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            let rows = office.facts(&tenant, Table::Tasks);
            assert_same("tasks", &rows, &expected(&tenant.truth(), Table::Tasks));
            // By now it is listed as deleted: whatever changed with that comes, too.
            office.assert_completes(&tenant).await;
        }
    }
}

#[tokio::test]
async fn old_versions_stay_when_their_workflow_is_gone() {
    for mut office in offices() {
        let tenant = Simulator::start(quiet(109, 3)).await.unwrap();
        let mut archive = Archive::of(&tenant.truth());
        office.export(&tenant).await;
        let [first, second, ..] = &tenant.workflow_ids()[..] else {
            panic!("there are four");
        };
        for step in 0..4 {
            match step {
                0 => tenant.rename_workflow(first, "Another name"),
                1 => tenant.delete_workflow(first),
                2 => tenant.purge_workflow(first),
                _ => tenant.purge_workflow(second),
            }
            tenant.advance(DAY);
            archive.observe(&tenant.truth());
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{step}: {summary:#?}");
            office.assert_keeps(&tenant, &archive);
        }
        let versions = office.facts(&tenant, Table::WorkflowVersions);
        assert!(versions.keys().any(|key| key[0] == *first));
        assert!(versions.len() > expected(&tenant.truth(), Table::WorkflowVersions).len());
    }
}
