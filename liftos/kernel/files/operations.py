"""Keep files: written before a transaction, kept by it, removed after one.

A file is written loose, in a transaction of its own, and kept by the transaction that refers to it: if that fails, the sweep removes
the file. A file that is given up becomes loose in the transaction that gives it up, and is removed after its commit, or by the sweep
if the store is unavailable then.
"""

import hashlib
import logging
import secrets
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Sum
from django.db.models.functions import Now

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.files import storage
from liftos.kernel.files.errors import FileNotFound, FileStoreFull, FileStoreUnavailable
from liftos.kernel.files.models import StoredFile

logger = logging.getLogger("liftos.files")

LOOSE_SECONDS = 3600
"""Age at which the sweep removes a loose file; longer than any request or job takes."""


def write_file(*, organisation: UUID, content: bytes) -> str:
    """Write a loose file and return its key. Don't call inside a transaction.

    Raises:
        FileStoreFull: the organisation's files would take more than LIFTOS_FILES_BYTES.
        FileStoreUnavailable: it can't be written.
    """
    key = secrets.token_hex(16)
    with tenant_transaction(organisation):
        rows = StoredFile.objects.filter(organisation_id=organisation)
        taken = rows.aggregate(total=Sum("bytes"))["total"] or 0
        if taken + len(content) > settings.LIFTOS_FILES_BYTES:
            raise FileStoreFull(
                f"The organisation's files take {taken} bytes; at most {settings.LIFTOS_FILES_BYTES} are allowed."
            )
        StoredFile.objects.create(
            key=key,
            organisation_id=organisation,
            bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )
    storage.write_content(organisation, key, content)
    return key


def keep_file(*, organisation: UUID, key: str) -> None:
    """Keep a loose file, inside the caller's tenant transaction, which refers to it.

    Raises:
        FileNotFound: the sweep has removed it meanwhile.
    """
    if not StoredFile.objects.filter(organisation_id=organisation, key=key).update(
        kept=True, changed_at=Now()
    ):
        raise FileNotFound


def give_up_files(*, organisation: UUID, keys: Sequence[str]) -> int:
    """Make files loose, inside the caller's tenant transaction; return their number. They are removed after its commit."""
    count = StoredFile.objects.filter(organisation_id=organisation, key__in=keys).update(
        kept=False, changed_at=Now()
    )
    if count:
        transaction.on_commit(lambda: _remove_now(organisation, list(keys)))
    return count


def read_file(*, organisation: UUID, key: str) -> bytes:
    """Return a kept file's content.

    Raises:
        FileNotFound: not in this organisation.
        FileStoreUnavailable: it can't be read, or is damaged.
    """
    with tenant_transaction(organisation):
        row = StoredFile.objects.filter(organisation_id=organisation, key=key, kept=True).first()
    if row is None:
        raise FileNotFound
    content = storage.read_content(organisation, key)
    if hashlib.sha256(content).hexdigest() != row.sha256:
        logger.error("a file is damaged", extra={"key": key})
        raise FileStoreUnavailable("The file is damaged.")
    return content


def remove_loose(*, organisation: UUID) -> int:
    """Remove an organisation's old loose files; return their number.

    Raises:
        FileStoreUnavailable: one can't be removed; the next sweep tries again.
    """
    with tenant_transaction(organisation):
        old = Now() - timedelta(seconds=LOOSE_SECONDS)
        rows = StoredFile.objects.filter(organisation_id=organisation, kept=False, changed_at__lt=old)
        keys = list(rows.values_list("key", flat=True)[:1_000])
    _remove(organisation, keys)
    return len(keys)


def list_organisations_with_loose_files() -> list[UUID]:
    """Return the organisations with old loose files. Spans tenants through a definer function."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organisation_id FROM liftos_organisations_with_loose_files()")
        return [row[0] for row in cursor.fetchall()]


def _remove(organisation: UUID, keys: Sequence[str]) -> None:
    for key in keys:
        storage.remove_content(organisation, key)
        with tenant_transaction(organisation):
            StoredFile.objects.filter(organisation_id=organisation, key=key, kept=False).delete()


def _remove_now(organisation: UUID, keys: Sequence[str]) -> None:
    try:
        _remove(organisation, keys)
    except FileStoreUnavailable:
        logger.warning("files are left to the sweep", extra={"count": len(keys)})
