"""The base class of the embedded Postgres and Redis: a process tree identified by a lock it holds."""

import errno
import fcntl
import os
import signal
import socket
import struct
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from liftos.runtime.embedded.accounts import Account, make_reachable, private_directory
from liftos.runtime.embedded.errors import EmbeddedError
from liftos.runtime.embedded.files import open_lock, open_log, try_lock
from liftos.runtime.embedded.paths import socket_directory

START_SECONDS = 60.0  # includes crash recovery of a few gigabytes of WAL
STOP_SECONDS = 30.0
POLL_SECONDS = 0.02
LOG_BYTES_MAX = 10_000_000

# servers started by this process, kept to reap them when they end
_started: list[subprocess.Popen[bytes]] = []


class Server(ABC):
    """An embedded server of one home.

    Each server inherits a locked file descriptor and passes it on to its children, so the lock is held exactly as long as
    any of them lives. Unlike a pid file, it can't be stale or refer to another program with a reused pid.
    """

    name: str
    stop_signal: signal.Signals
    force_signal: signal.Signals

    def __init__(self, home: Path, account: Account | None) -> None:
        self.home = home
        self.account = account
        self.sockets = socket_directory(home)
        self.log = home / "log" / f"{self.name}.log"
        self._log_start = 0
        self._lock = home / "state" / f"{self.name}.lock"

    @property
    @abstractmethod
    def socket(self) -> Path:
        """The server's Unix socket."""

    @abstractmethod
    def prepare(self) -> list[str]:
        """Prepare the start, while no process of this server is running; return the command."""

    @abstractmethod
    def ready(self) -> bool:
        """Return whether the server answers."""

    def alive(self) -> bool:
        """Return whether any process of this server, including children, is running."""
        for process in _started:
            process.poll()
        try:
            descriptor = open_lock(self._lock)
        except FileNotFoundError:
            return False
        try:
            # shared: two processes that check at the same time must not mistake each other for the server
            return not try_lock(descriptor, shared=True)
        finally:
            os.close(descriptor)

    def pid(self) -> int | None:
        """Return the pid of the process listening on the socket, from the kernel, or None."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            try:
                client.connect(os.fspath(self.socket))
            except OSError:
                return None
            peer = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return struct.unpack("3i", peer)[0]

    def ensure(self) -> None:
        """Start the server unless it is running, and wait until it is ready; the caller holds the start lock.

        Raises:
            EmbeddedError: it stopped while starting, or was not ready within a minute.
        """
        deadline = time.monotonic() + START_SECONDS
        process: subprocess.Popen[bytes] | None = None
        while not self.ready():
            if not self.alive():
                if process is not None:
                    raise EmbeddedError(
                        f"{self.name} stopped while starting: {self._last_words()} (log: {self.log})"
                    )
                process = self._spawn()
            elif time.monotonic() > deadline:
                raise EmbeddedError(
                    f"{self.name} does not answer after {START_SECONDS:.0f} s: {self._last_words()} (log: {self.log})"
                )
            time.sleep(POLL_SECONDS)

    def _spawn(self) -> subprocess.Popen[bytes]:
        private_directory(self.sockets, self.account)
        make_reachable(self.sockets / "socket", self.account)
        command = self.prepare()
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES_MAX:
            self.log.replace(self.log.with_suffix(".log.1"))
        lock = open_lock(self._lock)
        try:
            # the server is known to be dead, so only a process checking it can hold the lock, briefly
            fcntl.flock(lock, fcntl.LOCK_EX)
            with os.fdopen(open_log(self.log), "ab") as log:
                self._log_start = log.seek(0, os.SEEK_END)
                process = self._popen(command, log.fileno(), lock)
        finally:
            os.close(lock)
        _started.append(process)
        return process

    def _popen(self, command: list[str], log: int, lock: int) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock,),
                start_new_session=True,  # Ctrl-C in the terminal must not reach the servers
                **self.identity(),
            )
        except OSError as error:
            raise self.cannot_run(command[0], error) from None

    def identity(self) -> dict[str, Any]:
        """Return the Popen arguments for the server's user and environment."""
        as_account = (
            {"user": self.account.uid, "group": self.account.gid, "extra_groups": []} if self.account else {}
        )
        # nothing else from the environment: PGDATA, PGPORT or a locale would affect the server
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
        return {"cwd": "/", "umask": 0o077, "env": environment, **as_account}

    def cannot_run(self, program: str, error: OSError) -> EmbeddedError:
        """Return the error for a program that could not be started."""
        if error.errno in (errno.EPERM, errno.EINVAL) and self.account is not None:
            return EmbeddedError(
                f"can't run {self.name} as {self.account.name} here: run as an ordinary user, "
                "or use your own servers with DATABASE_URL and REDIS_URL"
            )
        return EmbeddedError(f"can't run {program}: {(error.strerror or str(error)).lower()}")

    def stop(self) -> None:
        """Stop the server cleanly and wait until its last process has ended; the caller holds the start lock.

        Raises:
            EmbeddedError: it is still running half a minute later, after a stronger signal.
        """
        start = time.monotonic()
        asked = forced = False
        while self.alive():
            waited = time.monotonic() - start
            # read the pid each time: during recovery, no process may be listening yet
            if not asked and (pid := self.pid()) is not None:
                os.kill(pid, self.stop_signal)
                asked = True
            elif waited > STOP_SECONDS and not forced and (pid := self.pid()) is not None:
                os.kill(pid, self.force_signal)
                forced = True
            elif waited > STOP_SECONDS + 10:
                raise EmbeddedError(f"{self.name} of {self.home} does not stop (log: {self.log})")
            time.sleep(POLL_SECONDS)

    def _last_words(self) -> str:
        try:
            with self.log.open("rb") as log:
                log.seek(self._log_start)
                lines = log.read().decode("utf-8", "replace").splitlines()
        except OSError:
            lines = []
        # responses to our own connection attempts do not explain the failure
        lines = [line for line in lines if line.strip() and "FATAL:  the database system is" not in line]
        telling = [line for line in lines if "FATAL" in line or "PANIC" in line]
        return (telling or lines or ["it left no log"])[-1].strip()
