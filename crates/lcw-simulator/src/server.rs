//! The socket: accepts connections on loopback and hands requests to the service.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{ACCEPT_ENCODING, AUTHORIZATION, HeaderMap, USER_AGENT};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::answer::Delivery;
use crate::body::{self, AnswerBody};
use crate::service::{Asked, Service};

/// Forms are short; nobody posts more.
const LARGEST_FORM: usize = 256 * 1024;

/// Accepts connections until the task is aborted; connections end with it.
pub(crate) async fn serve(listener: TcpListener, service: Arc<Service>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(stream, Arc::clone(&service)));
                } else {
                    // Out of descriptors: wait for a connection to end.
                    tokio::task::yield_now().await;
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, service: Arc<Service>) {
    // Answers are written in one piece; waiting for more would only add latency.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let reset = Arc::new(AtomicBool::new(false));
    let wire = Wire {
        io: TokioIo::new(stream),
        reset: Arc::clone(&reset),
    };
    let handler = service_fn(move |request| {
        let service = Arc::clone(&service);
        let reset = Arc::clone(&reset);
        async move { respond(request, &service, &reset).await }
    });
    let served = http1::Builder::new()
        .auto_date_header(false)
        .serve_connection(wire, handler)
        .await;
    // A connection that breaks is the client's affair, or a fault on request.
    drop(served);
}

async fn respond(
    request: Request<Incoming>,
    service: &Service,
    reset: &AtomicBool,
) -> Result<Response<AnswerBody>, io::Error> {
    let (parts, incoming) = request.into_parts();
    let gzip_wanted = accepts_gzip(&parts.headers);
    let form = Limited::new(incoming, LARGEST_FORM).collect().await;
    let body = form.map_or_else(
        |_| String::new(),
        |form| String::from_utf8_lossy(&form.to_bytes()).into_owned(),
    );
    let asked = Asked {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        authorization: text(&parts.headers, AUTHORIZATION.as_str()),
        prefer: text(&parts.headers, "prefer"),
        client_request_id: text(&parts.headers, "client-request-id"),
        user_agent: text(&parts.headers, USER_AGENT.as_str()),
        metadata: text(&parts.headers, "metadata"),
        identity_header: text(&parts.headers, "x-identity-header"),
        is_forwarded: parts.headers.contains_key("x-forwarded-for"),
        body,
    };
    let answer = service.handle(&asked);
    if answer.delivery == Delivery::Reset {
        reset.store(true, Ordering::Relaxed);
        return Err(io::Error::from(io::ErrorKind::ConnectionReset));
    }
    let level = if gzip_wanted {
        service.tenant().0.config.answers.gzip_level
    } else {
        None
    };
    Ok(body::response(answer, level))
}

/// All values of a header, joined as one list.
fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Vec<_> = headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect();
    (!values.is_empty()).then(|| values.join(", "))
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    text(headers, ACCEPT_ENCODING.as_str())
        .is_some_and(|accepted| accepted.to_ascii_lowercase().contains("gzip"))
}

/// A socket that can be reset instead of being closed in order.
struct Wire {
    io: TokioIo<TcpStream>,
    reset: Arc<AtomicBool>,
}

impl Wire {
    fn is_reset(&self) -> bool {
        self.reset.load(Ordering::Relaxed)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.is_reset() {
            // Without lingering, closing sends RST. Where that fails the client sees an early end.
            let unset = self.io.inner().set_zero_linger();
            drop(unset);
        }
    }
}

impl Read for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl Write for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_reset() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }
}
