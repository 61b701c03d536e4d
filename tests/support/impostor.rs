//! A service of whose answers every byte is made by hand.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// The tenant that [`Impostor`]'s token is for.
pub const TENANT: &str = "0f00a000-0000-0000-0000-00000000000f";

/// A token that names [`TENANT`] and nobody else.
pub const TOKEN: &str = "eyJhbGciOiJub25lIn0.eyJ0aWQiOiIwZjAwYTAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMGYifQ.canary-signature";

/// A request, word for word.
#[derive(Debug, Clone)]
pub struct Heard {
    /// Request line and headers.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Heard {
    /// Path and query.
    pub fn target(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// The path alone.
    pub fn path(&self) -> &str {
        self.target().split('?').next().unwrap_or_default()
    }

    /// A header by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// Listens on a port of its own, and remembers what it was told.
pub struct Impostor {
    origin: String,
    heard: Arc<Mutex<Vec<Heard>>>,
    task: AbortHandle,
}

impl Drop for Impostor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Impostor {
    /// Starts listening. `answer` makes whole answers, and is told the service's own origin.
    pub async fn start(answer: impl Fn(&str, &Heard) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (own, notes, answer) = (origin.clone(), Arc::clone(&heard), Arc::new(answer));
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (own, notes, answer) = (own.clone(), Arc::clone(&notes), Arc::clone(&answer));
                tokio::spawn(async move {
                    let Some(request) = read(&mut stream).await else {
                        return;
                    };
                    notes.lock().unwrap().push(request.clone());
                    // Whoever asks may be gone already.
                    drop(stream.write_all(&answer(&own, &request)).await);
                });
            }
        });
        Self {
            origin,
            heard,
            task: task.abort_handle(),
        }
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The requests so far.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }
}

async fn read(stream: &mut TcpStream) -> Option<Heard> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break String::from_utf8_lossy(&bytes[..end]).into_owned();
        }
        (stream.read_buf(&mut bytes).await.ok()? > 0).then_some(())?;
    };
    let request = Heard {
        head,
        body: String::new(),
    };
    let length: usize = request
        .header("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let start = request.head.len() + 4;
    while bytes.len() < start + length {
        (stream.read_buf(&mut bytes).await.ok()? > 0).then_some(())?;
    }
    let body = String::from_utf8_lossy(&bytes[start..]).into_owned();
    Some(Heard { body, ..request })
}

/// A whole answer.
pub fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    use std::fmt::Write as _;
    let mut head = format!("HTTP/1.1 {status} As Made\r\nconnection: close\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    let length = body.len();
    format!("{head}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// What a good service answers that gives out [`TOKEN`] and has one workflow with one run of one
/// user; `None` to anything else.
pub fn one_run(request: &Heard) -> Option<Value> {
    const ROOT: &str = "/v1.0/identityGovernance/lifecycleWorkflows";
    let at = |days: i64| {
        let at = Timestamp::now() - SignedDuration::from_hours(24 * days);
        at.strftime("%Y-%m-%dT10:00:00Z").to_string()
    };
    let run = || {
        json!({
            "id": "r", "processingStatus": "completed", "totalUsersCount": 1,
            "scheduledDateTime": at(3), "lastUpdatedDateTime": at(2),
        })
    };
    let workflow = || json!({ "id": "w", "category": "joiner", "displayName": "Onboard" });
    let page = |rows: &[Value]| Some(json!({ "value": rows }));
    let path = request.path();
    if path.ends_with("/oauth2/v2.0/token") {
        return Some(json!({ "access_token": TOKEN, "expires_in": 3_599 }));
    }
    match path.strip_prefix(ROOT)? {
        "/workflows" => page(&[workflow()]),
        "/workflows/w" => Some(workflow()),
        "/deletedItems/workflows" => page(&[]),
        "/workflows/w/runs" => page(&[run()]),
        "/workflows/w/runs/r/userProcessingResults" => page(&[json!({
            "id": "one", "subject": { "id": "5ec7e7b0-1111-4222-8333-44445555beef" },
            "processingStatus": "completed", "scheduledDateTime": at(3),
        })]),
        _ => None,
    }
}

/// [`one_run`] as an answer, 404 to anything else.
pub fn one_run_or_404(request: &Heard) -> Vec<u8> {
    match one_run(request) {
        Some(body) => answer(200, &[], &body.to_string()),
        None => answer(
            404,
            &[],
            r#"{"error": {"code": "itemNotFound", "message": "None."}}"#,
        ),
    }
}
