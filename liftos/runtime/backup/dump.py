"""Backups: a directory with a consistent Postgres dump and a manifest to verify the restored rows.

Everything in Redis can be recomputed. The installation's key files are included: without them, the log could not be signed
any more and rejected values could be stored again. The files of the file store are copied after the dump.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from liftos.runtime.backup.programs import run_program
from liftos.runtime.backup.stored_files import TABLE, Kept, bring_back_files, copy_files, read_kept
from liftos.runtime.backup.types import RecoveryFailed

FORMAT = "liftos-backup/1"
DUMP, MANIFEST, KEYS, FILES = "database.dump", "manifest.json", "keys", "files"

_TABLES = """
SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname
"""


def make_backup(*, url: str, directory: Path, keys: Mapping[str, Path]) -> dict[str, Any]:
    """Write a backup; the service may be running.

    Args:
        url: of the database, as a superuser or another role that bypasses row-level security.
        directory: the destination; must not exist or be empty.
        keys: key files by their name in the backup; missing ones are skipped.

    Returns:
        The manifest.

    Raises:
        RecoveryFailed: the backup failed; nothing is left behind.
    """
    if directory.exists() and any(directory.iterdir()):
        raise RecoveryFailed(f"{directory} is not empty")
    # written under a temporary name, so that a directory with the final name is complete
    aside = directory.with_name(f"{directory.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True, mode=0o700)
    try:
        rows, kept = _dump(url, aside / DUMP)
        manifest = {
            "format": FORMAT,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "sha256": _digest(aside / DUMP),
            "rows": rows,
            "keys": sorted(_copy_keys(keys, aside / KEYS)),
            "files": copy_files(kept, aside / FILES),
        }
        (aside / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        with suppress(FileNotFoundError):
            directory.rmdir()
        aside.rename(directory)
    except psycopg.Error as error:
        raise RecoveryFailed(f"the database can't be read: {error}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return manifest


def bring_back(*, url: str, directory: Path) -> dict[str, Any]:
    """Restore a backup into an empty database and verify the number of rows.

    Args:
        url: of the database, as a superuser.
        directory: the backup.

    Returns:
        The manifest.

    Raises:
        RecoveryFailed: the backup is damaged, the database is not empty, or the restored rows differ.
    """
    manifest = read_manifest(directory)
    try:
        with psycopg.connect(url) as connection:
            if _count_tables(connection):
                raise RecoveryFailed("the database already has tables: restore into an empty one")
        run_program(
            "pg_restore", "--exit-on-error", "--single-transaction", "--dbname", url, str(directory / DUMP)
        )
        with psycopg.connect(url) as connection:
            found = _count_rows(connection)
            kept = read_kept(connection) if TABLE in found else []
            # statistics for the planner
            connection.execute("ANALYZE")
    except psycopg.Error as error:
        raise RecoveryFailed(f"the database can't be restored: {error}") from error
    if found != manifest["rows"]:
        wrong = sorted(
            name for name in found.keys() | manifest["rows"] if found.get(name) != manifest["rows"].get(name)
        )
        raise RecoveryFailed(f"the restored rows differ from the backup in {', '.join(wrong)}")
    written = bring_back_files(kept, directory / FILES)
    if written != manifest.get("files", {}).get("copied", 0):
        raise RecoveryFailed(f"{directory / FILES} is incomplete: {written} files restored")
    return manifest


def read_manifest(directory: Path) -> dict[str, Any]:
    """Return a backup's manifest after verifying its dump.

    Raises:
        RecoveryFailed: it is not a backup, or is damaged.
    """
    try:
        manifest = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
        if manifest["format"] != FORMAT:
            raise RecoveryFailed(f"{directory} is a backup in the unknown format {manifest['format']}")
        if _digest(directory / DUMP) != manifest["sha256"]:
            raise RecoveryFailed(f"{directory / DUMP} is damaged: its checksum does not match the manifest")
    except (OSError, ValueError, KeyError, TypeError):
        raise RecoveryFailed(f"{directory} is not a backup") from None
    return manifest


def _dump(url: str, path: Path) -> tuple[dict[str, int], Kept]:
    with psycopg.connect(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        if row is None:
            raise RecoveryFailed("the database did not export a snapshot")
        # rows are counted and dumped in the same snapshot
        rows = _count_rows(connection)
        if "django_migrations" not in rows:
            raise RecoveryFailed("the database has no LiftOS tables")
        kept = read_kept(connection) if TABLE in rows else []
        run_program("pg_dump", "--format=custom", f"--snapshot={row[0]}", f"--file={path}", "--dbname", url)
    path.chmod(0o600)
    return rows, kept


def _count_tables(connection: psycopg.Connection) -> int:
    return len(connection.execute(_TABLES).fetchall())


def _count_rows(connection: psycopg.Connection) -> dict[str, int]:
    counted = {}
    for (name,) in connection.execute(_TABLES).fetchall():
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("public", name))
        row = connection.execute(query).fetchone()
        counted[name] = row[0] if row else 0
    return counted


def _copy_keys(keys: Mapping[str, Path], directory: Path) -> list[str]:
    present = {name: path for name, path in keys.items() if path.exists()}
    if present:
        directory.mkdir(mode=0o700)
    for name, path in present.items():
        with os.fdopen(os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(path.read_bytes())
    return list(present)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
