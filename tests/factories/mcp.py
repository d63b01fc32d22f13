"""The SDK's own client, connected to `/mcp` of this process."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from liftos.asgi import application


def web(token: str = "", **headers: str) -> httpx2.AsyncClient:
    sent = ({"authorization": f"Bearer {token}"} if token else {}) | headers
    transport = httpx2.ASGITransport(application, client=("198.51.100.7", 1234))
    return httpx2.AsyncClient(transport=transport, base_url="http://testserver", headers=sent, timeout=30)


def connect(token: str, path: str = "/mcp", mode: str = "auto", **headers: str) -> Client:
    http = web(token, **headers)
    return Client(streamable_http_client(f"http://testserver{path}", http_client=http), mode=mode)


def within(
    token: str, use: Callable[[Client], Awaitable[Any]], path: str = "/mcp", mode: str = "auto"
) -> Any:
    """Run a coroutine with a connected client."""

    async def run() -> Any:
        async with connect(token, path, mode) as client:
            return await use(client)

    try:
        return asyncio.run(run())
    except BaseExceptionGroup as group:
        # the SDK's task groups wrap what the coroutine raised
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None


def call(token: str, tool: str, path: str = "/mcp", **arguments: Any) -> Any:
    """Call one tool; returns the SDK's result."""
    return within(token, lambda client: client.call_tool(tool, arguments), path)


def post(token: str, message: Any, path: str = "/mcp", **headers: str) -> httpx2.Response:
    """POST a message by hand."""

    async def run() -> httpx2.Response:
        async with web(token) as http:
            accepted = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
            raw = message if isinstance(message, bytes) else json.dumps(message).encode()
            return await http.post(path, content=raw, headers=accepted | headers)

    return asyncio.run(run())
