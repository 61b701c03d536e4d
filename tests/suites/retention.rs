//! How far the service's memory reaches back, and how close the dataset comes to its end.

use std::time::Duration;

use lcw_pipeline::Retention;
use lcw_simulator::{RunPlan, Simulator};
use lcw_tests::{Office, single};

const DAY: Duration = Duration::from_hours(24);

async fn after(office: &mut Office, tenant: &Simulator, days: u32) -> (u8, Retention, usize) {
    tenant.advance(DAY * days);
    let workflow = tenant.workflow_ids()[0].clone();
    tenant.add_run(&workflow, &RunPlan::new(tenant.now() - DAY / 2, 2));
    let summary = office.export(tenant).await;
    let warnings = summary.warnings.len();
    (summary.exit_code, summary.retention, warnings)
}

#[tokio::test]
async fn the_guard_says_how_old_the_last_good_export_is_and_which_days_are_at_risk() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(single(1)).await.unwrap();
        let (code, first, _) = after(&mut office, &tenant, 0).await;
        assert_eq!(code, 0);
        assert_eq!(
            (&first.last_good_export, first.hours_since_last_good_export),
            (&None, None)
        );
        assert_eq!(
            first.oldest_run_served.as_deref(),
            Some("2026-11-23T00:00:00Z")
        );

        let (code, soon, warnings) = after(&mut office, &tenant, 2).await;
        assert_eq!(
            (code, soon.hours_since_last_good_export, warnings),
            (0, Some(48), 0)
        );
        assert_eq!(
            soon.last_good_export.as_deref(),
            Some("2026-11-23T12:00:00Z")
        );
        assert_eq!(
            soon.oldest_run_served.as_deref(),
            Some("2026-11-23T00:00:00Z")
        );
        assert!(soon.days_at_risk.is_empty() && soon.days_lost.is_empty());

        // Half of what the service keeps has passed: a warning, and nothing is lost yet.
        let (code, late, warnings) = after(&mut office, &tenant, 17).await;
        assert_eq!((code, warnings), (0, 1));
        assert_eq!(late.days_at_risk, ["2026-11-25", "2026-11-26"]);
        assert!(late.days_lost.is_empty());

        let (code, lost, _) = after(&mut office, &tenant, 32).await;
        assert_eq!(code, 5);
        assert_eq!(lost.days_lost, ["2026-12-12", "2026-12-13", "2026-12-14"]);
        assert_eq!(lost.days_at_risk.len(), 15);

        let (code, again, _) = after(&mut office, &tenant, 1).await;
        assert_eq!((code, again.days_lost), (0, lost.days_lost));
    }
}
