"""Secret key files: created once, shared by all processes of an installation, kept outside the database."""

import os
import secrets
import stat
import threading
from functools import lru_cache
from pathlib import Path

KEY_BYTES = 32


@lru_cache(maxsize=8)
def read_key(path: str) -> bytes:
    """Return the 32 random bytes of a key file, created with mode 0600 if missing.

    Raises:
        ValueError: the file has another size.
    """
    file = Path(path)
    if not file.exists():
        _make(file)
    key = file.read_bytes()
    if len(key) != KEY_BYTES:
        raise ValueError(f"{path} must hold {KEY_BYTES} random bytes, not {len(key)}")
    return key


def _make(path: Path) -> None:
    # written to a temporary file and linked into place, so that of several starting processes exactly one creates the key
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
    """Give a file or directory created by root to the owner of its parent directory.

    The service, which runs as an ordinary user, can then use what a command created as root. Files with several hard links
    are skipped: the directory's owner may have linked another file there to be given it.
    """
    if os.geteuid() != 0:
        return
    found, owner = os.fstat(descriptor), directory.stat()
    if found.st_uid == 0 and owner.st_uid != 0 and (stat.S_ISDIR(found.st_mode) or found.st_nlink == 1):
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
