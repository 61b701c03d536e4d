//! The commands that put damage in order, for a shell.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use lcw_dataset::{DAMAGED, Identity};
use lcw_extractor::ApiVersion;
use lcw_pipeline::{Refill, Verification};
use lcw_transform::Table;

use crate::args::VerifyArgs;
use crate::choice::{Choice, Compression, Format};
use crate::config::PipelineFile;
use crate::lines::on_one_line;

/// What to do, and what no command does.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// One a line, in their order.
    pub(super) commands: Vec<String>,
    pub(super) notes: Vec<String>,
}

pub(super) fn plan(
    args: &VerifyArgs,
    file: &PipelineFile,
    out: &Path,
    done: &Verification,
) -> Plan {
    let aside = out
        .join(DAMAGED)
        .join(Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string());
    let mut plan = Plan::default();
    let repair = &done.repair;
    let (moves, odd): (Vec<_>, Vec<_>) = repair
        .moves
        .iter()
        .partition(|path| on_one_line(path) == **path);
    for path in moves {
        let (from, to) = (out.join(path), aside.join(path));
        let folder = to.parent().unwrap_or(&aside);
        let (from, folder) = (
            quoted(from.to_string_lossy()),
            quoted(folder.to_string_lossy()),
        );
        let command = format!("mkdir -p {folder} && mv {from} {folder}/");
        plan.commands.push(command);
    }
    if let (Some(identity), false) = (&done.identity, repair.refills.is_empty()) {
        let words = Words::new(args, file, identity, &aside);
        plan.commands.extend(words.preparation.clone());
        let refills = repair.refills.iter();
        plan.commands
            .extend(refills.map(|refill| words.command(refill)));
    }
    if !repair.forgotten_days.is_empty() {
        plan.notes.push(format!(
            "the service has forgotten {}: restore their files from a backup, or a snapshot that verify finds whole; \
             where there is none, lcw verify says how to put that on record",
            some_of(&repair.forgotten_days)
        ));
    }
    // A name that does not show as it is does not go into a command.
    let by_hand = repair.by_hand.iter().chain(odd);
    let by_hand: Vec<String> = by_hand.map(|path| on_one_line(path)).collect();
    if !by_hand.is_empty() {
        plan.notes.push(format!(
            "no command puts {} in order: lcw verify says what to do",
            some_of(&by_hand)
        ));
    }
    plan
}

/// The first of many names.
fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = names.iter().take(SHOWN).map(String::as_str);
    let shown = shown.collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What every command that exports to this dataset has to say.
struct Words<'a> {
    file: &'a PipelineFile,
    identity: &'a Identity,
    /// Makes a pipeline file, where flags do not say everything.
    preparation: Option<String>,
    pipeline: Option<PathBuf>,
    flags: Vec<String>,
}

impl<'a> Words<'a> {
    fn new(
        args: &VerifyArgs,
        file: &'a PipelineFile,
        identity: &'a Identity,
        aside: &Path,
    ) -> Self {
        let mut words = Self {
            file,
            identity,
            preparation: None,
            pipeline: args.pipeline.clone(),
            flags: Vec::new(),
        };
        if let Some(out) = &args.out {
            words.flag("--out", &out.to_string_lossy());
        }
        if identity.format != file.load.format.unwrap_or_default().name() {
            words.flag("--format", &identity.format);
        }
        // A pipeline file that was given says how users are asked for.
        if args.pipeline.is_none() {
            for (flag, value) in [
                ("--select", &identity.select),
                ("--filter", &identity.filter),
                ("--expand", &identity.expand),
            ] {
                if let Some(value) = value {
                    words.flag(flag, value);
                }
            }
            words.name_compression(aside);
        }
        words
    }

    fn flag(&mut self, name: &str, value: &str) {
        self.flags.push(name.to_owned());
        self.flags.push(quoted(value).into_owned());
    }

    /// There is no flag for the compression: a pipeline file names it.
    fn name_compression(&mut self, aside: &Path) {
        let compression = &self.identity.compression;
        let is_ndjson = self.identity.format == Format::Ndjson.name();
        if !is_ndjson || *compression == Compression::default().name() {
            return;
        }
        let pipeline = aside.join("repair.toml");
        let (folder, path) = (aside.to_string_lossy(), pipeline.to_string_lossy());
        self.preparation = Some(format!(
            "mkdir -p {} && printf '[load]\\ncompression = \"%s\"\\n' {compression} > {}",
            quoted(folder),
            quoted(path)
        ));
        self.pipeline = Some(pipeline);
    }

    fn command(&self, refill: &Refill) -> String {
        let is_backfill = refill.from.is_some();
        let mut words = vec!["lcw".to_owned()];
        words.push(if is_backfill { "backfill" } else { "export" }.to_owned());
        if let Some(pipeline) = &self.pipeline {
            words.push(quoted(pipeline.to_string_lossy()).into_owned());
        }
        for (flag, day) in [("--from", &refill.from), ("--to", &refill.to)] {
            if let Some(day) = day {
                words.extend([flag.to_owned(), day.clone()]);
            }
        }
        words.extend(self.flags.iter().cloned());
        if self.identity.tenants.len() > 1 {
            words.extend(["--tenant-id".to_owned(), refill.tenant_id.clone()]);
        }
        words.extend(self.tables(&refill.tables));
        words.join(" ")
    }

    /// The tables, unless those that are exported anyway are all there are.
    fn tables(&self, held: &BTreeSet<String>) -> Vec<String> {
        let asked = self.file.extract.tables.as_deref();
        let asked = asked.unwrap_or(&Table::DEFAULT).iter();
        let always = [Table::Workflows, Table::Runs];
        let names = |table: &Table| table.name();
        let exported: BTreeSet<&str> = asked.chain(&always).map(names).collect();
        if held.iter().all(|table| exported.contains(table.as_str())) {
            return Vec::new();
        }
        let listed = held
            .iter()
            .filter(|table| !always.iter().any(|it| it.name() == *table));
        let mut words: Vec<String> = listed
            .flat_map(|table| ["--table".to_owned(), table.clone()])
            .collect();
        let beta = ApiVersion::Beta;
        let needs_beta = held.contains(Table::SubjectProcessingResults.name());
        if needs_beta && self.file.source.api_version != Some(beta) {
            words.extend(["--api-version", beta.as_str()].map(str::to_owned));
        }
        words
    }
}

/// A word for a shell, as it is.
fn quoted<'t>(word: impl Into<std::borrow::Cow<'t, str>>) -> std::borrow::Cow<'t, str> {
    let word = word.into();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./=:,+@%".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word;
    }
    format!("'{}'", word.replace('\'', "'\\''")).into()
}

#[cfg(test)]
mod tests {
    use super::{quoted, some_of};

    #[test]
    fn of_many_names_a_line_shows_the_first() {
        let names: Vec<String> = (1..=70).map(|nth| format!("f{nth}")).collect();
        assert_eq!(some_of(&names[..5]), "f1, f2, f3, f4, f5");
        assert_eq!(some_of(&names), "f1, f2, f3, f4, f5 and 65 more");
    }

    #[test]
    fn words_stay_one_word() {
        assert_eq!(
            quoted("data/runs/part-0.parquet"),
            "data/runs/part-0.parquet"
        );
        assert_eq!(quoted("my data"), "'my data'");
        assert_eq!(quoted("it's; rm -rf $HOME"), "'it'\\''s; rm -rf $HOME'");
        assert_eq!(quoted(""), "''");
    }
}
