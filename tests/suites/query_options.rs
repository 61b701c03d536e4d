//! What users may ask of the user processing results: select, filter, orderby and expand.

use std::collections::BTreeMap;

use lcw_extractor::query::ResultQuery;
use lcw_pipeline::{Summary, status};
use lcw_simulator::{
    DeletedSubject, Endpoint, Expand, Reading, RequestRecord, Simulator, TenantConfig, Truth, roles,
};
use lcw_tests::{
    CORE, Facts, Office, asked, assert_same, brief, compact, contents, expected, listings, option,
    quiet, rows,
};
use lcw_transform::Table;
use serde_json::Value;

/// The properties of an expanded subject that have columns.
const OF_SUBJECT: [&str; 10] = [
    "id",
    "displayName",
    "userPrincipalName",
    "mail",
    "department",
    "jobTitle",
    "employeeId",
    "employeeHireDate",
    "employeeLeaveDateTime",
    "accountEnabled",
];

#[derive(Default)]
struct Asked<'a> {
    select: Option<&'a str>,
    filter: Option<&'a str>,
    orderby: Option<&'a str>,
    expand: Option<&'a str>,
}

impl Asked<'_> {
    fn query(&self) -> ResultQuery {
        ResultQuery::parse(self.select, self.filter, self.orderby, self.expand).unwrap()
    }
}

fn asking_to_expand(office: &mut Office) {
    office.request.query = Asked {
        expand: Some("subject"),
        ..Asked::default()
    }
    .query();
}

fn truth_with(tenant: &Simulator, expand: Expand) -> Truth {
    tenant.truth_as(&Reading {
        expand,
        ..Reading::default()
    })
}

/// What is true for somebody who asks for the subjects.
fn truth_of_subjects(tenant: &Simulator) -> Truth {
    let names = OF_SUBJECT.map(str::to_owned).to_vec();
    truth_with(tenant, Expand::SubjectSelecting(names))
}

/// The first pages of results that were asked for since the last reset.
fn first_pages(tenant: &Simulator) -> Vec<RequestRecord> {
    let mut records = tenant.requests();
    records.retain(|record| record.endpoint == Endpoint::RunResults && !record.is_next_page());
    assert!(!records.is_empty());
    records
}

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
            for page in first_pages(&tenant) {
                let sent = option(&page, "$select").unwrap();
                assert!(sent.split(',').any(|name| name == "id"), "{sent}");
                assert!(kept.iter().all(|name| sent.contains(name)), "{sent}");
            }
            assert_eq!(
                status(office.out()).unwrap().select,
                option(&first_pages(&tenant)[0], "$select")
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
    let begins = format!("({normal}) and scheduledDateTime ge 2026-");
    for page in first_pages(tenant) {
        let sent = option(&page, "$filter").unwrap();
        assert!(sent.starts_with(&begins), "{sent}");
    }
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
            for page in first_pages(&tenant) {
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
async fn expanded_subjects_fill_their_columns_and_deleted_people_do_not_disturb() {
    for deleted_subject in [DeletedSubject::IdOnly, DeletedSubject::Null] {
        for mut office in Office::of_each_format() {
            let tenant = with_people(85, deleted_subject).await;
            asking_to_expand(&mut office);
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            let truth = truth_of_subjects(&tenant);
            office.assert_holds(&tenant, &truth);
            office.assert_markers(&tenant, &truth);
            let stored = office.facts(&tenant, Table::UserProcessingResults);
            for name in OF_SUBJECT.map(column) {
                assert!(stored.values().any(|row| !row[&name].is_null()), "{name}");
            }
            let expand = format!("subject($select={})", OF_SUBJECT.join(","));
            for page in first_pages(&tenant) {
                assert_eq!(option(&page, "$expand").as_ref(), Some(&expand));
            }
            let expands = status(office.out()).unwrap().expand;
            assert_eq!(expands.as_deref(), Some("subject"));
        }
    }
}

/// A tenant some of whose people have been deleted.
async fn with_people(seed: u64, deleted_subject: DeletedSubject) -> Simulator {
    let config = TenantConfig {
        deleted_subject,
        deleted_people: 0.3,
        ..compact(seed)
    };
    Simulator::start(config).await.unwrap()
}

/// `displayName` → `subject_display_name`.
fn column(property: &str) -> String {
    let mut name = "subject_".to_owned();
    for letter in property.chars() {
        if letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

#[tokio::test]
async fn what_was_known_of_a_person_stays_when_the_run_is_read_again_after_the_deletion() {
    for deleted_subject in [DeletedSubject::IdOnly, DeletedSubject::Null] {
        for mut office in Office::of_each_format() {
            let tenant = with_people(86, deleted_subject).await;
            asking_to_expand(&mut office);
            office.export(&tenant).await;
            let before = truth_of_subjects(&tenant);
            tenant.update_config(|config| config.deleted_people = 0.9);
            let after = truth_of_subjects(&tenant);
            assert_ne!(before.results, after.results);

            tenant.reset_requests();
            let summary = office.backfill(&tenant, "2026-11-01T00:00:00Z", "2026-11-24T00:00:00Z");
            let summary = summary.await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            assert!(tenant.count(Endpoint::RunResults) > 0);
            office.assert_holds(&tenant, &before);
        }
    }
}

#[tokio::test]
async fn without_permission_to_read_users_the_rest_is_exported_and_the_permission_is_named() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(compact(87)).await.unwrap();
        tenant.update_config(|config| {
            config.access.roles.retain(|role| role != roles::USER);
        });
        asking_to_expand(&mut office);
        office.request.tables = [&CORE[..], &[Table::TaskProcessingResults]].concat();
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 4, "{summary:#?}");
        assert!(!summary.not_covered.is_empty());
        for left_out in &summary.not_covered {
            assert_eq!(left_out.table.as_deref(), Some("user_processing_results"));
            assert!(left_out.remedy.as_ref().unwrap().contains(roles::USER));
        }
        let truth = truth_of_subjects(&tenant);
        let stored = office.facts(&tenant, Table::UserProcessingResults);
        assert!(stored.is_empty());
        // Task results are asked for without subjects.
        let plain = tenant.truth();
        for table in [Table::Runs, Table::Workflows, Table::TaskProcessingResults] {
            let stored = office.facts(&tenant, table);
            assert_same(table.name(), &stored, &expected(&plain, table));
        }

        tenant.update_config(|config| config.access.roles.push(roles::USER.to_owned()));
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert_holds_results(&office, &tenant, &truth);
    }
}

fn assert_holds_results(office: &Office, tenant: &Simulator, truth: &Truth) {
    let table = Table::UserProcessingResults;
    let stored: Facts = office.facts(tenant, table);
    assert_same(table.name(), &stored, &expected(truth, table));
}

#[tokio::test]
async fn a_service_that_does_not_choose_properties_is_asked_for_its_default_ones() {
    for mut office in Office::of_each_format() {
        let mut config = compact(88);
        config.answers.nested_select = false;
        let tenant = Simulator::start(config).await.unwrap();
        asking_to_expand(&mut office);
        office.request.max_concurrency = 16;
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        let refused = tenant.counts()[&(Endpoint::RunResults, 400)];
        assert!((1..=16).contains(&refused), "{refused} of 16 workers");
        for page in first_pages(&tenant) {
            let plainly = option(&page, "$expand").as_deref() == Some("subject");
            assert_eq!(plainly, page.status == 200, "{page:?}");
        }
        let truth = truth_with(&tenant, Expand::Subject);
        office.assert_holds(&tenant, &truth);
        office.assert_markers(&tenant, &truth);
        let stored = office.facts(&tenant, Table::UserProcessingResults);
        let filled = |column: &str| stored.values().any(|row| !row[column].is_null());
        assert!(filled("subject_display_name") && filled("subject_job_title"));
        assert!(!filled("subject_department") && !filled("subject_account_enabled"));
    }
}

#[tokio::test]
async fn all_options_together_are_what_each_of_them_is() {
    for mut office in Office::of_each_format() {
        let tenant = with_people(89, DeletedSubject::IdOnly).await;
        office.request.query = Asked {
            select: Some("processingStatus"),
            filter: Some("processingStatus ne 'completed'"),
            orderby: Some("id desc"),
            expand: Some("subject"),
        }
        .query();
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        let mut truth = truth_of_subjects(&tenant);
        truth
            .results
            .retain(|result| result.value["processingStatus"] != "completed");
        for result in &mut truth.results {
            let properties = result.value.as_object_mut().unwrap();
            properties.retain(|name, _| ["id", "subject", "processingStatus"].contains(&&**name));
        }
        office.assert_holds(&tenant, &truth);
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
                ..first.copy()
            },
        ),
        (
            "select",
            Asked {
                select: Some("workflowVersion"),
                ..first.copy()
            },
        ),
        (
            "filter",
            Asked {
                filter: None,
                ..first.copy()
            },
        ),
        (
            "filter",
            Asked {
                filter: Some("processingStatus ne 'failed'"),
                ..first.copy()
            },
        ),
        (
            "expand",
            Asked {
                expand: None,
                ..first.copy()
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

impl<'a> Asked<'a> {
    fn copy(&self) -> Asked<'a> {
        Asked { ..*self }
    }
}

/// Everything in the dataset's folder but who has the lock.
fn untouched(office: &Office) -> BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut files = contents(office.out());
    files.retain(|path, _| !path.ends_with("_lock") && !path.ends_with("_lock.json"));
    files
}
