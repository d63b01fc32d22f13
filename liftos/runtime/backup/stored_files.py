"""The files of the file store in a backup: one for each key, in a directory for each organisation."""

import hashlib
from pathlib import Path
from uuid import UUID

import psycopg

from liftos.kernel.errors import LiftosError
from liftos.kernel.files.errors import FileNotFound
from liftos.kernel.files.storage import read_content, write_content
from liftos.runtime.backup.types import RecoveryFailed

TABLE = "files_storedfile"
_KEPT = f"SELECT organisation_id, key, sha256 FROM {TABLE} WHERE kept ORDER BY organisation_id, key"  # noqa: S608

Kept = list[tuple[UUID, str, str]]


def read_kept(connection: psycopg.Connection) -> Kept:
    """Return organisation, key and digest of each kept file, as a role that bypasses row-level security."""
    return connection.execute(_KEPT).fetchall()


def copy_files(kept: Kept, directory: Path) -> dict[str, int]:
    """Copy files from the store; return how many, and how many were erased since the database was dumped.

    Raises:
        RecoveryFailed: the store is unavailable, or a file is damaged.
    """
    copied = erased = 0
    for organisation, key, digest in kept:
        try:
            content = read_content(organisation, key)
        except FileNotFound:
            erased += 1
            continue
        except LiftosError as error:
            raise RecoveryFailed(f"the file store can't be read: {error.message}") from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise RecoveryFailed(f"the file {organisation}/{key} in the file store is damaged")
        target = directory / str(organisation) / key
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(0o600)
        copied += 1
    return {"copied": copied, "erased": erased}


def bring_back_files(kept: Kept, directory: Path) -> int:
    """Write a backup's files into the store; return how many.

    Raises:
        RecoveryFailed: the store is unavailable, or a file is damaged.
    """
    written = 0
    for organisation, key, digest in kept:
        source = directory / str(organisation) / key
        if not source.exists():
            continue
        content = source.read_bytes()
        if hashlib.sha256(content).hexdigest() != digest:
            raise RecoveryFailed(f"{source} is damaged")
        try:
            write_content(organisation, key, content)
        except LiftosError as error:
            raise RecoveryFailed(f"the file store can't be written: {error.message}") from error
        written += 1
    return written
