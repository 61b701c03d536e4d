//! Whole exports in a process of their own: rows per second, rows per CPU second, peak memory,
//! bytes a row and requests, for 100,000 and 1,000,000 rows; then the same again with nothing new.
//!
//! The simulated tenant runs in this process and shares the machine's cores; its CPU is not counted.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark that fails has nothing to report"
)]

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use lcw_pipeline::{FileFormat, NdjsonCompression, Summary};
use lcw_simulator::{Simulator, TenantConfig};
use lcw_tests::Office;

const CLOCK_TICKS_PER_SECOND: f64 = 100.0;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).map(String::as_str) == Some("export") {
        return export_here(&arguments[2..]);
    }
    println!(
        "{:<34}{:>10}{:>12}{:>14}{:>10}{:>8}{:>10}",
        "export", "rows", "rows/s", "rows/CPU-s", "peak MiB", "B/row", "requests"
    );
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (workflows, runs) in [(10, 50), (20, 250)] {
        let config = TenantConfig::bench(workflows, runs, 200);
        let tenant = runtime.block_on(Simulator::start(config)).unwrap();
        for format in ["parquet", "ndjson"] {
            let folder = tempfile::tempdir().unwrap();
            for what in ["first", "nothing new"] {
                measure(&tenant, folder.path(), format, what);
            }
        }
    }
    ExitCode::SUCCESS
}

/// Runs one export as a child and prints its figures.
fn measure(tenant: &Simulator, folder: &Path, format: &str, what: &str) {
    let started = Instant::now();
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "export",
            tenant.origin(),
            tenant.tenant_id(),
            tenant.client_id(),
        ])
        .args([tenant.client_secret(), format])
        .arg(folder.join("data"))
        .output()
        .unwrap();
    let seconds = started.elapsed().as_secs_f64();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let figures: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = figures["rows"].as_f64().unwrap();
    let cpu = figures["cpu_seconds"].as_f64().unwrap();
    println!(
        "{:<34}{:>10}{:>12.0}{:>14.0}{:>10.0}{:>8.1}{:>10}   {seconds:.2} s, {cpu:.2} CPU-s",
        format!("{format}, {what}"),
        rows,
        rows / seconds,
        rows / cpu,
        figures["peak_mib"].as_f64().unwrap(),
        figures["bytes"].as_f64().unwrap() / rows,
        figures["requests"],
    );
}

/// What the child does.
fn export_here(arguments: &[String]) -> ExitCode {
    let [origin, tenant, client, secret, format, out] = arguments else {
        return ExitCode::FAILURE;
    };
    let format = match format.as_str() {
        "parquet" => FileFormat::Parquet,
        _ => FileFormat::Ndjson(NdjsonCompression::Zstd),
    };
    let mut office = Office::new(format);
    office.request.out = out.into();
    office.request.max_concurrency = 16;
    let client = office.sign_in_as(origin, tenant, client, secret);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let summary = runtime.block_on(office.run_with(client));
    if summary.exit_code != 0 {
        eprintln!("{summary:#?}");
        return ExitCode::FAILURE;
    }
    println!("{}", figures(&summary, Path::new(out)));
    ExitCode::SUCCESS
}

fn figures(summary: &Summary, out: &Path) -> serde_json::Value {
    let files = lcw_tests::data_files(out);
    let results = |path: &&std::path::PathBuf| path.to_string_lossy().contains("user_processing");
    serde_json::json!({
        "rows": summary.tables["user_processing_results"].rows_total,
        "requests": summary.requests.sent,
        "bytes": files.keys().filter(results).map(|path| files[path].0).sum::<u64>(),
        "peak_mib": peak_mib(),
        "cpu_seconds": cpu_seconds(),
    })
}

/// The kernel's peak of this process's resident memory.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<f64>()
        .unwrap()
        / 1024.0
}

/// User and system time of this process, all threads.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / CLOCK_TICKS_PER_SECOND
}
