//! The built program as a child process.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::iter;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longer than anything here takes, on any machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where the program is.
pub(crate) const LCW: &str = env!("CARGO_BIN_EXE_lcw");

/// A command line with an environment of its own: nothing is inherited but `PATH`.
pub(crate) struct Lcw(Command);

impl Lcw {
    /// The words of `line` as arguments, in `folder`.
    pub(crate) fn new(folder: &Path, line: &str) -> Self {
        Self::of(Command::new(LCW), folder).words(line)
    }

    /// Another program that runs this one.
    pub(crate) fn of(mut command: Command, folder: &Path) -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).current_dir(folder);
        command.stdin(Stdio::null());
        Self(command)
    }

    /// More words.
    pub(crate) fn words(mut self, line: &str) -> Self {
        self.0.args(line.split_whitespace());
        self
    }

    /// One more argument, whatever is in it.
    pub(crate) fn arg(mut self, text: impl AsRef<OsStr>) -> Self {
        self.0.arg(text);
        self
    }

    /// With this variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Without this variable.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.env_remove(name);
        self
    }

    /// The same, run by `sh` after a preparation.
    pub(crate) fn in_shell(self, preparation: &str) -> Self {
        let mut shell = Command::new("sh");
        let script = format!("{preparation}\nexec \"$0\" \"$@\"");
        shell.args(["-c", &script]);
        self.wrapped(shell)
    }

    /// The same on a pseudo-terminal of so many columns, where everything arrives on stdout.
    pub(crate) fn on_a_terminal(self, columns: u32) -> Self {
        let quote = |word: &OsStr| format!("'{}'", word.to_str().unwrap().replace('\'', "'\\''"));
        let words = iter::once(self.0.get_program()).chain(self.0.get_args());
        let words: Vec<String> = words.map(quote).collect();
        let line = format!("stty cols {columns} rows 24; exec {}", words.join(" "));
        let mut script = Command::new("script");
        script.args([
            "--quiet",
            "--return",
            "--flush",
            "--command",
            &line,
            "/dev/null",
        ]);
        self.in_place_of(script).env("TERM", "xterm-256color")
    }

    /// The same, as arguments of another program.
    pub(crate) fn wrapped(self, mut by: Command) -> Self {
        by.arg(self.0.get_program()).args(self.0.get_args());
        self.in_place_of(by)
    }

    /// Another program with the same environment, in the same folder.
    fn in_place_of(self, mut command: Command) -> Self {
        command.env_clear().stdin(Stdio::null());
        let variables = self.0.get_envs();
        command.envs(variables.filter_map(|(name, value)| Some((name, value?))));
        if let Some(folder) = self.0.get_current_dir() {
            command.current_dir(folder);
        }
        Self(command)
    }

    /// The command itself.
    pub(crate) fn command(self) -> Command {
        self.0
    }

    /// Runs it to its end.
    pub(crate) fn run(self) -> Ended {
        self.start().end()
    }

    /// Starts it.
    pub(crate) fn start(self) -> Running {
        let Self(mut command) = self;
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (stdout, stdout_lines) = follow(child.stdout.take().unwrap());
        let (stderr, stderr_lines) = follow(child.stderr.take().unwrap());
        Running {
            child,
            stdout,
            stdout_lines,
            stderr,
            stderr_lines,
        }
    }
}

/// Collects all that comes through a pipe, and passes it on line by line.
fn follow(pipe: impl Read + Send + 'static) -> (JoinHandle<String>, Receiver<String>) {
    let (sender, receiver) = channel();
    let reader = thread::spawn(move || {
        let mut all = String::new();
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe.read_until(b'\n', &mut line).unwrap() > 0 {
            let text = String::from_utf8_lossy(&line).into_owned();
            all.push_str(&text);
            // Not everybody listens.
            drop(sender.send(text));
            line.clear();
        }
        all
    });
    (reader, receiver)
}

/// The program while it runs; killed when dropped.
pub(crate) struct Running {
    child: Child,
    stdout: JoinHandle<String>,
    stdout_lines: Receiver<String>,
    stderr: JoinHandle<String>,
    stderr_lines: Receiver<String>,
}

impl Running {
    /// Waits for a line on stderr that contains `part`.
    pub(crate) fn wait_for_log(&self, part: &str) {
        wait_for(&self.stderr_lines, part);
    }

    /// The lines on stdout up to one that contains `part`.
    pub(crate) fn stdout_until(&self, part: &str) -> String {
        wait_for(&self.stdout_lines, part)
    }

    /// Sends a signal, by name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn end(self) -> Ended {
        self.end_within(PATIENCE)
    }

    /// Waits for its end, longer than for anything else.
    #[track_caller]
    pub(crate) fn end_within(mut self, patience: Duration) -> Ended {
        until_within(patience, "the end of the program", || self.has_ended());
        let status = self.child.wait().unwrap();
        let Self { stdout, stderr, .. } = &mut self;
        let take = |reader: &mut JoinHandle<String>| {
            std::mem::replace(reader, thread::spawn(String::new))
                .join()
                .unwrap()
        };
        Ended {
            code: status.code().or(status.signal().map(|signal| 128 + signal)),
            was_killed: status.signal().is_some(),
            stdout: take(stdout),
            stderr: take(stderr),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn wait_for(lines: &Receiver<String>, part: &str) -> String {
    let mut seen = String::new();
    loop {
        match lines.recv_timeout(PATIENCE) {
            Ok(line) => seen.push_str(&line),
            Err(error) => panic!("no line with {part:?}: {error}\n{seen}"),
        }
        if seen.lines().last().is_some_and(|line| line.contains(part)) {
            return seen;
        }
    }
}

/// Waits until something has happened elsewhere.
#[track_caller]
pub(crate) fn until(what: &str, happened: impl FnMut() -> bool) {
    until_within(PATIENCE, what, happened);
}

#[track_caller]
fn until_within(patience: Duration, what: &str, mut happened: impl FnMut() -> bool) {
    let started = Instant::now();
    while !happened() {
        assert!(started.elapsed() < patience, "{what}: not so far");
        thread::sleep(Duration::from_millis(2));
    }
}

/// What the program left.
#[derive(Debug)]
pub(crate) struct Ended {
    /// As a shell has it.
    pub(crate) code: Option<i32>,
    /// Whether a signal ended it, before or instead of it doing so itself.
    pub(crate) was_killed: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Fails the test with everything it said, unless it ended so.
    #[track_caller]
    pub(crate) fn with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// The one JSON object on stdout, and nothing else there.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let value: Value = serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!("stdout is not one JSON value: {error}\n{self}");
        });
        assert!(value.is_object() || value.is_array(), "{self}");
        value
    }

    /// It said all of this on stderr.
    #[track_caller]
    pub(crate) fn says(&self, parts: &[&str]) {
        for part in parts {
            assert!(self.stderr.contains(part), "no {part:?} in:\n{self}");
        }
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            code,
            was_killed: _,
            stdout,
            stderr,
        } = self;
        write!(
            f,
            "exit code {code:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
        )
    }
}
