"""MCP over streamable HTTP, mounted at `/mcp` beside the API (docs/decisions/0035-mcp.md).

Stateless: each POST is a request of its own, so any web process can answer it and a restarted one has nothing to restore.
"""

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from liftos.kernel.errors import InvalidInput, LiftosError, NotFound, PermissionDenied
from liftos.kernel.http.errors import MethodNotAllowed, answer_outside_views
from liftos.kernel.http.middleware import body_limit
from liftos.kernel.telemetry.tracing.context import current_context, use_context
from liftos.mcp.door import Door, Headers
from liftos.mcp.server import Context, make_server
from liftos.mcp.toolset import ToolSet
from liftos.runtime.web.bodies import Disconnected
from liftos.runtime.web.bridge import Bridge

logger = logging.getLogger("liftos.http")

PREFIX = "/mcp"
_DOOR = "liftos.door"


class ForeignOrigin(PermissionDenied):
    """Browsers may not call this from that origin."""

    code = "liftos.foreign_origin"


class Endpoint:
    """The ASGI application.

    Args:
        bridge: serves the API.
        sets: tool set by name; "" is the default's.
    """

    def __init__(self, bridge: Bridge, sets: Mapping[str, ToolSet]) -> None:
        """Make the servers; they hold no state."""
        self._bridge = bridge
        self._servers = {name: make_server(tools, _door_of) for name, tools in sets.items()}

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Handle a request."""
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        origin = headers.get(b"origin")
        if scope["method"] == "OPTIONS":
            # a preflight, which the API's middleware answers for every path
            await self._bridge.serve(scope, receive, send)
            return
        send = _with_cors(send, origin)
        try:
            _check_host(headers.get(b"host", ""))
            _check_origin(origin)
            server = self._servers[self._named(scope)]
            if (refused := await self._bridge.refusal(scope)) is not None:
                raise refused
            if scope["method"] != "POST":
                raise MethodNotAllowed
            limit = body_limit(scope["path"])
            body = await self._bridge.read_body(scope, receive, limit)
        except Disconnected:
            return
        except LiftosError as error:
            await _refuse(send, error)
            return
        manager = StreamableHTTPSessionManager(app=server, stateless=True, max_request_body_size=limit)
        door = Door(self._bridge.serve, scope["headers"], scope["client"], scope["scheme"], scope["server"])
        async with manager.run():
            await manager.handle_request({**scope, _DOOR: door}, _replay(body, receive), send)

    def _named(self, scope: dict[str, Any]) -> str:
        """Return the name of the tool set that a request's path, or its parameter `tools`, names."""
        named = scope["path"].removeprefix(PREFIX).strip("/")
        if named not in self._servers:
            raise NotFound
        given = parse_qs(scope["query_string"].decode("latin-1")).get("tools", [])
        if given and not named:
            if given[-1] not in self._servers:
                known = ", ".join(name for name in self._servers if name)
                raise InvalidInput(f"Unknown tools; known are: {known}.", loc=("query", "tools"))
            return given[-1]
        return named


class UnknownHost(LiftosError):
    """The Host header names a host that this service is not."""

    code = "liftos.unknown_host"
    status = 400


def _door_of(context: Context) -> Door:
    door: Door = context.request.scope[_DOOR]  # type: ignore[union-attr]  # HTTP always has one
    return door


def _check_host(host: str) -> None:
    domain, _ = split_domain_port(host)
    allowed = settings.ALLOWED_HOSTS
    if not domain or not validate_host(domain, allowed):
        raise UnknownHost


def _check_origin(origin: str | None) -> None:
    """Refuse browsers whose page comes from elsewhere: a name that an attacker made resolve to this service is not ours.

    Source: Model Context Protocol, 2025-11-25, Transports, "Security Warning".
    """
    if origin is None or origin in settings.CORS_ALLOWED_ORIGINS or settings.CORS_ALLOW_ALL_ORIGINS:
        return
    domain, _ = split_domain_port(urlsplit(origin).netloc)
    named = [host for host in settings.ALLOWED_HOSTS if host != "*"]
    if not domain or not validate_host(domain, named):
        raise ForeignOrigin


def _with_cors(send: Any, origin: str | None) -> Any:
    """Return `send` with the headers that let an allowed page read the answer."""
    if origin is None or not (settings.CORS_ALLOW_ALL_ORIGINS or origin in settings.CORS_ALLOWED_ORIGINS):
        return send
    more: Headers = [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", b"www-authenticate, retry-after, mcp-protocol-version"),
        (b"vary", b"origin"),
    ]

    async def with_headers(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = message | {"headers": [*message["headers"], *more]}
        await send(message)

    return with_headers


def _replay(body: bytes, receive: Any) -> Any:
    """Return a `receive` that gives a body which has been read, then whatever else arrives."""
    rest = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> dict[str, Any]:
        return rest.pop() if rest else await receive()

    return again


async def _refuse(send: Any, error: LiftosError) -> None:
    with use_context(current_context()):
        answer = answer_outside_views("/api/v1/", error)
        correlation = current_context().correlation_id
        logger.info("request refused", extra={"status": error.status, "code": error.code})
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.items()]
    headers += [
        (b"x-correlation-id", correlation.encode()),
        (b"content-length", str(len(answer.content)).encode()),
    ]
    if error.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="liftos"'))
    if error.status == 405:
        headers.append((b"allow", b"POST"))
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.content})
