//! `lcw forget`: people leave the dataset for good, and nothing else does.

use std::collections::{BTreeMap, BTreeSet};

use lcw_pipeline::{FileFormat, NdjsonCompression};
use lcw_simulator::{Endpoint, RunPlan};
use lcw_tests::{Facts, compact, facts, mistype};
use lcw_transform::{PseudonymKey, Table};
use serde_json::Value;

use crate::desk::{Desk, contents};
use crate::program::Ended;

const FORMATS: [(&str, FileFormat); 2] = [
    ("parquet", FileFormat::Parquet),
    ("ndjson", FileFormat::Ndjson(NdjsonCompression::None)),
];
const KEY: &str = "0123456789abcdef0123456789abcdef";
const STRANGER: &str = "5ec7e7b0-1111-4222-8333-44445555beef";

async fn desk(format: &str) -> Desk {
    let desk = Desk::of(compact(5)).await;
    let compression = match format {
        "ndjson" => "compression = \"none\"\n",
        _ => "",
    };
    let text = format!("[load]\nformat = \"{format}\"\n{compression}snapshot = \"snapshots\"\n");
    desk.write("p.toml", text);
    desk
}

/// The subject with rows in the most runs.
fn somebody(desk: &Desk) -> String {
    let mut runs = BTreeMap::<String, usize>::new();
    for result in desk.tenant.truth().results {
        let id = result.value["subject"]["id"].as_str().unwrap();
        *runs.entry(id.to_owned()).or_default() += 1;
    }
    let most = runs.into_iter().max_by_key(|(_, runs)| *runs);
    let (id, runs) = most.unwrap();
    assert!(runs > 1);
    id
}

fn tables(desk: &Desk, format: FileFormat) -> BTreeMap<Table, Facts> {
    let tenant = desk.tenant.tenant_id();
    let of = |table| (table, facts(&desk.data(), format, tenant, table));
    Table::DEFAULT.map(of).into()
}

/// The same tables without rows of this subject.
fn without(mut tables: BTreeMap<Table, Facts>, subject: &str) -> BTreeMap<Table, Facts> {
    for rows in tables.values_mut() {
        rows.retain(|_, row| row.get("subject_id") != Some(&Value::from(subject)));
    }
    tables
}

fn assert_gone(desk: &Desk, subject: &str, format: FileFormat) {
    for (path, bytes) in contents(&desk.data()) {
        let text = String::from_utf8_lossy(&bytes.unwrap_or_default()).to_lowercase();
        assert!(!text.contains(subject), "{}", path.display());
    }
    for (table, rows) in tables(desk, format) {
        let text = format!("{rows:?}").to_lowercase();
        assert!(!text.contains(subject), "{}", table.name());
    }
}

fn assert_good(desk: &Desk) -> Ended {
    let ended = desk.bare("verify --out data --deep --json").run();
    assert_eq!(ended.json()["findings"], serde_json::json!([]), "{ended}");
    ended.with(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn somebody_who_is_forgotten_is_gone_and_stays_so() {
    for (name, format) in FORMATS {
        let desk = desk(name).await;
        desk.lcw("export p.toml --out data").run().with(0);
        let ada = somebody(&desk);
        let before = tables(&desk, format);
        let expected = without(before.clone(), &ada);
        let rows = |tables: &BTreeMap<Table, Facts>| tables.values().map(Facts::len).sum::<usize>();
        let count = (rows(&before) - rows(&expected)) as u64;

        let folder = contents(desk.folder());
        let line = format!("forget p.toml --out data --subject {}", ada.to_uppercase());
        let plan = desk
            .bare(&line)
            .words("--dry-run --json")
            .run()
            .with(0)
            .json();
        assert_eq!(contents(desk.folder()), folder, "a dry run");
        let told = |summary: &Value| -> u64 {
            let files = summary["tenants"][0]["files"].as_array().unwrap();
            files
                .iter()
                .map(|file| file["rows_removed"].as_u64().unwrap())
                .sum()
        };
        assert_eq!(
            (told(&plan), &plan["found"]),
            (count, &true.into()),
            "{plan}"
        );

        let done = desk.bare(&line).words("--json").run().with(0);
        assert!(!format!("{done}").to_lowercase().contains(&ada), "{done}");
        let done = done.json();
        assert_eq!(done["tenants"][0]["files"], plan["tenants"][0]["files"]);
        assert!(tables(&desk, format) == expected, "only they are gone");
        assert_gone(&desk, &ada, format);
        assert_good(&desk);
        // The snapshot that the export made holds them still.
        assert_eq!(done["snapshots"].as_array().unwrap().len(), 1, "{done}");

        // Days without them are left alone.
        let touched: BTreeSet<String> = plan["tenants"][0]["files"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|file| file["run_date"].as_str().map(str::to_owned))
            .collect();
        let after = contents(desk.folder());
        for (path, bytes) in folder.iter().filter(|(path, _)| path.starts_with("data")) {
            let shown = path.to_string_lossy();
            let is_touched = touched.iter().any(|day| shown.contains(day));
            if shown.contains("run_date=") && !is_touched {
                assert!(after.get(path) == Some(bytes), "{shown}");
            }
        }

        // What comes again is left out, and proven all the same.
        let status = desk.bare("status --out data --json").run().with(0).json();
        assert_eq!(status["tenants"][0]["forgotten"], 1);
        assert_eq!(status["tenants"][0]["short_runs"], serde_json::json!([]));
        let backfill = "backfill p.toml --from T-30d --to T+1d --out data --json";
        let line = backfill
            .replace("T-30d", "2026-10-01")
            .replace("T+1d", "2027-01-01");
        for line in [
            "export p.toml --out data --json",
            &line,
            "export p.toml --out data --json",
        ] {
            let summary = desk.lcw(line).run().with(0).json();
            assert_eq!(summary["proof"]["short"], 0, "{summary}");
            assert_gone(&desk, &ada, format);
            assert_good(&desk);
        }
        assert!(tables(&desk, format).keys().eq(expected.keys()));
        let rows_after = rows(&tables(&desk, format));
        assert_eq!(rows_after, rows(&expected));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn rows_of_later_runs_are_left_out_and_counted() {
    for (name, format) in FORMATS {
        let desk = desk(name).await;
        desk.lcw("export p.toml --out data").run().with(0);
        let ada = somebody(&desk);
        desk.bare(&format!("forget p.toml --out data --subject {ada}"))
            .run()
            .with(0);
        let workflow = desk.tenant.workflow_ids()[0].clone();
        // Everybody is in it.
        let plan = RunPlan::new(desk.tenant.now(), 200);
        let run = desk.tenant.add_run(&workflow, &plan);
        desk.tenant.advance(std::time::Duration::from_hours(2));
        let truth = desk.tenant.truth();
        let is_ada = |result: &&lcw_simulator::TrueResult| {
            result.run_id == run && result.value["subject"]["id"] == *ada
        };
        let hers = truth.results.iter().filter(is_ada).count();
        let summary = desk
            .lcw("export p.toml --out data --json")
            .run()
            .with(0)
            .json();
        assert_eq!(summary["proof"]["short"], 0, "{summary}");
        assert_gone(&desk, &ada, format);
        assert_good(&desk);
        let all = truth.results.iter().filter(|it| it.run_id == run).count();
        let found = tables(&desk, format);
        let of_run = |row: &&BTreeMap<String, Value>| row["run_id"] == *run;
        let stored = found[&Table::UserProcessingResults]
            .values()
            .filter(of_run)
            .count();
        assert_eq!(stored, all - hers);
        assert!(hers > 0, "she is in the run");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn quarantined_lines_are_emptied() {
    for (name, format) in FORMATS {
        let desk = desk(name).await;
        mistype(
            &desk.tenant,
            Endpoint::RunResults,
            "failedTasksCount",
            "\"three\"",
        );
        let line = "export p.toml --out data --on-drift quarantine";
        desk.lcw(line).run().with(4);
        let quarantined = contents(&desk.data().join("_quarantine"));
        let text: String = quarantined
            .values()
            .flatten()
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
            .collect();
        let first = text.lines().next().unwrap();
        let first: Value = serde_json::from_str(first).unwrap();
        let ada = first["row"]["subject"]["id"].as_str().unwrap().to_owned();
        let forget = format!("forget p.toml --out data --json --subject {ada}");
        let done = desk.bare(&forget).run().with(0).json();
        let lines = done["tenants"][0]["quarantined"][0]["lines"].as_u64();
        assert!(lines > Some(0), "{done}");
        assert_gone(&desk, &ada, format);
        assert_good(&desk);
        // Set aside again, and empty again.
        desk.lcw(line).run().with(4);
        assert_gone(&desk, &ada, format);
        assert_good(&desk);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nobody_found_changes_nothing_and_what_is_no_id_is_refused() {
    let desk = desk("parquet").await;
    desk.lcw("export p.toml --out data").run().with(0);
    // Who holds the dataset, and since when, is no part of it, nor is a folder without files.
    let dataset = || {
        let mut contents = contents(&desk.data());
        contents.retain(|path, bytes| bytes.is_some() && !path.starts_with("_lock.json"));
        contents
    };
    let before = dataset();
    let ended = desk
        .bare(&format!("forget --out data --subject {STRANGER}"))
        .run()
        .with(0);
    for words in [
        "nothing about 1 subject",
        "nothing was changed",
        "--snapshots",
    ] {
        assert!(ended.stdout.contains(words), "{ended}");
    }
    for (line, words) in [
        ("forget --out data", "nobody was named"),
        ("forget --out data --subject ada", "at least 8 characters"),
        (
            "forget --out nowhere --subject 5ec7e7b0-1111",
            "there is no dataset",
        ),
        ("forget --out data --pseudonym 00", "not pseudonymised"),
    ] {
        let ended = desk.bare(line).run().with(2);
        ended.says(&[words]);
    }
    let other = format!("forget --out data --subject {STRANGER} --tenant-id {STRANGER}");
    desk.bare(&other).run().with(2).says(&["no such tenant"]);
    assert!(dataset() == before);

    let ada = somebody(&desk);
    let lock = std::fs::File::open(desk.data().join("_lock")).unwrap();
    lock.lock().unwrap();
    let line = format!("forget --out data --subject {ada}");
    desk.bare(&line)
        .run()
        .with(75)
        .says(&["another export holds"]);
    let plan = desk.bare(&line).words("--dry-run").run().with(0);
    assert!(plan.stdout.contains("would forget 1 subject"), "{plan}");
    drop(lock);
    assert!(dataset() == before);
    let ended = desk.bare(&line).run().with(0);
    for words in ["forgot 1 subject", "removed", "manifest "] {
        assert!(ended.stdout.contains(words), "{ended}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn somebody_with_a_pseudonym_is_forgotten_by_either_name() {
    for (name, format) in FORMATS {
        let desk = desk(name).await;
        let export = "export p.toml --out data --pseudonymize";
        desk.lcw(export).env("LCW_PSEUDONYM_KEY", KEY).run().with(0);
        let key = PseudonymKey::new(KEY.as_bytes()).unwrap();
        let ada = somebody(&desk);
        let pseudonym = key.pseudonym(&ada);
        let by_id = format!("forget p.toml --out data --subject {ada}");
        desk.bare(&by_id).run().with(2).says(&["without its key"]);
        let wrong = desk.bare(&by_id).env("LCW_PSEUDONYM_KEY", STRANGER);
        wrong.run().with(2).says(&["made with the key", key.id()]);
        let expected = without(tables(&desk, format), &pseudonym);
        let by_pseudonym =
            format!("forget p.toml --out data --pseudonym {pseudonym} --dry-run --json");
        let plan = desk.bare(&by_pseudonym).run().with(0).json();
        let lcw = desk
            .bare(&by_id)
            .words("--json")
            .env("LCW_PSEUDONYM_KEY", KEY);
        let done = lcw.run().with(0).json();
        assert_eq!(plan["tenants"][0]["files"], done["tenants"][0]["files"]);
        assert_eq!(done["found"], true);
        assert!(tables(&desk, format) == expected);
        assert_good(&desk);
        desk.lcw(export).env("LCW_PSEUDONYM_KEY", KEY).run().with(0);
        assert_gone(&desk, &pseudonym, format);
        assert_good(&desk);
    }
}
