"""A sink that takes traces on the path of the work they watched and does the slow part in a thread of its own."""

import atexit
import os
import threading
import time
import weakref
from collections import deque

from liftos.kernel.telemetry.tracing.spans import Span

_sinks: "weakref.WeakSet[QueuedSink]" = weakref.WeakSet()


class QueuedSink:
    """A bounded queue of ended trees, and a thread that empties it; what `_handle` does with them is the subclass's.

    Attributes:
        dropped: traces that came while the queue was full.
    """

    thread_name = "traces"

    def __init__(self, *, capacity: int = 1_000, pause: float = 0.5, background: bool = True) -> None:
        """Make a sink; its thread starts with the first trace.

        Args:
            capacity: traces waiting.
            pause: seconds for which traces gather before they are handled together.
            background: False leaves that to `flush`.
        """
        self._capacity = capacity
        self._pause = pause
        self._background = background
        self.dropped = 0
        self._begin()
        _sinks.add(self)
        if background:
            atexit.register(self.stop)  # what gathers when the process ends is handled all the same

    def _begin(self) -> None:
        self._queue: deque[list[Span]] = deque()
        self._lock = threading.Lock()
        self._filled = threading.Event()
        self._stopped = False
        self._thread: threading.Thread | None = None

    def __call__(self, ended: list[Span]) -> None:
        """Take a tree; called by the tracer when its root ends."""
        if len(self._queue) >= self._capacity:
            self.dropped += 1
            return
        self._queue.append(ended)
        if self._background and not self._filled.is_set():
            self._wake()

    def _wake(self) -> None:
        with self._lock:
            if self._thread is None and not self._stopped:
                self._thread = threading.Thread(target=self._run, name=self.thread_name, daemon=True)
                self._thread.start()
            self._filled.set()

    def _run(self) -> None:
        while not self._stopped:
            self._filled.wait()
            time.sleep(self._pause)
            # cleared before the queue is read: what comes meanwhile wakes us again
            self._filled.clear()
            try:
                self.flush()
            finally:
                self._rest()

    def stop(self) -> None:
        """Handle what waits, end the thread, and take nothing to be handled in the background again."""
        self._stopped = True
        self._filled.set()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    def flush(self) -> None:
        """Handle what waits, in this thread; never raises."""
        trees = [self._queue.popleft() for _ in range(len(self._queue))]
        if trees:
            self._handle(trees)

    def _handle(self, trees: list[list[Span]]) -> None:
        raise NotImplementedError

    def _rest(self) -> None:
        """Let go of what the thread needs only while it works."""


def _after_fork() -> None:
    # The child has neither the thread nor a right to what its parent will handle.
    for sink in _sinks:
        sink._begin()


os.register_at_fork(after_in_child=_after_fork)
