//! What the service adds to its contract: properties and statuses that nobody has documented.

use lcw_extractor::ApiVersion;
use lcw_pipeline::{DriftEntry, Summary, status};
use lcw_simulator::{
    ProcessingStatus, Reading, ReprocessedRuns, ResultChange, RunChange, Simulator, TaskChange,
};
use lcw_tests::{CORE, Facts, Office, expected, quiet};
use lcw_transform::Table;
use serde_json::Value;

fn entry(table: Table, property: &str, value: Option<&str>) -> DriftEntry {
    DriftEntry {
        table: table.name().to_owned(),
        property: property.to_owned(),
        value: value.map(str::to_owned),
    }
}

fn assert_drift(office: &Office, summary: &Summary, expected: &[DriftEntry]) {
    assert_eq!(summary.drift, expected);
    let told = &status(office.out()).unwrap().tenants[0].drift;
    assert_eq!(*told, serde_json::to_value(expected).unwrap());
}

#[tokio::test]
async fn an_unknown_property_is_kept_and_listed_for_each_table() {
    for mut office in Office::of_each_format() {
        let mut config = lcw_tests::provable(141);
        config.outcomes.non_users = 0.2;
        config.reprocessed_runs = ReprocessedRuns::Readable;
        config.answers.unknown_property = Some("shoeSize".to_owned());
        let tenant = Simulator::start(config).await.unwrap();
        office.request.tables = Table::ALL.to_vec();
        office.client.api_version = ApiVersion::Beta;
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        let truth = tenant.truth_as(&Reading {
            beta: true,
            ..Reading::default()
        });
        office.assert_holds(&tenant, &truth);
        let news: Vec<_> = Table::ALL
            .into_iter()
            .filter(|table| has_news(&expected(&truth, *table)))
            .map(|table| entry(table, "shoeSize", None))
            .collect();
        assert!(news.len() >= 9, "{news:?}");
        assert_drift(&office, &summary, &news);
        // Whoever reads nothing sees nothing new.
        for table in Table::ALL {
            let stored = office.facts(&tenant, table);
            assert_eq!(has_news(&stored), has_news(&expected(&truth, table)));
        }
    }
}

fn has_news(rows: &Facts) -> bool {
    let is_news = |extra: &Value| extra.get("shoeSize").is_some();
    rows.values().any(|row| is_news(&row["_lcw_extra"]))
}

#[tokio::test]
async fn an_unknown_status_is_kept_and_listed() {
    for mut office in Office::of_each_format() {
        let mut config = quiet(142, 3);
        config.answers.unknown_property = None;
        let tenant = Simulator::start(config).await.unwrap();
        office.request.tables = [&CORE[..], &[Table::TaskProcessingResults]].concat();
        let truth = tenant.truth();
        let of_run = |result: &&lcw_simulator::TrueResult| {
            let run = truth.runs.iter().find(|run| run.id == result.run_id);
            run.is_some_and(|run| office.is_settled(&tenant, run))
        };
        let run = truth.results.iter().find(of_run).unwrap().run_id.clone();
        let task = TaskChange {
            status: Some(ProcessingStatus::Other("postponed")),
            ..TaskChange::default()
        };
        tenant.change_task_result(&run, 0, 1, task);
        let result = ResultChange {
            status: Some(ProcessingStatus::Other("onHold")),
            ..ResultChange::default()
        };
        let change = RunChange {
            outcome: Some(ProcessingStatus::Other("paused")),
            results: vec![(0, result)],
            ..RunChange::default()
        };
        tenant.change_run(&run, &change);
        let truth = tenant.truth();
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        office.assert_holds(&tenant, &truth);
        let with = |table: Table, status: &str| {
            let rows = office.facts(&tenant, table).into_values();
            let with = rows.filter(|row| row["processing_status"] == status);
            with.count()
        };
        for (table, status) in [
            (Table::Runs, "paused"),
            (Table::UserProcessingResults, "onHold"),
            (Table::TaskProcessingResults, "postponed"),
        ] {
            assert_eq!(with(table, status), 1, "{status}");
        }
        let news = [
            entry(Table::Runs, "processingStatus", Some("paused")),
            entry(
                Table::UserProcessingResults,
                "processingStatus",
                Some("onHold"),
            ),
            entry(
                Table::TaskProcessingResults,
                "processingStatus",
                Some("postponed"),
            ),
        ];
        assert_drift(&office, &summary, &news);
    }
}
