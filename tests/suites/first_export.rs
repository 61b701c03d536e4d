//! A first export holds the whole truth, in both formats.

use lcw_simulator::Simulator;
use lcw_tests::{Office, provable};

#[tokio::test]
async fn a_first_export_is_the_whole_truth_in_both_formats() {
    for seed in [1, 2, 3] {
        let tenant = Simulator::start(provable(seed)).await.unwrap();
        for mut office in Office::of_each_format() {
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            office.assert_holds(&tenant, &tenant.truth());
        }
    }
}
