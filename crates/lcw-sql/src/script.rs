//! The `DuckDB` script, and its parts.

use lcw_transform::Table;

use crate::comments;
use crate::literal::remark;
use crate::location::Location;
use crate::relation::{no_rows_of, relation};

const JOINED: &str = include_str!("../sql/joined.sql");
const MACROS: &str = include_str!("../sql/macros.sql");
const EXAMPLES: &str = include_str!("../sql/examples.sql");

/// The whole of it: what `duckdb --init` reads. It prints nothing, and everything it makes is
/// temporary: it leaves nothing in a database file that it is used with.
pub fn init(location: &Location) -> String {
    format!(
        "-- The tables of Microsoft Entra Lifecycle Workflows in\n--   {}\n{}\
         -- for DuckDB 1.1 or newer. Written by `lcw connect`, anew each time. Everything below is\n\
         -- temporary: nothing is kept in a database file. Begin with: FROM lcw_help();\n\n\
         -- Days are days of UTC. For instants in local time: RESET TimeZone;\n\
         SET TimeZone = 'UTC';\n\n{}\n{JOINED}\n{MACROS}\n{}\n{}",
        remark(location.folder()),
        filter(location),
        declarations(),
        tables(location),
        comments::of_joined()
    )
}

/// Every view by its columns, before it has files: newer versions of `DuckDB` would else open each file
/// again for every mention of a table in a macro, some seconds a year of days.
fn declarations() -> String {
    let declared = Table::ALL.map(|table| {
        let columns = no_rows_of(table);
        format!(
            "CREATE OR REPLACE TEMP VIEW {} AS {columns};\n",
            table.name()
        )
    });
    format!(
        "-- The columns of every table, without files: what is made of them is checked against these,\n\
         -- and not against every file. The files follow at the end.\n{}",
        declared.concat()
    )
}

/// What a filtered dataset does not say, before anybody counts its rows.
fn filter(location: &Location) -> String {
    let Some(filter) = location.filter() else {
        return String::new();
    };
    format!(
        "-- Its users were exported with the filter\n--   {}\n\
         -- so users who are not in it are not in the dataset, and no success follows from that.\n",
        remark(filter)
    )
}

/// A view over every table, the joined views, and what each of their columns means.
pub fn views(location: &Location) -> String {
    let tables = tables(location);
    format!("{tables}\n{JOINED}\n{}", comments::of_joined())
}

fn tables(location: &Location) -> String {
    Table::ALL.map(|table| view(table, location)).join("\n")
}

fn view(table: Table, location: &Location) -> String {
    let absent = if location.holds(table) {
        ""
    } else {
        "-- There is no file of this table yet, so the view has no rows.\n"
    };
    let (name, description) = (table.name(), table.description());
    format!(
        "-- {description}\n{absent}CREATE OR REPLACE TEMP VIEW {name} AS\n{};\n\n{}",
        relation(table, location, true),
        comments::of_table(table)
    )
}

/// Table macros: questions with a name. They need the views.
pub fn macros() -> &'static str {
    MACROS
}

/// Queries to start with. They need views and macros.
pub fn examples() -> &'static str {
    EXAMPLES
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::location::Files;

    fn location(folder: &str) -> Location {
        let tables = BTreeSet::from(Table::ALL);
        Location::new(folder, Files::Parquet, "part-0.parquet", tables).unwrap()
    }

    #[test]
    fn a_folder_s_name_cannot_become_sql() {
        let folder = "/srv/'; DROP TABLE x; --\nDROP TABLE y;/data";
        let hostile = location(folder).filtered_by(Some("a eq 'b'\nDROP TABLE z;".into()));
        let text = init(&hostile);
        // Nothing of it begins a line of its own, and its quote is doubled.
        assert!(!text.lines().any(|line| line.starts_with("DROP")), "{text}");
        assert!(
            text.contains("'/srv/''; DROP TABLE x; --' || chr(10) || 'DROP TABLE y;/data/runs")
        );
    }

    #[test]
    fn nothing_that_it_makes_outlives_the_session() {
        let text = init(&location("/data"));
        let makes = text.lines().filter(|line| line.starts_with("CREATE"));
        let kept: Vec<&str> = makes
            .filter(|line| !line.starts_with("CREATE OR REPLACE TEMP "))
            .collect();
        assert!(kept.is_empty(), "{kept:?}");
    }

    #[test]
    fn its_own_words_are_shown_by_any_screen() {
        let text = init(&location("/data")) + examples();
        let odd = |letter: &char| !letter.is_ascii_graphic() && !matches!(letter, ' ' | '\n');
        let found: Vec<char> = text.chars().filter(odd).collect();
        assert!(found.is_empty(), "{found:?}");
    }
}
