//! SIGINT and SIGTERM: the first stops at a safe point and within seconds, the second at once.

use std::time::Duration;
use std::{io, thread};

use lcw_pipeline::exit;
use tokio::runtime;
use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, timeout};

/// How long it may take to say that the program is stopping.
const TO_SAY_SO: Duration = Duration::from_millis(500);

/// How long it may take to stop from then on. Both together are less than the five seconds that are
/// promised.
const TO_STOP: Duration = Duration::from_millis(3_500);

/// Watches for signals; the receiver turns to the exit code when the first one arrives.
///
/// This is done in threads of its own. Whoever reads stderr may have stopped reading, and then
/// everybody who logs waits for them; a disk may not answer. What has not stopped in time then is
/// ended where it is: a dataset is whole at any moment.
///
/// # Errors
/// When the operating system does not let signals be handled.
pub(crate) fn watch() -> io::Result<watch::Receiver<Option<u8>>> {
    let (sender, receiver) = watch::channel(None);
    let listening = runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()?;
    let mut signals = {
        let _entered = listening.enter();
        Signals::new()?
    };
    let listen = async move {
        let first = signals.next().await;
        let code = tokio::select! {
            () = stop(first, &sender) => first,
            second = signals.next() => second,
        };
        // Nothing that was said is waited for here.
        std::process::exit(i32::from(code));
    };
    let thread = thread::Builder::new().name("lcw-signals".to_owned());
    thread.spawn(move || listening.block_on(listen))?;
    Ok(receiver)
}

/// Has the program stop. Comes back when it should long have ended.
async fn stop(code: u8, sender: &watch::Sender<Option<u8>>) {
    let (said, is_said) = oneshot::channel();
    thread::spawn(move || {
        tracing::warn!("stopping at a safe point; once more stops at once");
        // Whoever waited may have given up.
        let _too_late = said.send(());
    });
    let _unread = timeout(TO_SAY_SO, is_said).await;
    sender.send_replace(Some(code));
    sleep(TO_STOP).await;
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
