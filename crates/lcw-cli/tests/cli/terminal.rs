//! On a terminal: the progress line, logs above it, colours.

use std::time::Duration;

use lcw_simulator::{Endpoint, Fault, FaultRule, Form, RetryAfter, When};

use crate::desk::Desk;
use crate::program::{Ended, Lcw};

fn on_a_terminal(lcw: Lcw, columns: u32) -> Ended {
    lcw.on_a_terminal(columns).run()
}

/// Everything that was drawn, in order: whole lines, and each state of those drawn again.
fn screen(ended: &Ended) -> Vec<String> {
    let shown = plain(&ended.stdout);
    let drawn = shown
        .split(['\r', '\n'])
        .filter(|line| !line.trim().is_empty());
    drawn.map(str::to_owned).collect()
}

/// Text without escape sequences.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter == '\u{1b}' {
            letters.by_ref().skip(1).find(char::is_ascii_alphabetic);
        } else {
            plain.push(letter);
        }
    }
    plain
}

fn busy(desk: &Desk) {
    let slow = Fault::SlowBytes {
        chunk: 200,
        pause: Duration::from_millis(15),
    };
    desk.tenant
        .inject(FaultRule::new(slow).on(Endpoint::RunResults));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_line_says_what_is_done_how_far_and_how_fast() {
    let desk = Desk::new().await;
    busy(&desk);
    let ended = on_a_terminal(desk.lcw("export --out data"), 120).with(0);
    let lines = screen(&ended);
    let line = lines
        .iter()
        .find(|line| line.contains(" left"))
        .unwrap_or_else(|| {
            panic!("no line with the time left: {lines:#?}");
        });
    for part in [
        "reading results",
        " runs | ",
        " rows | ",
        " requests, ",
        "/s | ",
    ] {
        assert!(line.contains(part), "{line}");
    }
    assert!(
        lines.iter().all(|line| line.chars().count() <= 120),
        "{lines:#?}"
    );
    // The logs are whole lines above it, and it is gone in the end.
    let days = lines.iter().filter(|line| line.contains("day committed"));
    assert!(days.count() > 8, "{lines:#?}");
    let torn = |line: &&String| line.contains("day committed") && !line.starts_with("20");
    assert_eq!(lines.iter().find(torn), None);
    let last = lines
        .iter()
        .rposition(|line| line.contains("requests, "))
        .unwrap();
    assert!(lines[last + 1].starts_with("export "), "{lines:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_line_is_cut_to_the_width_of_the_terminal() {
    let desk = Desk::new().await;
    busy(&desk);
    let ended = on_a_terminal(desk.lcw("export --out data"), 40).with(0);
    let shown = plain(&ended.stdout);
    let drawn = shown
        .split(['\r', '\n'])
        .filter(|line| line.contains("reading results"));
    assert!(drawn.clone().count() > 0);
    for line in drawn {
        assert!(line.chars().count() <= 40, "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_pause_is_shown_with_its_end() {
    let desk = Desk::new().await;
    let throttled = Fault::Throttled(RetryAfter::In(Form::Seconds, Duration::from_secs(2)));
    let rule = FaultRule::new(throttled).on(Endpoint::RunResults);
    desk.tenant.inject(rule.when(When::Nth(5)));
    let ended = on_a_terminal(desk.lcw("export --out data"), 120).with(0);
    let lines = screen(&ended);
    let line = lines
        .iter()
        .find(|line| line.contains("throttled, resuming at "));
    let line = line.unwrap_or_else(|| panic!("{lines:#?}"));
    let (_, at) = line.split_once("resuming at ").unwrap();
    let clock: Vec<&str> = at[..8].split(':').collect();
    assert!(
        clock.len() == 3 && at[8..].starts_with("Z | reading results"),
        "{line}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn there_is_no_line_where_nobody_looks_or_nobody_wants_it() {
    let desk = Desk::new().await;
    busy(&desk);
    for flags in ["--no-progress", "--quiet", "--log-format json"] {
        let line = format!("export --out data {flags}");
        let ended = on_a_terminal(desk.lcw(&line), 120).with(0);
        assert!(!ended.stdout.contains("requests, "), "{flags}: {ended}");
        std::fs::remove_dir_all(desk.data()).unwrap();
    }
    let ended = desk.lcw("export --out data").run().with(0);
    assert!(!ended.stderr.contains("requests, ") && !ended.stderr.contains('\u{1b}'));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn colours_are_for_terminals_that_want_them() {
    let desk = Desk::new().await;
    let export = || desk.lcw("export --out data --no-progress");
    let has_colours = |ended: &Ended| ended.stdout.contains("\u{1b}[3");
    assert!(has_colours(&on_a_terminal(export(), 120).with(0)));
    std::fs::remove_dir_all(desk.data()).unwrap();
    let without = on_a_terminal(export().env("NO_COLOR", "1"), 120).with(0);
    assert!(!has_colours(&without), "{without}");
    std::fs::remove_dir_all(desk.data()).unwrap();
    // An empty value is no wish.
    assert!(has_colours(
        &on_a_terminal(export().env("NO_COLOR", ""), 120).with(0)
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_error_stands_alone_below_the_line() {
    let desk = Desk::new().await;
    let lcw = desk
        .lcw("export --out data")
        .env("AZURE_CLIENT_SECRET", "wrong");
    let ended = on_a_terminal(lcw, 120).with(3);
    let lines = screen(&ended);
    let error = lines
        .iter()
        .position(|line| line.starts_with("error: no token from"));
    assert!(error.is_some(), "{lines:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn verdicts_and_errors_are_coloured_on_a_terminal_that_wants_it() {
    let desk = Desk::today().await;
    let doctor = |line: &str| desk.lcw(&format!("doctor --out data {line}"));
    let coloured = on_a_terminal(doctor(""), 80).with(0).stdout;
    assert!(coloured.contains("\u{1b}[32mpass \u{1b}[0m"), "{coloured}");
    assert!(coloured.contains("\u{1b}[33mwarn \u{1b}[0m"), "{coloured}");
    let wrong = || doctor("--no-such-flag");
    let error = desk.lcw("export nobody.toml");
    let error = on_a_terminal(error, 80).with(2).stdout;
    assert!(
        error.contains("\u{1b}[1;31merror:\u{1b}[0m cannot read"),
        "{error}"
    );
    for lcw in [
        doctor(""),
        on_a_dumb(doctor("")),
        on_no_colours(doctor("")),
        on_no_colours(wrong()),
        on_no_colours(desk.lcw("export nobody.toml")),
    ] {
        let ended = lcw.run();
        assert!(!ended.to_string().contains('\u{1b}'), "{ended}");
    }
}

fn on_a_dumb(lcw: Lcw) -> Lcw {
    lcw.on_a_terminal(80).env("TERM", "dumb")
}

fn on_no_colours(lcw: Lcw) -> Lcw {
    lcw.on_a_terminal(80).env("NO_COLOR", "1")
}
