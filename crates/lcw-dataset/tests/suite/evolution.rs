//! Tables that gain columns: files from before are read, merged into and left alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, TimeUnit};
use jiff::civil::Date;
use lcw_dataset::{
    ColumnSpec, Dataset, DatasetError, Format, FormatError, Identity, Incoming, MergeStats, Role,
    Status, TableSpec, Values, Writer,
};

use crate::support::{
    DAY, RUNS, TENANT, contents, folder, formats, head, merge_all, tail, try_writer,
};

/// A row as the texts of its cells; `-` is NULL.
type Cells = Vec<String>;

fn cells(line: &str) -> Cells {
    line.split(' ').map(str::to_owned).collect()
}

fn column(name: &str, data_type: DataType, role: Role) -> ColumnSpec {
    let is_required = matches!(role, Role::Key | Role::ExportId);
    ColumnSpec::new(Field::new(name, data_type, !is_required), role)
}

/// `workflow_id id status total_ms export extracted first_extracted extra`.
fn first_columns() -> Vec<ColumnSpec> {
    vec![
        column("workflow_id", DataType::Utf8, Role::Key),
        column("id", DataType::Utf8, Role::Key),
        column("processing_status", DataType::Utf8, Role::Fact),
        column("total_ms", DataType::Int64, Role::Fact),
        column("_lcw_export_id", DataType::Utf8, Role::ExportId),
        column("_lcw_extracted_at", DataType::Int64, Role::ExtractedAt),
        column(
            "_lcw_first_extracted_at",
            DataType::Int64,
            Role::FirstExtractedAt,
        ),
        column("_lcw_extra", DataType::Utf8, Role::Extra),
    ]
}

/// A column of every type, before those of the export: `mail hired enabled rows`.
fn added_columns() -> Vec<ColumnSpec> {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    vec![
        column("subject_mail", DataType::Utf8, Role::Sticky),
        column("subject_hired", time, Role::Sticky),
        column("subject_enabled", DataType::Boolean, Role::Sticky),
        column("_lcw_subject_rows", DataType::Int32, Role::Fact),
    ]
}

const ADDED: [&str; 4] = [
    "subject_mail",
    "subject_hired",
    "subject_enabled",
    "_lcw_subject_rows",
];

fn first() -> TableSpec {
    TableSpec::new(RUNS, 1, true, first_columns()).unwrap()
}

fn second() -> TableSpec {
    let mut columns = first_columns();
    columns.splice(4..4, added_columns());
    TableSpec::new(RUNS, 2, true, columns).unwrap()
}

fn keeping_raw(table: &TableSpec) -> TableSpec {
    let mut columns = table.columns().to_vec();
    columns.push(column("_lcw_raw", DataType::Utf8, Role::Raw));
    TableSpec::new(RUNS, table.schema_version(), true, columns).unwrap()
}

fn array(field: &Field, values: &[Option<&str>]) -> ArrayRef {
    let values = values.iter().copied();
    let number = |text: &str| text.parse::<i64>().unwrap();
    match field.data_type() {
        DataType::Utf8 => Arc::new(values.collect::<StringArray>()),
        DataType::Int32 => Arc::new(
            values
                .map(|value| value.map(|text| text.parse().unwrap()))
                .collect::<Int32Array>(),
        ),
        DataType::Int64 => Arc::new(values.map(|v| v.map(number)).collect::<Int64Array>()),
        DataType::Boolean => Arc::new(
            values
                .map(|value| value.map(|text| text == "true"))
                .collect::<BooleanArray>(),
        ),
        _ => {
            let times = values.map(|value| value.map(micros));
            Arc::new(
                times
                    .collect::<TimestampMicrosecondArray>()
                    .with_timezone("UTC"),
            )
        }
    }
}

fn micros(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_microsecond()
}

fn batch(table: &TableSpec, lines: &[&str]) -> RecordBatch {
    let rows: Vec<Cells> = lines.iter().map(|line| cells(line)).collect();
    let columns = table.schema().fields().iter().enumerate();
    let columns = columns.map(|(position, field)| {
        let values: Vec<_> = rows
            .iter()
            .map(|row| Some(row[position].as_str()).filter(|text| *text != "-"))
            .collect();
        array(field, &values)
    });
    let columns = columns.collect();
    RecordBatch::try_new(Arc::clone(table.schema()), columns).unwrap()
}

fn cell(column: &ArrayRef, row: usize) -> String {
    match Values::of(column).unwrap() {
        _ if column.is_null(row) => "-".to_owned(),
        Values::Text(array) => array.value(row).to_owned(),
        Values::Int32(array) => array.value(row).to_string(),
        Values::Int64(array) => array.value(row).to_string(),
        Values::Boolean(array) => array.value(row).to_string(),
        Values::Micros(array) => jiff::Timestamp::from_microsecond(array.value(row))
            .unwrap()
            .to_string(),
    }
}

fn lines(batches: &[RecordBatch]) -> Vec<String> {
    let mut lines = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().map(|column| cell(column, row));
            lines.push(cells.collect::<Vec<_>>().join(" "));
        }
    }
    lines
}

fn open(root: &Path, format: &Arc<dyn Format>, table: &TableSpec) -> Writer {
    let identity = Identity::new(format.as_ref());
    let tables = vec![table.clone()];
    Writer::acquire(root, &identity, TENANT, Arc::clone(format), tables).unwrap()
}

/// An export of rows of one day by a program that knows `table`.
fn export(
    (root, format): (&Path, &Arc<dyn Format>),
    table: &TableSpec,
    day: Date,
    rows: Incoming,
) -> Result<MergeStats, DatasetError> {
    let mut writer = open(root, format, table);
    let head = head(&writer, 1);
    let mut export = writer.begin(head).unwrap();
    let mut staging = export.day(Some(day)).unwrap();
    let merged = merge_all(&mut staging, RUNS, vec![rows]);
    if merged.is_ok() {
        staging.commit().unwrap();
    }
    export.close(tail(Status::Done)).unwrap();
    merged
}

fn rows(table: &TableSpec, lines: &[&str]) -> Incoming {
    Incoming {
        batch: batch(table, lines),
        absent: None,
    }
}

fn read(
    (root, format): (&Path, &Arc<dyn Format>),
    table: &TableSpec,
    day: Date,
    columns: Option<&[&str]>,
) -> Vec<String> {
    let dataset = Dataset::open(root, Arc::clone(format), vec![table.clone()]).unwrap();
    let read = dataset.read(RUNS, TENANT, Some(day), columns).unwrap();
    let batches: Vec<_> = read.unwrap().map(Result::unwrap).collect();
    let names = columns.map_or_else(|| table.column_names(), <[_]>::to_vec);
    for batch in &batches {
        assert_eq!(batch.schema(), table.project(&names).unwrap());
    }
    lines(&batches)
}

fn part(root: &Path, format: &Arc<dyn Format>, day: Date) -> PathBuf {
    let name = format.file_name();
    root.join(format!("{RUNS}/tenant_id={TENANT}/run_date={day}/{name}"))
}

const OLD: [&str; 4] = [
    "w 1 done 5 e1 1 1 -",
    "w 2 done 5 e1 1 1 x",
    "w 3 open - e1 1 1 -",
    "w 4 done 5 e1 1 1 -",
];

#[test]
fn an_older_file_has_null_in_the_columns_that_it_lacks() {
    for format in formats() {
        let folder = folder();
        let at = (folder.path(), &format);
        export(at, &first(), DAY, rows(&first(), &OLD)).unwrap();
        let all = read(at, &second(), DAY, None);
        assert_eq!(
            all,
            [
                "w 1 done 5 - - - - e1 1 1 -",
                "w 2 done 5 - - - - e1 1 1 x",
                "w 3 open - - - - - e1 1 1 -",
                "w 4 done 5 - - - - e1 1 1 -",
            ]
        );
        let some = read(
            at,
            &second(),
            DAY,
            Some(&["subject_hired", "id", "_lcw_export_id"]),
        );
        assert_eq!(some, ["- 1 e1", "- 2 e1", "- 3 e1", "- 4 e1"]);
        assert_eq!(read(at, &second(), DAY, Some(&["subject_mail"])), ["-"; 4]);
        assert_eq!(read(at, &second(), DAY, Some(&ADDED)), ["- - - -"; 4]);
        let dataset = Dataset::open(at.0, Arc::clone(&format), vec![second()]).unwrap();
        assert_eq!(dataset.count(RUNS, TENANT, Some(DAY)).unwrap(), Some(4));
    }
}

#[test]
fn merging_into_an_older_file_writes_the_present_columns() {
    for format in formats() {
        let folder = folder();
        let at = (folder.path(), &format);
        export(at, &first(), DAY, rows(&first(), &OLD)).unwrap();
        // 0 is new, 1 has a new column's value, 2 is the same, 3 changed, 4 does not come.
        let new = [
            "w 0 done 7 m 2026-11-22T00:00:00Z true 1 e2 2 2 -",
            "w 1 done 5 m - - - e2 2 2 -",
            "w 2 done 5 - - - - e2 2 2 x",
            "w 3 done 9 - 2026-11-22T00:00:00Z - 0 e2 2 2 -",
        ];
        let stats = export(at, &second(), DAY, rows(&second(), &new)).unwrap();
        assert_eq!(
            (stats.rows_new, stats.rows_replaced, stats.rows_total),
            (1, 2, 5)
        );
        let expected = [
            "w 0 done 7 m 2026-11-22T00:00:00Z true 1 e2 2 2 -",
            "w 1 done 5 m - - - e2 2 1 -",
            "w 2 done 5 - - - - e1 1 1 x",
            "w 3 done 9 - 2026-11-22T00:00:00Z - 0 e2 2 1 -",
            "w 4 done 5 - - - - e1 1 1 -",
        ];
        assert_eq!(read(at, &second(), DAY, None), expected);
        // The file itself has the columns now.
        let file = std::fs::File::open(part(at.0, &format, DAY)).unwrap();
        let table = TableSpec::new(RUNS, 2, true, first_columns()).unwrap();
        let opened = format.open(file, &table, None).map(|_| ());
        assert!(
            matches!(opened, Err(FormatError::UnknownColumn { ref name }) if name == ADDED[0]),
            "{opened:?}"
        );
        // Sticky values stay, and what an answer does not contain, too.
        let last = Incoming {
            batch: batch(&second(), &["w 3 done 9 - - - - e3 3 3 -"]),
            absent: Some(vec![1 << second().position("_lcw_subject_rows").unwrap()]),
        };
        let stats = export(at, &second(), DAY, last).unwrap();
        assert_eq!((stats.rows_replaced, stats.rows_written), (0, 0));
        assert_eq!(read(at, &second(), DAY, None), expected);
    }
}

#[test]
fn a_day_without_a_changed_row_keeps_its_older_file() {
    for format in formats() {
        let folder = folder();
        let at = (folder.path(), &format);
        export(at, &first(), DAY, rows(&first(), &OLD)).unwrap();
        let before = contents(at.0);
        let same = ["w 1 done 5 - - - - e2 2 2 -", "w 2 done 5 - - - - e2 2 2 x"];
        let stats = export(at, &second(), DAY, rows(&second(), &same)).unwrap();
        let unchanged = MergeStats {
            rows_total: 4,
            ..MergeStats::default()
        };
        assert_eq!(stats, unchanged);
        let after = contents(at.0);
        let is_data = |name: &str| name.starts_with(RUNS);
        assert!(
            before
                .iter()
                .all(|file| !is_data(&file.0) || after.contains(file))
        );
        // The next day of the same dataset has the new columns beside it.
        let tomorrow = DAY.tomorrow().unwrap();
        let new = ["w 9 done 5 m - false 2 e2 2 2 -"];
        export(at, &second(), tomorrow, rows(&second(), &new)).unwrap();
        assert_eq!(read(at, &second(), tomorrow, None), new);
        assert_eq!(read(at, &second(), DAY, Some(&ADDED)), ["- - - -"; 4]);
        let identity = Dataset::inspect(at.0).unwrap().unwrap();
        assert_eq!(identity.schema_versions[RUNS], 2);
        // Who knows the first version only is told to use the other program.
        let refused = Dataset::open(at.0, Arc::clone(&format), vec![first()]).map(|_| ());
        assert!(matches!(
            refused,
            Err(DatasetError::NewerSchema {
                has: 2,
                knows: 1,
                ..
            })
        ));
        let refused = try_writer(at.0, &format).map(|_| ());
        assert!(matches!(
            refused,
            Err(DatasetError::NewerSchema {
                has: 2,
                knows: 1,
                ..
            })
        ));
    }
}

#[test]
fn an_older_file_without_rows_takes_rows_of_the_present_columns() {
    for format in formats() {
        let folder = folder();
        let at = (folder.path(), &format);
        let mut writer = open(at.0, &format, &first());
        let head = head(&writer, 1);
        let mut export_of = writer.begin(head).unwrap();
        let made = export_of
            .ensure_every_table_has_a_file(&[RUNS], DAY)
            .unwrap();
        assert_eq!(made, [RUNS]);
        export_of.close(tail(Status::Done)).unwrap();
        drop(writer);
        assert!(read(at, &second(), DAY, None).is_empty());
        let new = ["w 9 done 5 m - false 2 e2 2 2 -"];
        export(at, &second(), DAY, rows(&second(), &new)).unwrap();
        assert_eq!(read(at, &second(), DAY, None), new);
    }
}

#[test]
fn original_objects_of_an_older_file_stay() {
    for format in formats() {
        let folder = folder();
        let at = (folder.path(), &format);
        let old = ["w 1 done 5 e1 1 1 - {1}", "w 2 done 5 e1 1 1 - {2}"];
        let raw = keeping_raw(&first());
        export(at, &raw, DAY, rows(&raw, &old)).unwrap();
        let new = ["w 2 done 6 m - - - e2 2 2 -", "w 3 done 5 - - - 1 e2 2 2 -"];
        export(at, &second(), DAY, rows(&second(), &new)).unwrap();
        assert_eq!(
            read(at, &keeping_raw(&second()), DAY, None),
            [
                "w 1 done 5 - - - - e1 1 1 - {1}",
                "w 2 done 6 m - - - e2 2 1 - -",
                "w 3 done 5 - - - 1 e2 2 2 - -",
            ]
        );
    }
}

#[test]
fn a_required_column_cannot_be_added() {
    for format in formats() {
        let folder = folder();
        let at = (folder.path(), &format);
        export(at, &first(), DAY, rows(&first(), &OLD)).unwrap();
        let mut columns = first_columns();
        let required = Field::new("is_final", DataType::Boolean, false);
        columns.insert(4, ColumnSpec::new(required, Role::Fact));
        let table = TableSpec::new(RUNS, 2, true, columns).unwrap();
        let before = std::fs::read(part(at.0, &format, DAY)).unwrap();
        let new = rows(&table, &["w 5 done 5 true e2 2 2 -"]);
        let error = export(at, &table, DAY, new).unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(
            cause.contains("it lacks the required column is_final"),
            "{cause}"
        );
        assert_eq!(std::fs::read(part(at.0, &format, DAY)).unwrap(), before);
    }
}
