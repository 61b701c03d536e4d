//! Whoever writes can be asked to stop.

use std::fmt;
use std::sync::Arc;

use crate::error::DatasetError;

/// Says whether somebody has asked to stop. It is looked at where stopping costs nothing that is
/// published: between two batches of a day, and while others keep commits waiting.
#[derive(Clone, Default)]
pub(crate) struct Asked(Option<Arc<dyn Fn() -> bool + Send + Sync>>);

impl Asked {
    pub(crate) fn by(asked: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(asked)))
    }

    /// Nobody has asked to stop.
    pub(crate) fn go_on(&self) -> Result<(), DatasetError> {
        match &self.0 {
            Some(asked) if asked() => Err(DatasetError::Stopped),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Asked")
            .field(&self.go_on().is_err())
            .finish()
    }
}
