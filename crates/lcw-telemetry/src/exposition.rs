//! Prometheus' text format, version 0.0.4: written, and what was written here read back.

use std::fmt::Write;

use crate::family::{Definition, Family, Sample};
use crate::measure::ALL;

/// Families as text, each with its help and type, each once.
pub(crate) fn text(families: &[Family]) -> String {
    let mut text = String::new();
    for Family {
        definition,
        samples,
    } in families
    {
        let Definition { name, help, .. } = definition;
        // Writing to a String cannot fail.
        let _infallible = write!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n");
        for sample in samples {
            let labels: Vec<String> = sample.labels.iter().map(label).collect();
            let _infallible = writeln!(text, "{name}{{{}}} {}", labels.join(","), sample.value);
        }
    }
    text
}

fn label((name, value): &(String, String)) -> String {
    format!("{name}=\"{}\"", escaped(value))
}

/// As the format has it; what steers terminals is no part of a folder's name that anybody needs.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for letter in value.chars() {
        match letter {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            _ if letter.is_control() => text.push(char::REPLACEMENT_CHARACTER),
            _ => text.push(letter),
        }
    }
    text
}

/// Puts new numbers into what a file held before: those of other kinds of exports stay, and those
/// that outlive an export which knows no new ones. Lines that were not written here go.
pub(crate) fn merged(old: &str, new: &[Family], kind: &str) -> Vec<Family> {
    let old: Vec<(&'static Definition, Sample)> = old.lines().filter_map(line).collect();
    let of = |definition: &'static Definition| {
        let fresh = new.iter().find(|family| family.definition == definition);
        let mut samples = fresh.map_or_else(Vec::new, |family| family.samples.clone());
        let is_missing = samples.is_empty();
        let stays = |sample: &Sample| match sample.label("kind") {
            Some(other) if other != kind => true,
            _ => definition.outlives && is_missing,
        };
        let kept = old.iter().filter(|(known, _)| *known == definition);
        samples.extend(
            kept.map(|(_, sample)| sample.clone())
                .filter(|sample| stays(sample)),
        );
        Family {
            definition,
            samples,
        }
    };
    let all = ALL.iter().map(|definition| of(definition));
    all.filter(|family| !family.samples.is_empty()).collect()
}

/// A sample as [`text`] writes it; nothing else.
fn line(line: &str) -> Option<(&'static Definition, Sample)> {
    let (name, rest) = line.split_once('{')?;
    let definition = *ALL.iter().find(|known| known.name == name)?;
    let (labels, value) = rest.rsplit_once("} ")?;
    let value = value.parse().ok()?;
    let labels = read_labels(labels)?;
    Some((definition, Sample { labels, value }))
}

fn read_labels(mut text: &str) -> Option<Vec<(String, String)>> {
    let mut labels = Vec::new();
    while !text.is_empty() {
        let (name, rest) = text.split_once("=\"")?;
        let is_name = |letter: char| letter.is_ascii_lowercase() || letter == '_';
        if name.is_empty() || !name.chars().all(is_name) {
            return None;
        }
        let (value, rest) = read_value(rest)?;
        labels.push((name.to_owned(), value));
        text = rest.strip_prefix(',').unwrap_or(rest);
    }
    Some(labels)
}

/// A value up to its closing quote, and what comes after.
fn read_value(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match letters.next()?.1 {
                'n' => value.push('\n'),
                escaped @ ('\\' | '"') => value.push(escaped),
                _ => return None,
            },
            _ => value.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::measure::{Ended, measure};

    fn ended(dataset: &str, kind: &str, exit_code: u8, second: i64) -> Vec<Family> {
        let finished_at = Timestamp::from_second(second).unwrap();
        measure(&Ended {
            dataset,
            kind,
            exit_code,
            started_at: finished_at - SignedDuration::from_millis(1_500),
            finished_at,
            error: None,
            summary: None,
        })
    }

    fn value_of(text: &str, start: &str) -> Option<String> {
        let found = text.lines().find(|line| line.starts_with(start))?;
        Some(found.rsplit(' ').next()?.to_owned())
    }

    #[test]
    fn what_is_written_is_read_back_whatever_the_folder_is_called() {
        for dataset in [
            "lcw-data",
            r"C:\Data \",
            "a\"b} 1",
            "x,y=\"z",
            "line\nbreak",
            "",
        ] {
            let families = ended(dataset, "export", 4, 1_763_899_200);
            let text = text(&families);
            assert_eq!(merged(&text, &[], "none of these"), families, "{text}");
            let lines = text
                .lines()
                .all(|line| line.starts_with("# ") || line.starts_with("lcw_"));
            assert!(lines, "{text}");
        }
    }

    #[test]
    fn the_last_success_outlives_failures_and_other_kinds_of_exports() {
        let first = text(&ended("d", "export", 0, 100));
        let success = "lcw_export_last_success_timestamp_seconds{dataset=\"d\",kind=\"export\"}";
        let code = "lcw_export_exit_code{dataset=\"d\",kind=\"export\"}";
        assert_eq!(value_of(&first, success).unwrap(), "100");

        let failed = text(&merged(&first, &ended("d", "export", 1, 200), "export"));
        assert_eq!(value_of(&failed, success).unwrap(), "100");
        assert_eq!(value_of(&failed, code).unwrap(), "1");

        let filled = text(&merged(
            &failed,
            &ended("d", "backfill", 0, 300),
            "backfill",
        ));
        assert_eq!(value_of(&filled, success).unwrap(), "100");
        assert_eq!(value_of(&filled, code).unwrap(), "1");

        let again = text(&merged(&filled, &ended("d", "export", 0, 400), "export"));
        assert_eq!(value_of(&again, success).unwrap(), "400");
        let type_line = "# TYPE lcw_export_exit_code gauge";
        assert_eq!(again.matches(type_line).count(), 1, "{again}");
    }

    #[test]
    fn what_was_not_written_here_goes() {
        let strange = "lcw_unknown{kind=\"backfill\"} 1\nlcw_export_exit_code{kind=\"backfill\" 1\n\
                       lcw_export_exit_code{kind=\"backfill\",evil-=\"x\"} 1\nnonsense\n";
        assert_eq!(merged(strange, &[], "export"), []);
    }
}
