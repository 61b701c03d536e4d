//! Leavers from a file: who left, and when.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::error::ReportError;
use crate::plain::shortened;
use crate::subject;

/// Bad lines that are named; of more, the number is.
const NAMED_LINES: usize = 10;

const REMEDY: &str = "write two columns, the user's object id and the leave date, as in \
    5f0c4c2e-8d2e-4a7e-9d5e-0a1b2c3d4e5f,2026-11-20 or …,2026-11-20T17:00:00Z; the object id is what \
    subject_id holds, user principal names are not in the data";

/// Who left, and when.
#[derive(Debug, Clone, Default)]
pub struct Population {
    pub(crate) leavers: Vec<Leaver>,
    pub(crate) by_subject: HashMap<u128, usize>,
}

/// One leaver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leaver {
    pub(crate) subject: String,
    /// Microseconds since 1970, UTC.
    pub(crate) left: i64,
}

impl Population {
    /// Reads a CSV file: two columns, subject id and leave date (midnight in UTC) or date-time with
    /// its offset. A first line that holds no date is a header: columns named `subject_id` (also
    /// `id`, `object_id`) and `leave_date` (also `leave_date_time`, `employee_leave_date_time`) are
    /// then found by name, and further ones allowed. Empty lines are skipped; `;` separates, too.
    ///
    /// # Errors
    /// [`ReportError::Usage`] that names every bad line by its number: no id, no date, an id that
    /// came before, or an address where an object id belongs.
    pub fn read(name: &str, text: &str) -> Result<Self, ReportError> {
        let text = text.trim_start_matches('\u{feff}');
        let mut population = Self::default();
        let mut bad = Vec::new();
        let mut places = None;
        let mut lines_of = HashMap::new();
        for (number, line) in (1_usize..).zip(text.lines()) {
            if line.trim().is_empty() {
                continue;
            }
            let cells = cells(line);
            let Some(columns) = places else {
                match header(&cells) {
                    Ok(Some(found)) => places = Some(found),
                    Ok(None) => {
                        places = Some((0, 1));
                        population.take(&cells, (0, 1), number, &mut lines_of, &mut bad);
                    }
                    Err(problem) => {
                        return Err(ReportError::usage(
                            format!("{name}, line {number}: {problem}"),
                            REMEDY,
                        ));
                    }
                }
                continue;
            };
            population.take(&cells, columns, number, &mut lines_of, &mut bad);
        }
        if bad.is_empty() && population.leavers.is_empty() {
            return Err(ReportError::usage(
                format!("{name} names no leaver"),
                REMEDY,
            ));
        }
        if bad.is_empty() {
            return Ok(population);
        }
        let more = bad.len().saturating_sub(NAMED_LINES);
        bad.truncate(NAMED_LINES);
        let mut message = format!("{name} has lines that name no leaver:\n{}", bad.join("\n"));
        if more > 0 {
            message = format!("{message}\nand {more} more");
        }
        Err(ReportError::usage(message, REMEDY))
    }

    fn take(
        &mut self,
        cells: &[String],
        (id, date): (usize, usize),
        number: usize,
        lines_of: &mut HashMap<u128, usize>,
        bad: &mut Vec<String>,
    ) {
        let cell = |at: usize| cells.get(at).map_or("", |cell| cell.trim());
        let (id, date) = (cell(id), cell(date));
        let key = subject::key(id);
        let problem = match instant(date) {
            _ if id.is_empty() => "no subject id".to_owned(),
            _ if id.contains('@') => "an address instead of an object id".to_owned(),
            None => format!("no date: {:?}", shortened(date, 40)),
            Some(left) => {
                if let Some(first) = lines_of.get(&key) {
                    format!("the subject of line {first} again")
                } else {
                    lines_of.insert(key, number);
                    self.by_subject.insert(key, self.leavers.len());
                    let subject = id.to_owned();
                    self.leavers.push(Leaver { subject, left });
                    return;
                }
            }
        };
        bad.push(format!("line {number}: {problem}"));
    }
}

/// The places of id and date in a header; nothing when the line is data.
fn header(cells: &[String]) -> Result<Option<(usize, usize)>, String> {
    let name = |cell: &String| {
        let letters = cell.chars().filter(|letter| letter.is_alphanumeric());
        letters.collect::<String>().to_lowercase()
    };
    let names: Vec<String> = cells.iter().map(name).collect();
    let place = |known: &[&str]| names.iter().position(|name| known.contains(&name.as_str()));
    let id = place(&["subjectid", "id", "objectid", "userid"]);
    let date = place(&[
        "leavedate",
        "leavedatetime",
        "employeeleavedatetime",
        "left",
        "leaving",
    ]);
    match (id, date) {
        (Some(id), Some(date)) => Ok(Some((id, date))),
        (Some(_), None) => Err("no column leave_date in the header".to_owned()),
        (None, Some(_)) => Err("no column subject_id in the header".to_owned()),
        (None, None) => Ok(None),
    }
}

/// The cells of a line; quotes around a cell may hold separators and doubled quotes.
fn cells(line: &str) -> Vec<String> {
    let separator = if line.contains(',') { ',' } else { ';' };
    let mut cells = vec![String::new()];
    let mut is_quoted = false;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        let last = cells.len() - 1;
        match letter {
            '"' if is_quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cells[last].push('"');
            }
            '"' => is_quoted = !is_quoted,
            _ if letter == separator && !is_quoted => cells.push(String::new()),
            _ => cells[last].push(letter),
        }
    }
    cells
}

/// A date is its midnight in UTC; a date-time needs its offset.
fn instant(text: &str) -> Option<i64> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_microsecond());
    }
    if text.contains([':', ' ']) {
        return None;
    }
    let date: Date = text.parse().ok()?;
    let midnight = date.to_zoned_datetime(TimeZone::UTC).ok()?;
    Some(midnight.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, i64)>, String> {
        let read = Population::read("leavers.csv", text).map_err(|error| error.to_string())?;
        let pair = |leaver: Leaver| (leaver.subject, leaver.left / 1_000_000);
        Ok(read.leavers.into_iter().map(pair).collect())
    }

    #[test]
    fn columns_are_found_by_name_or_place() {
        let expected = Ok(vec![("a".to_owned(), 86_400), ("b".to_owned(), 3_600)]);
        assert_eq!(read("a,1970-01-02\nb,1970-01-01T01:00:00Z\n"), expected);
        assert_eq!(
            read("\u{feff}a;1970-01-02\r\n\r\n\"b\";1970-01-01T02:00:00+01:00"),
            expected
        );
        let by_name =
            "name,Leave Date,Subject-ID\n\"x, y\",1970-01-02,a\n,1970-01-01T01:00:00Z,b\n";
        assert_eq!(read(by_name), expected);
    }

    #[test]
    fn bad_lines_are_named_by_their_number() {
        let said = read("subject_id,leave_date\na,1970-01-01\n\na,1970-01-02\n,1970-01-01\nanna@x.de,1970-01-01\nb,soon\nc\nd,1970-01-01T00:00:00").unwrap_err();
        for (line, problem) in [
            (4, "line 2 again"),
            (5, "no subject id"),
            (6, "an address"),
            (7, "\"soon\""),
            (8, "no date"),
            (9, "no date"),
        ] {
            let found = said
                .lines()
                .find(|said| said.starts_with(&format!("line {line}: ")));
            assert!(
                found.is_some_and(|found| found.contains(problem)),
                "{line}: {said}"
            );
        }
        assert!(read("").unwrap_err().contains("names no leaver"));
        assert!(
            read("subject_id,when\na,1970-01-01")
                .unwrap_err()
                .contains("leave_date")
        );
        let many = "x,\n".repeat(30);
        assert!(read(&many).unwrap_err().ends_with("and 20 more"));
    }
}
