//! Workflows by their names, which are other people's words and not unique.

use std::time::Duration;

use lcw_simulator::{RunPlan, Simulator};
use lcw_tests::single;

use crate::desk::Desk;
use crate::program::{Ended, Lcw};

const BACKFILL: &str = "backfill --out data --from T-20d --to T --json";

fn of(desk: &Desk, line: &str, workflow: &str) -> Lcw {
    desk.lcw(line).arg("--workflow").arg(workflow)
}

/// The id and the name of one of the tenant's workflows.
fn workflow(desk: &Desk, nth: usize) -> (String, String) {
    let workflow = desk.tenant.truth().workflows.swap_remove(nth);
    let name = workflow.detail["displayName"].as_str().unwrap();
    (workflow.id.clone(), name.to_owned())
}

/// How many runs were listed, and of which workflows rows were written.
fn listed(ended: &Ended) -> u64 {
    ended.json()["runs"]["listed"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_backfill_takes_a_name_for_an_id() {
    let desk = Desk::new().await;
    let (id, name) = workflow(&desk, 0);
    let all = listed(&desk.lcw(BACKFILL).run());
    let by_id = listed(&of(&desk, BACKFILL, &id).run());
    assert!(by_id > 0 && by_id < all, "{by_id} of {all}");
    for name in [&name, &format!("  {} ", name.to_uppercase())] {
        assert_eq!(listed(&of(&desk, BACKFILL, name).run()), by_id, "{name}");
    }
    let line = "plan backfill --out data --from T-20d --to T --json";
    assert_eq!(listed(&of(&desk, line, &name).run()), by_id);
    // Said twice, meant once.
    let twice = of(&desk, BACKFILL, &name).arg("--workflow").arg(&id);
    assert_eq!(listed(&twice.run()), by_id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_name_of_two_workflows_is_refused_with_their_ids() {
    let desk = Desk::new().await;
    let ((one, _), (two, _)) = (workflow(&desk, 0), workflow(&desk, 1));
    let hostile = "Leavers\n\u{1b}[31m\u{202e}error: x";
    for id in [&one, &two] {
        desk.tenant.rename_workflow(id, hostile);
    }
    let ended = of(&desk, "backfill --out data --from T-7d --to T", hostile);
    let ended = ended.run().with(2);
    ended.says(&["the tenant has 2 workflows with the name", &one, &two]);
    // The name stays on its line and does not steer the terminal.
    let steering = ended.stderr.contains(['\u{1b}', '\u{202e}']);
    assert!(!steering, "{ended}");
    let errors = ended
        .stderr
        .lines()
        .filter(|line| line.starts_with("error:"));
    assert_eq!(errors.count(), 1, "{ended}");
    assert!(!desk.data().exists(), "{ended}");
    // An id is always enough.
    of(&desk, BACKFILL, &one).run().with(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_acknowledgement_takes_a_name_from_the_dataset() {
    let desk = Desk::with(Simulator::start(single(2)).await.unwrap());
    let (id, name) = workflow(&desk, 0);
    let scheduled = desk.tenant.now() - Duration::from_hours(2);
    let run = desk.tenant.add_run(&id, &RunPlan::new(scheduled, 5));
    desk.tenant.report_users(&run, Some(7));
    desk.lcw("export --out data --json").run().with(5);

    let acknowledge = |workflow: &str| {
        let lcw = desk.bare("acknowledge --out data --reason known --json");
        lcw.arg("--workflow").arg(workflow).run()
    };
    let mistyped = &name[..name.len() - 1];
    acknowledge(mistyped).with(2).says(&["did you mean", &id]);
    let done = acknowledge(&name.to_lowercase()).with(0).json();
    assert_eq!(done["acknowledged"][0]["workflow_id"], *id, "{done:#}");
    desk.lcw("export --out data --json").run().with(0);
}
