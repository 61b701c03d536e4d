//! A table as one SQL expression: the same columns and types whatever the files hold.

use lcw_transform::{PublishedColumn, PublishedSchema, Table, published_schema};

use crate::location::{Files, Location};

/// `SELECT … FROM …` over every file of `table`: the columns of its partitions first, then the
/// declared ones, `_lcw_raw` included. Of a table without files it has no rows.
///
/// With `is_explained` it has line breaks and says why it is as it is, else it is one line.
pub(crate) fn relation(table: Table, location: &Location, is_explained: bool) -> String {
    let schema = published_schema(table, true);
    let text = match (location.holds(table), location.files()) {
        (false, _) => no_rows(&schema, ""),
        (true, Files::Parquet) => parquet(table, &schema, location),
        (true, Files::Ndjson) => ndjson(table, &schema, location),
    };
    if is_explained {
        text
    } else {
        on_one_line(&text)
    }
}

/// Partitions first: tenant and day are what rows are found by.
pub(crate) fn columns(schema: &PublishedSchema) -> impl Iterator<Item = &PublishedColumn> {
    schema.partition_columns.iter().chain(&schema.columns)
}

/// Files may lack columns that a newer `lcw` added: those of the declaration are always there.
fn parquet(table: Table, schema: &PublishedSchema, location: &Location) -> String {
    let names: Vec<&str> = columns(schema).map(|column| column.name).collect();
    format!(
        "SELECT\n    {}\nFROM (\n    \
         -- Every column with its type, and no row: files of an older lcw have fewer columns.\n\
         {}\n    UNION ALL BY NAME\n    SELECT * FROM read_parquet(\n        {},\n        {},\n        \
         union_by_name = true)\n)",
        wrapped(&names, "    "),
        no_rows(schema, "    "),
        location.pattern(table),
        partitions(schema),
    )
}

/// Types as declared: a guess would depend on the rows that are there. Columns that hold JSON are
/// text in the files.
fn ndjson(table: Table, schema: &PublishedSchema, location: &Location) -> String {
    let selected: Vec<String> = columns(schema)
        .map(|column| match column.r#type {
            "JSON" => format!("CAST({0} AS JSON) AS {0}", column.name),
            _ => column.name.to_owned(),
        })
        .collect();
    let selected: Vec<&str> = selected.iter().map(String::as_str).collect();
    let typed: Vec<String> = schema.columns.iter().map(in_ndjson).collect();
    format!(
        "SELECT\n    {}\nFROM read_json(\n    {},\n    \
         format = 'newline_delimited', compression = '{}',\n    {},\n    \
         -- NULL where a line has no such name: lines of an older lcw have fewer.\n    \
         columns = struct_pack(\n        {}),\n    union_by_name = true)",
        wrapped(&selected, "    "),
        location.pattern(table),
        location.compression(),
        partitions(schema),
        typed.join(",\n        "),
    )
}

fn in_ndjson(column: &PublishedColumn) -> String {
    let kind = match column.r#type {
        "JSON" => "VARCHAR",
        other => other,
    };
    format!("{} := '{kind}'", column.name)
}

/// The declared columns on one line, and no row.
pub(crate) fn no_rows_of(table: Table) -> String {
    on_one_line(&no_rows(&published_schema(table, true), ""))
}

fn no_rows(schema: &PublishedSchema, indent: &str) -> String {
    let columns: Vec<String> = columns(schema)
        .map(|column| {
            format!(
                "{indent}    CAST(NULL AS {}) AS {}",
                column.r#type, column.name
            )
        })
        .collect();
    format!(
        "{indent}SELECT\n{}\n{indent}WHERE false",
        columns.join(",\n")
    )
}

/// Explicit, because a guess makes a date of one folder's name and a text of another's.
fn partitions(schema: &PublishedSchema) -> String {
    let types: Vec<String> = schema
        .partition_columns
        .iter()
        .map(|column| format!("{} := '{}'", column.name, column.r#type))
        .collect();
    format!(
        "hive_partitioning = true, hive_types = struct_pack({})",
        types.join(", ")
    )
}

const COLUMNS: usize = 100;

/// `words` with commas between them, in lines that are set in by `indent`.
fn wrapped(words: &[&str], indent: &str) -> String {
    let mut text = String::new();
    let mut width = indent.len();
    for (number, word) in words.iter().enumerate() {
        let is_last = number + 1 == words.len();
        let comma = if is_last { "" } else { "," };
        if number > 0 && width + word.len() + 2 > COLUMNS {
            text.push('\n');
            text.push_str(indent);
            width = indent.len();
        } else if number > 0 {
            text.push(' ');
            width += 1;
        }
        text.push_str(word);
        text.push_str(comma);
        width += word.len() + comma.len();
    }
    text
}

/// Without the remarks: one of them would hide the rest of the line.
fn on_one_line(text: &str) -> String {
    let lines = text.lines().map(str::trim);
    let lines: Vec<&str> = lines.filter(|line| !line.starts_with("--")).collect();
    lines.join(" ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_declared_column_is_there_in_any_form() {
        for table in Table::ALL {
            for (files, tables) in [
                (Files::Parquet, BTreeSet::from([table])),
                (Files::Ndjson, BTreeSet::from([table])),
                (Files::Ndjson, BTreeSet::new()),
            ] {
                let location = Location::new("/data", files, "part-0.x", tables).unwrap();
                for is_explained in [true, false] {
                    let text = relation(table, &location, is_explained);
                    for column in columns(&published_schema(table, true)) {
                        assert!(text.contains(column.name), "{}: {text}", column.name);
                    }
                    assert_eq!(text.contains('\n'), is_explained, "{text}");
                }
            }
        }
    }
}
