//! What an export that was cut, or that could not read everything, leaves for the next one.

use lcw_simulator::{Endpoint, Fault, FaultRule, RunPlan, Simulator, TenantConfig};
use lcw_tests::{Office, provable};
use lcw_transform::Table;

const FROM: &str = "2026-10-25T00:00:00Z";
const TO: &str = "2026-11-22T00:00:00Z";

async fn settled_tenant(seed: u64) -> Simulator {
    let mut config = provable(seed);
    config.outcomes.quarantined = 0.0;
    Simulator::start(config).await.unwrap()
}

/// Every run of the tenant that lies in the window has its rows, as many as the truth says.
fn assert_window_is_whole(office: &Office, tenant: &Simulator) {
    let stored = office.facts(tenant, Table::UserProcessingResults);
    let truth = tenant.truth();
    let expected = lcw_tests::expected(&truth, Table::UserProcessingResults);
    for (key, row) in &expected {
        let day = row["run_date"].as_str().unwrap();
        if ("2026-10-25".."2026-11-22").contains(&day) {
            assert!(stored.contains_key(key), "row {key:?} of {day} is missing");
        }
    }
}

#[tokio::test]
async fn a_backfill_cut_before_its_first_day_skips_nothing_when_it_is_started_again() {
    for mut office in Office::of_each_format() {
        let tenant = settled_tenant(31).await;
        tenant.inject(FaultRule::new(Fault::status(400)).on(Endpoint::RunResults));
        let cut = office.backfill(&tenant, FROM, TO).await;
        assert_eq!(cut.exit_code, 1, "{cut:#?}");
        tenant.clear_faults();
        let again = office.backfill(&tenant, FROM, TO).await;
        assert_eq!(again.exit_code, 0, "{again:#?}");
        assert_eq!(again.runs.skipped_committed, 0);
        assert_window_is_whole(&office, &tenant);
    }
}

#[tokio::test]
async fn a_resumed_backfill_reads_days_again_that_hold_an_unread_run() {
    for mut office in Office::of_each_format() {
        let tenant = settled_tenant(32).await;
        let workflow = tenant.workflow_ids()[0].clone();
        let runs = tenant.run_ids(&workflow);
        // One run of an early day cannot be read; a later one ends the backfill.
        let broken = |run: &str, status| {
            FaultRule::new(Fault::status(status))
                .on(Endpoint::RunResults)
                .path_contains(run.to_owned())
        };
        tenant.inject(broken(&runs[4], 500));
        tenant.inject(broken(&runs[10], 400));
        let cut = office.backfill(&tenant, FROM, TO).await;
        assert_eq!(cut.exit_code, 1, "{cut:#?}");
        tenant.clear_faults();
        let again = office.backfill(&tenant, FROM, TO).await;
        assert_eq!(again.exit_code, 0, "{again:#?}");
        assert!(again.runs.skipped_committed > 0, "whole days are skipped");
        assert_window_is_whole(&office, &tenant);
    }
}

#[tokio::test]
async fn results_that_are_gone_from_the_disk_are_read_again_and_said() {
    for mut office in Office::of_each_format() {
        let tenant = settled_tenant(33).await;
        assert_eq!(office.export(&tenant).await.exit_code, 0);
        let files = lcw_tests::data_files(office.out());
        let gone = files
            .keys()
            .find(|path| {
                let path = path.to_string_lossy();
                path.contains("user_processing_results") && path.contains("2026-11-10")
            })
            .unwrap();
        std::fs::remove_file(gone).unwrap();
        let status = lcw_pipeline::status(office.out()).unwrap();
        assert!(status.tenants[0].runs.without_results > 0, "{status:#?}");
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert!(summary.warnings[0].contains("2026-11-10"), "{summary:#?}");
        office.assert_holds(&tenant, &tenant.truth());
    }
}

#[tokio::test]
async fn a_day_that_was_lost_in_part_is_named() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(provable(34)).await.unwrap();
        assert_eq!(office.export(&tenant).await.exit_code, 0);
        // The tenant's clock stands at noon of 2026-11-23: the hours from then on are lost.
        tenant.advance(std::time::Duration::from_hours(30 * 24 + 6));
        let late = office.export(&tenant).await;
        assert_eq!(late.exit_code, 5, "{late:#?}");
        assert_eq!(late.lost_days, ["2026-11-23"]);
        assert_eq!(office.export(&tenant).await.lost_days, [""; 0]);
    }
}

#[tokio::test]
async fn a_run_that_the_lookback_has_passed_is_read_again_until_it_is_settled() {
    for mut office in Office::of_each_format() {
        let mut config = TenantConfig::small(35);
        config.workflows.truncate(1);
        config.workflows[0].schedule = None;
        let tenant = Simulator::start(config).await.unwrap();
        let workflow = tenant.workflow_ids()[0].clone();
        let scheduled = tenant.now() - std::time::Duration::from_mins(8);
        let run = tenant.add_run(&workflow, &RunPlan::new(scheduled, 3));
        office.request.lookback = std::time::Duration::from_mins(5);
        // A first complete listing, after which the window reaches back by the lookback only.
        assert_eq!(office.export(&tenant).await.exit_code, 0);
        tenant.advance(std::time::Duration::from_hours(24));
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        let stored = office.facts(&tenant, Table::Runs);
        let row = &stored[&vec![workflow, run]];
        assert_eq!(row["_lcw_settled"], true, "{row:#?}");
        assert_eq!(row["_lcw_proof"], "matched", "{row:#?}");
    }
}
