//! Where files lie below the dataset's folder. Paths are relative, with `/`.
//!
//! Only validated values become part of a path: table names, tenant ids, dates and export ids.

use jiff::civil::Date;

use crate::error::DatasetError;
use crate::table::TableSpec;

pub(crate) const IDENTITY: &str = "_dataset.json";
pub(crate) const MANIFESTS: &str = "_manifests";
pub(crate) const STAGING: &str = "_staging";
pub(crate) const QUARANTINE: &str = "_quarantine";
/// Where people move damaged files to, as they are told.
pub const DAMAGED: &str = "_damaged";
pub(crate) const LOCK: &str = "_lock";
pub(crate) const LOCK_HOLDER: &str = "_lock.json";
pub(crate) const COMMIT_LOCK: &str = "_commit.lock";

/// Names that a folder may hold and still count as empty.
pub(crate) const HARMLESS: [&str; 5] = [STAGING, LOCK, LOCK_HOLDER, COMMIT_LOCK, "lost+found"];

/// The table whose rows say what was exported, and whose files are therefore renamed last.
pub(crate) const PARENT_TABLE: &str = "runs";

const RUN_DATE: &str = "run_date=";
const NDJSON: &str = ".ndjson";
const LONGEST_ID: usize = 100;

pub(crate) fn check_tenant(tenant: &str) -> Result<(), DatasetError> {
    let bytes = tenant.as_bytes();
    let is_guid = bytes.len() == 36
        && bytes
            .iter()
            .enumerate()
            .all(|(position, byte)| match position {
                8 | 13 | 18 | 23 => *byte == b'-',
                _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            });
    if is_guid {
        Ok(())
    } else {
        Err(DatasetError::InvalidTenant {
            tenant: tenant.to_owned(),
        })
    }
}

pub(crate) fn check_export_id(id: &str) -> Result<(), DatasetError> {
    let invalid = |problem| {
        Err(DatasetError::InvalidExportId {
            id: id.to_owned(),
            problem,
        })
    };
    if id.is_empty() || id.len() > LONGEST_ID {
        return invalid("it needs 1 to 100 characters");
    }
    if !id
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    {
        return invalid("it may hold letters, digits, '-', '_' and '.' only");
    }
    if !id.as_bytes()[0].is_ascii_alphanumeric() {
        return invalid("it has to begin with a letter or digit");
    }
    Ok(())
}

/// Folder of a tenant in a table.
pub(crate) fn tenant_folder(table: &TableSpec, tenant: &str) -> String {
    format!("{}/tenant_id={tenant}", table.name())
}

/// Path of a data file.
///
/// # Errors
/// A day for an undated table, none for a dated one, or a year that four digits cannot name.
pub(crate) fn data_file(
    table: &TableSpec,
    tenant: &str,
    day: Option<Date>,
    file_name: &str,
) -> Result<String, DatasetError> {
    let folder = tenant_folder(table, tenant);
    match day {
        Some(day) if table.by_day() && day.year() >= 0 => {
            Ok(format!("{folder}/{RUN_DATE}{day}/{file_name}"))
        }
        None if !table.by_day() => Ok(format!("{folder}/{file_name}")),
        _ => Err(DatasetError::InvalidTable {
            table: table.name().to_owned(),
            problem: match day {
                Some(day) if table.by_day() => format!("{day} cannot be a partition"),
                Some(_) => "it is not kept by day".into(),
                None => "it is kept by day".into(),
            },
        }),
    }
}

/// The day of a partition's folder name.
pub(crate) fn day_of(folder: &str) -> Option<Date> {
    let text = folder.strip_prefix(RUN_DATE)?;
    let day: Date = text.parse().ok()?;
    (day.to_string() == text).then_some(day)
}

/// Key of a day in a manifest.
pub(crate) fn day_key(day: Option<Date>) -> String {
    day.map_or_else(|| "undated".to_owned(), |day| day.to_string())
}

pub(crate) fn manifest_file(export_id: &str) -> String {
    format!("{MANIFESTS}/{export_id}.json")
}

pub(crate) fn staging_folder(export_id: &str) -> String {
    format!("{STAGING}/{export_id}")
}

pub(crate) fn quarantine_folder(export_id: &str) -> String {
    format!("{QUARANTINE}/{export_id}")
}

pub(crate) fn quarantine_file(export_id: &str, table: &str) -> String {
    format!("{QUARANTINE}/{export_id}/{table}{NDJSON}")
}

/// Whether a path is below the folder of quarantined lines.
pub(crate) fn is_quarantined(path: &str) -> bool {
    let below = path.strip_prefix(QUARANTINE);
    below.is_some_and(|below| below.starts_with('/'))
}

/// The table of a file of quarantined lines, by the file's name.
pub(crate) fn quarantined_table(file_name: &str) -> Option<&str> {
    file_name.strip_suffix(NDJSON)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lower_case_guids_are_tenants() {
        check_tenant("0f00a000-0000-0000-0000-00000000000f").unwrap();
        for tenant in [
            "",
            "..",
            "contoso.com",
            "0F00A000-0000-0000-0000-00000000000F",
            "0f00a000-0000-0000-0000-00000000000/",
            "0f00a00000000000000000000000000000ff",
            "0f00a000-0000-0000-0000-00000000000f\n",
            "0f00a000-0000-0000-0000-00000000000é",
        ] {
            assert!(check_tenant(tenant).is_err(), "{tenant:?}");
        }
    }

    #[test]
    fn export_ids_cannot_climb_or_hide() {
        check_export_id("20261122T101500.000000Z").unwrap();
        for id in [
            "", ".", "..", "../x", "a/b", "a\\b", "_a", "-a", "a b", "a\0",
        ] {
            assert!(check_export_id(id).is_err(), "{id:?}");
        }
        assert!(check_export_id(&"a".repeat(101)).is_err());
    }

    #[test]
    fn days_are_read_back_from_folder_names() {
        assert_eq!(
            day_of("run_date=2026-11-22"),
            Some(jiff::civil::date(2026, 11, 22))
        );
        for name in [
            "run_date=2026-11-32",
            "run_date=20261122",
            "run_date=",
            "2026-11-22",
            "x",
        ] {
            assert_eq!(day_of(name), None, "{name}");
        }
    }
}
