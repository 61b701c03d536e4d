//! The published contracts: tables and the pipeline file.

use std::path::Path;

use anyhow::Context;
use lcw_transform::{PublishedColumn, PublishedSchema, Table, published_schema};
use serde_json::Value;

use crate::args::{Output, SchemaArgs};
use crate::failure::Failure;
use crate::lines::{COLUMNS, wrapped};
use crate::{config, print};

pub(crate) fn schema(args: &SchemaArgs, to: &Output) -> Result<u8, Failure> {
    if let Some(folder) = &args.write {
        return write_all(folder)
            .map_err(|error| Failure::failed(&error))
            .map(|()| 0);
    }
    if args.markdown {
        return dictionary(to);
    }
    let schemas: Vec<PublishedSchema> = Table::ALL
        .into_iter()
        .filter(|table| args.table.is_none_or(|wanted| *table == wanted))
        .map(|table| published_schema(table, false))
        .collect();
    match (to.json, schemas.as_slice()) {
        (true, [one]) => print::json(one)?,
        (true, all) => print::json(&all)?,
        (false, [one]) => print::text(&text(one, true))?,
        (false, all) => {
            let tables: Vec<String> = all.iter().map(|one| text(one, false)).collect();
            print::text(&tables.join("\n"))?;
        }
    }
    Ok(0)
}

fn dictionary(to: &Output) -> Result<u8, Failure> {
    if to.json {
        return Err(Failure::usage(
            "--markdown is text, and --json asks for an object",
            "leave out one of them",
        ));
    }
    print::text(&lcw_sql::dictionary())?;
    Ok(0)
}

/// A line per column, and what it means where that is wanted.
fn text(schema: &PublishedSchema, is_explained: bool) -> String {
    let columns = || schema.columns.iter().chain(&schema.partition_columns);
    let kind = |column: &PublishedColumn| {
        let unit = column
            .unit
            .map_or_else(String::new, |unit| format!(" ({unit})"));
        // The longest name of a type has a short one, which means the same.
        let name = column
            .r#type
            .replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ");
        format!("{name}{unit}")
    };
    let name_width = columns().map(|column| column.name.len()).max().unwrap_or(0);
    let kind_width = columns()
        .map(|column| kind(column).len())
        .max()
        .unwrap_or(0);
    let mut lines = vec![schema.table.to_owned()];
    lines.extend(wrapped(schema.description, "  ", COLUMNS));
    lines.push(format!("  key: {}", schema.key.join(", ")));
    for column in columns() {
        let source = match (column.source, column.derived_from) {
            (Some(source), _) => source.to_owned(),
            (None, Some([from, to])) => format!("{} - {}", moment(to), moment(from)),
            (None, None) => String::new(),
        };
        let kind = kind(column);
        let name = column.name;
        let line = format!("  {name:<name_width$}  {kind:<kind_width$}  {source}");
        if line.chars().count() <= COLUMNS {
            lines.push(line.trim_end().to_owned());
        } else {
            lines.extend([
                format!("  {name:<name_width$}  {kind}"),
                format!("      {source}"),
            ]);
        }
        if is_explained {
            lines.extend(wrapped(column.description, "      ", COLUMNS));
        }
    }
    lines.join("\n") + "\n"
}

/// `completed` for `completed_date_time`: between durations there is no doubt.
fn moment(column: &str) -> &str {
    column.strip_suffix("_date_time").unwrap_or(column)
}

/// Every contract by the name of its file.
fn published() -> Vec<(String, Value)> {
    let mut files: Vec<(String, Value)> = Table::ALL
        .into_iter()
        .map(|table| {
            (
                format!("{}.json", table.name()),
                serde_json::json!(published_schema(table, false)),
            )
        })
        .collect();
    files.push(("pipeline.schema.json".to_owned(), config::json_schema()));
    files
}

fn write_all(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    for (name, contract) in published() {
        let path = folder.join(name);
        let text = format!("{}\n", serde_json::to_string_pretty(&contract)?);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_contracts_say_what_the_program_does() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas");
        for (name, contract) in published() {
            let committed = std::fs::read_to_string(folder.join(&name)).unwrap();
            let committed: Value = serde_json::from_str(&committed).unwrap();
            let is_same = committed == contract;
            assert!(is_same, "schemas/{name} has drifted: run `make schemas`");
        }
    }

    #[test]
    fn the_committed_dictionary_says_what_the_program_does() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/data-dictionary.md");
        let committed = std::fs::read_to_string(path).unwrap();
        let is_same = committed == lcw_sql::dictionary();
        assert!(
            is_same,
            "docs/data-dictionary.md has drifted: run `make schemas`"
        );
    }
}
