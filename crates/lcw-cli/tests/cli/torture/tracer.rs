//! Runs the program under ptrace(2) and sees every call that touches a folder, in its order.
//!
//! strace injects faults, too, but counts the calls of each thread by itself: "the 7th `openat`"
//! comes in the thread that starts the program before it comes in the one that writes, so most
//! calls of the writer could not be hit. Here all threads are counted as one, and nothing counts
//! but what touches the folder.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::call::{Call, Shape, shape_of};
use crate::program::{Ended, Lcw};

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is made.
    Go,
    /// The process is killed before the call has any effect.
    Kill,
    /// It is made, and the process gets a signal.
    Signal(Signal),
    /// The call is not made and comes to this; negative: an error.
    Answer(i64),
    /// It writes half of what it was to write.
    Half,
}

/// What is left to do when a call has been made.
#[derive(Debug, Clone, Copy)]
enum Rest {
    Nothing,
    /// It comes to this.
    Answer(i64),
    /// The program sees the length that it asked for in its register.
    Length(u64),
}

impl Verdict {
    /// The call is not made and fails.
    pub(crate) fn fail(error: Errno) -> Self {
        Self::Answer(-i64::from(error as i32))
    }
}

/// A program that has ended, and what it did.
#[derive(Debug)]
pub(crate) struct Traced {
    /// What it left; no exit code when it was killed.
    pub(crate) ended: Ended,
    /// Its calls that touch the folder, in their order.
    pub(crate) calls: Vec<Call>,
}

/// Runs it to its end. `decide` is asked before each call that touches `root`, with the number of
/// such calls before it.
pub(crate) fn trace(
    lcw: Lcw,
    root: &Path,
    decide: &mut dyn FnMut(usize, &Call) -> Verdict,
) -> Traced {
    // It waits for a line, so that it is watched from its first call on.
    let mut command = lcw.in_shell("read -r go").command();
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let leader = Pid::from_raw(child.id().try_into().unwrap());
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_EXITKILL;
    ptrace::seize(leader, options).expect(
        "ptrace(2) is needed: in a container, allow SYS_PTRACE (docker run --cap-add=SYS_PTRACE)",
    );
    ptrace::interrupt(leader).unwrap();
    let outputs = listen(&mut child);
    let mut tracer = Tracer {
        root,
        decide,
        leader,
        memory: None,
        pending: HashMap::new(),
        calls: Vec::new(),
    };
    let code = tracer.follow();
    let [stdout, stderr] = outputs.map(|output| output.join().unwrap());
    let ended = Ended {
        code,
        stdout,
        stderr,
        was_killed: code.is_none(),
    };
    Traced {
        ended,
        calls: tracer.calls,
    }
}

/// Lets it go, and collects what it says.
fn listen(child: &mut Child) -> [thread::JoinHandle<String>; 2] {
    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    let collect = |mut pipe: Box<dyn Read + Send>| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            pipe.read_to_end(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        })
    };
    let stdout = child.stdout.take().unwrap();
    let stderr = child.stderr.take().unwrap();
    [collect(Box::new(stdout)), collect(Box::new(stderr))]
}

struct Tracer<'a> {
    root: &'a Path,
    decide: &'a mut dyn FnMut(usize, &Call) -> Verdict,
    leader: Pid,
    /// The memory of the process, since its last `execve`.
    memory: Option<File>,
    /// Threads inside a call: which of the recorded ones it is, and what it is to come to.
    pending: HashMap<Pid, Option<(usize, Rest)>>,
    calls: Vec<Call>,
}

impl Tracer<'_> {
    /// To the end of the process: its exit code, unless it was killed.
    fn follow(&mut self) -> Option<i32> {
        let mut code = None;
        // Only what this thread has started: others look after theirs.
        let all = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        loop {
            match waitpid(Pid::from_raw(-1), Some(all)) {
                Err(Errno::ECHILD) => return code,
                Err(error) => panic!("waitpid: {error}"),
                Ok(WaitStatus::Exited(thread, with)) if thread == self.leader => code = Some(with),
                Ok(WaitStatus::PtraceSyscall(thread)) => {
                    self.at_call(thread);
                    resume(thread, None);
                }
                Ok(WaitStatus::PtraceEvent(thread, _, event)) => {
                    if event == libc::PTRACE_EVENT_EXEC {
                        self.memory = None;
                    }
                    resume(thread, None);
                }
                Ok(WaitStatus::Stopped(thread, signal)) => resume(thread, Some(signal)),
                Ok(_) => {}
            }
        }
    }

    /// A thread is about to make a call, or has just made one.
    fn at_call(&mut self, thread: Pid) {
        match self.pending.remove(&thread) {
            None => {
                let entered = self.enter(thread);
                self.pending.insert(thread, entered);
            }
            Some(Some((index, rest))) => self.leave(thread, index, rest),
            Some(None) => {}
        }
    }

    fn enter(&mut self, thread: Pid) -> Option<(usize, Rest)> {
        // It may just have been killed.
        let mut registers = ptrace::getregs(thread).ok()?;
        let (name, shape) = shape_of(registers.orig_rax.cast_signed())?;
        let arguments = [
            registers.rdi,
            registers.rsi,
            registers.rdx,
            registers.r10,
            registers.r8,
            registers.r9,
        ];
        let call = self.call(name, shape, arguments)?;
        let index = self.calls.len();
        let verdict = (self.decide)(index, &call);
        self.calls.push(call);
        let rest = match verdict {
            Verdict::Go => Rest::Nothing,
            Verdict::Signal(signal) => {
                kill(self.leader, signal).unwrap();
                Rest::Nothing
            }
            Verdict::Kill => {
                kill(self.leader, Signal::SIGKILL).unwrap();
                Rest::Nothing
            }
            Verdict::Answer(answer) => {
                // No such call: the kernel does nothing.
                registers.orig_rax = u64::MAX;
                ptrace::setregs(thread, registers).unwrap();
                Rest::Answer(answer)
            }
            Verdict::Half => {
                let length = registers.rdx;
                registers.rdx = length / 2;
                ptrace::setregs(thread, registers).unwrap();
                Rest::Length(length)
            }
        };
        Some((index, rest))
    }

    fn leave(&mut self, thread: Pid, index: usize, rest: Rest) {
        let Ok(mut registers) = ptrace::getregs(thread) else {
            return;
        };
        match rest {
            Rest::Nothing => {}
            Rest::Answer(answer) => registers.rax = answer.cast_unsigned(),
            Rest::Length(length) => registers.rdx = length,
        }
        if !matches!(rest, Rest::Nothing) {
            ptrace::setregs(thread, registers).unwrap();
        }
        self.calls[index].result = Some(registers.rax.cast_signed());
    }

    /// The call, if it touches the folder.
    fn call(&mut self, name: &'static str, shape: Shape, arguments: [u64; 6]) -> Option<Call> {
        let [first, second, third, fourth, ..] = arguments;
        let (path, target) = match shape {
            Shape::Path => (self.path(None, first), None),
            Shape::PathAt => (self.path(Some(first), second), None),
            Shape::Paths => (self.path(None, first), Some(self.path(None, second))),
            Shape::PathsAt => (
                self.path(Some(first), second),
                Some(self.path(Some(third), fourth)),
            ),
            Shape::File | Shape::Data => (self.open_file(first)?, None),
            Shape::Files { from, to } => (
                self.open_file(arguments[from])?,
                Some(self.open_file(arguments[to])?),
            ),
        };
        // The folder's own name is in the one above.
        let above = self.root.parent();
        let touches = |path: &PathBuf| path.starts_with(self.root) || Some(path.as_path()) == above;
        if !touches(&path) && !target.as_ref().is_some_and(touches) {
            return None;
        }
        // Whoever closes a file in a debug build looks first whether it is open.
        if name == "fcntl" && second == u64::from(libc::F_GETFD.cast_unsigned()) {
            return None;
        }
        let mut data = Vec::new();
        if let Shape::Data = shape {
            data.resize(third.try_into().unwrap(), 0);
            self.memory().read_exact_at(&mut data, second).unwrap();
        }
        let is_of_folder = matches!(shape, Shape::File) && self.is_folder(first);
        Some(Call {
            name,
            path,
            target,
            is_of_folder,
            arguments,
            data,
            result: None,
        })
    }

    fn memory(&mut self) -> &File {
        let leader = self.leader;
        self.memory
            .get_or_insert_with(|| File::open(format!("/proc/{leader}/mem")).unwrap())
    }

    /// The path in the program's memory, as seen from a folder that it has open.
    fn path(&mut self, folder: Option<u64>, address: u64) -> PathBuf {
        const PAGE: u64 = 4096;
        let mut text = Vec::new();
        let mut at = address;
        loop {
            // Not beyond the page, where there may be nothing.
            let mut bytes = vec![0; usize::try_from(PAGE - at % PAGE).unwrap()];
            let Ok(()) = self.memory().read_exact_at(&mut bytes, at) else {
                break;
            };
            if let Some(end) = bytes.iter().position(|byte| *byte == 0) {
                text.extend_from_slice(&bytes[..end]);
                break;
            }
            text.extend_from_slice(&bytes);
            at += bytes.len() as u64;
        }
        let path = PathBuf::from(String::from_utf8_lossy(&text).into_owned());
        if path.is_absolute() {
            return path;
        }
        let folder = folder.and_then(|folder| self.open_file(folder));
        match folder {
            Some(folder) if path.as_os_str().is_empty() => folder,
            Some(folder) => folder.join(path),
            None => self.link("cwd").unwrap_or_default().join(path),
        }
    }

    /// Where the file of a descriptor is.
    fn open_file(&self, descriptor: u64) -> Option<PathBuf> {
        // The register is wider than the number in it.
        self.link(&format!("fd/{}", descriptor & 0xffff_ffff))
    }

    /// Whether a descriptor is that of a folder.
    fn is_folder(&self, descriptor: u64) -> bool {
        let number = descriptor & 0xffff_ffff;
        let path = format!("/proc/{}/fd/{number}", self.leader);
        std::fs::metadata(path).is_ok_and(|opened| opened.is_dir())
    }

    fn link(&self, name: &str) -> Option<PathBuf> {
        std::fs::read_link(format!("/proc/{}/{name}", self.leader)).ok()
    }
}

/// Goes on to the next call. A thread that is gone meanwhile is no matter.
fn resume(thread: Pid, signal: Option<Signal>) {
    match ptrace::syscall(thread, signal) {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(error) => panic!("ptrace: {error}"),
    }
}
