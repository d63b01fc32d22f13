"""Secret keys that are files: made once, shared by all processes of an installation, kept outside of the database."""

import os
import secrets
import stat
import threading
from functools import lru_cache
from pathlib import Path

KEY_BYTES = 32


@lru_cache(maxsize=8)
def read_key(path: str) -> bytes:
    """Return the 32 random bytes of a key file; a file that is not there is made (mode 0600).

    Raises:
        ValueError: the file holds something else.
    """
    file = Path(path)
    if not file.exists():
        _make(file)
    key = file.read_bytes()
    if len(key) != KEY_BYTES:
        raise ValueError(f"{path} must hold {KEY_BYTES} random bytes, not {len(key)}")
    return key


def _make(path: Path) -> None:
    # written aside and linked into place: of several that start at once, one's key is everybody's
    aside = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
            give_to_owner(file.fileno(), path.parent)
        try:
            os.link(aside, path)
        except FileExistsError:
            return
    finally:
        aside.unlink()


def give_to_owner(descriptor: int, directory: Path) -> None:
    """Let a file or directory that root has just made belong to the owner of the directory that it lies in.

    What one command makes as root is then there for the service, which runs as an ordinary user. A file with a second name is
    left alone: the owner of the directory may have put it there to be given it.
    """
    if os.geteuid() != 0:
        return
    found, owner = os.fstat(descriptor), directory.stat()
    if found.st_uid == 0 and owner.st_uid != 0 and (stat.S_ISDIR(found.st_mode) or found.st_nlink == 1):
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
