"""Read stored entries: a page of them, how many there are, and one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.errors import NotFound
from workflows.marketing.asking import Asked
from workflows.marketing.insights import figures
from workflows.marketing.statements import COUNT_ENTRIES, ENTRY, LIST_ENTRIES
from workflows.marketing.types import Figures

FIELDS = (
    "memory_id", "entry_id", "data_source", "source_id", "starts_on", "ends_on", "campaign_id", "campaign_name", "channel", "geo",
    "currency", "time_zone", "counts",
)  # fmt: skip


class EntryNotFound(NotFound):
    """No such entry."""

    code = "marketing.entry_not_found"


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """A stored entry: its fields by name, and its figures. `id` is its memory's, by which lists continue."""

    id: UUID
    fields: dict[str, Any]
    figures: Figures


def list_entries(
    *, organisation: UUID, asked: Asked, limit: int, before: UUID | None = None
) -> list[StoredEntry]:
    """Return the entries asked for, newest stored first, inside the caller's tenant transaction.

    Args:
        organisation: the tenant.
        asked: the entries; those that no longer count (rejected, superseded, expired) are left out.
        limit: at most so many.
        before: the memory id to continue after.
    """
    where, parameters = asked.where(organisation)
    values = parameters | {"before": before, "limit": limit}
    return [_entry(row) for row in raw_cursor().execute(LIST_ENTRIES.format(where=where), values).fetchall()]


def count_entries(*, organisation: UUID, asked: Asked) -> int:
    """Return the number of the entries asked for, inside the caller's tenant transaction."""
    where, parameters = asked.where(organisation)
    row = raw_cursor().execute(COUNT_ENTRIES.format(where=where), parameters).fetchone()
    assert row is not None  # noqa: S101  an aggregate has one row
    return int(row[0])


def get_entry(*, organisation: UUID, entry: UUID) -> StoredEntry:
    """Return an entry by its own id or its memory's, counted or not, inside the caller's tenant transaction.

    Raises:
        EntryNotFound: there is none that the caller may see.
    """
    row = raw_cursor().execute(ENTRY, {"organisation": organisation, "entry": entry}).fetchone()
    if row is None:
        raise EntryNotFound
    return _entry(row)


def _entry(row: Sequence[Any]) -> StoredEntry:
    fields = dict(zip(FIELDS, row, strict=False))
    return StoredEntry(fields["memory_id"], fields, figures(row[len(FIELDS) :]))
