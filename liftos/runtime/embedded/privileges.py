"""`make up` as root: runs everything as an ordinary user, who gets only the files of the home that the service uses."""

import compileall
import os
import pwd
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from liftos.runtime.embedded.accounts import Account, server_account
from liftos.runtime.embedded.errors import EmbeddedError
from liftos.runtime.embedded.files import prepare_home, say
from liftos.runtime.embedded.paths import REPOSITORY
from liftos.runtime.embedded.preflight import Address, address

PACKAGES = ("liftos", "accountability", "memory", "spaces", "workflows")
# what web, worker and servers use of the home; the rest (backups, the tests' home) is not changed
FILES = ("secret_key", "ledger_key", "value_key", "credentials.json")
TREES = ("log", "state", "run", "redis")
# settings that name files elsewhere, and the access they need
NAMED = {
    "LIFTOS_LEDGER_KEY_FILE": os.R_OK,
    "LIFTOS_VALUE_KEY_FILE": os.R_OK,
    "LIFTOS_CHECKPOINT_FILE": os.W_OK,
    "LIFTOS_SPOOL_DIR": os.W_OK | os.X_OK,
    "TMPDIR": os.W_OK | os.X_OK,
}

# Runs as the account, so that modes, ACLs, mounts and namespaces all count. Prints the first inaccessible path. Arguments: the
# packages, the repository, the home's parent, and MODE:PATH of each named file.
_PROBE = """
import os, sys
from pathlib import Path

def check(path, mode):
    if not os.access(path, mode):
        sys.exit(print(path) or 1)

def enter(path):
    for directory in reversed([path, *path.parents]):
        check(directory, os.X_OK)

def walk(top):
    for directory, names, files in os.walk(top):
        check(directory, os.R_OK | os.X_OK)
        names[:] = [name for name in names if name != "__pycache__"]
        for name in files:
            path = os.path.join(directory, name)
            if not os.path.islink(path):
                check(path, os.R_OK | (os.X_OK if os.stat(path).st_mode & 0o100 else 0))

packages, repository, parent, *named = sys.argv[1:]
enter(Path(repository))
enter(Path(parent))
check(os.path.join(repository, "manage.py"), os.R_OK)
for each in named:
    mode, _, path = each.partition(":")
    enter(Path(path).parent)
    check(path if os.path.exists(path) else Path(path).parent, int(mode) if os.path.exists(path) else os.W_OK)
for package in packages.split(","):
    check(os.path.join(repository, package), os.R_OK | os.X_OK)
    walk(os.path.join(repository, package))
for top in sys.path:
    walk(top)
"""


def leave_root(home: Path) -> None:
    """As root, restart `manage.py up` as an ordinary user; if that is impossible, say why in one line and return.

    The process keeps its id, terminal and environment. The account gets the home's files first.

    Raises:
        EmbeddedError: invalid settings or home, or no account is available.
    """
    if os.geteuid() != 0:
        return
    wanted = address()
    prepare_home(home)
    account = server_account(home)
    if account is None:
        return
    obstacle = _port_obstacle(wanted) or _home_obstacle(home, account) or _access_obstacle(home, account)
    if obstacle is not None:
        say(f"LiftOS runs as root instead of {account.name}: {obstacle}")
        return
    # the account can't write to the checkout and would otherwise compile every module on every start
    for package in PACKAGES:
        compileall.compile_dir(REPOSITORY / package, quiet=2)
    hand_over(home, account)
    _become(home, account)


def _port_obstacle(wanted: Address) -> str | None:
    try:
        first = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text(encoding="ascii"))
    except (OSError, ValueError):
        first = 1024
    if wanted.port >= first:
        return None
    return f"port {wanted.port} requires root (other users: from {first})"


def _home_obstacle(home: Path, account: Account) -> str | None:
    # earlier versions run as root gave Postgres's data in a user's home to a system account
    if home.stat().st_uid in (0, account.uid):
        return None
    return f"{home} and its data belong to different users"


def _access_obstacle(home: Path, account: Account) -> str | None:
    named = [
        f"{mode}:{Path(path).absolute()}"
        for name, mode in NAMED.items()
        if (path := os.environ.get(name, "").strip())
    ]
    arguments = [",".join(PACKAGES), str(REPOSITORY), str(home.parent), *named]
    try:
        probe = subprocess.run(
            [sys.executable, "-I", "-c", _PROBE, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            user=account.uid,
            group=account.gid,
            extra_groups=[],
        )
    except (OSError, subprocess.SubprocessError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        return f"it can't start {Path(sys.executable).resolve()} ({reason})"
    if probe.returncode != 0:
        said = (probe.stdout or probe.stderr).strip().splitlines()
        return f"it has no access to {said[-1] if said else sys.executable}"
    return None


def hand_over(home: Path, account: Account) -> None:
    """Give root's files in the home that the service uses to the account, keeping their modes."""
    # by descriptors and never through links: the previous owner of these directories may be changing them meanwhile
    opened = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        for name in (".", *FILES, *TREES):
            _give(name, opened, account)
        for name in TREES:
            with suppress(FileNotFoundError):
                for _, directories, files, descriptor in os.fwalk(name, dir_fd=opened):
                    for each in (*directories, *files):
                        _give(each, descriptor, account)
    finally:
        os.close(opened)


def _give(name: str, directory: int, account: Account) -> None:
    with suppress(FileNotFoundError):
        found = os.stat(name, dir_fd=directory, follow_symlinks=False)
        # a hard link may be to a file elsewhere
        if found.st_uid == 0 and (stat.S_ISDIR(found.st_mode) or found.st_nlink == 1):
            os.chown(name, account.uid, account.gid, dir_fd=directory, follow_symlinks=False)


def _become(home: Path, account: Account) -> None:
    try:
        directory = pwd.getpwuid(account.uid).pw_dir
    except KeyError:
        directory = ""
    named = {"USER": account.name, "LOGNAME": account.name, "LIFTOS_HOME": str(home)}
    os.environ.update(named, HOME=directory if Path(directory).is_dir() else str(home))
    os.chdir(REPOSITORY)
    sys.stdout.flush()
    try:
        os.setgroups([])
        os.setgid(account.gid)
        os.setuid(account.uid)
    except OSError as error:
        raise EmbeddedError(
            f"can't switch to user {account.name}: {(error.strerror or str(error)).lower()}"
        ) from None
    # a new program, so that nothing loaded or opened as root remains
    os.execv(sys.executable, [sys.executable, str(REPOSITORY / "manage.py"), "up"])  # noqa: S606
