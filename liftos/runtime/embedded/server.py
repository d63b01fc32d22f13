"""What the embedded Postgres and Redis have in common: one process tree, known by the lock that it holds."""

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

START_SECONDS = 60.0  # crash recovery of a few gigabytes of WAL included
STOP_SECONDS = 30.0
POLL_SECONDS = 0.02
LOG_BYTES_MAX = 10_000_000

# Servers that this process started: kept so that they can be reaped, or a dead one stays as a zombie.
_started: list[subprocess.Popen[bytes]] = []


class Server(ABC):
    """An embedded server of one home.

    Each server inherits a locked file descriptor and passes it on to its own children, so that the lock is
    held exactly as long as any of them lives. Unlike a pid file it cannot be stale, and a pid that the
    system gave to another program cannot deceive it.
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
        """The Unix socket that the server listens on."""

    @abstractmethod
    def prepare(self) -> list[str]:
        """Make everything ready while no process of this server lives, and return the command to start."""

    @abstractmethod
    def ready(self) -> bool:
        """Connect, and say whether the server does its work."""

    def alive(self) -> bool:
        """Say whether any process of this server lives, its last children included."""
        for process in _started:
            process.poll()
        try:
            descriptor = open_lock(self._lock)
        except FileNotFoundError:
            return False
        try:
            # Shared: two processes that ask at the same time must not take each other for the server.
            return not try_lock(descriptor, shared=True)
        finally:
            os.close(descriptor)

    def pid(self) -> int | None:
        """Return the process that listens on the socket, as the kernel names it, or None."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            try:
                client.connect(os.fspath(self.socket))
            except OSError:
                return None
            peer = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return struct.unpack("3i", peer)[0]

    def ensure(self) -> None:
        """Start the server unless it runs, and wait until it answers; the caller holds the start lock.

        Raises:
            EmbeddedError: it stopped while starting, or did not answer within a minute.
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
            # Only an asker can hold it here, and for an instant: the server is known to be dead.
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
                start_new_session=True,  # Ctrl-C at the terminal is for us, not for the servers
                **self.identity(),
            )
        except OSError as error:
            raise self.cannot_run(command[0], error) from None

    def identity(self) -> dict[str, Any]:
        """Return what every process of the server is started with: who it is and what it sees."""
        as_account = (
            {"user": self.account.uid, "group": self.account.gid, "extra_groups": []} if self.account else {}
        )
        # Nothing else of the environment: PGDATA, PGPORT or a locale would change what the server does.
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
        return {"cwd": "/", "umask": 0o077, "env": environment, **as_account}

    def cannot_run(self, program: str, error: OSError) -> EmbeddedError:
        """Return the error for a program that the system did not let us start."""
        if error.errno in (errno.EPERM, errno.EINVAL) and self.account is not None:
            return EmbeddedError(
                f"cannot run {self.name} as {self.account.name} here: run as an ordinary user, "
                "or use servers of your own with DATABASE_URL and REDIS_URL"
            )
        return EmbeddedError(f"cannot run {program}: {(error.strerror or str(error)).lower()}")

    def stop(self) -> None:
        """Stop the server cleanly and wait until its last process is gone; the caller holds the start lock.

        Raises:
            EmbeddedError: it is still there after half a minute and a stronger signal.
        """
        start = time.monotonic()
        asked = forced = False
        while self.alive():
            waited = time.monotonic() - start
            # The pid is asked for anew: while recovering there may be nobody yet to send the signal to.
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
        # Answers to our own knocking say nothing about why it does not open.
        lines = [line for line in lines if line.strip() and "FATAL:  the database system is" not in line]
        telling = [line for line in lines if "FATAL" in line or "PANIC" in line]
        return (telling or lines or ["it left no log"])[-1].strip()
