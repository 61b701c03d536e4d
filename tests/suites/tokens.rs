//! Tokens that end all the time: one new one at a time, for everybody, and no run fails for it.

use std::time::Duration;

use lcw_simulator::{Endpoint, Fault, FaultRule, Simulator, When};
use lcw_tests::{Office, brief, contents};
use tokio::time::Instant;

fn token_requests(tenant: &Simulator) -> Vec<Instant> {
    let requests = tenant.requests().into_iter();
    let tokens = requests.filter(|request| request.endpoint == Endpoint::Token);
    tokens.map(|request| request.at).collect()
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ends_with_every_third_request_is_renewed_by_one_worker_for_all() {
    for mut office in Office::of_each_format() {
        let mut config = brief(41, 4);
        config.access.token_uses = Some(3);
        let tenant = Simulator::start(config).await.unwrap();
        // A token takes seconds, in which every worker finds that it needs one.
        let slow = Fault::SlowBytes {
            chunk: 200,
            pause: Duration::from_secs(1),
        };
        tenant.inject(FaultRule::new(slow).on(Endpoint::Token));
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert!(summary.not_covered.is_empty());
        office.assert_holds(&tenant, &tenant.truth());
        let tokens = token_requests(&tenant);
        assert!(tokens.len() as u64 >= tenant.graph_count() / 4);
        for two in tokens.windows(2) {
            let apart = two[1] - two[0];
            assert!(
                apart >= Duration::from_secs(2),
                "two tokens at once: {apart:?} apart"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_401_passes_and_one_without_end_ends_the_export_soon() {
    for mut office in Office::of_each_format() {
        // One worker: several would meet the same new token's refusal twice, and that is final.
        office.request.max_concurrency = 1;
        let tenant = Simulator::start(brief(42, 4)).await.unwrap();
        tenant.inject(FaultRule::new(Fault::Unauthorized).when(When::EveryNth(3)));
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        assert!(tenant.fired()[0] > 10);
        office.assert_holds(&tenant, &tenant.truth());

        let before = contents(office.out());
        tenant.clear_faults();
        tenant.reset_requests();
        tenant.inject(FaultRule::new(Fault::Unauthorized));
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 3, "{summary:#?}");
        assert!(tenant.graph_count() <= 2 && token_requests(&tenant).len() <= 2);
        assert_eq!(contents(office.out()), before);
        office.assert_completes(&tenant).await;
    }
}
