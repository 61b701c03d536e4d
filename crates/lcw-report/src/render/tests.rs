//! What is rendered of a report in which every word is hostile.

use std::collections::BTreeMap;

use super::{csv, html, text};
use crate::model::{
    DayLine, FailedUser, FailedUsers, FailingTasks, Fingerprint, LeaverCase, Leavers, Outcome,
    Outcomes, Proof, Report, Short, Totals, Window, WorkflowLine,
};
use crate::spread::Quantiles;

const HOSTILE: &str = "=1+\"<script src='https://evil.example/x.js'></script>]]>&amp;--\u{1b}[31m\u{202e}\u{0}\r\n\u{ffff}\u{2028}";

const SPAN: Quantiles = Quantiles {
    count: 3,
    p50_ms: Some(-20),
    p95_ms: Some(93_780_000),
    max_ms: Some(352_800_000),
};

const USERS: Outcomes = Outcomes {
    total: 15,
    completed: 5,
    completed_with_errors: 4,
    failed: 3,
    canceled: 2,
    unfinished: 1,
};

fn word() -> String {
    HOSTILE.to_owned()
}

fn at() -> String {
    "2026-11-22T10:00:00Z".to_owned()
}

fn leavers(cases: usize) -> Leavers {
    let case = |nth: usize| LeaverCase {
        subject_id: word(),
        workflow_id: Some(word()),
        workflow: (nth > 0).then(word),
        outcome: [Outcome::Missed, Outcome::NotEvaluable, Outcome::Met][nth % 3],
        clock_start: at(),
        deadline: at(),
        done_at: Some(at()),
        elapsed_ms: Some(1),
        measured_by: Some("result"),
        reason: Some("it was canceled"),
    };
    Leavers {
        sla_ms: 86_400_000,
        clock: "run_schedule",
        statement: word(),
        total: cases as u64,
        met: 1,
        missed: 1,
        failed: 0,
        never_processed: 0,
        not_evaluable: 1,
        measured_by_task: 0,
        measured_by_result: 1,
        elapsed: SPAN,
        cases: (0..cases).map(case).collect(),
    }
}

fn proof() -> Proof {
    Proof {
        verdict: "not_proven",
        days: BTreeMap::from([("short", 1), ("matched", 2)]),
        short: vec![Short {
            table: word(),
            workflow_id: word(),
            run_id: None,
            run_date: Some(word()),
            counted: Some(3),
            held: Some(2),
            acknowledged: Some(word()),
        }],
        short_unacknowledged: 0,
        days_without_runs: vec![word()],
        lost_days: vec![word()],
        days_at_risk: vec![word()],
        not_covered: vec![word()],
        last_export: Some(word()),
        last_complete_export: Some(at()),
        hours_since_last_good_export: Some(3),
    }
}

/// A report whose every word is hostile, with so many leavers.
fn sample(cases: usize) -> Report {
    let day = |run_date: &str| DayLine {
        run_date: run_date.to_owned(),
        runs: 2,
        open_runs: 1,
        preview_runs: 1,
        users: USERS,
        queue: SPAN,
        processing: Quantiles::default(),
        verdict: "short",
    };
    Report {
        report_version: 1,
        tenant_id: word(),
        out: word(),
        generated_at: at(),
        window: Window {
            from: at(),
            to: Some(at()),
            as_of: None,
            workflow_ids: vec![word()],
        },
        notes: vec![word()],
        totals: Totals {
            runs: 4,
            users: USERS,
            success_rate_percent: USERS.success_rate(),
            ..Totals::default()
        },
        leavers: leavers(cases),
        failing_tasks: FailingTasks {
            known: true,
            failures: 1,
            fingerprints: vec![Fingerprint {
                fingerprint: word(),
                task: word(),
                reason: word(),
                failures: 1,
                users: 1,
                workflows: vec![word(), word()],
                first_seen: at(),
                last_seen: at(),
            }],
            failures_left_out: 0,
        },
        failed_users: FailedUsers {
            total: 2,
            fixed_later: 1,
            not_fixed: 1,
            time_to_fix: SPAN,
            open_cases: vec![FailedUser {
                subject_id: word(),
                workflow_id: word(),
                workflow: None,
                first_failed: at(),
                last_failed: at(),
                attempts: 2,
            }],
        },
        workflows: vec![WorkflowLine {
            workflow_id: word(),
            workflow: Some(word()),
            category: Some(word()),
            is_enabled: Some(true),
            is_scheduling_enabled: Some(true),
            deleted_at: None,
            last_run: None,
            is_stale: true,
            runs: 2,
            open_runs: 0,
            preview_runs: 0,
            users: USERS,
            success_rate_percent: None,
        }],
        queue: SPAN,
        processing: Quantiles::default(),
        days: vec![day("2026-11-20"), day("2026-11-23")],
        proof: proof(),
        metrics: BTreeMap::from([("users", Some(15.0)), ("runs", None)]),
        conditions: Vec::new(),
    }
}

fn parse(page: &str) -> roxmltree::Document<'_> {
    let options = roxmltree::ParsingOptions {
        allow_dtd: true,
        ..roxmltree::ParsingOptions::default()
    };
    roxmltree::Document::parse_with_options(page, options).unwrap()
}

const ELEMENTS: &str = "html head meta title style body header main section footer nav h1 h2 p b \
    span br bdi code a ul li dl dt dd div table caption thead tbody tr th td figure figcaption svg \
    rect line text path circle";

#[test]
fn the_page_is_well_formed_and_has_nothing_but_its_own_elements() {
    let page = html(&sample(3));
    let document = parse(&page);
    let known: Vec<&str> = ELEMENTS.split_whitespace().collect();
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        let name = node.tag_name().name();
        assert!(known.contains(&name), "{name}");
        for attribute in node.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            assert!(
                !name.starts_with("on") && name != "src" && name != "style",
                "{name}"
            );
            assert!(name != "href" || value.starts_with('#'), "{value}");
        }
    }
    let mut ids = document
        .descendants()
        .filter_map(|node| node.attribute("id"));
    let all: Vec<&str> = ids.by_ref().collect();
    let mut links = document
        .descendants()
        .filter_map(|node| node.attribute("href"));
    assert!(links.all(|link| all.contains(&&link[1..])));
}

#[test]
fn the_page_refers_to_nothing_outside() {
    let page = html(&sample(3));
    let style = page
        .split("<style>")
        .nth(1)
        .unwrap()
        .split("</style>")
        .next()
        .unwrap();
    assert!(!style.contains("url(") && !style.contains("@import"));
    let text: String = parse(&page)
        .descendants()
        .filter(roxmltree::Node::is_element)
        .flat_map(|node| {
            node.attributes()
                .map(|it| it.value().to_owned())
                .collect::<Vec<_>>()
        })
        .filter(|value| !value.contains("evil.example"))
        .collect();
    assert!(!text.contains("://"), "{text}");
    assert!(page.contains("default-src &#39;none&#39;"));
}

#[test]
fn whoever_cannot_see_the_charts_is_told_what_they_show() {
    let page = html(&sample(3));
    let document = parse(&page);
    let has = |name: &'static str| {
        document
            .descendants()
            .filter(move |node| node.has_tag_name(name))
    };
    for svg in has("svg") {
        let is_hidden = svg.attribute("aria-hidden") == Some("true");
        let is_told = svg.attribute("role") == Some("img") && svg.attribute("aria-label").is_some();
        assert!(is_hidden || is_told, "{svg:?}");
    }
    for table in has("table") {
        assert!(table.children().any(|it| it.has_tag_name("caption")));
    }
    assert!(has("th").all(|head| head.attribute("scope").is_some()));
    assert_eq!(has("h1").count(), 1);
    assert!(document.root_element().attribute("lang").is_some());
}

#[test]
fn nothing_hides_in_any_rendering() {
    let report = sample(3);
    let mut all = vec![text(&report), html(&report)];
    all.extend(csv::Section::ALL.map(|section| csv::csv(&report, section)));
    for rendered in all {
        let is_hidden =
            |it: char| (it.is_control() && it != '\n') || "\u{202e}\u{2028}".contains(it);
        assert!(!rendered.contains(is_hidden), "{rendered:?}");
    }
}

#[test]
fn long_lists_are_cut_and_say_so() {
    let report = sample(500);
    assert!(html(&report).contains("284 more are not shown: lcw report --csv leavers"));
    assert!(text(&report).contains("more: --csv leavers lists them"));
    let csv = csv::csv(&report, csv::Section::Leavers);
    assert_eq!(csv.lines().count(), 501);
}

#[test]
fn the_text_fits_eighty_columns() {
    let mut report = sample(3);
    report.tenant_id = "t".to_owned();
    for line in text(&report).lines().skip(1) {
        let is_id = line.contains("evil.example");
        assert!(is_id || line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn of_many_things_that_are_not_covered_the_first_are_told_and_the_rest_is_counted() {
    let mut report = sample(3);
    report.proof.not_covered = (0..9).map(|nth| format!("refused {nth}")).collect();
    let (page, text) = (html(&report), text(&report));
    assert_eq!(page.matches("refused ").count(), 5);
    assert!(page.contains("4 more are not covered: lcw report --json"));
    assert_eq!(text.matches("refused ").count(), 2);
    assert!(text.contains("and 7 more are not covered: --json lists them"));
}

#[test]
fn a_report_without_anything_says_so_in_words() {
    let mut report = sample(0);
    report.leavers.total = 0;
    report.failed_users.total = 0;
    report.totals.success_rate_percent = None;
    report.workflows.clear();
    report.days.clear();
    let text = text(&report);
    for said in [
        "not known: no user was completed or failed",
        "there are none in the window",
        "the dataset holds none",
        "there are no runs in the window",
    ] {
        assert!(text.contains(said), "no {said:?} in {text}");
    }
}
