"""The account under which root runs the servers: Postgres refuses to run as root."""

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from liftos.runtime.embedded.errors import EmbeddedError
from liftos.runtime.embedded.files import say

ACCOUNT = "liftos-pg"


@dataclass(frozen=True)
class Account:
    """A system user."""

    name: str
    uid: int
    gid: int


def server_account(home: Path) -> Account | None:
    """Return the account that runs the servers of a home, or None for the current user.

    Postgres must own its data, so for root it is the owner of an existing data directory, else of the home, unless that is
    root, else a system account, which is created if necessary.

    Raises:
        EmbeddedError: the data belongs to another user, or root has no account to run Postgres as.
    """
    data = home / "pg"
    if os.geteuid() != 0:
        if data.exists() and (found := data.stat()).st_uid != os.geteuid():
            raise EmbeddedError(
                f"{data} belongs to user {user_name(found.st_uid)}: run as that user or as root, "
                "or choose another directory: LIFTOS_HOME=/path/to/it make up"
            )
        return None
    for path in (data, home):
        if path.exists() and (found := path.stat()).st_uid != 0:
            return Account(user_name(found.st_uid), found.st_uid, found.st_gid)
    return _find(ACCOUNT) or _create() or _nobody()


def _find(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(name, entry.pw_uid, entry.pw_gid)


def _create() -> Account | None:
    useradd = shutil.which("useradd", path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin")
    if useradd is None:
        return None
    command = [
        useradd,
        "--system",
        "--user-group",
        "--no-create-home",
        "--shell",
        "/usr/sbin/nologin",
        ACCOUNT,
    ]
    # the status is ignored: it also fails if another installation has just created the account
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    account = _find(ACCOUNT)
    if account is not None:
        say(f"Created the system account {ACCOUNT} to run the servers")
    return account


def _nobody() -> Account:
    account = _find("nobody")
    if account is None:
        raise EmbeddedError(
            "Postgres can't run as root and no other account is available: "
            f"create one named {ACCOUNT}, run as an ordinary user, or set DATABASE_URL"
        )
    return account


def user_name(uid: int) -> str:
    """Return a user's name, or the id if there is none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def private_directory(path: Path, account: Account | None) -> None:
    """Create a directory that only the servers' account (and root) can access.

    Raises:
        EmbeddedError: it exists and belongs to another user, which may be an attack in a shared /tmp.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    owners = {os.geteuid()} | ({account.uid} if account else set())
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners:
        raise EmbeddedError(f"{path} belongs to user {user_name(found.st_uid)}: remove it, then try again")
    path.chmod(0o700)
    if account is not None:
        os.chown(path, account.uid, account.gid)


def make_reachable(path: Path, account: Account | None) -> None:
    """Let the account traverse all parents of a path.

    Inaccessible parents get the search bit for others, never the read bit, and are named on stderr.
    """
    if account is None:
        return
    for parent in reversed(path.absolute().parents):
        found = parent.stat()
        if found.st_uid == account.uid or found.st_mode & stat.S_IXOTH:
            continue
        _change(parent, stat.S_IMODE(found.st_mode) | stat.S_IXOTH)
        say(f"{parent}: made searchable for others (chmod o+x), because Postgres runs as {account.name}")


def make_readable(tree: Path, account: Account | None) -> None:
    """Let the account read an installed program, even if it was installed with a strict umask."""
    if account is None:
        return
    closed = [path for path in _walk(tree) if not _open_to_others(path)]
    for path in closed:
        mode = stat.S_IMODE(path.stat().st_mode)
        _change(path, mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))
    if closed:
        say(f"{tree}: made readable for others (chmod -R o+rX), because Postgres runs as {account.name}")


def _walk(tree: Path) -> Iterator[Path]:
    yield tree
    if tree.is_dir():
        yield from (path for path in tree.rglob("*") if not path.is_symlink())


def _open_to_others(path: Path) -> bool:
    mode = path.stat().st_mode
    return bool(mode & stat.S_IROTH) and (not mode & stat.S_IXUSR or bool(mode & stat.S_IXOTH))


def _change(path: Path, mode: int) -> None:
    try:
        path.chmod(mode)
    except OSError as error:
        raise EmbeddedError(
            f"{path} can't be made accessible to the servers' account ({(error.strerror or str(error)).lower()}): "
            "run as an ordinary user, or choose another directory: LIFTOS_HOME=/path/to/it make up"
        ) from None
