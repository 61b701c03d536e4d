//! SIGINT and SIGTERM: the first stops at a safe point, the second at once.

use std::{io, thread};

use lcw_pipeline::exit;
use tokio::runtime;
use tokio::sync::watch;

/// Watches for signals; the receiver turns to the exit code when the first one arrives.
///
/// This is done in threads of its own. Whoever reads stderr may have stopped reading, and then
/// everybody who logs waits for them: a second signal is heard all the same.
///
/// # Errors
/// When the operating system does not let signals be handled.
pub(crate) fn watch() -> io::Result<watch::Receiver<Option<u8>>> {
    let (sender, receiver) = watch::channel(None);
    let listening = runtime::Builder::new_current_thread().enable_io().build()?;
    let mut signals = {
        let _entered = listening.enter();
        Signals::new()?
    };
    let listen = async move {
        let first = signals.next().await;
        thread::spawn(move || {
            tracing::warn!("stopping at a safe point; once more stops at once");
            sender.send_replace(Some(first));
        });
        let second = signals.next().await;
        std::process::exit(i32::from(second));
    };
    let thread = thread::Builder::new().name("lcw-signals".to_owned());
    thread.spawn(move || listening.block_on(listen))?;
    Ok(receiver)
}

/// The signals that ask the program to end; from here on none is lost.
#[cfg(unix)]
pub(crate) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// The exit code of the next signal.
    pub(crate) async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => exit::INTERRUPTED,
            _ = self.terminate.recv() => exit::TERMINATED,
        }
    }
}

#[cfg(windows)]
pub(crate) struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    /// The exit code of the next signal.
    pub(crate) async fn next(&mut self) -> u8 {
        self.0.recv().await;
        exit::INTERRUPTED
    }
}
