//! How a forget ends that is asked to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::error::PipelineError;
use crate::export::Stop;

/// How far it has come, as far as it matters to whoever stops it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Stage {
    /// No file of the dataset is another than before.
    Untouched,
    /// It is on record, and files are being replaced.
    Begun,
    /// The dataset is without them; what is left is looking through snapshots.
    Done,
}

/// Who wants it to stop, and what they are told.
#[derive(Clone)]
pub(super) struct Stopping {
    stop: Stop,
    stage: Arc<AtomicU8>,
}

impl Stopping {
    pub(super) fn new(stop: Stop) -> Self {
        Self {
            stop,
            stage: Arc::new(AtomicU8::new(Stage::Untouched as u8)),
        }
    }

    pub(super) fn reach(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Release);
    }

    pub(super) fn is_asked(&self) -> bool {
        self.stop.borrow().is_some()
    }

    /// An error once somebody has asked to stop.
    pub(super) fn check(&self) -> Result<(), PipelineError> {
        let asked = *self.stop.borrow();
        asked.map_or(Ok(()), |code| Err(self.stopped(code)))
    }

    /// Where it was stopped, in words.
    pub(super) fn stopped(&self, code: u8) -> PipelineError {
        let stage = self.stage.load(Ordering::Acquire);
        let told = match stage {
            _ if stage == Stage::Untouched as u8 => {
                "nothing was changed; run it again to forget them"
            }
            _ if stage == Stage::Begun as u8 => {
                "files that were not reached still hold them; every file is whole, no export brings \
                 anybody back; run the same again to finish"
            }
            _ => {
                "the dataset is without them; snapshots were not looked through to the end: run the \
                 same again"
            }
        };
        PipelineError::ForgetStopped { code, state: told }
    }
}
