"""The service under test: `manage.py up` with default settings in its own home."""

import http.client
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections
from redis import Redis

from liftos.bench.child import Child, running
from liftos.kernel.embedding.catalogue import forget_model_numbers
from liftos.kernel.embedding.keys import CacheKeys
from liftos.kernel.embedding.registry import configured_secret
from liftos.kernel.embedding.shared_cache import RedisSharedCache, write_vectors
from liftos.kernel.embedding.types import ModelInfo, Vectors
from liftos.runtime import embedded
from liftos.runtime.embedded.paths import REPOSITORY
from liftos.settings import database

READY_SECONDS = 120.0
HOST = "127.0.0.1"
# variables that would point the service at other servers or change its defaults
_NOT_INHERITED = ("DATABASE_URL", "LIFTOS_OWNER_DATABASE_URL", "REDIS_URL", "LIFTOS_BROKER_URL")


@dataclass(frozen=True, slots=True)
class Service:
    """A running service."""

    home: Path
    port: int


@contextmanager
def service() -> Iterator[Service]:
    """Run the service for the duration of a block, with this process connected to its database.

    Its home is below ours, on the same disk: in /tmp, which may be tmpfs, commits would be free.
    """
    ours = embedded.home() / "bench"
    ours.mkdir(mode=0o711, exist_ok=True)
    home = Path(tempfile.mkdtemp(dir=ours, prefix="http-"))
    try:
        home.chmod(0o711)
        port = free_port()
        environment = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED} | {
            "LIFTOS_HOME": str(home),
            "LIFTOS_PORT": str(port),
            "LIFTOS_BIND": HOST,
            "LIFTOS_EMBEDDER": "minilm",
            "LIFTOS_TRACE_PERSIST": "1",
            # measure the service, not its rate limits
            "LIFTOS_RATE_LIMIT_KEY": "none",
            # shares the keys of its embedding cache
            "LIFTOS_SECRET_KEY": settings.SECRET_KEY,
        }
        command = [sys.executable, str(REPOSITORY / "manage.py"), "up"]
        with running(command, log=home / "liftos.log", environment=environment) as child:
            wait_for(child, lambda: (home / "credentials.json").exists() and answers(port, "/ready"))
            with _connected_to(home):
                yield Service(home, port)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _connected_to(home: Path) -> Iterator[None]:
    """Point both connections at another home's database for a block."""
    urls = embedded.urls(home)
    wanted = {"default": urls.database_url, "owner": urls.owner_database_url}
    earlier = {alias: dict(connections[alias].settings_dict) for alias in wanted}
    try:
        for alias, url in wanted.items():
            _reconnect(alias, database(url))
        yield
    finally:
        for alias, entry in earlier.items():
            _reconnect(alias, entry)


def _reconnect(alias: str, entry: dict[str, Any]) -> None:
    connection: Any = connections[alias]
    connection.close()
    if alias == "default":
        connection.close_pool()
    connection.settings_dict |= {name: entry[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}
    forget_model_numbers()


def know(home: Path, model: ModelInfo, organisation: object, texts: list[str], vectors: Vectors) -> None:
    """Put vectors into the service's shared embedding cache, as if another process had embedded the texts."""
    client = Redis.from_url(embedded.urls(home).redis_url)
    cache = RedisSharedCache("", ttl=settings.LIFTOS_EMBEDDING_CACHE_TTL, connect=lambda: client)
    keys = CacheKeys(configured_secret(), model)
    write_vectors(
        cache, {keys.of(text, str(organisation)): row for text, row in zip(texts, vectors, strict=True)}
    )
    client.close()
    if cache.errors:
        raise RuntimeError("the service's Redis did not take the vectors")


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(child: Child, ready: Callable[[], bool]) -> None:
    """Wait until a program is ready.

    Raises:
        ChildFailed: it ended, or was not ready within two minutes.
    """
    deadline = time.monotonic() + READY_SECONDS
    while not ready():
        child.check()
        if time.monotonic() > deadline:
            raise child.failed(f"was not ready after {READY_SECONDS:.0f} s")
        time.sleep(0.1)


def answers(port: int, path: str) -> bool:
    """Return whether a GET answers 200."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
