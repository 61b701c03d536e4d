//! The progress line: what is being done, rows, requests, rate, time left, and pauses.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::{SignedDuration, Timestamp};
use lcw_extractor::GraphClient;
use lcw_pipeline::{Glance, Progress};

use crate::args::{LogFormat, Output};
use crate::lines::{harmless_event, harmless_json};
use crate::print;

/// The terminal's last line, shared by progress and logs so that neither tears the other.
#[derive(Clone)]
pub(crate) struct Screen {
    bar: ProgressBar,
    format: LogFormat,
    has_colours: bool,
}

impl Screen {
    pub(crate) fn new(output: &Output) -> Self {
        let is_wanted =
            !output.no_progress && !output.quiet && output.log_format == LogFormat::Text;
        let is_shown = is_wanted && io::stderr().is_terminal();
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
        let has_colours = print::has_colours(io::stderr().is_terminal());
        Self {
            bar,
            format: output.log_format,
            has_colours,
        }
    }

    /// Whether logs are coloured.
    pub(crate) fn has_colours(&self) -> bool {
        self.has_colours
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
        let (client, progress) = (client.clone(), Arc::clone(progress));
        let bar = Arc::new(Mutex::new(Some(self.bar.clone())));
        let follower = Follower {
            bar: Arc::clone(&bar),
        };
        let started = Instant::now();
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(200));
            loop {
                ticks.tick().await;
                let shown = bar.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(bar) = shown.as_ref() else { break };
                bar.set_message(line(&progress.glance(), &client, started.elapsed()));
                bar.tick();
            }
        });
        follower
    }
}

/// Stops the progress line when dropped.
pub(crate) struct Follower {
    /// Taken under the lock, so that nothing is drawn once it is cleared.
    bar: Arc<Mutex<Option<ProgressBar>>>,
}

impl Drop for Follower {
    fn drop(&mut self) {
        let mut shown = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bar) = shown.take() {
            bar.finish_and_clear();
        }
    }
}

fn line(now: &Glance, client: &GraphClient, elapsed: Duration) -> String {
    if let Some(pause) = client.paused_for() {
        let at = SignedDuration::try_from(pause)
            .ok()
            .and_then(|pause| Timestamp::now().checked_add(pause).ok())
            .unwrap_or(Timestamp::MAX);
        let clock = at.strftime("%H:%M:%SZ");
        return format!("throttled, resuming at {clock} | {}", now.doing);
    }
    numbers(now, client.stats().sent, elapsed)
}

fn numbers(now: &Glance, sent: u64, elapsed: Duration) -> String {
    let runs = if now.runs_planned == 0 {
        String::new()
    } else {
        format!(" | {}/{} runs", now.runs_done, now.runs_planned)
    };
    let per_second = u128::from(sent) * 1_000 / elapsed.as_millis().max(200);
    let left = time_left(now, elapsed).map_or_else(String::new, |left| {
        format!(" | {} left", human_duration(left))
    });
    format!(
        "{}{runs} | {} rows | {sent} requests, {per_second}/s{left}",
        now.doing, now.rows
    )
}

/// As long for each run to come as for each run so far.
fn time_left(now: &Glance, elapsed: Duration) -> Option<Duration> {
    let left = now.runs_planned.checked_sub(now.runs_done)?;
    if left == 0 {
        return None;
    }
    let millis = (elapsed.as_millis() * u128::from(left)).checked_div(now.runs_done.into())?;
    Some(Duration::from_millis(u64::try_from(millis).ok()?))
}

/// `41s`, `12m`, `3h 20m`.
fn human_duration(duration: Duration) -> String {
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

impl LogLine {
    /// The event, on one line, unable to steer the terminal: other people's texts are in it.
    fn shown(&self) -> String {
        let event = String::from_utf8_lossy(&self.text);
        match self.screen.format {
            LogFormat::Text => harmless_event(&event, self.screen.has_colours),
            LogFormat::Json => harmless_json(&event),
        }
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        let shown = self.shown();
        // A log line that cannot be written has nowhere left to be reported.
        let _lost = self
            .screen
            .bar
            .suspend(|| io::stderr().write_all(shown.as_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glance(runs_done: u64, runs_planned: u64) -> Glance {
        Glance {
            doing: "reading results".to_owned(),
            runs_planned,
            runs_done,
            rows: 1_200,
        }
    }

    #[test]
    fn the_line_has_rows_requests_rate_and_time_left() {
        let elapsed = Duration::from_secs(10);
        assert_eq!(
            numbers(&glance(100, 2_500), 450, elapsed),
            "reading results | 100/2500 runs | 1200 rows | 450 requests, 45/s | 4m left"
        );
    }

    #[test]
    fn nothing_is_foretold_before_the_first_run_or_after_the_last() {
        let elapsed = Duration::from_secs(10);
        for (done, planned) in [(0, 0), (0, 9), (9, 9)] {
            let line = numbers(&glance(done, planned), 9, elapsed);
            assert!(!line.contains("left"), "{line}");
        }
    }

    #[test]
    fn durations_are_human() {
        let human = |seconds| human_duration(Duration::from_secs(seconds));
        assert_eq!(human(41), "41s");
        assert_eq!(human(12 * 60), "12m");
        assert_eq!(human(3 * 3600 + 20 * 60 + 5), "3h 20m");
    }
}
