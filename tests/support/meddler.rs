//! A gateway between exporter and tenant that can spoil answers byte by byte, as no HTTP library lets
//! a server do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lcw_simulator::Simulator;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// What is sent instead of a good answer.
#[derive(Debug, Clone)]
pub enum Reply {
    /// These bytes, and the connection is closed.
    Bytes(Vec<u8>),
    /// These bytes, and nothing more for a day.
    Silence(Vec<u8>),
}

/// The answer that the tenant gave.
#[derive(Debug, Clone)]
pub struct Good {
    /// Its status line.
    pub status: String,
    /// Its headers, without those about its length, its encoding and its connection.
    pub headers: Vec<(String, String)>,
    /// Its body, as plain text.
    pub body: Vec<u8>,
}

impl Good {
    /// Puts it together again, with the length that it has.
    pub fn reply(&self) -> Reply {
        let length = ("content-length".to_owned(), self.body.len().to_string());
        self.reply_with(&[length])
    }

    /// Puts it together with these headers instead of its length.
    pub fn reply_with(&self, headers: &[(String, String)]) -> Reply {
        let mut bytes = format!("{}\r\n", self.status).into_bytes();
        for (name, value) in self.headers.iter().chain(headers) {
            bytes.extend(format!("{name}: {value}\r\n").bytes());
        }
        bytes.extend(b"connection: close\r\n\r\n");
        bytes.extend(&self.body);
        Reply::Bytes(bytes)
    }

    /// The same answer with another body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The same answer with another status line.
    #[must_use]
    pub fn with_status(mut self, status: &str) -> Self {
        self.status = format!("HTTP/1.1 {status}");
        self
    }

    /// The same answer with a header more.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same answer without a header.
    #[must_use]
    pub fn without_header(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }
}

/// Decides about an answer: by the path and query that were asked for, and how often that path has
/// been asked for, from 1.
type Meddle = dyn Fn(&str, u64, Good) -> Reply + Send + Sync;

/// Stands before a tenant; the tenant's next links lead to it.
pub struct Meddler {
    origin: String,
    task: AbortHandle,
    asked: Arc<Mutex<BTreeMap<String, u64>>>,
}

impl Drop for Meddler {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Meddler {
    /// Starts listening.
    pub async fn before(
        tenant: &Simulator,
        meddle: impl Fn(&str, u64, Good) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<BTreeMap<String, u64>>>::default();
        let gateway = Arc::new(Gateway {
            origin: origin.clone(),
            tenant: tenant.origin().to_owned(),
            asked: Arc::clone(&asked),
            meddle: Box::new(meddle),
        });
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let gateway = Arc::clone(&gateway);
                tokio::spawn(async move { gateway.serve(stream).await });
            }
        });
        Self {
            origin,
            task: task.abort_handle(),
            asked,
        }
    }

    /// Where it listens.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How often a path was asked for whose text contains this.
    pub fn count(&self, part: &str) -> u64 {
        let asked = self.asked.lock().unwrap();
        let paths = asked.iter().filter(|(path, _)| path.contains(part));
        paths.map(|(_, count)| count).sum()
    }
}

struct Gateway {
    origin: String,
    tenant: String,
    asked: Arc<Mutex<BTreeMap<String, u64>>>,
    meddle: Box<Meddle>,
}

impl Gateway {
    /// One request: connections are not kept. Whoever asks may be gone already.
    async fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let (head, body) = read_request(&mut stream).await?;
        let target = head.split(' ').nth(1)?.to_owned();
        let nth = {
            let mut asked = self.asked.lock().ok()?;
            let count = asked.entry(target.clone()).or_default();
            *count += 1;
            *count
        };
        let good = self.ask(&head, &body).await?;
        match (self.meddle)(&target, nth, good) {
            Reply::Bytes(bytes) => {
                stream.write_all(&bytes).await.ok()?;
                stream.shutdown().await.ok()
            }
            Reply::Silence(bytes) => {
                stream.write_all(&bytes).await.ok()?;
                stream.flush().await.ok()?;
                tokio::time::sleep(Duration::from_hours(24)).await;
                Some(())
            }
        }
    }

    /// What the tenant says to the same request, in plain text.
    async fn ask(&self, head: &str, body: &[u8]) -> Option<Good> {
        let address = self.tenant.strip_prefix("http://")?;
        let mut tenant = TcpStream::connect(address).await.ok()?;
        let kept = head.lines().filter(|line| {
            let line = line.to_ascii_lowercase();
            let dropped = [
                "accept-encoding:",
                "connection:",
                "content-length:",
                "host:",
            ];
            !line.is_empty() && !dropped.iter().any(|name| line.starts_with(name))
        });
        let mut request = kept.collect::<Vec<_>>().join("\r\n").into_bytes();
        // A token is asked for by the name of what it is for: the tenant goes by its own.
        let encoded = |origin: &str| origin.replace(':', "%3A").replace('/', "%2F");
        let form =
            String::from_utf8_lossy(body).replace(&encoded(&self.origin), &encoded(&self.tenant));
        let length = form.len();
        request.extend(
            format!("\r\nhost: {address}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n")
                .bytes(),
        );
        request.extend(form.bytes());
        tenant.write_all(&request).await.ok()?;
        let mut answer = Vec::new();
        tenant.read_to_end(&mut answer).await.ok()?;
        let end = end_of_head(&answer)?;
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let body = String::from_utf8_lossy(&answer[end..]).replace(&self.tenant, &self.origin);
        let mut lines = head.lines();
        let status = lines.next()?.to_owned();
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.filter(|(name, _)| {
            !["content-length", "connection", "content-encoding"].contains(name)
        });
        Some(Good {
            status,
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            body: body.into_bytes(),
        })
    }
}

/// The head of a request and its body, as long as its head says.
async fn read_request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = end_of_head(&bytes) {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let mut body = bytes.split_off(end);
    let head = String::from_utf8(bytes).ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    while body.len() < length.unwrap_or(0) {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some((head, body))
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some(end + 4)
}
