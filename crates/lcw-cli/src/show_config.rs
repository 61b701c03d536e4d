//! `lcw config show`: the settings that an export would use, and where each comes from.
//!
//! The keys are those of the published schema of pipeline files, and the defaults those that
//! `pipelines/daily.toml` shows, so that a new key shows itself.

use std::path::Path;

use anyhow::Result;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, Subcommand};
use lcw_pipeline::Kind;
use serde::Serialize;
use serde_json::{Value, json};
use toml::de::DeTable;

use crate::args::{Cli, ExportArgs, Output};
use crate::choice::Choice;
use crate::config::{DAILY, json_schema};
use crate::failure::Failure;
use crate::lines::{COLUMNS, on_one_line};
use crate::settings::{Settings, env};
use crate::{print, toml_text};

pub(crate) const HELP: &str = "\
Examples:
  lcw config show                          what an export would use
  lcw config show /etc/lcw/daily.toml --origin
  lcw config show --json | jq '.settings[] | {key, value, origin}'";

const SHOW_HELP: &str = "\
Examples:
  lcw config show lcw.toml --origin        a comment says where each comes from
  lcw config show > lcw.toml               as a pipeline file

Flags win over variables of the environment, variables over the pipeline file,
the file over defaults. Secrets are never shown, only whether they are set.";

/// Settings that an environment variable names, too.
const VARIABLES: [(&str, &str); 5] = [
    ("authority_url", "AZURE_AUTHORITY_HOST"),
    ("tenant_id", "AZURE_TENANT_ID"),
    ("client_id", "AZURE_CLIENT_ID"),
    ("certificate_path", "AZURE_CLIENT_CERTIFICATE_PATH"),
    ("federated_token_file", "AZURE_FEDERATED_TOKEN_FILE"),
];

/// Variables that count only where the pipeline file does not say otherwise.
const LAST: [(&str, &str); 4] = [
    ("proxy", "HTTPS_PROXY"),
    ("proxy", "https_proxy"),
    ("proxy", "ALL_PROXY"),
    ("proxy", "all_proxy"),
];

/// Variables whose value nobody is shown.
const SECRETS: [&str; 4] = [
    "LCW_ACCESS_TOKEN",
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "IDENTITY_HEADER",
];

#[derive(Debug, Clone, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    of: ConfigOf,
}

#[derive(Debug, Clone, Subcommand)]
enum ConfigOf {
    /// Print the settings that an export with the same arguments would use, as a pipeline file
    #[command(after_help = SHOW_HELP)]
    Show(Box<ShowArgs>),
}

#[derive(Debug, Clone, Args)]
struct ShowArgs {
    #[command(flatten)]
    export: ExportArgs,
    /// Say of each setting where it comes from
    #[arg(long)]
    origin: bool,
}

/// Where a setting comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Origin {
    Flag { name: String },
    Variable { name: String },
    File { path: String, line: usize },
    Cloud,
    Default,
    NotSet,
}

#[derive(Debug, Serialize)]
struct Setting {
    section: String,
    key: String,
    /// As a pipeline file would have it; null when it is not set.
    value: Value,
    origin: Origin,
}

#[derive(Debug, Serialize)]
struct Secret {
    name: &'static str,
    is_set: bool,
}

#[derive(Debug, Serialize)]
struct Shown {
    /// The pipeline file.
    pipeline: Option<String>,
    /// The credential that `auth` comes down to with what is there.
    signs_in_with: &'static str,
    settings: Vec<Setting>,
    secrets: Vec<Secret>,
}

pub(crate) fn config(args: &ConfigArgs, to: &Output) -> Result<u8, Failure> {
    let ConfigOf::Show(args) = &args.of;
    // What an export refuses is refused here, too.
    let settings = Settings::read(&args.export, Kind::Export)?;
    let shown = shown(&args.export, &settings)?;
    if to.json {
        print::json(&shown)?;
    } else {
        print::text(&text(&shown, args.origin))?;
    }
    Ok(0)
}

fn shown(args: &ExportArgs, settings: &Settings) -> Result<Shown> {
    let flags = Flags::of_this_process();
    let file = args.pipeline.as_deref().map(File::read).transpose()?;
    let defaults: toml::Table = DAILY.parse()?;
    let sources = Sources {
        flags: &flags,
        file: file.as_ref(),
        defaults: &defaults,
    };
    let schema = json_schema();
    let mut shown = Vec::new();
    for (section, key, definition) in keys(&schema) {
        let (value, origin) = match key {
            "graph_url" => sources.url(key, &settings.client.graph_url),
            "authority_url" => sources.url(key, &settings.sign_in.authority_url),
            _ => sources.find(section, key, definition),
        };
        shown.push(Setting {
            section: section.to_owned(),
            key: key.to_owned(),
            value: without_user(value),
            origin,
        });
    }
    Ok(Shown {
        pipeline: file.map(|file| file.path),
        signs_in_with: settings.sign_in.chosen().name(),
        settings: shown,
        secrets: SECRETS
            .map(|name| Secret {
                name,
                is_set: env(name).is_some(),
            })
            .into(),
    })
}

/// Every section and key of a pipeline file with the key's schema: what is read, how, and where it
/// goes, in this order; whatever else there is comes last.
fn keys(schema: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    const ORDER: [&str; 3] = ["source", "extract", "load"];
    let place = |section: &str| ORDER.iter().position(|it| *it == section);
    let sections = schema["properties"].as_object();
    let mut sections: Vec<&String> = sections.into_iter().flat_map(|it| it.keys()).collect();
    sections.sort_by_key(|section| place(section).unwrap_or(ORDER.len()));
    sections.into_iter().flat_map(move |section| {
        let of = schema["properties"][section]["$ref"].as_str();
        let of = of.and_then(|name| name.strip_prefix("#/$defs/"));
        let keys = schema["$defs"][of.unwrap_or_default()]["properties"].as_object();
        let keys = keys.into_iter().flatten();
        keys.map(move |(key, definition)| (section.as_str(), key.as_str(), definition))
    })
}

/// The flags of this command line.
struct Flags(Option<ArgMatches>);

impl Flags {
    /// They have been read before, so they can be read again.
    fn of_this_process() -> Self {
        let matches = Cli::command().try_get_matches_from(std::env::args_os());
        let show = matches.ok().and_then(|matches| {
            let config = matches.subcommand_matches("config")?;
            config.subcommand_matches("show").cloned()
        });
        Self(show)
    }

    /// What was said with the flag of this name.
    fn get(&self, key: &str) -> Option<(String, Vec<String>)> {
        let matches = self.0.as_ref()?;
        // Named once for each table.
        let id = if key == "tables" { "table" } else { key };
        let is_known = matches.try_contains_id(id).unwrap_or(false);
        let is_given = is_known && matches.value_source(id) == Some(ValueSource::CommandLine);
        let words = is_given.then(|| matches.get_raw(id)).flatten()?;
        let words = words.map(|word| word.to_string_lossy().into_owned());
        Some((format!("--{}", id.replace('_', "-")), words.collect()))
    }
}

/// A pipeline file with the lines of its keys.
struct File {
    path: String,
    text: String,
    values: toml::Table,
}

impl File {
    fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)?;
        Ok(Self {
            path: path.display().to_string(),
            values: text.parse()?,
            text,
        })
    }

    fn get(&self, section: &str, key: &str) -> Option<(Value, usize)> {
        let value = self.values.get(section)?.get(key)?;
        Some((json!(value), self.line(section, key).unwrap_or_default()))
    }

    /// The number of the line in which a key stands.
    fn line(&self, section: &str, key: &str) -> Option<usize> {
        let document = DeTable::parse(&self.text).ok()?;
        let keys = document.get_ref().get(section)?.get_ref().as_table()?;
        let (key, _) = keys.get_key_value(key)?;
        let before = self.text.get(..key.span().start)?;
        Some(before.matches('\n').count() + 1)
    }
}

/// Everything that says something about settings, in its order of precedence.
struct Sources<'a> {
    flags: &'a Flags,
    file: Option<&'a File>,
    defaults: &'a toml::Table,
}

impl Sources<'_> {
    fn find(&self, section: &str, key: &str, definition: &Value) -> (Value, Origin) {
        if let Some((name, words)) = self.flags.get(key) {
            return (typed(words, definition), Origin::Flag { name });
        }
        let by_variable = |variables: &[(&str, &str)]| {
            let mut variables = variables.iter().filter(|(of, _)| *of == key);
            variables.find_map(|(_, name)| {
                let name = (*name).to_owned();
                Some((json!(env(&name)?), Origin::Variable { name }))
            })
        };
        by_variable(&VARIABLES)
            .or_else(|| self.in_file(section, key))
            .or_else(|| by_variable(&LAST))
            .or_else(|| {
                let value = self.defaults.get(section)?.get(key)?;
                Some((json!(value), Origin::Default))
            })
            .unwrap_or((Value::Null, Origin::NotSet))
    }

    fn in_file(&self, section: &str, key: &str) -> Option<(Value, Origin)> {
        let file = self.file?;
        let (value, line) = file.get(section, key)?;
        let path = file.path.clone();
        Some((value, Origin::File { path, line }))
    }

    /// Where a URL comes from that the cloud decides where nothing else does. The flag that names
    /// the cloud wins over variable and file.
    fn url(&self, key: &str, used: &str) -> (Value, Origin) {
        let origin = match self.flags.get(key) {
            Some((name, _)) => Origin::Flag { name },
            None if self.flags.get("cloud").is_some() => Origin::Cloud,
            None => match self.find("source", key, &Value::Null) {
                (_, Origin::Default | Origin::NotSet) => Origin::Cloud,
                (_, origin) => origin,
            },
        };
        (json!(used), origin)
    }
}

/// The words of a flag as the pipeline file would have them: a list where it has one, a number where
/// it may be one.
fn typed(words: Vec<String>, definition: &Value) -> Value {
    let kinds = definition["type"].as_array();
    let is_a = |kind: &str| kinds.is_some_and(|kinds| kinds.iter().any(|it| it == kind));
    if is_a("array") {
        let parts = words.iter().flat_map(|word| word.split(','));
        return json!(parts.map(str::trim).collect::<Vec<_>>());
    }
    let word = words.into_iter().next_back().unwrap_or_default();
    if is_a("string") {
        return json!(word);
    }
    let number = word.parse::<i64>().map(|number| json!(number));
    let number = number.or_else(|_| word.parse::<f64>().map(|number| json!(number)));
    number.unwrap_or_else(|_| json!(word))
}

/// A URL may hold a password.
fn without_user(value: Value) -> Value {
    let Some(text) = value.as_str() else {
        return value;
    };
    let Some((scheme, rest)) = text.split_once("://") else {
        return value;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.rfind('@') {
        Some(at) => json!(format!("{scheme}://[not shown]{}", &rest[at..])),
        None => value,
    }
}

fn text(shown: &Shown, with_origin: bool) -> String {
    let mut lines = vec![format!("# signs in with: {}", shown.signs_in_with)];
    let sections = shown.settings.chunk_by(|a, b| a.section == b.section);
    for settings in sections {
        lines.push(String::new());
        lines.push(format!("[{}]", settings[0].section));
        for setting in settings {
            write(&mut lines, setting, with_origin);
        }
    }
    if with_origin {
        lines.push(String::new());
        for secret in &shown.secrets {
            let set = if secret.is_set { "set" } else { "not set" };
            lines.push(format!("# {} is {set}", secret.name));
        }
    }
    lines.join("\n")
}

/// One setting; where it comes from stands behind it, or above it when there is no room.
fn write(lines: &mut Vec<String>, setting: &Setting, with_origin: bool) {
    let key = &setting.key;
    if setting.value.is_null() {
        if with_origin {
            lines.push(format!("# {key} is not set"));
        }
        return;
    }
    let mut line = format!("{key} = {}", toml_text::value(&setting.value));
    if let (true, Value::Array(items)) = (line.chars().count() > COLUMNS, &setting.value) {
        line = format!("{key} = {}", toml_text::list(items));
    }
    if !with_origin {
        lines.push(line);
        return;
    }
    let origin = format!("# {}", words(&setting.origin));
    let beside = format!("{line:<40}  {origin}");
    if !line.contains('\n') && beside.chars().count() <= COLUMNS {
        lines.push(beside);
    } else {
        lines.extend([origin, line]);
    }
}

fn words(origin: &Origin) -> String {
    match origin {
        Origin::Flag { name } => name.clone(),
        Origin::Variable { name } => format!("${name}"),
        Origin::File { path, line } => on_one_line(&format!("{path}:{line}")),
        Origin::Cloud => "what cloud decides".to_owned(),
        Origin::Default => "default".to_owned(),
        Origin::NotSet => "not set".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_shows_no_password() {
        for (url, shown) in [
            (
                "http://me:pa@ss@proxy:8080",
                "http://[not shown]@proxy:8080",
            ),
            ("http://proxy/a@b", "http://proxy/a@b"),
            ("no url: a@b", "no url: a@b"),
        ] {
            assert_eq!(without_user(json!(url)), json!(shown));
        }
    }

    /// A flag that no setting answers to would be left out of what is shown.
    #[test]
    fn every_flag_of_an_export_is_a_setting() {
        let schema = json_schema();
        let keys: Vec<&str> = keys(&schema).map(|(_, key, _)| key).collect();
        let program = Cli::command();
        let export = program.find_subcommand("export").unwrap();
        let flags = export.get_arguments().filter(|flag| !flag.is_hide_set());
        for flag in flags.filter_map(|flag| flag.get_long()) {
            let key = flag.replace('-', "_");
            let key = if key == "table" { "tables" } else { &key };
            assert!(keys.contains(&key), "--{flag}");
        }
        assert!(keys.contains(&"graph_url") && keys.contains(&"snapshot_keep"));
    }

    /// A variable that was misspelled here would be left out of what is shown.
    #[test]
    fn every_variable_belongs_to_a_setting() {
        let schema = json_schema();
        let keys: Vec<&str> = keys(&schema).map(|(_, key, _)| key).collect();
        for (key, _) in VARIABLES.iter().chain(&LAST) {
            assert!(keys.contains(key), "{key}");
        }
    }
}
