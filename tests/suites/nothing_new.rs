//! An export with nothing new costs one request per page of the listings, and rewrites no file.

use lcw_simulator::Simulator;
use lcw_tests::{Office, asked, brief, data_files, listings, quiet};

#[tokio::test]
async fn nothing_new_is_one_request_per_page_of_the_listings_and_no_file_rewritten() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(quiet(4, 10)).await.unwrap();
        let first = office.export(&tenant).await;
        assert_eq!(first.exit_code, 0, "{first:#?}");
        let (pages, files) = (listings(&tenant), data_files(office.out()));
        assert!(pages.windows(2).all(|pair| pair[0] != pair[1]));

        for _ in 0..2 {
            tenant.reset_requests();
            let summary = office.export(&tenant).await;
            assert_eq!(summary.exit_code, 0, "{summary:#?}");
            assert_eq!(asked(&tenant), pages);
            assert_eq!(summary.requests.sent, pages.len() as u64);
            assert_eq!(summary.runs.listed, first.runs.listed);
            assert_eq!(summary.runs.skipped_settled, first.runs.listed);
            assert_eq!(summary.runs.fetched + summary.proof.matched, 0);
            assert_eq!(summary.ways.runs_asked_again, 0);
            for (table, before) in &first.tables {
                let after = &summary.tables[table];
                assert_eq!(after.rows_total, before.rows_total, "{table}");
                let done = after.rows_written + after.rows_new + after.rows_replaced + after.files;
                assert_eq!(done, 0, "{table}");
            }
            assert_eq!(data_files(office.out()), files);
        }
        office.assert_holds(&tenant, &tenant.truth());
        office.assert_markers(&tenant, &tenant.truth());
    }
}

#[tokio::test]
async fn open_runs_are_read_again_and_rewrite_nothing_while_they_stay_as_they_are() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(brief(2, 3)).await.unwrap();
        let first = office.export(&tenant).await;
        let files = data_files(office.out());
        let second = office.export(&tenant).await;
        assert!(second.runs.fetched > 0, "{second:#?}");
        assert_eq!((first.exit_code, second.exit_code), (0, 0), "{second:#?}");
        assert_eq!(data_files(office.out()), files);
        office.assert_holds(&tenant, &tenant.truth());
        office.assert_markers(&tenant, &tenant.truth());
    }
}
