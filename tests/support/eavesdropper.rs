//! Another host, which nobody has any business to talk to.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// Listens on a port of its own, answers an empty collection to everything, and remembers what it
/// was told.
pub struct Eavesdropper {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
    task: AbortHandle,
}

impl Drop for Eavesdropper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Eavesdropper {
    /// Starts listening.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut buffer = vec![0; 16_384];
                let length = stream.read(&mut buffer).await.unwrap_or(0);
                let said = String::from_utf8_lossy(&buffer[..length]).into_owned();
                notes.lock().unwrap().push(said);
                let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                              content-length: 12\r\nconnection: close\r\n\r\n{\"value\":[]}";
                // Whoever asks may be gone already.
                drop(stream.write_all(answer.as_bytes()).await);
            }
        });
        Self {
            port,
            heard,
            task: task.abort_handle(),
        }
    }

    /// Its port on this machine.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The beginning of each connection so far.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}
