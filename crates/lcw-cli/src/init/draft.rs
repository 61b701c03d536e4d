//! A pipeline file in the making: the commented file of every key, with the values that were chosen.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::ProofArgs;
use crate::args::{SourceArgs, TargetArgs};
use crate::choice::Choice;
use crate::config::DAILY;
use crate::toml_text::{value, word};

/// Where comments begin beside settings.
const COMMENTS: usize = 36;

/// What was chosen, by section and key.
#[derive(Debug, Default)]
pub(super) struct Draft {
    chosen: Vec<(&'static str, &'static str, Value)>,
}

impl Draft {
    pub(super) fn of_flags(source: &SourceArgs, proof: &ProofArgs, target: &TargetArgs) -> Self {
        let mut draft = Self::default();
        draft.choose("source", "cloud", source.cloud.map(Choice::name));
        draft.choose("source", "graph_url", source.graph_url.as_ref());
        draft.choose("source", "authority_url", source.authority_url.as_ref());
        draft.choose(
            "source",
            "api_version",
            source.api_version.map(Choice::name),
        );
        draft.choose("source", "tenant_id", source.tenant_id.as_ref());
        draft.choose("source", "client_id", source.client_id.as_ref());
        draft.choose("source", "auth", source.auth.map(Choice::name));
        let mut file = |key, path: &Option<PathBuf>| {
            draft.choose("source", key, path.as_ref().map(|path| path.display()));
        };
        file("client_secret_file", &proof.client_secret_file);
        file("certificate_path", &proof.certificate_path);
        file(
            "certificate_password_file",
            &proof.certificate_password_file,
        );
        file("federated_token_file", &proof.federated_token_file);
        if let Some(rate) = source.requests_per_second {
            let rate = rate
                .per_second()
                .map_or(json!("unlimited"), |rate| json!(rate));
            draft.set("extract", "requests_per_second", rate);
        }
        if let Some(count) = source.max_concurrency {
            draft.set("extract", "max_concurrency", json!(count));
        }
        let tables: Vec<&str> = target.table.iter().map(|table| table.name()).collect();
        if !tables.is_empty() {
            draft.set("extract", "tables", json!(tables));
        }
        draft.choose(
            "load",
            "out",
            target.out.as_ref().map(|path| path.display()),
        );
        draft.choose("load", "format", target.format.map(Choice::name));
        draft
    }

    /// Chooses a text where there is one.
    fn choose(&mut self, section: &'static str, key: &'static str, text: Option<impl Display>) {
        if let Some(text) = text {
            self.set(section, key, json!(text.to_string()));
        }
    }

    pub(super) fn set(&mut self, section: &'static str, key: &'static str, value: Value) {
        self.chosen.push((section, key, value));
    }

    /// What was chosen for a key.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        let mut chosen = self.chosen.iter();
        chosen.find_map(|(_, of, value)| (*of == key).then_some(value))
    }

    /// Everything that was chosen, by section.
    pub(super) fn settings(&self) -> Value {
        let mut settings = json!({});
        for (section, key, value) in &self.chosen {
            settings[section][key] = value.clone();
        }
        settings
    }

    /// The file, for the name that it is going to have.
    pub(super) fn text(&self, path: &Path, schema: Option<&str>) -> String {
        let mut lines = head(path, schema);
        let mut left: Vec<_> = self.chosen.iter().collect();
        let mut section = "";
        let body = DAILY.find("\n[source]").map_or(DAILY, |at| &DAILY[at..]);
        for line in body.trim().lines() {
            let name = line
                .strip_prefix('[')
                .and_then(|line| line.strip_suffix(']'));
            section = name.unwrap_or(section);
            let is_of = |it: &&&(&str, &str, Value)| it.0 == section && Some(it.1) == key_of(line);
            match left.iter().position(|it| is_of(&it)) {
                Some(place) => lines.push(with_value(line, left.remove(place))),
                None => lines.push(line.to_owned()),
            }
            // Keys that the commented file leaves out come first in their section.
            if name.is_some() {
                let is_shown = |key: &str| body.lines().any(|line| key_of(line) == Some(key));
                let others = left.extract_if(.., |it| it.0 == section && !is_shown(it.1));
                lines.extend(others.map(|(_, key, chosen)| format!("{key} = {}", value(chosen))));
            }
        }
        lines.join("\n") + "\n"
    }
}

/// What the file says about itself.
fn head(path: &Path, schema: Option<&str>) -> Vec<String> {
    let file = word(&path.display().to_string());
    let schema = schema.map(|schema| format!("#:schema {schema}"));
    let text = format!(
        "# What `lcw export` exports, how fast, and where to. Written by `lcw init`.
#
#   lcw doctor {file}          whether it would work, and what to do if not
#   lcw plan export {file}     what it would ask for and write; writes nothing
#   lcw export {file}          the export; every few hours is right
#
# Every key is shown with its default unless it was chosen or the comment says otherwise. Flags and
# environment win over this file: lcw config show {file} --origin tells. Unknown keys are errors.
"
    );
    schema
        .into_iter()
        .chain(text.lines().map(str::to_owned))
        .chain([String::new()])
        .collect()
}

/// The key of a line of the commented file, used or only mentioned.
fn key_of(line: &str) -> Option<&str> {
    let line = line.strip_prefix("# ").unwrap_or(line);
    let (key, _) = line.split_once(" = ")?;
    let is_key = key
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    (is_key && !key.is_empty()).then_some(key)
}

/// The line with another value and the same comment.
fn with_value(line: &str, (_, key, chosen): &(&str, &str, Value)) -> String {
    let setting = format!("{key} = {}", value(chosen));
    match line.find("  #").map(|at| line[at..].trim_start()) {
        Some(comment) => format!("{setting:<COMMENTS$}{}{comment}", gap(&setting)),
        None => setting,
    }
}

/// Something between a long setting and its comment.
fn gap(setting: &str) -> &'static str {
    if setting.chars().count() < COMMENTS {
        ""
    } else {
        "  "
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PipelineFile;

    fn read(draft: &Draft) -> toml::Table {
        let text = draft.text(Path::new("lcw.toml"), Some("s.json"));
        PipelineFile::parse(&text).unwrap();
        text.parse().unwrap()
    }

    #[test]
    fn without_a_choice_the_file_is_the_commented_one() {
        assert_eq!(read(&Draft::default()), DAILY.parse().unwrap());
    }

    #[test]
    fn every_choice_is_in_the_file_once() {
        let mut draft = Draft::default();
        let hostile = "a\"]\n[load]\nout = \"x\" # \u{1b}[31m";
        draft.set("source", "graph_url", json!("http://127.0.0.1:1"));
        draft.set("source", "tenant_id", json!(hostile));
        draft.set("source", "certificate_path", json!("/x/y.pem"));
        draft.set("extract", "tables", json!(["runs"]));
        draft.set("load", "snapshot", json!("copies"));
        let mut expected: toml::Table = DAILY.parse().unwrap();
        for (section, key, value) in &draft.chosen {
            let section = expected[*section].as_table_mut().unwrap();
            let value: toml::Value = serde_json::from_value(value.clone()).unwrap();
            section.insert((*key).to_owned(), value);
        }
        assert_eq!(read(&draft), expected);
    }

    #[test]
    fn comments_stay_beside_their_keys() {
        let mut draft = Draft::default();
        draft.set("load", "format", json!("ndjson"));
        let text = draft.text(Path::new("a b.toml"), None);
        let line = format!("{:<36}# or ndjson", "format = \"ndjson\"");
        assert!(text.contains(&line), "{text}");
        assert!(text.contains("lcw doctor 'a b.toml'"), "{text}");
    }
}
