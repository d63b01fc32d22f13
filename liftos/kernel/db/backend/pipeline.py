"""Pipeline mode in which a statement waits in libpq's buffer until somebody wants an answer.

psycopg's own pipeline sends each statement as it is executed: a system call, a poll and a wake-up of Postgres for each,
which cost more than the statements of a search do (half of the Python time of one, seen by a sampling profiler). Here all of
them leave together. Nothing can lock up: the connection does not block, and while libpq sends, answers are read.

And whoever fetches waits for its own answer, where psycopg waits for all that was sent: so Postgres can be at the next statements
while the last ones' answers are worked on.

This overrides three generators of psycopg's pipeline and a method of its cursor; the requirement is pinned, and a test counts what is sent.
Source: libpq, "Pipeline Mode": PQsendQueryPrepared and its kind fill the output buffer, PQflush and PQpipelineSync empty it; Postgres
keeps answers until it comes to a flush request (PQsendFlushRequest) or a sync, or has 8 KB of them.
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
    """A pipeline whose statements leave at the next fetch, sync or end."""

    # whether anything has been sent since the last sync: after an error Postgres takes nothing in before the next
    _is_open = False

    def _communicate_gen(self) -> PQGen[None]:
        """Called after each statement: nothing needs to be sent yet."""
        yield from ()

    def _fetch_gen(self, *, flush: bool) -> PQGen[None]:
        self._fill_buffer()
        yield from super()._fetch_gen(flush=flush)

    def send_gen(self) -> PQGen[None]:
        """Send what waits to its last byte, and have it answered as soon as it is done, without waiting for that."""
        if self.command_queue:
            self._fill_buffer()
            self.pgconn.send_flush_request()
        yield from send(self.pgconn)

    def fetch_gen(self, cursor: "OwnAnswerCursor") -> PQGen[None]:
        """Send what waits, and take answers until a cursor has its own.

        Raises:
            psycopg.Error: of the first statement up to that one that failed and that nobody fetched from.
        """
        yield from self.send_gen()
        while self.owes(cursor):
            results = yield from fetch_many(self.pgconn)
            if not results:
                break
            try:
                self._process_results(self.result_queue.popleft(), results)
            except psycopg.Error:
                # what was sent after it fails too
                with suppress(psycopg.Error):
                    yield from super()._fetch_gen(flush=True)
                raise

    def owes(self, cursor: "OwnAnswerCursor") -> bool:
        """Return whether an answer to a statement of a cursor has not been taken yet."""
        return any(queued is not None and queued[0] is cursor for queued in self.result_queue)

    def _sync_gen(self) -> PQGen[None]:
        self._enqueue_sync()
        self._fill_buffer()
        # to the last byte: psycopg's own loop tries once, and a large statement would stay half sent, its answer never come
        yield from send(self.pgconn)
        self._is_open = False
        yield from super()._fetch_gen(flush=False)

    def _exit_gen(self) -> PQGen[None]:
        # at the end of a block that has just been settled nothing is outstanding
        if self.result_queue or self.command_queue or self._is_open:
            yield from self._sync_gen()

    def _fill_buffer(self) -> None:
        self._is_open = self._is_open or bool(self.command_queue)
        while self.command_queue:
            self.command_queue.popleft()()


class OwnAnswerCursor(psycopg.Cursor[TupleRow]):
    """A cursor that in a corked pipeline waits for its own answer and for none that was asked for later.

    Of several statements executed on one cursor the last one's answer counts, and `rowcount` waits for it, as outside of a pipeline:
    code need not know whether its caller opened one.
    """

    @property
    def rowcount(self) -> int:
        """Number of rows that the last statement returned or changed."""
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
    """Tell whether a connection is in pipeline mode."""
    return connection._pipeline is not None


@contextmanager
def corked(connection: Connection[Any]) -> Iterator[None]:
    """Put a connection that is not yet in pipeline mode into it for a block.

    Raises:
        psycopg.Error: of the first statement that failed and that nobody fetched from, at the end of the block.
    """
    pipeline = connection._pipeline = CorkedPipeline(connection)
    try:
        with pipeline:
            yield
    finally:
        connection._pipeline = None


def send_all(connection: Connection[Any]) -> None:
    """Send what waits without waiting for answers; the connection is in pipeline mode."""
    pipeline = connection._pipeline
    assert isinstance(pipeline, CorkedPipeline)  # noqa: S101  nobody else puts it there
    connection.wait(pipeline.send_gen())


def settle(connection: Connection[Any]) -> None:
    """Send what waits, and wait for all answers; nothing to do outside of pipeline mode.

    Raises:
        psycopg.Error: of the first statement that failed and that nobody fetched from.
    """
    pipeline = connection._pipeline
    if pipeline is not None:
        assert isinstance(pipeline, psycopg.Pipeline)  # noqa: S101  the connection is not an asynchronous one
        pipeline.sync()
