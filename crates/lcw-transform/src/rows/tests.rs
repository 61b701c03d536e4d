use lcw_model::parse_entity;
use proptest::prelude::*;

use super::*;
use crate::testing::{MICROS, cases, lineage, whole_row};
use crate::{ChildRows as _, ResultRows, Table};

/// Rows of results with these ids; the count of tasks is the place of the row, absent where odd.
fn results(run: &str, ids: &[impl AsRef<str>]) -> Rows {
    let mut rows = ResultRows::new(MICROS, &lineage(), "w", run);
    for (at, id) in ids.iter().enumerate() {
        let count = if at % 2 == 0 {
            format!(r#","totalTasksCount":{at}"#)
        } else {
            String::new()
        };
        let object = format!(r#"{{"id":"{}"{count}}}"#, id.as_ref());
        rows.append(&parse_entity(&object).unwrap(), None).unwrap();
    }
    rows.finish()
}

fn ids(rows: &Rows) -> Vec<String> {
    let id = |row| whole_row(rows, row)["id"].as_str().unwrap().to_owned();
    (0..rows.len()).map(id).collect()
}

fn key() -> Vec<&'static str> {
    Table::UserProcessingResults.key()
}

#[test]
fn the_later_of_two_rows_with_one_key_stays_with_its_bits() {
    let rows = results("r", &["b", "a", "b", "c"]);
    let bits = rows.absent.clone().unwrap();
    let unique = rows.sorted_unique(&key());
    assert_eq!(ids(&unique), ["a", "b", "c"]);
    assert_eq!(
        unique.absent.as_ref().unwrap(),
        &[bits[1], bits[2], bits[3]]
    );
    assert_eq!(whole_row(&unique, 1)["total_tasks_count"], 2);
}

#[test]
fn rows_in_order_are_handed_back_as_they_are() {
    let rows = results("r", &["a", "b", "c"]);
    let before = rows.clone();
    let unique = rows.sorted_unique(&key());
    assert_eq!(unique, before);
    assert!(std::sync::Arc::ptr_eq(
        unique.batch.column(0),
        before.batch.column(0)
    ));
    assert!(results("r", &[""; 0]).sorted_unique(&key()).is_empty());
}

#[test]
fn keys_of_several_columns_are_compared_in_their_order() {
    let parts = vec![results("r2", &["a"]), results("r10", &["b", "a"])];
    let unique = Rows::concat(parts).sorted_unique(&key());
    let runs: Vec<_> = (0..3)
        .map(|row| whole_row(&unique, row)["run_id"].clone())
        .collect();
    assert_eq!(runs, ["r10", "r10", "r2"]);
    assert_eq!(ids(&unique), ["a", "b", "a"]);
}

#[test]
fn parts_without_bits_get_some_when_others_have_them() {
    let mut without = results("r", &["a", "b"]);
    without.absent = None;
    let with = results("r", &["c"]);
    let all = Rows::concat(vec![without.clone(), with.clone()]);
    assert_eq!(all.absent, Some(vec![0, 0, with.absent.unwrap()[0]]));
    let all = Rows::concat(vec![without.clone(), without.clone()]);
    assert_eq!((all.len(), all.absent), (4, None));
    assert_eq!(Rows::concat(vec![without.clone()]), without);
}

#[test]
fn what_is_new_stays_with_the_rows_through_sorting_and_putting_together() {
    let new = |id: &str, name: &str| {
        let mut rows = ResultRows::new(MICROS, &lineage(), "w", "r");
        for id in [id, "0"] {
            let object = format!(r#"{{"id":"{id}","{name}":1}}"#);
            rows.append(&parse_entity(&object).unwrap(), None).unwrap();
        }
        let first = rows.finish();
        assert!(rows.finish().drift.is_empty(), "it is handed out once");
        first
    };
    let all = Rows::concat(vec![new("b", "one"), new("a", "two")]).sorted_unique(&key());
    assert_eq!(ids(&all), ["0", "a", "b"]);
    let names: Vec<_> = all.drift.properties.iter().collect();
    assert_eq!(names, ["one", "two"]);
    assert_eq!(Rows::concat(vec![all.clone()]).drift, all.drift);
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn sorting_is_that_of_a_map(
        shared in "(é1234567)?",
        ends in prop::collection::vec("(1234567)?[ab_é]{1,3}", 0..12),
    ) {
        let ids_in: Vec<String> = ends.into_iter().map(|end| format!("{shared}{end}")).collect();
        let unique = results("r", &ids_in).sorted_unique(&key());
        let expected: std::collections::BTreeMap<String, usize> =
            ids_in.into_iter().enumerate().map(|(at, id)| (id, at)).collect();
        prop_assert_eq!(ids(&unique), expected.keys().cloned().collect::<Vec<_>>());
        for (row, at) in expected.into_values().enumerate() {
            let count = &whole_row(&unique, row)["total_tasks_count"];
            prop_assert_eq!(count.as_u64(), (at % 2 == 0).then_some(at as u64));
        }
    }
}
