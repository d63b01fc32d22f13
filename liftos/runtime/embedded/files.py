"""The home directory, its locks and private files."""

import errno
import fcntl
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from liftos.kernel.keyfiles import give_to_owner
from liftos.runtime.embedded.errors import EmbeddedError

_CHOOSE = "choose another directory: LIFTOS_HOME=/path/to/it make up"


def say(line: str) -> None:
    """Write a line to stderr; stdout is for the output of commands."""
    with suppress(OSError, ValueError):  # a closed terminal must not prevent a clean shutdown
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


def make_directory(path: Path, mode: int) -> None:
    """Create a missing directory and its parents; its owner is the parent's owner.

    Raises:
        OSError: a file is in the way, or it can't be created.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir(mode=mode)
    except FileExistsError:
        if not path.is_dir():
            raise
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        give_to_owner(descriptor, path.parent)
    finally:
        os.close(descriptor)


def prepare_home(home: Path) -> None:
    """Create the home directory and check that it is writable.

    Raises:
        EmbeddedError: a file is in the way, the disk is full, or it is not writable.
    """
    # in an installation by root, the Postgres account must traverse the home but not list it
    mode = 0o711 if os.geteuid() == 0 else 0o700
    try:
        make_directory(home, mode)
        for name in ("log", "state"):
            make_directory(home / name, 0o700)
        # permission bits do not apply to root and do not show read-only mounts, so try to write
        with tempfile.TemporaryFile(dir=home, buffering=0) as probe:
            probe.write(bytes(65536))
    except (FileExistsError, NotADirectoryError):
        raise EmbeddedError(
            f"LIFTOS_HOME {home}: a file is in the way, {_blocker(home)}; {_CHOOSE}"
        ) from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise EmbeddedError(
                f"LIFTOS_HOME {home}: the disk is full; free some space or {_CHOOSE}"
            ) from None
        reason = (error.strerror or str(error)).lower()
        raise EmbeddedError(f"LIFTOS_HOME {home} is not writable ({reason}); {_CHOOSE}") from None


def _blocker(home: Path) -> Path:
    for path in (home, *home.parents, home / "log", home / "state"):
        if os.path.lexists(path) and not path.is_dir():
            return path
    return home


def open_lock(path: Path) -> int:
    """Open a lock file without locking it; the caller closes the descriptor.

    Subprocesses do not inherit it (PEP 446), so a child never holds its parent's lock by accident.
    """
    return _open_private(path, os.O_RDWR)


def open_log(path: Path) -> int:
    """Open a log file for appending; the caller closes the descriptor."""
    return _open_private(path, os.O_WRONLY | os.O_APPEND)


def _open_private(path: Path, flags: int) -> int:
    # never follow links: root may open it in another user's directory
    descriptor = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    give_to_owner(descriptor, path.parent)
    return descriptor


def try_lock(descriptor: int, *, shared: bool = False) -> bool:
    """Try to take a flock without waiting; return whether it was taken."""
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait for and hold an exclusive lock on a file; the kernel releases it if this process is killed."""
    descriptor = open_lock(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write_private(path: Path, text: str, *, replace: bool = True) -> None:
    """Atomically write a file with mode 0600.

    Args:
        path: the file.
        text: its content.
        replace: False to keep an existing file, also one created concurrently.
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            give_to_owner(file.fileno(), path.parent)
        if replace:
            Path(temporary).replace(path)
        else:
            with suppress(FileExistsError):
                os.link(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def secret_key(home: Path) -> str:
    """Return the installation's secret key, created on first use.

    Raises:
        EmbeddedError: the home is not usable.
    """
    path = home / "secret_key"
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        prepare_home(home)
        write_private(path, secrets.token_urlsafe(50) + "\n", replace=False)
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise EmbeddedError(f"{path} can't be read ({reason}); {_CHOOSE}") from None
