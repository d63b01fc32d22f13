"""A trace sink that queues traces in the traced thread and handles them in its own."""

import atexit
import os
import threading
import time
import weakref
from collections import deque

from liftos.kernel.telemetry.tracing.spans import Span

_sinks: "weakref.WeakSet[QueuedSink]" = weakref.WeakSet()


class QueuedSink:
    """A bounded queue of ended traces and a thread that passes them to `_handle`, which subclasses define.

    Attributes:
        dropped: traces that arrived while the queue was full.
    """

    thread_name = "traces"

    def __init__(self, *, capacity: int = 1_000, pause: float = 0.5, background: bool = True) -> None:
        """Create a sink; its thread starts with the first trace.

        Args:
            capacity: maximum number of queued traces.
            pause: seconds to collect traces before handling them together.
            background: False to handle them only in `flush`.
        """
        self._capacity = capacity
        self._pause = pause
        self._background = background
        self.dropped = 0
        self._begin()
        _sinks.add(self)
        if background:
            atexit.register(self.stop)  # handle what is queued when the process ends

    def _begin(self) -> None:
        self._queue: deque[list[Span]] = deque()
        self._lock = threading.Lock()
        self._filled = threading.Event()
        self._stopped = False
        self._thread: threading.Thread | None = None

    def __call__(self, ended: list[Span]) -> None:
        """Queue a tree; called by the tracer when its root ends."""
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
            # cleared before the queue is read, so that later arrivals wake the thread again
            self._filled.clear()
            try:
                self.flush()
            finally:
                self._rest()

    def stop(self) -> None:
        """Handle the queue and end the thread for good."""
        self._stopped = True
        self._filled.set()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    def flush(self) -> None:
        """Handle the queue in the calling thread; never raises."""
        trees = [self._queue.popleft() for _ in range(len(self._queue))]
        if trees:
            self._handle(trees)

    def _handle(self, trees: list[list[Span]]) -> None:
        raise NotImplementedError

    def _rest(self) -> None:
        """Release what the thread needs only while it works."""


def _after_fork() -> None:
    # the child lacks the thread, and the queued traces are its parent's to handle
    for sink in _sinks:
        sink._begin()


os.register_at_fork(after_in_child=_after_fork)
