//! The tables of tables and permissions, in README and docs, tried line by line against the service.

use std::collections::BTreeSet;

use lcw_extractor::ApiVersion;
use lcw_extractor::permission::covers;
use lcw_extractor::query::ResultQuery;
use lcw_pipeline::{DeletedWorkflows, FileFormat, Summary};
use lcw_simulator::{Reading, ReprocessedRuns, Simulator, Truth, roles};
use lcw_tests::{Office, compact};
use lcw_transform::Table;

/// The pages that the tables are on.
const PAGES: &str = concat!(
    include_str!("../../README.md"),
    include_str!("../../docs/permissions.md")
);

/// Permission, application id, delegated id.
///
/// Source: `permissions/new/permissions.json` of microsoftgraph/microsoft-graph-devx-content, state of
/// 2026-08-07; `User.Read.All` from Microsoft's permissions reference.
const IDS: [[&str; 3]; 5] = [
    [
        "LifecycleWorkflows-Workflow.ReadBasic.All",
        "021ea6db-c06b-45c6-8c9c-c1cd9a37a483",
        "789c445d-433c-4575-a1fc-367a58a1bd4a",
    ],
    [
        "LifecycleWorkflows-Reports.Read.All",
        "fe615156-48b5-4c83-b613-e6e31a43c446",
        "4d3d7f81-163f-426a-8432-5638d2e82083",
    ],
    [
        "LifecycleWorkflows-Workflow.Read.All",
        "03b0ad3e-fc2b-4ef1-b0ff-252e865cb608",
        "7fabe5bd-2e47-4e61-b924-327117024e18",
    ],
    [
        "LifecycleWorkflows.Read.All",
        "7c67316a-232a-4b84-be22-cea2c0906404",
        "9bcb9916-765a-42af-bf77-02282e26b01a",
    ],
    [
        "User.Read.All",
        "df021288-bdef-4463-88db-98f22de89214",
        "a154be20-db9c-4678-8ab7-66f6cc099a59",
    ],
];

/// The rows of the table whose head has these first and last cells; cells without their backticks.
fn rows(first: &str, last: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| -> Option<Vec<String>> {
        let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
        let cell = |text: &str| text.trim().replace('`', "");
        Some(inner.split('|').map(cell).collect())
    };
    let mut lines = PAGES.lines();
    let is_head = |line: &str| {
        let cells = cells(line).unwrap_or_default();
        cells.first().is_some_and(|cell| cell == first)
            && cells.last().is_some_and(|cell| cell == last)
    };
    assert!(lines.any(is_head), "there is no table of {first}");
    lines.skip(1).map_while(cells).collect()
}

/// What the README says of one table.
struct Promise {
    table: Table,
    exported: String,
    permission: String,
}

fn promises() -> Vec<Promise> {
    let promise = |row: Vec<String>| {
        let [name, _, exported, permission] = row.try_into().unwrap();
        let mut known = Table::ALL.into_iter();
        let table = known.find(|table| table.name() == name);
        Promise {
            table: table.unwrap_or_else(|| panic!("there is no table {name}")),
            exported,
            permission,
        }
    };
    let rows = rows("table", "least permission").into_iter();
    rows.map(promise).collect()
}

/// What this table needs: its own permission, and those of the tables that always come.
fn granted(promises: &[Promise], of: &Promise) -> BTreeSet<String> {
    let needed = promises
        .iter()
        .filter(|it| it.table == of.table || it.exported == "always");
    needed.map(|it| it.permission.clone()).collect()
}

async fn tenant(seed: u64, of: &Promise, roles: &BTreeSet<String>) -> Simulator {
    let mut config = compact(seed);
    config.reprocessed_runs = ReprocessedRuns::Readable;
    // They count as users, and have no row in any other table.
    let has_subjects = of.table == Table::SubjectProcessingResults;
    config.outcomes.non_users = if has_subjects { 0.2 } else { 0.0 };
    let tenant = Simulator::start(config).await.unwrap();
    tenant.update_config(|config| config.access.roles = roles.iter().cloned().collect());
    tenant
}

/// What an application with these permissions is shown.
fn shown(tenant: &Simulator, roles: &BTreeSet<String>, reading: &Reading) -> Truth {
    let truth = tenant.truth_as(reading);
    if roles.iter().any(|role| covers(role, roles::WORKFLOW)) {
        return truth;
    }
    let mut truth = truth.without_deleted_history();
    truth.workflows.retain(|workflow| !workflow.deleted);
    truth
}

fn office(promise: &Promise) -> Office {
    let mut office = Office::new(FileFormat::Parquet);
    office.request.tables = vec![promise.table];
    if promise.exported.contains("--api-version beta") {
        office.client.api_version = ApiVersion::Beta;
    }
    office
}

/// Everything that the summary says of what is missing and what to do about it.
fn remedies(summary: &Summary) -> String {
    let error = summary
        .error
        .iter()
        .filter_map(|error| error.remedy.clone());
    let left_out = summary.not_covered.iter();
    let left_out = left_out.filter_map(|it| it.remedy.clone().filter(|_| it.is_partial));
    error.chain(left_out).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_table_has_one_line_and_says_when_it_is_exported() {
    let promises = promises();
    for table in Table::ALL {
        let name = table.name();
        let lines: Vec<_> = promises.iter().filter(|it| it.table == table).collect();
        let [promise] = &*lines else {
            panic!("{} lines about {name}", lines.len());
        };
        let expected = match table {
            Table::Workflows | Table::Runs => "always",
            _ if Table::DEFAULT.contains(&table) => "by default",
            _ => "if named",
        };
        assert!(promise.exported.starts_with(expected), "{name}");
    }
}

#[test]
fn the_ids_of_permissions_are_microsofts() {
    let rows = rows("permission of Microsoft Graph", "delegated id");
    assert_eq!(rows, IDS.map(|row| row.map(str::to_owned).to_vec()));
    for promise in promises() {
        let is_listed = rows.iter().any(|row| row[0] == promise.permission);
        assert!(is_listed, "no ids of {}", promise.permission);
    }
    // The examples use no other ids than these.
    for id in ["Role", "appRoleId"].iter().flat_map(|word| ids_near(word)) {
        assert!(rows.iter().any(|row| row[1] == id), "{id} is no app role");
    }
}

/// The ids in lines of code with this word.
fn ids_near(word: &str) -> Vec<&'static str> {
    let lines = PAGES.lines().filter(|line| line.contains(word));
    let words =
        lines.flat_map(|line| line.split(|it: char| !it.is_ascii_alphanumeric() && it != '-'));
    words
        .filter(|it| it.len() == 36 && it.matches('-').count() == 4)
        .collect()
}

#[tokio::test]
async fn the_named_permissions_are_enough_for_every_table() {
    let promises = promises();
    for (seed, promise) in (60..).zip(&promises) {
        let (name, roles) = (promise.table.name(), granted(&promises, promise));
        let tenant = tenant(seed, promise, &roles).await;
        let mut office = office(promise);
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{name} with {roles:?}: {summary:#?}");
        let reading = Reading {
            beta: office.client.api_version == ApiVersion::Beta,
            ..Reading::default()
        };
        office.assert_holds(&tenant, &shown(&tenant, &roles, &reading));
        assert!(
            !office.facts(&tenant, promise.table).is_empty(),
            "{name} is empty"
        );
    }
}

#[tokio::test]
async fn without_its_permission_a_table_is_refused_and_the_permission_named() {
    let promises = promises();
    for (seed, promise) in (80..).zip(&promises) {
        let mut roles = granted(&promises, promise);
        assert!(roles.remove(&promise.permission));
        let tenant = tenant(seed, promise, &roles).await;
        let summary = office(promise).export(&tenant).await;
        let (name, code) = match promise.table {
            Table::Workflows => ("workflows", 3),
            table => (table.name(), 4),
        };
        assert_eq!(
            summary.exit_code, code,
            "{name} with {roles:?}: {summary:#?}"
        );
        let said = remedies(&summary);
        assert!(said.contains(&promise.permission), "{name}: {said}");
    }
}

#[tokio::test]
async fn an_expanded_subject_needs_the_permission_to_read_users_besides() {
    let promises = promises();
    let is_results = |it: &&Promise| it.table == Table::UserProcessingResults;
    let promise = promises.iter().find(is_results).unwrap();
    let expand = |roles: BTreeSet<String>| async move {
        let tenant = tenant(90, promise, &roles).await;
        let mut office = office(promise);
        office.request.query = ResultQuery::parse(None, None, None, Some("subject")).unwrap();
        let summary = office.export(&tenant).await;
        (tenant, office, summary)
    };
    let mut roles = granted(&promises, promise);
    let (_, _, summary) = expand(roles.clone()).await;
    assert_eq!(summary.exit_code, 4, "{summary:#?}");
    assert!(remedies(&summary).contains("User.Read.All"));

    roles.insert("User.Read.All".to_owned());
    let (tenant, office, summary) = expand(roles.clone()).await;
    assert_eq!(summary.exit_code, 0, "{summary:#?}");
    let results = office.facts(&tenant, Table::UserProcessingResults);
    let names = results.values().map(|row| &row["subject_display_name"]);
    assert!(names.into_iter().any(|name| !name.is_null()));
}

#[tokio::test]
async fn soft_deleted_workflows_need_the_permission_that_the_readme_names() {
    let promises = promises();
    let is_runs = |it: &&Promise| it.table == Table::Runs;
    let promise = promises.iter().find(is_runs).unwrap();
    let basic = granted(&promises, promise);
    let mut whole = basic.clone();
    whole.insert("LifecycleWorkflows-Workflow.Read.All".to_owned());
    for (roles, code) in [(basic, 4), (whole, 0)] {
        let tenant = tenant(91, promise, &roles).await;
        let mut office = office(promise);
        office.request.deleted_workflows = DeletedWorkflows::Require;
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, code, "{summary:#?}");
        let names_it = remedies(&summary).contains("LifecycleWorkflows-Workflow.Read.All");
        assert_eq!(names_it, code == 4);
        office.assert_holds(&tenant, &shown(&tenant, &roles, &Reading::default()));
    }
}
