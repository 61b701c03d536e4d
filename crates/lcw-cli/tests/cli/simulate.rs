//! The simulated tenant as a program of its own.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{LCW, Lcw, Running};

/// `lcw simulate`, and what it announced.
pub(crate) struct Simulated {
    pub(crate) folder: TempDir,
    program: Running,
    announced: Value,
}

impl Simulated {
    pub(crate) fn start(flags: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let line = format!("simulate --json {flags}");
        let program = Lcw::new(folder.path(), &line).start();
        let announced = serde_json::from_str(&program.stdout_until("}")).unwrap();
        Self {
            folder,
            program,
            announced,
        }
    }

    fn announced(&self, key: &str) -> &str {
        self.announced[key].as_str().unwrap()
    }

    pub(crate) fn origin(&self) -> &str {
        self.announced("graph_url")
    }

    /// The program with the tenant's credentials in its environment.
    pub(crate) fn with_secret(&self, line: &str) -> Lcw {
        Lcw::new(self.folder.path(), line)
            .env("AZURE_TENANT_ID", self.announced("tenant_id"))
            .env("AZURE_CLIENT_ID", self.announced("client_id"))
            .env("AZURE_CLIENT_SECRET", self.announced("client_secret"))
    }

    /// An export of the tenant.
    fn export(&self) -> Value {
        let line = "export --out data --json --requests-per-second unlimited";
        self.with_secret(line)
            .words(&format!("--graph-url {}", self.origin()))
            .words(&format!(
                "--authority-url {}",
                self.announced("authority_url")
            ))
            .run()
            .with(0)
            .json()
    }

    /// A request to the control surface.
    fn control(&self, method: &str, path: &str) -> Value {
        http(method, self.origin(), &format!("/_simulator{path}"))
    }
}

fn http(method: &str, origin: &str, path: &str) -> Value {
    let host = origin.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

#[test]
fn its_clock_and_its_faults_are_moved_over_http() {
    let tenant = Simulated::start("--port 0");
    let first = tenant.export();
    let runs = |summary: &Value, key: &str| summary["tables"]["runs"][key].as_u64().unwrap();
    assert!(runs(&first, "rows_new") > 100, "{first:#}");
    assert_eq!(runs(&tenant.export(), "rows_new"), 0);

    let before = tenant.control("GET", "");
    let after = tenant.control("POST", "/clock?advance=24h");
    assert!(before["now"].as_str() < after["now"].as_str(), "{after:#}");
    assert!(runs(&tenant.export(), "rows_new") > 0);

    tenant.control("POST", "/clock?advance=24h");
    tenant.control(
        "POST",
        "/faults?kind=gateway&status=503&endpoint=runs&times=2",
    );
    let third = tenant.export();
    assert_eq!(third["requests"]["retried"], 2);
    assert!(runs(&third, "rows_new") > 0);
    assert_eq!(tenant.control("GET", "")["faults"][0]["fired"], 2);
    assert_eq!(
        tenant.control("DELETE", "/faults")["faults"],
        serde_json::json!([])
    );
}

#[test]
fn what_it_prints_can_be_typed_as_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let program = Lcw::new(folder.path(), "simulate --port 0").start();
    let text = program.stdout_until("clock?advance") + &program.stdout_until("curl http");
    // As a shell has it: a line that ends so goes on in the next one.
    let text = text.replace("\\\n", "");
    let commands = |starts: [&'static str; 2]| -> Vec<&str> {
        let is_one = |line: &&str| starts.iter().any(|start| line.starts_with(start));
        text.lines().map(str::trim).filter(is_one).collect()
    };
    let script = commands(["export ", "lcw "]).join("\n");
    let bin = Path::new(LCW).parent().unwrap().to_str().unwrap();
    let sh = |script: &str| {
        let script = format!("PATH={bin}:$PATH\n{script}");
        let mut sh = Command::new("sh");
        sh.args(["-ec", &script]);
        Lcw::of(sh, folder.path()).run().with(0)
    };
    sh(&script);
    assert!(folder.path().join("lcw-data/_dataset.json").exists());
    let curls = commands(["curl ", "curl "]);
    assert_eq!(curls.len(), 4, "{text}");
    if Command::new("curl").arg("--version").output().is_ok() {
        sh(&curls.join(" --fail --silent\n"));
    }
}

#[test]
fn it_limits_the_rate_when_told_so() {
    let tenant = Simulated::start("--port 0 --limit 400 --seed 7");
    let state = tenant.control("GET", "");
    assert_eq!(state["limit"]["per_second"], 400.0);
    let other = Simulated::start("--port 0");
    assert_ne!(tenant.announced("tenant_id"), other.announced("tenant_id"));
}

#[test]
fn it_begins_at_the_time_it_is_told() {
    let tenant = Simulated::start("--port 0 --now 2030-01-31T12:00:00Z");
    let state = tenant.control("GET", "");
    assert!(
        state["now"]
            .as_str()
            .unwrap()
            .starts_with("2030-01-31T12:0"),
        "{state:#}"
    );
}

#[test]
fn a_signal_is_how_it_ends() {
    for (signal, code) in crate::signals::SIGNALS {
        let tenant = Simulated::start("--port 0");
        tenant.program.signal(signal);
        tenant.program.end().with(code);
    }
}

#[test]
fn a_port_that_is_taken_or_none_is_an_error() {
    let tenant = Simulated::start("--port 0");
    let port = tenant.origin().rsplit(':').next().unwrap();
    let again = Lcw::new(tenant.folder.path(), &format!("simulate --port {port}"));
    again.run().with(1).says(&[
        &format!("cannot listen on 127.0.0.1:{port}"),
        "Address already in use",
        "--port",
    ]);
    for flags in ["--port 99999", "--limit 0", "--now noon", "--seed x"] {
        let flag = flags.split(' ').next().unwrap();
        let refused = Lcw::new(Path::new("."), &format!("simulate {flags}"));
        refused.run().with(2).says(&[flag]);
    }
}
