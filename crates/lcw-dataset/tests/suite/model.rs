//! Merging as a map by key does it, to compare with.

use std::collections::BTreeMap;

use lcw_dataset::{Format, Incoming, MergeStats};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::formats::Choppy;
use crate::rows::{Row, batch, bits, numbered_table, rows, table};
use crate::support::{DAY, RUNS, TENANT, folder, formats, head, merge_all, tail};
use lcw_dataset::{Identity, Status, Writer};
use std::sync::Arc;

type Stored = BTreeMap<(String, Id), Row>;

/// An id in the order of its column: as a number, or as text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Id {
    Number(i32),
    Text(String),
}

/// Whether the ids of a table are numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ids {
    Numbers,
    Texts,
}

impl Ids {
    fn key(self, row: &Row) -> (String, Id) {
        let (workflow, id) = row.key.clone();
        let id = match self {
            Self::Numbers => Id::Number(id.parse().unwrap()),
            Self::Texts => Id::Text(id),
        };
        (workflow, id)
    }

    /// An id that follows those of smaller numbers; numbers do not follow each other as text.
    fn name(self, number: u8) -> String {
        match self {
            Self::Numbers => ((i32::from(number) - 6) * 7).to_string(),
            Self::Texts => format!("r{number:02}"),
        }
    }
}

/// Merges rows with their absent bits: new and replaced rows.
fn merge(stored: &mut Stored, new: &[(Row, u64)], ids: Ids) -> (u64, u64) {
    let before = stored.clone();
    let (mut added, mut replaced) = (0, 0);
    let mut seen = Vec::new();
    for (row, absent) in new {
        let key = ids.key(row);
        match before.get(&key) {
            None => {
                stored.insert(key, row.clone());
                added += 1;
            }
            Some(old) => {
                let composed = compose(old, row, *absent);
                if is_changed(old, &composed) {
                    stored.insert(key, composed);
                    replaced += 1;
                } else {
                    seen.push(row);
                }
            }
        }
    }
    if added + replaced > 0 {
        for row in seen {
            stored.get_mut(&ids.key(row)).unwrap().last_seen = row.last_seen;
        }
    }
    (added, replaced)
}

fn compose(old: &Row, new: &Row, absent: u64) -> Row {
    let mut row = new.clone();
    let is_absent = |bit: u64| absent & bit != 0;
    if is_absent(bits::STATUS) {
        row.status.clone_from(&old.status);
    }
    if is_absent(bits::COUNT) {
        row.count = old.count;
    }
    if is_absent(bits::IS_FINAL) {
        row.is_final = old.is_final;
    }
    if is_absent(bits::STARTED) {
        row.started = old.started;
    }
    if is_absent(bits::ENDED) {
        row.ended = old.ended;
    }
    if is_absent(bits::SPAN) {
        row.span_ms = row
            .started
            .zip(row.ended)
            .map(|(from, to)| (to - from) / 1000);
    }
    if is_absent(bits::MAIL) || row.mail.is_none() {
        row.mail.clone_from(&old.mail);
    }
    if is_absent(bits::EXTRA) {
        row.extra.clone_from(&old.extra);
    }
    if is_absent(bits::RAW) {
        row.raw.clone_from(&old.raw);
    }
    row.first_seen = old.first_seen;
    row.first_extracted = old.first_extracted;
    row
}

/// Compared without lineage; an original object counts where there was none.
fn is_changed(old: &Row, composed: &Row) -> bool {
    let mut same = composed.clone();
    same.last_seen = old.last_seen;
    same.export.clone_from(&old.export);
    same.extracted = old.extracted;
    same.raw.clone_from(&old.raw);
    same != *old || (old.raw.is_none() && composed.raw.is_some())
}

/// Values from small sets, so that rows are often the same again.
fn row() -> impl Strategy<Value = (Row, u64)> {
    let facts = (
        option::of("[ab]"),
        option::of(0..3),
        option::of(any::<bool>()),
        option::of(0..3_i64),
        option::of(0..3_i64),
        option::of("[mn]"),
        option::of(Just(r#"{"x":"é\n"}"#.to_owned())),
        option::of("[{}]"),
    );
    let absent = prop_oneof![3 => Just(0), 2 => any::<u16>()];
    (facts, absent).prop_map(|(facts, absent)| {
        let (status, count, is_final, started, ended, mail, extra, raw) = facts;
        let mut row = Row::new("", "", "", "", 0);
        (row.status, row.count, row.is_final) = (status, count, is_final);
        (row.mail, row.extra, row.raw) = (mail, extra, raw);
        row.started = started.map(|at| at * 1_500_500);
        row.ended = ended.map(|at| at * 1_000_700);
        let absent = absent_bits(u64::from(absent));
        clear(&mut row, absent);
        row.span_ms = row
            .started
            .zip(row.ended)
            .map(|(from, to)| (to - from) / 1000);
        (row, absent)
    })
}

/// The columns that a service can leave out; a duration goes with either end.
fn absent_bits(random: u64) -> u64 {
    let source = bits::STATUS | bits::COUNT | bits::IS_FINAL | bits::STARTED | bits::ENDED;
    let mut absent = random & (source | bits::MAIL | bits::EXTRA | bits::RAW);
    if absent & (bits::STARTED | bits::ENDED) != 0 {
        absent |= bits::SPAN;
    }
    absent
}

/// What is absent is NULL in the batch.
fn clear(row: &mut Row, absent: u64) {
    let is_absent = |bit: u64| absent & bit != 0;
    row.status = row.status.take().filter(|_| !is_absent(bits::STATUS));
    row.count = row.count.filter(|_| !is_absent(bits::COUNT));
    row.is_final = row.is_final.filter(|_| !is_absent(bits::IS_FINAL));
    row.started = row.started.filter(|_| !is_absent(bits::STARTED));
    row.ended = row.ended.filter(|_| !is_absent(bits::ENDED));
    row.mail = row.mail.take().filter(|_| !is_absent(bits::MAIL));
    row.extra = row.extra.take().filter(|_| !is_absent(bits::EXTRA));
    row.raw = row.raw.take().filter(|_| !is_absent(bits::RAW));
}

/// The rows of one export: by key, with the sizes of the batches that they come in.
type Step = (BTreeMap<(u8, u8), (Row, u64)>, usize);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let rows = btree_map((0..3_u8, 0..12_u8), row(), 0..30);
    vec((rows, 1..9_usize), 1..5)
}

/// Names the rows of a step by key and export.
fn named(step: &Step, export: &str, at: i64, ids: Ids) -> Vec<(Row, u64)> {
    let name = |(key, (row, absent)): (&(u8, u8), &(Row, u64))| {
        let mut row = row.clone();
        row.key = (format!("w{}", key.0), ids.name(key.1));
        export.clone_into(&mut row.export);
        (row.extracted, row.first_extracted) = (at, at);
        (row.first_seen, row.last_seen) = (at, at);
        (row, *absent)
    };
    step.0.iter().map(name).collect()
}

fn check(format: &Arc<dyn Format>, steps: &[Step], ids: Ids) {
    let folder = folder();
    let table = match ids {
        Ids::Numbers => numbered_table(RUNS, format.timestamps(), true),
        Ids::Texts => table(RUNS, true, format.timestamps(), true),
    };
    let identity = Identity::new(format.as_ref());
    let open = || {
        let tables = vec![table.clone()];
        Writer::acquire(folder.path(), &identity, TENANT, Arc::clone(format), tables).unwrap()
    };
    let mut model = Stored::new();
    for (number, step) in (0_i64..).zip(steps) {
        let mut writer = open();
        let head = head(&writer, number);
        let new = named(step, &head.export_id, number * 1_000_000, ids);
        let (added, replaced) = merge(&mut model, &new, ids);
        let batches = new.chunks(step.1).map(|rows| {
            let (rows, absent): (Vec<_>, Vec<_>) = rows.iter().cloned().unzip();
            let absent = (absent.iter().any(|bits| *bits != 0)).then_some(absent);
            Incoming {
                batch: batch(&table, &rows),
                absent,
            }
        });
        let file = folder.path().join(format!(
            "runs/tenant_id={TENANT}/run_date={DAY}/{}",
            format.file_name()
        ));
        let before = std::fs::read(&file).ok();
        let mut export = writer.begin(head).unwrap();
        let mut staging = export.day(Some(DAY)).unwrap();
        let stats = merge_all(&mut staging, RUNS, batches.collect()).unwrap();
        staging.commit().unwrap();
        export.close(tail(Status::Done)).unwrap();

        let total = model.len() as u64;
        let rows_written = if added + replaced > 0 { total } else { 0 };
        let expected = MergeStats {
            rows_new: added,
            rows_replaced: replaced,
            rows_total: total,
            rows_written,
        };
        assert_eq!(stats, expected);
        if rows_written == 0 {
            assert_eq!(
                std::fs::read(&file).ok(),
                before,
                "an unchanged file was rewritten"
            );
        }
        let read = writer
            .dataset()
            .read(RUNS, TENANT, Some(DAY), None)
            .unwrap();
        let read = read
            .into_iter()
            .flatten()
            .flat_map(|batch| rows(&batch.unwrap()));
        assert!(read.eq(model.values().cloned()), "export {number}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        rng_seed: RngSeed::Fixed(20_261_124),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn merging_is_what_a_map_by_key_does(steps in steps(), piece in 1..5_usize) {
        for (number, format) in formats().into_iter().enumerate() {
            // Each format sees one kind of ids by itself and the other in pieces.
            let (ids, others) = match number {
                0 => (Ids::Texts, Ids::Numbers),
                _ => (Ids::Numbers, Ids::Texts),
            };
            check(&format, &steps, ids);
            // Stored rows in batches of any size, as from a file with many of them.
            let choppy: Arc<dyn Format> = Arc::new(Choppy { inner: format, piece });
            check(&choppy, &steps, ids);
            check(&choppy, &steps, others);
        }
    }
}
