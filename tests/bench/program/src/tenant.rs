//! The simulated tenant in a process of its own, until whoever started it closes its standard input.

use std::io::{Write as _, stdin, stdout};
use std::time::Duration;

use lcw_simulator::{Contents, Reading, RunPlan, Schedule, Simulator, TenantConfig};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// Rendered bodies are kept, so that those who are measured share the cores with a server that costs little.
/// Above this many rows they would fill the machine's memory, and every row is asked for once or twice only.
const MOST_CACHED_ROWS: usize = 2_000_000;
/// What three clients with three ways of asking leave of a row in the cache, with room to spare.
const CACHED_BYTES_PER_ROW: usize = 2_000;

/// Serves, and says as one line of JSON where and for whom.
pub(crate) fn serve(shape: &str, [workflows, runs, users]: [u32; 3]) {
    let mut config = match shape {
        "history" => TenantConfig::bench(workflows, runs, users),
        "day" => one_day(workflows, runs, users),
        "daily" => daily(workflows, users),
        "small" => small(workflows, runs, users),
        _ => panic!("there is no tenant of the shape {shape}"),
    };
    let rows = [workflows, runs, users].map(|number| number as usize);
    let rows = rows.into_iter().product::<usize>();
    config.answers.cache_bytes = match rows {
        ..=MOST_CACHED_ROWS => rows.max(100_000) * CACHED_BYTES_PER_ROW,
        _ => 0,
    };
    // The bars were measured without compression, whose share no exporter can do anything about.
    config.answers.gzip_level = None;
    // Requests are counted, not remembered.
    config.record_limit = 0;
    // One thread: what it takes from two cores is the same for all.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let tenant = Simulator::start(config).await.unwrap();
        announce(&tenant, shape == "small");
        let closed =
            tokio::task::spawn_blocking(|| std::io::copy(&mut stdin(), &mut std::io::sink()));
        closed.await.unwrap().unwrap();
    });
}

/// Counting the rows of a tenant takes longer than multiplying where all runs are as large.
fn announce(tenant: &Simulator, is_counted: bool) {
    let core = Reading::of(Contents::Core);
    let rows = is_counted.then(|| tenant.truth_as(&core).results.len());
    let told = serde_json::json!({
        "rows": rows,
        "origin": tenant.origin(),
        "tenant_id": tenant.tenant_id(),
        "client_id": tenant.client_id(),
        "client_secret": tenant.client_secret(),
        "workflows": tenant.workflow_ids(),
    });
    println!("{told}");
    stdout().flush().unwrap();
}

/// So many runs on the day on which the clock starts, all over and settled.
fn one_day(workflows: u32, runs: u32, users: u32) -> TenantConfig {
    let mut config = TenantConfig::bench(workflows, 0, 0);
    let morning = config.now - 12 * HOUR;
    let plans = (0..workflows).flat_map(|workflow| {
        (0..runs).map(move |run| {
            let scheduled = morning + (10 * HOUR).mul_f64(f64::from(run) / f64::from(runs));
            (workflow as usize, RunPlan::new(scheduled, users))
        })
    });
    config.runs = plans.collect();
    config
}

/// As the history, but with any number of users in a run, up to so many and none among them.
fn small(workflows: u32, runs: u32, users: u32) -> TenantConfig {
    let mut config = TenantConfig::bench(workflows, runs, users);
    for workflow in &mut config.workflows {
        workflow.users_per_run = 0..=users;
    }
    config
}

/// A run of each workflow every morning, for the last 28 days and from now on.
fn daily(workflows: u32, users: u32) -> TenantConfig {
    let mut config = TenantConfig::bench(workflows, 1, users);
    let schedule = Schedule {
        history: 28 * DAY + 6 * HOUR,
        ..Schedule::ongoing(DAY, 28)
    };
    for workflow in &mut config.workflows {
        workflow.schedule = Some(schedule);
    }
    config
}
