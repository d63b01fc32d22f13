"""End an organisation: export it, then remove it from every table, file and cache, with a signed receipt."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from django.apps import apps

from accountability.canonical import canonicalise
from accountability.decisions.exports import export_lines as export_decisions
from accountability.ledger import store
from accountability.ledger.signing import signing_key, verifier_key
from liftos.kernel.caching.results import get_function_cache
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import Conflict, LiftosError
from liftos.kernel.files import storage
from liftos.kernel.files.errors import FileStoreUnavailable
from liftos.kernel.tenancy.known_keys import forget_all_keys
from liftos.runtime.ending.tables import NOT_EXPORTED, delete_rows, export_table, tenant_tables
from memory.holds.operations import list_holds
from memory.transfer.exporting import export_lines, header_line

FORMAT = "liftos-end/1"
PASSES = 5
_REVOKE = "UPDATE tenancy_apikey SET revoked_at = coalesce(revoked_at, now()) WHERE organisation_id = %s"
_FILES = "SELECT key, kept FROM files_storedfile WHERE organisation_id = %s ORDER BY key"


class StillHeld(Conflict):
    """A legal hold stands; release it first."""

    code = "liftos.still_held"


class EndFailed(LiftosError):
    """The organisation could not be ended."""


def end_organisation(*, organisation: UUID, slug: str, url: str, directory: Path) -> dict[str, Any]:
    """Revoke an organisation's keys, export it into a new directory, remove all of it, and return the receipt, signed.

    Args:
        organisation: by id.
        slug: its name, for the receipt.
        url: of the database, as a superuser.
        directory: for the export; must not exist or be empty.

    Raises:
        StillHeld: a legal hold stands; nothing has happened.
        EndFailed: the directory is not empty, or rows kept arriving.
        psycopg.Error, OSError: the export or the removal failed; no row was removed, and keys stay revoked.
    """
    with tenant_transaction(organisation):
        holds = list_holds(organisation=organisation)
    if holds:
        raise StillHeld(f"The legal hold {holds[0].name!r} stands; release it first.")
    if directory.exists() and any(directory.iterdir()):
        raise EndFailed(f"{directory} is not empty.")
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_REVOKE, [organisation])
        forget_all_keys()
        files = connection.execute(_FILES, [organisation]).fetchall()
        _export(connection, organisation, directory, [key for key, kept in files if kept])
        removed = _remove(connection, organisation)
    left = [key for key, _ in files if not _is_removed(organisation, key)]
    shared = get_function_cache().forget(organisation)
    forget_all_keys()
    receipt = {
        "format": FORMAT,
        "organisation": str(organisation),
        "slug": slug,
        "ended_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "exported": _digests(directory),
        "removed": removed,
        "files": len(files) - len(left),
        "files_left": left,
        "caches": {"function_results": "removed" if shared else "gone when they expire"},
    }
    signed = _sign(receipt)
    (directory / "receipt.json").write_text(json.dumps(signed, indent=2) + "\n", encoding="utf-8")
    return signed


def _is_removed(organisation: UUID, key: str) -> bool:
    """Remove a file's content; return False if the store is unavailable, so that the receipt names the file."""
    try:
        storage.remove_content(organisation, key)
    except FileStoreUnavailable:
        return False
    return True


def _export(connection: psycopg.Connection, organisation: UUID, directory: Path, files: list[str]) -> None:
    with (directory / "memories.jsonl").open("w", encoding="utf-8") as file:
        file.write(header_line(organisation=organisation, model=None) + "\n")
        for batch in export_lines(organisation=organisation, model=None):
            file.writelines(f"{line}\n" for line in batch)
    with (directory / "decisions.jsonl").open("wb") as raw:
        raw.writelines(export_decisions(organisation=organisation))
    with tenant_transaction(organisation):
        head = store.last_checkpoint(organisation)
    if head is not None:
        (directory / "checkpoint").write_text(head.text, encoding="utf-8")
    (directory / "files").mkdir()
    for key in files:
        (directory / "files" / key).write_bytes(storage.read_content(organisation, key))
    (directory / "tables").mkdir()
    with connection.transaction():
        for table in tenant_tables(connection):
            if table not in NOT_EXPORTED:
                export_table(connection, table, organisation, directory / "tables" / f"{table}.jsonl")


def _remove(connection: psycopg.Connection, organisation: UUID) -> dict[str, int]:
    """Delete all rows, again until none is left: a request or job that began before may have committed in between."""
    models = {
        each._meta.db_table: (each._meta.app_label, str(each._meta.model_name)) for each in apps.get_models()
    }
    removed: dict[str, int] = {}
    for _ in range(PASSES):
        gone = delete_rows(connection, organisation, models)
        if not gone:
            return removed
        for table, count in gone.items():
            removed[table] = removed.get(table, 0) + count
    raise EndFailed("Rows keep arriving: stop the workers and run this again.")


def _digests(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def _sign(receipt: dict[str, Any]) -> dict[str, Any]:
    """Add the signature of the receipt's canonical JSON (RFC 8785) by the key that signs checkpoints."""
    signature = signing_key().sign(canonicalise(receipt))
    return receipt | {"signature": base64.b64encode(signature).decode(), "key": verifier_key()}
