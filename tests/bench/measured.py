"""A command, run to its end: its time, its processor time, and its peak memory as the kernel counted it.

The kernel's peak of a process begins with the memory of whoever started it. So a shell of one megabyte starts
the command and goes, and the command becomes a child of this process, which then asks for its figures.
"""

import ctypes
import dataclasses
import os
import signal
import subprocess
import time

PR_SET_CHILD_SUBREAPER = 36
START = '"$@" >"$0.out" 2>"$0.err" & echo $!'


@dataclasses.dataclass
class Measured:
    exit: int
    seconds: float
    cpu_seconds: float
    peak_mib: float
    stdout: str
    stderr: str


class Failed(Exception):
    """A command that ended otherwise than it was to; the message has its last words."""


def adopt():
    """Children of children that have ended become this process's own."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "this kernel lets nobody adopt processes: the bench needs Linux")


def run(command, scratch, env=None, expect=0, cores=None):
    """Runs `command`, which may write as much as it likes, and says what it took; on `cores` only, if they are named."""
    said = scratch / "said"
    begin = time.monotonic()
    started = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "text": True, "env": env}
    if cores:
        # Whoever is started by the shell stays where the shell is.
        started["preexec_fn"] = lambda: os.sched_setaffinity(0, cores)
    with subprocess.Popen(["sh", "-c", START, said, *command], **started) as shell:
        pid = int(shell.stdout.readline())
    try:
        _, status, used = os.wait4(pid, 0)
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
    seconds = time.monotonic() - begin
    measured = Measured(
        exit=os.waitstatus_to_exitcode(status),
        seconds=seconds,
        cpu_seconds=used.ru_utime + used.ru_stime,
        peak_mib=used.ru_maxrss / 1024,
        stdout=said.with_suffix(".out").read_text(),
        stderr=said.with_suffix(".err").read_text(),
    )
    if measured.exit != expect:
        words = " ".join(str(word) for word in command[:3])
        raise Failed(f"{words} … ended with {measured.exit}:\n{measured.stderr[-2000:] or measured.stdout[-2000:]}")
    return measured


def size_of(path):
    """Bytes of a file, or of all files below a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
