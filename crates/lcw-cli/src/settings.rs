//! Unites flags, environment, pipeline file and defaults, in this order of precedence.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use lcw_extractor::{ApiVersion, ClientConfig, Cloud};
use lcw_pipeline::{DeletedWorkflows, FileFormat, Kind, NdjsonCompression, Request};
use lcw_transform::Table;

use crate::args::{ExportArgs, SourceArgs, TargetArgs};
use crate::config::{Extract, Load, PipelineFile, RequestRate, Source, closest};
use crate::when::duration;

const DEFAULT_OUT: &str = "lcw-data";
const DEFAULT_RATE: f64 = 50.0;
const DEFAULT_CONCURRENCY: usize = 16;
const DAY: Duration = Duration::from_secs(86_400);

/// Everything an export needs, except what it is: incremental or a window.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) client: ClientConfig,
    pub(crate) sign_in: SignIn,
    pub(crate) request: Request,
}

/// As whom to read, before any secret is touched.
#[derive(Debug, Clone)]
pub(crate) struct SignIn {
    pub(crate) authority_url: String,
    pub(crate) tenant: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) auth: Auth,
    pub(crate) client_secret_file: Option<PathBuf>,
}

/// Which credential to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Auth {
    Auto,
    Token,
    Secret,
}

/// An environment variable that is set to something.
pub(crate) fn env(name: &str) -> Option<String> {
    std::env::var(name)
        .ok()
        .filter(|value| !value.trim().is_empty())
}

impl Settings {
    pub(crate) fn read(args: &ExportArgs, kind: Kind) -> Result<Self> {
        let file = PipelineFile::read(args.pipeline.as_deref())?;
        let sign_in = sign_in(&args.source, &file.source)?;
        let tenant = sign_in.tenant.clone();
        Ok(Self {
            client: client(&args.source, &file)?,
            sign_in,
            request: request(args, &file, kind, tenant)?,
        })
    }
}

fn cloud(args: &SourceArgs, file: &Source) -> Result<Cloud> {
    let name = args
        .cloud
        .as_deref()
        .or(file.cloud.as_deref())
        .unwrap_or("global");
    name.parse()
        .with_context(|| format!("unknown cloud `{name}`"))
}

fn sign_in(args: &SourceArgs, file: &Source) -> Result<SignIn> {
    let auth = match file.auth.as_deref().unwrap_or("auto") {
        "auto" => Auth::Auto,
        "token" => Auth::Token,
        "secret" => Auth::Secret,
        other => bail!("unknown auth `{other}`: use auto, token or secret"),
    };
    let authority_url = args
        .authority_url
        .clone()
        .or_else(|| env("AZURE_AUTHORITY_HOST"));
    let authority_url = match authority_url.or_else(|| file.authority_url.clone()) {
        Some(url) => with_scheme(url),
        None => cloud(args, file)?.authority_url().to_owned(),
    };
    Ok(SignIn {
        authority_url,
        tenant: args
            .tenant_id
            .clone()
            .or_else(|| env("AZURE_TENANT_ID"))
            .or_else(|| file.tenant_id.clone()),
        client_id: args
            .client_id
            .clone()
            .or_else(|| env("AZURE_CLIENT_ID"))
            .or_else(|| file.client_id.clone()),
        auth,
        client_secret_file: file.client_secret_file.clone(),
    })
}

/// `AZURE_AUTHORITY_HOST` is often a bare host name.
fn with_scheme(url: String) -> String {
    if url.contains("://") {
        url
    } else {
        format!("https://{url}")
    }
}

fn client(args: &SourceArgs, file: &PipelineFile) -> Result<ClientConfig> {
    let source = &file.source;
    let graph_url = match args.graph_url.clone().or_else(|| source.graph_url.clone()) {
        Some(url) => url,
        None => cloud(args, source)?.graph_url().to_owned(),
    };
    let api_version = match args
        .api_version
        .as_deref()
        .or(source.api_version.as_deref())
    {
        None => ApiVersion::V1,
        Some(name) => name
            .parse()
            .with_context(|| format!("unknown API version `{name}`"))?,
    };
    let deadline = file
        .extract
        .deadline
        .as_deref()
        .map_or(Ok(DAY / 4), duration);
    Ok(ClientConfig {
        graph_url,
        api_version,
        requests_per_second: rate(args, &file.extract)?,
        deadline: Some(deadline.context("deadline")?),
        proxy: source.proxy.clone(),
        ca_file: source.ca_file.clone(),
        ..ClientConfig::default()
    })
}

fn rate(args: &SourceArgs, file: &Extract) -> Result<Option<f64>> {
    let from_flag = args
        .requests_per_second
        .as_deref()
        .map(|text| match text.parse() {
            Ok(number) => RequestRate::Number(number),
            Err(_) => RequestRate::Word(text.to_owned()),
        });
    match from_flag.or_else(|| file.requests_per_second.clone()) {
        None => Ok(Some(DEFAULT_RATE)),
        Some(RequestRate::Number(rate)) if rate.is_finite() && rate > 0.0 => Ok(Some(rate)),
        Some(RequestRate::Word(word)) if word == "unlimited" => Ok(None),
        Some(RequestRate::Number(other)) => {
            bail!("requests_per_second is {other}: give a number above 0, or `unlimited`")
        }
        Some(RequestRate::Word(other)) => {
            bail!("requests_per_second is `{other}`: give a number above 0, or `unlimited`")
        }
    }
}

fn request(
    args: &ExportArgs,
    file: &PipelineFile,
    kind: Kind,
    tenant: Option<String>,
) -> Result<Request> {
    let extract = &file.extract;
    let lookback = extract
        .lookback
        .as_deref()
        .map_or(Ok(30 * DAY), duration)
        .context("lookback")?;
    ensure!(
        lookback <= 30 * DAY,
        "lookback is longer than 30d, which is all the service keeps"
    );
    let settle = extract
        .settle
        .as_deref()
        .map_or(Ok(Duration::from_secs(900)), duration)
        .context("settle")?;
    let max_concurrency = args
        .source
        .max_concurrency
        .or(extract.max_concurrency)
        .unwrap_or(DEFAULT_CONCURRENCY);
    ensure!(
        max_concurrency > 0,
        "max_concurrency is 0: give a number above 0"
    );
    Ok(Request {
        kind,
        tables: tables(&args.target, extract)?,
        lookback,
        settle,
        max_concurrency,
        keep_raw: file.load.keep_raw.unwrap_or(false),
        deleted_workflows: deleted_workflows(extract)?,
        out: out(args.target.out.as_ref(), &file.load),
        format: format(&args.target, &file.load)?,
        tenant,
    })
}

/// The dataset's folder.
pub(crate) fn out(flag: Option<&PathBuf>, file: &Load) -> PathBuf {
    flag.or(file.out.as_ref())
        .cloned()
        .unwrap_or_else(|| DEFAULT_OUT.into())
}

fn tables(args: &TargetArgs, file: &Extract) -> Result<Vec<Table>> {
    let names = if args.table.is_empty() {
        match &file.tables {
            None => return Ok(Table::ALL.to_vec()),
            Some(names) => names,
        }
    } else {
        &args.table
    };
    names.iter().map(|name| table(name)).collect()
}

fn table(name: &str) -> Result<Table> {
    if let Some(table) = Table::from_name(name) {
        return Ok(table);
    }
    let known = Table::ALL.map(Table::name);
    let hint = closest(name, known.into_iter())
        .map_or_else(String::new, |known| format!("; did you mean `{known}`?"));
    bail!(
        "unknown table `{name}`: there are {}{hint}",
        known.join(", ")
    )
}

fn deleted_workflows(file: &Extract) -> Result<DeletedWorkflows> {
    Ok(match file.deleted_workflows.as_deref() {
        None | Some("auto") => DeletedWorkflows::Auto,
        Some("require") => DeletedWorkflows::Require,
        Some("skip") => DeletedWorkflows::Skip,
        Some(other) => bail!("unknown deleted_workflows `{other}`: use auto, require or skip"),
    })
}

fn format(args: &TargetArgs, file: &Load) -> Result<FileFormat> {
    let format = args
        .format
        .as_deref()
        .or(file.format.as_deref())
        .unwrap_or("parquet");
    let compression = file.compression.as_deref().unwrap_or("zstd");
    Ok(match (format, compression) {
        ("parquet", "zstd") => FileFormat::Parquet,
        ("parquet", other) => bail!("compression `{other}` is not for parquet: use zstd"),
        ("ndjson", "zstd") => FileFormat::Ndjson(NdjsonCompression::Zstd),
        ("ndjson", "gzip") => FileFormat::Ndjson(NdjsonCompression::Gzip),
        ("ndjson", "none") => FileFormat::Ndjson(NdjsonCompression::None),
        ("ndjson", other) => bail!("unknown compression `{other}`: use zstd, gzip or none"),
        (other, _) => bail!("unknown format `{other}`: use parquet or ndjson"),
    })
}
