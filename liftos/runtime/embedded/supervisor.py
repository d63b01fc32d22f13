"""A foreground supervisor: runs child processes, restarts them when they die, and stops everything on a signal."""

import os
import selectors
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from liftos.runtime.embedded.children import Child, ChildSpec
from liftos.runtime.embedded.errors import EmbeddedError
from liftos.runtime.embedded.runtime import ensure_running, wanted_servers

GRACE_SECONDS = 15.0
BACKOFF_SECONDS = (0.5, 1.0, 2.0, 4.0, 10.0)
STEADY_SECONDS = 60.0  # after this time, a child's back-off is reset
WATCH_SECONDS = 1.0


class StopRequested(Exception):
    """A signal requested a stop during the start."""


class Supervisor:
    """Runs children in the foreground until SIGINT, SIGTERM or SIGHUP; a second signal kills them at once.

    A single thread reads the children's output and watches them and the servers, sleeping in a selector that signals wake.
    Use it as a context manager: leaving the block stops all children.

    Args:
        home: of the embedded servers to keep running.
        specs: the long-running children.
        grace: seconds from SIGTERM to SIGKILL.
    """

    def __init__(self, home: Path, specs: Sequence[ChildSpec] = (), *, grace: float = GRACE_SECONDS) -> None:
        self.home = home
        self.grace = grace
        self._selector = selectors.DefaultSelector()
        self._width = max([6, *(len(spec.name) for spec in specs)])
        self.children = [self._child(spec) for spec in specs]
        self._servers = wanted_servers(home)
        self._signals = 0
        self._restart_at: dict[str, float] = {}
        self._started_at: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self._next_watch = 0.0

    def _child(self, spec: ChildSpec) -> Child:
        return Child(spec, self._selector, self.show, self._width)

    def show(self, line: str) -> None:
        """Write a line to the console, if it is still open."""
        with suppress(OSError, ValueError):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()

    def __enter__(self) -> Self:
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._selector.register(self._wake_read, selectors.EVENT_READ, None)
        self._old_wakeup = signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        numbers = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # respect nohup
            numbers.append(signal.SIGHUP)
        self._old = {number: signal.signal(number, self._on_signal) for number in numbers}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        signal.set_wakeup_fd(self._old_wakeup)
        for number, handler in self._old.items():
            signal.signal(number, handler)
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1

    def check_stop(self) -> None:
        """Raise StopRequested after a signal."""
        if self._signals:
            raise StopRequested

    def _pump(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                os.read(self._wake_read, 4096)
            else:
                child, consume = key.data
                child.read(key.fd, consume)

    def run_step(self, spec: ChildSpec) -> tuple[int, str]:
        """Run a child to its end.

        Returns:
            Its exit code, and its stdout if captured.

        Raises:
            StopRequested: after a signal; the child has been stopped.
        """
        child = self._child(spec)
        child.start()
        try:
            while child.running:
                self._pump(0.1)
                self.check_stop()
        finally:
            returncode = child.returncode
            self._stop([child])
        return returncode or 0, child.captured.decode("utf-8", "replace")

    def start(self) -> None:
        """Start the long-running children."""
        for child in self.children:
            self._start(child)

    def _start(self, child: Child) -> None:
        child.start()
        self._started_at[child.spec.name] = time.monotonic()

    def wait_until(self, probe: Callable[[], bool], needed: Child, seconds: float) -> bool:
        """Wait until the probe returns True; return False on timeout or if the needed child ends.

        Raises:
            StopRequested: after a signal.
        """
        deadline = time.monotonic() + seconds
        while not probe():
            self._pump(0.05)
            self.check_stop()
            if not needed.running or time.monotonic() > deadline:
                return False
        return True

    def run(self) -> None:
        """Watch children and servers until a signal, then stop the children."""
        while not self._signals:
            self._pump(0.2)
            for child in self.children:
                self._watch(child)
            if time.monotonic() >= self._next_watch:
                self._next_watch = time.monotonic() + WATCH_SECONDS
                self._watch_servers()
        self.stop()

    def _watch(self, child: Child) -> None:
        name = child.spec.name
        if child.running:
            return
        if name not in self._restart_at:
            steady = time.monotonic() - self._started_at[name] > STEADY_SECONDS
            self._failures[name] = 0 if steady else self._failures.get(name, -1) + 1
            delay = BACKOFF_SECONDS[min(self._failures[name], len(BACKOFF_SECONDS) - 1)]
            how = child.returncode
            child.clear()  # including its own children, which would keep the port
            self.show(f"{name} ended unexpectedly ({_describe(how)}); restarting in {delay:g} s")
            self._restart_at[name] = time.monotonic() + delay
        elif time.monotonic() >= self._restart_at[name]:
            del self._restart_at[name]
            self._start(child)

    def _watch_servers(self) -> None:
        for server in self._servers:
            if server.alive():
                continue
            self.show(f"{server.name} has stopped; restarting it")
            try:
                ensure_running(self.home)
            except EmbeddedError as error:
                self._next_watch = time.monotonic() + BACKOFF_SECONDS[-1]
                self.show(f"{error}; retrying in {BACKOFF_SECONDS[-1]:g} s")
            else:
                self.show(f"{server.name} is running again")

    def stop(self) -> None:
        """Stop the children with SIGTERM, then SIGKILL after the grace period or a second signal."""
        self._stop(self.children)

    def _stop(self, children: Sequence[Child]) -> None:
        deadline = time.monotonic() + self.grace
        for child in children:
            child.terminate()
        while any(child.running for child in children) and time.monotonic() < deadline and self._signals < 2:
            self._pump(0.05)
        for child in children:
            if child.running:
                self.show(f"{child.spec.name} did not stop in time; killing it")
            child.clear()


def _describe(returncode: int | None) -> str:
    if returncode is not None and returncode < 0:
        try:
            return signal.Signals(-returncode).name
        except ValueError:
            return f"signal {-returncode}"
    return f"exit code {returncode}"
