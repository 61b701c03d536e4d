//! How user processing results are asked for, from flags and from pipeline files.

use lcw_simulator::Endpoint;
use lcw_transform::Table;
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::program::Lcw;

/// What was asked of the results of runs: the queries, decoded.
fn asked(desk: &Desk) -> Vec<String> {
    let requests = desk.tenant.requests().into_iter();
    let of_results = requests.filter(|request| request.endpoint == Endpoint::RunResults);
    let plain = |query: String| {
        query
            .replace("%20", " ")
            .replace('+', " ")
            .replace("%24", "$")
            .replace("%27", "'")
    };
    of_results.map(|request| plain(request.query)).collect()
}

fn results(desk: &Desk, out: &str) -> Vec<std::collections::BTreeMap<String, Value>> {
    let out = desk.folder().join(out);
    let tenant = desk.tenant.tenant_id();
    let format = lcw_pipeline::FileFormat::Parquet;
    lcw_tests::facts(&out, format, tenant, Table::UserProcessingResults)
        .into_values()
        .collect()
}

/// One of the four, with what comes of it.
struct Case {
    flag: &'static str,
    key: &'static str,
    value: &'static str,
    /// The same as a pipeline file says it.
    in_file: &'static str,
    /// Another value, which the flag wins over.
    other: &'static str,
    sent: &'static str,
    /// What `_dataset.json` keeps; the order of sending is no part of it.
    kept: Value,
}

fn cases() -> [Case; 4] {
    [
        Case {
            flag: "--select",
            key: "select",
            value: "startedDateTime, processingStatus",
            in_file: "[\"startedDateTime\", \"processingStatus\"]",
            other: "[\"failedTasksCount\"]",
            sent: "$select=id,processingStatus,startedDateTime",
            kept: json!("id,processingStatus,startedDateTime"),
        },
        Case {
            flag: "--filter",
            key: "filter",
            value: "processingStatus  EQ 'failed'",
            in_file: "\"processingStatus eq 'failed'\"",
            other: "\"processingStatus eq 'completed'\"",
            sent: "processingStatus eq 'failed'",
            kept: json!("processingStatus eq 'failed'"),
        },
        Case {
            flag: "--orderby",
            key: "orderby",
            value: "startedDateTime DESC",
            in_file: "[\"startedDateTime desc\"]",
            other: "[\"id\"]",
            sent: "$orderby=startedDateTime desc",
            kept: Value::Null,
        },
        Case {
            flag: "--expand",
            key: "expand",
            value: "subject",
            in_file: "[\"subject\"]",
            other: "[]",
            sent: "$expand=subject",
            kept: json!("subject"),
        },
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn flags_and_keys_say_the_same_and_the_flag_wins() {
    let desk = Desk::new().await;
    for case in cases() {
        let file = |value: &str| format!("[extract]\n{} = {value}\n", case.key);
        let by_flag = |line: &str| desk.lcw(line).arg(case.flag).arg(case.value);
        desk.write("same.toml", file(case.in_file));
        let ways: [(&str, Lcw); 2] = [
            ("flag", by_flag("export --out flag")),
            ("key", desk.lcw("export same.toml --out key")),
        ];
        for (out, lcw) in ways {
            desk.tenant.reset_requests();
            lcw.run().with(0);
            let asked = asked(&desk);
            assert!(!asked.is_empty());
            for query in asked {
                assert!(query.contains(case.sent), "{} by {out}: {query}", case.flag);
            }
            let text = std::fs::read(desk.folder().join(out).join("_dataset.json")).unwrap();
            let kept: Value = serde_json::from_slice(&text).unwrap();
            assert_eq!(kept[case.key], case.kept, "{} by {out}", case.flag);
        }
        assert_eq!(results(&desk, "flag").len(), results(&desk, "key").len());
        if case.other != "[]" {
            desk.write("other.toml", file(case.other));
            desk.tenant.reset_requests();
            by_flag("export other.toml --out both").run().with(0);
            for query in asked(&desk) {
                assert!(query.contains(case.sent), "{}: {query}", case.flag);
            }
        }
        for out in ["flag", "key", "both"] {
            drop(std::fs::remove_dir_all(desk.folder().join(out)));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn they_do_what_they_say() {
    let desk = Desk::new().await;
    let all = desk.tenant.truth().results.len();
    let export = |flag: &str, value: &str, out: &str| {
        let lcw = desk.lcw(&format!("export --json --out {out}"));
        lcw.arg(flag).arg(value).run().with(0).json()
    };
    export("--select", "processingStatus", "selected");
    let selected = results(&desk, "selected");
    assert_eq!(selected.len(), all);
    for row in &selected {
        assert!(row["processing_status"].is_string(), "{row:?}");
        assert!(row["started_date_time"].is_null(), "{row:?}");
    }
    let summary = export("--filter", "processingStatus eq 'completed'", "filtered");
    let filtered = results(&desk, "filtered");
    assert!(
        (1..all).contains(&filtered.len()),
        "{} of {all}",
        filtered.len()
    );
    assert!(
        filtered
            .iter()
            .all(|row| row["processing_status"] == "completed")
    );
    assert_eq!(summary["proof"]["filtered"], true, "{summary:#}");
    assert_eq!(
        summary["proof"]["matched"], 0,
        "a filtered dataset proves nothing"
    );
    let status = desk.bare("status --out filtered").run().with(0).stdout;
    assert!(
        status.contains("filtered by processingStatus eq 'completed'"),
        "{status}"
    );
    export("--expand", "subject", "expanded");
    let expanded = results(&desk, "expanded");
    assert_eq!(expanded.len(), all);
    let named =
        |row: &&std::collections::BTreeMap<String, Value>| row["subject_display_name"].is_string();
    assert!(
        expanded.iter().filter(named).count() > all / 2,
        "{:?}",
        expanded[0]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_a_dataset_was_made_with_it_stays() {
    let desk = Desk::new().await;
    desk.export();
    let before = desk.contents();
    for (flag, value, what) in [
        ("--select", "processingStatus", "select"),
        ("--filter", "processingStatus eq 'failed'", "filter"),
        ("--expand", "subject", "expand"),
    ] {
        let lcw = desk.lcw("export --out data").arg(flag).arg(value);
        let ended = lcw.run().with(2);
        ended.says(&["this dataset was made", what, "another folder"]);
        assert!(desk.contents() == before, "{ended}");
    }
    let lcw = desk.lcw("export --out data").arg("--orderby");
    lcw.arg("startedDateTime desc").run().with(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn bad_ones_are_refused_before_anything_is_sent() {
    let desk = Desk::new().await;
    let cases: [(&str, &str, &[&str]); 13] = [
        (
            "--select",
            "procesingStatus",
            &[
                "$select",
                "did you mean `processingStatus`",
                "workflowVersion",
            ],
        ),
        (
            "--select",
            "",
            &["$select", "names separated by commas", "processingStatus"],
        ),
        ("--select", "id,id", &["$select", "`id` is named twice"]),
        (
            "--select",
            "taskProcessingResults",
            &["$select", "--table task_processing_results"],
        ),
        (
            "--filter",
            "failedTasksCount gt 0",
            &["$filter", "cannot be filtered", "processingStatus (eq"],
        ),
        (
            "--filter",
            "processingStatus gt 'failed'",
            &["does not support `gt`", "eq"],
        ),
        (
            "--filter",
            "processingStatus eq 'faild'",
            &["did you mean `failed`"],
        ),
        (
            "--filter",
            "processingStatus eq",
            &["$filter", "at character"],
        ),
        ("--filter", "", &["$filter"]),
        (
            "--orderby",
            "subject",
            &["cannot be ordered by `subject`", "startedDateTime"],
        ),
        (
            "--orderby",
            "startedDateTime down",
            &["`asc` or `desc`", "down"],
        ),
        (
            "--expand",
            "manager",
            &["`manager` cannot be expanded", "allowed is `subject`"],
        ),
        ("--expand", "reprocessedRuns", &["--table reprocessed_runs"]),
    ];
    for verb in ["export", "plan export", "doctor"] {
        for (flag, value, says) in &cases {
            let ended = desk.lcw(verb).arg(flag).arg(value).run().with(2);
            ended.says(says);
            assert_eq!(ended.stderr.matches("error: ").count(), 1, "{ended}");
            assert_eq!(ended.stdout, "", "{ended}");
        }
    }
    for (text, says) in [
        ("select = [\"nothing\"]", "no property `nothing`"),
        ("select = []", "names separated by commas"),
        ("filter = \"workflowVersion\"", "$filter"),
        ("orderby = [\"id sideways\"]", "`asc` or `desc`"),
        ("expand = [\"task\"]", "allowed is `subject`"),
        ("expand = \"subject\"", "line 2"),
    ] {
        desk.write("p.toml", format!("[extract]\n{text}\n"));
        let ended = desk.lcw("export p.toml").run().with(2);
        ended.says(&[says]);
        assert_eq!(ended.stderr.matches("error: ").count(), 1, "{ended}");
    }
    assert!(desk.tenant.requests().is_empty(), "nothing is sent");
    let names: Vec<_> = desk.contents().into_keys().collect();
    assert_eq!(
        names,
        [std::path::Path::new("p.toml")],
        "nothing is written"
    );
}
