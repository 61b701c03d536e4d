//! Every table there is, whole and in both formats.

use std::time::Duration;

use lcw_extractor::ApiVersion;
use lcw_simulator::{Endpoint, Reading, ReprocessedRuns, Simulator};
use lcw_tests::{Archive, Office, asked, data_files, listings, provable};
use lcw_transform::Table;

const DAY: Duration = Duration::from_hours(24);

/// Asks for every table; the service shows all of them.
fn wanting_everything(office: &mut Office) {
    office.request.tables = Table::ALL.to_vec();
    office.client.api_version = ApiVersion::Beta;
}

fn beta() -> Reading {
    Reading {
        beta: true,
        ..Reading::default()
    }
}

#[tokio::test]
async fn every_table_is_the_whole_truth_in_both_formats() {
    for seed in [1, 2] {
        let mut config = provable(seed);
        config.outcomes.non_users = 0.1;
        config.reprocessed_runs = ReprocessedRuns::Readable;
        let tenant = Simulator::start(config).await.unwrap();
        let truth = tenant.truth_as(&beta());
        for table in Table::ALL {
            let rows = lcw_tests::expected(&truth, table).len();
            assert!(rows > 0, "nothing would be shown of {}", table.name());
        }
        for mut office in Office::of_each_format() {
            wanting_everything(&mut office);
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            office.assert_holds(&tenant, &truth);
            assert_eq!(summary.proof.unproven, 0, "subjects settle every count");
            for table in Table::ALL {
                let rows = office.facts(&tenant, table).len() as u64;
                let told = &summary.tables[table.name()];
                assert_eq!(
                    (told.rows_total, told.rows_new),
                    (rows, rows),
                    "{}",
                    table.name()
                );
            }
        }
    }
}

#[tokio::test]
async fn nothing_new_costs_nothing_but_the_listings_whatever_the_tables() {
    for mut office in Office::of_each_format() {
        let mut config = lcw_tests::quiet(4, 8);
        config.reprocessed_runs = ReprocessedRuns::Readable;
        let tenant = Simulator::start(config).await.unwrap();
        wanting_everything(&mut office);
        let first = office.export(&tenant).await;
        assert_eq!(first.exit_code, 0, "{first:#?}");
        let (pages, files) = (listings(&tenant), data_files(office.out()));
        for _ in 0..2 {
            tenant.reset_requests();
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            assert_eq!(asked(&tenant), pages);
            assert_eq!(data_files(office.out()), files);
        }
    }
}

#[tokio::test]
async fn every_table_grows_with_the_tenant_and_loses_nothing() {
    for mut office in Office::of_each_format() {
        let mut config = lcw_tests::brief(6, 5);
        config.reprocessed_runs = ReprocessedRuns::Readable;
        let tenant = Simulator::start(config).await.unwrap();
        wanting_everything(&mut office);
        let mut archive = Archive::default();
        for days in [0, 1, 3, 9, 1] {
            tenant.advance(DAY * days);
            if days == 3 {
                let workflow = tenant.workflow_ids()[1].clone();
                tenant.rename_workflow(&workflow, "Another name");
            }
            let truth = tenant.truth_as(&beta());
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            archive.observe(&truth);
            office.assert_keeps(&tenant, &archive);
        }
    }
}

#[tokio::test]
async fn a_table_that_is_added_later_is_read_for_every_run_and_no_other_is_read_again() {
    for (table, endpoint) in [
        (Table::TaskProcessingResults, Endpoint::TaskResults),
        (Table::TaskReports, Endpoint::TaskReports),
        (Table::SubjectProcessingResults, Endpoint::SubjectResults),
        (Table::ReprocessedRuns, Endpoint::ReprocessedRuns),
    ] {
        for mut office in Office::of_each_format() {
            let mut config = lcw_tests::quiet(7, 9);
            config.outcomes.non_users = 0.2;
            config.reprocessed_runs = ReprocessedRuns::Readable;
            let tenant = Simulator::start(config).await.unwrap();
            office.client.api_version = ApiVersion::Beta;
            office.request.lookback = DAY;
            office.request.tables = vec![Table::Runs];
            office.export(&tenant).await;
            assert_eq!(tenant.count(endpoint), 0);

            office.request.tables = vec![table];
            tenant.reset_requests();
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            office.assert_holds(&tenant, &tenant.truth_as(&beta()));
            assert!(tenant.count(endpoint) > 0);
            assert_eq!(tenant.count(Endpoint::RunResults), 0);
            tenant.reset_requests();
            let summary = office.export(&tenant).await;
            assert_eq!((summary.exit_code, tenant.count(endpoint)), (0, 0));
        }
    }
}

#[tokio::test]
async fn a_table_whose_files_somebody_took_away_is_read_again() {
    for table in Table::ALL {
        for mut office in Office::of_each_format() {
            let mut config = lcw_tests::quiet(8, 5);
            config.outcomes.non_users = 0.2;
            config.reprocessed_runs = ReprocessedRuns::Readable;
            let tenant = Simulator::start(config).await.unwrap();
            wanting_everything(&mut office);
            assert_eq!(office.export(&tenant).await.exit_code, 0);
            std::fs::remove_dir_all(office.out().join(table.name())).unwrap();
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{}: {summary:#?}", table.name());
            office.assert_holds(&tenant, &tenant.truth_as(&beta()));
        }
    }
}
