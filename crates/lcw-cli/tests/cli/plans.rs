//! What a plan says against what the export then does.

use lcw_simulator::{Paging, TenantConfig};
use serde_json::Value;

use crate::desk::Desk;

const ROUTES: [&str; 3] = ["auto", "run", "workflow"];

/// The requests that a plan foresees, and those that the export after it sends.
fn foreseen_and_sent(desk: &Desk, pipeline: &str) -> (u64, u64) {
    let answer = |verb: &str| {
        let ended = desk.lcw(verb).words(pipeline).words("--json").run();
        ended.with(0).json()
    };
    let count = |value: &Value| value.as_u64().unwrap();
    let plan = answer("plan export");
    let foreseen = count(&plan["requests_to_list"]) + count(&plan["requests_to_fetch"]);
    (foreseen, count(&answer("export")["requests"]["sent"]))
}

/// The demo's tenant with other pages.
fn with_pages_of(rows: u32) -> TenantConfig {
    let config = TenantConfig::demo();
    TenantConfig {
        paging: Paging {
            page_size: rows..=rows,
            ..config.paging
        },
        ..config
    }
}

#[track_caller]
fn assert_within_ten_percent((foreseen, sent): (u64, u64), what: &str) {
    assert!(
        foreseen.abs_diff(sent) * 10 <= sent,
        "{what}: {foreseen} of {sent}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn foresee_the_requests_of_every_route() {
    let desk = Desk::of(TenantConfig::demo()).await;
    for route in ROUTES {
        let text = format!("[extract]\nroute = \"{route}\"\n[load]\nout = \"{route}\"\n");
        desk.write("p.toml", text);
        let first = foreseen_and_sent(&desk, "p.toml");
        assert_within_ten_percent(first, &format!("the first export by route {route}"));
        // Nothing is new; runs that are still open are read again.
        let next = foreseen_and_sent(&desk, "p.toml");
        assert!(next.1 * 10 < first.1, "{next:?} after {first:?}");
        assert_within_ten_percent(next, &format!("the next export by route {route}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn foresee_the_requests_whatever_a_page_holds() {
    for rows in [10, 400] {
        let desk = Desk::of(with_pages_of(rows)).await;
        let counts = foreseen_and_sent(&desk, "--out data");
        assert_within_ten_percent(counts, &format!("pages of {rows}"));
    }
}
