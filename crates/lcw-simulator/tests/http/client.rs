//! A client that shares no code with any other: HTTP/1.1 by hand over a socket.

use std::collections::BTreeMap;
use std::io::Read;

use lcw_simulator::Simulator;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) const LW: &str = "/v1.0/identityGovernance/lifecycleWorkflows";
pub(crate) const PREFER: (&str, &str) = ("Prefer", "include-unknown-enum-members");
/// A window over everything that is kept.
pub(crate) const ALL: &str = "$filter=scheduledDateTime%20ge%202020-01-01T00:00:00Z";

/// The same over task results.
pub(crate) const ALL_CREATED: &str = "$filter=createdDateTime%20ge%202020-01-01T00:00:00Z";

/// An answer as it came over the wire.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// Fewer bytes came than `Content-Length` promised.
    pub(crate) cut: bool,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(crate) fn inflated(&self) -> std::io::Result<Vec<u8>> {
        let mut out = Vec::new();
        flate2::read::GzDecoder::new(self.body.as_slice()).read_to_end(&mut out)?;
        Ok(out)
    }

    pub(crate) fn error_code(&self) -> String {
        self.json()["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

/// Sends one request on a connection of its own.
pub(crate) async fn send(
    origin: &str,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> std::io::Result<Reply> {
    let host = origin.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).await?;
    let mut request =
        format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.extend([name, ": ", value, "\r\n"]);
    }
    let length = body.len().to_string();
    request.extend(["Content-Length: ", &length, "\r\n\r\n", body]);
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> std::io::Result<Reply> {
    let end = bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .ok_or_else(|| std::io::Error::other("no head"))?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .unwrap()
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let body = bytes[end + 4..].to_vec();
    let promised = headers
        .get("content-length")
        .and_then(|length| length.parse().ok());
    Ok(Reply {
        status,
        headers,
        cut: promised.is_some_and(|length: usize| length > body.len()),
        body,
    })
}

/// A client with a token.
pub(crate) struct Client<'a> {
    pub(crate) simulator: &'a Simulator,
    token: String,
}

impl<'a> Client<'a> {
    pub(crate) fn new(simulator: &'a Simulator) -> Self {
        Self {
            simulator,
            token: simulator.issue_token(),
        }
    }

    pub(crate) async fn try_get(
        &self,
        target: &str,
        headers: &[(&str, &str)],
    ) -> std::io::Result<Reply> {
        let authorization = format!("Bearer {}", self.token);
        let mut all = vec![("Authorization", authorization.as_str())];
        all.extend_from_slice(headers);
        send(self.simulator.origin(), "GET", target, &all, "").await
    }

    pub(crate) async fn get(&self, target: &str) -> Reply {
        self.try_get(target, &[PREFER]).await.unwrap()
    }

    /// The target of a link to this simulator.
    pub(crate) fn target_of<'b>(&self, link: &'b str) -> &'b str {
        link.strip_prefix(self.simulator.origin())
            .unwrap_or_else(|| panic!("foreign link: {link}"))
    }

    /// Every page of a collection.
    pub(crate) async fn pages(&self, target: &str) -> Vec<Value> {
        let mut pages: Vec<Value> = Vec::new();
        let mut target = target.to_owned();
        loop {
            let reply = self.get(&target).await;
            assert_eq!(
                reply.status,
                200,
                "{target}: {}",
                String::from_utf8_lossy(&reply.body)
            );
            let page = reply.json();
            let next = page["@odata.nextLink"]
                .as_str()
                .map(|link| self.target_of(link).to_owned());
            pages.push(page);
            assert!(pages.len() < 10_000, "endless");
            match next {
                Some(next) => target = next,
                None => return pages,
            }
        }
    }

    /// Every row of a collection, in the order in which they came.
    pub(crate) async fn rows(&self, target: &str) -> Vec<Value> {
        rows_of(&self.pages(target).await)
    }
}

pub(crate) fn rows_of(pages: &[Value]) -> Vec<Value> {
    pages
        .iter()
        .flat_map(|page| page["value"].as_array().unwrap().clone())
        .collect()
}

/// Rows by id; the last one wins.
pub(crate) fn by_id(rows: impl IntoIterator<Item = Value>) -> BTreeMap<String, Value> {
    rows.into_iter()
        .map(|row| (row["id"].as_str().unwrap().to_owned(), row))
        .collect()
}

/// Percent-encodes an id as one path segment.
pub(crate) fn segment(id: &str) -> String {
    id.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

pub(crate) fn ids(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["id"].as_str().unwrap()).collect()
}
