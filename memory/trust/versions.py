"""End versions and begin new ones, inside the caller's tenant transaction with the memory's row locked.

The current version is the memory's own row. An ended version is copied to `memory_memoryversion` with the change that ended it.
If the change affects indexed fields (text, metadata, type, tags, importance), the old text also keeps a row in `memory_memory`, with
its vector and index rows, so that searches as of that time find it by its own text. Such a row has its memory's id in `head`, and all
other searches exclude it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.errors import LiftosError
from liftos.kernel.ids import new_id
from liftos.kernel.tenancy.types import Actor
from memory.analysis.extraction import read
from memory.analysis.passages import Passage
from memory.index import index_rows, writes
from memory.index.passage_rows import read_passages
from memory.index.stored import draft_of, remove_index
from memory.models import Memory
from memory.ports import tell_followers
from memory.trust.statements import (
    DROP_VECTORS,
    END_VERSIONS,
    KEEP_TEXT,
    KEEP_VECTORS,
    NOW,
    REWRITE,
    SET_STATE,
)
from memory.types import TrustState


class VersionMismatch(LiftosError):
    """The memory has another version than the If-Match header names."""

    code = "memory.version_mismatch"
    status = 412


def check_version(memory: Memory, wanted: int | None) -> None:
    """Refuse a change based on another version.

    Raises:
        VersionMismatch: with the current version.
    """
    if wanted is not None and memory.version != wanted:
        raise VersionMismatch(
            f"The memory is at version {memory.version}, not {wanted}.", loc=("header", "if-match")
        )


def database_now() -> datetime:
    """Return the database's clock, aware UTC; if called after locking a row, later than the row's last change."""
    with raw_cursor() as cursor:
        row = cursor.execute(NOW).fetchone()
    assert row is not None  # noqa: S101  a SELECT without FROM has one row
    return row[0]


def end_versions(
    *,
    organisation: UUID,
    memories: Sequence[UUID],
    operation: str,
    reason: str,
    by: Actor,
    decision: UUID,
    at: datetime,
) -> None:
    """Copy the current versions of memories into their history, before the caller changes the rows."""
    values = {
        "ids": [new_id() for _ in memories],
        "memories": list(memories),
        "organisation": organisation,
        "operation": operation,
        "reason": reason,
        "kind": str(by.kind),
        "actor": by.id,
        "behalf": by.on_behalf_of,
        "decision": decision,
        "at": at,
    }
    with raw_cursor() as cursor:
        cursor.execute(END_VERSIONS, values)


def set_state(organisation: UUID, memories: Sequence[UUID], state: TrustState, at: datetime) -> None:
    """Create a version of memories with another trust state."""
    values = {"organisation": organisation, "memories": list(memories), "state": str(state), "at": at}
    with raw_cursor() as cursor:
        cursor.execute(SET_STATE, values)
    tell_followers(organisation, memories)


def keep_text(organisation: UUID, memory: Memory) -> UUID:
    """Keep a memory's current text in a row of its own, for searches as of now; return its id.

    Removes the memory's index rows; `rewrite` creates new ones.
    """
    earlier = new_id()
    values: dict[str, Any] = {"organisation": organisation, "memory": memory.id, "earlier": earlier}
    with raw_cursor() as cursor:
        cursor.execute(KEEP_TEXT, values)
        cursor.execute(KEEP_VECTORS, values)
    places = [each.place for each in read_passages(organisation, [memory.id]).get(memory.id, ())]
    remove_index(organisation, [memory])
    draft = draft_of(memory)
    reading = read(draft, places or [Passage(0, len(memory.content))])
    index_rows.insert(index_rows.pack(organisation, [writes.Row(earlier, draft, reading)]))
    return earlier


def rewrite(
    organisation: UUID,
    memory: UUID,
    row: writes.Row,
    *,
    model: int | None,
    embedded: bool,
    same_text: bool = False,
) -> None:
    """Update a memory's text and index data; its earlier index rows must have been removed.

    Args:
        organisation: the tenant.
        memory: its id.
        row: the new text with its index data and vector.
        model: the number of the vector's model.
        embedded: whether the row has new vectors; otherwise the old ones are kept.
        same_text: whether earlier versions keep having this row's text, because no row of their own keeps it.
    """
    reading = row.reading
    values = {
        "organisation": organisation,
        "memory": memory,
        "content": row.draft.content,
        "is_object": row.draft.is_object,
        "embedding": str(row.embedding),
        "embedded": embedded,
        "same_text": same_text,
        "thread": reading.thread,
        "happened_at": reading.happened_at,
        "asks": reading.asks,
        "tells_time": reading.tells_time,
        "language": reading.language,
        "passages": len(reading.passages),
        "words": reading.words,
        "terms": reading.postings,
        "value": writes.folded_number(row.keys),
    }
    with raw_cursor() as cursor:
        cursor.execute(REWRITE, values)
        if embedded:
            cursor.execute(DROP_VECTORS, (organisation, memory))
    if embedded and model is not None:
        vectors = [(memory, passage, vector) for passage, vector in row.embedded.vectors.items()]
        writes.insert_vectors(organisation, model, vectors)
    index_rows.insert(index_rows.pack(organisation, [writes.Row(memory, row.draft, reading)]))
