"""Keep the typed rows of entries equal to their memories, whichever way these are stored, imported, changed or moved."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor, whole_tenant
from liftos.kernel.erasure.types import Going
from memory.types import VISIBLE
from workflows.marketing.statements import (
    DELETE_ENTRIES,
    FORGET_ENTRIES,
    INGEST_ENTRIES,
    INSERT_ENTRIES,
    UPDATE_ENTRIES,
)
from workflows.marketing.types import ENTRY_TYPES, MEASURES, DataSource, EntryDraft

_ingesting: ContextVar[bool] = ContextVar("marketing_ingesting", default=False)


@contextmanager
def rows_written_by_ingest() -> Iterator[None]:
    """Have followers of marketing do nothing for a block that writes the rows of its memories by `insert_entries`."""
    token = _ingesting.set(True)
    try:
        yield
    finally:
        _ingesting.reset(token)


def is_ingesting() -> bool:
    """Return whether the current block writes the rows of its memories itself."""
    return _ingesting.get()


def insert_entries(organisation: UUID, entries: Sequence[tuple[UUID, UUID, EntryDraft, bool, int]]) -> None:
    """Write the rows of new entries, given as (memory, entry, draft, whether it counts, scope), inside the caller's transaction."""
    if not entries:
        return
    rows = [
        (
            memory, entry, str(each.source), each.source_id, each.starts_on, each.ends_on, each.time_zone, each.currency,
            each.campaign_id, each.campaign_name, each.channel, each.geo, *(each.figures[name] for name in MEASURES),
            counts, scope,
        )
        for memory, entry, each, counts, scope in entries
    ]  # fmt: skip
    raw_cursor().execute(
        INGEST_ENTRIES, (organisation, *(list(column) for column in zip(*rows, strict=True)))
    )


def follow_entries(organisation: UUID, memories: Sequence[UUID]) -> None:
    """Write the rows of memories that are entries, and remove those of memories that no longer are. See `memory.ports.Follower`."""
    if is_ingesting():
        return
    values = {
        "organisation": organisation,
        "memories": list(memories),
        "types": list(ENTRY_TYPES),
        "sources": [str(each) for each in DataSource],
        "visible": [str(each) for each in VISIBLE],
    }
    for statement in (FORGET_ENTRIES, UPDATE_ENTRIES, INSERT_ENTRIES):
        raw_cursor().execute(statement, values)


def erase_entries(going: Going) -> int:
    """Remove the rows of erased memories; return their number. See `memory.ports.Eraser`."""
    with whole_tenant(going.organisation), raw_cursor() as cursor:
        return cursor.execute(DELETE_ENTRIES, (going.organisation, list(going.memories))).rowcount
