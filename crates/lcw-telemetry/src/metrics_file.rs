//! The file that Prometheus' node exporter reads (its textfile collector).

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::exposition::{merged, text};
use crate::measure::{Ended, measure};

/// Where the metrics of exports go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricsFile {
    path: PathBuf,
}

/// The file could not be written. The one that was there before stays.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the metrics file {}: {source}", path.display())]
pub struct MetricsFileError {
    path: PathBuf,
    source: io::Error,
}

impl MetricsFile {
    /// Metrics go to `path`; readers see the old or the new file, never a part.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what is known of an export that has ended, beside what the file holds of other kinds of
    /// exports.
    ///
    /// # Errors
    /// When the folder is missing or may not be written to.
    pub fn write(&self, ended: &Ended<'_>) -> Result<(), MetricsFileError> {
        let old = std::fs::read(&self.path).unwrap_or_default();
        let families = merged(&String::from_utf8_lossy(&old), &measure(ended), ended.kind);
        self.replace(&text(&families))
            .map_err(|source| MetricsFileError {
                path: self.path.clone(),
                source,
            })
    }

    /// Under a name that no collector takes for metrics until it is whole.
    fn replace(&self, text: &str) -> io::Result<()> {
        let parent = self.path.parent();
        let folder = parent.filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".lcw-metrics-");
        readable_by_all(&mut builder);
        let mut file = builder.tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}

/// The node exporter is another user; the umask has its say.
#[cfg(unix)]
fn readable_by_all(builder: &mut tempfile::Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt as _;
    builder.permissions(std::fs::Permissions::from_mode(0o644));
}

#[cfg(not(unix))]
fn readable_by_all(_: &mut tempfile::Builder<'_, '_>) {}
