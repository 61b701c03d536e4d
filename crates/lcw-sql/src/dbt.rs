//! The tables as sources of a dbt project.

use lcw_transform::{PublishedColumn, Table, published_schema};
use serde_json::Value;

use crate::location::Location;
use crate::relation::{columns, relation};

/// `sources.yml` for `dbt-duckdb`: every table as a source of the group `lcw`, read from the files,
/// with its columns, types and meanings, and a test that what is never NULL is not.
///
/// `{`, `}`, `$` and `%` do not occur in the locations: Python and Jinja would take them for theirs.
pub fn sources(location: &Location) -> String {
    let mut text = String::from(
        "# The tables of Microsoft Entra Lifecycle Workflows as dbt sources, for dbt-duckdb 1.9 or\n\
         # newer: {{ source('lcw', 'runs') }}. Written by `lcw sql dbt`.\n\
         version: 2\nsources:\n  - name: lcw\n    description: What Microsoft Entra Lifecycle \
         Workflows did, as exported by lcw.\n    tables:\n",
    );
    for table in Table::ALL {
        text.push_str(&source(table, location));
    }
    text
}

fn source(table: Table, location: &Location) -> String {
    let schema = published_schema(table, true);
    let mut text = format!(
        "      - name: {}\n        description: {}\n        config:\n          meta:\n            \
         external_location: {}\n        columns:\n",
        table.name(),
        yaml(schema.description),
        yaml(&format!("({})", relation(table, location, false))),
    );
    for column in columns(&schema) {
        text.push_str(&entry(column));
    }
    text
}

fn entry(column: &PublishedColumn) -> String {
    let mut text = format!(
        "          - name: {}\n            data_type: {}\n            description: {}\n",
        column.name,
        column.r#type.to_lowercase(),
        yaml(column.description),
    );
    if !column.nullable {
        text.push_str("            data_tests: [not_null]\n");
    }
    text
}

/// A text as YAML reads it: JSON is YAML.
fn yaml(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::location::Files;

    #[test]
    fn no_template_language_finds_anything_in_a_location() {
        let tables = BTreeSet::from(Table::ALL);
        for files in [Files::Parquet, Files::Ndjson] {
            let folder = "/srv/{{ x }}/{% y %}/$z";
            let location = Location::new(folder, files, "part-0.x", tables.clone()).unwrap();
            let text = sources(&location);
            let locations = text
                .lines()
                .filter(|line| line.contains("external_location"));
            let locations: Vec<&str> = locations.collect();
            assert_eq!(locations.len(), Table::ALL.len());
            for line in locations {
                assert!(!line.contains(['{', '}', '$', '%']), "{line}");
            }
        }
    }
}
