//! A report as one HTML file that needs nothing else: no scripts, no requests, light and dark, fit
//! for paper.

use std::fmt::Write;

use jiff::civil::Date;

use super::chart::{Kind, Place, bars, lines, parts};
use super::human::{bound, counted, instant, maybe_span, number, percent};
use super::page::{document, escape, figures, id, name, table, words};
use crate::model::{DayLine, LeaverCase, Outcome, Outcomes, Report, WorkflowLine, share};
use crate::spread::Quantiles;

/// Rows of a list that are shown; the rest is in CSV and JSON.
const ROWS: usize = 50;

/// Things that are not covered: each is a long sentence.
const NOT_COVERED: usize = 5;

/// Days between the first and the last that a chart shows; more of them have the days that have runs
/// only.
const LONGEST_TREND: usize = 4_000;

/// The report as one HTML document, well-formed as XML, too.
pub fn html(report: &Report) -> String {
    let mut body = String::new();
    for part in [
        head(report),
        alerts(report),
        cards(report),
        notes(report),
        leavers(report),
        failing_tasks(report),
        failed_users(report),
        workflows(report),
        trends(report),
        proof(report),
        foot(report),
    ] {
        body.push_str(&part);
    }
    document("Lifecycle Workflows report", &body)
}

const SECTIONS: [(&str, &str); 6] = [
    ("leavers", "Leavers"),
    ("failing-tasks", "Failing tasks"),
    ("failed-users", "Failed users"),
    ("workflows", "Workflows"),
    ("trends", "Days and trends"),
    ("proof", "Gaps and proof"),
];

fn head(report: &Report) -> String {
    let window = &report.window;
    let until = match &window.to {
        Some(to) => format!("before {}", at(Some(to))),
        None => "without an end".to_owned(),
    };
    let mut facts = vec![
        ("Tenant", id(&report.tenant_id)),
        (
            "Runs",
            format!("scheduled from {}, {until}", at(Some(&window.from))),
        ),
        ("As of", at(window.as_of.as_deref())),
    ];
    if !window.workflow_ids.is_empty() {
        let ids: Vec<String> = window.workflow_ids.iter().map(|it| id(it)).collect();
        facts.push(("Only", format!("workflow {}", ids.join(", "))));
    }
    let facts = facts.iter();
    let facts = joined(facts.map(|(what, value)| format!("<dt>{what}</dt><dd>{value}</dd>\n")));
    let links =
        SECTIONS.map(|(anchor, title)| format!("<li><a href=\"#{anchor}\">{title}</a></li>\n"));
    format!(
        "<header>\n<h1>Lifecycle Workflows report</h1>\n<dl>\n{facts}</dl>\n\
         <nav aria-label=\"Sections\"><ul>\n{}</ul></nav>\n</header>\n<main>\n",
        links.concat()
    )
}

/// An instant, which is not broken.
fn at(text: Option<&str>) -> String {
    format!("<span class=\"at\">{}</span>", escape(&instant(text)))
}

fn alerts(report: &Report) -> String {
    let mut all = String::new();
    for it in &report.conditions {
        let (class, said) = if it.is_met {
            ("bad", "Condition met")
        } else {
            ("good", "Condition not met")
        };
        let value = it
            .value
            .map_or_else(|| "not known".to_owned(), |value| value.to_string());
        let condition = id(&it.condition);
        put(
            &mut all,
            format_args!(
                "<p class=\"note {class}\"><b>{said}:</b> {condition}, it is {value}</p>\n"
            ),
        );
    }
    all
}

/// One figure that everybody looks at first: its class says how it is, its words say so, too.
fn card(class: &str, figure: &str, about: &str) -> String {
    format!(
        "<li class=\"{class}\"><b>{}</b><span>{}</span></li>\n",
        escape(figure),
        escape(about)
    )
}

fn cards(report: &Report) -> String {
    let it = &report.leavers;
    let misses = it.missed + it.failed + it.never_processed;
    let worst = |count: u64, class: &'static str| if count > 0 { class } else { "good" };
    let leavers = if it.total == 0 {
        card("idle", "–", "no leavers")
    } else {
        let class = match misses {
            0 => worst(it.not_evaluable, "warn"),
            _ => "bad",
        };
        let (met, all) = (number(it.met), number(it.total));
        let about = format!("{met} of {all} leavers done within {}", bound(it.sla_ms));
        card(class, &percent(share(it.met, it.total)), &about)
    };
    let rate = report.totals.success_rate_percent;
    let rate_class = match rate {
        None => "idle",
        Some(rate) if rate >= 99.0 => "good",
        Some(rate) if rate >= 95.0 => "warn",
        Some(_) => "bad",
    };
    let failing = &report.failing_tasks;
    let failing = if failing.known {
        card(
            worst(failing.failures, "warn"),
            &number(failing.failures),
            "failures of tasks",
        )
    } else {
        card("idle", "not known", "failures of tasks")
    };
    let not_fixed = report.failed_users.not_fixed;
    let stale = report.workflows.iter().filter(|it| it.is_stale).count() as u64;
    let proof = &report.proof;
    let proof_class = match proof.verdict {
        "proven" => "good",
        "not_proven" => "bad",
        "open" => "warn",
        _ => "idle",
    };
    [
        "<ul class=\"cards\" aria-label=\"Summary\">\n".to_owned(),
        leavers,
        card(rate_class, &percent(rate), "of users succeeded"),
        failing,
        card(
            worst(not_fixed, "bad"),
            &number(not_fixed),
            "failed users not fixed",
        ),
        card(
            worst(stale, "warn"),
            &number(stale),
            "enabled workflows without a recent run",
        ),
        card(
            proof_class,
            &proof.verdict.replace('_', " "),
            "count proof of the window",
        ),
        "</ul>\n".to_owned(),
    ]
    .concat()
}

fn notes(report: &Report) -> String {
    if report.notes.is_empty() {
        return String::new();
    }
    let items = report.notes.iter();
    let items = joined(items.map(|note| format!("<li>{}</li>\n", escape(note))));
    format!("<div class=\"note\" role=\"note\"><ul>\n{items}</ul></div>\n")
}

fn section(anchor: &str, body: &str) -> String {
    let title = SECTIONS
        .iter()
        .find(|(known, _)| *known == anchor)
        .map_or("", |(_, title)| title);
    format!(
        "<section id=\"{anchor}\" aria-labelledby=\"h-{anchor}\">\n<h2 id=\"h-{anchor}\">{title}</h2>\n{body}</section>\n"
    )
}

fn soft(said: &str) -> String {
    format!("<p class=\"soft\">{}</p>\n", escape(said))
}

/// What of a list is not shown.
fn more(all: usize, csv: &str) -> String {
    match all.saturating_sub(ROWS) {
        0 => String::new(),
        more => soft(&format!(
            "{} more are not shown: lcw report --csv {csv} lists them.",
            number(more as u64)
        )),
    }
}

fn tag(class: &str, said: &str) -> String {
    format!("<span class=\"tag {class}\">{}</span>", escape(said))
}

fn leavers(report: &Report) -> String {
    let it = &report.leavers;
    let mut body = soft(&it.statement);
    if it.total == 0 {
        body.push_str("<p>There are none in the window.</p>\n");
        return section("leavers", &body);
    }
    body.push_str(&parts(
        "Leavers by outcome",
        &[
            (("met", "f-good"), it.met),
            (("missed", "f-bad"), it.missed),
            (("failed", "f-warn"), it.failed),
            (("never processed", "f-wait"), it.never_processed),
            (("not evaluable", "f-idle"), it.not_evaluable),
        ],
    ));
    put(
        &mut body,
        format_args!(
            "<p>Time until done: {}. {} by the task that disables the account, {} by the whole processing.</p>\n",
            quantiles(&it.elapsed),
            counted(it.measured_by_task, "leaver"),
            number(it.measured_by_result)
        ),
    );
    let rest: Vec<&LeaverCase> = it
        .cases
        .iter()
        .filter(|it| it.outcome != Outcome::Met)
        .collect();
    if rest.is_empty() {
        body.push_str(&soft("lcw report --csv leavers lists each of them."));
        return section("leavers", &body);
    }
    let columns = [
        words("User"),
        words("Outcome"),
        words("Workflow"),
        words("Clock from"),
        words("Done"),
        figures("Took"),
    ];
    let rows = rest.iter().take(ROWS).map(|case| leaver_row(case));
    body.push_str(&table(
        "Leavers who are not known to have met it",
        &columns,
        rows,
    ));
    body.push_str(&more(rest.len(), "leavers"));
    section("leavers", &body)
}

fn leaver_row(case: &LeaverCase) -> [String; 6] {
    let class = match case.outcome {
        Outcome::Met => "good",
        Outcome::NotEvaluable => "idle",
        Outcome::Missed => "bad",
        Outcome::Failed => "warn",
        Outcome::NeverProcessed => "wait",
    };
    let outcome = tag(class, &case.outcome.name().replace('_', " "));
    let reason = case
        .reason
        .map(|why| format!("<br/><span class=\"soft\">{}</span>", escape(why)));
    let workflow = case.workflow.as_deref().or(case.workflow_id.as_deref());
    [
        id(&case.subject_id),
        format!("{outcome}{}", reason.unwrap_or_default()),
        workflow.map_or_else(|| "–".to_owned(), name),
        at(Some(&case.clock_start)),
        at(case.done_at.as_deref()),
        maybe_span(case.elapsed_ms),
    ]
}

fn quantiles(it: &Quantiles) -> String {
    let [half, most, all] = [it.p50_ms, it.p95_ms, it.max_ms].map(maybe_span);
    format!("p50 {half}, p95 {most}, at most {all}")
}

fn failing_tasks(report: &Report) -> String {
    let it = &report.failing_tasks;
    if !it.known {
        let said = "Task results are not in the dataset for this window: which task failed and why is not known.";
        return section("failing-tasks", &soft(said));
    }
    if it.failures == 0 {
        return section("failing-tasks", "<p>No task failed.</p>\n");
    }
    let rows = it.fingerprints.iter().take(ROWS).map(|failing| {
        let workflows: Vec<String> = failing.workflows.iter().map(|it| name(it)).collect();
        [
            format!(
                "<b>{}</b><br/>{}<br/><span class=\"soft\">{}</span>",
                name(&failing.task),
                name(&failing.reason),
                workflows.join(", ")
            ),
            number(failing.failures),
            number(failing.users),
            at(Some(&failing.first_seen)),
            at(Some(&failing.last_seen)),
            id(&failing.fingerprint),
        ]
    });
    let body = soft(
        "Ids, numbers and addresses in the service's reasons are replaced, so that the same cause is one line.",
    ) + &table(
        "Failures by task and reason",
        &[
            words("Task and reason"),
            figures("Failures"),
            figures("Users"),
            words("First seen"),
            words("Last seen"),
            words("Fingerprint"),
        ],
        rows,
    ) + &more(it.fingerprints.len(), "failing-tasks");
    section("failing-tasks", &body)
}

fn failed_users(report: &Report) -> String {
    let it = &report.failed_users;
    if it.total == 0 {
        return section("failed-users", "<p>No user was failed.</p>\n");
    }
    let mut body = parts(
        "Failed users",
        &[
            (("fixed later", "f-good"), it.fixed_later),
            (("not so far", "f-bad"), it.not_fixed),
        ],
    );
    if it.fixed_later > 0 {
        put(
            &mut body,
            format_args!("<p>Time until fixed: {}.</p>\n", quantiles(&it.time_to_fix)),
        );
    }
    if it.not_fixed > 0 {
        let rows = it.open_cases.iter().take(ROWS).map(|user| {
            [
                id(&user.subject_id),
                name(user.workflow.as_deref().unwrap_or(&user.workflow_id)),
                at(Some(&user.first_failed)),
                at(Some(&user.last_failed)),
                number(user.attempts),
            ]
        });
        body.push_str(&table(
            "Failed, and not completed since by the same workflow",
            &[
                words("User"),
                words("Workflow"),
                words("First failure"),
                words("Last failure"),
                figures("Failures"),
            ],
            rows,
        ));
        body.push_str(&more(it.open_cases.len(), "failed-users"));
    }
    section("failed-users", &body)
}

fn state(it: &WorkflowLine) -> String {
    match it {
        _ if it.deleted_at.is_some() => tag("idle", "deleted"),
        _ if it.is_stale => tag("bad", "enabled, no recent run"),
        _ if it.is_enabled == Some(false) => tag("idle", "disabled"),
        _ if it.is_scheduling_enabled == Some(false) => tag("idle", "on demand"),
        _ if it.is_enabled == Some(true) => tag("good", "enabled"),
        _ => tag("idle", "not known"),
    }
}

fn workflows(report: &Report) -> String {
    if report.workflows.is_empty() {
        return section("workflows", "<p>The dataset holds none.</p>\n");
    }
    let rows = report.workflows.iter().map(|it| {
        let category = it.category.as_deref().unwrap_or("–");
        [
            format!(
                "{}<br/><span class=\"soft\">{}</span>",
                name(it.workflow.as_deref().unwrap_or(&it.workflow_id)),
                name(category)
            ),
            state(it),
            number(it.runs),
            number(it.users.total),
            number(it.users.not_good()),
            percent(it.success_rate_percent),
            at(it.last_run.as_deref()),
        ]
    });
    let columns = [
        words("Workflow"),
        words("State"),
        figures("Runs"),
        figures("Users"),
        figures("Failed"),
        figures("Success"),
        words("Last run"),
    ];
    let body = soft(
        "Settled runs of the window. Failed are users failed or completed with errors; canceled ones are in no rate.",
    ) + &table("Each workflow", &columns, rows);
    section("workflows", &body)
}

const OUTCOMES: [Kind; 4] = [
    ("completed", "f-good"),
    ("failed or with errors", "f-bad"),
    ("canceled", "f-idle"),
    ("unfinished", "f-wait"),
];

const QUANTILES: [Kind; 2] = [
    ("half of the users (p50)", "s-good"),
    ("95 % of the users (p95)", "s-bad"),
];

fn trends(report: &Report) -> String {
    if report.days.is_empty() {
        return section("trends", "<p>There are no runs in the window.</p>\n");
    }
    let days = every_day(&report.days);
    let years = [days.first(), days.last()].map(|day| day.and_then(|(day, _)| day.get(..4)));
    let shown = if years[0] == years[1] { 5..10 } else { 0..7 };
    let places = |values: fn(&DayLine) -> Vec<Option<i64>>| -> Vec<Place> {
        let place = |(label, day): &(String, Option<&DayLine>)| Place {
            label: label.get(shown.clone()).unwrap_or(label).to_owned(),
            values: day.map_or_else(Vec::new, values),
        };
        let mut places: Vec<Place> = days.iter().map(place).collect();
        let kinds = places.iter().map(|it| it.values.len()).max().unwrap_or(0);
        for place in &mut places {
            place.values.resize(kinds, None);
        }
        places
    };
    let charts = [
        bars(
            "Users",
            "By the day of their run and how it ended",
            &OUTCOMES,
            &places(by_outcome),
        ),
        lines(
            "Waiting in the queue",
            "From scheduled to started",
            &QUANTILES,
            &places(|it| by_quantile(&it.queue)),
        ),
        lines(
            "Processing",
            "From started to completed",
            &QUANTILES,
            &places(|it| by_quantile(&it.processing)),
        ),
    ];
    let rows = report.days.iter().rev().take(ROWS).map(day_row);
    let columns = [
        words("Day"),
        figures("Runs"),
        figures("Open"),
        figures("Users"),
        figures("Failed"),
        figures("Queue p95"),
        figures("Processing p95"),
        words("Proof"),
    ];
    let body = format!(
        "<p>Over the window: queue {}; processing {}.</p>\n<div class=\"charts\">\n{}</div>\n",
        quantiles(&report.queue),
        quantiles(&report.processing),
        charts.concat()
    ) + &table("Each day, the newest first", &columns, rows)
        + &more(report.days.len(), "days");
    section("trends", &body)
}

fn by_outcome(day: &DayLine) -> Vec<Option<i64>> {
    let Outcomes {
        completed,
        canceled,
        unfinished,
        ..
    } = day.users;
    let counts = [completed, day.users.not_good(), canceled, unfinished];
    counts.map(|count| i64::try_from(count).ok()).to_vec()
}

fn by_quantile(it: &Quantiles) -> Vec<Option<i64>> {
    vec![it.p50_ms, it.p95_ms]
}

fn day_row(day: &DayLine) -> [String; 8] {
    let class = match day.verdict {
        "matched" => "good",
        "short" => "bad",
        "unproven" => "warn",
        _ => "idle",
    };
    [
        format!("<span class=\"at\">{}</span>", escape(&day.run_date)),
        number(day.runs),
        number(day.open_runs),
        number(day.users.total),
        number(day.users.not_good()),
        maybe_span(day.queue.p95_ms),
        maybe_span(day.processing.p95_ms),
        tag(class, day.verdict),
    ]
}

/// The days from the first to the last, those without runs, too.
fn every_day(days: &[DayLine]) -> Vec<(String, Option<&DayLine>)> {
    let only = || {
        days.iter()
            .map(|day| (day.run_date.clone(), Some(day)))
            .collect()
    };
    let date = |day: Option<&DayLine>| day.and_then(|day| day.run_date.parse::<Date>().ok());
    let (Some(first), Some(last)) = (date(days.first()), date(days.last())) else {
        return only();
    };
    let series = first
        .series(jiff::Span::new().days(1))
        .take_while(|day| *day <= last);
    let series: Vec<String> = series
        .take(LONGEST_TREND + 1)
        .map(|day| day.to_string())
        .collect();
    if series.len() > LONGEST_TREND {
        return only();
    }
    let mut known = days.iter().peekable();
    let with_line = |day: String| {
        let line = known.next_if(|line| line.run_date == day);
        (day, line)
    };
    series.into_iter().map(with_line).collect()
}

fn proof(report: &Report) -> String {
    let it = &report.proof;
    let class = match it.verdict {
        "proven" => "good",
        "not_proven" => "bad",
        _ => "warn",
    };
    let verdict = tag(class, &it.verdict.replace('_', " "));
    let days: Vec<String> = it
        .days
        .iter()
        .map(|(verdict, count)| format!("{count} {verdict}"))
        .collect();
    let days = if days.is_empty() {
        "none".to_owned()
    } else {
        days.join(", ")
    };
    let mut body = soft(
        "The rows of every settled run are compared with the service's own count. Proven: all there is \
         of the window is in the dataset, as far as the service can be believed.",
    );
    put(
        &mut body,
        format_args!(
            "<p>The window is {verdict}. Days by verdict: {}.</p>\n",
            escape(&days)
        ),
    );
    for (what, days) in [
        ("Lost for good", &it.lost_days),
        ("About to be lost", &it.days_at_risk),
        ("Without any run", &it.days_without_runs),
    ] {
        if !days.is_empty() {
            put(
                &mut body,
                format_args!("<p><b>{what}:</b> {}</p>\n", escape(&days.join(", "))),
            );
        }
    }
    for missing in it.not_covered.iter().take(NOT_COVERED) {
        put(
            &mut body,
            format_args!(
                "<p class=\"long\"><b>Not covered:</b> {}</p>\n",
                escape(missing)
            ),
        );
    }
    if it.not_covered.len() > NOT_COVERED {
        let more = number((it.not_covered.len() - NOT_COVERED) as u64);
        body.push_str(&soft(&format!(
            "{more} more are not covered: lcw report --json lists them."
        )));
    }
    if !it.short.is_empty() {
        body.push_str(&shortfalls(report));
    }
    let last = it.last_export.as_deref().unwrap_or("none");
    put(
        &mut body,
        format_args!(
            "<p>Last export: {}. Last complete export: {}.</p>\n",
            escape(last),
            at(it.last_complete_export.as_deref())
        ),
    );
    section("proof", &body)
}

fn shortfalls(report: &Report) -> String {
    let short = &report.proof.short;
    let count = |count: Option<i64>| count.map_or_else(|| "–".to_owned(), |it| it.to_string());
    let rows = short.iter().take(ROWS).map(|it| {
        let known = it
            .acknowledged
            .as_deref()
            .map_or_else(|| tag("bad", "no"), name);
        [
            id(it.run_id.as_deref().unwrap_or(&it.workflow_id)),
            escape(&it.table),
            count(it.held),
            count(it.counted),
            known,
        ]
    });
    let columns = [
        words("Run or workflow"),
        words("Table"),
        figures("Held"),
        figures("Counted"),
        words("Acknowledged"),
    ];
    table("Fewer rows than the service counts", &columns, rows) + &more(short.len(), "short")
}

fn foot(report: &Report) -> String {
    format!(
        "</main>\n<footer>Made {} by lcw {} from {}. All times are UTC. It contains object ids of \
         people: handle it accordingly.</footer>\n",
        at(Some(&report.generated_at)),
        env!("CARGO_PKG_VERSION"),
        id(&report.out)
    )
}

/// One after the other.
fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().concat()
}

fn put(to: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _infallible = to.write_fmt(text);
}
