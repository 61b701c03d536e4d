//! The matrix of the count proof, as lines: days on which all agrees in one, the others workflow by
//! workflow.

use std::fmt::{self, Write};

use lcw_pipeline::{Cell, MatrixRow};

use crate::lines::{counted, on_one_line};

/// Names that are longer end with an ellipsis.
const NAME_WIDTH: usize = 24;

pub(super) fn write(to: &mut String, matrix: &[MatrixRow]) -> fmt::Result {
    if matrix.is_empty() {
        return Ok(());
    }
    writeln!(
        to,
        "  proof: rows held / counted by the service; days that agree in one line"
    )?;
    let head = ["day", "workflows", "runs", "users", "tasks", "verdict"];
    write_line(to, head.map(str::to_owned))?;
    for day in matrix.chunk_by(|a, b| a.run_date == b.run_date) {
        if day.iter().all(|row| row.verdict == "matched") {
            write_day(to, day)?;
        } else {
            day.iter().try_for_each(|row| write_row(to, row))?;
        }
    }
    Ok(())
}

fn write_day(to: &mut String, day: &[MatrixRow]) -> fmt::Result {
    let sum = |cell: fn(&MatrixRow) -> Cell| {
        let cells = day.iter().map(cell);
        cells.fold(Cell::default(), |sum, cell| Cell {
            counted: sum.counted + cell.counted,
            held: sum.held + cell.held,
        })
    };
    let runs: u64 = day.iter().map(|row| row.runs).sum();
    write_line(
        to,
        [
            day[0].run_date.clone(),
            counted(day.len() as u64, "workflow"),
            runs.to_string(),
            words(sum(|row| row.users)),
            words(sum(|row| row.tasks)),
            "matched".to_owned(),
        ],
    )
}

fn write_row(to: &mut String, row: &MatrixRow) -> fmt::Result {
    let name = row.workflow.as_deref().unwrap_or(&row.workflow_id);
    write_line(
        to,
        [
            row.run_date.clone(),
            short(&on_one_line(name)),
            row.runs.to_string(),
            words(row.users),
            words(row.tasks),
            row.verdict.to_owned(),
        ],
    )
}

fn words(cell: Cell) -> String {
    format!("{}/{}", cell.held, cell.counted)
}

fn short(name: &str) -> String {
    if name.chars().count() <= NAME_WIDTH {
        return name.to_owned();
    }
    let kept: String = name.chars().take(NAME_WIDTH - 1).collect();
    format!("{}…", kept.trim_end())
}

fn write_line(to: &mut String, cells: [String; 6]) -> fmt::Result {
    let [day, name, runs, users, tasks, verdict] = cells;
    writeln!(
        to,
        "    {day:<10}  {name:<NAME_WIDTH$}{runs:>5}{users:>12}{tasks:>13}  {verdict}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(day: &str, name: &str, verdict: &'static str) -> MatrixRow {
        MatrixRow {
            workflow: Some(name.to_owned()),
            run_date: day.to_owned(),
            runs: 2,
            users: Cell {
                counted: 5,
                held: 4,
            },
            verdict,
            ..MatrixRow::default()
        }
    }

    #[test]
    fn days_that_agree_are_one_line_and_names_stay_on_theirs() {
        let mut text = String::new();
        let rows = [
            row("2026-11-01", "a", "matched"),
            row("2026-11-01", "b", "matched"),
            row("2026-11-02", "c\nFAKE\u{1b}[2J", "short"),
            row("2026-11-02", &"d".repeat(30), "matched"),
        ];
        write(&mut text, &rows).unwrap();
        let lines: Vec<&str> = text.lines().skip(2).collect();
        let long = format!("    2026-11-02  {}…", "d".repeat(23));
        assert_eq!(
            lines[0],
            "    2026-11-01  2 workflows                 4        8/10          0/0  matched"
        );
        assert_eq!(
            lines[1],
            "    2026-11-02  c FAKE [2J                  2         4/5          0/0  short"
        );
        assert!(lines[2].starts_with(&long), "{}", lines[2]);
        assert!(lines.iter().all(|line| line.chars().count() <= 80));
    }
}
