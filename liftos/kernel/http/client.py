"""Requests to services that the operator names: an embedder, a trace collector, a receiver of checkpoints.

Addresses that callers name go through `workflows.outbound`, which checks them.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from time import monotonic

import httpx2

MAX_BYTES = 1024 * 1024


class NoAnswer(Exception):
    """The service did not answer; the text is the kind of error alone, because details may repeat a header with a key."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered, whatever its status; header names are matched without regard to case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """Return whether the status is 2xx."""
        return 200 <= self.status < 300


def post(
    url: str, body: bytes, *, headers: Mapping[str, str], timeout: float, max_bytes: int = MAX_BYTES
) -> Answer:
    """Post a body once and return the answer.

    Redirects are not followed: they would take the headers along. Proxies of the environment are used.

    Args:
        url: http or https.
        body: the content.
        headers: Content-Type and what else the service wants.
        timeout: seconds for connecting, for each read, and for the answer as a whole.
        max_bytes: of the answer.

    Raises:
        NoAnswer: nobody answered in time, the connection broke, or the answer is too large.
    """
    deadline = monotonic() + timeout
    parts: list[bytes] = []
    size = 0
    try:
        with _client().stream("POST", url, content=body, headers=dict(headers), timeout=timeout) as answer:
            for part in answer.iter_raw():
                parts.append(part)
                size += len(part)
                if size > max_bytes:
                    raise NoAnswer("TooLarge")
                # the socket's timeout starts again with every byte
                if monotonic() > deadline:
                    raise NoAnswer("ReadTimeout")
            return Answer(answer.status_code, answer.headers, b"".join(parts))
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        raise NoAnswer(type(error).__name__) from None


@cache
def _client() -> httpx2.Client:
    # a connection for each request: one kept open might have been closed by the other side just now
    return httpx2.Client(
        headers={"User-Agent": "LiftOS-Core", "Accept-Encoding": "identity"},
        limits=httpx2.Limits(max_keepalive_connections=0),
    )


os.register_at_fork(after_in_child=_client.cache_clear)
