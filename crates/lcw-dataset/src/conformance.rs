//! What every format has to keep, as functions that panic where it does not.
//!
//! A loader crate calls [`run`] in its tests with each format that it has.

mod rows;
mod written;

use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;

use crate::format::{FileMeta, FileSink, Format, FormatError};
use crate::table::{ColumnSpec, TableSpec};
use crate::{BATCH_BYTES, BATCH_ROWS};

pub use rows::{many_rows, sample_rows, sample_table};
use rows::{numbered_rows, numbered_table, wide_rows};
use written::Written;

/// The whole suite.
///
/// # Panics
/// When the format does not keep one of its promises.
pub fn run(format: &dyn Format) {
    rows_come_back(format);
    many_rows_come_back_in_batches(format);
    wide_rows_come_back_in_smaller_batches(format);
    numbers_may_be_keys(format);
    a_file_without_rows_is_a_file(format);
    named_columns_come_in_the_order_named(format);
    a_column_that_an_older_file_lacks_is_null(format);
    a_required_column_that_is_missing_is_damage(format);
    an_unknown_column_is_refused_unless_columns_are_named(format);
    another_type_is_damage(format);
    the_same_rows_give_the_same_bytes(format);
    the_digest_is_that_of_the_file(format);
    a_cut_file_is_never_taken_for_a_whole_one(format);
    garbage_is_damage(format);
    damage_never_panics(format);
    a_full_disk_is_told_from_damage(format);
}

/// Every kind of value, with NULL, text of every kind, and the ends of every range.
///
/// # Panics
/// When a value comes back changed.
pub fn rows_come_back(format: &dyn Format) {
    let table = sample_table(format.timestamps(), 1);
    let rows = sample_rows(&table);
    let file = Written::new(format, &table, std::slice::from_ref(&rows));
    assert_eq!(
        file.read(format, &table).expect("it was just written"),
        rows
    );
    assert_eq!(
        file.count(format, &table).expect("it was just written"),
        rows.num_rows() as u64
    );
}

/// More rows than a batch holds, written in uneven batches.
///
/// # Panics
/// When rows are lost, or a batch is larger than promised.
pub fn many_rows_come_back_in_batches(format: &dyn Format) {
    let table = sample_table(format.timestamps(), 1);
    let rows = many_rows(&table, 3 * BATCH_ROWS + 7);
    let parts = [
        rows.slice(0, 1),
        rows.slice(1, 20_000),
        rows.slice(20_001, rows.num_rows() - 20_001),
    ];
    let file = Written::new(format, &table, &parts);
    assert_eq!(
        file.read(format, &table).expect("it was just written"),
        rows
    );
    let reader = format
        .open(file.open(), &table, None)
        .expect("it was just written");
    for batch in reader {
        assert!(batch.expect("it was just written").num_rows() <= BATCH_ROWS);
    }
}

/// Rows with long texts that repeat, which a dictionary keeps once, and a batch as often as they come.
///
/// # Panics
/// When rows are lost, or a batch takes twice the memory that it may.
pub fn wide_rows_come_back_in_smaller_batches(format: &dyn Format) {
    let table = sample_table(format.timestamps(), 1);
    let rows = wide_rows(&table, 3_000);
    assert!(rows.get_array_memory_size() > 3 * BATCH_BYTES);
    let file = Written::new(format, &table, std::slice::from_ref(&rows));
    let reader = format
        .open(file.open(), &table, None)
        .expect("it was just written");
    let mut read = 0;
    for batch in reader {
        let batch = batch.expect("it was just written");
        assert!(batch.get_array_memory_size() <= 2 * BATCH_BYTES);
        assert_eq!(batch, rows.slice(read, batch.num_rows()));
        read += batch.num_rows();
    }
    assert_eq!(read, rows.num_rows());
}

/// A key column of integers, whose order is not that of their digits.
///
/// # Panics
/// When a number comes back changed, or a file without the column is read.
pub fn numbers_may_be_keys(format: &dyn Format) {
    let table = numbered_table();
    let rows = numbered_rows(&table);
    let file = Written::new(format, &table, std::slice::from_ref(&rows));
    assert_eq!(
        file.read(format, &table).expect("it was just written"),
        rows
    );
    assert_eq!(
        file.count(format, &table).expect("it was just written"),
        rows.num_rows() as u64
    );
    let reader = format
        .open(file.open(), &table, Some(&table.key_names()))
        .expect("it was just written");
    for batch in reader {
        let batch = batch.expect("it was just written");
        assert_eq!(batch.columns(), &rows.columns()[..2]);
    }
    let other = without(&table, "version_number", 1);
    let file = Written::new(format, &other, &[rows.project(&[0, 2]).expect("columns")]);
    assert!(matches!(
        file.read(format, &table),
        Err(FormatError::Invalid { .. })
    ));
}

/// No rows are no batches, and no error.
///
/// # Panics
/// When they are.
pub fn a_file_without_rows_is_a_file(format: &dyn Format) {
    let table = sample_table(format.timestamps(), 1);
    let file = Written::new(format, &table, &[]);
    assert!(!file.is_uncompressed_and_empty() || format.compression() == "none");
    assert_eq!(
        file.read(format, &table)
            .expect("it was just written")
            .num_rows(),
        0
    );
    assert_eq!(file.count(format, &table).expect("it was just written"), 0);
}

/// A projection has the named columns only.
///
/// # Panics
/// When it does not.
pub fn named_columns_come_in_the_order_named(format: &dyn Format) {
    let table = sample_table(format.timestamps(), 1);
    let rows = sample_rows(&table);
    let file = Written::new(format, &table, std::slice::from_ref(&rows));
    let names = ["count", "id", "at"];
    let schema = table.project(&names).expect("columns of the sample table");
    let reader = format
        .open(file.open(), &table, Some(&names))
        .expect("it was just written");
    let batches: Vec<_> = reader
        .map(|batch| batch.expect("it was just written"))
        .collect();
    let read = concat_batches(&schema, &batches).expect("one schema");
    for name in names {
        assert_eq!(
            read.column_by_name(name),
            rows.column_by_name(name),
            "{name}"
        );
    }
    assert!(format.open(file.open(), &table, Some(&["none"])).is_err());
}

/// A file from before a column was added.
///
/// # Panics
/// When the column is not NULL, or the others are not what was written.
pub fn a_column_that_an_older_file_lacks_is_null(format: &dyn Format) {
    let table = sample_table(format.timestamps(), 2);
    let older = without(&table, "note", 1);
    let rows = sample_rows(&older);
    let file = Written::new(format, &older, std::slice::from_ref(&rows));
    let read = file
        .read(format, &table)
        .expect("an older file can be read");
    let note = read.column_by_name("note").expect("a column of the table");
    assert_eq!(note.null_count(), rows.num_rows());
    assert_eq!(read.column_by_name("count"), rows.column_by_name("count"));
    let reader = format
        .open(file.open(), &table, Some(&["note"]))
        .expect("an older file");
    let nulls: usize = reader
        .map(|batch| batch.expect("an older file").column(0).null_count())
        .sum();
    assert_eq!(nulls, rows.num_rows());
}

/// A required column that is not in the file: a key, or one that was added as required, which
/// rows from before cannot have.
///
/// # Panics
/// When the file is read nevertheless, or the column is not named.
pub fn a_required_column_that_is_missing_is_damage(format: &dyn Format) {
    let table = sample_table(format.timestamps(), 1);
    let other = without(&table, "workflow_id", 1);
    let file = Written::new(format, &other, &[sample_rows(&other)]);
    let named = |columns: &[&str]| {
        let reader = format.open(file.open(), &table, Some(columns))?;
        reader.collect::<Result<Vec<_>, _>>()
    };
    for read in [
        file.read(format, &table).map(|_| ()),
        named(&["workflow_id"]).map(|_| ()),
    ] {
        match read {
            Err(error @ FormatError::Invalid { .. }) => {
                let problem = error.to_string();
                assert!(
                    problem.contains("lacks the required column workflow_id"),
                    "{problem}"
                );
            }
            other => panic!("{other:?}"),
        }
    }
    let rows = named(&["id"]).expect("the column is there");
    assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 17);
}

/// A file from after a column was added: it must not be rewritten without it.
///
/// # Panics
/// When it could be.
pub fn an_unknown_column_is_refused_unless_columns_are_named(format: &dyn Format) {
    let table = sample_table(format.timestamps(), 1);
    let older = without(&table, "note", 1);
    let rows = sample_rows(&table);
    let file = Written::new(format, &table, std::slice::from_ref(&rows));
    match file.read(format, &older) {
        Err(FormatError::UnknownColumn { name }) => assert_eq!(name, "note"),
        other => panic!("{other:?}"),
    }
    let reader = format
        .open(file.open(), &older, Some(&["id"]))
        .expect("a named column");
    let read: usize = reader
        .map(|batch| batch.expect("a named column").num_rows())
        .sum();
    assert_eq!(read, rows.num_rows());
}

/// A column of another type than the table says.
///
/// # Panics
/// When its values are converted, or dropped.
pub fn another_type_is_damage(format: &dyn Format) {
    let table = sample_table(format.timestamps(), 1);
    let rows = sample_rows(&table);
    let file = Written::new(format, &table, std::slice::from_ref(&rows));
    let mut columns = table.columns().to_vec();
    for column in &mut columns {
        if column.field.name() == "note" {
            column
                .field
                .set_data_type(arrow::datatypes::DataType::Int32);
        }
    }
    let other = TableSpec::new("samples", 1, true, columns).expect("a sound table");
    assert!(matches!(
        file.read(format, &other),
        Err(FormatError::Invalid { .. })
    ));
}

/// Nothing of the time or the place of writing gets into a file, however the rows were batched.
///
/// # Panics
/// When it does.
pub fn the_same_rows_give_the_same_bytes(format: &dyn Format) {
    let table = sample_table(format.timestamps(), 1);
    let rows = many_rows(&table, 10_000);
    let first = Written::new(format, &table, std::slice::from_ref(&rows)).bytes();
    for _ in 0..3 {
        let table = sample_table(format.timestamps(), 1);
        let again = Written::new(format, &table, std::slice::from_ref(&rows)).bytes();
        assert!(first == again, "the same rows gave other bytes");
    }
}

/// The sink that comes back is the one that was given, with everything in it.
///
/// # Panics
/// When bytes went past it.
pub fn the_digest_is_that_of_the_file(format: &dyn Format) {
    let table = sample_table(format.timestamps(), 1);
    let file = Written::new(format, &table, &[many_rows(&table, 10_000)]);
    let bytes = file.bytes();
    assert_eq!(file.sha256, crate::format::digest_of(&bytes));
    assert_eq!(file.size, bytes.len() as u64);
}

/// A file cut at any byte is an error. Only uncompressed lines may be cut between two rows; then
/// the rows before the cut are read, and the manifest's digest finds the cut.
///
/// # Panics
/// When a cut file reads as a whole one, or as other rows.
pub fn a_cut_file_is_never_taken_for_a_whole_one(format: &dyn Format) {
    let table = sample_table(format.timestamps(), 1);
    let rows = sample_rows(&table);
    let bytes = Written::new(format, &table, std::slice::from_ref(&rows)).bytes();
    for length in 0..bytes.len() {
        let Ok(read) = Written::of(&bytes[..length]).read(format, &table) else {
            continue;
        };
        assert_eq!(format.compression(), "none", "cut at {length}");
        assert!(length == 0 || bytes[length - 1] == b'\n', "cut at {length}");
        assert_eq!(read, rows.slice(0, read.num_rows()), "cut at {length}");
    }
}

/// A file of something else.
///
/// # Panics
/// When it is read.
pub fn garbage_is_damage(format: &dyn Format) {
    let table = sample_table(format.timestamps(), 1);
    for garbage in [
        &b"\0"[..],
        b"garbage",
        b"garbage\n",
        b"{}\n{\n",
        &[0xff; 4096],
    ] {
        match Written::of(garbage).read(format, &table) {
            Err(FormatError::Invalid { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// A file with flipped bits is an error or other rows, which the manifest's digest finds; it never
/// takes the process down.
///
/// # Panics
/// When reading panics.
pub fn damage_never_panics(format: &dyn Format) {
    let table = sample_table(format.timestamps(), 1);
    let bytes = Written::new(format, &table, &[sample_rows(&table)]).bytes();
    for position in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[position] ^= 1 << (position % 8);
        let file = Written::of(&damaged);
        let read = catch_unwind(AssertUnwindSafe(|| file.read(format, &table).map(|_| ())));
        assert!(read.is_ok(), "panicked over a flipped bit at {position}");
    }
}

/// The operating system's refusal reaches the caller as such, whether it comes with the first rows
/// or with the end of the file. Only where there is a device that is always full.
///
/// # Panics
/// When it is taken for something else, or for a success.
pub fn a_full_disk_is_told_from_damage(format: &dyn Format) {
    let table = sample_table(format.timestamps(), 1);
    let meta = FileMeta {
        schema_version: 1,
        export_id: "e".into(),
    };
    let Ok(full) = File::options().write(true).open("/dev/full") else {
        return;
    };
    for rows in [sample_rows(&table), many_rows(&table, 200_000)] {
        let sink = FileSink::new(full.try_clone().expect("a device"));
        let written = format.create(sink, &table, &meta).and_then(|mut writer| {
            writer.write(&rows)?;
            writer.finish().map(|_| ())
        });
        match written {
            Err(FormatError::Io(error)) => assert_eq!(error.kind(), io::ErrorKind::StorageFull),
            other => panic!("{other:?}"),
        }
    }
}

/// The table without one of its columns, in another schema version.
fn without(table: &TableSpec, column: &str, schema_version: u32) -> TableSpec {
    let columns: Vec<ColumnSpec> = table
        .columns()
        .iter()
        .filter(|other| other.field.name() != column)
        .cloned()
        .collect();
    assert!(columns.len() < table.columns().len());
    TableSpec::new(table.name(), schema_version, table.by_day(), columns).expect("a sound table")
}
