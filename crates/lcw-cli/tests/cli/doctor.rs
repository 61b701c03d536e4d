//! `lcw doctor`: what would go wrong is said before it does, with what to do about it.

use std::fs::File;

use lcw_simulator::{Endpoint, Fault, FaultBody, FaultRule, RetryAfter, TenantConfig, roles};
use lcw_tests::compact;
use serde_json::Value;

use crate::desk::Desk;
use crate::program::{Ended, Lcw};

/// A tenant of today, changed.
async fn desk(change: impl FnOnce(&mut TenantConfig)) -> Desk {
    let mut config = TenantConfig {
        now: jiff::Timestamp::now(),
        ..compact(1)
    };
    let least = [roles::WORKFLOW_BASIC, roles::WORKFLOW, roles::REPORTS];
    config.access.roles = least.map(str::to_owned).into();
    // It looks at first pages only, and any of them may be empty.
    config.paging.empty_pages = 0.0;
    change(&mut config);
    Desk::of(config).await
}

/// What the checks came to, after a run that left everything as it was.
#[track_caller]
fn examine(desk: &Desk, lcw: Lcw, code: i32) -> Checks {
    let before = desk.contents();
    let ended = lcw.words("--json").run().with(code);
    assert!(desk.contents() == before, "the folder has changed\n{ended}");
    assert_eq!(ended.stderr, "", "{ended}");
    let found = ended.json();
    assert_eq!(found["exit_code"], code, "{ended}");
    Checks { ended, found }
}

struct Checks {
    ended: Ended,
    found: Value,
}

impl Checks {
    #[track_caller]
    fn check(&self, name: &str) -> &Value {
        let checks = self.found["checks"].as_array().unwrap();
        let found = checks.iter().find(|check| check["name"] == name);
        found.unwrap_or_else(|| panic!("no check {name}\n{}", self.ended))
    }

    /// This check came to that, and says so.
    #[track_caller]
    fn says(&self, name: &str, status: &str, parts: &[&str]) {
        let check = self.check(name);
        assert_eq!(check["status"], status, "{name}\n{}", self.ended);
        assert_eq!(status == "pass", check.get("remedy").is_none(), "{name}");
        let text = check.to_string();
        for part in parts {
            assert!(text.contains(part), "{name}: no {part:?}\n{}", self.ended);
        }
    }

    /// Everything but these is as it should be.
    #[track_caller]
    fn all_pass_but(&self, names: &[&str]) {
        for check in self.found["checks"].as_array().unwrap() {
            let is_expected = names.iter().any(|name| check["name"] == *name);
            assert!(check["status"] == "pass" || is_expected, "{check}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_a_tenant_where_all_is_well() {
    let desk = desk(|_| {}).await;
    let checks = examine(&desk, desk.lcw("doctor --out data"), 0);
    checks.all_pass_but(&[]);
    for name in [
        "token",
        "audience",
        "tenant",
        "permissions",
        "least_privilege",
        "clock",
        "table:workflows",
        "table:runs",
        "table:user_processing_results",
        "table:task_processing_results",
        "deleted_workflows",
        "folder",
        "free_space",
        "lock",
    ] {
        checks.check(name);
    }
    checks.says("dataset", "pass", &["no dataset yet"]);
    checks.says("last_export", "pass", &["no dataset yet"]);
    // One request each, and no more than a few to find a run.
    assert_eq!(desk.tenant.count(Endpoint::RunResults), 1);
    assert!(desk.tenant.count(Endpoint::Runs) <= 5);
    desk.export();
    let checks = examine(&desk, desk.lcw("doctor --out data"), 0);
    checks.all_pass_but(&[]);
    checks.says("dataset", "pass", &["fit this request"]);
    checks.says(
        "last_export",
        "pass",
        &["the last export ended ", " ago, at "],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn in_words() {
    let desk = desk(|config| {
        config.access.roles = vec![roles::WORKFLOW_BASIC.to_owned()];
    })
    .await;
    let ended = desk.lcw("doctor --out data").run().with(3);
    assert_eq!(ended.stderr, "", "{ended}");
    for part in [
        "pass  token",
        "FAIL  permissions",
        "the token lacks LifecycleWorkflows-Reports.Read.All",
        "      what to do: grant the app registration the application permission",
        "2 failed, 2 warnings",
    ] {
        assert!(ended.stdout.contains(part), "no {part:?}\n{ended}");
    }
    assert!(!ended.stdout.contains("eyJ"), "a token\n{ended}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn without_the_permission_for_reports() {
    let desk = desk(|config| {
        config.access.roles = vec![roles::WORKFLOW_BASIC.to_owned()];
    })
    .await;
    let checks = examine(&desk, desk.lcw("doctor --out data"), 3);
    checks.says("permissions", "fail", &[roles::REPORTS, "admin consent"]);
    checks.says("table:runs", "fail", &["403", roles::REPORTS]);
    checks.says("deleted_workflows", "pass", &["left out", roles::WORKFLOW]);
    checks.says("table:workflows", "pass", &["readable"]);
    checks.says("table:user_processing_results", "warn", &["not asked for"]);
    checks.says("table:task_processing_results", "warn", &["not asked for"]);
    checks.all_pass_but(&[
        "permissions",
        "table:runs",
        "table:user_processing_results",
        "table:task_processing_results",
    ]);
    desk.write("p.toml", "[extract]\ndeleted_workflows = \"require\"\n");
    let checks = examine(&desk, desk.lcw("doctor p.toml --out data"), 3);
    checks.says("deleted_workflows", "fail", &["403", roles::WORKFLOW]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn with_more_permissions_than_needed() {
    let desk = desk(|config| {
        let more = [
            roles::WORKFLOW_BASIC,
            roles::REPORTS,
            roles::WRITE,
            "Directory.Read.All",
        ];
        config.access.roles = more.map(str::to_owned).into();
    })
    .await;
    let checks = examine(&desk, desk.lcw("doctor --out data"), 0);
    let beyond = [
        "LifecycleWorkflows.ReadWrite.All, Directory.Read.All",
        "remove them",
    ];
    checks.says("least_privilege", "warn", &beyond);
    checks.all_pass_but(&["least_privilege"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn with_a_clock_that_is_off() {
    for (skew, status, code) in [(150, "warn", 0), (-3_600, "fail", 1)] {
        let desk = desk(|config| config.answers.date_skew_seconds = skew).await;
        let checks = examine(&desk, desk.lcw("doctor --out data"), code);
        let how = if skew > 0 {
            " behind the"
        } else {
            " ahead of the"
        };
        checks.says("clock", status, &[how, "NTP"]);
        checks.all_pass_but(&["clock"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_a_folder_that_cannot_be_written_to() {
    let desk = desk(|_| {}).await;
    desk.write("file", "not a folder");
    let checks = examine(&desk, desk.lcw("doctor --out file/data"), 2);
    checks.says("folder", "fail", &["cannot", "--out"]);
    checks.says("table:runs", "pass", &[]);
    desk.write("note.txt", "something else");
    let checks = examine(&desk, desk.lcw("doctor --out ."), 2);
    checks.says("dataset", "fail", &["is not a dataset"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_a_dataset_of_another_format() {
    let desk = desk(|_| {}).await;
    desk.export();
    let checks = examine(&desk, desk.lcw("doctor --out data --format ndjson"), 2);
    checks.says("dataset", "fail", &["format is parquet, not ndjson"]);
    checks.all_pass_but(&["dataset"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_a_dataset_that_another_export_holds() {
    let desk = desk(|_| {}).await;
    desk.export();
    let lock = File::open(desk.data().join("_lock")).unwrap();
    lock.lock().unwrap();
    let checks = examine(&desk, desk.lcw("doctor --out data"), 75);
    checks.says("lock", "fail", &["another export holds data", "wait until"]);
    checks.all_pass_but(&["lock"]);
    drop(lock);
    examine(&desk, desk.lcw("doctor --out data"), 0).all_pass_but(&[]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn with_a_token_of_another_tenant() {
    let desk = desk(|_| {}).await;
    let other = "00000000-1111-2222-3333-444444444444";
    let line = format!("doctor --out data --tenant-id {other} {}", desk.quickly());
    let token = desk.tenant.issue_token();
    let lcw = desk.bare(&line).env("LCW_ACCESS_TOKEN", token);
    let checks = examine(&desk, lcw, 3);
    checks.says("tenant", "fail", &[other, "correct tenant_id"]);
    checks.all_pass_but(&["tenant"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn with_an_opaque_token() {
    let desk = desk(|config| config.access.opaque_tokens = true).await;
    let checks = examine(&desk, desk.lcw("doctor --out data"), 0);
    checks.says("token", "pass", &["opaque"]);
    checks.says("tenant", "pass", &["as configured"]);
    checks.all_pass_but(&[]);
    let token = desk.tenant.issue_token();
    let line = format!("doctor --out data {}", desk.quickly());
    let lcw = desk.bare(&line).env("LCW_ACCESS_TOKEN", token);
    let checks = examine(&desk, lcw, 2);
    checks.says("tenant", "fail", &["tenant_id", "GUID"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn without_credentials_and_with_wrong_ones_the_rest_is_still_examined() {
    let desk = desk(|_| {}).await;
    let checks = examine(&desk, desk.bare("doctor --out data"), 3);
    checks.says("token", "fail", &["no credentials", "AZURE_CLIENT_SECRET"]);
    checks.says("folder", "pass", &[]);
    checks.all_pass_but(&["token"]);
    let wrong = desk
        .lcw("doctor --out data")
        .env("AZURE_CLIENT_SECRET", "canary");
    let checks = examine(&desk, wrong, 3);
    checks.says("token", "fail", &["AADSTS7000215"]);
    assert!(!checks.ended.stdout.contains("canary"), "{}", checks.ended);
    assert!(checks.found["checks"].as_array().unwrap().len() >= 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_a_service_that_forgets_what_it_lists() {
    let desk = desk(|_| {}).await;
    desk.tenant
        .inject(FaultRule::new(Fault::NotFound).on(Endpoint::RunResults));
    let checks = examine(&desk, desk.lcw("doctor --out data"), 0);
    checks.says("table:user_processing_results", "pass", &["404"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_an_address_that_knows_no_workflows() {
    let desk = desk(|_| {}).await;
    desk.tenant
        .inject(FaultRule::new(Fault::NotFound).on(Endpoint::Workflows));
    let checks = examine(&desk, desk.lcw("doctor"), 1);
    checks.says("table:workflows", "fail", &["404"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_a_service_that_is_down() {
    let desk = desk(|_| {}).await;
    let down = Fault::Status {
        status: 503,
        body: FaultBody::Json,
        retry_after: RetryAfter::Absent,
    };
    desk.tenant
        .inject(FaultRule::new(down).on(Endpoint::Workflows));
    let ended = desk.lcw("doctor --out data --json").run().with(1);
    let found = ended.json();
    let checks = Checks { ended, found };
    checks.says("table:workflows", "fail", &["503", "try again later"]);
    checks.says("table:runs", "warn", &["not asked for"]);
    checks.says("folder", "pass", &[]);
    assert_eq!(desk.tenant.count(Endpoint::Workflows), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_a_tenant_without_workflows() {
    let desk = desk(|config| config.workflows.clear()).await;
    let checks = examine(&desk, desk.lcw("doctor --out data"), 0);
    checks.says("table:workflows", "pass", &["first page is empty"]);
    checks.says("table:runs", "pass", &["no run to ask about"]);
    checks.all_pass_but(&[]);
}
