//! A small HTTP server that answers as a script says, and what most tests need.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt as _, future, pin_mut};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

use crate::{
    ClientConfig, CollectionRequest, DecodeError, Decoded, ExtractError, GraphClient, GraphPath,
    PageDecoder, ReadyToken, SecretString,
};

/// A request as it came in.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) at: Instant,
    pub(super) method: String,
    /// Path and query, exactly as sent.
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Seen {
    /// A header by its lower-case name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(super) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

/// How an answer leaves the server.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Delivery {
    Whole,
    /// With a length that is never reached: the connection ends after so many bytes.
    CutAfter(usize),
    /// In chunks, the last of them missing.
    CutChunks,
    /// No answer at all: the connection ends.
    Reset,
    /// Nothing, and the connection stays.
    Silence,
}

/// An answer.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) delivery: Delivery,
    pub(super) delay: Duration,
}

impl Reply {
    pub(super) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let (delivery, delay) = (Delivery::Whole, Duration::ZERO);
        Self {
            status,
            headers,
            body: body.into(),
            delivery,
            delay,
        }
    }

    pub(super) fn status(status: u16) -> Self {
        let body = format!(r#"{{"error":{{"code":"code{status}","message":"message {status}"}}}}"#);
        Self::new(status, body).with("request-id", "graph-request-1")
    }

    /// A page with these ids, and perhaps a next link.
    pub(super) fn page(ids: &[&str], next_link: Option<&str>) -> Self {
        let rows: Vec<_> = ids
            .iter()
            .map(|id| serde_json::json!({ "id": id }))
            .collect();
        let mut page = serde_json::json!({ "value": rows });
        if let Some(link) = next_link {
            page["@odata.nextLink"] = link.into();
        }
        Self::new(200, page.to_string())
    }

    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn delivered(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    pub(super) fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    fn head(&self) -> String {
        let mut head = format!("HTTP/1.1 {} Scripted\r\n", self.status);
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        if self.delivery == Delivery::CutChunks {
            head.push_str("transfer-encoding: chunked\r\n\r\n");
        } else {
            write!(head, "content-length: {}\r\n\r\n", self.body.len()).unwrap();
        }
        head
    }
}

type Script = Arc<Mutex<dyn FnMut(&Seen, usize) -> Reply + Send>>;

/// A server on loopback, on the clock of the test's runtime.
pub(super) struct Server {
    pub(super) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Starts one. The script gets each request and how many came before it.
    pub(super) async fn start(script: impl FnMut(&Seen, usize) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let script: Script = Arc::new(Mutex::new(script));
        let log = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, Arc::clone(&script), Arc::clone(&log)));
            }
        });
        Self { url, seen }
    }

    /// The first answers of the script, then the last one for ever.
    pub(super) async fn replies(replies: Vec<Reply>) -> Self {
        Self::start(move |_, index| replies[index.min(replies.len() - 1)].clone()).await
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(super) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

async fn serve(mut connection: TcpStream, script: Script, log: Arc<Mutex<Vec<Seen>>>) {
    connection.set_nodelay(true).unwrap();
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut connection, &mut buffer).await {
        let index = {
            let mut log = log.lock().unwrap();
            log.push(request.clone());
            log.len() - 1
        };
        let reply = (script.lock().unwrap())(&request, index);
        sleep(reply.delay).await;
        if write_reply(&mut connection, &reply).await.is_none() {
            return;
        }
    }
}

/// Writes an answer in one piece: a paused clock runs on while the kernel holds
/// back the rest of one. `None` when the connection ends with it.
async fn write_reply(connection: &mut TcpStream, reply: &Reply) -> Option<()> {
    let mut bytes = reply.head().into_bytes();
    match reply.delivery {
        Delivery::Whole => bytes.extend(&reply.body),
        Delivery::CutAfter(length) => bytes.extend(&reply.body[..length]),
        Delivery::CutChunks => {
            bytes.extend(format!("{:x}\r\n", reply.body.len()).as_bytes());
            bytes.extend(&reply.body);
        }
        Delivery::Reset => return None,
        Delivery::Silence => return future::pending().await,
    }
    connection.write_all(&bytes).await.ok()?;
    Some(()).filter(|()| reply.delivery == Delivery::Whole)
}

async fn read_request(connection: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Seen> {
    let head_length = loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if connection.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(buffer[..head_length].to_vec()).unwrap();
    let mut lines = head.lines();
    let mut request_line = lines.next()?.split(' ');
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let (method, target) = (
        request_line.next()?.to_owned(),
        request_line.next()?.to_owned(),
    );
    let at = Instant::now();
    let mut seen = Seen {
        at,
        method,
        target,
        headers,
        body: String::new(),
    };
    let length = seen
        .header("content-length")
        .map_or(0, |length| length.parse().unwrap());
    while buffer.len() < head_length + length {
        if connection.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    seen.body = String::from_utf8(buffer[head_length..head_length + length].to_vec()).unwrap();
    buffer.drain(..head_length + length);
    Some(seen)
}

/// Collects ids; knows what a damaged and what an invalid body is.
#[derive(Debug, Default)]
pub(super) struct Ids {
    pub(super) restarts: u32,
}

impl PageDecoder for Ids {
    type Output = Vec<String>;

    fn decode(&mut self, body: &str) -> Result<Decoded<Vec<String>>, DecodeError> {
        let page: Value = serde_json::from_str(body).map_err(DecodeError::damaged)?;
        let rows = match page.get("value") {
            Some(rows) => rows
                .as_array()
                .ok_or_else(|| DecodeError::invalid("no array"))?
                .clone(),
            None if page.get("id").is_some() => vec![page.clone()],
            None => return Err(DecodeError::damaged("no collection")),
        };
        let output: Vec<_> = rows
            .iter()
            .map(|row| row["id"].as_str().unwrap_or_default().to_owned())
            .collect();
        let next_link = page
            .get("@odata.nextLink")
            .map(|link| link.as_str().unwrap().to_owned());
        Ok(Decoded {
            rows: output.len(),
            output,
            next_link,
        })
    }

    fn restarted(&mut self) {
        self.restarts += 1;
    }
}

pub(super) const TOKEN: &str = "canary-token";

/// A configuration for a server: fast enough not to be in the way.
pub(super) fn config(server: &Server) -> ClientConfig {
    ClientConfig {
        graph_url: server.url.clone(),
        requests_per_second: None,
        ..ClientConfig::default()
    }
}

pub(super) fn ready_token() -> ReadyToken {
    ReadyToken::new(&SecretString::from(TOKEN)).unwrap()
}

pub(super) fn client(server: &Server) -> GraphClient {
    GraphClient::new(config(server), ready_token()).unwrap()
}

pub(super) fn runs() -> CollectionRequest {
    CollectionRequest::new(GraphPath::workflow("w").runs())
}

/// All ids of the runs of a workflow, and the error when there is one.
pub(super) async fn collect(client: &GraphClient) -> (Vec<String>, Option<ExtractError>) {
    let mut decoder = Ids::default();
    let pages = client.pages(runs(), &mut decoder);
    pin_mut!(pages);
    let mut ids = Vec::new();
    while let Some(page) = pages.next().await {
        match page {
            Ok(page) => ids.extend(page),
            Err(error) => {
                assert!(pages.next().await.is_none(), "a stream ends after an error");
                return (ids, Some(error));
            }
        }
    }
    (ids, None)
}

/// All ids, where no error is expected.
pub(super) async fn collect_all(client: &GraphClient) -> Vec<String> {
    let (ids, error) = collect(client).await;
    assert!(error.is_none(), "{error:?}");
    ids
}

/// The error, where one is expected.
pub(super) async fn collect_error(client: &GraphClient) -> ExtractError {
    collect(client).await.1.expect("an error")
}
