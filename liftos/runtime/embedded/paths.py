"""Paths and URLs of the embedded servers of a home directory. Pure."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

REPOSITORY = Path(__file__).resolve().parents[3]

POSTGRES_PORT = 5432  # only names the socket file: no TCP port is ever opened
POSTGRES_SOCKET = f".s.PGSQL.{POSTGRES_PORT}"
REDIS_SOCKET = "redis.sock"

# sockaddr_un holds 108 bytes on Linux and 104 elsewhere, the closing NUL included.
SOCKET_PATH_MAX = 103
# libpq splits hosts, and Postgres its directory list, at commas; other characters need quoting somewhere
_PLAIN = re.compile(r"[A-Za-z0-9/._+@-]+")


@dataclass(frozen=True)
class Urls:
    """URLs of the embedded servers of a home."""

    database_url: str
    owner_database_url: str
    superuser_database_url: str
    redis_url: str


def home() -> Path:
    """Return the resolved home directory: `$LIFTOS_HOME`, or `.liftos` in the repository."""
    named = os.environ.get("LIFTOS_HOME", "").strip()
    return (Path(named).expanduser() if named else REPOSITORY / ".liftos").resolve()


def socket_directory(home: Path) -> Path:
    """Return the directory of both servers' sockets, which depends only on the home.

    Args:
        home: absolute.

    Returns:
        `home/run`, or a directory in /tmp if that path is too long for a socket or needs quoting.
    """
    run = home / "run"
    if len(os.fsencode(run / POSTGRES_SOCKET)) <= SOCKET_PATH_MAX and _PLAIN.fullmatch(str(run)):
        return run
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    # Not tempfile.gettempdir(): processes with different TMPDIR must find the same servers. accounts.private_directory
    # checks the owner.
    return Path("/tmp") / f"liftos-{digest}"  # noqa: S108


def urls(home: Path) -> Urls:
    """Return the URLs of the servers of a home, running or not."""
    sockets = socket_directory(home)
    host = quote(str(sockets), safe="")

    def postgres(role: str, database: str) -> str:
        # an explicit port overrides PGPORT in the environment
        return f"postgresql://{role}@{host}:{POSTGRES_PORT}/{database}"

    return Urls(
        database_url=postgres("liftos_app", "liftos"),
        owner_database_url=postgres("liftos_owner", "liftos"),
        superuser_database_url=postgres("postgres", "postgres"),
        redis_url=f"unix://{quote(str(sockets / REDIS_SOCKET))}?db=0",
    )
