//! A day of a dataset that exists for no tenant.

use std::convert::Infallible;
use std::path::Path;

use lcw_dataset::{Identity, Incoming, ManifestHead, Writer};
use lcw_pipeline::{FileFormat, layout, specs};
use lcw_transform::{Rows, Table};

/// Merges runs into the one day of user processing results in the Parquet dataset `out`, as export
/// `number`: reads what is stored, merges, writes, checks, and puts it in its place.
pub fn merge_into_day(out: &Path, number: u32, runs: &[Rows]) {
    let format = FileFormat::Parquet.loader();
    let tables = specs(&layout(format.as_ref(), false)).unwrap();
    let identity = Identity::new(format.as_ref());
    let tenant = "11111111-2222-3333-4444-555555555555";
    let mut writer = Writer::acquire(out, &identity, tenant, format, tables).unwrap();
    let head = ManifestHead {
        export_id: format!("20261122T000000.{number:06}Z"),
        kind: "export".into(),
        args_hash: String::new(),
        started_at: jiff::Timestamp::UNIX_EPOCH,
        window: None,
    };
    let mut export = writer.begin(head).unwrap();
    let mut day = export.day(Some(jiff::civil::date(2026, 11, 22))).unwrap();
    let incoming = runs.iter().map(|rows| {
        Ok::<_, Infallible>(Incoming {
            batch: rows.batch.clone(),
            absent: rows.absent.clone(),
        })
    });
    let table = Table::UserProcessingResults.name();
    day.merge(table, incoming).unwrap();
    day.commit().unwrap();
}
