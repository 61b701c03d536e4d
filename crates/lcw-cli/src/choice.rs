//! Settings with a few named values: one list for flags, pipeline files and the published schema.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use lcw_extractor::{ApiVersion, AssertionAlgorithm, Cloud};
use lcw_pipeline::{DeletedWorkflows, OnDrift, Route};
use lcw_report::render::csv::Section;
use lcw_transform::Table;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// One of a few named values.
pub(crate) trait Choice: Copy + Send + Sync + 'static {
    /// Every value.
    const ALL: &'static [Self];

    /// Its name in flags and pipeline files.
    fn name(self) -> &'static str;
}

/// The names of all values, in their order.
pub(crate) fn names<C: Choice>() -> Vec<&'static str> {
    C::ALL.iter().map(|choice| choice.name()).collect()
}

fn find<C: Choice>(name: &str) -> Option<C> {
    C::ALL.iter().copied().find(|choice| choice.name() == name)
}

/// Reads a flag.
pub(crate) fn flag<C: Choice>() -> impl TypedValueParser<Value = C> {
    PossibleValuesParser::new(names::<C>())
        .try_map(|name| find(&name).ok_or("this is not one of them"))
}

/// Reads a SHA-256.
pub(crate) fn sha256(text: &str) -> Result<String, &'static str> {
    let is_digest = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_digest
        .then(|| text.to_ascii_lowercase())
        .ok_or("write the 64 hexadecimal digits of manifest.sha256 in an export's summary")
}

/// Reads a key of a pipeline file.
pub(crate) fn key<'de, D: Deserializer<'de>, C: Choice>(from: D) -> Result<Option<C>, D::Error> {
    read(&String::deserialize(from)?).map(Some)
}

/// Reads a key that lists several.
pub(crate) fn keys<'de, D: Deserializer<'de>, C: Choice>(
    from: D,
) -> Result<Option<Vec<C>>, D::Error> {
    let names = Vec::<String>::deserialize(from)?;
    names
        .iter()
        .map(|name| read(name))
        .collect::<Result<_, _>>()
        .map(Some)
}

fn read<C: Choice, E: Error>(name: &str) -> Result<C, E> {
    find(name).ok_or_else(|| {
        let known = names::<C>().join("`, `");
        E::custom(format!("unknown value `{name}`, expected one of `{known}`"))
    })
}

impl Choice for Cloud {
    const ALL: &'static [Self] = &Self::ALL;

    fn name(self) -> &'static str {
        self.name()
    }
}

impl Choice for Section {
    const ALL: &'static [Self] = &Self::ALL;

    fn name(self) -> &'static str {
        self.name()
    }
}

impl Choice for ApiVersion {
    const ALL: &'static [Self] = &[Self::V1, Self::Beta];

    fn name(self) -> &'static str {
        self.as_str()
    }
}

impl Choice for Table {
    const ALL: &'static [Self] = &Self::ALL;

    fn name(self) -> &'static str {
        self.name()
    }
}

impl Choice for DeletedWorkflows {
    const ALL: &'static [Self] = &[Self::Auto, Self::Require, Self::Skip];

    fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Require => "require",
            Self::Skip => "skip",
        }
    }
}

impl Choice for Route {
    const ALL: &'static [Self] = &[Self::Auto, Self::Run, Self::Workflow];

    fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Run => "run",
            Self::Workflow => "workflow",
        }
    }
}

impl Choice for OnDrift {
    const ALL: &'static [Self] = &[Self::Fail, Self::Quarantine];

    fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Quarantine => "quarantine",
        }
    }
}

/// Which credential to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Auth {
    /// What is there of a ready token, a secret, a certificate and a federated token, in this order.
    #[default]
    Auto,
    Token,
    Secret,
    Certificate,
    Federated,
    ManagedIdentity,
    AzureCli,
    DeviceCode,
}

impl Choice for Auth {
    const ALL: &'static [Self] = &[
        Self::Auto,
        Self::Token,
        Self::Secret,
        Self::Certificate,
        Self::Federated,
        Self::ManagedIdentity,
        Self::AzureCli,
        Self::DeviceCode,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Token => "token",
            Self::Secret => "secret",
            Self::Certificate => "certificate",
            Self::Federated => "federated",
            Self::ManagedIdentity => "managed-identity",
            Self::AzureCli => "azure-cli",
            Self::DeviceCode => "device-code",
        }
    }
}

impl Choice for AssertionAlgorithm {
    const ALL: &'static [Self] = &[Self::Ps256, Self::Rs256];

    fn name(self) -> &'static str {
        self.name()
    }
}

/// What the dataset's files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Format {
    #[default]
    Parquet,
    Ndjson,
}

/// A part of what readers get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Views,
    Macros,
    Examples,
    Dbt,
}

impl Choice for Part {
    const ALL: &'static [Self] = &[Self::Views, Self::Macros, Self::Examples, Self::Dbt];

    fn name(self) -> &'static str {
        match self {
            Self::Views => "views",
            Self::Macros => "macros",
            Self::Examples => "examples",
            Self::Dbt => "dbt",
        }
    }
}

impl Choice for Format {
    const ALL: &'static [Self] = &[Self::Parquet, Self::Ndjson];

    fn name(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Ndjson => "ndjson",
        }
    }
}

/// How the dataset's files are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Compression {
    #[default]
    Zstd,
    Gzip,
    None,
}

impl Choice for Compression {
    const ALL: &'static [Self] = &[Self::Zstd, Self::Gzip, Self::None];

    fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
            Self::None => "none",
        }
    }
}
