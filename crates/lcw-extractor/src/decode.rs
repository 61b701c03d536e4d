//! The seam between getting pages and understanding them.

use std::error::Error;

/// Understands the pages of one collection, or one entity.
pub trait PageDecoder {
    /// What a page becomes.
    type Output;

    /// Reads one body: complete, valid UTF-8, status 2xx.
    ///
    /// Called once per good page. A body that is refused as
    /// [`DecodeError::Damaged`] is asked for again, so a decoder must not have
    /// kept anything of it.
    ///
    /// # Errors
    /// [`DecodeError::Damaged`] when another try may bring a good body,
    /// [`DecodeError::Invalid`] when it would bring the same.
    fn decode(&mut self, body: &str) -> Result<Decoded<Self::Output>, DecodeError>;

    /// The collection starts again from its first page, because the service no
    /// longer knows the link to the next one. Rows already delivered come again,
    /// which is harmless to a reader that keeps the last of each key; one that
    /// counts starts over here.
    fn restarted(&mut self) {}
}

/// A decoded page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded<T> {
    /// What the decoder made of the page.
    pub output: T,
    /// The page's `@odata.nextLink`, exactly as it was sent; `None` ends the collection.
    pub next_link: Option<String>,
    /// How many rows the page held, for the log.
    pub rows: usize,
}

/// Why a body could not be decoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The body was cut or garbled on its way: asked for again, like a lost connection.
    #[error("the body is damaged")]
    Damaged(#[source] Box<dyn Error + Send + Sync>),
    /// The body is what the service means to say, and it cannot be used.
    #[error("the body cannot be used")]
    Invalid(#[source] Box<dyn Error + Send + Sync>),
}

impl DecodeError {
    /// A body worth asking for again.
    pub fn damaged(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Damaged(error.into())
    }

    /// A body that stays as it is.
    pub fn invalid(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Invalid(error.into())
    }
}
