//! The dataset as a report reads it: one tenant, files that may be replaced meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use arrow::array::RecordBatch;
use jiff::civil::Date;
use lcw_dataset::{Dataset, DatasetError};
use lcw_model::time::date_of;
use lcw_pipeline::{DatasetStatus, FileFormat, TenantStatus, layout, specs, status};
use lcw_transform::Table;

use crate::batch::{Row, rows};
use crate::error::ReportError;
use crate::request::ReportRequest;

/// How often something is read again whose files were replaced meanwhile.
const ATTEMPTS: u32 = 6;

/// Exports that are looked at for the last listing of a workflow.
const NEWEST_MANIFESTS: usize = 50;

/// Tables whose rows have to be of the same moment within a day, children first.
const DAILY: [Table; 3] = [
    Table::UserProcessingResults,
    Table::TaskProcessingResults,
    Table::Runs,
];

/// One tenant of a dataset.
pub(crate) struct Source {
    root: PathBuf,
    dataset: Dataset,
    pub(crate) tenant: TenantStatus,
    /// The dataset leaves out users.
    pub(crate) filter: Option<String>,
    /// Days with runs, oldest first, with the path of their file.
    days: BTreeMap<Date, String>,
}

impl Source {
    pub(crate) fn open(request: &ReportRequest) -> Result<Self, ReportError> {
        let root = request.out.clone();
        // Until there is a dataset, `status` says what is wrong.
        let Some(identity) = Dataset::inspect(&root)? else {
            let missing = status(&root).map(|_| ());
            missing?;
            return Err(ReportError::usage(
                "there is no dataset",
                "name it with --out",
            ));
        };
        let format = FileFormat::from_names(&identity.format, &identity.compression);
        let format = format.ok_or_else(|| {
            ReportError::usage(
                format!("this version does not know the format {}", identity.format),
                "use the version that writes the dataset",
            )
        })?;
        let loader = format.loader();
        let tables = specs(&layout(loader.as_ref(), false))?;
        let dataset = Dataset::open(&root, loader, tables)?;
        let tenant = choose(&identity.tenants, request.tenant.as_deref())?;
        let state = settled_status(&root, &dataset, &tenant)?;
        let filter = state.filter;
        let found = state.tenants.into_iter().find(|it| it.tenant_id == tenant);
        let tenant = found.ok_or_else(no_such_tenant)?;
        let days = days(&dataset, &tenant.tenant_id)?;
        Ok(Self {
            root,
            dataset,
            tenant,
            filter,
            days,
        })
    }

    /// Days that have runs, oldest first.
    pub(crate) fn days(&self) -> impl DoubleEndedIterator<Item = Date> + '_ {
        self.days.keys().copied()
    }

    /// Calls `each` with every row of one file; nothing when there is no file.
    pub(crate) fn read(
        &self,
        table: Table,
        day: Option<Date>,
        columns: &[&str],
        mut each: impl FnMut(Row<'_>),
    ) -> Result<(), DatasetError> {
        let tenant = &self.tenant.tenant_id;
        let batches = self
            .dataset
            .read(table.name(), tenant, day, Some(columns))?;
        for batch in batches.into_iter().flatten() {
            let batch: RecordBatch = batch?;
            rows(&batch).for_each(&mut each);
        }
        Ok(())
    }

    /// What `read` makes of one day while none of the day's files was replaced.
    pub(crate) fn at_rest<T>(
        &self,
        day: Date,
        mut read: impl FnMut() -> Result<T, DatasetError>,
    ) -> Result<T, ReportError> {
        let path = self.days.get(&day).cloned().unwrap_or_default();
        let files: Vec<PathBuf> = DAILY
            .iter()
            .map(|table| {
                self.root
                    .join(path.replacen(Table::Runs.name(), table.name(), 1))
            })
            .collect();
        at_rest(&day.to_string(), &files, || {
            read().map_err(ReportError::from)
        })
    }

    /// The last complete listing of each of these workflows, and maybe of others; looks at the newest
    /// manifests only.
    pub(crate) fn listings(&self, wanted: &[&str]) -> Result<Listings, ReportError> {
        let mut listed = Listings::default();
        for manifest in self.dataset.manifests()?.take(NEWEST_MANIFESTS) {
            let manifest = manifest?;
            if manifest.tenant_id != self.tenant.tenant_id || manifest.kind != "export" {
                continue;
            }
            for (id, listing) in manifest.listings.iter().filter(|(_, it)| it.complete) {
                let at = listing.listed_at.as_microsecond();
                let from = listing.from.as_microsecond();
                listed.by_workflow.entry(id.clone()).or_insert((from, at));
            }
            if wanted.iter().all(|id| listed.by_workflow.contains_key(*id)) {
                break;
            }
        }
        Ok(listed)
    }

    /// Days of the window `[from, to)` that have runs.
    pub(crate) fn days_between(&self, from: i64, to: Option<i64>) -> Vec<Date> {
        let is_in = |day: &Date| {
            *day >= date_of(from) && to.is_none_or(|to| *day <= date_of(to.saturating_sub(1)))
        };
        self.days().filter(is_in).collect()
    }
}

/// The last complete listings of workflows.
#[derive(Debug, Default)]
pub(crate) struct Listings {
    /// From which schedule on, and when, in microseconds by the service's clock.
    by_workflow: BTreeMap<String, (i64, i64)>,
}

impl Listings {
    /// Up to when all of these workflows are known; of any, where none of these is.
    pub(crate) fn until(&self, workflows: &[&str]) -> Option<i64> {
        let of = workflows.iter().filter_map(|id| self.by_workflow.get(*id));
        let any = || self.by_workflow.values().map(|(_, at)| *at).max();
        of.map(|(_, at)| *at).min().or_else(any)
    }

    /// From which schedule on all of these workflows are known.
    pub(crate) fn from(&self, workflows: &[&str]) -> Option<i64> {
        let from = |id: &&str| self.by_workflow.get(*id).map(|(from, _)| *from);
        let all: Option<Vec<i64>> = workflows.iter().map(from).collect();
        all?.into_iter().max()
    }
}

fn days(dataset: &Dataset, tenant: &str) -> Result<BTreeMap<Date, String>, DatasetError> {
    let files = dataset.files(Table::Runs.name(), tenant)?;
    let by_day = files
        .into_iter()
        .filter_map(|file| Some((file.day?, file.path)));
    Ok(by_day.collect())
}

fn choose(tenants: &BTreeSet<String>, wanted: Option<&str>) -> Result<String, ReportError> {
    let is_wanted =
        |tenant: &&String| wanted.is_none_or(|wanted| tenant.eq_ignore_ascii_case(wanted));
    let mut fitting = tenants.iter().filter(is_wanted);
    match (fitting.next(), fitting.next()) {
        (Some(tenant), None) => Ok(tenant.clone()),
        (Some(_), Some(_)) => {
            let all: Vec<&str> = tenants.iter().map(String::as_str).collect();
            Err(ReportError::usage(
                format!("the dataset has several tenants: {}", all.join(", ")),
                "name one with --tenant-id",
            ))
        }
        (None, _) => Err(no_such_tenant()),
    }
}

fn no_such_tenant() -> ReportError {
    ReportError::usage(
        "the dataset has no such tenant",
        "lcw status shows its tenants",
    )
}

/// The status of a dataset whose files were not replaced meanwhile: it reads children before their
/// runs, and would take a run that was read anew in between for one that lacks rows.
fn settled_status(
    root: &Path,
    dataset: &Dataset,
    tenant: &str,
) -> Result<DatasetStatus, ReportError> {
    let mut files = Vec::new();
    for table in DAILY {
        let of_table = dataset.files(table.name(), tenant)?;
        files.extend(of_table.into_iter().map(|file| root.join(file.path)));
    }
    at_rest("the dataset", &files, || {
        status(root).map_err(ReportError::from)
    })
}

/// What `read` makes of files that are the same afterwards as before; an error that comes with a
/// replaced file is one that another attempt may not meet.
fn at_rest<T>(
    what: &str,
    files: &[PathBuf],
    mut read: impl FnMut() -> Result<T, ReportError>,
) -> Result<T, ReportError> {
    for attempt in 1..=ATTEMPTS {
        let before = stamps(files);
        let outcome = read();
        if stamps(files) == before {
            return outcome;
        }
        thread::sleep(Duration::from_millis(100) * attempt);
    }
    Err(ReportError::Moving {
        what: what.to_owned(),
        attempts: ATTEMPTS,
    })
}

/// What changes when a file is replaced; nothing for one that is not there.
fn stamps(files: &[PathBuf]) -> Vec<Option<(u64, u64, Option<SystemTime>)>> {
    let stamp = |path: &PathBuf| {
        let file = fs::metadata(path).ok()?;
        Some((inode(&file), file.len(), file.modified().ok()))
    };
    files.iter().map(stamp).collect()
}

#[cfg(unix)]
fn inode(file: &fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    file.ino()
}

/// Size and time have to do where files have no number.
#[cfg(not(unix))]
fn inode(_: &fs::Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn what_was_read_from_files_that_moved_is_read_again() {
        let folder = std::env::temp_dir().join(format!("lcw-report-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("a");
        fs::write(&file, "1").unwrap();
        let files = [file.clone(), folder.join("none")];
        let reads = Cell::new(0);
        let read = |moves: u32| {
            reads.set(0);
            at_rest("x", &files, || {
                reads.set(reads.get() + 1);
                let text = fs::read_to_string(&file).unwrap();
                if reads.get() <= moves {
                    fs::write(&file, format!("{text}+")).unwrap();
                    return Err(ReportError::usage("torn", "x"));
                }
                Ok(text)
            })
        };
        assert_eq!(read(0).unwrap(), "1");
        assert_eq!(read(2).unwrap(), "1++");
        assert_eq!(reads.get(), 3);
        let moving = read(99).unwrap_err();
        assert!(moving.to_string().contains("6 times"), "{moving}");
        assert!(moving.remedy().unwrap().contains("lcw snapshot"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
