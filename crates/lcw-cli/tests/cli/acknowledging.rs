//! `lcw acknowledge`: what is known to be missing stays on record, and makes no export unproven.

use std::time::Duration;

use lcw_simulator::{RunPlan, Simulator};
use lcw_tests::single;

use crate::desk::{Desk, contents};
use crate::program::Lcw;

const REASON: &str = "case 2611: lost by the service";

/// A desk with an export of one run of which the service counts two users more than there are.
async fn short_desk() -> (Desk, String) {
    let desk = Desk::with(Simulator::start(single(2)).await.unwrap());
    let workflow = desk.tenant.workflow_ids().remove(0);
    let scheduled = desk.tenant.now() - Duration::from_hours(2);
    let run = desk.tenant.add_run(&workflow, &RunPlan::new(scheduled, 5));
    desk.tenant.report_users(&run, Some(7));
    desk.lcw("export --out data --json").run().with(5);
    (desk, run)
}

/// The day of a run, by the service's clock.
fn today(desk: &Desk) -> String {
    let scheduled = desk.tenant.now() - Duration::from_hours(2);
    scheduled.to_string()[..10].to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_short_run_is_acknowledged_by_run_day_or_workflow() {
    for by in ["--run", "--day", "--workflow"] {
        let (desk, run) = short_desk().await;
        let name = match by {
            "--run" => run.clone(),
            "--day" => today(&desk),
            _ => desk.tenant.workflow_ids().remove(0),
        };
        let lcw = desk.bare("acknowledge --out data --json").arg(by).arg(name);
        let done = lcw.arg("--reason").arg(REASON).run().with(0).json();
        assert_eq!(done["tenant_id"], desk.tenant.tenant_id());
        let entries = done["acknowledged"].as_array().unwrap();
        let of_run = entries
            .iter()
            .find(|entry| entry["run_id"] == *run && entry["table"] == "user_processing_results");
        let of_run = of_run.unwrap_or_else(|| panic!("{by}: {done:#}"));
        assert_eq!(
            (&of_run["missing"], &of_run["reason"]),
            (&2.into(), &REASON.into())
        );
        assert!(
            of_run["at"]
                .as_str()
                .unwrap()
                .parse::<jiff::Timestamp>()
                .is_ok()
        );
        let manifest = done["manifest"].as_str().unwrap();
        let is_there = |folder: &std::path::Path| folder.join(manifest).exists();
        assert!(
            is_there(desk.folder()) || is_there(&desk.data()),
            "{manifest}"
        );

        let summary = desk.export().json();
        let short = &summary["proof"]["short_runs"][0];
        assert_eq!(short["acknowledged"], REASON, "{summary:#}");
        assert_eq!(summary["proof"]["unacknowledged"], 0);
        let text = desk.bare("status --out data").run().with(0).stdout;
        let known = format!("acknowledged: {REASON}");
        assert!(text.contains(&format!("short: run {run}")), "{text}");
        assert!(text.contains(&known), "{text}");
        let status = desk.bare("status --out data --json").run().with(0).json();
        let tenant = &status["tenants"][0];
        assert_eq!(tenant["acknowledged"], done["acknowledged"]);
        assert_eq!(tenant["short_runs"][0]["acknowledged"], REASON);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn more_than_was_acknowledged_is_unproven_again() {
    let (desk, run) = short_desk().await;
    let lcw = desk.bare("acknowledge --out data --run").arg(&run);
    let ended = lcw.arg("--reason").arg(REASON).run().with(0);
    for part in [
        desk.tenant.tenant_id(),
        &run,
        REASON,
        "2 rows of user_processing_results",
    ] {
        // Long lines are broken between words.
        let words: Vec<&str> = ended.stdout.split_whitespace().collect();
        assert!(words.join(" ").contains(part), "no {part:?}\n{ended}");
    }
    desk.export();
    desk.tenant.report_users(&run, Some(8));
    let summary = desk.lcw("export --out data --json").run().with(5).json();
    let short = &summary["proof"]["short_runs"][0];
    assert!(short.get("acknowledged").is_none(), "{summary:#}");
    assert_eq!(summary["proof"]["unacknowledged"], 1, "{summary:#}");
    let lcw = desk.bare("acknowledge --out data --run").arg(&run);
    lcw.words("--reason again").run().with(0);
    desk.export();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_cannot_be_acknowledged_is_a_matter_of_usage() {
    let (desk, run) = short_desk().await;
    let before = contents(&desk.data());
    let refused = |words: &[&str], says: &[&str]| {
        let lcw = desk.bare("acknowledge --out data");
        let ended = words.iter().fold(lcw, Lcw::arg).run().with(2);
        ended.says(says);
        assert_eq!(ended.stderr.matches("error: ").count(), 1, "{ended}");
        assert_eq!(ended.stdout, "", "{ended}");
        assert!(contents(&desk.data()) == before, "{ended}");
    };
    let nothing = ["nothing is missing of", "lcw status"];
    let unknown = ["no workflow with the id or name \"nobody\"", "name one of"];
    refused(&["--workflow", "nobody", "--reason", REASON], &unknown);
    for (flag, what) in [("--run", "run"), ("--day", "day")] {
        let says = [&*format!("{what} nobody"), nothing[0], nothing[1]];
        refused(&[flag, "nobody", "--reason", REASON], &says);
    }
    // One that is short does not carry one that is not.
    let both = ["--run", &run, "--run", "nobody", "--reason", REASON];
    refused(&both, &nothing);
    for reason in ["", "  \t "] {
        refused(
            &["--run", &run, "--reason", reason],
            &["--reason is empty", "auditors"],
        );
    }
    refused(&["--run", &run], &["--reason <TEXT>", "required"]);
    refused(&["--reason", REASON], &["nothing was named", "--workflow"]);
    let other = ["--run", &run, "--reason", REASON, "--tenant-id", "nobody"];
    refused(&other, &["no such tenant", "lcw status"]);
    let nowhere = desk.bare("acknowledge --out nowhere --run x --reason y");
    nowhere
        .run()
        .with(2)
        .says(&["there is no dataset in nowhere"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_several_tenants_one_is_named() {
    let (desk, run) = short_desk().await;
    let other = Desk::with(Simulator::start(single(5)).await.unwrap());
    let line = format!("export --json --out {}", desk.data().display());
    other.lcw(&line).run().with(0);
    let acknowledge = || {
        let lcw = desk.bare("acknowledge --out data --run").arg(&run);
        lcw.arg("--reason").arg(REASON)
    };
    let ended = acknowledge().run().with(2);
    ended.says(&["several tenants", "--tenant-id"]);
    let wrong = acknowledge()
        .arg("--tenant-id")
        .arg(other.tenant.tenant_id());
    wrong.run().with(2).says(&["nothing is missing of run"]);
    let tenant = desk.tenant.tenant_id().to_uppercase();
    acknowledge().arg("--tenant-id").arg(tenant).run().with(0);
    desk.export();
    other.lcw(&line).run().with(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn while_an_export_holds_the_dataset_it_waits_for_another_time() {
    let (desk, run) = short_desk().await;
    let lock = std::fs::File::open(desk.data().join("_lock")).unwrap();
    lock.lock().unwrap();
    let acknowledge = || {
        let lcw = desk.bare("acknowledge --out data --run").arg(&run);
        lcw.words("--reason x").run()
    };
    acknowledge().with(75).says(&["another export holds"]);
    drop(lock);
    acknowledge().with(0);
}
