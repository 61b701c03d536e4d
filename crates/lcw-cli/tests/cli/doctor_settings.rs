//! `lcw doctor` of settings that other tests of it leave at their defaults: tables, queries,
//! credentials that are not to be had here; and how it reads.

use lcw_simulator::{Endpoint, TenantConfig, roles};
use lcw_tests::compact;
use serde_json::Value;

use crate::desk::Desk;
use crate::program::Ended;

const USERS: &str = "User.Read.All";

/// A tenant of today, where an application has these permissions.
async fn desk(granted: &[&str]) -> Desk {
    let mut config = TenantConfig {
        now: jiff::Timestamp::now(),
        ..compact(1)
    };
    // It looks at first pages only, and any of them may be empty.
    config.paging.empty_pages = 0.0;
    config.access.roles = granted.iter().map(|role| (*role).to_owned()).collect();
    Desk::of(config).await
}

const LEAST: [&str; 3] = [roles::WORKFLOW_BASIC, roles::WORKFLOW, roles::REPORTS];

#[track_caller]
fn check<'a>(found: &'a Value, name: &str) -> &'a Value {
    let checks = found["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == name);
    check.unwrap_or_else(|| panic!("no {name}: {found:#}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_expanded_subject_needs_one_permission_more() {
    let desk = desk(&LEAST).await;
    let line = "doctor --out data --expand subject --json";
    let found = desk.lcw(line).run().with(3).json();
    let permissions = check(&found, "permissions");
    assert_eq!(permissions["status"], "fail", "{found:#}");
    assert_eq!(permissions["message"], "the token lacks User.Read.All");
    desk.tenant
        .update_config(|config| config.access.roles.push(USERS.to_owned()));
    let found = desk.lcw(line).run().with(0).json();
    for name in [
        "permissions",
        "least_privilege",
        "table:user_processing_results",
    ] {
        assert_eq!(check(&found, name)["status"], "pass", "{found:#}");
    }
    // Without it the same permission is one too many.
    let found = desk.lcw("doctor --out data --json").run().with(0).json();
    assert_eq!(check(&found, "least_privilege")["status"], "warn");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn results_are_asked_for_in_the_way_of_an_export() {
    let desk = desk(&[LEAST.as_slice(), &[USERS]].concat()).await;
    desk.tenant
        .update_config(|config| config.answers.nested_select = false);
    let lcw = desk.lcw("doctor --out data --expand subject --select processingStatus --json");
    let lcw = lcw.arg("--filter").arg("processingStatus eq 'failed'");
    let found = lcw.run().with(0).json();
    assert_eq!(
        check(&found, "table:user_processing_results")["status"],
        "pass",
        "{found:#}"
    );
    let requests = desk.tenant.requests().into_iter();
    let queries: Vec<String> = requests
        .filter(|request| request.endpoint == Endpoint::RunResults)
        .map(|request| request.query)
        .collect();
    // The service answers a choice of the subject's properties with 400: then all of them.
    assert_eq!(queries.len(), 2, "{queries:?}");
    for query in queries {
        for part in ["processingStatus", "failed", "subject"] {
            assert!(query.contains(part), "{query}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn another_query_than_the_dataset_s_is_said_before_an_export_says_it() {
    let desk = desk(&[LEAST.as_slice(), &[USERS]].concat()).await;
    desk.export();
    for (flag, value, what) in [
        ("--select", "processingStatus", "select"),
        ("--filter", "processingStatus eq 'failed'", "filter"),
        ("--expand", "subject", "expand"),
    ] {
        let lcw = || desk.lcw("doctor --out data --json").arg(flag).arg(value);
        let found = lcw().run().with(2).json();
        let dataset = check(&found, "dataset");
        assert_eq!(dataset["status"], "fail", "{found:#}");
        let message = dataset["message"].as_str().unwrap();
        assert!(message.contains(what), "{message}");
        // The export itself says the same.
        let export = desk.lcw("export --out data").arg(flag).arg(value);
        export.run().with(2).says(&[message]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_table_is_looked_at_and_what_a_refusal_of_it_would_mean() {
    let everything = [
        roles::WORKFLOW_BASIC,
        roles::WORKFLOW,
        roles::REPORTS,
        "LifecycleWorkflows.Read.All",
    ];
    let desk = desk(&everything).await;
    let flags = lcw_transform::Table::ALL.map(|table| format!("--table {}", table.name()));
    let line = format!(
        "doctor --out data --api-version beta --json {}",
        flags.join(" ")
    );
    let found = desk.lcw(&line).run().with(0).json();
    for table in lcw_transform::Table::ALL {
        let name = format!("table:{}", table.name());
        let status = &check(&found, &name)["status"];
        // An export bears that the service refuses it, as its pages say: it ends with 0.
        let is_refused = table == lcw_transform::Table::ReprocessedRuns;
        assert_eq!(
            status,
            if is_refused { "warn" } else { "pass" },
            "{found:#}"
        );
    }
    let needed = check(&found, "permissions")["message"].as_str().unwrap();
    assert_eq!(
        needed,
        "the requested tables need LifecycleWorkflows.Read.All"
    );
    desk.lcw(&line.replace("doctor", "export")).run().with(0);
}

/// Nothing but a path or the like is wider than a terminal of 80 columns.
#[track_caller]
fn assert_fits(ended: &Ended) {
    for line in ended.stdout.lines() {
        let is_one_word = line.split_whitespace().count() == 1;
        assert!(line.chars().count() <= 80 || is_one_word, "{line}\n{ended}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn it_reads_well_in_eighty_columns() {
    let well = desk(&LEAST).await;
    let ended = well.lcw("doctor --out data").run().with(0);
    assert_fits(&ended);
    assert!(
        ended.stdout.ends_with("checks: 0 failed, 0 warnings\n"),
        "{ended}"
    );
    let ill = desk(&[roles::WORKFLOW_BASIC, "Directory.ReadWrite.All"]).await;
    let ended = ill.lcw("doctor --out data --expand subject").run().with(3);
    assert_fits(&ended);
    let remedies = ended.stdout.matches("      what to do: ").count();
    let wrong = ended
        .stdout
        .lines()
        .filter(|line| line.starts_with("FAIL") || line.starts_with("warn"));
    assert_eq!(remedies, wrong.count(), "a remedy for each\n{ended}");
}

/// Where nobody answers.
const CLOSED: &str = "http://127.0.0.1:9/token";

/// A way to sign in, further variables, the exit code, and what is said.
type Case = (
    &'static str,
    &'static [(&'static str, &'static str)],
    i32,
    &'static [&'static str],
);

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn credentials_that_are_not_to_be_had_here_hide_nothing_else() {
    let desk = desk(&LEAST).await;
    let base = format!("doctor --out data {}", desk.urls());
    let cases: [Case; 4] = [
        (
            "managed-identity",
            &[("IDENTITY_ENDPOINT", CLOSED), ("IDENTITY_HEADER", "canary")],
            1,
            &["127.0.0.1:9", "managed identities are there on Azure only"],
        ),
        (
            "managed-identity",
            &[("IDENTITY_ENDPOINT", CLOSED)],
            3,
            &["IDENTITY_HEADER", "certificate"],
        ),
        ("azure-cli", &[("PATH", "/nowhere")], 3, &["az"]),
        (
            "device-code",
            &[],
            3,
            &["AZURE_TENANT_ID", "AZURE_CLIENT_ID"],
        ),
    ];
    for (auth, variables, code, says) in cases {
        let lcw = || {
            let lcw = desk.bare(&base).words(&format!("--auth {auth}"));
            variables
                .iter()
                .fold(lcw, |lcw, (name, value)| lcw.env(name, value))
        };
        let found = lcw().words("--json").run().with(code).json();
        let token = check(&found, "token");
        assert_eq!(token["status"], "fail", "{auth}: {found:#}");
        assert!(token["remedy"].is_string(), "{auth}: {found:#}");
        let text = token.to_string();
        for part in says {
            assert!(text.contains(part), "{auth}: no {part:?}: {text}");
        }
        assert_eq!(check(&found, "folder")["status"], "pass");
        let ended = lcw().run().with(code);
        assert_fits(&ended);
        assert!(!ended.to_string().contains("canary"), "{ended}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_nobody_knows_of_a_cloud_is_said() {
    let desk = Desk::new().await;
    let found = desk
        .bare("doctor --cloud china --json")
        .run()
        .with(3)
        .json();
    let cloud = &found["checks"][0];
    assert_eq!(
        (&cloud["name"], &cloud["status"]),
        (&"cloud".into(), &"pass".into())
    );
    assert!(cloud["message"].as_str().unwrap().contains("older pages"));
    let found = desk.bare("doctor --json").run().with(3).json();
    assert_ne!(found["checks"][0]["name"], "cloud");
}
