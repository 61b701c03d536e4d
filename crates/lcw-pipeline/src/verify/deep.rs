//! What the files of a day say of each other: runs and the rows below them.

use std::collections::{BTreeMap, HashMap};

use arrow::array::{Array, AsArray, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{Int32Type, TimestampMicrosecondType};
use lcw_dataset::{Class, Examiner, Finding, Place, Seen, TableSpec, Unit, digest_of};
use lcw_model::time::{date_of, parse_micros};
use lcw_transform::Table;

use crate::children::Child;

/// Names that a finding gives, at most.
const EXAMPLES: usize = 3;

/// Tables below runs, each with the column of `runs` that counts its rows.
const COUNTED: [(Table, &str); 5] = [
    (Table::UserProcessingResults, Child::Results.marker()),
    (Table::TaskProcessingResults, Child::Tasks.marker()),
    (Table::SubjectProcessingResults, Child::Subjects.marker()),
    (Table::ReprocessedRuns, Child::Reprocessed.marker()),
    (Table::TaskReports, "_lcw_report_rows"),
];

type RunKey = (Box<str>, Box<str>);

/// A day's runs, and how many rows of each table there are below which run.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Day {
    runs: HashMap<RunKey, Run>,
    rows: [HashMap<RunKey, u64>; COUNTED.len()],
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Run {
    /// Rows read of each table, as the run's row says.
    markers: [Option<i32>; COUNTED.len()],
    /// It is due on the day under which it is stored.
    is_at_home: bool,
}

impl Examiner for Day {
    fn rows(&mut self, place: &Place, table: &TableSpec, batch: &RecordBatch) {
        if place.table == Table::Runs.name() {
            self.add_runs(place, table, batch);
        } else if let Some(child) = position(&place.table) {
            self.count(child, table, batch);
        }
    }
}

fn position(table: &str) -> Option<usize> {
    COUNTED.iter().position(|(child, _)| child.name() == table)
}

fn column<'b>(table: &TableSpec, batch: &'b RecordBatch, name: &str) -> Option<&'b dyn Array> {
    Some(batch.column(table.position(name)?).as_ref())
}

fn text<'b>(table: &TableSpec, batch: &'b RecordBatch, name: &str) -> Option<&'b StringArray> {
    column(table, batch, name)?.as_string_opt()
}

impl Day {
    fn add_runs(&mut self, place: &Place, table: &TableSpec, batch: &RecordBatch) {
        let workflows = text(table, batch, "workflow_id");
        let (Some(workflows), Some(ids)) = (workflows, text(table, batch, "id")) else {
            return;
        };
        let markers = COUNTED.map(|(_, marker)| {
            column(table, batch, marker).and_then(|it| it.as_primitive_opt::<Int32Type>())
        });
        let scheduled = column(table, batch, "scheduled_date_time");
        for row in 0..batch.num_rows() {
            let value = |marker: Option<&Int32Array>| {
                let marker = marker.filter(|it| it.is_valid(row));
                marker.map(|it| it.value(row))
            };
            let due = scheduled.and_then(|it| micros(it, row)).map(date_of);
            let run = Run {
                markers: markers.map(value),
                is_at_home: due == place.day,
            };
            let key = (workflows.value(row).into(), ids.value(row).into());
            self.runs.insert(key, run);
        }
    }

    /// Rows are sorted by run, so that the map is asked once for many of them.
    fn count(&mut self, child: usize, table: &TableSpec, batch: &RecordBatch) {
        let workflows = text(table, batch, "workflow_id");
        let (Some(workflows), Some(runs)) = (workflows, text(table, batch, "run_id")) else {
            return;
        };
        let key = |row: usize| (workflows.value(row), runs.value(row));
        let mut from = 0;
        for to in 1..=batch.num_rows() {
            if to < batch.num_rows() && key(to) == key(from) {
                continue;
            }
            let (workflow, run) = key(from);
            let count = self.rows[child].entry((workflow.into(), run.into()));
            *count.or_default() += (to - from) as u64;
            from = to;
        }
    }

    /// Every run's rows against what it says of them, where the files of both are good.
    /// `forgotten` are rows that somebody has asked to forget, by table, workflow and run.
    pub(crate) fn compare(
        &self,
        unit: &Unit,
        seen: &Seen,
        is_unfinished: bool,
        forgotten: impl Fn(&str, &str, &str) -> u64,
    ) -> Vec<Finding> {
        let mut findings = self.strangers(unit);
        if !seen.is_good(Table::Runs.name()) {
            return findings;
        }
        let orphans = if is_unfinished {
            // An export that is stopped leaves rows whose run is written by the next one.
            Class::MoreRows
        } else {
            Class::OrphanRows
        };
        for (child, (table, _)) in COUNTED.into_iter().enumerate() {
            if !seen.is_good(table.name()) {
                continue;
            }
            let mut found = BTreeMap::<Class, Tally>::new();
            for (key, run) in &self.runs {
                let Some(read) = run.markers[child].and_then(|it| u64::try_from(it).ok()) else {
                    continue;
                };
                let rows = self.rows[child].get(key).copied().unwrap_or(0);
                match rows.cmp(&read) {
                    std::cmp::Ordering::Less
                        if rows + forgotten(table.name(), &key.0, &key.1) >= read => {}
                    std::cmp::Ordering::Less => {
                        let tally = found.entry(Class::ChildRowsMissing).or_default();
                        tally.add(&key.1, read, rows);
                    }
                    std::cmp::Ordering::Greater => {
                        let tally = found.entry(Class::MoreRows).or_default();
                        tally.add(&key.1, read, rows);
                    }
                    std::cmp::Ordering::Equal => {}
                }
            }
            for (key, rows) in &self.rows[child] {
                if !self.runs.contains_key(key) {
                    found.entry(orphans).or_default().add(&key.1, 0, *rows);
                }
            }
            let place = place(unit, table);
            let file = unit.file(table.name()).unwrap_or(table.name());
            findings.extend(
                found
                    .into_iter()
                    .map(|(class, tally)| tally.finding(class, file, &place)),
            );
        }
        findings
    }

    /// Runs that are due on another day: they are kept under the one they were first seen with.
    fn strangers(&self, unit: &Unit) -> Vec<Finding> {
        let mut tally = Tally::default();
        for (key, run) in &self.runs {
            if !run.is_at_home {
                tally.add(&key.1, 0, 1);
            }
        }
        let Some(file) = unit.file(Table::Runs.name()).filter(|_| tally.runs > 0) else {
            return Vec::new();
        };
        vec![Finding {
            class: Class::OtherDay,
            file: file.to_owned(),
            place: Some(place(unit, Table::Runs)),
            expected: "runs of its day".to_owned(),
            found: format!("{} of another day: {}", tally.runs, tally.names()),
            written_by: None,
        }]
    }
}

fn place(unit: &Unit, table: Table) -> Place {
    Place {
        table: table.name().to_owned(),
        tenant: unit.tenant.clone(),
        day: unit.day,
    }
}

fn micros(column: &dyn Array, row: usize) -> Option<i64> {
    if !column.is_valid(row) {
        return None;
    }
    match column.as_primitive_opt::<TimestampMicrosecondType>() {
        Some(micros) => Some(micros.value(row)),
        None => parse_micros(column.as_string_opt::<i32>()?.value(row)).ok(),
    }
}

/// Runs of which the same is wrong.
#[derive(Default)]
struct Tally {
    runs: u64,
    expected: u64,
    found: u64,
    names: Vec<String>,
}

impl Tally {
    fn add(&mut self, run: &str, expected: u64, found: u64) {
        self.runs += 1;
        self.expected += expected;
        self.found += found;
        // The first ones in their order, whatever the order in which they come.
        self.names.push(run.to_owned());
        self.names.sort_unstable();
        self.names.truncate(EXAMPLES);
    }

    fn names(&self) -> String {
        let more = self.runs.saturating_sub(EXAMPLES as u64);
        let names = self.names.join(", ");
        if more == 0 {
            names
        } else {
            format!("{names} and {more} more")
        }
    }

    fn finding(&self, class: Class, file: &str, place: &Place) -> Finding {
        let plural = if self.runs == 1 { "" } else { "s" };
        let expected = match class {
            Class::OrphanRows => "no rows without their run".to_owned(),
            _ => format!("{} rows below {} run{plural}", self.expected, self.runs),
        };
        Finding {
            class,
            file: file.to_owned(),
            place: Some(place.clone()),
            expected,
            found: format!("{} rows: run{plural} {}", self.found, self.names()),
            written_by: None,
        }
    }
}

/// Every run that was seen, by a digest of its key, with the day under which it is stored.
#[derive(Default)]
pub(crate) struct RunsByDay {
    days: Vec<(String, Option<jiff::civil::Date>, String)>,
    /// The day's number, and whether the run is due then, in the lowest bit.
    runs: HashMap<u64, u32>,
    not_read: u64,
}

impl RunsByDay {
    pub(crate) fn len(&self) -> u64 {
        self.runs.len() as u64
    }

    pub(crate) fn not_read(&self) -> u64 {
        self.not_read
    }

    /// Adds the runs of a day. Runs that another day has, too, are found in the one where they are
    /// not due, else in the later one.
    pub(crate) fn add(&mut self, unit: &Unit, day: Day) -> Vec<Finding> {
        let Some(file) = unit.file(Table::Runs.name()) else {
            return Vec::new();
        };
        let number = u32::try_from(self.days.len()).unwrap_or(u32::MAX);
        self.days
            .push((unit.tenant.clone(), unit.day, file.to_owned()));
        let mut twice = BTreeMap::<u32, BTreeMap<u32, Tally>>::new();
        for ((workflow, id), run) in day.runs {
            self.not_read += u64::from(run.markers.iter().all(Option::is_none));
            let key = digest(&unit.tenant, &workflow, &id);
            let stored = number << 1 | u32::from(run.is_at_home);
            let known = *self.runs.entry(key).or_insert(stored);
            let (other, is_at_home) = (known >> 1, known & 1 == 1);
            if other == number {
                continue;
            }
            let (here, there) = if run.is_at_home && !is_at_home {
                self.runs.insert(key, stored);
                (other, number)
            } else {
                (number, other)
            };
            let tally = twice.entry(here).or_default().entry(there).or_default();
            tally.add(&id, 0, 1);
        }
        let finding = |here: u32, there: u32, tally: &Tally| {
            let (tenant, day, file) = &self.days[here as usize];
            let (_, other, _) = &self.days[there as usize];
            let other = other.map_or_else(String::new, |day| day.to_string());
            Finding {
                class: Class::DuplicateKey,
                file: file.clone(),
                place: Some(Place {
                    table: Table::Runs.name().to_owned(),
                    tenant: tenant.clone(),
                    day: *day,
                }),
                expected: "every run once".to_owned(),
                found: format!("{} also under {other}: {}", tally.runs, tally.names()),
                written_by: None,
            }
        };
        let twice = twice.iter().flat_map(|(here, others)| {
            others
                .iter()
                .map(move |(there, tally)| (*here, *there, tally))
        });
        twice
            .map(|(here, there, tally)| finding(here, there, tally))
            .collect()
    }
}

/// So much of SHA-256 that two of ten million runs share it once in 300,000 such datasets.
fn digest(tenant: &str, workflow: &str, id: &str) -> u64 {
    let text = format!("{tenant}\n{}\n{workflow}{id}", workflow.len());
    let digest = digest_of(text.as_bytes());
    u64::from_str_radix(&digest[..16], 16).unwrap_or_default()
}
