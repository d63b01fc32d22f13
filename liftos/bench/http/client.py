"""A load generator: raw HTTP/1.1 over kept-alive connections, one thread, standard library only.

A separate program (`python liftos/bench/http/client.py < spec.json`), so its CPU time is not the server's,
and small, because it shares the server's cores. It stops after a number of requests or seconds.
"""

import base64
import json
import selectors
import socket
import sys
from dataclasses import asdict, dataclass, field
from time import perf_counter

REPLY_SECONDS = 60.0  # seconds without an answer before the server counts as failed
_RECEIVE = 1 << 18


@dataclass(frozen=True, slots=True)
class Spec:
    """The load to send.

    Attributes:
        host: the server's; loopback.
        port: the server's.
        requests: complete HTTP requests, base64; sent cyclically.
        in_flight: connections, each with one open request.
        count: maximum number of requests.
        seconds: no new requests after this time.
        keep: whether to return the bodies, by the request's index.
    """

    host: str
    port: int
    requests: list[str]
    in_flight: int
    count: int
    seconds: float
    keep: bool = False


@dataclass(slots=True)
class Load:
    """The result of a load.

    Attributes:
        elapsed_s: from the first byte sent to the last received.
        times_ms: per request, from first byte sent to last byte received.
        statuses: count by status.
        bodies: answers by the request's index, if `keep`.
        failure: the first unsuccessful answer, truncated.
    """

    elapsed_s: float = 0.0
    times_ms: list[float] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    bodies: dict[str, str] = field(default_factory=dict)
    failure: str = ""


class Broken(Exception):
    """The server closed the connection, timed out, or does not speak HTTP/1.1."""


def request_bytes(
    method: str, path: str, *, host: str, headers: dict[str, str] | None = None, body: bytes = b""
) -> str:
    """Return one request in the form of `Spec.requests`."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return base64.b64encode("\r\n".join([*lines, "", ""]).encode() + body).decode()


class _Connection:
    """A kept-alive connection and the answer arriving on it."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), timeout=REPLY_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.place = 0
        self.started = 0.0
        self._received = b""
        self._body_at = self._length = -1
        self._chunked = False
        self.status = ""

    def send(self, place: int, request: bytes) -> None:
        self.place, self._received, self._body_at, self._length = place, b"", -1, -1
        self.started = perf_counter()
        self.socket.sendall(request)

    def receive(self) -> bytes | None:
        """Read available bytes; return the body once complete."""
        part = self.socket.recv(_RECEIVE)
        if not part:
            raise Broken("the server closed a connection in the middle of an answer")
        self._received += part
        if self._body_at < 0 and not self._read_head():
            return None
        if self._chunked:
            return _dechunk(self._received[self._body_at :])
        body = self._received[self._body_at :]
        return body if len(body) >= self._length else None

    def _read_head(self) -> bool:
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return False
        status, *lines = self._received[:end].decode("latin-1").split("\r\n")
        self.status = status.split(" ")[1]
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)
        }
        self._chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        if not self._chunked and "content-length" not in headers:
            raise Broken(f"an answer without a length: {status}")
        self._length = int(headers.get("content-length", 0))
        self._body_at = end + 4
        return True


def _dechunk(raw: bytes) -> bytes | None:
    body, at = b"", 0
    while (line := raw.find(b"\r\n", at)) >= 0:
        size = int(raw[at:line].split(b";")[0], 16)
        if len(raw) < line + 2 + size + 2:
            return None
        if not size:
            return body
        body += raw[line + 2 : line + 2 + size]
        at = line + 2 + size + 2
    return None


def run(spec: Spec) -> Load:
    """Send the requests and return the result.

    Raises:
        Broken: the server failed.
        OSError: connecting failed.
    """
    requests = [base64.b64decode(each) for each in spec.requests]
    load, sent = Load(), 0
    selector = selectors.DefaultSelector()
    connections = [_Connection(spec.host, spec.port) for _ in range(min(spec.in_flight, spec.count))]
    try:
        started = perf_counter()
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send(sent % len(requests), requests[sent % len(requests)])
            sent += 1
        busy = len(connections)
        while busy:
            ready = selector.select(REPLY_SECONDS)
            if not ready:
                raise Broken(f"no answer for {REPLY_SECONDS:.0f} s")
            for key, _ in ready:
                connection = key.data
                body = connection.receive()
                if body is None:
                    continue
                now = perf_counter()
                _note(load, connection, body, now, keep=spec.keep)
                if sent < spec.count and now - started < spec.seconds:
                    connection.send(sent % len(requests), requests[sent % len(requests)])
                    sent += 1
                else:
                    busy -= 1
        load.elapsed_s = perf_counter() - started
    finally:
        selector.close()
        for connection in connections:
            connection.socket.close()
    return load


def _note(load: Load, connection: _Connection, body: bytes, now: float, *, keep: bool) -> None:
    load.times_ms.append((now - connection.started) * 1e3)
    load.statuses[connection.status] = load.statuses.get(connection.status, 0) + 1
    if not connection.status.startswith("2") and not load.failure:
        load.failure = f"{connection.status} {body[:500].decode('utf-8', 'replace')}"
    if keep:
        load.bodies[str(connection.place)] = body.decode()


if __name__ == "__main__":
    json.dump(asdict(run(Spec(**json.load(sys.stdin)))), sys.stdout)
