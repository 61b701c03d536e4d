//! Tables and tenants that join a dataset later.

use std::time::Duration;

use lcw_simulator::{Endpoint, RunChange, Simulator};
use lcw_tests::{Archive, Office, brief, quiet, runs_read};
use lcw_transform::Table;
use serde_json::Value;

const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn results_added_to_a_dataset_of_runs_are_fetched_for_every_run_the_service_has() {
    for (seed, mut office) in (2..).zip(Office::of_each_format()) {
        for lookback in [30, 1] {
            office = Office::new(office.request.format);
            office.request.lookback = lookback * DAY;
            office.request.tables = vec![Table::Workflows, Table::Runs];
            let tenant = Simulator::start(quiet(seed, 8)).await.unwrap();
            for _ in 0..2 {
                let summary = office.export(&tenant).await;
                assert_eq!(summary.exit_code, 0, "{summary:#?}");
                assert_eq!(summary.runs.fetched, 0);
                office.assert_holds(&tenant, &tenant.truth());
                tenant.advance(DAY);
            }
            assert_eq!(tenant.count(Endpoint::RunResults), 0);
            for row in office.facts(&tenant, Table::Runs).values() {
                let is_empty = row["total_users_count"] == 0;
                let no_row = row["_lcw_result_rows"].is_null() && row["_lcw_proof"].is_null();
                assert!(is_empty || no_row, "{row:?}");
            }

            office.request.tables = lcw_tests::CORE.to_vec();
            let truth = tenant.truth();
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            office.assert_holds(&tenant, &truth);
            office.assert_markers(&tenant, &truth);
            let with_users = truth
                .runs
                .iter()
                .filter(|run| run.value["totalUsersCount"] != 0);
            assert_eq!(summary.runs.fetched, with_users.count() as u64);
            let summary = office.export(&tenant).await;
            assert_eq!((summary.exit_code, summary.runs.fetched), (0, 0));
        }
    }
}

#[tokio::test]
async fn a_run_that_changed_while_its_results_were_not_asked_for_is_read_later() {
    for mut office in Office::of_each_format() {
        office.request.lookback = 2 * DAY;
        let tenant = Simulator::start(brief(5, 3)).await.unwrap();
        office.export(&tenant).await;
        let truth = tenant.truth();
        let mut archive = Archive::of(&truth);
        let changed = truth
            .results
            .iter()
            .map(|result| &result.run_id)
            .filter(|id| tenant_run_is_settled(&office, &tenant, id))
            .max_by_key(|id| scheduled(&truth, id))
            .unwrap();

        // Runs only, with a change among them.
        office.request.tables = vec![Table::Runs];
        let change = RunChange {
            add_users: 2,
            ..RunChange::default()
        };
        tenant.change_run(changed, &change);
        tenant.advance(DAY);
        let summary = office.export(&tenant).await;
        assert_eq!((summary.exit_code, summary.runs.fetched), (0, 0));
        let stored = office.facts(&tenant, Table::Runs);
        let row = stored.values().find(|row| row["id"] == **changed).unwrap();
        assert_eq!(row["_lcw_result_rows"], Value::Null);

        // Everything again, long after.
        office.request.tables = lcw_tests::CORE.to_vec();
        tenant.advance(8 * DAY);
        tenant.reset_requests();
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert!(runs_read(&tenant).contains(changed));
        archive.observe(&tenant.truth());
        office.assert_keeps(&tenant, &archive);
        office.assert_markers(&tenant, &tenant.truth());
    }
}

#[tokio::test]
async fn two_tenants_share_a_dataset_and_nothing_else() {
    for mut office in Office::of_each_format() {
        office.request.lookback = 2 * DAY;
        let tenants = [
            Simulator::start(brief(1, 3)).await.unwrap(),
            Simulator::start(quiet(2, 2)).await.unwrap(),
        ];
        let mut archives = [Archive::default(), Archive::default()];
        for (round, &waits) in [[0, 0], [1, 9], [12, 1]].iter().enumerate() {
            for ((tenant, archive), wait) in tenants.iter().zip(&mut archives).zip(waits) {
                tenant.advance(wait * DAY);
                let summary = office.export(tenant).await;
                assert_eq!(summary.exit_code, 0, "{round}: {summary:#?}");
                archive.observe(&tenant.truth());
                let rows = archive.rows(Table::Runs).len() as u64;
                assert_eq!(summary.tables["runs"].rows_total, rows);
            }
            for (tenant, archive) in tenants.iter().zip(&archives) {
                office.assert_keeps(tenant, archive);
            }
        }
        let status = lcw_pipeline::status(office.out()).unwrap();
        assert_eq!(status.tenants.len(), 2);
    }
}

fn tenant_run_is_settled(office: &Office, tenant: &Simulator, id: &str) -> bool {
    let truth = tenant.truth();
    let run = truth.runs.iter().find(|run| run.id == id);
    run.is_some_and(|run| office.is_settled(tenant, run))
}

fn scheduled<'a>(truth: &'a lcw_simulator::Truth, id: &str) -> Option<&'a str> {
    let run = truth.runs.iter().find(|run| run.id == id)?;
    run.value["scheduledDateTime"].as_str()
}
