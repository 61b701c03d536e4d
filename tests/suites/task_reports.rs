//! Task reports: one per run and task, each proven by the task results that it counts.

use std::time::Duration;

use lcw_simulator::{Endpoint, Fault, FaultRule, RetryAfter, RunPlan, Simulator, TaskChange};
use lcw_tests::{Office, brief, quiet, single};
use lcw_transform::Table;
use serde_json::{Value, json};

const DAY: Duration = Duration::from_hours(24);

fn wanting_reports(office: &mut Office, tables: &[Table]) {
    office.request.tables = [tables, &[Table::TaskReports]].concat();
}

#[tokio::test]
async fn every_report_of_a_settled_run_is_proven_by_its_task_results() {
    for mut office in Office::of_each_format() {
        wanting_reports(&mut office, &[Table::TaskProcessingResults]);
        let tenant = Simulator::start(brief(1, 6)).await.unwrap();
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        office.assert_holds(&tenant, &tenant.truth());
        let runs = office.facts(&tenant, Table::Runs);
        let reports = office.facts(&tenant, Table::TaskReports);
        let results = office.facts(&tenant, Table::TaskProcessingResults);
        let mut matched = 0;
        for (key, report) in &reports {
            let run = &runs[&vec![key[0].clone(), key[1].clone()]];
            let rows = results.iter().filter(|(result, row)| {
                result[..2] == key[..2] && row["task_id"] == report["task_id"]
            });
            assert_eq!(report["_lcw_task_rows"], json!(rows.count()), "{report:?}");
            let proof = if run["_lcw_settled"] == true {
                "matched"
            } else {
                "open"
            };
            assert_eq!(report["_lcw_proof"], proof, "{report:?}");
            matched += u64::from(proof == "matched");
        }
        assert!(matched > 10);
        assert_eq!(summary.proof.task_reports.matched, matched);
        for (key, run) in &runs {
            let of_run = reports.keys().filter(|report| report[..2] == key[..2]);
            assert_eq!(run["_lcw_report_rows"], json!(of_run.count()));
        }
    }
}

#[tokio::test]
async fn without_task_results_a_report_proves_nothing() {
    for mut office in Office::of_each_format() {
        wanting_reports(&mut office, &[]);
        let tenant = Simulator::start(quiet(2, 4)).await.unwrap();
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        office.assert_holds(&tenant, &tenant.truth());
        assert_eq!(tenant.count(Endpoint::TaskResults), 0);
        for report in office.facts(&tenant, Table::TaskReports).values() {
            assert_eq!(report["_lcw_proof"], Value::Null);
            assert_eq!(report["_lcw_task_rows"], Value::Null);
        }
    }
}

#[tokio::test]
async fn a_task_result_that_one_report_counts_and_nobody_returns_makes_that_report_short() {
    for mut office in Office::of_each_format() {
        wanting_reports(&mut office, &[Table::TaskProcessingResults]);
        let tenant = Simulator::start(single(3)).await.unwrap();
        let workflow = tenant.workflow_ids()[0].clone();
        let run = tenant.add_run(&workflow, &RunPlan::new(tenant.now() - 2 * DAY, 4));
        let late = TaskChange {
            appears: Some(tenant.now() + DAY),
            ..TaskChange::default()
        };
        tenant.change_task_result(&run, 1, 0, late);
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 5, "{summary:#?}");
        let proof = &summary.proof;
        assert_eq!((proof.tasks.short, proof.task_reports.short), (1, 1));
        assert_eq!(proof.task_reports.matched, 1, "the other task's");
        let short = proof.short_runs.iter();
        let short: Vec<_> = short.filter(|it| it.table == "task_reports").collect();
        assert_eq!((short.len(), short[0].counted, short[0].fetched), (1, 4, 3));

        tenant.advance(2 * DAY);
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        office.assert_holds(&tenant, &tenant.truth());
        let status = lcw_pipeline::status(office.out()).unwrap();
        assert!(status.tenants[0].short_runs.is_empty(), "{status:#?}");
    }
}

#[tokio::test]
async fn reports_that_a_listing_leaves_out_are_missed_by_their_sum() {
    for mut office in Office::of_each_format() {
        wanting_reports(&mut office, &[]);
        let mut config = quiet(4, 6);
        config.paging.page_size = 2..=2;
        let tenant = Simulator::start(config).await.unwrap();
        tenant.inject(FaultRule::new(Fault::DroppedPage).on(Endpoint::TaskReports));
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 5, "{summary:#?}");
        let short = summary.proof.short_runs.iter();
        assert!(short.clone().all(|short| short.table == "task_reports"));
        assert!(short.clone().all(|short| short.run_id.is_empty()));
        tenant.clear_faults();
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        office.assert_holds(&tenant, &tenant.truth());
    }
}

#[tokio::test]
async fn reports_that_are_refused_leave_everything_else_and_come_once_they_are_allowed() {
    for mut office in Office::of_each_format() {
        wanting_reports(&mut office, &[Table::TaskProcessingResults]);
        let tenant = Simulator::start(quiet(5, 4)).await.unwrap();
        tenant.inject(FaultRule::new(Fault::Forbidden).on(Endpoint::TaskReports));
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 4, "{summary:#?}");
        let missing = summary.not_covered.iter();
        assert!(missing.clone().count() > 0);
        assert!(
            missing
                .clone()
                .all(|it| it.table.as_deref() == Some("task_reports"))
        );
        let truth = tenant.truth();
        for table in [Table::Runs, Table::TaskProcessingResults] {
            let stored = office.facts(&tenant, table);
            lcw_tests::assert_same(table.name(), &stored, &lcw_tests::expected(&truth, table));
        }
        let status = lcw_pipeline::status(office.out()).unwrap();
        assert_eq!(status.tenants[0].not_covered, summary.not_covered);
        office.assert_completes(&tenant).await;
    }
}

/// A service that refuses everybody refuses to count as well: to go on without it would be to ask on.
#[tokio::test(start_paused = true)]
async fn refusals_without_end_of_the_count_of_reports_end_the_export_as_any_others() {
    let [mut office, _] = Office::of_each_format();
    wanting_reports(&mut office, &[]);
    office.client.deadline = None;
    let tenant = Simulator::start(brief(5, 4)).await.unwrap();
    let throttled = Fault::Throttled(RetryAfter::seconds(7));
    tenant.inject(FaultRule::new(throttled).on(Endpoint::TaskReportSummary));
    let summary = office.export(&tenant).await;
    assert_eq!(summary.exit_code, 7, "{summary:#?}");
    tenant.clear_faults();
    let summary = office.export(&tenant).await;
    assert_eq!(summary.exit_code, 0, "{summary:#?}");
    office.assert_holds(&tenant, &tenant.truth());
}
