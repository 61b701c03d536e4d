//! Rows that are set aside where they are easily taken for read: details of workflows, runs asked for
//! by their id or a second way, and task reports that nothing counts.

use std::collections::BTreeSet;
use std::time::Duration;

use lcw_pipeline::{OnDrift, Summary};
use lcw_simulator::{DateProperty, Endpoint, Fault, FaultRule, RunPlan, Simulator, WindowRule};
use lcw_tests::{CORE, Office, expected, mend, mistype, quiet, single};
use lcw_transform::Table;
use serde_json::{Value, json};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// One exporter per format that sets rows aside, with these tables, too.
fn offices(tables: &[Table]) -> [Office; 2] {
    Office::of_each_format().map(|mut office| {
        office.request.tables = [&CORE[..], tables].concat();
        office.request.on_drift = OnDrift::Quarantine;
        office
    })
}

async fn export_with(office: &mut Office, tenant: &Simulator, code: u8) -> Summary {
    let summary = office.export(tenant).await;
    assert_eq!(summary.exit_code, code, "{summary:#?}");
    summary
}

/// Without the changed type the next export brings everything.
async fn assert_heals(office: &mut Office, tenant: &Simulator) {
    mend(tenant);
    tenant.advance(Duration::from_mins(1));
    let summary = export_with(office, tenant, 0).await;
    assert!(summary.quarantined.is_empty() && summary.not_covered.is_empty());
    office.assert_holds(tenant, &tenant.truth());
}

#[tokio::test]
async fn details_of_workflows_are_asked_for_again_and_keep_nothing_else_out() {
    for (property, json) in [("version", "\"latest\""), ("createdDateTime", "once")] {
        for mut office in offices(&[]) {
            let tenant = Simulator::start(quiet(151, 3)).await.unwrap();
            mistype(&tenant, Endpoint::Workflow, property, json);
            let summary = export_with(&mut office, &tenant, 4).await;
            let truth = tenant.truth();
            let workflows = expected(&truth, Table::Workflows);
            let stored = office.facts(&tenant, Table::Workflows);
            assert!(stored.keys().eq(workflows.keys()));
            let set_aside = json!({ "workflows": truth.workflows.len() });
            assert_eq!(json!(summary.quarantined), set_aside);
            for (key, row) in &stored {
                assert_eq!(row["display_name"], workflows[key]["display_name"]);
            }
            for table in [Table::Runs, Table::UserProcessingResults] {
                let all = expected(&truth, table);
                assert!(office.facts(&tenant, table).keys().eq(all.keys()));
            }
            assert_heals(&mut office, &tenant).await;
        }
    }
}

#[tokio::test]
async fn a_run_that_is_asked_for_by_its_id_ends_nothing_and_is_asked_for_again() {
    for mut office in offices(&[]) {
        office.request.lookback = 2 * DAY;
        let tenant = Simulator::start(single(152)).await.unwrap();
        let workflow = tenant.workflow_ids()[0].clone();
        let plan = RunPlan::new(tenant.now() - HOUR, 6);
        let run = tenant.add_run(&workflow, &plan.working_for(4 * DAY));
        for _ in 0..3 {
            export_with(&mut office, &tenant, 0).await;
            tenant.advance(DAY);
        }
        let before = office.facts(&tenant, Table::Runs);
        mistype(&tenant, Endpoint::Run, "totalUsersCount", "\"many\"");
        let summary = export_with(&mut office, &tenant, 4).await;
        assert_eq!(json!(summary.quarantined), json!({ "runs": 1 }));
        let key = vec![workflow.clone(), run];
        assert_eq!(office.facts(&tenant, Table::Runs)[&key], before[&key]);
        assert_heals(&mut office, &tenant).await;
    }
}

#[tokio::test]
async fn a_run_that_is_listed_twice_is_set_aside_once() {
    for mut office in offices(&[]) {
        let mut config = quiet(153, 20);
        config.outcomes.canceled = 0.0;
        config.windows.runs = WindowRule::seven_days_unless(&[DateProperty::Started]);
        let tenant = Simulator::start(config).await.unwrap();
        mistype(&tenant, Endpoint::Runs, "totalUsersCount", "\"many\"");
        let summary = export_with(&mut office, &tenant, 4).await;
        assert!(summary.ways.runs_asked_again > 0);
        let folder = office.out().join("_quarantine").join(&summary.export_id);
        let text = std::fs::read_to_string(folder.join("runs.ndjson")).unwrap();
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let ids: BTreeSet<_> = lines
            .iter()
            .map(|line| line["row"]["id"].as_str())
            .collect();
        assert_eq!(ids.len(), lines.len());
        assert_eq!(json!(summary.quarantined), json!({ "runs": lines.len() }));
        assert_heals(&mut office, &tenant).await;
    }
}

#[tokio::test]
async fn task_reports_come_again_where_nothing_counts_them() {
    for mut office in offices(&[Table::TaskReports]) {
        let tenant = Simulator::start(quiet(154, 5)).await.unwrap();
        tenant.inject(FaultRule::new(Fault::Forbidden).on(Endpoint::TaskReportSummary));
        mistype(&tenant, Endpoint::TaskReports, "failedUsersCount", "0.5");
        let summary = export_with(&mut office, &tenant, 4).await;
        assert!(summary.quarantined.contains_key("task_reports"));
        assert_heals(&mut office, &tenant).await;
        tenant.reset_requests();
        export_with(&mut office, &tenant, 0).await;
        assert_eq!(tenant.count(Endpoint::TaskReports), 0, "they are all there");
    }
}

#[tokio::test]
async fn task_reports_that_name_no_run_are_told() {
    for mut office in offices(&[Table::TaskReports]) {
        let tenant = Simulator::start(quiet(155, 5)).await.unwrap();
        mistype(&tenant, Endpoint::TaskReports, "runId", "null");
        let summary = export_with(&mut office, &tenant, 4).await;
        assert!(!summary.not_covered.is_empty());
        for missing in &summary.not_covered {
            assert_eq!(missing.table.as_deref(), Some("task_reports"));
            assert!(missing.reason.contains("which run"), "{missing:?}");
        }
    }
}
