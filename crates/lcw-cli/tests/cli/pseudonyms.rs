//! Datasets in which people have pseudonyms: nobody is in them, and they are as good as others.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use lcw_pipeline::{FileFormat, NdjsonCompression};
use lcw_simulator::{Endpoint, Fault, FaultRule, ReprocessedRuns, When};
use lcw_tests::canaries::{self, assert_none};
use lcw_tests::{compact, facts, mend, mistype, rows};
use lcw_transform::{Privacy, PseudonymKey, Table};
use serde_json::Value;

use crate::desk::{Desk, contents};
use crate::program::{Ended, Lcw};
use crate::tables::every_table;

const KEY: &str = "0123456789abcdef0123456789abcdef";
const OTHER_KEY: &str = "fedcba9876543210fedcba9876543210";

/// Parquet, and NDJSON whose bytes can be looked at.
const FORMATS: [(&str, FileFormat); 2] = [
    ("parquet", FileFormat::Parquet),
    ("ndjson", FileFormat::Ndjson(NdjsonCompression::None)),
];

fn key() -> PseudonymKey {
    PseudonymKey::new(KEY.as_bytes()).unwrap()
}

/// A tenant of which every table holds something, with subjects that are no users.
async fn desk() -> Desk {
    let mut config = compact(11);
    config.outcomes.non_users = 0.1;
    config.reprocessed_runs = ReprocessedRuns::Readable;
    let desk = Desk::of(config).await;
    let load = "[load]\nformat = \"ndjson\"\ncompression = \"none\"\npseudonymize = true\n";
    desk.write("ndjson.toml", load);
    desk.write("parquet.toml", "[load]\npseudonymize = true\n");
    desk
}

fn export(desk: &Desk, name: &str) -> Lcw {
    let line = format!("export {name}.toml --out data --json {}", every_table());
    desk.lcw(&line).env("LCW_PSEUDONYM_KEY", KEY)
}

/// Everything that names a person of the tenant, and the key.
fn people(desk: &Desk) -> BTreeSet<String> {
    let mut people = canaries::of(&desk.tenant);
    for workflow in desk.tenant.truth_of_everything_ever().workflows {
        for by in ["createdBy", "lastModifiedBy"] {
            let id = workflow.detail[by]["id"].as_str();
            people.extend(id.map(str::to_owned));
        }
    }
    people.insert(KEY.to_owned());
    people
}

/// Nobody is in any byte of the folder, in any value of any table, or in what was said.
fn assert_nobody(desk: &Desk, format: FileFormat, ended: &Ended, people: &BTreeSet<String>) {
    assert_none("stdout", &ended.stdout, people);
    assert_none("stderr", &ended.stderr, people);
    for (path, bytes) in contents(&desk.data()) {
        let shown = path.display().to_string();
        let bytes = bytes.unwrap_or_default();
        assert_none(&shown, &String::from_utf8_lossy(&bytes), people);
    }
    for table in Table::ALL {
        let rows = rows(&desk.data(), format, desk.tenant.tenant_id(), table, false);
        assert!(!rows.is_empty(), "{}", table.name());
        let text = serde_json::to_string(&rows).unwrap();
        assert_none(table.name(), &text, people);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nobody_is_in_a_pseudonymised_dataset_whatever_goes_wrong() {
    for (name, format) in FORMATS {
        let desk = desk().await;
        for (fault, nth) in [
            (Fault::status(503), 5),
            (Fault::TruncatedBody, 9),
            (Fault::MalformedJson, 13),
            (Fault::HtmlWithOk, 17),
        ] {
            desk.tenant
                .inject(FaultRule::new(fault).when(When::Nth(nth)));
        }
        let words = "--on-drift quarantine --log-format json --expand subject";
        let loud = |lcw: Lcw| lcw.words(words).env("RUST_LOG", "trace").run();
        // Values of types that no column can hold, with a person in them.
        let someone = desk.tenant.truth().results[0].value["subject"]["id"].clone();
        let odd = format!("{{\"id\":{someone},\"displayName\":\"Ada Canary\"}}");
        mistype(&desk.tenant, Endpoint::RunResults, "failedTasksCount", &odd);
        let ended = loud(export(&desk, name)).with(4);
        let mut people = people(&desk);
        people.insert("Ada Canary".to_owned());
        assert!(desk.data().join("_quarantine").is_dir(), "{ended}");
        assert_nobody(&desk, format, &ended, &people);
        mistype(
            &desk.tenant,
            Endpoint::RunResults,
            "startedDateTime",
            &someone.to_string(),
        );
        let ended = loud(export(&desk, name)).with(4);
        assert_nobody(&desk, format, &ended, &people);
        mend(&desk.tenant);
        let ended = loud(export(&desk, name)).with(0);
        assert_nobody(&desk, format, &ended, &people);
        for line in [
            "verify --out data --deep --json",
            "status --out data",
            "status --out data --json",
        ] {
            let ended = desk.bare(line).run().with(0);
            assert_nobody(&desk, format, &ended, &people);
        }
    }
}

/// What a text of the plain dataset is in the pseudonymised one.
fn secret(key: &PseudonymKey, value: &Value) -> Value {
    match value {
        Value::String(text) => key.pseudonym(text).into(),
        other => other.clone(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_pseudonymised_dataset_holds_the_same_facts_about_somebody_else() {
    for (name, format) in FORMATS {
        let desk = desk().await;
        export(&desk, name).run().with(0);
        let plain = format!("export --out plain --format {name} {}", every_table());
        let plain = match name {
            "ndjson" => {
                desk.write("plain.toml", "[load]\ncompression = \"none\"\n");
                plain.replace("export", "export plain.toml")
            }
            _ => plain,
        };
        desk.lcw(&plain).run().with(0);
        let key = key();
        let tenant = desk.tenant.tenant_id();
        for table in Table::ALL {
            let own = |name: &str| {
                name.starts_with("_lcw_") && !name.ends_with("proof") && !name.ends_with("rows")
            };
            let found = facts(&desk.data(), format, tenant, table);
            let expected = facts(&desk.folder().join("plain"), format, tenant, table);
            let expected: BTreeMap<_, _> = expected
                .into_values()
                .map(|mut row| {
                    for (name, value) in &mut row {
                        let column = table.column(name);
                        if column.is_some_and(|it| it.privacy != Privacy::Impersonal) {
                            *value = secret(&key, value);
                        }
                    }
                    let keys = table.key().into_iter();
                    let keys = keys.map(|name| {
                        row[name]
                            .as_str()
                            .map_or_else(|| row[name].to_string(), str::to_owned)
                    });
                    (keys.collect::<Vec<_>>(), row)
                })
                .collect();
            assert_eq!(found.len(), expected.len(), "{}", table.name());
            for (key, row) in &found {
                for (name, value) in row.iter().filter(|(name, _)| !own(name)) {
                    let column = table.column(name);
                    let is_json = column.is_some_and(|it| it.kind == lcw_transform::Kind::Json);
                    let is_secret = column.is_some_and(|it| it.privacy != Privacy::Impersonal);
                    if is_json && is_secret {
                        let both = (value.is_null(), expected[key][name].is_null());
                        assert_eq!(both.0, both.1, "{name}");
                    } else {
                        assert_eq!(*value, expected[key][name], "{}: {name}", table.name());
                    }
                }
            }
        }
        // Nothing is new to an export that comes again.
        let again = export(&desk, name).run().with(0).json();
        let written = again["tables"]["user_processing_results"]["rows_written"].as_u64();
        assert_eq!(written, Some(0), "{again}");
        let backfill = "backfill --from T-30d --to T";
        let line = format!("{backfill} {name}.toml --out data --json {}", every_table());
        let summary = desk
            .lcw(&line)
            .env("LCW_PSEUDONYM_KEY", KEY)
            .run()
            .with(0)
            .json();
        for (table, counts) in summary["tables"].as_object().unwrap() {
            assert_eq!(counts["rows_new"], 0, "{table}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_dataset_has_one_key_for_good_and_a_key_has_to_be_one() {
    let desk = Desk::new().await;
    let line = "export --out data --pseudonymize";
    let refused = |lcw: Lcw, words: &[&str]| {
        let before = contents(desk.folder());
        let ended = lcw.run().with(2);
        ended.says(words);
        assert!(!ended.stderr.contains(KEY), "{ended}");
        assert!(!ended.stderr.contains(OTHER_KEY), "{ended}");
        assert_eq!(contents(desk.folder()), before);
    };
    refused(desk.lcw(line), &["needs a key", "LCW_PSEUDONYM_KEY"]);
    let short = &KEY[1..];
    refused(
        desk.lcw(line).env("LCW_PSEUDONYM_KEY", short),
        &["31 bytes", "32 at least"],
    );
    desk.write("short", short);
    desk.write(
        "p.toml",
        "[load]\npseudonymize = true\npseudonym_key_file = \"short\"\n",
    );
    refused(
        desk.lcw("export p.toml --out data"),
        &["pseudonym_key_file short", "31 bytes"],
    );
    desk.write("raw.toml", "[load]\nkeep_raw = true\npseudonymize = true\n");
    let with_key = |line: &str| desk.lcw(line).env("LCW_PSEUDONYM_KEY", KEY);
    refused(with_key("export raw.toml --out data"), &["keep_raw"]);
    for filter in [
        "subject/id eq 'x'",
        "processingStatus eq 'failed' or id eq 'x'",
    ] {
        refused(with_key(line).arg("--filter").arg(filter), &["filter"]);
    }
    assert!(!desk.data().exists());

    desk.write("key", format!("{KEY}\n"));
    desk.write(
        "p.toml",
        "[load]\npseudonymize = true\npseudonym_key_file = \"key\"\n",
    );
    desk.lcw("export p.toml --out data").run().with(0);
    let identity = std::fs::read_to_string(desk.data().join("_dataset.json")).unwrap();
    let id = format!("\"pseudonymisation\": \"{}\"", key().id());
    assert!(identity.contains(&id), "{identity}");
    desk.lcw(line).env("LCW_PSEUDONYM_KEY", KEY).run().with(0);
    refused(
        desk.lcw(line).env("LCW_PSEUDONYM_KEY", OTHER_KEY),
        &["pseudonyms are made with the key", key().id()],
    );
    refused(
        desk.lcw("export --out data"),
        &["pseudonymised with the key"],
    );
    desk.lcw("export --out plain").run().with(0);
    let line = "export --out plain --pseudonymize";
    refused(with_key(line), &["made without pseudonyms"]);
}

#[test]
fn the_page_about_privacy_says_what_every_column_is() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/privacy.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once("<!-- columns -->\n").unwrap();
    let (found, _) = rest.split_once("<!-- end of columns -->").unwrap();
    let mut expected = String::from("| table | personal | may name people |\n|---|---|---|\n");
    for table in Table::ALL {
        let of = |privacy| {
            let columns = table.columns(true).iter();
            let names = columns.filter(|it| it.privacy == privacy);
            let names: Vec<String> = names.map(|it| format!("`{}`", it.name)).collect();
            names.join(", ")
        };
        let (personal, may) = (of(Privacy::Personal), of(Privacy::MayNamePeople));
        let name = table.name();
        // Writing to a String cannot fail.
        let _infallible = writeln!(expected, "| `{name}` | {personal} | {may} |");
    }
    assert_eq!(found, expected);
}
