//! Unites flags, environment, pipeline file and defaults, in this order of precedence.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use lcw_extractor::query::ResultQuery;
use lcw_extractor::{ApiVersion, AssertionAlgorithm, ClientConfig, Cloud};
use lcw_pipeline::{DeletedWorkflows, FileFormat, Kind, Request, Snapshots};
use lcw_transform::Table;

use crate::args::{ExportArgs, QueryArgs, SourceArgs, TargetArgs};
use crate::choice::{Auth, Choice, Compression, Format};
use crate::config::{Extract, Load, PipelineFile, Source};
use crate::pseudonyms;
use crate::quantity::Rate;

/// Enough for a reader that was started before the last export but one.
pub(crate) const DEFAULT_SNAPSHOTS: NonZeroUsize = NonZeroUsize::new(3).unwrap();
const DEFAULT_OUT: &str = "lcw-data";
const DEFAULT_RATE: Rate = Rate::PerSecond(50.0);
const DEFAULT_CONCURRENCY: usize = 16;
const DEFAULT_LOOKBACK: Duration = Duration::from_hours(30 * 24);
const DEFAULT_SETTLE: Duration = Duration::from_mins(15);
const DEFAULT_DEADLINE: Duration = Duration::from_hours(6);

/// Everything an export needs.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) client: ClientConfig,
    pub(crate) sign_in: SignIn,
    pub(crate) request: Request,
    pub(crate) report: Report,
}

/// Who is told how an export ended, besides whoever started it.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) metrics_file: Option<PathBuf>,
    /// The rest of the pipeline file's section: the environment comes before it.
    pub(crate) keys: crate::config::Report,
}

/// As whom to read, before any secret is touched.
#[derive(Debug, Clone)]
pub(crate) struct SignIn {
    pub(crate) authority_url: String,
    pub(crate) tenant: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) auth: Auth,
    pub(crate) client_secret_file: Option<PathBuf>,
    pub(crate) certificate_path: Option<PathBuf>,
    pub(crate) certificate_password_file: Option<PathBuf>,
    pub(crate) certificate_algorithm: AssertionAlgorithm,
    pub(crate) federated_token_file: Option<PathBuf>,
}

/// An environment variable that is set to something.
pub(crate) fn env(name: &str) -> Option<String> {
    std::env::var(name)
        .ok()
        .filter(|value| !value.trim().is_empty())
}

impl Settings {
    pub(crate) fn read(args: &ExportArgs, kind: Kind) -> Result<Self> {
        Self::unite(args, &PipelineFile::read(args.pipeline.as_deref())?, kind)
    }

    pub(crate) fn unite(args: &ExportArgs, file: &PipelineFile, kind: Kind) -> Result<Self> {
        let sign_in = sign_in(&args.source, &file.source);
        let tenant = sign_in.tenant.clone();
        Ok(Self {
            client: client(&args.source, file),
            sign_in,
            report: report(args, file)?,
            request: request(args, file, kind, tenant)?,
        })
    }
}

fn sign_in(args: &SourceArgs, file: &Source) -> SignIn {
    let first = |flag: &Option<String>, variable: &str, key: &Option<String>| {
        flag.clone()
            .or_else(|| env(variable))
            .or_else(|| key.clone())
    };
    let path = |variable: &str, key: &Option<PathBuf>| {
        env(variable).map(PathBuf::from).or_else(|| key.clone())
    };
    SignIn {
        authority_url: authority_url(args, file),
        tenant: first(&args.tenant_id, "AZURE_TENANT_ID", &file.tenant_id),
        client_id: first(&args.client_id, "AZURE_CLIENT_ID", &file.client_id),
        auth: args.auth.or(file.auth).unwrap_or_default(),
        client_secret_file: file.client_secret_file.clone(),
        certificate_path: path("AZURE_CLIENT_CERTIFICATE_PATH", &file.certificate_path),
        certificate_password_file: file.certificate_password_file.clone(),
        certificate_algorithm: file.certificate_algorithm.unwrap_or_default(),
        federated_token_file: path("AZURE_FEDERATED_TOKEN_FILE", &file.federated_token_file),
    }
}

/// At each level of precedence a URL wins over a cloud.
fn authority_url(args: &SourceArgs, file: &Source) -> String {
    let of = |cloud: Cloud| cloud.authority_url().to_owned();
    let url = args.authority_url.clone();
    url.or_else(|| args.cloud.map(of))
        .or_else(|| env("AZURE_AUTHORITY_HOST").map(with_scheme))
        .or_else(|| file.authority_url.clone())
        .unwrap_or_else(|| of(file.cloud.unwrap_or_default()))
}

fn graph_url(args: &SourceArgs, file: &Source) -> String {
    let of = |cloud: Cloud| cloud.graph_url().to_owned();
    let url = args.graph_url.clone();
    url.or_else(|| args.cloud.map(of))
        .or_else(|| file.graph_url.clone())
        .unwrap_or_else(|| of(file.cloud.unwrap_or_default()))
}

/// `AZURE_AUTHORITY_HOST` is often a bare host name.
fn with_scheme(url: String) -> String {
    if url.contains("://") {
        url
    } else {
        format!("https://{url}")
    }
}

fn client(args: &SourceArgs, file: &PipelineFile) -> ClientConfig {
    let (source, extract) = (&file.source, &file.extract);
    let version = args.api_version.or(source.api_version);
    let rate = args.requests_per_second.or(extract.requests_per_second);
    ClientConfig {
        graph_url: graph_url(args, source),
        api_version: version.unwrap_or(ApiVersion::V1),
        requests_per_second: rate.unwrap_or(DEFAULT_RATE).per_second(),
        deadline: Some(extract.deadline.unwrap_or(DEFAULT_DEADLINE)),
        proxy: source.proxy.clone(),
        ca_file: source.ca_file.clone(),
        ..ClientConfig::default()
    }
}

fn request(
    args: &ExportArgs,
    file: &PipelineFile,
    kind: Kind,
    tenant: Option<String>,
) -> Result<Request> {
    let extract = &file.extract;
    let tables = Some(&args.target.table).filter(|tables| !tables.is_empty());
    let tables = tables.or(extract.tables.as_ref()).cloned();
    if let Some(tables) = &tables {
        needs_beta(tables, args.source.api_version.or(file.source.api_version))?;
    }
    let query = query(&args.query, extract)?;
    let pseudonyms = if args.target.pseudonymize || file.load.pseudonymize == Some(true) {
        Some(pseudonyms::key_for(&file.load, &query)?)
    } else {
        None
    };
    let concurrency = args.source.max_concurrency.or(extract.max_concurrency);
    Ok(Request {
        kind,
        tables: tables.unwrap_or_else(|| Table::DEFAULT.to_vec()),
        lookback: extract.lookback.unwrap_or(DEFAULT_LOOKBACK),
        settle: extract.settle.unwrap_or(DEFAULT_SETTLE),
        max_concurrency: concurrency.unwrap_or(DEFAULT_CONCURRENCY),
        keep_raw: file.load.keep_raw.unwrap_or(false),
        pseudonyms,
        deleted_workflows: extract.deleted_workflows.unwrap_or(DeletedWorkflows::Auto),
        on_drift: args.on_drift.or(extract.on_drift).unwrap_or_default(),
        route: extract.route.unwrap_or_default(),
        query,
        out: out(args.target.out.as_ref(), &file.load),
        format: format(&args.target, &file.load)?,
        snapshots: snapshots(&file.load),
        tenant,
    })
}

/// Metrics are no part of a dataset, in which every file is accounted for.
fn report(args: &ExportArgs, file: &PipelineFile) -> Result<Report> {
    let keys = file.report.clone();
    let flag = args.metrics_file.clone();
    let metrics_file = flag.or_else(|| keys.metrics_file.clone());
    let out = out(args.target.out.as_ref(), &file.load);
    if let Some(path) = metrics_file.as_ref().filter(|path| is_below(path, &out)) {
        bail!(
            "the metrics file {} is inside the dataset {}, where every file is one of its own: give \
             --metrics-file (metrics_file in the pipeline file) another folder",
            path.display(),
            out.display()
        );
    }
    Ok(Report { metrics_file, keys })
}

/// Whether a path leads into a folder, going by their names.
fn is_below(path: &Path, folder: &Path) -> bool {
    match (std::path::absolute(path), std::path::absolute(folder)) {
        (Ok(path), Ok(folder)) => path.starts_with(folder),
        _ => false,
    }
}

/// The service has subjects that are not users in its beta only.
fn needs_beta(tables: &[Table], version: Option<ApiVersion>) -> Result<()> {
    let is_beta = version.unwrap_or_default() == ApiVersion::Beta;
    if tables.contains(&Table::SubjectProcessingResults) && !is_beta {
        bail!(
            "the table subject_processing_results is in the beta of the API only: add \
             --api-version beta (api_version = \"beta\" in the pipeline file), or leave it out"
        );
    }
    Ok(())
}

/// Checked against what the service documents before anything is sent.
fn query(args: &QueryArgs, file: &Extract) -> Result<ResultQuery> {
    let list = |flag: &Option<String>, key: &Option<Vec<String>>| {
        flag.clone().or_else(|| key.as_ref().map(|it| it.join(",")))
    };
    Ok(ResultQuery::parse(
        list(&args.select, &file.select).as_deref(),
        args.filter
            .as_ref()
            .or(file.filter.as_ref())
            .map(String::as_str),
        list(&args.orderby, &file.orderby).as_deref(),
        list(&args.expand, &file.expand).as_deref(),
    )?)
}

/// The dataset's folder.
pub(crate) fn out(flag: Option<&PathBuf>, file: &Load) -> PathBuf {
    flag.or(file.out.as_ref())
        .cloned()
        .unwrap_or_else(|| DEFAULT_OUT.into())
}

/// Where the copies for readers go, where the pipeline file says.
fn snapshots(file: &Load) -> Option<Snapshots> {
    let keep = file.snapshot_keep.unwrap_or(DEFAULT_SNAPSHOTS);
    let folder = file.snapshot.clone()?;
    Some(Snapshots { folder, keep })
}

fn format(args: &TargetArgs, file: &Load) -> Result<FileFormat> {
    let format = args.format.or(file.format).unwrap_or_default();
    let compression = file.compression.unwrap_or_default();
    file_format(format, compression).ok_or_else(|| {
        anyhow!(
            "compression = \"{}\" is for ndjson, but the format is {}: use zstd",
            compression.name(),
            format.name()
        )
    })
}

/// The file format, unless it cannot be compressed so.
pub(crate) fn file_format(format: Format, compression: Compression) -> Option<FileFormat> {
    let fits = format == Format::Ndjson || compression == Compression::Zstd;
    fits.then(|| FileFormat::from_names(format.name(), compression.name()))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: Option<&Path>) -> String {
        let args = ExportArgs {
            pipeline: file.map(Path::to_owned),
            source: SourceArgs::default(),
            target: TargetArgs::default(),
            query: QueryArgs::default(),
            on_drift: None,
            metrics_file: None,
        };
        format!("{:#?}", Settings::read(&args, Kind::Export).unwrap())
    }

    #[test]
    fn the_daily_file_shows_the_defaults() {
        let daily = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pipelines/daily.toml");
        assert_eq!(read(Some(&daily)), read(None));
    }

    #[test]
    fn compression_must_fit_the_format() {
        assert_eq!(file_format(Format::Parquet, Compression::Gzip), None);
        assert_eq!(
            file_format(Format::Parquet, Compression::Zstd),
            Some(FileFormat::Parquet)
        );
    }
}
