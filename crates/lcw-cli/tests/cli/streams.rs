//! What goes to stdout, what to stderr, and in which form.

use lcw_simulator::{Endpoint, Fault, FaultRule};
use serde_json::Value;

use crate::desk::Desk;
use crate::program::Ended;

/// Every line on stderr is a JSON object.
#[track_caller]
fn log(ended: &Ended) -> Vec<Value> {
    let parse = |line: &str| -> Value {
        let event = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(matches!(event, Value::Object(_)), "{line}");
        event
    };
    ended.stderr.lines().map(parse).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_quiet_export_says_nothing_on_stderr_and_its_result_on_stdout() {
    let desk = Desk::new().await;
    let ended = desk.lcw("export --out data --quiet").run().with(0);
    assert_eq!(ended.stderr, "");
    assert!(ended.stdout.contains("user_processing_results"), "{ended}");
    let ended = desk.lcw("export --out data -q --json").run().with(0);
    assert_eq!(ended.stderr, "");
    ended.json();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_quiet_export_still_warns() {
    let desk = Desk::new().await;
    let rule = FaultRule::new(Fault::status(503)).on(Endpoint::Runs);
    desk.tenant.inject(rule.times(1));
    let ended = desk.lcw("export --out data --quiet").run().with(0);
    ended.says(&["WARN", "503"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn json_logs_are_json_line_by_line_at_every_level() {
    let desk = Desk::new().await;
    let rule = FaultRule::new(Fault::gateway(502)).on(Endpoint::Runs);
    desk.tenant.inject(rule.times(2));
    let line = "export --out data --log-format json";
    let ended = desk.lcw(line).env("RUST_LOG", "trace").run().with(0);
    let events = log(&ended);
    assert!(
        events.iter().any(|event| event["level"] == "WARN"),
        "{ended}"
    );
    let days = events
        .iter()
        .filter(|event| event["message"] == "day committed");
    assert!(days.count() > 8);
    assert!(ended.stdout.starts_with("export "), "{ended}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_json_log_ends_with_the_error() {
    let desk = Desk::new().await;
    let refused = desk
        .bare("export --out data --log-format json")
        .run()
        .with(3);
    let failed = desk
        .lcw("export --out data --log-format json")
        .env("AZURE_CLIENT_SECRET", "wrong")
        .run()
        .with(3);
    for (ended, part) in [(refused, "no credentials"), (failed, "AADSTS7000215")] {
        let events = log(&ended);
        let last = events.last().unwrap();
        assert_eq!(last["level"], "ERROR");
        assert_eq!(last["exit_code"], 3);
        assert!(last["message"].as_str().unwrap().contains(part), "{ended}");
        assert!(last["remedy"].is_string());
        assert_eq!(ended.stdout, "");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn whatever_goes_wrong_json_is_one_object_on_stdout() {
    let desk = Desk::new().await;
    desk.write("bad.toml", "[nothing]\n");
    for (lcw, code) in [
        (desk.bare("export --json"), 3),
        (desk.bare("export bad.toml --json"), 2),
        (desk.bare("status --json"), 2),
        (desk.lcw("plan export --json --from T"), 2),
        (
            desk.lcw("export --json")
                .env("AZURE_CLIENT_SECRET", "wrong"),
            3,
        ),
    ] {
        let object = lcw.run().with(code).json();
        assert_eq!(object["status"], "failed");
        assert_eq!(object["exit_code"], code);
        assert!(!object["error"]["message"].as_str().unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_secret_and_no_token_is_ever_logged() {
    let desk = Desk::today().await;
    let token = desk.tenant.issue_token();
    let signed_in = desk.lcw("export --out data").env("RUST_LOG", "trace");
    let ready = desk.lcw("export --out data").env("RUST_LOG", "trace");
    for lcw in [signed_in, ready.env("LCW_ACCESS_TOKEN", &token)] {
        let ended = lcw.run().with(0);
        let signature = token.rsplit('.').next().unwrap();
        for secret in [
            desk.tenant.client_secret(),
            signature,
            "skiptoken",
            "Bearer",
        ] {
            let told = ended.stderr.lines().find(|line| line.contains(secret));
            assert_eq!(told, None, "{secret}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_reader_that_leaves_early_is_no_error() {
    let desk = Desk::new().await;
    desk.export();
    for line in ["status --out data", "schema"] {
        let shell = format!("{} {line} | true", crate::program::LCW);
        let mut sh = std::process::Command::new("sh");
        sh.args(["-c", &shell]).current_dir(desk.folder());
        let out = sh.output().unwrap();
        assert!(out.status.success());
        assert_eq!(String::from_utf8_lossy(&out.stderr), "");
    }
}
