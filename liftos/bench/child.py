"""Child programs that end with the benchmark, however it ends.

In a process with threads, no Python may run between fork and exec, so a small intermediate program asks the kernel
for SIGTERM when its parent dies, then execs the command.
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
    """A program of the benchmark ended or failed to start; the message contains its last lines."""


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
        """Return an error with the program's last lines."""
        lines = self.log.read_text("utf-8", "replace").splitlines()[-5:]
        return ChildFailed(f"{self.log.stem} {why}: {' / '.join(lines) or 'it said nothing'}")


@contextmanager
def running(command: Sequence[str], *, log: Path, environment: Mapping[str, str]) -> Iterator[Child]:
    """Run a program for the duration of a block, then stop it and wait.

    Args:
        command: absolute path of the program, and its arguments.
        log: file for the program's output; its stem is the program's name.
        environment: the complete environment.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", _BECOME, str(os.getpid()), *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(environment),
            start_new_session=True,  # the benchmark handles Ctrl-C and passes it on
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
        # kill what remains of its group: it timed out, or Ctrl-C came again
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
