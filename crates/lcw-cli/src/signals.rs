//! SIGINT and SIGTERM: the first stops at a safe point, the second at once.

use lcw_pipeline::exit;
use tokio::sync::watch;

/// Watches for signals; the receiver turns to the exit code when the first one arrives.
pub(crate) fn watch() -> watch::Receiver<Option<u8>> {
    let (sender, receiver) = watch::channel(None);
    tokio::spawn(async move {
        let first = next().await;
        tracing::warn!("stopping at a safe point; once more stops at once");
        sender.send_replace(Some(first));
        let second = next().await;
        std::process::exit(i32::from(second));
    });
    receiver
}

#[cfg(unix)]
async fn next() -> u8 {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => exit::INTERRUPTED,
        _ = terminate.recv() => exit::TERMINATED,
    }
}

#[cfg(not(unix))]
async fn next() -> u8 {
    match tokio::signal::ctrl_c().await {
        Ok(()) => exit::INTERRUPTED,
        Err(_) => std::future::pending().await,
    }
}
