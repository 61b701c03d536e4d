//! What an export is doing right now, for whoever wants to show it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers that grow while an export runs. Cheap to update, cheap to poll.
#[derive(Debug, Default)]
pub struct Progress {
    doing: Mutex<String>,
    runs_planned: AtomicU64,
    runs_done: AtomicU64,
    rows: AtomicU64,
}

/// One look at [`Progress`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// What the export is doing, in words.
    pub doing: String,
    /// Runs whose results are to be read.
    pub runs_planned: u64,
    /// Runs whose results were read.
    pub runs_done: u64,
    /// Rows fetched.
    pub rows: u64,
}

impl Progress {
    /// What is happening now.
    pub fn glance(&self) -> Glance {
        Glance {
            doing: self
                .doing
                .lock()
                .map(|text| text.clone())
                .unwrap_or_default(),
            runs_planned: self.runs_planned.load(Ordering::Relaxed),
            runs_done: self.runs_done.load(Ordering::Relaxed),
            rows: self.rows.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn doing(&self, text: impl Into<String>) {
        if let Ok(mut doing) = self.doing.lock() {
            *doing = text.into();
        }
    }

    pub(crate) fn plan_runs(&self, runs: usize) {
        self.runs_planned.store(runs as u64, Ordering::Relaxed);
    }

    pub(crate) fn run_read(&self, rows: usize) {
        self.runs_done.fetch_add(1, Ordering::Relaxed);
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
    }
}
