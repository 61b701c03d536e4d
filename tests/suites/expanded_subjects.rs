//! Results with their subjects: the people behind them, as far as the service shows them.

use lcw_pipeline::status;
use lcw_simulator::{
    DeletedSubject, Endpoint, Expand, Reading, Simulator, TenantConfig, Truth, roles,
};
use lcw_tests::{
    Asked, CORE, Facts, Office, assert_same, compact, expected, first_pages_of_results, option,
};
use lcw_transform::Table;

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
            for page in first_pages_of_results(&tenant) {
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
        for page in first_pages_of_results(&tenant) {
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
