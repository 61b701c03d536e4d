//! `docs/pacing.svg`: what was requested, allowed and refused, second by second, in a recorded run.
//!
//! The run is made anew by each test, and the file is what it draws. `LCW_DRAW=1` writes it.

use std::fmt::Write as _;
use std::time::Duration;

use lcw_tests::{Answered, Bucket, Terms};
use tokio::time::{Instant, sleep};

use super::export::Export;
use super::terms;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/pacing.svg");
/// The limit from each second on.
const LIMITS: [(u32, f64); 3] = [(0, 30.0), (60, 12.0), (150, 25.0)];
const SECONDS: u32 = 330;
const REQUESTS: u32 = 5_800;

/// The drawing, in pixels.
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 54.0;
const BOTTOM: f64 = 40.0;
/// The highest rate that it shows, in requests a second.
const MOST: f64 = 70.0;

/// Colours that are read on light and on dark ground.
const STYLE: &str = "
  :root { --ground: #ffffff; --ink: #1f2328; --faint: #d0d7de; --pause: #eaeef2;
          --allowed: #0969da; --refused: #cf222e; --limit: #1a7f37 }
  @media (prefers-color-scheme: dark) {
    :root { --ground: #0d1117; --ink: #e6edf3; --faint: #30363d; --pause: #21262d;
            --allowed: #58a6ff; --refused: #ff7b72; --limit: #3fb950 } }
  text { font: 12px sans-serif; fill: var(--ink) }
  .title { font-size: 14px; font-weight: bold }
  .ground { fill: var(--ground) } .grid { stroke: var(--faint) } .pause { fill: var(--pause) }
  .allowed { stroke: var(--allowed); fill: none; stroke-width: 1.5 }
  .refused { fill: var(--refused) }
  .limit { stroke: var(--limit); fill: none; stroke-width: 1.5; stroke-dasharray: 6 4 }
";

/// What happened in one second.
#[derive(Debug, Clone, Copy, Default)]
struct Second {
    allowed: u32,
    refused: u32,
    is_paused: bool,
}

fn limit(per_second: f64) -> Terms {
    terms(per_second, per_second)
}

/// An export whose limit falls and rises.
async fn record() -> Vec<Second> {
    let bucket = Bucket::start(limit(LIMITS[0].1)).await;
    let export = Export::of(REQUESTS);
    let client = export.client(&bucket);
    let started = Instant::now();
    let changes = async {
        for (second, per_second) in &LIMITS[1..] {
            let at = started + Duration::from_secs(u64::from(*second));
            sleep(at - Instant::now()).await;
            bucket.change(limit(*per_second));
        }
    };
    tokio::join!(export.run_with(&client), changes);
    let answered = bucket.answered();
    let seconds = (0..SECONDS).map(|nth| second(&answered, started, nth));
    seconds.collect()
}

fn second(answered: &[Answered], started: Instant, nth: u32) -> Second {
    let from = started + Duration::from_secs(u64::from(nth));
    let until = from + Duration::from_secs(1);
    let mut second = Second::default();
    for request in answered {
        if (from..until).contains(&request.at) {
            second.allowed += u32::from(!request.is_refused);
            second.refused += u32::from(request.is_refused);
        }
        let middle = from + Duration::from_millis(500);
        second.is_paused |= request.pause.is_some_and(|pause| {
            (request.answered_at..request.answered_at + pause).contains(&middle)
        });
    }
    second
}

fn x(second: u32) -> f64 {
    LEFT + f64::from(second) * (WIDTH - LEFT - RIGHT) / f64::from(SECONDS)
}

fn y(rate: f64) -> f64 {
    HEIGHT - BOTTOM - rate.min(MOST) * (HEIGHT - TOP - BOTTOM) / MOST
}

fn draw(seconds: &[Second]) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-labelledby=\"title\">\n<title id=\"title\">Requests allowed and refused per second \
         under a limit that falls and rises</title>\n<style>{STYLE}</style>\n\
         <rect class=\"ground\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>\n"
    );
    draw_pauses(&mut svg, seconds);
    draw_axes(&mut svg);
    draw_limit(&mut svg);
    draw_requests(&mut svg, seconds);
    draw_legend(&mut svg, seconds);
    svg.push_str("</svg>\n");
    svg
}

fn draw_pauses(svg: &mut String, seconds: &[Second]) {
    for (second, nth) in seconds.iter().zip(0..) {
        if second.is_paused {
            let (left, width) = (x(nth), x(nth + 1) - x(nth));
            let (top, height) = (y(MOST), y(0.0) - y(MOST));
            writeln!(
                svg,
                "<rect class=\"pause\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" \
                 height=\"{height:.1}\"/>"
            )
            .unwrap();
        }
    }
}

fn draw_axes(svg: &mut String) {
    let (left, right) = (x(0), x(SECONDS));
    for rate in (0..=60).step_by(20) {
        let at = y(f64::from(rate));
        writeln!(
            svg,
            "<line class=\"grid\" x1=\"{left:.1}\" y1=\"{at:.1}\" x2=\"{right:.1}\" y2=\"{at:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{rate}</text>",
            left - 6.0,
            at + 4.0
        ).unwrap();
    }
    for second in (0..=SECONDS).step_by(60) {
        writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{second} s</text>",
            x(second),
            y(0.0) + 18.0
        )
        .unwrap();
    }
}

fn draw_limit(svg: &mut String) {
    let mut points = String::new();
    let ends = LIMITS[1..].iter().map(|(from, _)| *from).chain([SECONDS]);
    for ((from, per_second), until) in LIMITS.iter().zip(ends) {
        let at = y(*per_second);
        write!(points, "{:.1},{at:.1} {:.1},{at:.1} ", x(*from), x(until)).unwrap();
    }
    let points = points.trim_end();
    writeln!(svg, "<polyline class=\"limit\" points=\"{points}\"/>").unwrap();
}

fn draw_requests(svg: &mut String, seconds: &[Second]) {
    let points: Vec<String> = seconds
        .iter()
        .zip(0..)
        .map(|(second, nth)| format!("{:.1},{:.1}", x(nth), y(f64::from(second.allowed))))
        .collect();
    let points = points.join(" ");
    writeln!(svg, "<polyline class=\"allowed\" points=\"{points}\"/>").unwrap();
    for (second, nth) in seconds.iter().zip(0..) {
        if second.refused > 0 {
            let height = y(0.0) - y(f64::from(second.refused));
            writeln!(
                svg,
                "<rect class=\"refused\" x=\"{:.1}\" y=\"{:.1}\" width=\"3\" height=\"{height:.1}\"/>",
                x(nth),
                y(0.0) - height
            ).unwrap();
        }
    }
}

fn draw_legend(svg: &mut String, seconds: &[Second]) {
    let allowed: u32 = seconds.iter().map(|second| second.allowed).sum();
    let refused: u32 = seconds.iter().map(|second| second.refused).sum();
    let requested = allowed + refused;
    writeln!(
        svg,
        "<text class=\"title\" x=\"{LEFT}\" y=\"20\">Requests a second: {requested} requested, \
         {allowed} allowed, {refused} refused</text>"
    )
    .unwrap();
    let entries = [
        ("limit, which nobody tells", 190.0),
        ("allowed", 90.0),
        ("refused", 90.0),
        ("pause that was asked for", 0.0),
    ];
    let marks = [
        "<line class=\"limit\" x1=\"0\" y1=\"-4\" x2=\"20\" y2=\"-4\"/>",
        "<line class=\"allowed\" x1=\"0\" y1=\"-4\" x2=\"20\" y2=\"-4\"/>",
        "<rect class=\"refused\" x=\"8\" y=\"-10\" width=\"3\" height=\"10\"/>",
        "<rect class=\"pause\" x=\"2\" y=\"-10\" width=\"14\" height=\"12\"/>",
    ];
    let mut left = LEFT;
    for ((text, width), mark) in entries.into_iter().zip(marks) {
        writeln!(
            svg,
            "<g transform=\"translate({left} 42)\">{mark}<text x=\"26\">{text}</text></g>"
        )
        .unwrap();
        left += width;
    }
}

#[tokio::test(start_paused = true)]
async fn the_chart_in_the_docs_is_what_the_limiter_does() {
    let seconds = record().await;
    let allowed: u32 = seconds.iter().map(|second| second.allowed).sum();
    assert_eq!(allowed, REQUESTS, "the time axis is too short");
    assert!(seconds.iter().any(|second| second.is_paused));
    let drawn = draw(&seconds);
    assert!(drawn.contains("prefers-color-scheme: dark"));
    if std::env::var_os("LCW_DRAW").is_some() {
        std::fs::write(FILE, &drawn).unwrap();
    }
    let stored = std::fs::read_to_string(FILE).unwrap();
    assert!(
        stored == drawn,
        "docs/pacing.svg is not what the limiter does now: draw it again with LCW_DRAW=1"
    );
}
