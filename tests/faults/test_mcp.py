"""MCP over both transports, through kills and reconnects."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from tests.faults.service import ROOT, Service, until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


@pytest.fixture
def service(tmp_path, monkeypatch):
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    made = Service(tmp_path / "home", LIFTOS_WEB_WORKERS="2")
    yield made
    made.close()


def children(pid):
    with Path(f"/proc/{pid}/task/{pid}/children").open() as listed:
        return [int(each) for each in listed.read().split()]


def test_an_agent_goes_on_through_kills_of_workers_and_of_the_server(service):
    web = service.start_web()
    until(lambda: len(children(web.pid)) == 2)
    url = f"http://127.0.0.1:{service.port}/mcp"

    def connected(mode):
        http = httpx2.AsyncClient(headers={"authorization": f"Bearer {service.key}"}, timeout=30)
        return Client(streamable_http_client(url, http_client=http), mode=mode)

    async def remember(number, mode, kill=lambda: None):
        """Store, with a new connection whenever one breaks, and the same key of idempotency."""
        arguments = {"content": f"fact number {number}", "idempotency_key": f"key {number}"}
        for _ in range(50):
            try:
                async with connected(mode) as client:
                    await client.list_tools()
                    kill()
                    result = await client.call_tool("remember", arguments, read_timeout_seconds=10)
            except Exception:
                await asyncio.sleep(0.2)
                continue
            assert not result.is_error, result.content[0].text
            return result.structured_content["id"]
        raise AssertionError("never answered")

    async def work():
        ids = [await remember(number, "auto") for number in range(2)]
        kills = iter([children(web.pid)[0], children(web.pid)[1]])
        kill = lambda: os.kill(pid, signal.SIGKILL) if (pid := next(kills, None)) else None
        ids.append(await remember(2, "auto", kill))
        ids.append(await remember(3, "legacy", kill))
        # a connection from before a restart: there is no session that the restart could have ended
        async with connected("legacy") as client:
            service.kill(web)
            service.start_web()
            assert len((await client.list_tools()).tools) == 11
        assert [await remember(number, "legacy") for number in range(4)] == ids
        async with connected("auto") as client:
            assert (await client.call_tool("list", {"total": True})).structured_content["total"] == 4

    asyncio.run(work())


def test_stdio_serves_a_key_and_ends_with_its_client(service):
    def parameters(key):
        environment = {**service.environment, "LIFTOS_API_KEY": key}
        return StdioServerParameters(
            command=sys.executable, args=["manage.py", "mcp"], env=environment, cwd=ROOT
        )

    async def work():
        async with Client(parameters(service.key)) as client:
            stored = await client.call_tool("remember", {"content": "kept over stdio"})
            assert not stored.is_error
            found = await client.call_tool("recall", {"query": "kept over stdio"})
            assert [each["id"] for each in found.structured_content["results"]] == [
                stored.structured_content["id"]
            ]
        # a second process sees what the first one stored
        async with Client(parameters(service.key), mode="legacy") as client:
            assert (await client.call_tool("list", {"total": True})).structured_content["total"] == 1
        with pytest.raises(BaseException):  # noqa: B017  the SDK's own, of a server that ended
            async with Client(parameters("liftos_nobody"), read_timeout_seconds=20) as client:
                await client.list_tools()

    asyncio.run(work())
