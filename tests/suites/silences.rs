//! A service that silently returns less than it has is caught by its own counts, whichever part it
//! keeps to itself; what is missing is named, and the next reading heals it.

use std::time::Duration;

use lcw_pipeline::{ShortRun, Status, Summary};
use lcw_simulator::{
    DateProperty, Endpoint, Fault, FaultRule, RunPlan, Simulator, TenantConfig, WindowRule,
};
use lcw_tests::{Office, single};
use lcw_transform::Table;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// One workflow with a run of many pages twenty days ago, and a small one two days ago.
async fn tenant(seed: u64, change: impl FnOnce(&mut TenantConfig)) -> (Simulator, [String; 2]) {
    let mut config = single(seed);
    config.paging.page_size = 3..=3;
    change(&mut config);
    let tenant = Simulator::start(config).await.unwrap();
    let workflow = tenant.workflow_ids()[0].clone();
    let run = |days: u32, users| {
        let plan = RunPlan::new(tenant.now() - days * DAY, users);
        tenant.add_run(&workflow, &plan)
    };
    let runs = [run(20, 11), run(2, 2)];
    (tenant, runs)
}

fn wanting(office: &mut Office, tables: &[Table]) {
    office.request.tables = tables.to_vec();
}

fn short_of(summary: &Summary, table: Table) -> Vec<&ShortRun> {
    let short = summary.proof.short_runs.iter();
    short.filter(|it| it.table == table.name()).collect()
}

async fn assert_heals(office: &mut Office, tenant: &Simulator) {
    tenant.clear_faults();
    let summary = office.export(tenant).await;
    assert_eq!(summary.exit_code, 0, "{summary:#?}");
    office.assert_holds(tenant, &tenant.truth());
    let status = lcw_pipeline::status(office.out()).unwrap();
    assert!(status.tenants[0].short_runs.is_empty());
    let verdicts = status.tenants[0].matrix.iter().map(|row| row.verdict);
    assert!(verdicts.into_iter().all(|verdict| verdict == "matched"));
}

#[tokio::test]
async fn a_page_that_is_dropped_once_is_found_by_the_next_way_of_asking() {
    for (endpoint, table) in [
        (Endpoint::RunResults, Table::UserProcessingResults),
        (Endpoint::TaskResults, Table::TaskProcessingResults),
    ] {
        for mut office in Office::of_each_format() {
            wanting(&mut office, &Table::DEFAULT);
            let (tenant, _) = tenant(1, |_| {}).await;
            tenant.inject(FaultRule::new(Fault::DroppedPage).on(endpoint).times(1));
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            assert_eq!(tenant.fired(), [1]);
            let ways = match table {
                Table::UserProcessingResults => &summary.ways.results,
                _ => &summary.ways.task_results,
            };
            assert_eq!(ways["startedDateTime"], 1, "{summary:#?}");
            office.assert_holds(&tenant, &tenant.truth());
        }
    }
}

#[tokio::test]
async fn a_page_that_is_dropped_however_it_is_asked_for_names_its_run() {
    for (endpoint, table) in [
        (Endpoint::RunResults, Table::UserProcessingResults),
        (Endpoint::TaskResults, Table::TaskProcessingResults),
    ] {
        for mut office in Office::of_each_format() {
            wanting(&mut office, &Table::DEFAULT);
            let (tenant, [long, _]) = tenant(2, |_| {}).await;
            tenant.inject(FaultRule::new(Fault::DroppedPage).on(endpoint));
            for _ in 0..2 {
                let summary = office.export(&tenant).await;
                assert_eq!((summary.exit_code, summary.status), (5, Status::Unproven));
                let short = short_of(&summary, table);
                assert!(short.iter().any(|short| short.run_id == long), "{short:?}");
                assert!(short.iter().all(|short| !short.run_id.is_empty()));
                office.assert_nothing_false(&tenant, &tenant.truth());
                let status = lcw_pipeline::status(office.out()).unwrap();
                let rows = &status.tenants[0].matrix;
                let short = rows.iter().find(|row| row.verdict == "short").unwrap();
                let cell = match table {
                    Table::UserProcessingResults => short.users,
                    _ => short.tasks,
                };
                assert!(cell.held < cell.counted, "{short:?}");
            }
            assert_heals(&mut office, &tenant).await;
        }
    }
}

#[tokio::test]
async fn a_listing_that_is_cut_is_given_away_by_the_count_of_runs() {
    for mut office in Office::of_each_format() {
        let (tenant, _) = tenant(3, |config| config.paging.page_size = 1..=1).await;
        tenant.inject(
            FaultRule::new(Fault::CutCollection)
                .on(Endpoint::Runs)
                .times(1),
        );
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "listed again at once: {summary:#?}");
        assert_eq!(summary.ways.runs_found_again, 1);
        office.assert_holds(&tenant, &tenant.truth());
    }
}

#[tokio::test]
async fn a_listing_that_is_cut_however_it_is_asked_for_names_its_workflow() {
    for mut office in Office::of_each_format() {
        let (tenant, _) = tenant(4, |config| config.paging.page_size = 1..=1).await;
        tenant.inject(FaultRule::new(Fault::CutCollection).on(Endpoint::Runs));
        let workflow = tenant.workflow_ids()[0].clone();
        for days in [15, 1] {
            tenant.add_run(&workflow, &RunPlan::new(tenant.now() - days * DAY, 2));
        }
        // Also when nothing else is new.
        for _ in 0..3 {
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 5, "{summary:#?}");
            let short = short_of(&summary, Table::Runs);
            assert_eq!(short.len(), 1, "{summary:#?}");
            // The first of each way of asking: the oldest, and the first of the last week.
            assert_eq!((short[0].counted, short[0].fetched), (4, 2));
            assert_eq!(
                (&*short[0].workflow_id, &*short[0].run_id),
                (&*workflow, "")
            );
            let status = lcw_pipeline::status(office.out()).unwrap();
            assert_eq!(status.tenants[0].short_runs[0].table, "runs");
        }
        assert_heals(&mut office, &tenant).await;
    }
}

#[tokio::test]
async fn a_listing_that_shows_no_run_at_all_is_no_proof_that_there_is_none() {
    for mut office in Office::of_each_format() {
        let (tenant, _) = tenant(5, |config| config.paging.page_size = 1..=1).await;
        tenant.inject(FaultRule::new(Fault::DroppedPage).on(Endpoint::Runs));
        tenant.inject(FaultRule::new(Fault::CutCollection).on(Endpoint::Runs));
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 5, "{summary:#?}");
        assert_heals(&mut office, &tenant).await;
    }
}

#[tokio::test]
async fn task_results_are_whole_whichever_filter_lifts_the_window_and_short_where_none_does() {
    for lifted_by in [
        Some(DateProperty::Created),
        Some(DateProperty::Started),
        None,
    ] {
        for mut office in Office::of_each_format() {
            wanting(&mut office, &Table::DEFAULT);
            let (tenant, [old, _]) = tenant(6, |config| {
                let lifted_by: Vec<_> = lifted_by.into_iter().collect();
                config.windows.task_results = WindowRule::seven_days_unless(&lifted_by);
            })
            .await;
            let summary = office.export(&tenant).await;
            if lifted_by.is_some() {
                assert_eq!(summary.exit_code, 0, "{summary:#?}");
                office.assert_holds(&tenant, &tenant.truth());
                continue;
            }
            assert_eq!(summary.exit_code, 5, "{summary:#?}");
            let short = short_of(&summary, Table::TaskProcessingResults);
            assert_eq!((short.len(), &short[0].run_id), (1, &old));
            assert_eq!(summary.proof.tasks.short, 1);
            tenant.update_config(|config| config.windows.task_results.default = None);
            assert_heals(&mut office, &tenant).await;
        }
    }
}

#[tokio::test]
async fn a_run_that_settles_late_and_counts_nobody_until_then_is_found_by_the_sum_of_users() {
    for mut office in Office::of_each_format() {
        let mut found = 0;
        for seed in 7..13 {
            let tenant = Simulator::start(single(seed)).await.unwrap();
            let workflow = tenant.workflow_ids()[0].clone();
            let late = RunPlan::new(tenant.now() - 5 * HOUR, 4).settling_after(30 * HOUR);
            let late = tenant.add_run(&workflow, &late);
            let row = tenant.truth().runs.into_iter().find(|run| run.id == late);
            if row.unwrap().value["totalUsersCount"] != 0 {
                continue;
            }
            found += 1;
            office = Office::new(office.request.format);
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 5, "{summary:#?}");
            let short = short_of(&summary, Table::UserProcessingResults);
            assert_eq!((short.len(), short[0].counted, short[0].fetched), (1, 4, 0));
            // Everything of the workflow is read again, whatever its counters say.
            let summary = office.export(&tenant).await;
            assert_eq!(
                (summary.exit_code, summary.proof.over),
                (0, 1),
                "{summary:#?}"
            );
            office.assert_holds(&tenant, &tenant.truth());
            tenant.advance(2 * DAY);
            assert_heals(&mut office, &tenant).await;
        }
        assert!(found > 0, "no seed made a run whose counters are zero");
    }
}

#[tokio::test]
async fn a_service_that_refuses_to_be_counted_is_taken_at_its_word() {
    for mut office in Office::of_each_format() {
        let (tenant, _) = tenant(14, |_| {}).await;
        for endpoint in [
            Endpoint::RunSummary,
            Endpoint::ResultSummary,
            Endpoint::TaskReportSummary,
        ] {
            tenant.inject(FaultRule::new(Fault::Forbidden).on(endpoint));
        }
        wanting(
            &mut office,
            &[Table::TaskProcessingResults, Table::TaskReports],
        );
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert!(summary.proof.workflows.is_empty());
        office.assert_holds(&tenant, &tenant.truth());
    }
}
