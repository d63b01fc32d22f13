"""MCP over standard input and output, for a client that starts the server itself."""

import threading

import anyio
from django.conf import settings
from mcp.server.stdio import stdio_server

from liftos.mcp.door import Door
from liftos.mcp.server import make_server
from liftos.mcp.toolset import ToolSet
from liftos.runtime.health.warm import warm_up
from liftos.runtime.web.bridge import Bridge


def serve_stdio(bridge: Bridge, tools: ToolSet, key: str) -> None:
    """Serve until standard input ends.

    Args:
        bridge: the HTTP API of this process.
        tools: what to serve.
        key: the API key as which every call is made.

    Raises:
        LiftosError: the key is not valid.
    """
    hosts = [host.lstrip(".") for host in settings.ALLOWED_HOSTS if host != "*"]
    door = Door(
        bridge.serve,
        [(b"host", (hosts or ["localhost"])[0].encode()), (b"authorization", f"Bearer {key}".encode())],
        scheme="https" if settings.SECURE_SSL_REDIRECT else "http",
    )
    server = make_server(tools, lambda _: door)

    # the model loads while the client introduces itself
    threading.Thread(target=warm_up, name="warm-up", daemon=True).start()

    async def serve() -> None:
        if (refused := await bridge.refusal(door.scope("POST", "mcp"))) is not None:
            raise refused
        async with stdio_server() as (reading, writing):
            await server.run(reading, writing, server.create_initialization_options())

    anyio.run(serve)
