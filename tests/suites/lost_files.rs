//! Data files that somebody takes away: the next export says what that means.

use std::path::PathBuf;
use std::time::Duration;

use lcw_pipeline::{AcknowledgeRequest, Status, acknowledge};
use lcw_simulator::Simulator;
use lcw_tests::{Office, brief, data_files};

const DAY: Duration = Duration::from_hours(24);

/// An office whose first days the service has forgotten, without a day between two exports that it
/// had forgotten before.
async fn old_office(office: &mut Office, seed: u64) -> Simulator {
    let tenant = Simulator::start(brief(seed, 3)).await.unwrap();
    for _ in 0..3 {
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        tenant.advance(20 * DAY);
    }
    tenant
}

/// The files with rows of a table, oldest first.
fn files(office: &Office, table: &str) -> Vec<PathBuf> {
    let files = data_files(office.out()).into_keys();
    let is_of = |path: &PathBuf| path.to_string_lossy().contains(&format!("/{table}/"));
    files.filter(is_of).collect()
}

fn day_of(path: &std::path::Path) -> String {
    let text = path.to_string_lossy();
    let (_, rest) = text.split_once("run_date=").unwrap();
    rest[..10].to_owned()
}

#[tokio::test]
async fn days_whose_files_are_gone_for_good_are_lost_and_told_once() {
    for (seed, mut office) in (41..).zip(Office::of_each_format()) {
        let tenant = old_office(&mut office, seed).await;
        let gone = files(&office, "runs").swap_remove(0);
        let children = files(&office, "user_processing_results");
        let child = children.iter().find(|path| day_of(path) != day_of(&gone));
        let mut lost = vec![day_of(&gone), day_of(child.unwrap())];
        lost.sort_unstable();
        let kept = [&gone, child.unwrap()].map(|path| (path.clone(), std::fs::read(path).unwrap()));
        for (path, _) in &kept {
            std::fs::remove_file(path).unwrap();
        }
        let summary = office.export(&tenant).await;
        assert_eq!((summary.exit_code, summary.status), (5, Status::Unproven));
        assert_eq!(summary.lost_days, lost);
        assert_eq!(summary.retention.days_lost, lost);
        for day in &lost {
            let tells = |text: &String| text.contains(day) && text.contains("backup");
            assert!(summary.warnings.iter().any(tells), "{summary:#?}");
            assert!(
                summary
                    .not_covered
                    .iter()
                    .any(|it| it.run_date.as_ref() == Some(day))
            );
        }
        let next = office.export(&tenant).await;
        assert_eq!((next.exit_code, next.lost_days.len()), (0, 0), "{next:#?}");
        let lost_days = || {
            lcw_pipeline::status(office.out()).unwrap().tenants[0]
                .lost_days
                .clone()
        };
        assert_eq!(lost_days(), lost);
        // From a backup they are not lost any more.
        for (path, bytes) in &kept {
            std::fs::write(path, bytes).unwrap();
        }
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        let status = lcw_pipeline::status(office.out()).unwrap();
        assert_eq!(status.tenants[0].lost_days, [""; 0]);
    }
}

#[tokio::test]
async fn a_backfill_and_an_export_that_fails_leave_the_finding_to_the_next_export() {
    let [mut office, _] = Office::of_each_format();
    let tenant = old_office(&mut office, 43).await;
    let gone = files(&office, "runs").swap_remove(0);
    std::fs::remove_file(&gone).unwrap();
    let now = tenant.now();
    let (from, to) = ((now - 2 * DAY).to_string(), now.to_string());
    let summary = office.backfill(&tenant, &from, &to).await;
    assert!(
        summary
            .warnings
            .iter()
            .any(|it| it.contains(&day_of(&gone)))
    );
    office.stop_before(&tenant, lcw_simulator::Endpoint::Runs, 2);
    let stopped = office.export(&tenant).await;
    assert_ne!(stopped.exit_code, 0, "{stopped:#?}");
    office.keep_going();
    let summary = office.export(&tenant).await;
    assert_eq!(
        (summary.exit_code, &*summary.lost_days),
        (5, &[day_of(&gone)][..])
    );
}

#[tokio::test]
async fn a_vanished_day_is_acknowledged_like_any_lost_one() {
    let [mut office, _] = Office::of_each_format();
    let tenant = old_office(&mut office, 44).await;
    let mut gone = files(&office, "runs");
    std::fs::remove_file(&gone[0]).unwrap();
    assert_eq!(office.export(&tenant).await.exit_code, 5);
    let request = AcknowledgeRequest {
        out: office.out().to_owned(),
        tenant: None,
        runs: Vec::new(),
        days: vec![day_of(&gone[0])],
        workflows: Vec::new(),
        manifests: Vec::new(),
        reason: "case 12".into(),
    };
    acknowledge(&request).unwrap();
    assert_eq!(office.export(&tenant).await.exit_code, 0);
    // Another one is news, the first one is not.
    std::fs::remove_file(gone.swap_remove(1)).unwrap();
    let summary = office.export(&tenant).await;
    assert_eq!((summary.exit_code, summary.lost_days.len()), (5, 1));
}

#[tokio::test]
async fn what_the_service_still_has_is_read_again_with_a_word_about_it() {
    for (seed, mut office) in (45..).zip(Office::of_each_format()) {
        let tenant = Simulator::start(brief(seed, 3)).await.unwrap();
        assert_eq!(office.export(&tenant).await.exit_code, 0);
        let gone = files(&office, "runs").swap_remove(1);
        std::fs::remove_file(&gone).unwrap();
        let summary = office.export(&tenant).await;
        assert_eq!(
            (summary.exit_code, summary.lost_days.len()),
            (0, 0),
            "{summary:#?}"
        );
        let day = day_of(&gone);
        let tells = |text: &&String| text.contains("runs of") && text.contains(&day);
        assert_eq!(
            summary.warnings.iter().filter(tells).count(),
            1,
            "{summary:#?}"
        );
        office.assert_holds(&tenant, &tenant.truth());
    }
}
