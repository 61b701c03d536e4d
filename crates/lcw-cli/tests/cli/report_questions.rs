//! What can be asked of `lcw report`, and how it answers: exit codes, refusals, hostile names, several
//! tenants.

use std::time::Duration;

use lcw_simulator::{
    Category, ProcessingStatus, RunPlan, Schedule, TaskChange, TenantConfig, WorkflowConfig,
};
use serde_json::json;

use crate::desk::Desk;
use crate::program::Ended;
use crate::reporting::{ago, one_leaver_run, report};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn conditions_make_the_exit_code() {
    let (desk, _) = one_leaver_run(3, |_| {}).await;
    desk.lcw("export --out data --table user_processing_results")
        .run()
        .with(0);
    let with = |condition: &str, code: i32| -> Ended {
        desk.bare("report --out data --fail-on")
            .arg(condition)
            .run()
            .with(code)
    };
    assert!(
        with("users>=3", 6)
            .stdout
            .contains("FAIL      users>=3 (it is 3)")
    );
    assert!(
        with("users > 3", 0)
            .stdout
            .contains("ok        users>3 (it is 3)")
    );
    with("users>3", 0);
    with("success_rate_percent<100", 0);
    with("failing_tasks>0", 6).says(&["cannot say"]);
    with("leaver_sla_miss>0", 2).says(&["did you mean leaver_sla_misses?"]);
    with("users", 2).says(&["one of > >= < <= == !="]);
    let both = desk
        .bare("report --out data --json --fail-on users>9 --fail-on users==3")
        .run()
        .with(6);
    let met: Vec<_> = both.json()["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["is_met"].clone())
        .collect();
    assert_eq!(met, [json!(false), json!(true)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn workflows_without_a_recent_run_are_named() {
    let mut config = TenantConfig::empty(5);
    let day = Duration::from_hours(24);
    let rested = Schedule {
        every: day,
        history: 12 * day,
        ended: Some(9 * day),
    };
    let named = |name: &str| WorkflowConfig::new(Category::Joiner, name);
    config.workflows = vec![
        named("Rests").scheduled(rested, 1..=2),
        named("Runs").scheduled(Schedule::ongoing(day, 12), 1..=2),
        named("On demand"),
    ];
    let desk = Desk::of(config).await;
    desk.export();
    let stale = |more: &str| -> Vec<String> {
        let found = report(&desk, more);
        let lines = found["workflows"].as_array().unwrap().iter();
        let stale = lines.filter(|it| it["is_stale"] == true);
        stale
            .map(|it| it["workflow"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(stale(""), ["Rests"]);
    assert!(stale("--stale-after 11d").is_empty());
    let line = "report --out data --json --from 2026-11-21 --stale-after 11d";
    let before = desk.bare(line).run().with(0).json();
    let last = |name: &str| {
        let lines = before["workflows"].as_array().unwrap().iter();
        let mut of_name = lines.filter(|it| it["workflow"] == name);
        of_name.next().unwrap().clone()
    };
    assert_eq!(
        last("Rests")["is_stale"],
        false,
        "a run before the window is one"
    );
    assert_eq!(last("Rests")["runs"], 0);
    let truth = desk.tenant.truth();
    let id = &truth.workflows[0].id;
    let runs = truth
        .runs
        .iter()
        .filter(|run| run.workflow_id == *id)
        .count();
    let line = desk.bare("report --out data --workflow").arg("rests");
    let one = line.words("--json --from 2026-10-20").run().with(0).json();
    assert_eq!(one["totals"]["runs"], runs);
    assert_eq!(one["window"]["workflow_ids"], json!([id]));
    let wrong = desk.bare("report --out data --workflow").arg("Restz");
    wrong.run().with(2).says(&["did you mean \"Rests\"?"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn bad_questions_are_told_and_nothing_is_written() {
    let (desk, ids) = one_leaver_run(2, |_| {}).await;
    desk.export();
    desk.write(
        "bad.csv",
        format!("{},2026-11-01\nanna@contoso.com,2026-11-01\nx\n", ids[0]),
    );
    desk.write("bytes.csv", [0xff, 0xfe]);
    let before = desk.contents();
    let refused = |line: &str, said: &[&str]| desk.bare(line).run().with(2).says(said);
    refused(
        "report --out data --population bad.csv",
        &["line 2", "line 3", "object id"],
    );
    refused("report --out data --population bytes.csv", &["not UTF-8"]);
    refused("report --out data --population none.csv", &["cannot read"]);
    refused(
        "report --out data --from 2026-11-02 --to 2026-11-02",
        &["window is empty"],
    );
    refused(
        "report --out data --html data/report.html",
        &["inside the dataset"],
    );
    refused("report --out nowhere", &["no dataset"]);
    refused("report --out data --tenant-id x", &["no such tenant"]);
    refused("report --out data --csv leaver", &["leavers"]);
    refused("report --out data --sla soon", &["15m"]);
    for line in [
        "report --out data",
        "report --out data --json",
        "report --out data --csv days",
    ] {
        desk.bare(line).run().with(0);
    }
    assert_eq!(desk.contents(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn snapshots_and_empty_datasets_have_reports_and_the_folder_is_only_read() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::of(TenantConfig::empty(5)).await;
    desk.export();
    let found = report(&desk, "");
    assert_eq!(found["totals"]["runs"], 0);
    assert_eq!(found["proof"]["verdict"], "no_runs");
    desk.bare("report --out data --html empty.html")
        .run()
        .with(0);
    let (desk, _) = one_leaver_run(2, |_| {}).await;
    desk.export();
    desk.bare("snapshot snapshots --out data").run().with(0);
    let line = "report --json --from 2026-10-20 --out";
    let of = |out: &str| desk.bare(&format!("{line} {out}")).run().with(0).json();
    let (one, other) = (of("data"), of("snapshots/current"));
    for key in ["totals", "leavers", "days", "workflows"] {
        assert_eq!(one[key], other[key], "{key}");
    }
    let folder = desk.data();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o550)).unwrap();
    of("data");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o750)).unwrap();
}

/// A leaver workflow, a task and a subject that are called what nobody should be.
fn hostile() -> TenantConfig {
    let mut config = TenantConfig::empty(5);
    let name = "=HYPERLINK(\"http://evil.example\",\"<script>alert(1)</script>\")\u{1b}[31m\u{202e}&'\r\nx";
    config.workflows = vec![WorkflowConfig::new(Category::Leaver, name)];
    let plan = RunPlan::new(ago(240), 2)
        .named("r")
        .ending(ProcessingStatus::Failed);
    config.runs = vec![(0, plan)];
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn hostile_names_are_words_and_nothing_else() {
    let desk = Desk::of(hostile()).await;
    let reason = "@SUM(1)\u{9b}<img src=x onerror=alert(1)>\u{2028}\"';--";
    let failing = TaskChange {
        status: Some(ProcessingStatus::Failed),
        failure_reason: Some(reason.to_owned()),
        ..TaskChange::default()
    };
    desk.tenant.change_task_result("r", 0, 0, failing);
    desk.export();
    let text = desk
        .bare("report --out data --from 2026-10-20 --html report.html")
        .run()
        .with(0);
    let html = std::fs::read_to_string(desk.folder().join("report.html")).unwrap();
    for shown in [&text.stdout, &html] {
        let hidden = |it: char| (it.is_control() && it != '\n') || "\u{202e}\u{2028}".contains(it);
        assert!(!shown.contains(hidden), "{shown:?}");
        assert!(
            shown.contains("HYPERLINK") && shown.contains("SUM"),
            "{shown}"
        );
    }
    assert!(
        !html.contains("<script") && !html.contains("<img"),
        "{html}"
    );
    for section in [
        "leavers",
        "failing-tasks",
        "failed-users",
        "workflows",
        "days",
        "short",
        "metrics",
    ] {
        let csv = desk
            .bare(&format!(
                "report --out data --from 2026-10-20 --csv {section}"
            ))
            .run()
            .with(0)
            .stdout;
        let mut lines = csv.lines();
        let columns = lines.next().unwrap().split(',').count();
        for line in lines {
            let cells = cells(line);
            assert_eq!(cells.len(), columns, "{section}: {line}");
            let is_formula = |cell: &String| cell.starts_with(['=', '+', '@', '\t', '\r']);
            assert!(!cells.iter().any(is_formula), "{section}: {line}");
        }
    }
}

/// The cells of a line, as any reader of CSV sees them.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut is_quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => cells.push(String::new()),
            other => cells.last_mut().unwrap().push(other),
        }
    }
    cells
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_several_tenants_one_is_named() {
    let (desk, _) = one_leaver_run(2, |_| {}).await;
    desk.export();
    let mut other = TenantConfig::empty(6);
    other.workflows = vec![WorkflowConfig::new(Category::Joiner, "Welcome")];
    other.runs = vec![(0, RunPlan::new(ago(100), 5))];
    let other = Desk::of(other).await;
    let data = desk.data();
    other.lcw("export").arg("--out").arg(&data).run().with(0);
    desk.bare("report --out data")
        .run()
        .with(2)
        .says(&["several tenants", "--tenant-id"]);
    let users = |tenant: &str| {
        let line = format!("--tenant-id {}", tenant.to_uppercase());
        report(&desk, &line)["totals"]["users"]["total"].clone()
    };
    assert_eq!(users(desk.tenant.tenant_id()), 2);
    assert_eq!(users(other.tenant.tenant_id()), 5);
}
