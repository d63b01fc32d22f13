"""Requests to the HTTP API on behalf of an MCP caller, within the process.

A tool calls the routes that everybody calls, with its caller's own headers: authentication, scopes, what a principal sees, quotas, rate
limits, idempotency, fair queueing, traces and records are the API's, and no tool can go round them.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from liftos.kernel.http.dump import dump_json

Scope = dict[str, Any]
AsgiApplication = Callable[[Scope, Any, Any], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

# headers of the caller that a request to the API takes along
_PASSED_ON = frozenset(
    {
        b"authorization",
        b"host",
        b"traceparent",
        b"user-agent",
        b"x-act-as",
        b"x-api-key",
        b"x-forwarded-proto",
        b"x-correlation-id",
        b"x-liftos-proxy-secret",
        b"x-org-id",
        b"x-user-id",
        b"x-user-roles",
    }
)


class Refused(Exception):
    """The API answered with an error.

    Attributes:
        status: of HTTP.
        problem: the problem details.
        retry_after: in seconds, if the API named a time.
    """

    def __init__(self, status: int, problem: Mapping[str, Any], retry_after: str = "") -> None:
        """Keep the answer."""
        super().__init__(str(problem.get("detail", status)))
        self.status = status
        self.problem = dict(problem)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Answer:
    """A success of the API.

    Attributes:
        body: parsed JSON; None for 204.
        etag: without quotation marks, "" if there is none.
    """

    status: int
    body: Any
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Door:
    """The API as one caller may use it.

    Attributes:
        api: the ASGI application.
        headers: the caller's, as they arrived.
        client: address and port of the caller's socket.
        scheme: http or https.
        server: host and port that the caller reached.
    """

    api: AsgiApplication
    headers: Headers
    client: tuple[str, int] = ("127.0.0.1", 0)
    scheme: str = "http"
    server: tuple[str, int] = ("localhost", 0)

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request and return the answer.

        Args:
            method: of HTTP.
            path: below `/api/v1/`, each part quoted with `part`.
            query: parameters; None values are left out.
            body: to be sent as JSON, or None.
            headers: besides the caller's.

        Raises:
            Refused: the API answered with an error.
        """
        content = b"" if body is None else dump_json(body)
        exchange = _Exchange(content)
        scope = self.scope(method, path, query=query or {}, content=content, headers=headers or {})
        await self.api(scope, exchange.receive, exchange.send)
        return exchange.answer()

    def scope(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Scope:
        """Return ASGI's scope of a request; see `call`."""
        given = {name: value for name, value in (query or {}).items() if value is not None}
        raw_path = f"/api/v1/{path}"
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": self.scheme,
            "path": raw_path,
            "raw_path": raw_path.encode(),
            "query_string": urlencode(given).encode(),
            "headers": self._headers(content, headers or {}),
            "client": self.client,
            "server": self.server,
        }

    def _headers(self, content: bytes, further: Mapping[str, str]) -> Headers:
        sent = [(name, value) for name, value in self.headers if name in _PASSED_ON]
        sent += [(name.lower().encode(), value.encode("utf-8")) for name, value in further.items()]
        if content:
            sent += [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(content)).encode()),
            ]
        return sent


def part(text: str) -> str:
    """Return a text as one part of a path."""
    return quote(text, safe="")


@dataclass(slots=True)
class _Exchange:
    """One request and its answer, in ASGI's messages."""

    content: bytes
    sent: bool = False
    status: int = 0
    headers: dict[bytes, bytes] = field(default_factory=dict)
    chunks: list[bytes] = field(default_factory=list)

    async def receive(self) -> dict[str, Any]:
        if self.sent:
            # the caller stays until it is answered; its end cancels this
            await asyncio.get_running_loop().create_future()
        self.sent = True
        return {"type": "http.request", "body": self.content, "more_body": False}

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
        else:
            self.chunks.append(message.get("body", b""))

    def answer(self) -> Answer:
        content = b"".join(self.chunks)
        by_name = {name.lower(): value.decode("latin-1") for name, value in self.headers.items()}
        body = json.loads(content) if content else None
        if self.status >= 300:
            problem = body if isinstance(body, dict) else {}
            raise Refused(self.status, problem, by_name.get(b"retry-after", ""))
        return Answer(self.status, body, by_name.get(b"etag", "").strip('"'))
