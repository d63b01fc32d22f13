"""Checks of `manage.py up` before it starts anything: each error is one line that says what to do."""

import errno
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from liftos.runtime.embedded.errors import EmbeddedError
from liftos.runtime.embedded.files import open_lock, prepare_home, try_lock

DEFAULT_PORT = 8003
DEFAULT_BIND = "127.0.0.1"
# a new data directory takes 45 MB, plus WAL; a full disk crashes Postgres
FREE_BYTES_MIN = 256_000_000


@dataclass(frozen=True)
class Address:
    """The web server's address."""

    bind: str
    port: int

    @property
    def host(self) -> str:
        """The host by which this machine reaches it."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.bind, self.bind)  # noqa: S104 (compared, not bound)

    @property
    def base_url(self) -> str:
        """The root URL, without a trailing slash."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


def address() -> Address:
    """Return the address from `LIFTOS_BIND` and `LIFTOS_PORT`.

    Raises:
        EmbeddedError: invalid port.
    """
    text = os.environ.get("LIFTOS_PORT", "").strip() or str(DEFAULT_PORT)
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise EmbeddedError(
            f"LIFTOS_PORT is {text!r}, not a port number (1 to 65535); try LIFTOS_PORT=8004 make up"
        )
    return Address(os.environ.get("LIFTOS_BIND", "").strip() or DEFAULT_BIND, int(text))


def check_space(home: Path) -> None:
    """Check that the disk has room for a database.

    Raises:
        EmbeddedError: the disk is nearly full.
    """
    free = shutil.disk_usage(home).free
    if free < FREE_BYTES_MIN:
        raise EmbeddedError(
            f"LIFTOS_HOME {home}: the disk is nearly full ({free // 1_000_000} MB free, "
            f"{FREE_BYTES_MIN // 1_000_000} MB needed); free some space or choose another directory: "
            "LIFTOS_HOME=/path/to/it make up"
        )


def check_port(wanted: Address) -> None:
    """Check that the web server can listen on the address.

    Raises:
        EmbeddedError: it can't, for example because the port is in use.
    """
    error = _bind_error(wanted)
    if error is None:
        return
    if error.errno == errno.EADDRINUSE:
        nearby = (Address(wanted.bind, port) for port in range(wanted.port + 1, min(wanted.port + 50, 65536)))
        free = next((other.port for other in nearby if _bind_error(other) is None), DEFAULT_PORT + 1)
        raise EmbeddedError(
            f"port {wanted.port} on {wanted.bind} is already in use by another program or another LiftOS; "
            f"choose another: LIFTOS_PORT={free} make up"
        )
    reason = (error.strerror or str(error)).lower()
    if error.errno in (errno.EACCES, errno.EPERM):
        raise EmbeddedError(
            f"no permission to listen on port {wanted.port} ({reason}); try LIFTOS_PORT=8003 make up"
        )
    raise EmbeddedError(
        f"can't listen on LIFTOS_BIND {wanted.bind} ({reason}); the default is {DEFAULT_BIND}"
    )


def _bind_error(wanted: Address) -> OSError | None:
    family = socket.AF_INET6 if ":" in wanted.bind else socket.AF_INET
    try:
        with socket.socket(family) as listener:
            # like gunicorn; otherwise connections of an instance just stopped would block the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((wanted.bind, wanted.port))
    except OSError as error:
        return error
    return None


@contextmanager
def only_supervisor(home: Path) -> Iterator[None]:
    """Hold the supervisor lock of a home.

    Raises:
        EmbeddedError: another supervisor is running.
    """
    path = home / "state" / "up.lock"
    descriptor = open_lock(path)
    try:
        if not try_lock(descriptor):
            pid = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
            raise EmbeddedError(
                f"LiftOS is already running from {home} (process {pid}); stop it, or start a second instance: "
                "LIFTOS_HOME=/another/directory LIFTOS_PORT=8004 make up"
            )
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


@contextmanager
def checked(home: Path) -> Iterator[Address]:
    """Run all checks and hold the supervisor lock for a block.

    Raises:
        EmbeddedError: a check failed; the message is one line.
    """
    wanted = address()
    prepare_home(home)
    check_space(home)
    with only_supervisor(home):
        check_port(wanted)
        yield wanted
