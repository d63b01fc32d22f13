"""The rows of long memories' passages, inside the caller's tenant transaction. A memory that is one passage has none."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor
from memory.analysis.passages import Passage
from memory.index.statements import COPY_PASSAGES, DELETE_PASSAGES, INSERT_PASSAGES, PASSAGES


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A passage as it was indexed: its place in the text, and its language."""

    place: Passage
    language: str


def read_passages(organisation: UUID, memories: Iterable[UUID]) -> dict[UUID, list[StoredPassage]]:
    """Return the passages of those memories and earlier texts that have several, in order."""
    ids = list(memories)
    found: dict[UUID, list[StoredPassage]] = {}
    if not ids:
        return found
    with raw_cursor() as cursor:
        for memory, start, end, page, heading, language in cursor.execute(
            PASSAGES, (organisation, ids)
        ).fetchall():
            found.setdefault(memory, []).append(StoredPassage(Passage(start, end, page, heading), language))
    return found


def insert_passages(
    organisation: UUID, scope: int, passages: Sequence[tuple[UUID, int, int, int, int | None, str, str]]
) -> None:
    """Write passages of a scope's memories, given as (memory, number, start, end, page, heading, language)."""
    if passages:
        columns = [list(column) for column in zip(*passages, strict=True)]
        with raw_cursor() as cursor:
            cursor.execute(INSERT_PASSAGES, (organisation, scope, *columns))


def copy_passages(organisation: UUID, memory: UUID, earlier: UUID) -> None:
    """Copy a memory's passages for the row of its earlier text."""
    with raw_cursor() as cursor:
        cursor.execute(COPY_PASSAGES, {"organisation": organisation, "memory": memory, "earlier": earlier})


def delete_passages(organisation: UUID, memories: Sequence[UUID]) -> None:
    """Delete the passages of memories."""
    if memories:
        with raw_cursor() as cursor:
            cursor.execute(DELETE_PASSAGES, (organisation, list(memories)))
