"""A pipeline that keeps statements in libpq's buffer until a result is needed.

psycopg's own pipeline sends each statement when it is executed: a system call, a poll and a wake-up of Postgres each, which
took half of a search's Python time (by a sampling profiler). Here they are sent together. This can't deadlock: the connection
is non-blocking, and results are read while libpq sends.

A fetch waits only for its own result, where psycopg waits for all statements sent, so Postgres can execute the next
statements while the results of earlier ones are processed.

This overrides three generators of psycopg's pipeline and a method of its cursor; psycopg's version is pinned, and a test
counts what is sent.
Source: libpq, "Pipeline Mode": PQsendQueryPrepared etc. fill the output buffer, PQflush and PQpipelineSync send it; Postgres
buffers results until a flush request (PQsendFlushRequest), a sync, or 8 KB.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import Connection, Pipeline
from psycopg.abc import PQGen
from psycopg.generators import fetch_many, send
from psycopg.rows import TupleRow


class CorkedPipeline(Pipeline):
    """A pipeline that sends its statements at the next fetch, sync or end."""

    # whether anything was sent since the last sync: after an error, Postgres ignores everything until the next one
    _is_open = False

    def _communicate_gen(self) -> PQGen[None]:
        """Send nothing; psycopg calls this after each statement."""
        yield from ()

    def _fetch_gen(self, *, flush: bool) -> PQGen[None]:
        self._fill_buffer()
        yield from super()._fetch_gen(flush=flush)

    def send_gen(self) -> PQGen[None]:
        """Send all pending statements and request their results, without waiting for them."""
        if self.command_queue:
            self._fill_buffer()
            self.pgconn.send_flush_request()
        yield from send(self.pgconn)

    def fetch_gen(self, cursor: "OwnAnswerCursor") -> PQGen[None]:
        """Send pending statements and read results until a cursor has its own.

        Raises:
            psycopg.Error: of the first failed statement up to that one whose result was not fetched.
        """
        yield from self.send_gen()
        while self.owes(cursor):
            results = yield from fetch_many(self.pgconn)
            if not results:
                break
            try:
                self._process_results(self.result_queue.popleft(), results)
            except psycopg.Error:
                # the statements sent after it fail too
                with suppress(psycopg.Error):
                    yield from super()._fetch_gen(flush=True)
                raise

    def owes(self, cursor: "OwnAnswerCursor") -> bool:
        """Return whether a result of the cursor is outstanding."""
        return any(queued is not None and queued[0] is cursor for queued in self.result_queue)

    def _sync_gen(self) -> PQGen[None]:
        self._enqueue_sync()
        self._fill_buffer()
        # psycopg's own loop tries once, which may send a large statement partially and then wait for its result forever
        yield from send(self.pgconn)
        self._is_open = False
        yield from super()._fetch_gen(flush=False)

    def _exit_gen(self) -> PQGen[None]:
        # nothing is outstanding if the block has just been settled
        if self.result_queue or self.command_queue or self._is_open:
            yield from self._sync_gen()

    def _fill_buffer(self) -> None:
        self._is_open = self._is_open or bool(self.command_queue)
        while self.command_queue:
            self.command_queue.popleft()()


class OwnAnswerCursor(psycopg.Cursor[TupleRow]):
    """A cursor that waits only for its own result in a corked pipeline.

    Of several statements on one cursor, the last result counts, and `rowcount` waits for it, as outside a pipeline: code
    need not know whether its caller opened one.
    """

    @property
    def rowcount(self) -> int:
        """Number of rows returned or changed by the last statement."""
        self._fetch_pipeline()
        return super().rowcount

    def _fetch_pipeline(self) -> None:
        pipeline = self._conn._pipeline
        if not isinstance(pipeline, CorkedPipeline):
            super()._fetch_pipeline()
        elif self._execmany_returning is not False and pipeline.owes(self):
            with self._conn.lock:
                self._conn.wait(pipeline.fetch_gen(self))


def is_pipelined(connection: Connection[Any]) -> bool:
    """Return whether a connection is in pipeline mode."""
    return connection._pipeline is not None


@contextmanager
def corked(connection: Connection[Any]) -> Iterator[None]:
    """Run a block in pipeline mode; the connection must not be in it already.

    Raises:
        psycopg.Error: at the end of the block, of the first failed statement whose result was not fetched.
    """
    pipeline = connection._pipeline = CorkedPipeline(connection)
    try:
        with pipeline:
            yield
    finally:
        connection._pipeline = None


def send_all(connection: Connection[Any]) -> None:
    """Send pending statements without waiting for results; the connection must be in pipeline mode."""
    pipeline = connection._pipeline
    assert isinstance(pipeline, CorkedPipeline)  # noqa: S101  set by `corked` only
    connection.wait(pipeline.send_gen())


def settle(connection: Connection[Any]) -> None:
    """Send pending statements and wait for all results; do nothing outside pipeline mode.

    Raises:
        psycopg.Error: of the first failed statement whose result was not fetched.
    """
    pipeline = connection._pipeline
    if pipeline is not None:
        assert isinstance(pipeline, psycopg.Pipeline)  # noqa: S101  the connection is not an asynchronous one
        pipeline.sync()
