//! Workflows as people name them: by id, or by their display name.

use std::path::Path;

use arrow::array::{Array, AsArray, StringArray};
use lcw_dataset::Dataset;

use crate::error::PipelineError;
use crate::request::FileFormat;
use crate::tables::{layout, specs};

/// A workflow that somebody may mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownWorkflow {
    /// Its id.
    pub id: String,
    /// Its display name as the service has it: other people's text, and not unique.
    pub name: Option<String>,
    /// Whether it is soft-deleted.
    pub is_deleted: bool,
}

/// The id of the workflow that `wanted` names among `known`. An id wins over a name, and exact
/// spelling over one that differs in case and in spaces around it. `holder` is who knows them, like
/// `the tenant`.
///
/// # Errors
/// A usage error that lists the candidates with their ids when several have that name, and those that
/// may have been meant when none has.
pub fn find_workflow<'k>(
    wanted: &str,
    known: &'k [KnownWorkflow],
    holder: &str,
) -> Result<&'k str, PipelineError> {
    let fits: [&dyn Fn(&KnownWorkflow) -> bool; 4] = [
        &|it| it.id == wanted,
        &|it| it.name.as_deref() == Some(wanted),
        &|it| it.id.eq_ignore_ascii_case(wanted.trim()),
        &|it| {
            it.name
                .as_deref()
                .is_some_and(|name| plain(name) == plain(wanted))
        },
    ];
    for fits in fits {
        let found: Vec<&KnownWorkflow> = known.iter().filter(|it| fits(it)).collect();
        match found[..] {
            [] => {}
            [one] => return Ok(&one.id),
            _ => return Err(ambiguous(wanted, &found, holder)),
        }
    }
    Err(unknown(wanted, known, holder))
}

/// The workflows that the dataset in `out` knows of a tenant.
///
/// # Errors
/// When the dataset or its table of workflows cannot be read.
pub fn known_workflows(out: &Path, tenant: &str) -> Result<Vec<KnownWorkflow>, PipelineError> {
    const COLUMNS: [&str; 3] = ["id", "display_name", "deleted_date_time"];
    let mut known = Vec::new();
    let Some(dataset) = dataset(out)? else {
        return Ok(known);
    };
    let Some(reader) = dataset.read("workflows", tenant, None, Some(&COLUMNS))? else {
        return Ok(known);
    };
    for batch in reader {
        let batch = batch?;
        let id: &StringArray = batch.column(0).as_string();
        let name: &StringArray = batch.column(1).as_string();
        known.extend((0..batch.num_rows()).map(|row| KnownWorkflow {
            id: id.value(row).to_owned(),
            name: name.is_valid(row).then(|| name.value(row).to_owned()),
            is_deleted: batch.column(2).is_valid(row),
        }));
    }
    Ok(known)
}

fn dataset(out: &Path) -> Result<Option<Dataset>, PipelineError> {
    let Some(identity) = Dataset::inspect(out)? else {
        return Ok(None);
    };
    let Some(format) = FileFormat::from_names(&identity.format, &identity.compression) else {
        return Ok(None);
    };
    let format = format.loader();
    let tables = specs(&layout(format.as_ref(), false))?;
    Ok(Some(Dataset::open(out, format, tables)?))
}

/// A name without what people get wrong when they type it.
fn plain(name: &str) -> String {
    words(name).to_lowercase()
}

/// Other people's words on one line.
fn words(text: &str) -> String {
    let parts = text.split(|letter: char| letter.is_whitespace() || letter.is_control());
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}

/// As it is shown: no longer than a line.
fn short(text: &str) -> String {
    const LETTERS: usize = 60;
    let text = words(text);
    match text.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn ambiguous(wanted: &str, found: &[&KnownWorkflow], holder: &str) -> PipelineError {
    PipelineError::Usage {
        message: format!(
            "{holder} has {} workflows with the name \"{}\"",
            found.len(),
            short(wanted)
        ),
        remedy: format!("name the one that is meant by its id:\n{}", lines(found)),
    }
}

fn unknown(wanted: &str, known: &[KnownWorkflow], holder: &str) -> PipelineError {
    const SHOWN: usize = 10;
    let alike = alike(wanted, known);
    let remedy = if known.is_empty() {
        format!("{holder} has no workflow at all")
    } else if alike.is_empty() {
        let shown: Vec<&KnownWorkflow> = known.iter().take(SHOWN).collect();
        let more = match known.len() - shown.len() {
            0 => String::new(),
            more => format!("\nand {more} more"),
        };
        format!(
            "name one of these, by id or by name:\n{}{more}",
            lines(&shown)
        )
    } else {
        format!("did you mean\n{}", lines(&alike))
    };
    PipelineError::Usage {
        message: format!(
            "{holder} has no workflow with the id or name \"{}\"",
            short(wanted)
        ),
        remedy,
    }
}

/// The workflows that may have been meant, the likeliest first.
fn alike<'k>(wanted: &str, known: &'k [KnownWorkflow]) -> Vec<&'k KnownWorkflow> {
    const SHOWN: usize = 3;
    const ENOUGH: f64 = 0.75;
    let wanted = plain(wanted);
    if wanted.is_empty() {
        return Vec::new();
    }
    let likeness = |it: &KnownWorkflow| {
        let name = plain(it.name.as_deref().unwrap_or_default());
        let part = if name.contains(&wanted) { 1.0 } else { 0.0 };
        let by_name = strsim::jaro_winkler(&wanted, &name).max(part);
        by_name.max(strsim::normalized_levenshtein(&wanted, &it.id))
    };
    let mut alike: Vec<(f64, &KnownWorkflow)> = known
        .iter()
        .map(|it| (likeness(it), it))
        .filter(|(likeness, _)| *likeness >= ENOUGH)
        .collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0));
    alike.into_iter().take(SHOWN).map(|(_, it)| it).collect()
}

/// One line each: id, name, whether it is deleted.
fn lines(workflows: &[&KnownWorkflow]) -> String {
    let line = |it: &&KnownWorkflow| {
        let name = short(it.name.as_deref().unwrap_or_default());
        let deleted = if it.is_deleted { " (deleted)" } else { "" };
        format!("{} \"{name}\"{deleted}", short(&it.id))
    };
    workflows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<KnownWorkflow> {
        let workflow = |id: &str, name: Option<&str>, is_deleted| KnownWorkflow {
            id: id.to_owned(),
            name: name.map(str::to_owned),
            is_deleted,
        };
        vec![
            workflow("aa11", Some("Onboard new hire"), false),
            workflow("bb22", Some("Offboard, last day"), false),
            workflow("cc33", Some("offboard, LAST day"), true),
            workflow("dd44", Some("Leaver\n\u{1b}[31mid  x"), false),
            workflow("ee55", Some("aa11"), false),
            workflow("ff66", None, false),
        ]
    }

    fn refused(wanted: &str) -> String {
        let known = known();
        match find_workflow(wanted, &known, "the tenant") {
            Err(PipelineError::Usage { message, remedy }) => format!("{message}\n{remedy}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_id_wins_over_a_name_and_exact_spelling_over_any_other() {
        let known = known();
        for (wanted, id) in [
            ("aa11", "aa11"),
            ("AA11", "aa11"),
            ("ff66", "ff66"),
            ("Onboard new hire", "aa11"),
            ("  onboard NEW  hire ", "aa11"),
            ("Offboard, last day", "bb22"),
            ("offboard, LAST day", "cc33"),
        ] {
            let found = find_workflow(wanted, &known, "the tenant").unwrap();
            assert_eq!(found, id, "{wanted}");
        }
    }

    #[test]
    fn a_name_of_several_lists_them_with_their_ids() {
        let said = refused("OFFBOARD, last DAY");
        assert!(said.contains("2 workflows with the name"), "{said}");
        assert!(said.contains("bb22 \"Offboard, last day\"\n"), "{said}");
        assert!(
            said.ends_with("cc33 \"offboard, LAST day\" (deleted)"),
            "{said}"
        );
    }

    #[test]
    fn a_name_of_none_gets_a_suggestion_or_the_list() {
        let said = refused("Onbaord new hires");
        assert!(
            said.ends_with("did you mean\naa11 \"Onboard new hire\""),
            "{said}"
        );
        assert!(refused("last").contains("did you mean\nbb22"));
        assert!(refused("dd4").contains("did you mean\ndd44"));
        let said = refused("zzz");
        assert!(
            said.contains("ff66 \"\"") && said.contains("name one of"),
            "{said}"
        );
        assert!(refused("").contains("name one of these"));
    }

    #[test]
    fn names_stay_on_their_line() {
        assert_eq!(words("a\n\tb \u{1b}[31m\u{85}c"), "a b [31m c");
        assert_eq!(short(&"x".repeat(61)).chars().count(), 61);
        assert!(short(&"é".repeat(61)).ends_with('…'));
        assert!(refused("zzz").contains("dd44 \"Leaver [31mid x\""));
    }
}
