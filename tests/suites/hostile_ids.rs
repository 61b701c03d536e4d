//! Ids are data: whatever they hold, they end up in the tables and never in a path.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use lcw_extractor::{ApiVersion, GraphPath};
use lcw_simulator::{
    Category, Reading, ReprocessedRuns, RunPlan, Simulator, TenantConfig, WorkflowConfig,
};
use lcw_tests::torture::{Replay, is_long, seeds, single_seed};
use lcw_tests::{Dice, Office, contents, expected};
use lcw_transform::Table;

const IDS: [&str; 24] = [
    "a/b",
    "/etc/passwd",
    "../../../../tmp/lcw-escaped",
    "..\\..\\windows",
    "%2e%2e",
    "%2E%2E%2Fx",
    "%2F",
    "%00",
    "x%",
    "it's \"quoted\"",
    "';DROP TABLE runs;--",
    "line\nbreak\r\nand\ttab",
    "\u{1b}[2J",
    "?$filter=x&y#z",
    "a+b c",
    " leading and trailing ",
    "run_date=2026-11-22",
    "tenant_id=..",
    "CON",
    "C:\\x",
    "{\"id\":1}",
    "Робота-新入社員-🦀-e\u{301}\u{202e}",
    "$count",
    "__HIVE_DEFAULT_PARTITION__",
];

fn tenant(ids: &[String]) -> TenantConfig {
    let mut config = TenantConfig::empty(95);
    let at = |nth: usize| {
        config.now - Duration::from_secs(90_000 * (u64::try_from(nth).unwrap() % 8 + 1))
    };
    let mut runs = Vec::new();
    for (nth, id) in ids.iter().enumerate() {
        // Each id names a workflow with a run of the same name, and a run of the first workflow.
        runs.push((nth, RunPlan::new(at(nth), 2).named(id)));
        runs.push((0, RunPlan::new(at(nth), 3).named(format!("{id}{nth}"))));
    }
    config.workflows = ids
        .iter()
        .map(|id| {
            let mut workflow = WorkflowConfig::new(Category::Mover, id.as_str());
            workflow.id = Some(id.clone());
            workflow
        })
        .collect();
    config.runs = runs;
    config.paging.page_size = 1..=2;
    config
}

/// `_manifests/…`, `_staging`, `_lock`, …, or `table/tenant_id=guid[/run_date=date]/part-0.ext`.
fn is_of_the_layout(path: &Path, tenant: &str) -> bool {
    let parts: Vec<&str> = path.iter().map(|part| part.to_str().unwrap()).collect();
    let is_table = |name: &str| Table::ALL.iter().any(|table| table.name() == name);
    let is_day = |name: &str| {
        let day = name
            .strip_prefix("run_date=")
            .map(str::parse::<jiff::civil::Date>);
        day.is_some_and(|day| day.is_ok())
    };
    let is_file = |name: &str| name == "part-0.parquet" || name == "part-0.ndjson.zst";
    match &*parts {
        ["_dataset.json" | "_lock" | "_lock.json" | "_commit.lock"] => true,
        ["_manifests", name] => {
            path.extension()
                .is_some_and(|extension| extension == "json")
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        }
        [table, partition, day, file] => {
            is_table(table)
                && *partition == format!("tenant_id={tenant}")
                && is_day(day)
                && is_file(file)
        }
        [table, partition, file] => {
            is_table(table) && *partition == format!("tenant_id={tenant}") && is_file(file)
        }
        _ => false,
    }
}

/// What hostile ids are made of, besides letters.
const PIECES: [&str; 40] = [
    "..",
    ".",
    "/",
    "\\",
    "%2F",
    "%2f",
    "%5c",
    "%00",
    "%",
    "\0",
    "\n",
    "\r",
    "\t",
    "\u{1b}[",
    ":",
    "*",
    "?",
    "\"",
    "'",
    "<",
    ">",
    "|",
    "$",
    "&",
    "#",
    "=",
    ";",
    " ",
    "~",
    "-",
    "_lock",
    "_staging",
    "CON",
    "run_date=",
    "tenant_id=",
    "part-0.parquet",
    "é",
    "\u{202e}",
    "\u{1f980}",
    "x",
];

/// As many ids as wanted, each another; always the same for the same seed.
fn random_ids(seed: u64, count: usize) -> Vec<String> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let mut id = |nth: usize| -> String {
        let length = 1 + next(8);
        let pieces: String = (0..length).map(|_| PIECES[next(PIECES.len())]).collect();
        format!("{pieces}{nth}")
    };
    (0..count).map(&mut id).collect()
}

#[tokio::test]
async fn random_ids_end_in_correct_tables_and_in_no_path() {
    for seed in seeds(2, 100) {
        let _replay = Replay::of(
            seed,
            "cargo test --package lcw-tests --test suites random_ids",
        );
        ends_in_correct_tables_and_in_no_path(&random_ids(seed, 30)).await;
    }
}

#[tokio::test]
async fn hostile_ids_end_in_correct_tables_and_in_no_path() {
    let long = "長い".repeat(300);
    let ids: Vec<String> = IDS
        .into_iter()
        .chain([long.as_str()])
        .map(str::to_owned)
        .collect();
    ends_in_correct_tables_and_in_no_path(&ids).await;
}

async fn ends_in_correct_tables_and_in_no_path(ids: &[String]) {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(tenant(ids)).await.unwrap();
        for _ in 0..2 {
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            office.assert_holds(&tenant, &tenant.truth());
        }
        assert_stays_inside(&office, &tenant);
    }
}

/// Every file is one of the layout, whose names the service has no say in.
fn assert_stays_inside(office: &Office, tenant: &Simulator) {
    for path in contents(office.scratch()).into_keys() {
        let inside = path.strip_prefix(office.out());
        let inside = inside.unwrap_or_else(|_| panic!("{} is outside", path.display()));
        assert!(
            is_of_the_layout(inside, tenant.tenant_id()),
            "{}",
            inside.display()
        );
    }
}

/// Texts of every kind that has ever escaped from somewhere.
fn hostile(dice: &mut Dice) -> String {
    const PIECES: [&str; 28] = [
        "/", "..", "../", "..\\", "%2e", "%2F", "%00", "%", "'", "\"", "\n", "\r\n", "\t", "\u{0}",
        "C:\\x", "\u{202e}", "\u{feff}", "e\u{301}", "🦀", "漢", "?", "#", "&", "=", "+", " ",
        "NUL", "id",
    ];
    if dice.percent(5) {
        // Two of them in a path are just short of what an HTTP client sends, 64 KiB.
        return "長い🦀".repeat(1_000);
    }
    (0..dice.within(1..=9))
        .map(|_| dice.pick(&PIECES))
        .collect()
}

/// Ids of workflows, runs, results, tasks and users below them, all in every table that there is.
#[tokio::test]
async fn any_text_as_an_id_ends_in_correct_tables_and_in_no_path() {
    let mut dice = Dice::new(single_seed().unwrap_or(1));
    for _ in 0..if is_long() { 100 } else { 1 } {
        let ids: BTreeSet<String> = (0..6).map(|_| hostile(&mut dice)).collect();
        let ids: Vec<String> = ids
            .into_iter()
            .filter(|id| !matches!(&**id, "." | ".."))
            .collect();
        for mut office in Office::of_each_format() {
            office.request.tables = Table::ALL.to_vec();
            office.client.api_version = ApiVersion::Beta;
            let mut config = tenant(&ids);
            config.reprocessed_runs = ReprocessedRuns::Readable;
            let tenant = Simulator::start(config).await.unwrap();
            let truth = tenant.truth_as(&Reading {
                beta: true,
                ..Reading::default()
            });
            for _ in 0..2 {
                let summary = office.export(&tenant).await;
                assert_eq!(summary.exit_code, 0, "{ids:?}: {summary:#?}");
                office.assert_holds(&tenant, &truth);
            }
            assert_stays_inside(&office, &tenant);
        }
    }
}

/// Beyond 64 KiB no client sends a URL: the run is named, and all others are whole.
#[tokio::test]
async fn ids_that_no_url_holds_are_named() {
    let ids = ["長い🦀".repeat(1_400), "short".to_owned()];
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(tenant(&ids)).await.unwrap();
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 4, "{summary:#?}");
        let named: BTreeSet<_> = summary
            .not_covered
            .iter()
            .map(|missing| missing.run_id.clone().unwrap())
            .collect();
        assert!(named.contains(&ids[0]) && !named.contains(&ids[1]));
        assert_eq!(summary.requests.retried, 0);
        let truth = tenant.truth();
        let results = office.facts(&tenant, Table::UserProcessingResults);
        let reachable = expected(&truth, Table::UserProcessingResults)
            .into_iter()
            .filter(|(key, _)| !named.contains(&key[1]));
        assert!(results.into_keys().eq(reachable.map(|(key, _)| key)));
    }
}

/// At the level of the functions that make URLs: whatever an id is, it is one segment, which says it.
#[test]
fn an_id_is_one_segment_of_a_url_and_comes_back_from_it() {
    let mut dice = Dice::new(7);
    for _ in 0..if is_long() { 100_000 } else { 5_000 } {
        let (workflow, run) = (hostile(&mut dice), hostile(&mut dice));
        if [&workflow, &run]
            .iter()
            .any(|id| matches!(&***id, "." | ".."))
        {
            continue;
        }
        let path = GraphPath::workflow(&workflow)
            .run(&run)
            .user_processing_results();
        let path = path.to_string();
        let segments: Vec<&str> = path.split('/').collect();
        assert_eq!(segments.len(), 8, "{path}");
        assert_eq!(segments[3], "workflows");
        for (segment, id) in [(segments[4], &workflow), (segments[6], &run)] {
            assert!(
                !segment.contains(['?', '#', '\\', '\n', '\r', '\0', ' ']),
                "{segment}"
            );
            assert!(
                segment.is_ascii() && !matches!(segment, "." | ".."),
                "{segment}"
            );
            assert_eq!(decoded(segment), *id);
        }
    }
}

fn decoded(segment: &str) -> String {
    let mut rest = segment.bytes();
    let mut bytes = Vec::new();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            let digits = std::str::from_utf8(&digits).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn ids_that_no_url_can_say_are_named_and_left_out() {
    for id in [".", ".."] {
        for mut office in Office::of_each_format() {
            let ids = ["plain".to_owned(), "other".to_owned()];
            let mut config = tenant(&ids);
            let at = config.now - Duration::from_hours(30);
            config.runs.push((0, RunPlan::new(at, 2).named(id)));
            let tenant = Simulator::start(config).await.unwrap();
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 4, "{summary:#?}");
            let [left_out] = &*summary.not_covered else {
                panic!("{:#?}", summary.not_covered);
            };
            assert!(left_out.what.contains(&format!(" {id} ")), "{left_out:?}");
            let truth = tenant.truth();
            office.assert_nothing_false(&tenant, &truth);
            assert_eq!(office.facts(&tenant, Table::Runs).len(), truth.runs.len());
        }
    }
}
