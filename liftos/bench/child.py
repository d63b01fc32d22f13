"""Starts programs that end with the benchmark, however it ends.

Between fork and exec of a process with threads nothing of Python's may run, so a small program in between asks the kernel
for SIGTERM at its parent's death and then becomes the command.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from liftos.bench.types import BenchFailed

STOP_SECONDS = 40.0
_BECOME = """
import ctypes, os, signal, sys
prctl = getattr(ctypes.CDLL(None), "prctl", None)
if prctl is not None:
    prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
if os.getppid() != int(sys.argv[1]):  # it ended before we could ask to be told
    sys.exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""


class ChildFailed(BenchFailed):
    """A program of the benchmark ended, or did not come up; the message holds its last lines."""


class Child:
    """A running program and its log."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.log = log

    def check(self) -> None:
        """Raise ChildFailed if the program has ended."""
        if self.process.poll() is not None:
            raise self.failed(f"ended with exit code {self.process.returncode}")

    def failed(self, why: str) -> ChildFailed:
        """Return the error for what the program did, with its last words."""
        lines = self.log.read_text("utf-8", "replace").splitlines()[-5:]
        return ChildFailed(f"{self.log.stem} {why}: {' / '.join(lines) or 'it said nothing'}")


@contextmanager
def running(command: Sequence[str], *, log: Path, environment: Mapping[str, str]) -> Iterator[Child]:
    """Run a program for the length of a block; leaving it, the program is asked to stop and waited for.

    Args:
        command: absolute program, arguments.
        log: file that gets what the program says; its stem is the program's name.
        environment: all of it.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", _BECOME, str(os.getpid()), *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(environment),
            start_new_session=True,  # Ctrl-C is for the benchmark, which passes it on
        )
    try:
        yield Child(process, log)
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    finally:
        # what is left of its group: it had its time, or Ctrl-C came again
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
