//! What `lcw verify --repair-plan` prints can be run as it is, and puts everything in order.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use lcw_pipeline::{FileFormat, NdjsonCompression};
use lcw_simulator::{Simulator, TenantConfig};
use lcw_tests::compact;
use lcw_tests::damage::{flip, rewrite};
use lcw_transform::Table;

use crate::desk::{Desk, NDJSON, data_files};
use crate::program::{Ended, LCW, Lcw};

/// The program under the name that commands give it, told where the simulated service is.
fn install(desk: &Desk) -> String {
    let bin = desk.folder().join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    let script = format!("#!/bin/sh\nexec {LCW} \"$@\" {} --quiet\n", desk.quickly());
    let program = bin.join("lcw");
    std::fs::write(&program, script).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&program, mode).unwrap();
    }
    format!("{}:{}", bin.display(), std::env::var("PATH").unwrap())
}

/// Runs a plan like a person would who has saved it.
fn carry_out(desk: &Desk, plan: &str) -> Ended {
    desk.write("plan.sh", plan);
    let mut shell = Command::new("sh");
    shell.args(["-e", "plan.sh"]);
    Lcw::of(shell, desk.folder())
        .env("PATH", install(desk))
        .env("AZURE_TENANT_ID", desk.tenant.tenant_id())
        .env("AZURE_CLIENT_ID", desk.tenant.client_id())
        .env("AZURE_CLIENT_SECRET", desk.tenant.client_secret())
        .run()
}

fn file_of(desk: &Desk, table: &str, nth: usize) -> PathBuf {
    let files = data_files(&desk.data()).into_keys();
    let mut files = files.filter(|path| path.starts_with(table));
    desk.data().join(files.nth(nth).unwrap())
}

fn day_of(path: &Path) -> jiff::civil::Date {
    let text = path.to_string_lossy();
    let (_, rest) = text.split_once("run_date=").unwrap();
    rest[..10].parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_plan_puts_everything_in_order() {
    for (format, flags) in [
        (FileFormat::Parquet, "--out data"),
        (NDJSON, "--format ndjson --out data"),
    ] {
        let desk = Desk::today().await;
        desk.lcw(&format!("export {flags}")).run().with(0);
        desk.assert_whole(format);
        // Damaged, gone, in the way, and without a row that only reading finds missing.
        let runs = file_of(&desk, "runs", 2);
        flip(&runs, 1_234);
        flip(&file_of(&desk, "workflows", 0), 99);
        std::fs::remove_file(file_of(&desk, "user_processing_results", 3)).unwrap();
        flip(&file_of(&desk, "task_processing_results", 4), 4_321);
        std::fs::write(runs.with_file_name("part 1'.parquet"), "?").unwrap();
        let short = file_of(&desk, "user_processing_results", 6);
        let tenant = desk.tenant.tenant_id();
        let table = Table::UserProcessingResults;
        rewrite(
            &desk.data(),
            format,
            tenant,
            table,
            day_of(&short),
            |rows| {
                rows.iter()
                    .map(|it| it.slice(0, it.num_rows() - 1))
                    .collect()
            },
        );
        let verify = |more: &str| desk.bare(&format!("verify --out data --deep {more}")).run();
        let found = verify("--json").with(1).json();
        let classes = found["findings"].as_array().unwrap().iter();
        let mut classes: Vec<_> = classes.map(|it| it["class"].as_str().unwrap()).collect();
        classes.sort_unstable();
        let expected = [
            "changed",
            "changed",
            "changed",
            "child_rows_missing",
            "missing",
            "stray",
        ];
        assert_eq!(classes, expected, "{found:#}");

        let plan = verify("--repair-plan").with(1);
        assert_eq!(plan.stderr, "", "{plan}");
        let lines: Vec<&str> = plan.stdout.lines().collect();
        assert!(
            lines
                .iter()
                .all(|it| it.starts_with("mkdir ") || it.starts_with("lcw ")),
            "{plan}"
        );
        carry_out(&desk, &plan.stdout).with(0);
        let after = verify("").with(0);
        assert!(after.stdout.contains("good: "), "{after}");
        desk.assert_whole(format);
        let away = desk.data().join("_damaged");
        assert_eq!(crate::desk::contents(&away).values().flatten().count(), 4);
        assert_eq!(verify("--repair-plan").with(0).stdout, "");
        // What was repaired is an ordinary dataset.
        desk.tenant.advance(Duration::from_hours(24));
        desk.lcw(&format!("export {flags}")).run().with(0);
        verify("").with(0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_plan_says_what_a_dataset_was_made_with() {
    let desk = Desk::today().await;
    let loader = FileFormat::Ndjson(NdjsonCompression::Gzip).loader();
    assert_eq!(loader.compression(), "gzip");
    desk.write(
        "p.toml",
        "[load]\nformat = \"ndjson\"\ncompression = \"gzip\"\nout = \"my data\"\n",
    );
    let tables = "--table runs --table task_reports --table task_definitions --expand subject";
    desk.lcw(&format!("export p.toml {tables}")).run().with(0);
    let out = desk.folder().join("my data");
    let definitions = data_files(&out).into_keys();
    let mut definitions = definitions.filter(|it| it.starts_with("task_definitions"));
    flip(&out.join(definitions.next().unwrap()), 99);
    let reports = data_files(&out).into_keys();
    let mut reports = reports.filter(|it| it.starts_with("task_reports"));
    std::fs::remove_file(out.join(reports.next().unwrap())).unwrap();
    let verify = |more: &[&str]| {
        let lcw = desk.bare("verify").arg("--out").arg("my data");
        more.iter().fold(lcw, Lcw::arg).run()
    };
    let plan = verify(&["--repair-plan"]).with(1).stdout;
    for part in [
        "'my data/_damaged/",
        "repair.toml",
        "compression = ",
        "--format ndjson",
        "--expand subject",
        "--table task_reports",
        "--table task_definitions",
        "--out 'my data'",
    ] {
        assert!(plan.contains(part), "{part}: {plan}");
    }
    carry_out(&desk, &plan).with(0);
    verify(&["--deep"]).with(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_two_tenants_the_damaged_one_is_named() {
    let desk = Desk::today().await;
    desk.export();
    let other = TenantConfig {
        now: jiff::Timestamp::now(),
        ..compact(7)
    };
    let other = Desk::with(Simulator::start(other).await.unwrap());
    let line = format!("export --json --out {}", desk.data().display());
    other.lcw(&line).run().with(0);
    desk.bare("verify --out data --deep").run().with(0);
    let tenant = desk.tenant.tenant_id();
    let files = data_files(&desk.data()).into_keys();
    let runs = |path: &PathBuf| path.starts_with("runs") && path.to_string_lossy().contains(tenant);
    let damaged = files.filter(runs).nth(1).unwrap();
    flip(&desk.data().join(damaged), 500);
    let found = desk.bare("verify --out data --json").run().with(1).json();
    assert_eq!(found["findings"].as_array().unwrap().len(), 1, "{found:#}");
    assert_eq!(found["findings"][0]["tenant_id"], tenant);
    let plan = desk
        .bare("verify --out data --repair-plan")
        .run()
        .with(1)
        .stdout;
    assert!(plan.contains(&format!("--tenant-id {tenant}")), "{plan}");
    carry_out(&desk, &plan).with(0);
    desk.bare("verify --out data --deep").run().with(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_the_service_has_forgotten_is_left_where_it_is() {
    let long_ago = jiff::Timestamp::now() - Duration::from_hours(60 * 24);
    let config = TenantConfig {
        now: long_ago,
        ..compact(3)
    };
    let desk = Desk::with(Simulator::start(config).await.unwrap());
    desk.export();
    let runs = file_of(&desk, "runs", 1);
    flip(&runs, 1_000);
    let before = data_files(&desk.data());
    let plan = desk.bare("verify --out data --repair-plan").run().with(1);
    assert_eq!(plan.stdout, "", "{plan}");
    let day = day_of(&runs).to_string();
    plan.says(&[
        "forgotten",
        &day,
        "a backup, or a snapshot that verify finds whole",
    ]);
    let text = desk.bare("verify --out data").run().with(1).stdout;
    assert!(
        text.contains(&format!("forgotten by the service: {day}")),
        "{text}"
    );
    assert!(data_files(&desk.data()) == before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_damaged_manifest_is_for_a_person_and_moves_no_file() {
    let desk = Desk::today().await;
    desk.export();
    let manifest = std::fs::read_dir(desk.data().join("_manifests")).unwrap();
    let manifest = manifest.map(|it| it.unwrap().path()).next().unwrap();
    std::fs::write(&manifest, "{").unwrap();
    let plan = desk.bare("verify --out data --repair-plan").run().with(1);
    assert_eq!(plan.stdout, "", "{plan}");
    let name = manifest.file_name().unwrap().to_str().unwrap();
    plan.says(&["no command puts", name]);
}
