"""A running service for fault tests: its own home, servers, web process and worker, unsupervised."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from liftos.runtime import embedded
from liftos.runtime.embedded.postgres import Postgres
from liftos.runtime.embedded.redis import Redis
from liftos.runtime.embedded.runtime import wanted_servers
from liftos.runtime.embedded.server import Server

ROOT = Path(__file__).parent.parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(true: Callable[[], bool], seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


class Service:
    def __init__(self, home: Path, *, migrate: bool = True, **environment: str) -> None:
        urls = embedded.urls(home)
        self.home, self.port = home, free_port()
        self.environment = os.environ | {
            "LIFTOS_HOME": str(home),
            "LIFTOS_PORT": str(self.port),
            "LIFTOS_DB_POOL_TIMEOUT": "1",
            "LIFTOS_SWEEP_SECONDS": "1",
            # named, so that no process starts a server that a test has stopped
            "DATABASE_URL": urls.database_url,
            "LIFTOS_OWNER_DATABASE_URL": urls.owner_database_url,
            "REDIS_URL": urls.redis_url,
        }
        self.environment |= environment
        self.processes: list[subprocess.Popen[bytes]] = []
        embedded.ensure_running(home)
        self.key = ""
        if not migrate:
            return
        self.manage("migrate", "--verbosity", "0")
        made = json.loads(self.manage("create_organisation", "Fault Ltd", "--json"))
        self.key = made["api_key"]

    def server(self, kind: type[Server]) -> Server:
        return next(each for each in wanted_servers(self.home) if isinstance(each, kind))

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, check=True, text=True
        )
        return done.stdout

    def start_web(self, output: BinaryIO | None = None) -> subprocess.Popen[bytes]:
        gunicorn = ("gunicorn", "-c", "python:liftos.runtime.web.gunicorn_conf", "liftos.asgi:application")
        web = self._start(*gunicorn, output=output)
        until(self.answers)
        return web

    def start_worker(self) -> subprocess.Popen[bytes]:
        schedule = str(self.home / "beat")
        return self._start(
            "celery", "-A", "liftos.celery", "worker", "--pool", "threads", "-c", "2", "-B", "-s", schedule
        )

    def _start(self, *module: str, output: BinaryIO | None = None) -> subprocess.Popen[bytes]:
        log = (
            (self.home / f"{module[0]}.log").open("ab")
            if output is None
            else os.fdopen(os.dup(output.fileno()), "ab")
        )
        with log:
            process = subprocess.Popen(
                [sys.executable, "-m", *module],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.processes.remove(process)

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            headers = {"X-Api-Key": self.key, "Content-Type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def text(self, path: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def answers(self) -> bool:
        try:
            return self.request("GET", "/ready")[0] == 200
        except OSError:
            return False

    def health(self) -> str:
        return self.request("GET", "/health")[1]["status"]

    def store(self, content: str) -> dict[str, Any]:
        status, body = self.request("POST", "/store", {"content": content})
        assert status == 200, body
        return body["data"]

    def found(self, query: str, search_type: str = "hybrid") -> list[str]:
        status, body = self.request(
            "POST", "/search", {"query": query, "search_type": search_type, "limit": 100}
        )
        assert status == 200, body
        return [hit["content"] for hit in body["data"]["results"]]

    def close(self) -> None:
        for process in list(self.processes):
            self.kill(process)
        for kind in (Postgres, Redis):
            self.server(kind).stop()
