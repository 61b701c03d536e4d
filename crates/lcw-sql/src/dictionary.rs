//! The data dictionary.

use lcw_transform::{PublishedColumn, PublishedSchema, Table, published_schema};

use crate::relation::columns;

/// Every table with its key and its columns, as Markdown.
pub fn dictionary() -> String {
    let contents = Table::ALL.map(|table| format!("- [`{0}`](#{0})", table.name()));
    let tables = Table::ALL.map(|table| section(&published_schema(table, true)));
    format!(
        "# Data dictionary\n\n\
         Made by `lcw schema --markdown` from the declarations that the files are written by; do not\n\
         edit. [querying.md](querying.md) says how to read the files.\n\n\
         Types are SQL's, as DuckDB calls them. `TIMESTAMP WITH TIME ZONE` is an instant in UTC, in\n\
         microseconds; NDJSON keeps the service's own text. `JSON` is text that holds JSON. A source\n\
         with a `/` is a property inside an object. An open enumeration can hold values that are not\n\
         listed: the service may add some. A property that is absent and one that is null are both\n\
         NULL.\n\n{}\n\n{}",
        contents.join("\n"),
        tables.join("\n")
    )
}

fn section(schema: &PublishedSchema) -> String {
    let keys: Vec<String> = schema.key.iter().map(|name| format!("`{name}`")).collect();
    let folders: Vec<String> = schema
        .partition_columns
        .iter()
        .map(|column| format!("{}=…", column.name))
        .collect();
    let rows: Vec<String> = columns(schema).map(row).collect();
    format!(
        "## `{}`\n\n{}\n\nKey, within a tenant: {}. Files: `{}/{}/`. Schema version {}.\n\n\
         | column | type | source | meaning |\n|---|---|---|---|\n{}\n",
        schema.table,
        schema.description,
        keys.join(", "),
        schema.table,
        folders.join("/"),
        schema.schema_version,
        rows.join("\n")
    )
}

fn row(column: &PublishedColumn) -> String {
    let unit = column.unit.map(|unit| format!(", {unit}"));
    let never = if column.nullable { "" } else { ", never NULL" };
    let source = match (column.source, column.derived_from) {
        (Some(source), _) => format!("`{source}`"),
        (None, Some([from, to])) => format!("`{to}` - `{from}`"),
        (None, None) => String::new(),
    };
    let open = match column.values_are_open {
        Some(true) => "Open enumeration: ",
        _ => "One of ",
    };
    let values = column.values.map(|values| {
        let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
        format!(" {open}{}.", values.join(", "))
    });
    format!(
        "| `{}` | {}{}{never} | {source} | {}{} |",
        column.name,
        column.r#type,
        unit.unwrap_or_default(),
        cell(column.description),
        values.unwrap_or_default()
    )
}

/// Text inside a cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
