//! Each stage alone, as an export does it and bare, in CPU nanoseconds a row.
//!
//! All work on the same pages of a tenant, and take turns: what disturbs the machine disturbs each of them.

mod files;
mod http;
mod rows;

use std::time::Duration;

use lcw_pipeline::FileFormat;
use lcw_tests::Office;
use nix::time::{ClockId, clock_gettime};

use crate::bare;
use crate::limit::{RunId, Service, SignIn};

/// The results of one run, as they were answered.
struct Answered {
    id: RunId,
    pages: Vec<String>,
}

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
            let before = cpu();
            let rows = (stage.work)();
            let used = cpu().saturating_sub(before);
            let rows = f64::from(u32::try_from(rows).unwrap());
            stage.nanoseconds.push(used.as_secs_f64() * 1e9 / rows);
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

/// What all threads of this process have used.
fn cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)
        .unwrap()
        .into()
}
