//! Values that the tables cannot hold because a property has another type: the export ends, or sets
//! their rows aside, as the user likes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use lcw_pipeline::{OnDrift, Summary, status};
use lcw_simulator::{Endpoint, IdStyle, Paging, Simulator, TenantConfig, Truth};
use lcw_tests::{Archive, CORE, Office, assert_same, brief, expected, mend, mistype, quiet};
use lcw_transform::Table;
use serde_json::{Value, json};

const DAY: Duration = Duration::from_hours(24);

/// Pages that hold everything, and ids that end in the user's.
fn plain(mut config: TenantConfig) -> TenantConfig {
    config.paging = Paging::plain(100);
    config.ids = IdStyle::Composite;
    config
}

/// Somewhere, a property with a value that its column cannot hold.
#[derive(Debug, Clone, Copy)]
struct Case {
    table: Table,
    endpoint: Endpoint,
    property: &'static str,
    json: &'static str,
    /// How an error shows the value.
    shown: &'static str,
}

const fn case(
    table: Table,
    endpoint: Endpoint,
    property: &'static str,
    json: &'static str,
    shown: &'static str,
) -> Case {
    Case {
        table,
        endpoint,
        property,
        json,
        shown,
    }
}

const CASES: [Case; 12] = {
    use Endpoint as At;
    use Table as In;
    [
        case(
            In::UserProcessingResults,
            At::RunResults,
            "totalTasksCount",
            "\"two\"",
            "two",
        ),
        case(
            In::UserProcessingResults,
            At::RunResults,
            "scheduledDateTime",
            "soon",
            "soon",
        ),
        case(
            In::TaskProcessingResults,
            At::TaskResults,
            "failureReason",
            "[418]",
            "array",
        ),
        case(
            In::TaskProcessingResults,
            At::TaskResults,
            "createdDateTime",
            "lately",
            "lately",
        ),
        case(In::Runs, At::Runs, "totalUsersCount", "\"many\"", "many"),
        case(In::Runs, At::Runs, "startedDateTime", "at noon", "at noon"),
        case(
            In::Workflows,
            At::Workflows,
            "version",
            "\"latest\"",
            "latest",
        ),
        case(
            In::TaskReports,
            At::TaskReports,
            "failedUsersCount",
            "0.5",
            "0.5",
        ),
        case(
            In::WorkflowVersions,
            At::Versions,
            "isEnabled",
            "\"yes\"",
            "yes",
        ),
        case(
            In::WorkflowVersions,
            At::Version,
            "lastModifiedDateTime",
            "now",
            "now",
        ),
        case(
            In::Tasks,
            At::Tasks,
            "executionSequence",
            "\"first\"",
            "first",
        ),
        case(
            In::TaskDefinitions,
            At::TaskDefinitions,
            "version",
            "\"v1\"",
            "v1",
        ),
    ]
};

impl Case {
    fn begin(self, tenant: &Simulator) {
        mistype(tenant, self.endpoint, self.property, self.json);
    }

    fn value(self) -> Value {
        serde_json::from_str(self.json).unwrap_or_else(|_| json!(self.json))
    }
}

/// One exporter per format that exports this table, too, and does so about drift.
fn offices(table: Table, on_drift: OnDrift) -> [Office; 2] {
    Office::of_each_format().map(|mut office| {
        office.request.tables = [&CORE[..], &[table]].concat();
        office.request.on_drift = on_drift;
        office.request.lookback = 2 * DAY;
        office
    })
}

/// No id of a person is anywhere in the summary.
fn assert_names_nobody(summary: &Summary, truth: &Truth) {
    let told = format!("{summary:?}");
    for result in &truth.results {
        if let Some(subject) = result.value["subject"]["id"].as_str() {
            assert!(!told.contains(subject), "{summary:#?}");
        }
    }
}

fn assert_names(summary: &Summary, case: Case) {
    assert_eq!(summary.exit_code, 1, "{case:?}: {summary:#?}");
    let message = &summary.error.as_ref().unwrap().message;
    for word in [case.table.name(), case.property, case.shown] {
        assert!(message.contains(word), "{word} in: {message}");
    }
}

#[tokio::test]
async fn a_changed_type_ends_the_export_which_keeps_what_was_there() {
    for case in CASES {
        if (case.table, case.property) == (Table::Runs, "startedDateTime") {
            // Runs that are known and settled are not read to their last property.
            continue;
        }
        for mut office in offices(case.table, OnDrift::Fail) {
            let tenant = Simulator::start(plain(brief(143, 3))).await.unwrap();
            assert_eq!(office.export(&tenant).await.exit_code, 0);
            let mut archive = Archive::of(&tenant.truth());
            tenant.advance(DAY);
            let renamed = tenant.workflow_ids()[0].clone();
            tenant.rename_workflow(&renamed, "Renamed");
            case.begin(&tenant);
            let truth = tenant.truth();
            let summary = office.export(&tenant).await;
            assert_names(&summary, case);
            assert_names_nobody(&summary, &truth);
            for table in office.request.wanted_tables() {
                // Workflows come before the days and may be newer.
                if table != Table::Workflows && table != case.table {
                    continue;
                }
                let stored = office.facts(&tenant, table);
                let before = archive.rows(table);
                assert!(before.keys().all(|key| stored.contains_key(key)));
            }
            mend(&tenant);
            let truth = tenant.truth();
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{case:?}: {summary:#?}");
            archive.observe(&truth);
            office.assert_keeps(&tenant, &archive);
            assert!(!office.out().join("_quarantine").exists());
        }
    }
}

#[tokio::test]
async fn days_before_the_changed_type_stay() {
    for case in CASES {
        if !matches!(case.endpoint, Endpoint::RunResults | Endpoint::TaskResults) {
            continue;
        }
        for mut office in offices(case.table, OnDrift::Fail) {
            let tenant = Arc::new(Simulator::start(plain(brief(144, 9))).await.unwrap());
            let weak = Arc::downgrade(&tenant);
            tenant.before(case.endpoint, 20, move || {
                case.begin(&weak.upgrade().unwrap());
            });
            let summary = office.export(&tenant).await;
            assert_names(&summary, case);
            assert_names_nobody(&summary, &tenant.truth());
            assert!(office.assert_holds_the_oldest_days(&tenant, &tenant.truth()) > 0);
            mend(&tenant);
            office.assert_completes(&tenant).await;
        }
    }
}

#[tokio::test]
async fn rows_with_a_changed_type_are_set_aside_and_come_once_the_service_is_mended() {
    for case in CASES {
        for mut office in offices(case.table, OnDrift::Quarantine) {
            let mut config = plain(quiet(145, 10));
            config.deleted_people = 0.0;
            let tenant = Simulator::start(config).await.unwrap();
            case.begin(&tenant);
            let truth = tenant.truth();
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 4, "{case:?}: {summary:#?}");
            assert_names_nobody(&summary, &truth);
            let lines = quarantined(&office, &summary, case);
            assert_are_as_sent(&lines, &truth, case);
            assert_only_those_are_missing(&office, &tenant, &truth, &lines, case);
            assert_is_counted(&office, &summary, case, lines.len());

            mend(&tenant);
            tenant.advance(Duration::from_mins(1));
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{case:?}: {summary:#?}");
            assert!(summary.quarantined.is_empty() && summary.not_covered.is_empty());
            office.assert_holds(&tenant, &tenant.truth());
            assert!(office.out().join("_quarantine").exists(), "for people");
        }
    }
}

/// The lines that an export has set aside, all of one table.
fn quarantined(office: &Office, summary: &Summary, case: Case) -> Vec<Value> {
    let folder = office.out().join("_quarantine").join(&summary.export_id);
    let files = std::fs::read_dir(&folder).unwrap();
    let names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    let name = format!("{}.ndjson", case.table.name());
    assert_eq!(names, [&*name], "{case:?}");
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The key of a quarantined row in its table.
fn key(line: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let row = &line["row"];
    let number = || {
        row["versionNumber"]
            .as_i64()
            .map(|number| number.to_string())
    };
    let id = text(&row["id"]).or_else(number).unwrap();
    let workflow = text(&line["workflow_id"]).filter(|id| !id.is_empty());
    let run = text(&line["run_id"]).or_else(|| text(&row["runId"]));
    [workflow, run, Some(id)].into_iter().flatten().collect()
}

/// Every line is one of the true rows but for the changed property, and none comes twice.
fn assert_are_as_sent(lines: &[Value], truth: &Truth, case: Case) {
    assert!(!lines.is_empty(), "{case:?}");
    let keys: BTreeSet<_> = lines.iter().map(key).collect();
    assert_eq!(keys.len(), lines.len(), "{case:?}: {lines:#?}");
    let rows = expected(truth, case.table);
    for line in lines {
        assert_eq!(line["table"], case.table.name());
        let problem = line["problem"].as_str().unwrap();
        for word in [case.table.name(), case.property, case.shown] {
            assert!(problem.contains(word), "{word} in: {problem}");
        }
        assert_eq!(line["row"][case.property], case.value(), "{line:#}");
        let row = &rows[&key(line)];
        if !line["row"]["processingStatus"].is_null() {
            assert_eq!(line["row"]["processingStatus"], row["processing_status"]);
        }
    }
}

/// Every other row is there and true; what is below a run or workflow that was set aside is not.
fn assert_only_those_are_missing(
    office: &Office,
    tenant: &Simulator,
    truth: &Truth,
    lines: &[Value],
    case: Case,
) {
    let mut gone: BTreeSet<_> = lines.iter().map(key).collect();
    let endpoints = [Endpoint::Runs, Endpoint::TaskResults, Endpoint::TaskReports];
    if endpoints.contains(&case.endpoint) {
        // Too few came, so they were asked for in other ways: there, other rows are in their places.
        let stored = office.facts(tenant, case.table);
        gone.retain(|key| !stored.contains_key(key));
        assert!(!gone.is_empty());
    }
    for table in office.request.wanted_tables() {
        let mut rows = expected(truth, table);
        let stored = office.facts(tenant, table);
        rows.retain(|key, _| match case.table {
            Table::Workflows => !gone.contains(&key[..1]),
            Table::Runs => !gone.contains(&key[..2.min(key.len())]),
            set_aside => table != set_aside || !gone.contains(key),
        });
        let what = format!("{} after {case:?}", table.name());
        assert_same(&what, &stored, &rows);
    }
}

/// Summary, manifest and status say how many there were, and that they are missing.
fn assert_is_counted(office: &Office, summary: &Summary, case: Case, lines: usize) {
    let name = case.table.name();
    let counts = json!({ name: lines });
    assert_eq!(json!(summary.quarantined), counts, "{case:?}");
    let manifest = office.out().join(&summary.manifest.as_ref().unwrap().path);
    let manifest: Value = serde_json::from_slice(&std::fs::read(manifest).unwrap()).unwrap();
    assert_eq!(manifest["quarantined"], counts, "{case:?}");
    let partial: Vec<_> = summary
        .not_covered
        .iter()
        .filter(|it| it.is_partial)
        .collect();
    let [missing] = &partial[..] else {
        panic!("{partial:#?}");
    };
    assert_eq!(missing.table.as_deref(), Some(name));
    assert_eq!(json!(missing.cause), "quarantine");
    assert!(missing.remedy.as_ref().unwrap().contains("_quarantine"));
    let told = &status(office.out()).unwrap().tenants[0].not_covered;
    assert!(told.contains(missing));
}
