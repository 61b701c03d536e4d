//! Pipeline files.

use std::sync::OnceLock;
use std::time::Duration;

use lcw_cli::fuzzing::{pipeline_file as read, pipeline_schema};
use lcw_pipeline::FileFormat;
use serde_json::Value;

/// A text as a pipeline file, and as the settings of an export.
pub fn pipeline_file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (client, request) = match read(text) {
        Ok(settings) => settings,
        Err(problem) => return assert!(!problem.trim().is_empty(), "{text:?}"),
    };
    let file: toml::Table = text.parse().expect("what was taken is TOML");
    for (section, keys) in &file {
        let known = &schema()["properties"][section]["$ref"];
        let name = known.as_str().and_then(|name| name.rsplit('/').next());
        let name = name.unwrap_or_else(|| panic!("no section {section:?} is published"));
        for key in keys.as_table().expect("a section is a table").keys() {
            let known = &schema()["$defs"][name]["properties"][key];
            assert!(!known.is_null(), "no key {key:?} is published");
        }
    }
    let of = |section: &str, key: &str| file.get(section).and_then(|keys| keys.get(key));
    assert!(request.lookback <= Duration::from_hours(30 * 24));
    assert!(request.max_concurrency > 0);
    let rate = client.requests_per_second;
    assert!(rate.is_none_or(|rate| rate.is_finite() && rate > 0.0));
    let wanted = of("load", "format").and_then(toml::Value::as_str);
    assert_eq!(
        request.format == FileFormat::Parquet,
        wanted.unwrap_or("parquet") == "parquet"
    );
    let out = of("load", "out").and_then(toml::Value::as_str);
    assert_eq!(request.out.to_str(), Some(out.unwrap_or("lcw-data")));
    let keep_raw = of("load", "keep_raw").and_then(toml::Value::as_bool);
    assert_eq!(request.keep_raw, keep_raw.unwrap_or(false));
}

fn schema() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(pipeline_schema)
}
