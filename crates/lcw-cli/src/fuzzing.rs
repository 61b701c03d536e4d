//! What users write, as functions of its text: for the fuzz targets alone, and no part of the
//! interface.

use std::time::Duration;

use jiff::Timestamp;
use lcw_extractor::ClientConfig;
use lcw_pipeline::{Kind, Request};
use serde_json::Value;

use crate::args::ExportArgs;
use crate::config::{PipelineFile, json_schema};
use crate::quantity;
use crate::settings::Settings;
use crate::when::When;

/// What an export with nothing but this pipeline file would ask for.
///
/// # Errors
/// What is wrong with the file.
pub fn pipeline_file(text: &str) -> Result<(ClientConfig, Request), String> {
    let file = PipelineFile::parse(text)?;
    let settings = Settings::unite(&ExportArgs::default(), &file, Kind::Export)
        .map_err(|error| format!("{error:#}"))?;
    Ok((settings.client, settings.request))
}

/// The published schema of pipeline files.
pub fn pipeline_schema() -> Value {
    json_schema()
}

/// A duration such as `15m`.
pub fn duration(text: &str) -> Option<Duration> {
    quantity::duration(text).ok()
}

/// An instant of the command line, such as `T-7d`, for a clock that shows `now`.
pub fn when(text: &str, now: Timestamp) -> Option<Timestamp> {
    text.parse::<When>().ok().map(|when| when.at(now))
}
