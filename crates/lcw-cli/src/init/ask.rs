//! The questions of `lcw init`, asked on a terminal.

use std::io::{self, BufRead};
use std::path::Path;

use lcw_extractor::Cloud;
use lcw_transform::Table;
use serde_json::{Value, json};

use super::draft::Draft;
use crate::choice::{Auth, Choice, Format, names};
use crate::config::closest;
use crate::failure::Failure;
use crate::print;

/// Asks on stderr, hears on stdin.
pub(super) struct Asker(io::StdinLock<'static>);

impl Asker {
    pub(super) fn new() -> Self {
        Self(io::stdin().lock())
    }

    /// Asks until the answer can be used; an empty one is `default`. What `read` says is wrong with an
    /// answer is shown.
    fn ask<T>(
        &mut self,
        question: &str,
        default: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Failure> {
        loop {
            print::question(&format!("{question} [{default}]: "));
            let mut line = String::new();
            let length = self.0.read_line(&mut line).map_err(|error| {
                Failure::failed(&anyhow::Error::from(error).context("cannot read the answer"))
            })?;
            if length == 0 {
                return Err(Failure::usage(
                    "the questions ended before the answers did: nothing was written",
                    "answer them, or write the file with --defaults and flags",
                ));
            }
            let answer = match line.trim() {
                "" => default,
                answer => answer,
            };
            match read(answer) {
                Ok(value) => return Ok(value),
                Err(problem) => print::question(&format!("  {problem}\n")),
            }
        }
    }

    pub(super) fn yes(&mut self, question: &str) -> Result<bool, Failure> {
        self.ask(question, "Y/n", |answer| {
            match answer.to_ascii_lowercase().as_str() {
                "y/n" | "y" | "yes" => Ok(true),
                "n" | "no" => Ok(false),
                _ => Err("answer y or n".to_owned()),
            }
        })
    }
}

/// Asks for whatever is not decided yet.
pub(super) fn everything(asker: &mut Asker, draft: &mut Draft) -> Result<(), Failure> {
    print::question(
        "Enter takes what stands in brackets. Secrets are not asked for: only where they are.\n",
    );
    who(asker, draft)?;
    proof(asker, draft)?;
    if draft.get("tables").is_none() {
        let tables = asker.ask(
            "Tables besides workflows and runs, or ?",
            "user_processing_results, task_processing_results",
            tables,
        )?;
        draft.set("extract", "tables", json!(tables));
    }
    if draft.get("out").is_none() {
        let out = asker.ask("Folder of the dataset", "lcw-data", |it| Ok(it.to_owned()))?;
        draft.set("load", "out", json!(out));
    }
    if draft.get("format").is_none() {
        let format = asker.ask("Format, parquet or ndjson", "parquet", one_of::<Format>)?;
        draft.set("load", "format", json!(format));
    }
    Ok(())
}

/// Which tenant, and as whom.
fn who(asker: &mut Asker, draft: &mut Draft) -> Result<(), Failure> {
    let is_known = draft.get("graph_url").is_some() || draft.get("cloud").is_some();
    if !is_known {
        let question = format!("Cloud: {}", names::<Cloud>().join(", "));
        let cloud = asker.ask(&question, "global", one_of::<Cloud>)?;
        draft.set("source", "cloud", json!(cloud));
    }
    let from_environment = |variable: &'static str| format!("${variable} when it runs");
    if draft.get("tenant_id").is_none() {
        let default = from_environment("AZURE_TENANT_ID");
        let tenant = asker.ask("Tenant: GUID or domain name", &default, |answer| {
            unless_default(answer, &default, tenant)
        })?;
        set(draft, "tenant_id", tenant);
    }
    if draft.get("client_id").is_none() {
        let default = from_environment("AZURE_CLIENT_ID");
        let client = asker.ask("Application (client) id", &default, |answer| {
            unless_default(answer, &default, client)
        })?;
        set(draft, "client_id", client);
    }
    Ok(())
}

/// How to sign in, and where that is which proves it.
fn proof(asker: &mut Asker, draft: &mut Draft) -> Result<(), Failure> {
    const FILES: [&str; 3] = [
        "client_secret_file",
        "certificate_path",
        "federated_token_file",
    ];
    if draft.get("auth").is_none() {
        let has_file = FILES.iter().any(|key| draft.get(key).is_some());
        if has_file {
            return Ok(());
        }
        let question = format!("Sign in with: {}\n ", names::<Auth>().join(", "));
        let auth = asker.ask(&question, "auto", one_of::<Auth>)?;
        draft.set("source", "auth", json!(auth));
    }
    let secret = "File with the client secret";
    let (key, question, place) = match draft.get("auth").and_then(Value::as_str) {
        Some("auto") => (FILES[0], secret, "none, the environment has what is needed"),
        Some("secret") => (FILES[0], secret, "$AZURE_CLIENT_SECRET when it runs"),
        Some("certificate") => (
            FILES[1],
            "PEM or PFX file with the certificate",
            "$AZURE_CLIENT_CERTIFICATE_PATH when it runs",
        ),
        Some("federated") => (
            FILES[2],
            "File with the federated token",
            "$AZURE_FEDERATED_TOKEN_FILE when it runs",
        ),
        _ => return Ok(()),
    };
    if draft.get(key).is_none() {
        let path = asker.ask(question, place, |answer| {
            unless_default(answer, place, path)
        })?;
        set(draft, key, path);
    }
    password(asker, draft)
}

/// A PFX file has a password, a PEM file has none that is known here.
fn password(asker: &mut Asker, draft: &mut Draft) -> Result<(), Failure> {
    const KEY: &str = "certificate_password_file";
    let certificate = draft.get("certificate_path").and_then(Value::as_str);
    let kind = certificate.and_then(|path| Path::new(path).extension()?.to_str());
    let is_pfx = kind.is_some_and(|kind| ["pfx", "p12"].contains(&&*kind.to_ascii_lowercase()));
    if !is_pfx || draft.get(KEY).is_some() {
        return Ok(());
    }
    let default = "$AZURE_CLIENT_CERTIFICATE_PASSWORD when it runs";
    let path = asker.ask("File with its password", default, |answer| {
        unless_default(answer, default, path)
    })?;
    set(draft, KEY, path);
    Ok(())
}

fn set(draft: &mut Draft, key: &'static str, text: Option<String>) {
    if let Some(text) = text {
        draft.set("source", key, json!(text));
    }
}

fn unless_default(
    answer: &str,
    default: &str,
    read: fn(&str) -> Result<String, String>,
) -> Result<Option<String>, String> {
    (answer != default).then(|| read(answer)).transpose()
}

fn is_guid(text: &str) -> bool {
    let parts: Vec<usize> = text.split('-').map(str::len).collect();
    let is_hex = |letter: char| letter == '-' || letter.is_ascii_hexdigit();
    parts == [8, 4, 4, 4, 12] && text.chars().all(is_hex)
}

fn tenant(answer: &str) -> Result<String, String> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "-.".contains(letter);
    let is_domain = answer.contains('.') && answer.chars().all(is_name);
    if is_guid(answer) || is_domain {
        Ok(answer.to_ascii_lowercase())
    } else {
        Err("a tenant is 00000000-0000-0000-0000-000000000000 or contoso.com".to_owned())
    }
}

/// What is no GUID may be a secret that was pasted here: it is not repeated.
fn client(answer: &str) -> Result<String, String> {
    if is_guid(answer) {
        Ok(answer.to_ascii_lowercase())
    } else {
        Err("an application id is 00000000-0000-0000-0000-000000000000".to_owned())
    }
}

/// The same for what is no path.
fn path(answer: &str) -> Result<String, String> {
    const LONGEST_NAME: usize = 24;
    let path = Path::new(answer);
    let is_bare = path.components().count() == 1 && path.extension().is_none();
    let is_there = path.exists();
    if !is_there && is_bare && (answer.contains('~') || answer.len() > LONGEST_NAME) {
        return Err(
            "that looks like the secret itself: write it into a file, name that".to_owned(),
        );
    }
    if !is_there {
        print::question("  there is no such file yet: make it before the first export\n");
    }
    Ok(answer.to_owned())
}

fn one_of<C: Choice>(answer: &str) -> Result<&'static str, String> {
    let names = names::<C>();
    if let Some(name) = names.iter().find(|name| name.eq_ignore_ascii_case(answer)) {
        return Ok(name);
    }
    Err(match closest(answer, names.iter().copied()) {
        Some(meant) => format!("did you mean {meant}?"),
        None => format!("answer one of: {}", names.join(", ")),
    })
}

fn tables(answer: &str) -> Result<Vec<&'static str>, String> {
    if answer == "?" {
        return Err(format!("there are: {}", names::<Table>().join(", ")));
    }
    let words = answer.split([',', ' ']).filter(|word| !word.is_empty());
    words.map(one_of::<Table>).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_no_answer_to_any_question() {
        let secret = "abc8Q~0123456789_abcdefghijklmnopqrstuvw";
        for refused in [tenant(secret), client(secret), path(secret)] {
            let problem = refused.unwrap_err();
            assert!(!problem.contains("abc8Q"), "{problem}");
        }
        assert_eq!(path("client-secret").as_deref(), Ok("client-secret"));
        assert!(path("/run/secrets/a-very-long-name-of-a-file-in-a-folder").is_ok());
    }

    #[test]
    fn a_tenant_is_a_guid_or_a_domain() {
        let guid = "AD294144-97b1-4ae3-b070-5319cf3911e5";
        assert_eq!(tenant(guid), Ok(guid.to_ascii_lowercase()));
        assert_eq!(tenant("Contoso.COM").as_deref(), Ok("contoso.com"));
        assert_eq!(client(guid), Ok(guid.to_ascii_lowercase()));
        for wrong in ["contoso", "ad294144", "a b.com", "g".repeat(36).as_str()] {
            assert!(tenant(wrong).is_err(), "{wrong}");
            assert!(client(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn tables_are_named_with_a_suggestion() {
        assert_eq!(tables("runs, tasks").unwrap(), ["runs", "tasks"]);
        assert!(tables("rums").unwrap_err().contains("runs"));
        assert!(tables("?").unwrap_err().contains("task_definitions"));
    }
}
