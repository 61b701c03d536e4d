//! Each stage alone, as an export does it and bare, in CPU nanoseconds a row.
//!
//! All work on the same pages of a tenant, and take turns: what disturbs the machine disturbs each of them.

mod files;
mod http;
mod rows;

use std::time::{Duration, Instant};

use lcw_pipeline::FileFormat;
use lcw_tests::Office;

use crate::bare;
use crate::limit::{RunId, Service, SignIn};

/// The results of one run, as they were answered.
struct Answered {
    id: RunId,
    pages: Vec<String>,
}

/// Of the kernel's figures in `/proc`, on every machine that Linux knows.
const TICKS_PER_SECOND: f64 = 100.0;
/// How long a stage is watched at a time.
const LEAST: Duration = Duration::from_millis(400);

/// One stage in one manner.
struct Stage<'a> {
    name: &'static str,
    /// What of several things it does; empty where there is only one.
    variant: &'static str,
    manner: &'static str,
    /// Does it once and says with how many rows.
    work: Box<dyn FnMut() -> usize + 'a>,
    nanoseconds: Vec<f64>,
}

const OURS: &str = "lcw";
const BARE: &str = "bare";

fn stage<'a>(
    name: &'static str,
    variant: &'static str,
    manner: &'static str,
    work: impl FnMut() -> usize + 'a,
) -> Stage<'a> {
    Stage {
        name,
        variant,
        manner,
        work: Box::new(work),
        nanoseconds: Vec::new(),
    }
}

/// Prints the nanoseconds a row of every stage and round, a line of JSON for each stage.
pub(crate) fn measure(to: &SignIn<'_>, runs: usize, rounds: usize) {
    bare::check();
    // One thread for all: it is CPU that is measured, and time would be the server's, too.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.unwrap();
    let office = Office::new(FileFormat::Parquet);
    let client = office.sign_in_as(to.origin, to.tenant, to.client, to.secret);
    let service = runtime.block_on(Service::sign_in(to));
    let answered = runtime.block_on(http::fetch(&service, runs));
    let made = rows::Made::of(&answered);
    let mut stages = http::stages(&runtime, &service, &client, &answered);
    stages.extend(rows::stages(&answered, &made));
    stages.extend(files::stages(office.scratch(), &made));
    for _ in 0..rounds {
        for stage in &mut stages {
            stage.nanoseconds.push(nanoseconds_a_row(&mut stage.work));
        }
    }
    for stage in stages {
        let Stage {
            name,
            variant,
            manner,
            nanoseconds,
            ..
        } = stage;
        let told = serde_json::json!({
            "stage": name, "variant": variant, "manner": manner, "nanoseconds": nanoseconds,
        });
        println!("{told}");
    }
}

/// Does it again and again, until the ticks in which the kernel counts are small beside it.
fn nanoseconds_a_row(work: &mut dyn FnMut() -> usize) -> f64 {
    let (started, before) = (Instant::now(), cpu_seconds());
    let mut rows = 0;
    while started.elapsed() < LEAST {
        rows += work();
    }
    (cpu_seconds() - before) * 1e9 / f64::from(u32::try_from(rows).unwrap())
}

/// User and system time of all threads of this process, those that have ended too.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks
        .map(|ticks| ticks.parse::<f64>().unwrap())
        .sum::<f64>()
        / TICKS_PER_SECOND
}
