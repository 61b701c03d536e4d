//! No secret, token, next link, subject or name in anything that the program writes but the tables,
//! whatever goes wrong; nor where other processes can look.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use lcw_simulator::{
    DeviceOutcome, Endpoint, Fault, FaultRule, Pages, RetryAfter, Simulator, TenantConfig, When,
};
use lcw_tests::canaries::{self, assert_none};
use lcw_tests::compact;
use lcw_tests::impostor::{Heard, Impostor, TENANT, TOKEN, answer, one_run, one_run_or_404};
use tempfile::TempDir;

use crate::desk::{Desk, contents, data_files};
use crate::program::{Ended, Lcw};

/// The subject of the impostor's one result, and names that services use for people.
const SUBJECT: &str = "5ec7e7b0-1111-4222-8333-44445555beef";
const UPN: &str = "ada.canary@contoso.example";

/// What the program said, and what it left in `folder` beside the tables.
fn assert_quiet(what: &str, ended: &Ended, folder: &Path, canaries: &BTreeSet<String>) {
    assert_none(&format!("stdout of {what}"), &ended.stdout, canaries);
    assert_none(&format!("stderr of {what}"), &ended.stderr, canaries);
    for (path, bytes) in contents(folder) {
        let shown = path.display().to_string();
        assert_none("the name of a file", &shown, canaries);
        if let Some(bytes) = bytes.filter(|_| shown.starts_with('_')) {
            assert_none(&shown, &String::from_utf8_lossy(&bytes), canaries);
        }
    }
}

/// What passes, often, and what does not, on a few runs each. Nothing that is waited for long.
fn faults(tenant: &Simulator) {
    let lasting = [
        Fault::ForeignNextLink {
            origin: "http://user:canary-password@127.0.0.1:9".to_owned(),
        },
        Fault::NextLinkLoop { period: 1 },
        Fault::ExpiredSkipToken { status: 400 },
        Fault::NotFound,
        Fault::Forbidden,
    ];
    let truth = tenant.truth();
    let step = truth.results.len() / lasting.len();
    for (nth, fault) in lasting.into_iter().enumerate() {
        let run = &truth.results[nth * step].run_id;
        let rule = FaultRule::new(fault).on(Endpoint::RunResults);
        tenant.inject(rule.path_contains(run));
    }
    let passing = [
        Fault::status(503),
        Fault::gateway(502),
        Fault::ConnectionReset,
        Fault::TruncatedBody,
        Fault::CutGzip,
        Fault::MalformedJson,
        Fault::ErrorWithOk,
        Fault::HtmlWithOk,
        Fault::Unauthorized,
    ];
    for (fault, nth) in passing.into_iter().zip([7, 11, 13, 17, 19, 23, 29, 31, 37]) {
        tenant.inject(FaultRule::new(fault).when(When::Nth(nth)));
    }
}

/// Ways to sign in, by the variables and lines of a pipeline file that they need.
const WAYS: [(&str, &str); 8] = [
    ("secret", ""),
    ("secret", "client_secret_file = \"secret\""),
    ("token", ""),
    ("certificate", "certificate_path = \"client.pem\""),
    (
        "certificate",
        "certificate_path = \"client.pfx\"\ncertificate_password_file = \"password\"",
    ),
    ("federated", "federated_token_file = \"federated\""),
    ("managed-identity", ""),
    ("device-code", ""),
];

/// The program, signed in in one of the ways, and everything that proves an identity here.
fn sign_in(desk: &Desk, (auth, lines): (&str, &str)) -> (Lcw, BTreeSet<String>) {
    let federated = desk.tenant.rotate_federated_token();
    let password = Simulator::client_certificate_password();
    desk.write("secret", desk.tenant.client_secret());
    desk.write("client.pem", Simulator::client_certificate_pem());
    desk.write("client.pfx", Simulator::client_certificate_pfx());
    desk.write("password", password);
    desk.write("federated", &federated);
    desk.write("p.toml", format!("[source]\nauth = \"{auth}\"\n{lines}\n"));
    let token = desk.tenant.issue_token();
    // Whoever signs in by code has not consented to more than the tables need.
    let line = match auth {
        "device-code" => "export p.toml --out data",
        _ => "export p.toml --out data --expand subject",
    };
    let mut lcw = desk
        .bare(&format!("{line} {}", desk.quickly()))
        .env("AZURE_TENANT_ID", desk.tenant.tenant_id())
        .env("AZURE_CLIENT_ID", desk.tenant.client_id())
        .env("RUST_LOG", "trace");
    if auth == "secret" && lines.is_empty() {
        lcw = lcw.env("AZURE_CLIENT_SECRET", desk.tenant.client_secret());
    }
    if auth == "token" {
        lcw = lcw.env("LCW_ACCESS_TOKEN", &token);
    }
    if auth == "managed-identity" {
        lcw = lcw
            .env("IDENTITY_ENDPOINT", desk.tenant.identity_endpoint())
            .env("IDENTITY_HEADER", desk.tenant.identity_header());
    }
    let pem = Simulator::client_certificate_pem().lines();
    let mut canaries: BTreeSet<String> = pem
        .filter(|line| line.len() == 64)
        .map(str::to_owned)
        .collect();
    let proofs = [&federated, &token].map(|token| token.rsplit('.').nth(1).unwrap());
    canaries.extend(proofs.map(str::to_owned));
    let header = desk.tenant.identity_header();
    canaries.extend([password, header, "sim-device-", "sim-refresh-", "canary"].map(str::to_owned));
    (lcw, canaries)
}

fn config() -> TenantConfig {
    let mut config = TenantConfig {
        now: jiff::Timestamp::now(),
        ..compact(121)
    };
    config.paging.page_size = 1..=3;
    config.access.device.interval = std::time::Duration::from_secs(1);
    config.access.device.outcome = DeviceOutcome::Accepted;
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_export_that_meets_every_fault_says_nothing_it_should_not() {
    for (nth, way) in WAYS.into_iter().enumerate() {
        let desk = Desk::of(config()).await;
        faults(&desk.tenant);
        let (lcw, mut canaries) = sign_in(&desk, way);
        let more = ["", "--log-format json --json"][nth % 2];
        let ended = lcw.words(more).run();
        // A ready token cannot be renewed: the first 401 is the end of it.
        let code = if way.0 == "token" { 3 } else { 4 };
        let ended = ended.with(code);
        canaries.extend(canaries::of(&desk.tenant));
        // All of it was heard, that of the HTTP client included.
        ended.says(&[
            "TRACE",
            "checkout waiting for idle connection",
            "asking again",
        ]);
        assert_quiet(&format!("{way:?}"), &ended, &desk.data(), &canaries);
    }
}

/// Whom the rows are about is in the tables; what proves an identity, or leads to a next page, is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_secret_gets_into_the_tables() {
    let desk = Desk::of(config()).await;
    faults(&desk.tenant);
    let load = "[load]\nformat = \"ndjson\"\ncompression = \"none\"\nkeep_raw = true\n";
    desk.write("p.toml", load);
    desk.lcw("export p.toml --out data").run().with(4);
    let secrets = canaries::secrets(&desk.tenant);
    assert!(secrets.len() > 10, "{secrets:?}");
    let mut rows = 0;
    for (path, bytes) in data_files(&desk.data()) {
        let text = String::from_utf8(bytes.unwrap()).unwrap();
        rows += text
            .lines()
            .filter(|line| line.contains("_lcw_raw"))
            .count();
        assert_none(&path.display().to_string(), &text, &secrets);
    }
    assert!(rows > 100, "{rows}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_export_that_ends_early_says_nothing_it_should_not() {
    for (nth, (pages, fault)) in [
        (Pages::First, Fault::Unauthorized),
        (Pages::Further, Fault::Forbidden),
        (Pages::First, Fault::status(400)),
        (Pages::Further, Fault::NotFound),
        (Pages::Any, Fault::Throttled(RetryAfter::seconds(1_000_000))),
        (
            Pages::Further,
            Fault::Redirect {
                origin: "http://canary:canary@127.0.0.1:9".to_owned(),
            },
        ),
    ]
    .into_iter()
    .enumerate()
    {
        for endpoint in [Endpoint::Workflows, Endpoint::Runs, Endpoint::RunResults] {
            let desk = Desk::of(config()).await;
            let rule = FaultRule::new(fault.clone()).on(endpoint);
            desk.tenant.inject(rule.pages(pages));
            let (lcw, mut canaries) = sign_in(&desk, WAYS[0]);
            let ended = lcw.words(["", "--log-format json --json"][nth % 2]).run();
            assert_ne!(ended.code, Some(0), "{fault:?}: {ended}");
            canaries.extend(canaries::of(&desk.tenant));
            let what = format!("{fault:?} at {endpoint:?}");
            assert_quiet(&what, &ended, &desk.data(), &canaries);
        }
    }
}

/// A refusal that says back what it was asked, and about whom.
fn echo(request: &Heard, status: u16) -> Vec<u8> {
    let bearer = request.header("authorization").unwrap_or_default();
    let token = bearer.trim_start_matches("Bearer ");
    let said = if token.is_empty() {
        &request.body
    } else {
        token
    };
    let secret = said.split("client_secret=").last().unwrap();
    let secret = secret.split('&').next().unwrap();
    let message = format!(
        "{secret} {bearer} was refused for {SUBJECT}, w_{SUBJECT}_7 and '{UPN}' ({secret})"
    );
    let mut body = serde_json::json!({
        "error": {
            "code": format!("Bad-{secret}-{SUBJECT}"), "message": message,
            "innerError": { "request-id": secret, "client-request-id": secret },
        },
        "error_description": message, "correlation_id": secret, "message": message,
    });
    if request.path().ends_with("/token") {
        body["error"] = serde_json::json!(secret);
    }
    let headers = [
        ("request-id", secret),
        ("retry-after", secret),
        ("x-canary", secret),
    ];
    answer(status, &headers, &body.to_string())
}

const SECRET: &str = "cAnArY-client~secret.0";
const OPAQUE: &str = "0pAqUe-ready-t0ken";

fn at(folder: &TempDir, service: &Impostor, line: &str) -> Lcw {
    let origin = service.origin();
    let text = "[extract]\ndeadline = \"2s\"\ntables = [\"user_processing_results\"]\n";
    std::fs::write(folder.path().join("p.toml"), text).unwrap();
    Lcw::new(folder.path(), &format!("export p.toml --out data {line}"))
        .words(&format!("--graph-url {origin} --authority-url {origin}"))
        .env("AZURE_TENANT_ID", TENANT)
        .env("AZURE_CLIENT_ID", "client")
        .env("RUST_LOG", "trace")
}

/// What a service at this path says back. A token service hears of no subject, and its refusals are
/// looked up by the ids in them.
fn echoed(part: &str) -> BTreeSet<String> {
    let secrets = [SECRET, OPAQUE, "cAnArY", TOKEN].into_iter();
    let mut canaries: BTreeSet<String> =
        secrets.chain(TOKEN.split('.')).map(str::to_owned).collect();
    if part != "/token" {
        canaries.extend([SUBJECT, UPN, "canary"].map(str::to_owned));
    }
    canaries
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_service_that_says_everything_back_is_not_repeated() {
    let listings = ["/workflows", "/runs", "/userProcessingResults", "/token"];
    for (nth, status) in [400, 401, 403, 404, 418, 429].into_iter().enumerate() {
        for part in listings {
            let service = Impostor::start(move |_, request| {
                if request.path().ends_with(part) {
                    echo(request, status)
                } else {
                    one_run_or_404(request)
                }
            })
            .await;
            let folder = tempfile::tempdir().unwrap();
            let line = ["", "--log-format json --json"][nth % 2];
            let by_secret = at(&folder, &service, line).env("AZURE_CLIENT_SECRET", SECRET);
            let by_token = at(&folder, &service, line).env("LCW_ACCESS_TOKEN", OPAQUE);
            for lcw in [by_secret, by_token] {
                let ended = lcw.run();
                let what = format!("{status} at {part}");
                assert_quiet(&what, &ended, &folder.path().join("data"), &echoed(part));
            }
            let heard = format!("{:?}", service.heard());
            assert!(heard.contains("cAnArY-client"), "the secret was sent");
            assert!(
                heard.contains(OPAQUE) || part == "/token" || status == 401,
                "the token was sent"
            );
        }
    }
}

/// Good answers that are damaged just where a secret or a person stands.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_damaged_answer_is_not_repeated() {
    for body in [
        format!("{{\"value\": [{{\"id\": \"{SUBJECT}\", \"x\": \"{TOKEN}\""),
        format!("{{\"value\": \"{SUBJECT} {UPN}\"}}"),
        format!("{{\"value\": [\"{SUBJECT}\", {{\"{UPN}\": 1}}]}}"),
        format!("{{\"value\": [{{\"id\": {{\"of\": \"{SUBJECT}\"}}}}]}}"),
        format!("{{\"value\": [{{\"id\": \"1\", \"subject\": \"{SUBJECT}\"}}]}}"),
        format!("{{\"value\": [], \"@odata.nextLink\": \"{UPN}\"}}"),
        format!("<html>{SUBJECT} {TOKEN}</html>"),
        UPN.to_owned(),
    ] {
        let damaged = body.clone();
        let service = Impostor::start(move |_, request| {
            if request.path().ends_with("/userProcessingResults") {
                answer(200, &[], &damaged)
            } else {
                one_run_or_404(request)
            }
        })
        .await;
        for line in [
            "",
            "--log-format json --json",
            "--on-drift quarantine --json",
        ] {
            let folder = tempfile::tempdir().unwrap();
            let lcw = at(&folder, &service, line).env("AZURE_CLIENT_SECRET", SECRET);
            let ended = lcw.run();
            assert_ne!(ended.code, Some(0), "{body}: {ended}");
            let data = folder.path().join("data");
            // What is set aside is set aside whole.
            drop(std::fs::remove_dir_all(data.join("_quarantine")));
            assert_quiet(&body, &ended, &data, &echoed(""));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn other_processes_see_no_secret() {
    let desk = Desk::today().await;
    let folder = desk.folder().join("bin");
    std::fs::create_dir(&folder).unwrap();
    let token = desk.tenant.issue_token();
    let end = jiff::Timestamp::now().as_second() + 3_600;
    let script = format!(
        "#!/bin/sh\ncat /proc/$$/environ /proc/$$/cmdline /proc/$PPID/cmdline > seen\n\
         echo '{{\"accessToken\": \"{token}\", \"expires_on\": {end}}}'\n"
    );
    std::fs::write(folder.join("az"), script).unwrap();
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.join("az"), executable).unwrap();
    let lcw = desk.bare(&format!("plan export --auth azure-cli {}", desk.quickly()));
    let mut lcw = lcw
        .env("PATH", format!("{}:/usr/bin:/bin", folder.display()))
        .env("AZURE_TENANT_ID", desk.tenant.tenant_id())
        .env("HOME", "/nowhere");
    let secrets = [
        "LCW_ACCESS_TOKEN",
        "AZURE_CLIENT_SECRET",
        "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    ];
    for name in secrets {
        lcw = lcw.env(name, "canary-of-the-environment");
    }
    lcw.run().with(0);
    let seen = std::fs::read(desk.folder().join("seen")).unwrap();
    let seen = String::from_utf8_lossy(&seen).into_owned();
    assert!(
        seen.contains("get-access-token") && seen.contains("plan\0export"),
        "{seen:?}"
    );
    assert!(seen.contains("HOME=/nowhere"), "{seen:?}");
    assert!(!seen.contains("canary"), "{seen:?}");
}

/// The one way to make the program panic from outside: threads that no machine has room for.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_panic_says_where_and_not_what_about() {
    let desk = Desk::new().await;
    for backtrace in ["0", "1"] {
        let lcw = desk.lcw("export --out data").env("RUST_LOG", "trace");
        let lcw = lcw.env("RUST_MIN_STACK", (1_u64 << 60).to_string());
        let ended = lcw.env("RUST_BACKTRACE", backtrace).run().with(1);
        ended.says(&[
            "error: lcw has met a defect of its own, at ",
            ".rs:",
            "what to do: ",
        ]);
        // It is made of what the system said, and so might be of anything.
        assert!(!ended.stderr.contains("spawn worker thread"), "{ended}");
        assert!(
            !ended.stderr.contains(desk.tenant.client_secret()),
            "{ended}"
        );
        let has_trace = ended.stderr.contains("src/main.rs");
        assert_eq!(has_trace, backtrace == "1", "{ended}");
    }
    assert!(!desk.data().exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_identity_of_a_machine_is_asked_for_at_home_only_and_only_when_it_is_named() {
    let desk = Desk::new().await;
    let service = Impostor::start(|_, request| match one_run(request) {
        Some(body) => answer(200, &[], &body.to_string()),
        None => answer(404, &[], "{}"),
    })
    .await;
    let own = service.origin().trim_start_matches("http://").to_owned();
    let endpoints = [
        "http://169.254.169.254.evil.example/".to_owned(),
        "http://evil.example/metadata/identity/oauth2/token".to_owned(),
        "http://10.0.0.1/".to_owned(),
        "http://[fd00::1]/".to_owned(),
        "http://[2001:db8::1]/".to_owned(),
        "http://0.0.0.0/".to_owned(),
        format!("http://user:password@{own}/"),
        format!("http://evil.example@{own}/"),
        format!("http://{own}@evil.example/"),
        format!("http://{own}/?resource=https://evil.example"),
        format!("http://{own}/#x"),
        format!("ftp://{own}/"),
        format!("//{own}/"),
        "file:///etc/passwd".to_owned(),
        "canary".to_owned(),
        "\u{1b}[31m".to_owned(),
    ];
    for endpoint in &endpoints {
        for (endpoint_name, header_name) in [
            ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"),
            ("AZURE_POD_IDENTITY_AUTHORITY_HOST", "MSI_SECRET"),
        ] {
            let line = format!("export --out data {}", desk.quickly());
            let lcw = |more: &str| {
                desk.bare(&format!("{line} {more}"))
                    .env(endpoint_name, endpoint)
                    .env(header_name, "canary-header")
                    .env("MSI_ENDPOINT", endpoint)
                    .env("IMDS_ENDPOINT", endpoint)
            };
            let named = lcw("--auth managed-identity").run().with(2);
            assert!(!named.stderr.contains("canary"), "{named}");
            // Not named, it is not even looked at.
            lcw("").run().with(3).says(&["no credentials"]);
        }
    }
    assert_eq!(service.heard().len() + desk.tenant.requests().len(), 0);
}
