//! The pipeline file: every key has a default, unknown keys are errors with a suggestion.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use schemars::JsonSchema;
use serde::Deserialize;

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
}

/// Where to read from, and as whom.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Source {
    /// National cloud: decides the Graph and login hosts. Default: global.
    #[schemars(extend("enum" = ["global", "usgov", "usgov-dod", "china"]))]
    pub(crate) cloud: Option<String>,
    /// Origin of Microsoft Graph, without the API version. Wins over `cloud`.
    pub(crate) graph_url: Option<String>,
    /// Origin of the login service. Wins over `cloud`.
    pub(crate) authority_url: Option<String>,
    /// Version of the Graph API. Default: v1.0.
    #[schemars(extend("enum" = ["v1.0", "beta"]))]
    pub(crate) api_version: Option<String>,
    /// The tenant's GUID, or a domain name. Default: `AZURE_TENANT_ID`, else the token's `tid`.
    pub(crate) tenant_id: Option<String>,
    /// Application (client) id. Default: `AZURE_CLIENT_ID`.
    pub(crate) client_id: Option<String>,
    /// Which credential to use. `auto` takes a ready token, else a client secret.
    #[schemars(extend("enum" = ["auto", "token", "secret"]))]
    pub(crate) auth: Option<String>,
    /// File that holds the client secret; a relative name is looked for in
    /// `$CREDENTIALS_DIRECTORY` first. Default: `AZURE_CLIENT_SECRET`.
    pub(crate) client_secret_file: Option<PathBuf>,
    /// Proxy for Graph and login. Default: `HTTPS_PROXY`, `NO_PROXY`.
    pub(crate) proxy: Option<String>,
    /// PEM file with further certificate authorities.
    pub(crate) ca_file: Option<PathBuf>,
}

/// What to read, and how fast.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Extract {
    /// Tables to export; `workflows` and `runs` always are. Default: all of them.
    pub(crate) tables: Option<Vec<String>>,
    /// How far back runs are listed again, at most 30 days. Default: 30d.
    pub(crate) lookback: Option<String>,
    /// How long the service must have left a finished run alone before its counters count.
    /// Default: 15m.
    pub(crate) settle: Option<String>,
    /// Upper bound of the request rate, or `"unlimited"`. Default: 50.
    pub(crate) requests_per_second: Option<RequestRate>,
    /// Runs read side by side. Default: 16.
    pub(crate) max_concurrency: Option<usize>,
    /// When to give up, throttled or not. Default: 6h.
    pub(crate) deadline: Option<String>,
    /// Soft-deleted workflows: `auto` exports them where the service allows it, `require` makes a
    /// refusal exit code 4, `skip` does not ask. Default: auto.
    #[schemars(extend("enum" = ["auto", "require", "skip"]))]
    pub(crate) deleted_workflows: Option<String>,
}

/// A number of requests a second, or `"unlimited"`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum RequestRate {
    Number(f64),
    Word(String),
}

/// Where to write, and how.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Load {
    /// The dataset's folder. Default: lcw-data.
    pub(crate) out: Option<PathBuf>,
    /// File format. Default: parquet.
    #[schemars(extend("enum" = ["parquet", "ndjson"]))]
    pub(crate) format: Option<String>,
    /// Compression: `zstd`; for NDJSON also `gzip` and `none`. Default: zstd.
    #[schemars(extend("enum" = ["zstd", "gzip", "none"]))]
    pub(crate) compression: Option<String>,
    /// Keep every row's original object in `_lcw_raw`. Default: false.
    pub(crate) keep_raw: Option<bool>,
}

impl PipelineFile {
    /// Reads `path`, or gives the defaults when there is none.
    pub(crate) fn read(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else {
            return Ok(Self::default());
        };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the pipeline file {}", path.display()))?;
        match toml::from_str(&text) {
            Ok(file) => Ok(file),
            Err(error) => bail!(
                "the pipeline file {} is not valid: {}{}",
                path.display(),
                error.to_string().trim_end(),
                suggestion(error.message())
            ),
        }
    }
}

/// `did you mean` for serde's "unknown field `x`, expected one of `a`, `b`".
fn suggestion(message: &str) -> String {
    if !message.starts_with("unknown field") {
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
pub(crate) fn json_schema() -> serde_json::Value {
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
    fn a_key_without_a_likeness_gets_no_suggestion() {
        let error = read("[load]\nzzz = 5\n").unwrap_err().to_string();
        assert!(!error.contains("did you mean"), "{error}");
    }
}
