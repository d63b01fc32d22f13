"""Sending one HTTP request to another service."""

import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from time import monotonic
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import httpcore2

from liftos.kernel.outbound.addresses import DEFAULT_PORTS, AllowedHosts, Resolve, checked_address, resolve
from liftos.kernel.outbound.errors import OutboundRefused, OutboundUnavailable

MAX_ANSWER_BYTES: Final = 1_000_000
CONNECT_TIMEOUT_S: Final = 5.0
USER_AGENT: Final = "LiftOS-Core"


@dataclass(frozen=True, slots=True)
class Answer:
    """Another service's response.

    Attributes:
        status: HTTP status.
        headers: by lower-case name; of a repeated header, the last.
        body: undecoded, at most MAX_ANSWER_BYTES.
    """

    status: int
    headers: dict[str, str]
    body: bytes


def send(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes | None,
    allowed: AllowedHosts,
    deadline: float,
    resolve: Resolve = resolve,
    tls: ssl.SSLContext | None = None,
    beginning: int | None = None,
) -> Answer:
    """Send a request and return the response, whatever its status. Redirects are not followed, proxies not used.

    Args:
        method: upper case.
        url: absolute, http or https.
        headers: to send.
        body: to send, or None.
        allowed: the hosts that may be called.
        deadline: on the monotonic clock, seconds; it covers everything except name resolution.
        resolve: returns a host's addresses.
        tls: for https; by default with the system's certificates.
        beginning: read only so many bytes of the response and drop the connection; by default, a response of more than
            MAX_ANSWER_BYTES is refused.

    Raises:
        OutboundRefused: the host or address is not allowed, or the response is too large.
        OutboundUnavailable: no valid HTTP response arrived in time.
    """
    parts = split_url(url)
    host, port = str(parts.hostname), parts.port or DEFAULT_PORTS[parts.scheme]
    private = allowed.may_be_private(host, port, parts.scheme)
    backend = _Pinned(checked_address(host, port, private=private, resolve=resolve), deadline)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    given = {name.lower() for name in headers}
    own = {"Host": parts.netloc, "User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}
    if body is not None:
        own["Content-Length"] = str(len(body))
    sent = {name: value for name, value in own.items() if name.lower() not in given} | dict(headers)
    asked = httpcore2.URL(scheme=parts.scheme, host=host, port=port, target=target)
    try:
        with (
            httpcore2.ConnectionPool(
                ssl_context=tls or _system_tls(), max_keepalive_connections=0, network_backend=backend
            ) as pool,
            pool.stream(method, asked, headers=list(sent.items()), content=body) as answer,
        ):
            found = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers
            }
            chunks = answer.iter_stream()
            body = _bounded(chunks) if beginning is None else _beginning(chunks, beginning)
            return Answer(answer.status, found, body)
    except (httpcore2.TimeoutException, httpcore2.NetworkError, OSError) as error:
        raise OutboundUnavailable(f"{host} did not respond: {_reason(error)}.") from error
    except (httpcore2.ProtocolError, httpcore2.UnsupportedProtocol) as error:
        # our request is valid, so the response is malformed or incomplete
        raise OutboundUnavailable(f"{host} did not send a valid HTTP response.") from error


def check_url(url: str, allowed: AllowedHosts) -> None:
    """Check a URL and its host, without resolving the name.

    Raises:
        OutboundRefused: the URL is invalid, or the host is not allowed.
    """
    parts = split_url(url)
    allowed.may_be_private(str(parts.hostname), parts.port or DEFAULT_PORTS[parts.scheme], parts.scheme)


def split_url(url: str) -> SplitResult:
    """Return the parts of a URL, with a normalised host.

    Raises:
        OutboundRefused: it is not a valid URL, or contains credentials, which would end up in records.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
        host = (parts.hostname or "").rstrip(".")
        ascii_host = host if ":" in host else host.encode("idna").decode()
    except (ValueError, UnicodeError) as error:
        raise OutboundRefused("Invalid URL.", loc=("url",)) from error
    if parts.scheme not in DEFAULT_PORTS or not ascii_host or port == 0:
        raise OutboundRefused("The URL must start with http:// or https:// and a host.", loc=("url",))
    if parts.username is not None or parts.password is not None:
        raise OutboundRefused("The URL must not contain a user name or password.", loc=("url",))
    if not url.isascii() or any(
        character.isspace() or not character.isprintable() for character in url.strip()
    ):
        raise OutboundRefused(
            "The URL must be ASCII without white space: percent-encode other characters.", loc=("url",)
        )
    shown = f"[{ascii_host}]" if ":" in ascii_host else ascii_host
    netloc = shown if port in (None, DEFAULT_PORTS[parts.scheme]) else f"{shown}:{port}"
    return parts._replace(netloc=netloc.lower(), fragment="")


def _bounded(chunks: Iterable[bytes]) -> bytes:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise OutboundRefused(f"The response is larger than {MAX_ANSWER_BYTES} bytes.")
    return bytes(body)


def _beginning(chunks: Iterable[bytes], size: int) -> bytes:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) >= size:
            break
    return bytes(body[:size])


def _reason(error: Exception) -> str:
    """Return the kind of an error, without its text, which may contain addresses."""
    if isinstance(error, httpcore2.TimeoutException | TimeoutError):
        return "the request timed out"
    return "the connection failed" if isinstance(error, httpcore2.ConnectError) else "the connection broke"


@lru_cache(maxsize=1)
def _system_tls() -> ssl.SSLContext:
    return ssl.create_default_context()


class _Pinned(httpcore2.NetworkBackend):
    """Connects to one checked address, whatever the host name, before the deadline."""

    def __init__(self, address: str, deadline: float) -> None:
        self._address, self._deadline = address, deadline
        self._inner = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect; certificates are still checked against the host name."""
        del host, timeout
        left = min(CONNECT_TIMEOUT_S, _left(self._deadline))
        stream = self._inner.connect_tcp(
            self._address, port, timeout=left, local_address=local_address, socket_options=socket_options
        )
        return _Hurried(stream, self._deadline)


class _Hurried(httpcore2.NetworkStream):
    """A stream whose operations all end by the deadline; a socket's own timeout restarts with each byte."""

    def __init__(self, inner: httpcore2.NetworkStream, deadline: float) -> None:
        self._inner, self._deadline = inner, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        del timeout
        return self._inner.read(max_bytes, timeout=_left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        del timeout
        self._inner.write(buffer, timeout=_left(self._deadline))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        del timeout
        left = _left(self._deadline)
        return _Hurried(self._inner.start_tls(ssl_context, server_hostname, timeout=left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _left(deadline: float) -> float:
    left = deadline - monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout("deadline")
    return left
