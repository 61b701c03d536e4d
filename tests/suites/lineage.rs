//! Which export a row comes from, and when it was first and last extracted.

use std::time::Duration;

use lcw_simulator::{RunChange, Simulator};
use lcw_tests::{Facts, Office, quiet};
use lcw_transform::Table;
use serde_json::Value;

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn only_a_row_that_changed_gets_the_lineage_of_a_later_export() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(quiet(3, 3)).await.unwrap();
        let first = office.export(&tenant).await;
        let before = tables(&office, &tenant);
        let at = tenant.now().as_second() * 1_000_000;
        for row in before.iter().flat_map(Facts::values) {
            assert_eq!(row["_lcw_export_id"], first.export_id);
            assert!(is_within_the_hour(&row["_lcw_extracted_at"], at), "{row:?}");
            assert_eq!(row["_lcw_first_extracted_at"], row["_lcw_extracted_at"]);
        }

        tenant.advance(HOUR);
        let truth = tenant.truth();
        let run = &truth.runs[0];
        let change = RunChange {
            add_users: 2,
            ..RunChange::default()
        };
        tenant.change_run(&run.id, &change);
        tenant.rename_workflow(&truth.workflows[0].id, "Renamed");
        tenant.advance(HOUR);
        let second = office.export(&tenant).await;
        assert_eq!((second.exit_code, second.proof.matched), (0, 1));
        let after = tables(&office, &tenant);
        office.assert_markers(&tenant, &tenant.truth());
        let later = tenant.now().as_second() * 1_000_000;

        let mut moved = [0, 0, 0];
        for (table, (before, after)) in before.iter().zip(&after).enumerate() {
            for (key, row) in after {
                let old = before.get(key);
                if old == Some(row) {
                    continue;
                }
                let is_changed = row["_lcw_export_id"] == second.export_id;
                let first = old.map_or(&row["_lcw_extracted_at"], |old| &old["_lcw_extracted_at"]);
                assert_eq!(&row["_lcw_first_extracted_at"], first, "{key:?}");
                if is_changed {
                    moved[table] += 1;
                    assert!(
                        is_within_the_hour(&row["_lcw_extracted_at"], later),
                        "{row:?}"
                    );
                    assert_ne!(old.map(without_lineage), Some(without_lineage(row)));
                } else {
                    // Its file was rewritten: it was seen again, and that is all.
                    let (old, mut row) = (old.unwrap(), row.clone());
                    assert_eq!(row["_lcw_last_seen"], later);
                    row.insert("_lcw_last_seen".into(), old["_lcw_last_seen"].clone());
                    assert_eq!(&row, old);
                }
            }
        }
        let results = &second.tables["user_processing_results"];
        assert_eq!(results.rows_new, 2);
        let moved_results = results.rows_new + results.rows_replaced;
        assert_eq!(moved, [1, 1, moved_results], "{second:#?}");
    }
}

#[tokio::test]
async fn when_a_workflow_was_first_and_last_seen_is_known() {
    for mut office in Office::of_each_format() {
        let tenant = Simulator::start(quiet(3, 1)).await.unwrap();
        office.export(&tenant).await;
        let first = tenant.now().as_second() * 1_000_000;
        tenant.advance(HOUR);
        tenant.purge_workflow(&tenant.workflow_ids()[2]);
        tenant.rename_workflow(&tenant.workflow_ids()[0], "Renamed");
        let summary = office.export(&tenant).await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        let last = tenant.now().as_second() * 1_000_000;
        for (key, row) in office.facts(&tenant, Table::Workflows) {
            let is_gone = key[0] == tenant.workflow_ids()[2];
            assert_eq!(row["_lcw_first_seen"], first);
            assert_eq!(row["_lcw_last_seen"], if is_gone { first } else { last });
        }
    }
}

/// Shortly after an instant of the service's clock, which stands still while this machine's runs.
fn is_within_the_hour(value: &Value, at: i64) -> bool {
    let hour = 3_600_000_000;
    (at..at + hour).contains(&value.as_i64().unwrap())
}

fn tables(office: &Office, tenant: &Simulator) -> [Facts; 3] {
    [Table::Workflows, Table::Runs, Table::UserProcessingResults]
        .map(|table| office.facts(tenant, table))
}

fn without_lineage(
    row: &std::collections::BTreeMap<String, Value>,
) -> std::collections::BTreeMap<String, Value> {
    let mut row = row.clone();
    row.retain(|column, _| {
        !column.starts_with("_lcw_") || ["_lcw_extra", "_lcw_settled"].contains(&&**column)
    });
    row
}
