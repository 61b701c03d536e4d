//! Other people's texts, in every field of the tenant and in everything that may be said about a
//! refusal: the tables hold them as they are, and nothing that is shown lets them steer a terminal
//! or pass for a line of its own.

use std::path::Path;

use lcw_pipeline::FileFormat;
use lcw_simulator::{ScriptedAnswer, Simulator, TenantConfig};
use lcw_tests::facts;
use lcw_tests::impostor::{Impostor, TENANT, answer, one_run_or_404};
use lcw_transform::Table;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::desk::{Desk, NDJSON};
use crate::program::{Ended, Lcw};

/// Texts that do something somewhere.
fn payloads() -> Vec<String> {
    let plain = [
        "\u{1b}[31mred\u{1b}[2J\u{1b}]0;title\u{7}",
        "\u{9b}31m\u{90}\u{9d}c1",
        "=HYPERLINK(\"http://evil.example\",\"x\")",
        "+1+cmd|' /C calc'!A0",
        "@SUM(A1:A9)",
        "<script>alert(1)</script><img src=x onerror=alert(1)>",
        "'; DROP TABLE runs; --",
        "a\u{202e}gpj.exe\u{2066}\u{200b}\u{feff}",
        "nul\u{0}byte",
        "line\nerror: forged\r\n2026-01-01T00:00:00Z ERROR forged\u{2028}\u{85}x",
        "\u{7f}\u{8}\u{8}\u{8}\t\u{b}\u{c}",
        "%s%n%x {} {0} $(id) `id` ${HOME}",
        "\"quoted\\\" \\u001b \\",
    ];
    let long = "\u{1f980}é\u{202e}漢".repeat(400);
    plain.into_iter().map(str::to_owned).chain([long]).collect()
}

/// Nothing but what is shown as it stands. Line ends are checked by whoever knows how many there are.
#[track_caller]
fn assert_shown_as_it_stands(what: &str, text: &str) {
    let is_hidden = |letter: &char| {
        (letter.is_control() && *letter != '\n')
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(letter, '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    if let Some((at, letter)) = text.char_indices().find(|(_, letter)| is_hidden(letter)) {
        let from = text.floor_char_boundary(at.saturating_sub(200));
        panic!(
            "{letter:?} in {what}: {:?}",
            &text[from..at + letter.len_utf8()]
        );
    }
    for line in text.lines() {
        assert!(!line.starts_with("error: forged"), "{what}: {line}");
        assert!(!line.starts_with("2026-01-01T"), "{what}: {line}");
    }
}

#[track_caller]
fn assert_plain(what: &str, ended: &Ended) {
    assert_shown_as_it_stands(&format!("stdout of {what}"), &ended.stdout);
    assert_shown_as_it_stands(&format!("stderr of {what}"), &ended.stderr);
}

const ROOT: &str = "/v1.0/identityGovernance/lifecycleWorkflows";

/// A tenant that says `text` wherever it can.
async fn tenant_of(text: &str) -> Desk {
    let workflow = json!({
        "id": "w", "category": text, "displayName": text, "description": text, text: text,
        "isEnabled": true, "version": 1,
        "executionConditions": { "@odata.type": text, text: [text] },
    });
    let run = json!({
        "id": "r", "processingStatus": "completed", "workflowExecutionType": text,
        "scheduledDateTime": "2026-11-22T10:00:00Z", "lastUpdatedDateTime": "2026-11-22T10:10:00Z",
        "totalUsersCount": 1, "totalTasksCount": 1, "activatedOnScope": { "rule": text }, text: text,
    });
    let subject = json!({ "id": text, "displayName": text, "userPrincipalName": text, text: text });
    let result = json!({
        "id": text, "subject": subject, "processingStatus": text, "workflowExecutionType": text,
        "scheduledDateTime": "2026-11-22T10:00:00Z", text: { text: text },
    });
    let task = json!({
        "id": text, "subject": { "id": text }, "processingStatus": text, "failureReason": text,
        "processingInfo": text, text: text,
        "task": { "id": text, "taskDefinitionId": text, "displayName": text, "category": text },
    });
    let page = |row: &Value| json!({ "value": [row] }).to_string();
    let at = |path: &str, body: String| ScriptedAnswer::new(format!("{ROOT}{path}"), body);
    let refusal = json!({ "error": { "code": text, "message": text } }).to_string();
    let answers = vec![
        at("/workflows", page(&workflow)),
        at("/workflows/w", workflow.to_string()),
        // What is not covered is listed with the service's own words.
        at("/deletedItems/workflows", refusal.clone()).status(403),
        at("/workflows/w/versions", refusal).status(403),
        at("/workflows/w/runs", page(&run)),
        at("/workflows/w/runs/r/userProcessingResults", page(&result)),
        at("/workflows/w/runs/r/taskProcessingResults", page(&task)),
    ];
    let config = TenantConfig {
        now: "2026-11-24T12:00:00Z".parse().unwrap(),
        ..TenantConfig::empty(7)
    };
    Desk::with(Simulator::scripted_on(0, config, answers).await.unwrap())
}

/// The one row of a table.
fn row(desk: &Desk, format: FileFormat, table: Table) -> std::collections::BTreeMap<String, Value> {
    let facts = facts(&desk.data(), format, desk.tenant.tenant_id(), table);
    assert_eq!(facts.len(), 1, "{table:?}: {facts:?}");
    facts.into_values().next().unwrap()
}

const COLUMNS: [(Table, &[&str]); 4] = [
    (
        Table::Workflows,
        &["category", "display_name", "description"],
    ),
    (Table::Runs, &["workflow_execution_type"]),
    (
        Table::UserProcessingResults,
        &[
            "id",
            "subject_id",
            "subject_display_name",
            "subject_user_principal_name",
            "processing_status",
        ],
    ),
    (
        Table::TaskProcessingResults,
        &[
            "id",
            "subject_id",
            "task_display_name",
            "failure_reason",
            "processing_info",
        ],
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_tables_hold_every_text_as_it_is_and_nothing_else_shows_it_raw() {
    let line = "export --out data --expand subject --table user_processing_results \
                --table task_processing_results --table workflow_versions";
    for (nth, text) in payloads().into_iter().enumerate() {
        let (format, name) = [(FileFormat::Parquet, "parquet"), (NDJSON, "ndjson")][nth % 2];
        let more = ["", "--json --log-format json"][nth / 2 % 2];
        let desk = tenant_of(&text).await;
        let lcw = desk.lcw(&format!("{line} --format {name} {more}"));
        let ended = lcw.env("RUST_LOG", "trace").run().with(4);
        assert_plain(&format!("export {more} of {text:?}"), &ended);
        if !more.is_empty() {
            ended.json();
        }
        for (table, columns) in COLUMNS {
            let row = row(&desk, format, table);
            for column in columns {
                assert_eq!(row[*column], json!(text), "{column} of {}", table.name());
            }
            assert!(row["_lcw_extra"].to_string().len() > text.len(), "{row:?}");
        }
        for line in ["status --out data", "status --out data --json"] {
            assert_plain(line, &desk.bare(line).run().with(0));
        }
        let plan = desk.lcw(&format!("plan {line} --format {name} {more}"));
        assert_plain("plan", &plan.run().with(0));
    }
}

/// What may stand in a header, as bytes: no control characters of ASCII.
const HEADERS: [&str; 4] = ["\u{9b}31m", "a\u{202e}b\u{feff}", "x\ty", "=1+1, <b>"];

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_said_about_a_refusal_cannot_steer_the_terminal() {
    for (nth, text) in payloads().into_iter().enumerate() {
        let header = HEADERS[nth % HEADERS.len()];
        let body = json!({
            "error": { "code": text, "message": text, "innerError": { "request-id": text } },
        });
        // A token service has another form of refusal.
        let of_login = json!({
            "error": text, "error_description": text, "correlation_id": text,
        });
        for (part, body) in [
            ("/workflows", body.clone()),
            ("/runs", body),
            ("/token", of_login),
        ] {
            let body = body.to_string();
            let service = Impostor::start(move |_, request| {
                if !request.path().ends_with(part) {
                    return one_run_or_404(request);
                }
                let headers = [
                    ("request-id", header),
                    ("retry-after", header),
                    ("date", header),
                ];
                answer(403, &headers, &body)
            })
            .await;
            let folder = tempfile::tempdir().unwrap();
            let more = ["", "--json --log-format json"][nth % 2];
            let line = format!("export --out data --table user_processing_results {more}");
            let ended = signed_in(&folder, &service, &line).run();
            assert!(matches!(ended.code, Some(3 | 4)), "{part}: {ended}");
            assert_plain(&format!("{part} refused with {text:?}"), &ended);
        }
    }
}

fn signed_in(folder: &TempDir, service: &Impostor, line: &str) -> Lcw {
    let origin = service.origin();
    Lcw::new(folder.path(), line)
        .words(&format!("--graph-url {origin} --authority-url {origin}"))
        .env("AZURE_TENANT_ID", TENANT)
        .env("AZURE_CLIENT_ID", "client")
        .env("AZURE_CLIENT_SECRET", "secret")
        .env("RUST_LOG", "trace")
}

/// Two of them, and all the short ones in one, without a NUL, which no argument can hold.
fn words() -> Vec<String> {
    let mut texts = payloads();
    texts.retain(|text| text.len() < 1_000);
    let all = texts.concat().replace('\0', "");
    texts.retain(|text| text.contains('\u{7}') || text.contains("forged"));
    texts.push(all);
    texts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_given_on_the_command_line_comes_back_harmless() {
    let service = Impostor::start(|_, request| one_run_or_404(request)).await;
    let folder = tempfile::tempdir().unwrap();
    let lcw = |line: &str| signed_in(&folder, &service, line);
    for text in words() {
        let name = text.replace('/', " ");
        for lcw in [
            lcw("export --out").arg(&name),
            lcw("status --out").arg(&name),
            lcw("status --out").arg(format!("nowhere-{name}")),
            lcw("export --json --log-format json --out").arg(&name),
            lcw("backfill --out data --from T-7d --to T --workflow").arg(&text),
            lcw("plan backfill --out data --from T-7d --to T --workflow").arg(&text),
            lcw("backfill --out data --to T --from").arg(&text),
            lcw("export --out data --filter").arg(&text),
            lcw("export --out data --select").arg(&text),
            lcw("export --out data --format").arg(&text),
            lcw("export --out data --table").arg(&text),
            lcw("export --out data --tenant-id").arg(&text),
            lcw("export --out data --client-id").arg(&text),
            lcw("export --out data --requests-per-second").arg(&text),
            lcw("export").arg(&name),
            lcw("export --out data").arg("--graph-url").arg(&text),
            lcw("schema").arg(&text),
            lcw("").arg(&text),
            lcw("export").arg(format!("--{text}")),
            lcw("acknowledge --out data --reason x --run").arg(&text),
            lcw("acknowledge --out data --run r --reason").arg(&text),
            lcw("acknowledge --out data --reason x --day").arg(&text),
            lcw("export --out data").env("AZURE_TENANT_ID", &text),
            lcw("export --out data").env("AZURE_AUTHORITY_HOST", &text),
            lcw("export --out data").env("RUST_LOG", &text),
            lcw("export --out data").env("LCW_ACCESS_TOKEN", &text),
        ] {
            let ended = lcw.run();
            assert_plain(&format!("an argument {text:?}"), &ended);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_stands_in_a_pipeline_file_comes_back_harmless() {
    let service = Impostor::start(|_, request| one_run_or_404(request)).await;
    let folder = tempfile::tempdir().unwrap();
    let quoted = |text: &str| {
        serde_json::to_string(text)
            .unwrap()
            .replace('\u{7f}', "\\u007f")
    };
    for text in words() {
        for file in [
            text.clone(),
            format!("[source]\n{} = 1\n", quoted(&text)),
            format!("[source]\ncloud = {}\n", quoted(&text)),
            format!("[source]\ntenant_id = {}\n", quoted(&text)),
            format!("[source]\nproxy = {}\n", quoted(&text)),
            format!("[source]\nca_file = {}\n", quoted(&text)),
            format!("[source]\ngraph_url = {}\n", quoted(&text)),
            format!("[source]\nclient_secret_file = {}\n", quoted(&text)),
            format!("[extract]\ntables = [{}]\n", quoted(&text)),
            format!("[extract]\nlookback = {}\n", quoted(&text)),
            format!("[extract]\nfilter = {}\n", quoted(&text)),
            format!("[load]\nout = {}\n", quoted(&text.replace('/', " "))),
            format!("[load]\ncompression = \"{text}\"\n"),
        ] {
            std::fs::write(folder.path().join("p.toml"), &file).unwrap();
            for more in ["", "--log-format json --json"] {
                let lcw = signed_in(&folder, &service, &format!("export p.toml {more}"));
                let ended = lcw.without("AZURE_CLIENT_SECRET").run();
                assert_plain(&format!("a pipeline file {file:?}"), &ended);
            }
        }
    }
}

/// What another program has left in the folder.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_stands_in_the_folder_comes_back_harmless() {
    for text in words() {
        let desk = Desk::new().await;
        std::fs::create_dir(desk.data()).unwrap();
        let name: String = text.replace('/', " ").chars().take(60).collect();
        std::fs::write(desk.data().join(name), "").unwrap();
        let line = "export --out data";
        assert_plain("a file", &desk.lcw(line).run().with(2));
        assert_plain(
            "a file",
            &desk.bare("status --out data --json").run().with(2),
        );
        std::fs::remove_dir_all(desk.data()).unwrap();
        desk.export();
        let holder = json!({ "pid": 1, "host": text, "since": text, "export_id": text });
        std::fs::write(desk.data().join("_lock.json"), holder.to_string()).unwrap();
        let lock = std::fs::File::open(desk.data().join("_lock")).unwrap();
        lock.lock().unwrap();
        assert_plain("a lock", &desk.lcw(line).run().with(75));
        drop(lock);
        change(&desk.data().join("_dataset.json"), "format", &text);
        assert_plain("an identity", &desk.lcw(line).run());
        assert_plain("an identity", &desk.bare("status --out data").run());
    }
}

/// Another value for a key of a JSON file.
fn change(path: &Path, key: &str, text: &str) {
    let mut value: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert!(value.get(key).is_some(), "{value}");
    value[key] = json!(text);
    std::fs::write(path, value.to_string()).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn on_a_terminal_only_the_program_moves_the_cursor() {
    for text in words().into_iter().take(3) {
        let desk = tenant_of(&text).await;
        let lcw = desk.lcw("export --out data --table workflow_versions");
        let ended = lcw
            .env("RUST_LOG", "debug")
            .on_a_terminal(100)
            .run()
            .with(4);
        for forbidden in [
            "\u{1b}[31mred",
            "\u{1b}]0;",
            "\u{7}",
            "\u{9b}",
            "\u{9d}",
            "\u{202e}",
        ] {
            assert!(!ended.stdout.contains(forbidden), "{forbidden:?}: {ended}");
        }
    }
}
