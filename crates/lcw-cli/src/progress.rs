//! The progress line: what is being done, rows, requests, rate, time left, and pauses.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::{SignedDuration, Timestamp};
use lcw_extractor::GraphClient;
use lcw_pipeline::{Glance, Progress};

use crate::args::Output;

/// The terminal's last line, shared by progress and logs so that neither tears the other.
#[derive(Clone)]
pub(crate) struct Screen {
    bar: ProgressBar,
}

impl Screen {
    pub(crate) fn new(output: &Output) -> Self {
        let is_shown = io::stderr().is_terminal() && !output.no_progress && !output.quiet;
        let target = if is_shown {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(
            ProgressStyle::with_template("{spinner} {wide_msg}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner()),
        );
        Self { bar }
    }

    /// Writes one log event above the progress line.
    pub(crate) fn log_line(&self) -> LogLine {
        LogLine {
            screen: self.clone(),
            text: Vec::new(),
        }
    }

    /// Redraws the line several times a second until the guard is dropped.
    pub(crate) fn follow(&self, client: &GraphClient, progress: &Arc<Progress>) -> Follower {
        let (bar, client, progress) = (self.bar.clone(), client.clone(), Arc::clone(progress));
        let started = Instant::now();
        let worker = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(200));
            loop {
                ticks.tick().await;
                bar.set_message(line(&progress.glance(), &client, started.elapsed()));
                bar.tick();
            }
        });
        Follower {
            worker,
            bar: self.bar.clone(),
        }
    }
}

/// Stops the progress line when dropped.
pub(crate) struct Follower {
    worker: tokio::task::JoinHandle<()>,
    bar: ProgressBar,
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.worker.abort();
        self.bar.finish_and_clear();
    }
}

fn line(now: &Glance, client: &GraphClient, elapsed: Duration) -> String {
    let stats = client.stats();
    if let Some(pause) = client.paused_for() {
        let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
        let at = Timestamp::now()
            .checked_add(pause)
            .unwrap_or(Timestamp::MAX);
        let clock = at.strftime("%H:%M:%SZ");
        return format!("throttled, resuming at {clock} | {}", now.doing);
    }
    let runs = if now.runs_planned == 0 {
        String::new()
    } else {
        format!(" | {}/{} runs", now.runs_done, now.runs_planned)
    };
    format!(
        "{}{runs} | {} rows | {} requests, {:.0}/s{}",
        now.doing,
        now.rows,
        stats.sent,
        stats.sent as f64 / elapsed.as_secs_f64().max(0.2),
        time_left(now, elapsed),
    )
}

fn time_left(now: &Glance, elapsed: Duration) -> String {
    if now.runs_done == 0 || now.runs_done >= now.runs_planned {
        return String::new();
    }
    let left = (now.runs_planned - now.runs_done) as f64 / now.runs_done as f64;
    format!(" | {} left", human_duration(elapsed.mul_f64(left)))
}

/// `41s`, `12m`, `3h 20m`.
pub(crate) fn human_duration(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m", seconds.div_ceil(60)),
        seconds => format!("{}h {}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Collects one log event and shows it when dropped.
pub(crate) struct LogLine {
    screen: Screen,
    text: Vec<u8>,
}

impl Write for LogLine {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(buffer);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        // A log line that cannot be written has nowhere left to be reported.
        let _lost = self
            .screen
            .bar
            .suspend(|| io::stderr().write_all(&self.text));
    }
}
