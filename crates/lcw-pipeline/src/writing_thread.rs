//! The thread that writes, awaited from the workers that read.

use std::thread;

use tokio::sync::oneshot;

use crate::error::PipelineError;

/// A thread of its own, for as long as the export lasts: tokio's pool of blocking threads is for
/// work that is soon done. (It also holds a paused clock still, and with it every test of waiting.)
pub(crate) struct WritingThread<T> {
    outcome: oneshot::Receiver<T>,
}

impl<T: Send + 'static> WritingThread<T> {
    /// # Errors
    /// The system has no thread to give.
    pub(crate) fn start(work: impl FnOnce() -> T + Send + 'static) -> Result<Self, PipelineError> {
        let (sender, outcome) = oneshot::channel();
        thread::Builder::new()
            .name("lcw-writer".to_owned())
            .spawn(move || {
                // Nobody is left to be told when the export was given up meanwhile.
                drop(sender.send(work()));
            })
            .map_err(PipelineError::Thread)?;
        Ok(Self { outcome })
    }

    /// # Errors
    /// The thread panicked.
    pub(crate) async fn outcome(self) -> Result<T, PipelineError> {
        self.outcome.await.map_err(|_| PipelineError::Writer)
    }
}
