//! The service's clock decides, and it may be hours off.

use std::time::Duration;

use lcw_simulator::Simulator;
use lcw_tests::{Office, assert_same, compact, expected};
use lcw_transform::Table;

/// Workflows are left out: when they run next is read with their details only.
fn assert_runs_are_true(office: &Office, tenant: &Simulator) {
    let truth = tenant.truth();
    for table in [Table::Runs, Table::UserProcessingResults] {
        let stored = office.facts(tenant, table);
        assert_same(table.name(), &stored, &expected(&truth, table));
    }
}

#[tokio::test]
async fn a_date_header_that_is_hours_behind_changes_nothing_in_the_tables() {
    for hours in [-9, -2] {
        for mut office in Office::of_each_format() {
            let mut config = compact(91);
            config.answers.date_skew_seconds = hours * 3_600;
            let tenant = Simulator::start(config).await.unwrap();
            // Runs finish and their counters settle while the header goes on being wrong.
            for minutes in [0, 3, 4, 20, 24 * 60] {
                tenant.advance(Duration::from_mins(minutes));
                let summary = office.export(&tenant).await;
                assert_eq!(summary.exit_code, 0, "{hours} h off: {summary:#?}");
                assert_runs_are_true(&office, &tenant);
            }
        }
    }
}

/// A clock that runs ahead makes counters look settled that are not. The service's own counts may
/// give that away; what it says last is what counts in the end.
#[tokio::test]
async fn a_date_header_that_is_hours_ahead_is_wrong_about_nothing_once_counters_have_settled() {
    for hours in [2, 9] {
        for mut office in Office::of_each_format() {
            let mut config = compact(91);
            config.answers.date_skew_seconds = hours * 3_600;
            let tenant = Simulator::start(config).await.unwrap();
            for minutes in [0, 3, 4] {
                tenant.advance(Duration::from_mins(minutes));
                let summary = office.export(&tenant).await;
                let doubted = summary.proof.short_runs.iter();
                let doubted = doubted.filter(|short| short.run_id.is_empty()).count() as u64;
                assert_eq!(summary.proof.unacknowledged, doubted, "{summary:#?}");
                let code = if doubted == 0 { 0 } else { 5 };
                assert_eq!(summary.exit_code, code, "{hours} h off: {summary:#?}");
                office.assert_nothing_false(&tenant, &tenant.truth());
            }
            for minutes in [20, 24 * 60 + 30] {
                tenant.advance(Duration::from_mins(minutes));
                let summary = office.export(&tenant).await;
                assert_eq!(summary.exit_code, 0, "{hours} h off: {summary:#?}");
                assert_runs_are_true(&office, &tenant);
            }
        }
    }
}

#[tokio::test]
async fn a_date_header_that_jumps_back_and_forth_loses_nothing() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(compact(92)).await.unwrap();
        for hours in [0, 12, -12, 5, -1, 0] {
            tenant.update_config(|config| config.answers.date_skew_seconds = hours * 3_600);
            tenant.advance(Duration::from_hours(7));
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{hours} h off: {summary:#?}");
            assert_runs_are_true(&office, &tenant);
        }
    }
}
