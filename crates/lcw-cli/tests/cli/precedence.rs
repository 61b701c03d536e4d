//! Flag wins over environment, environment over pipeline file, file over default.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;

use lcw_pipeline::FileFormat;
use lcw_transform::Table;

use crate::desk::{Desk, NDJSON};
use crate::program::{Lcw, until};

const OTHER: &str = "00000000-1111-2222-3333-444444444444";

/// Three ways to say the same thing, each rightly, wrongly or not at all.
#[derive(Clone, Copy, PartialEq)]
enum Said {
    Rightly,
    Wrongly,
    Not,
}

use Said::{Not, Rightly, Wrongly};

/// Who wins: flag, environment, file; and what comes of it.
const CASES: [(Said, Said, Said, bool); 7] = [
    (Rightly, Wrongly, Wrongly, true),
    (Wrongly, Rightly, Rightly, false),
    (Not, Rightly, Wrongly, true),
    (Not, Wrongly, Rightly, false),
    (Rightly, Not, Wrongly, true),
    (Not, Not, Rightly, true),
    (Not, Not, Not, false),
];

/// Tries the cases for a setting that exists in all three places.
fn try_all(
    desk: &Desk,
    cases: &[(Said, Said, Said, bool)],
    (flag, variable, key): (&str, &str, &str),
    (right, wrong): (&str, &str),
    lcw: impl Fn(&Desk) -> Lcw,
) {
    for &(by_flag, by_variable, by_file, works) in cases {
        let value = |said| match said {
            Rightly => Some(right),
            Wrongly => Some(wrong),
            Not => None,
        };
        let key = value(by_file).map(|value| format!("{key} = \"{value}\"\n"));
        let text = format!(
            "[source]\ngraph_url = \"{}\"\n{}",
            desk.tenant.origin(),
            key.unwrap_or_default()
        );
        desk.write("p.toml", text);
        let mut lcw = lcw(desk).arg("p.toml").without(variable);
        if let Some(value) = value(by_variable) {
            lcw = lcw.env(variable, value);
        }
        if let Some(value) = value(by_flag) {
            lcw = lcw.arg(flag).arg(value);
        }
        let ended = lcw.run();
        assert_eq!(ended.code == Some(0), works, "{flag}: {ended}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_who_signs_in() {
    let desk = Desk::new().await;
    let origin = desk.tenant.origin().to_owned();
    let plan = format!("plan export --requests-per-second unlimited --authority-url {origin}");
    let plan = |desk: &Desk| desk.with_secret(&plan);
    let setting = ("--tenant-id", "AZURE_TENANT_ID", "tenant_id");
    try_all(
        &desk,
        &CASES,
        setting,
        (desk.tenant.tenant_id(), OTHER),
        plan,
    );
    let setting = ("--client-id", "AZURE_CLIENT_ID", "client_id");
    try_all(
        &desk,
        &CASES,
        setting,
        (desk.tenant.client_id(), OTHER),
        plan,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_where_to_sign_in() {
    let desk = Desk::new().await;
    let setting = ("--authority-url", "AZURE_AUTHORITY_HOST", "authority_url");
    let plan = |desk: &Desk| desk.with_secret("plan export --requests-per-second unlimited");
    let values = (desk.tenant.origin(), "http://login.example");
    // Without any of them the real login service would be asked.
    let cases = &CASES[..CASES.len() - 1];
    try_all(&desk, cases, setting, values, plan);
}

/// What the program asks a proxy for first.
fn first_connection(lcw: impl FnOnce(String) -> Lcw) -> String {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", proxy.local_addr().unwrap());
    let mut program = lcw(url).start();
    proxy.set_nonblocking(true).unwrap();
    let mut accepted = None;
    until("a connection, or an end without one", || {
        accepted = proxy.accept().ok();
        accepted.is_some() || program.has_ended()
    });
    let Some((stream, _)) = accepted else {
        panic!("{}", program.end());
    };
    stream.set_nonblocking(false).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_the_cloud_and_the_proxy() {
    let desk = Desk::new().await;
    let origin = desk.tenant.origin();
    let china = "CONNECT login.chinacloudapi.cn:443 ";
    let file = format!("[source]\ncloud = \"usgov\"\ngraph_url = \"{origin}\"\n");
    desk.write("p.toml", format!("{file}authority_url = \"{origin}\"\n"));
    let line = first_connection(|proxy| {
        desk.with_secret("export p.toml --cloud china")
            .env("AZURE_AUTHORITY_HOST", origin)
            .env("HTTPS_PROXY", proxy)
    });
    assert!(line.starts_with(china), "{line}");
    desk.write("p.toml", file);
    let line =
        first_connection(|proxy| desk.with_secret("export p.toml").env("HTTPS_PROXY", proxy));
    assert!(
        line.starts_with("CONNECT login.microsoftonline.us:443 "),
        "{line}"
    );
    let line = first_connection(|proxy| {
        desk.write("p.toml", format!("[source]\nproxy = \"{proxy}\"\n"));
        let lcw = desk.with_secret("export p.toml");
        lcw.env("HTTPS_PROXY", "http://127.0.0.1:1")
            .env("AZURE_AUTHORITY_HOST", "login.chinacloudapi.cn")
    });
    assert!(line.starts_with(china), "{line}");
    let line = first_connection(|proxy| desk.with_secret("export").env("HTTPS_PROXY", proxy));
    assert!(
        line.starts_with("CONNECT login.microsoftonline.com:443 "),
        "{line}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_the_secret() {
    let desk = Desk::today().await;
    let plan = format!("plan export p.toml {}", desk.quickly());
    let plan = || desk.with_secret(&plan).without("AZURE_CLIENT_SECRET");
    let file = |name| format!("[source]\nclient_secret_file = \"{name}\"\n");
    let secret = desk.tenant.client_secret();

    // From a file, whatever its last line ends with.
    for end in ["", "\n", "\r\n"] {
        desk.write("secret.txt", format!("{secret}{end}"));
        desk.write("p.toml", file("secret.txt"));
        plan().run().with(0);
    }
    // In the folder that systemd names, before the current one.
    std::fs::create_dir(desk.folder().join("credentials")).unwrap();
    desk.write("credentials/secret.txt", secret);
    desk.write("secret.txt", "wrong");
    let folder = desk.folder().join("credentials");
    plan().env("CREDENTIALS_DIRECTORY", &folder).run().with(0);
    plan().run().with(3).says(&["AADSTS7000215"]);
    // The environment wins over the file.
    plan().env("AZURE_CLIENT_SECRET", secret).run().with(0);
    desk.write("secret.txt", secret);
    let wrong = plan().env("AZURE_CLIENT_SECRET", "wrong");
    wrong.run().with(3).says(&["AADSTS7000215"]);
    // A ready token wins over a secret, unless a secret is asked for.
    let ready = || plan().env("LCW_ACCESS_TOKEN", "header.e30.signature");
    ready().run().with(3).says(&["LCW_ACCESS_TOKEN"]);
    desk.write(
        "p.toml",
        format!("{}auth = \"secret\"\n", file("secret.txt")),
    );
    ready().run().with(0);
    let token = format!("Bearer {}", desk.tenant.issue_token());
    desk.write("p.toml", file("nowhere.txt"));
    plan().env("LCW_ACCESS_TOKEN", token).run().with(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_folder_and_format() {
    let desk = Desk::new().await;
    let export = |line: &str| desk.lcw(line).run().with(0);
    let holds = |out: &str, format| {
        let out = desk.folder().join(out);
        desk.assert_holds(&out, format, &Table::DEFAULT);
    };
    export("export");
    holds("lcw-data", FileFormat::Parquet);
    desk.write(
        "p.toml",
        "[load]\nout = \"from-file\"\nformat = \"ndjson\"\n",
    );
    export("export p.toml");
    holds("from-file", NDJSON);
    export("export p.toml --out from-flag --format parquet");
    holds("from-flag", FileFormat::Parquet);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_the_request_rate() {
    let desk = Desk::new().await;
    let line = format!("plan export --json {}", desk.urls());
    let seconds = |flags: &str| {
        let plan = desk.with_secret(&line).words(flags).run().with(0).json();
        let requests = ["requests_to_list", "requests_to_fetch"];
        let requests: u64 = requests.iter().map(|key| plan[key].as_u64().unwrap()).sum();
        (requests, plan["seconds_at_full_rate"].as_u64())
    };
    let at = |rate: u64, requests: u64| Some(requests.div_ceil(rate));
    let (requests, by_default) = seconds("");
    assert_eq!(by_default, at(50, requests));
    desk.write("p.toml", "[extract]\nrequests_per_second = 20\n");
    assert_eq!(seconds("p.toml"), (requests, at(20, requests)));
    let flag = "p.toml --requests-per-second";
    assert_eq!(
        seconds(&format!("{flag} 100")),
        (requests, at(100, requests))
    );
    assert_eq!(seconds(&format!("{flag} unlimited")), (requests, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_tables_and_api_version() {
    let desk = Desk::new().await;
    let tables = "tables = [\"runs\"]\n";
    desk.write(
        "p.toml",
        format!("[source]\napi_version = \"beta\"\n[extract]\n{tables}"),
    );
    let asked = |line: &str| {
        desk.tenant.reset_requests();
        let summary = desk.lcw(line).words("--json").run().with(0).json();
        let requests = desk.tenant.requests();
        let is_beta = requests
            .iter()
            .any(|request| request.path.starts_with("/beta/"));
        (is_beta, summary["tables"].as_object().unwrap().len())
    };
    assert_eq!(asked("export --out a"), (false, Table::DEFAULT.len()));
    assert_eq!(asked("export p.toml --out b"), (true, 2));
    let flags = "--api-version v1.0 --table user_processing_results";
    assert_eq!(asked(&format!("export p.toml --out c {flags}")), (false, 3));
}
