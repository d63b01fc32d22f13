"""Gunicorn's worker, whose threads stay with a caller that goes on asking, and whose own refusals have the API's form.

`gthread` hands a connection back to its main thread after each answer, to be watched and dealt out again: a queue, a pipe, a future and two
changes of thread for each request, 5% of the web process' time of a search (docs/decisions/0011). A caller in conversation sends the next one within a
few milliseconds; so the thread waits that long itself, as long as nobody else is waiting for a thread.

What can't be parsed as a request (a line that is too long, a header that is none) never reaches the application: gunicorn answers with
a page of HTML that quotes the exception. Callers of an API want JSON, a correlation id, and no inner text.
"""

import json
import logging
import select
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from gunicorn.workers.gthread import ThreadWorker

logger = logging.getLogger("liftos.http")


# how long a thread waits for the next request of the connection that it has answered
STAY_MS = 10


class Worker(ThreadWorker):
    """Threads, as `gthread`; see above for the difference."""

    def handle(self, conn: Any) -> Any:
        """Answer the requests of a connection until it pauses; called in a thread of the pool."""
        result = super().handle(conn)
        while result is True and self._goes_on(conn):
            result = super().handle(conn)
        return result

    def _goes_on(self, conn: Any) -> bool:
        """Tell whether the next request of a kept-alive connection is for this thread."""
        if not self.alive or self.tpool._work_queue.qsize():
            return False
        if conn.parser.unreader.buf.getvalue():
            return True
        arrival = select.poll()
        arrival.register(conn.sock, select.POLLIN)
        return bool(arrival.poll(STAY_MS)) and self.alive

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer for a request that can't be read, or that failed outside of the application."""
        super().handle_error(req, _Refusing(client), addr, exc)


class _Refusing:
    """A socket on which an error page turns into problem details (RFC 9457)."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def sendall(self, page: bytes) -> None:
        """Send the page's status with a body of our own."""
        self._client.sendall(refusal(page))


def refusal(page: bytes) -> bytes:
    """Return the answer in place of one of gunicorn's error pages: the same status, none of its text."""
    try:
        status = HTTPStatus(int(page.split(b" ", 2)[1]))
    except (IndexError, ValueError):
        status = HTTPStatus.BAD_REQUEST
    correlation = str(uuid4())
    body = json.dumps(
        {
            "type": "about:blank",
            "title": status.phrase,
            "status": status.value,
            "detail": "The request can't be read." if status < 500 else "Something failed on our side.",
            "code": "liftos.unreadable_request" if status < 500 else "liftos.internal",
            "correlation_id": correlation,
        }
    ).encode()
    logger.info("request refused", extra={"status": status.value, "correlation_id": correlation})
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
        f"Content-Length: {len(body)}\r\nX-Correlation-Id: {correlation}\r\n\r\n"
    )
    return head.encode() + body
