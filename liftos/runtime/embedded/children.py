"""Child processes of the supervisor: their output, process groups and termination."""

import ctypes
import json
import logging
import os
import selectors
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path

from liftos.runtime.embedded.server import LOG_BYTES_MAX

Show = Callable[[str], None]

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
# looked up here, because between fork and exec there must be no imports and hardly any allocations
_prctl = getattr(ctypes.CDLL(None), "prctl", None)


@dataclass(frozen=True)
class ChildSpec:
    """A program to run.

    Attributes:
        name: shown before each line of its output.
        command: the program and its arguments.
        capture: its stdout is returned to the caller instead of shown.
        log: a file for all of its output; of that, only what needs attention is shown (see `is_routine`).
    """

    name: str
    command: tuple[str, ...]
    capture: bool = False
    log: Path | None = None


class Child:
    """A program that can be restarted; its output is shown with its name as a prefix."""

    def __init__(self, spec: ChildSpec, selector: selectors.BaseSelector, show: Show, width: int = 6) -> None:
        self.spec = spec
        self.captured = bytearray()
        self.tail: deque[str] = deque(maxlen=20)
        self._prefix = f"{spec.name:<{width}} | "
        self._selector = selector
        self._show = show
        self._process: subprocess.Popen[bytes] | None = None
        self._partial: dict[int, bytes] = {}
        self._log = RotatingFileHandler(spec.log, maxBytes=LOG_BYTES_MAX, backupCount=1) if spec.log else None

    def start(self) -> None:
        """Start the program in its own process group: Ctrl-C reaches only the supervisor, which forwards it."""
        process = subprocess.Popen(
            self.spec.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if self.spec.capture else subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            process_group=0,
            # safe: the supervisor has one thread, and the function makes two system calls
            preexec_fn=_die_with_parent(os.getpid()),  # noqa: PLW1509
        )
        self._process = process
        if process.stdout is not None:
            self._follow(process.stdout.fileno(), self._capture if self.spec.capture else self._lines)
        if process.stderr is not None:
            self._follow(process.stderr.fileno(), self._lines)

    def _follow(self, descriptor: int, consume: Callable[[int, bytes], None]) -> None:
        os.set_blocking(descriptor, False)
        self._selector.register(descriptor, selectors.EVENT_READ, (self, consume))

    def read(self, descriptor: int, consume: Callable[[int, bytes], None]) -> None:
        """Read a pipe; called when it is readable."""
        try:
            chunk = os.read(descriptor, 65536)
        except BlockingIOError:
            return
        consume(descriptor, chunk)
        if not chunk:
            self._selector.unregister(descriptor)

    def _capture(self, _descriptor: int, chunk: bytes) -> None:
        self.captured += chunk

    def _lines(self, descriptor: int, chunk: bytes) -> None:
        *lines, rest = (self._partial.pop(descriptor, b"") + chunk).split(b"\n")
        if rest and (not chunk or len(rest) > 65536):  # end of output, or a program that never ends its lines
            lines, rest = [*lines, rest], b""
        if rest:
            self._partial[descriptor] = rest
        for line in lines:
            text = line.decode("utf-8", "replace").rstrip("\r")
            self.tail.append(text)
            if self._log is not None:
                self._log.handle(logging.makeLogRecord({"msg": text}))
            if self._log is None or not is_routine(text):
                self._show(self._prefix + text)

    @property
    def running(self) -> bool:
        """True while the main process is running."""
        return self._process is not None and self._process.poll() is None

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for a signal; None while it is running."""
        return self._process.poll() if self._process else None

    def terminate(self) -> None:
        """Send SIGTERM to the main process."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def clear(self) -> None:
        """Kill the rest of its process group, show its remaining output and close its pipes."""
        if self._process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is None or pipe.closed:
                continue
            while (key := self._selector.get_map().get(pipe.fileno())) and _readable(pipe.fileno()):
                self.read(pipe.fileno(), key.data[1])
            if pipe.fileno() in self._selector.get_map():
                self._selector.unregister(pipe.fileno())
            pipe.close()
        self._process = None


def is_routine(line: str) -> bool:
    """Return whether a line is a structured log record below a warning, such as a request's."""
    try:
        record = json.loads(line)
    except ValueError:
        return False
    return isinstance(record, dict) and record.get("level") in ("DEBUG", "INFO")


def _readable(descriptor: int) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        return bool(selector.select(0))


def _die_with_parent(parent: int) -> Callable[[], None]:
    def prepare() -> None:
        if _prctl is not None and sys.platform == "linux":
            _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # the parent was killed before the call
                os._exit(1)

    return prepare
