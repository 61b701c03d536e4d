//! Listings of runs whose pages begin at a number, while runs come and go between them.

use std::sync::Arc;
use std::time::Duration;

use lcw_simulator::{Endpoint, Order, Paging, RunPlan, Simulator};
use lcw_tests::{Office, assert_same, expected, single};
use lcw_transform::Table;

const DAY: Duration = Duration::from_hours(24);

/// What happens between two pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Move {
    /// A run that was read goes, and draws the first of the next page over its edge.
    Goes,
    /// A new run pushes the last of the page that was read onto the next one.
    Comes,
}

/// A workflow with a run on each of the last twelve days, three of them on a page.
async fn tenant(order: Order) -> Arc<Simulator> {
    let mut config = single(131);
    config.paging = Paging {
        order,
        by_number: true,
        ..Paging::plain(3)
    };
    let tenant = Simulator::start(config).await.unwrap();
    let workflow = tenant.workflow_ids().remove(0);
    for days in 1..=12 {
        tenant.add_run(&workflow, &RunPlan::new(tenant.now() - days * DAY, 2));
    }
    Arc::new(tenant)
}

/// Has something happen before a page of the runs is answered.
fn before_page(tenant: &Arc<Simulator>, page: u64, order: Order, happens: Move) {
    let weak = Arc::downgrade(tenant);
    tenant.before(Endpoint::Runs, page, move || {
        let tenant = weak.upgrade().unwrap();
        let workflow = tenant.workflow_ids().remove(0);
        let mut runs = tenant.run_ids(&workflow);
        match (happens, order) {
            (Move::Comes, _) => {
                let new = RunPlan::new(tenant.now() - DAY / 4, 2);
                tenant.add_run(&workflow, &new);
            }
            (Move::Goes, Order::OldestFirst) => tenant.drop_run(&runs.remove(0)),
            (Move::Goes, Order::NewestFirst) => tenant.drop_run(&runs.pop().unwrap()),
        }
    });
}

/// Rows that the service has and the dataset lacks; what it has of them is as it is.
fn missing(office: &Office, tenant: &Simulator, table: Table) -> usize {
    let mut stored = office.facts(tenant, table);
    let mut shown = expected(&tenant.truth(), table);
    let all = shown.len();
    stored.retain(|key, _| shown.contains_key(key));
    shown.retain(|key, _| stored.contains_key(key));
    assert_same(table.name(), &stored, &shown);
    all - stored.len()
}

#[tokio::test]
async fn runs_that_a_moving_listing_leaves_out_are_there_after_two_exports() {
    use Move::{Comes, Goes};
    use Order::{NewestFirst, OldestFirst};
    for (order, moves) in [
        (OldestFirst, vec![(2, Goes)]),
        (NewestFirst, vec![(2, Goes)]),
        (NewestFirst, vec![(2, Comes)]),
        (OldestFirst, vec![(2, Goes), (3, Comes), (4, Goes)]),
        (NewestFirst, vec![(2, Comes), (3, Goes), (4, Comes)]),
    ] {
        for (lookback, mut office) in [30, 1].into_iter().zip(Office::of_each_format()) {
            office.request.lookback = lookback * DAY;
            let what = format!("{order:?}, {moves:?}, {lookback} days");
            let tenant = tenant(order).await;
            for (page, happens) in &moves {
                before_page(&tenant, *page, order, *happens);
            }
            office.export(&tenant).await;
            let left_out = missing(&office, &tenant, Table::Runs);
            // One more than was listed is counted, and listed again.
            let is_counted = moves.iter().any(|(_, happens)| *happens == Comes);
            assert!(is_counted || left_out > 0, "{what}: nothing was left out");
            // What is new has settled by then.
            tenant.advance(DAY);
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{what}: {summary:#?}");
            for table in [Table::Runs, Table::UserProcessingResults] {
                assert_eq!(missing(&office, &tenant, table), 0, "{what}: {table:?}");
            }
        }
    }
}
