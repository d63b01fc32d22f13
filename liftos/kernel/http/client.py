"""HTTP client for services configured by the operator: an embedder, a trace collector, a receiver of checkpoints.

Addresses given by callers go through `liftos.kernel.outbound`, which checks them.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from time import monotonic

import httpx2

MAX_BYTES = 1024 * 1024


class NoAnswer(Exception):
    """The service did not answer; the message is only the kind of error, because details may quote a header with a key."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A service's answer of any status; header names are case-insensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """True if the status is 2xx."""
        return 200 <= self.status < 300


def post(
    url: str, body: bytes, *, headers: Mapping[str, str], timeout: float, max_bytes: int = MAX_BYTES
) -> Answer:
    """Post a body once and return the answer.

    Redirects are not followed, because they would receive the headers. Proxies from the environment are used.

    Args:
        url: http or https.
        body: the content.
        headers: Content-Type and any others.
        timeout: seconds to connect, for each read, and for the whole answer.
        max_bytes: limit for the answer's size.

    Raises:
        NoAnswer: no answer in time, a broken connection, or an answer that is too large.
    """
    return _send("POST", url, body, headers, timeout, max_bytes)


def get(url: str, *, headers: Mapping[str, str], timeout: float, max_bytes: int = MAX_BYTES) -> Answer:
    """Get a URL once and return the answer. See `post`."""
    return _send("GET", url, None, headers, timeout, max_bytes)


def _send(
    method: str, url: str, body: bytes | None, headers: Mapping[str, str], timeout: float, max_bytes: int
) -> Answer:
    deadline = monotonic() + timeout
    parts: list[bytes] = []
    size = 0
    try:
        with _client().stream(method, url, content=body, headers=dict(headers), timeout=timeout) as answer:
            for part in answer.iter_raw():
                parts.append(part)
                size += len(part)
                if size > max_bytes:
                    raise NoAnswer("TooLarge")
                # the socket timeout restarts with every byte
                if monotonic() > deadline:
                    raise NoAnswer("ReadTimeout")
            return Answer(answer.status_code, answer.headers, b"".join(parts))
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        raise NoAnswer(type(error).__name__) from None


@cache
def _client() -> httpx2.Client:
    # no kept-alive connections: the other side may have just closed one
    return httpx2.Client(
        headers={"User-Agent": "LiftOS-Core", "Accept-Encoding": "identity"},
        limits=httpx2.Limits(max_keepalive_connections=0),
    )


os.register_at_fork(after_in_child=_client.cache_clear)
