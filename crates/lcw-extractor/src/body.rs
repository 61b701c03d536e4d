//! Reading a body into one buffer, no further than a cap.

use reqwest::Response;

/// The most that is read of an error body, in bytes.
pub(crate) const ERROR_BODY_CAP: usize = 64 << 10;
/// Room for a page of 100 results, when nobody says how long it is: a compressed one does not.
const FIRST_CAPACITY: usize = 64 << 10;
/// A buffer larger than this is not kept for the next page.
const KEEP_CAPACITY: usize = 4 << 20;

/// Why a body was not read to its end.
#[derive(Debug)]
pub(crate) enum BodyError {
    /// The connection broke, or the compression did.
    Cut(reqwest::Error),
    /// It grew beyond the cap. Nothing more was read.
    TooLarge,
}

/// One body at a time; the memory stays from page to page.
#[derive(Debug, Default)]
pub(crate) struct BodyBuffer {
    bytes: Vec<u8>,
}

impl BodyBuffer {
    /// Reads a whole body. The cap counts decoded bytes as they come, so a small
    /// answer that unpacks to a huge one ends there.
    pub(crate) async fn fill(&mut self, mut answer: Response, cap: usize) -> Result<(), BodyError> {
        self.bytes.clear();
        let announced = answer
            .content_length()
            .and_then(|length| usize::try_from(length).ok());
        self.bytes.reserve(
            announced
                .unwrap_or(FIRST_CAPACITY)
                .min(cap)
                .min(KEEP_CAPACITY),
        );
        while let Some(chunk) = answer.chunk().await.map_err(cut)? {
            if self.bytes.len() + chunk.len() > cap {
                return Err(BodyError::TooLarge);
            }
            self.bytes.extend_from_slice(&chunk);
        }
        Ok(())
    }

    /// The body as text, without a byte order mark. The one check of its UTF-8.
    pub(crate) fn text(&self) -> Result<&str, std::str::Utf8Error> {
        let text = std::str::from_utf8(&self.bytes)?;
        Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
    }

    /// Gives the memory of an unusually large page back.
    pub(crate) fn recycle(&mut self) {
        if self.bytes.capacity() > KEEP_CAPACITY {
            self.bytes = Vec::new();
        }
    }
}

/// The start of an error body, as far as it can be had.
pub(crate) async fn start_of(mut answer: Response) -> Vec<u8> {
    let mut start = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        let room = ERROR_BODY_CAP - start.len();
        start.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if start.len() == ERROR_BODY_CAP {
            break;
        }
    }
    start
}

fn cut(error: reqwest::Error) -> BodyError {
    BodyError::Cut(error.without_url())
}
