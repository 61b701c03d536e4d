//! Turns an answer into an HTTP response: compression, and bodies that come badly.

use std::future::Future;
use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::Response;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, VARY};
use tokio::time::Sleep;

use crate::answer::{Answer, Delivery};

/// Bodies shorter than this are not worth compressing.
const SMALLEST_GZIP: usize = 200;

/// The bytes of a response, and how they go out.
#[derive(Debug)]
pub(crate) struct AnswerBody {
    rest: Bytes,
    mode: Mode,
}

#[derive(Debug)]
enum Mode {
    Whole,
    /// Fails once everything has gone out, before the promised length.
    Cut {
        flushed: bool,
    },
    Slow {
        chunk: usize,
        pause: Duration,
        sleep: Option<Pin<Box<Sleep>>>,
    },
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        match &mut this.mode {
            Mode::Whole => Poll::Ready(next(&mut this.rest, usize::MAX).map(Ok)),
            Mode::Cut { flushed } => {
                if let Some(frame) = next(&mut this.rest, usize::MAX) {
                    return Poll::Ready(Some(Ok(frame)));
                }
                if !*flushed {
                    // Pending once, so that what is there goes out before the connection breaks.
                    *flushed = true;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Ready(Some(Err(io::Error::other("cut on request"))))
            }
            Mode::Slow {
                chunk,
                pause,
                sleep,
            } => {
                if let Some(waiting) = sleep
                    && waiting.as_mut().poll(context).is_pending()
                {
                    return Poll::Pending;
                }
                *sleep = Some(Box::pin(tokio::time::sleep(*pause)));
                Poll::Ready(next(&mut this.rest, *chunk).map(Ok))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && !matches!(self.mode, Mode::Cut { .. })
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

fn next(rest: &mut Bytes, most: usize) -> Option<Frame<Bytes>> {
    if rest.is_empty() {
        return None;
    }
    let chunk = rest.split_to(most.min(rest.len()));
    Some(Frame::data(chunk))
}

/// Builds the response; `gzip_level` is `None` where the client or the configuration does not want it.
pub(crate) fn response(answer: Answer, gzip_level: Option<u32>) -> Response<AnswerBody> {
    let compressed = gzip_level
        .filter(|_| answer.body.len() >= SMALLEST_GZIP)
        .map(|level| gzip(&answer.body, level));
    let mut builder = Response::builder()
        .status(answer.status)
        .header(CONTENT_TYPE, answer.content_type)
        .header(VARY, "Accept-Encoding");
    if compressed.is_some() {
        builder = builder.header(CONTENT_ENCODING, "gzip");
    }
    for (name, value) in &answer.headers {
        // A value that no header may hold is echoed nowhere.
        if let Ok(value) = HeaderValue::from_str(value) {
            builder = builder.header(*name, value);
        }
    }
    let bytes = compressed.unwrap_or(answer.body);
    let kept = |per_mille: u16| bytes.slice(..bytes.len() * usize::from(per_mille) / 1_000);
    let (length, rest, mode) = match answer.delivery {
        Delivery::Whole | Delivery::Reset => (bytes.len(), bytes, Mode::Whole),
        Delivery::Cut { keep_per_mille } => (
            bytes.len(),
            kept(keep_per_mille),
            Mode::Cut { flushed: false },
        ),
        Delivery::CutInflated { keep_per_mille } => {
            let rest = kept(keep_per_mille);
            (rest.len(), rest, Mode::Whole)
        }
        Delivery::Slow { chunk, pause } => (
            bytes.len(),
            bytes,
            Mode::Slow {
                chunk,
                pause,
                sleep: None,
            },
        ),
    };
    builder
        .header(CONTENT_LENGTH, length)
        .body(AnswerBody { rest, mode })
        .unwrap_or_else(|_| {
            Response::new(AnswerBody {
                rest: Bytes::new(),
                mode: Mode::Whole,
            })
        })
}

fn gzip(body: &[u8], level: u32) -> Bytes {
    let mut encoder = GzEncoder::new(
        Vec::with_capacity(body.len() / 4),
        Compression::new(level.min(9)),
    );
    let written = encoder.write_all(body).and_then(|()| encoder.finish());
    written.map_or_else(|_| Bytes::new(), Bytes::from)
}
