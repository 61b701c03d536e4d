//! What users may ask of the user processing results: select, filter and orderby.

use std::collections::BTreeMap;

use lcw_extractor::query::ResultQuery;
use lcw_pipeline::{Summary, status};
use lcw_simulator::Simulator;
use lcw_tests::{
    Asked, Office, asked, brief, compact, contents, first_pages_of_results, listings, option,
    quiet, rows,
};
use lcw_transform::Table;
use serde_json::Value;

/// The rows of a table in the order of its files, without what each export says of itself.
fn as_stored(office: &Office, tenant: &Simulator, table: Table) -> Vec<BTreeMap<String, Value>> {
    let format = office.request.format;
    let mut rows = rows(office.out(), format, tenant.tenant_id(), table, false);
    for row in &mut rows {
        row.remove("_lcw_export_id");
        row.remove("_lcw_extracted_at");
        row.remove("_lcw_first_extracted_at");
    }
    rows
}

#[tokio::test]
async fn properties_that_are_not_selected_are_null_and_what_comes_unasked_stays() {
    for (select, kept) in [
        (
            "processingStatus,scheduledDateTime,completedDateTime",
            &["processingStatus", "scheduledDateTime", "completedDateTime"][..],
        ),
        ("startedDateTime", &["startedDateTime"][..]),
        ("subject, workflowVersion", &["workflowVersion"][..]),
    ] {
        for mut office in Office::of_each_format() {
            let tenant = Simulator::start(compact(81)).await.unwrap();
            office.request.query = Asked {
                select: Some(select),
                ..Asked::default()
            }
            .query();
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            let mut truth = tenant.truth();
            for result in &mut truth.results {
                let properties = result.value.as_object_mut().unwrap();
                properties.retain(|name, _| {
                    ["id", "subject"].contains(&&**name) || kept.contains(&&**name)
                });
            }
            office.assert_holds(&tenant, &truth);
            office.assert_markers(&tenant, &truth);
            let stored = office.facts(&tenant, Table::UserProcessingResults);
            let filled = |column: &str| stored.values().any(|row| !row[column].is_null());
            assert!(filled("subject_id"));
            assert_eq!(filled("total_ms"), kept.len() == 3);
            assert!(!filled("queue_ms") && !filled("processing_ms") && !filled("_lcw_extra"));
            for page in first_pages_of_results(&tenant) {
                let sent = option(&page, "$select").unwrap();
                assert!(sent.split(',').any(|name| name == "id"), "{sent}");
                assert!(kept.iter().all(|name| sent.contains(name)), "{sent}");
            }
            assert_eq!(
                status(office.out()).unwrap().select,
                option(&first_pages_of_results(&tenant)[0], "$select")
            );
        }
    }
}

type Satisfies = fn(&Value) -> bool;

fn filters() -> [(&'static str, Satisfies); 5] {
    [
        ("processingStatus eq 'failed'", |it| {
            it["processingStatus"] == "failed"
        }),
        (
            "processingStatus eq 'failed' or workflowExecutionType ne 'scheduled'",
            |it| it["processingStatus"] == "failed" || it["workflowExecutionType"] != "scheduled",
        ),
        ("startedDateTime eq null", |it| {
            it["startedDateTime"].is_null()
        }),
        (
            "completedDateTime ge 2026-11-20T00:00:00Z and (processingStatus eq 'completed')",
            |it| {
                it["processingStatus"] == "completed"
                    && it["completedDateTime"].as_str() >= Some("2026-11-20")
            },
        ),
        ("processingStatus eq 'quarantined'", |it| {
            it["processingStatus"] == "quarantined"
        }),
    ]
}

#[tokio::test]
async fn a_filter_brings_exactly_its_rows_and_proves_nothing() {
    for (filter, satisfies) in filters() {
        for mut office in Office::of_each_format() {
            let tenant = Simulator::start(brief(82, 12)).await.unwrap();
            office.request.query = Asked {
                filter: Some(filter),
                ..Asked::default()
            }
            .query();
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{filter}: {summary:#?}");
            let mut truth = tenant.truth();
            let all = truth.results.len();
            truth.results.retain(|result| satisfies(&result.value));
            assert!(truth.results.len() < all, "{filter} leaves nothing out");
            if !filter.contains("quarantined") {
                assert!(!truth.results.is_empty(), "{filter} leaves everything out");
            }
            office.assert_holds(&tenant, &truth);
            assert_says_it_is_filtered(&office, &tenant, &summary, filter);
            assert_filter_was_sent(&tenant, filter);
        }
    }
}

fn assert_says_it_is_filtered(
    office: &Office,
    tenant: &Simulator,
    summary: &Summary,
    filter: &str,
) {
    assert!(summary.proof.filtered);
    let proof = &summary.proof;
    assert_eq!((proof.matched, proof.short, proof.over), (0, 0, 0));
    assert!(proof.short_runs.is_empty());
    let warned = summary.warnings.iter().any(|it| it.contains("filtered"));
    assert!(warned, "{:?}", summary.warnings);
    let normal = Asked {
        filter: Some(filter),
        ..Asked::default()
    };
    let normal = normal.query().filter.unwrap().to_string();
    assert_eq!(status(office.out()).unwrap().filter, Some(normal));
    for (key, run) in office.facts(tenant, Table::Runs) {
        // That a run is not over yet has nothing to do with the number of its rows.
        let is_open = run["_lcw_proof"] == "open" && run["completed_date_time"].is_null();
        assert!(is_open || run["_lcw_proof"].is_null(), "{key:?}: {run:?}");
    }
}

fn assert_filter_was_sent(tenant: &Simulator, filter: &str) {
    let normal = Asked {
        filter: Some(filter),
        ..Asked::default()
    };
    let normal = normal.query().filter.unwrap();
    let alone = format!("({normal})");
    let ways = ["scheduledDateTime", "startedDateTime"];
    let begins = ways.map(|date| format!("{alone} and {date} ge 2026-"));
    let pages = first_pages_of_results(tenant);
    let sent: Vec<_> = pages
        .iter()
        .map(|page| option(page, "$filter").unwrap())
        .collect();
    for sent in &sent {
        // Nothing counts the rows: those of older runs are asked for in every way.
        let is_dated = begins.iter().any(|begins| sent.starts_with(begins));
        assert!(*sent == alone || is_dated, "{sent}");
    }
    let in_way = |begins: &str| sent.iter().filter(|sent| sent.starts_with(begins)).count();
    let undated = sent.iter().filter(|sent| **sent == alone).count();
    // The first way goes to every run, the others to the old ones alike.
    assert!(in_way(&begins[0]) >= in_way(&begins[1]));
    assert_eq!(in_way(&begins[1]), undated);
}

#[tokio::test]
async fn a_filtered_dataset_with_nothing_new_asks_for_nothing_but_the_listings() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(quiet(83, 6)).await.unwrap();
        office.request.query = Asked {
            filter: Some("processingStatus eq 'failed'"),
            ..Asked::default()
        }
        .query();
        office.export(&tenant).await;
        let pages = listings(&tenant);
        let files = lcw_tests::data_files(office.out());
        tenant.reset_requests();
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert_eq!(asked(&tenant), pages);
        assert_eq!(lcw_tests::data_files(office.out()), files);
        assert!(summary.proof.filtered && !summary.warnings.is_empty());
    }
}

#[tokio::test]
async fn an_order_is_sent_and_changes_nothing_in_the_files() {
    for orderby in ["completedDateTime desc,id", "processingStatus"] {
        for mut office in Office::of_each_format() {
            let tenant = Simulator::start(compact(84)).await.unwrap();
            office.export(&tenant).await;
            tenant.reset_requests();
            let mut ordered = Office::new(office.request.format);
            ordered.request.query = Asked {
                orderby: Some(orderby),
                ..Asked::default()
            }
            .query();
            let summary = ordered.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            for page in first_pages_of_results(&tenant) {
                assert_eq!(option(&page, "$orderby").as_deref(), Some(orderby));
            }
            ordered.assert_holds(&tenant, &tenant.truth());
            for table in [Table::Runs, Table::UserProcessingResults] {
                let stored = as_stored(&ordered, &tenant, table);
                assert_eq!(stored, as_stored(&office, &tenant, table));
                let key = |row: &BTreeMap<String, Value>| {
                    let names = ["run_date", "workflow_id", "run_id", "id"];
                    names.map(|name| row.get(name).map(ToString::to_string))
                };
                assert!(stored.is_sorted_by_key(key), "{}", table.name());
            }
            // The dataset is not bound to the order that filled it.
            ordered.request.query = ResultQuery::default();
            assert_eq!(ordered.export(&tenant).await.exit_code, 0);
        }
    }
}

#[tokio::test]
async fn another_query_is_another_dataset() {
    let first = Asked {
        select: Some("processingStatus"),
        filter: Some("processingStatus eq 'failed'"),
        orderby: None,
        expand: Some("subject"),
    };
    let others = [
        (
            "select",
            Asked {
                select: None,
                ..first
            },
        ),
        (
            "select",
            Asked {
                select: Some("workflowVersion"),
                ..first
            },
        ),
        (
            "filter",
            Asked {
                filter: None,
                ..first
            },
        ),
        (
            "filter",
            Asked {
                filter: Some("processingStatus ne 'failed'"),
                ..first
            },
        ),
        (
            "expand",
            Asked {
                expand: None,
                ..first
            },
        ),
    ];
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(quiet(90, 2)).await.unwrap();
        office.request.query = first.query();
        assert_eq!(office.export(&tenant).await.exit_code, 0);
        let before = untouched(&office);
        for (what, other) in &others {
            office.request.query = other.query();
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 2, "{what}: {summary:#?}");
            let message = summary.error.unwrap().message;
            assert!(message.contains(what), "{message}");
            assert_eq!(untouched(&office), before, "{what}");
        }
        // The same query in other words, in another order.
        office.request.query = Asked {
            select: Some("ID, ProcessingStatus"),
            filter: Some("(processingstatus  EQ 'Failed')"),
            orderby: Some("id desc"),
            expand: Some(" Subject "),
        }
        .query();
        assert_eq!(office.export(&tenant).await.exit_code, 0);
    }
}

/// Everything in the dataset's folder but who has the lock.
fn untouched(office: &Office) -> BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut files = contents(office.out());
    files.retain(|path, _| !path.ends_with("_lock") && !path.ends_with("_lock.json"));
    files
}
