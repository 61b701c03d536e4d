//! The pipeline file: every key has a default, unknown keys are errors with a suggestion.

use std::io::{self, Read as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, anyhow};
use lcw_extractor::{ApiVersion, AssertionAlgorithm, Cloud};
use lcw_pipeline::{DeletedWorkflows, OnDrift, Route};
use lcw_transform::Table;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::choice::{self, Auth, Choice, Compression, Format, names};
use crate::quantity::{self, Rate};

/// The commented pipeline file that shows every key; those that are not commented out have their
/// default.
pub(crate) const DAILY: &str = include_str!("../../../pipelines/daily.toml");

/// Bytes that a pipeline file has at most: every key with a comment takes some thousands.
const LARGEST: u64 = 1 << 20;

/// A pipeline file: what to export, how fast, where to.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PipelineFile {
    /// Where to read from, and as whom.
    pub(crate) source: Source,
    /// What to read, and how fast.
    pub(crate) extract: Extract,
    /// Where to write, and how.
    pub(crate) load: Load,
    /// Who is told how exports end.
    pub(crate) report: Report,
}

/// Where to read from, and as whom.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Source {
    /// National cloud: decides the Graph and login hosts. Default: global.
    #[serde(deserialize_with = "choice::key")]
    #[schemars(with = "Option<String>", extend("enum" = names::<Cloud>()))]
    pub(crate) cloud: Option<Cloud>,
    /// Origin of Microsoft Graph, without the API version. Wins over `cloud`.
    pub(crate) graph_url: Option<String>,
    /// Origin of the login service. Wins over `cloud`.
    pub(crate) authority_url: Option<String>,
    /// Version of the Graph API. Default: v1.0.
    #[serde(deserialize_with = "choice::key")]
    #[schemars(with = "Option<String>", extend("enum" = names::<ApiVersion>()))]
    pub(crate) api_version: Option<ApiVersion>,
    /// The tenant's GUID, or a domain name. Default: `AZURE_TENANT_ID`, else the token's `tid`.
    pub(crate) tenant_id: Option<String>,
    /// Application (client) id. Default: `AZURE_CLIENT_ID`.
    pub(crate) client_id: Option<String>,
    /// Which credential to use. `auto` takes the first that is there of a ready token, a client secret, a
    /// certificate and a federated token; the others only when they are named. Default: auto.
    #[serde(deserialize_with = "choice::key")]
    #[schemars(with = "Option<String>", extend("enum" = names::<Auth>()))]
    pub(crate) auth: Option<Auth>,
    /// File that holds the client secret; a relative name is looked for in
    /// `$CREDENTIALS_DIRECTORY` first. Default: `AZURE_CLIENT_SECRET`.
    pub(crate) client_secret_file: Option<PathBuf>,
    /// PEM file with certificate and RSA key, or PFX file; looked for like `client_secret_file`.
    /// Default: `AZURE_CLIENT_CERTIFICATE_PATH`.
    pub(crate) certificate_path: Option<PathBuf>,
    /// File that holds the password of a PFX file; looked for like `client_secret_file`. Default:
    /// `AZURE_CLIENT_CERTIFICATE_PASSWORD`.
    pub(crate) certificate_password_file: Option<PathBuf>,
    /// How the certificate's key signs: RS256 is for token services that know no PSS. Default: PS256.
    #[serde(deserialize_with = "choice::key")]
    #[schemars(with = "Option<String>", extend("enum" = names::<AssertionAlgorithm>()))]
    pub(crate) certificate_algorithm: Option<AssertionAlgorithm>,
    /// File with the token of another issuer that the application trusts, read for every token;
    /// looked for like `client_secret_file`. Default: `AZURE_FEDERATED_TOKEN_FILE`.
    pub(crate) federated_token_file: Option<PathBuf>,
    /// Proxy for Graph and login. Default: `HTTPS_PROXY`, `NO_PROXY`.
    pub(crate) proxy: Option<String>,
    /// PEM file with further certificate authorities.
    pub(crate) ca_file: Option<PathBuf>,
}

/// What to read, and how fast.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Extract {
    /// Tables to export; `workflows` and `runs` always are. Default: these and the results of users
    /// and tasks, which an application with the two least permissions can read.
    #[serde(deserialize_with = "choice::keys")]
    #[schemars(with = "Option<Vec<String>>", extend("items" = one_of::<Table>()))]
    pub(crate) tables: Option<Vec<Table>>,
    /// How far back runs are listed again, at most 30 days. Default: 30d.
    #[serde(deserialize_with = "quantity::lookback_key")]
    #[schemars(with = "Option<String>")]
    pub(crate) lookback: Option<Duration>,
    /// How long the service must have left a finished run alone before its counters count.
    /// Default: 15m.
    #[serde(deserialize_with = "quantity::duration_key")]
    #[schemars(with = "Option<String>")]
    pub(crate) settle: Option<Duration>,
    /// Upper bound of the request rate, a number above 0 or `"unlimited"`. Default: 50.
    #[serde(deserialize_with = "quantity::rate_key")]
    #[schemars(with = "Option<NumberOrText>")]
    pub(crate) requests_per_second: Option<Rate>,
    /// Runs read side by side. Default: 16.
    #[serde(deserialize_with = "quantity::count_key")]
    #[schemars(with = "Option<usize>", range(min = 1))]
    pub(crate) max_concurrency: Option<usize>,
    /// When to give up, throttled or not. Default: 6h.
    #[serde(deserialize_with = "quantity::duration_key")]
    #[schemars(with = "Option<String>")]
    pub(crate) deadline: Option<Duration>,
    /// Soft-deleted workflows: `auto` exports them where the service allows it, `require` makes a
    /// refusal exit code 4, `skip` does not ask. Default: auto.
    #[serde(deserialize_with = "choice::key")]
    #[schemars(with = "Option<String>", extend("enum" = names::<DeletedWorkflows>()))]
    pub(crate) deleted_workflows: Option<DeletedWorkflows>,
    /// Rows with a value that their column cannot hold: `fail` ends the export and names it,
    /// `quarantine` sets them aside in `_quarantine`, exit code 4. Default: fail.
    #[serde(deserialize_with = "choice::key")]
    #[schemars(with = "Option<String>", extend("enum" = names::<OnDrift>()))]
    pub(crate) on_drift: Option<OnDrift>,
    /// How user processing results are read: `run` by run; `workflow`, all runs of a workflow
    /// together; `auto`, whichever takes fewer requests. The tables are the same. Default: auto.
    #[serde(deserialize_with = "choice::key")]
    #[schemars(with = "Option<String>", extend("enum" = names::<Route>()))]
    pub(crate) route: Option<Route>,
    /// Properties of user processing results to ask for; columns of the others are NULL. Part of
    /// what the dataset is. Default: all.
    pub(crate) select: Option<Vec<String>>,
    /// `OData` filter on user processing results. Part of what the dataset is; a filtered dataset
    /// proves nothing. Default: none.
    pub(crate) filter: Option<String>,
    /// What of the user processing results the service is to send first. Default: its own order.
    pub(crate) orderby: Option<Vec<String>>,
    /// Related objects to ask for with user processing results: `subject`. Needs a permission to
    /// read users, too. Part of what the dataset is. Default: none.
    pub(crate) expand: Option<Vec<String>>,
}

/// The schema of each entry of a list of names.
fn one_of<C: Choice>() -> Value {
    json!({ "type": "string", "enum": names::<C>() })
}

/// How a request rate is written.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum NumberOrText {
    Number(f64),
    Text(String),
}

/// Where to write, and how.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Load {
    /// The dataset's folder. Default: lcw-data.
    pub(crate) out: Option<PathBuf>,
    /// File format. Default: parquet.
    #[serde(deserialize_with = "choice::key")]
    #[schemars(with = "Option<String>", extend("enum" = names::<Format>()))]
    pub(crate) format: Option<Format>,
    /// Compression: `zstd`; for NDJSON also `gzip` and `none`. Default: zstd.
    #[serde(deserialize_with = "choice::key")]
    #[schemars(with = "Option<String>", extend("enum" = names::<Compression>()))]
    pub(crate) compression: Option<Compression>,
    /// Keep every row's original object in `_lcw_raw`. Default: false.
    pub(crate) keep_raw: Option<bool>,
    /// Put pseudonyms in the place of people: HMAC-SHA-256 under the key of `LCW_PSEUDONYM_KEY` or
    /// `pseudonym_key_file`. Part of what the dataset is; not together with `keep_raw`. Default: false.
    pub(crate) pseudonymize: Option<bool>,
    /// File that holds the key of the pseudonyms, 32 bytes at least; looked for like
    /// `client_secret_file`. Default: `LCW_PSEUDONYM_KEY`.
    pub(crate) pseudonym_key_file: Option<PathBuf>,
    /// Folder for a copy of the dataset after each export, `<folder>/<export_id>`, made of hard links;
    /// `<folder>/current` leads to the newest. Default: none.
    pub(crate) snapshot: Option<PathBuf>,
    /// Copies that stay there. Default: 3.
    pub(crate) snapshot_keep: Option<NonZeroUsize>,
}

/// Who is told how exports end. Nothing here changes how they do.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Report {
    /// File for Prometheus metrics, as the node exporter's textfile collector reads it, outside the
    /// dataset. Default: none.
    pub(crate) metrics_file: Option<PathBuf>,
    /// Service that takes `OpenLineage` events: https, or http to this machine; its path is
    /// `OPENLINEAGE_ENDPOINT`. Default: `OPENLINEAGE_URL`, else none.
    pub(crate) openlineage_url: Option<String>,
    /// Namespace of the job there. Default: `OPENLINEAGE_NAMESPACE`, else `default`.
    pub(crate) openlineage_namespace: Option<String>,
    /// File that holds the key which that service wants to see; looked for like
    /// `client_secret_file`. Default: `OPENLINEAGE_API_KEY`, else none.
    pub(crate) openlineage_api_key_file: Option<PathBuf>,
}

impl PipelineFile {
    /// Reads `path`, or gives the defaults when there is none.
    pub(crate) fn read(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else {
            return Ok(Self::default());
        };
        let text = text_of(path).map_err(|error| {
            let name = path.display();
            let instead = match error.kind() {
                io::ErrorKind::NotFound => format!("; `lcw init {name}` writes one"),
                _ => String::new(),
            };
            anyhow!("cannot read the pipeline file {name}: {error}{instead}")
        })?;
        Self::parse(&text).map_err(|problem| {
            anyhow!(
                "the pipeline file {} is not valid: {problem}",
                path.display()
            )
        })
    }

    /// Reads the text of a file, or says what is wrong with it and what was probably meant.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let file = toml::from_str(text).map_err(|error| {
            let problem = error.to_string();
            format!("{}{}", problem.trim_end(), suggestion(error.message()))
        })?;
        // It was read: these are its tables.
        let tables: toml::Table = text.parse().unwrap_or_default();
        match with_nul(&tables) {
            Some(key) => Err(format!(
                "`{key}` holds a NUL character, which no name and no path can"
            )),
            None => Ok(file),
        }
    }
}

/// What a file holds. A pipe may never end, and a device neither: neither is looked into.
fn text_of(path: &Path) -> io::Result<String> {
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut text = String::new();
    let file = std::fs::File::open(path)?;
    file.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        let problem = format!("it is larger than {} KiB", LARGEST >> 10);
        return Err(io::Error::other(problem));
    }
    Ok(text)
}

/// The key of a text with a NUL character in it, with its section.
fn with_nul(tables: &toml::Table) -> Option<String> {
    fn has_nul(value: &toml::Value) -> bool {
        match value {
            toml::Value::String(text) => text.contains('\0'),
            toml::Value::Array(values) => values.iter().any(has_nul),
            _ => false,
        }
    }
    tables.iter().find_map(|(section, keys)| {
        let mut keys = keys.as_table()?.iter();
        let (key, _) = keys.find(|(_, value)| has_nul(value))?;
        Some(format!("{section}.{key}"))
    })
}

/// `did you mean` for "unknown field `x`, expected one of `a`, `b`" and its like.
fn suggestion(message: &str) -> String {
    if !message.starts_with("unknown ") {
        return String::new();
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    let Some(unknown) = quoted.next() else {
        return String::new();
    };
    closest(unknown, quoted).map_or_else(String::new, |known| format!("\ndid you mean `{known}`?"))
}

/// The candidate that `word` was probably meant to be.
pub(crate) fn closest<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(similarity, _)| *similarity > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// The JSON Schema of pipeline files, for editors.
pub(crate) fn json_schema() -> Value {
    schemars::schema_for!(PipelineFile).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<PipelineFile> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        PipelineFile::read(Some(file.path()))
    }

    #[test]
    fn an_empty_file_is_all_defaults() {
        assert!(read("").unwrap().load.out.is_none());
    }

    #[test]
    fn an_unknown_key_is_an_error_with_a_suggestion() {
        let error = read("[extract]\nrequests_per_secnd = 5\n")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("did you mean `requests_per_second`?"),
            "{error}"
        );
        assert!(error.contains("line 2"), "{error}");
    }

    #[test]
    fn an_unknown_section_is_an_error_with_a_suggestion() {
        let error = read("[extracts]\n").unwrap_err().to_string();
        assert!(error.contains("did you mean `extract`?"), "{error}");
    }

    #[test]
    fn an_unknown_value_is_an_error_with_its_line_and_a_suggestion() {
        for (text, meant) in [
            ("\n[extract]\ntables = [\"rums\"]\n", "runs"),
            ("\n[load]\nformat = \"parkett\"\n", "parquet"),
            ("\n[source]\ncloud = \"globe\"\n", "global"),
            ("\n[source]\napi_version = \"v1\"\n", "v1.0"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(
                error.contains(&format!("did you mean `{meant}`?")),
                "{error}"
            );
            assert!(error.contains("line 3"), "{error}");
        }
    }

    #[test]
    fn a_quantity_out_of_range_is_an_error_with_its_line() {
        for (key, hint) in [
            ("requests_per_second = 0", "above 0"),
            ("requests_per_second = \"fast\"", "unlimited"),
            ("max_concurrency = 0", "above 0"),
            ("lookback = \"31d\"", "at most 30d"),
            ("settle = 15", "15m"),
            ("deadline = \"soon\"", "6h"),
        ] {
            let error = read(&format!("[extract]\n{key}\n"))
                .unwrap_err()
                .to_string();
            assert!(error.contains("line 2"), "{error}");
            assert!(error.contains(hint), "{error}");
        }
    }

    #[test]
    fn a_key_without_a_likeness_gets_no_suggestion() {
        let error = read("[load]\nzzz = 5\n").unwrap_err().to_string();
        assert!(!error.contains("did you mean"), "{error}");
    }

    /// What a file says once every key that it only mentions is used.
    fn with_every_key(text: &str) -> String {
        let uncomment = |line: &str| {
            let key = line.strip_prefix("# ").filter(|rest| rest.contains(" = "));
            key.unwrap_or(line).to_owned()
        };
        text.lines().map(uncomment).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_pipelines_of_the_repository_are_valid_with_every_key_they_mention() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pipelines");
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            PipelineFile::read(Some(&path)).unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            read(&with_every_key(&text)).unwrap();
        }
    }

    #[test]
    fn the_daily_pipeline_mentions_every_key() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pipelines/daily.toml");
        let text = with_every_key(&std::fs::read_to_string(path).unwrap());
        let shown: toml::Table = text.parse().unwrap();
        let schema = json_schema();
        for (section, name) in [
            ("source", "Source"),
            ("extract", "Extract"),
            ("load", "Load"),
            ("report", "Report"),
        ] {
            for key in schema["$defs"][name]["properties"]
                .as_object()
                .unwrap()
                .keys()
            {
                // Sovereign clouds and test servers: two URLs that `cloud` decides otherwise.
                let is_left_out = matches!(key.as_str(), "graph_url" | "authority_url");
                let is_shown = shown[section].get(key).is_some();
                assert!(is_shown || is_left_out, "[{section}] {key}");
            }
        }
    }
}
