"""Sharing of the servers among processes: started by the first, stopped by the last.

Two locks in `$LIFTOS_HOME/state`: `start.lock` (exclusive, held while starting, joining or leaving) and
`users.lock` (shared, held by each user for its life). The kernel frees both when a process is killed.
"""

import atexit
import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from liftos.runtime.embedded.accounts import server_account
from liftos.runtime.embedded.errors import EmbeddedError
from liftos.runtime.embedded.files import locked, open_lock, prepare_home, say, try_lock
from liftos.runtime.embedded.postgres import Postgres
from liftos.runtime.embedded.redis import Redis
from liftos.runtime.embedded.server import Server

_leases: dict[Path, "Lease"] = {}
_leases_lock = threading.Lock()


def wanted_servers(home: Path) -> list[Server]:
    """Return the servers not replaced by DATABASE_URL and REDIS_URL."""
    kinds: list[type[Server]] = []
    if not os.environ.get("DATABASE_URL", "").strip():
        kinds.append(Postgres)
    if not os.environ.get("REDIS_URL", "").strip():
        kinds.append(Redis)
    return [kind(home, server_account(home)) for kind in kinds] if kinds else []


def ensure_running(home: Path) -> None:
    """Start the servers of a home unless they are running, and wait until they are ready. Safe for concurrent processes.

    Servers replaced by `DATABASE_URL` and `REDIS_URL` are not started.

    Raises:
        EmbeddedError: they can't run here; the message is one line.
    """
    with _one_line(home):
        prepare_home(home)
        with locked(home / "state" / "start.lock"):
            _ensure(home)


def _ensure(home: Path) -> None:
    for server in wanted_servers(home):
        server.ensure()


class Lease:
    """This process's use of the servers of a home; also a context manager."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._owner = os.getpid()
        with _one_line(home):
            prepare_home(home)
            with locked(home / "state" / "start.lock"):
                self._users: int | None = open_lock(home / "state" / "users.lock")
                try:
                    fcntl.flock(self._users, fcntl.LOCK_SH)
                    _ensure(home)
                except BaseException:
                    self._leave(self._users)
                    raise

    def release(self) -> None:
        """Release the lease; stop the servers if no other process uses them.

        Raises:
            EmbeddedError: a server does not stop.
        """
        # a forked child inherits this object and its atexit hook, but not the lease
        if self._users is None or os.getpid() != self._owner:
            return
        users, self._users = self._users, None
        with _leases_lock:
            _leases.pop(self.home, None)
        # joining takes the same lock, so no process can join before the stop
        with _one_line(self.home), locked(self.home / "state" / "start.lock"):
            self._leave(users)

    def _leave(self, users: int) -> None:
        try:
            if try_lock(users):
                for kind in (Redis, Postgres):
                    kind(self.home, None).stop()
        finally:
            os.close(users)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def hold(home: Path) -> Lease:
    """Keep the servers running until this process ends or the lease is released.

    A second call for the same home returns the same lease.

    Raises:
        EmbeddedError: they can't run here; the message is one line.
    """
    with _leases_lock:
        lease = _leases.get(home)
    if lease is None or lease._owner != os.getpid():
        lease = Lease(home)
        with _leases_lock:
            _leases[home] = lease
        atexit.register(_release_at_exit, lease)
    return lease


def _release_at_exit(lease: Lease) -> None:
    try:
        lease.release()
    except EmbeddedError as error:
        say(str(error))


@contextmanager
def _one_line(home: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = error.filename or home
        reason = (error.strerror or str(error)).lower()
        raise EmbeddedError(f"the embedded servers can't run: {where}: {reason}") from error
