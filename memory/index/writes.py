"""Write memories with their index rows, vectors and links, one or thousands alike, inside the caller's tenant transaction."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np

from liftos.kernel.db.binary import HalfVec, IntArray, TextArray
from liftos.kernel.db.transactions import pipelined, raw_cursor, seeing_everything_here, send_now
from liftos.kernel.db.viewers import current_viewer
from liftos.kernel.errors import InvalidInput
from liftos.kernel.ids import new_id
from liftos.kernel.precedence import giving_way
from liftos.kernel.tenancy.types import Actor
from memory.analysis.attributes import too_long_key
from memory.analysis.extraction import Reading, read
from memory.analysis.passages import Passage
from memory.analysis.value_keys import folded_number, value_keys
from memory.index import index_rows
from memory.index.analyser_state import note_analyser
from memory.index.embeddings import PENDING, Embedded
from memory.index.lifetimes import expiry_of
from memory.index.statements import (
    COLUMNS,
    FIND_EARLIER,
    FLAG_MEMORIES,
    INSERT_LINKS,
    INSERT_MEMORIES,
    INSERT_SOURCES,
    INSERT_VECTORS,
    RESOLVE_LINKS,
    VECTOR_ROW,
)
from memory.ports import tell_followers
from memory.types import EmbeddingState, LinkDraft, MemoryDraft, Screened, TrustState, granted

_PACKED: dict[str, Callable[[Iterable[Any]], Any]] = {"text": TextArray, "bigint": IntArray}
VECTORS_PER_STATEMENT = 250


class KeyTooLong(InvalidInput):
    """A metadata key, including its path, can have at most 200 characters."""

    code = "memory.key_too_long"


@dataclass(frozen=True, slots=True)
class Row:
    """A draft ready to write, with its new id, index data and vectors.

    `keys` are its value keys, empty for a blank text; `flagged` is the rejection whose value its text contains;
    `secrets` are those found in it, unless the policy allows them; `unnamed_sources` are memories that it is derived from without a link.
    """

    id: UUID
    draft: MemoryDraft
    reading: Reading
    embedded: Embedded = PENDING
    keys: tuple[bytes, ...] = ()
    state: TrustState = TrustState.ACTIVE
    expires_at: datetime | None = None
    flagged: UUID | None = None
    secrets: Screened | None = None
    unnamed_sources: tuple[UUID, ...] = ()

    @property
    def embedding(self) -> EmbeddingState:
        """The state of its vectors."""
        return self.embedded.state if self.keys and self.draft.index else EmbeddingState.NONE


@dataclass(frozen=True, slots=True)
class Earlier:
    """The memory that already has a row's external id; `same` if all but its links equals the row."""

    id: UUID
    embedding: EmbeddingState
    same: bool


def prepare(
    organisation: UUID,
    draft: MemoryDraft,
    trust: TrustState = TrustState.ACTIVE,
    *,
    places: Sequence[Passage] = (),
    embedded: Embedded = PENDING,
) -> Row:
    """Return a draft as a row. Text analysis is slow, so call this before the transaction.

    Args:
        organisation: the tenant.
        draft: the memory.
        trust: the highest trust state the caller may store.
        places: its passages; by default its text is cut.
        embedded: its vectors.

    Raises:
        KeyTooLong: a metadata key is over 200 characters, too long to be indexed.
    """
    past = draft.past
    if too_long_key(draft.metadata) is not None:
        raise KeyTooLong(loc=("metadata",))
    return Row(
        id=past.id if past else new_id(),
        draft=draft,
        reading=read(draft, places),
        embedded=embedded,
        keys=value_keys(organisation, draft.content),
        state=past.state if past and trust is TrustState.ACTIVE else granted(trust, draft.requested_state),
        # an imported memory keeps its original expiry
        expires_at=draft.expires_at if past else draft.expires_at or expiry_of(draft.memory_type),
    )


def insert(
    *, organisation: UUID, by: Actor, rows: Sequence[Row], model: int | None, decision: UUID | None = None
) -> list[Row]:
    """Write rows with their index rows, vectors and links; return those written.

    Rows whose (source, external id) is taken, even by a concurrent transaction, are left out.

    Args:
        organisation: the tenant.
        by: the actor.
        rows: the memories.
        model: the number of the vectors' model.
        decision: the decision record of the store, which each memory refers to.
    """
    with pipelined():
        note_analyser(organisation)
        index_rows.hold_part(organisation)
        inserted_ids = _insert_memories(organisation, by, rows, decision)
        send_now()
        # pack while Postgres works, assuming that all rows are inserted, as they nearly always are
        indexed = index_rows.pack(organisation, rows)
        ids = inserted_ids()
        written = [row for row in rows if row.id in ids]
        if not written:
            return written
        flagged = [(row.id, row.flagged) for row in written if row.flagged is not None]
        if flagged:
            raw_cursor().execute(FLAG_MEMORIES, [*index_rows.columns(flagged), organisation])
        if len(written) < len(rows):
            indexed = index_rows.pack(organisation, written)
        if model is not None:
            insert_vectors(
                organisation,
                model,
                [
                    (row.id, passage, vector)
                    for row in written
                    for passage, vector in row.embedded.vectors.items()
                ],
            )
        link(organisation, [(row.id, row.draft) for row in written])
        tell_followers(organisation, [row.id for row in written])
        # last, because it is the most work: it overlaps with what the caller does next
        index_rows.insert(indexed)
        send_now()
    return written


def find_earlier(organisation: UUID, rows: Sequence[Row]) -> dict[UUID, Earlier]:
    """Return the existing memory of each row whose external id is taken, by the row's id."""
    drafts = [row.draft for row in rows]
    values = {
        "organisation": organisation,
        "ids": [row.id for row in rows],
        "sources": [draft.source for draft in drafts],
        "external_ids": [draft.external_id for draft in drafts],
        "contents": [draft.content for draft in drafts],
        "objects": [draft.is_object for draft in drafts],
        "indexed": [draft.index for draft in drafts],
        "metadata": [json.dumps(draft.metadata) for draft in giving_way(drafts)],
        "types": [draft.memory_type for draft in drafts],
        "tags": [json.dumps(draft.tags) for draft in drafts],
        "importance": [draft.importance for draft in drafts],
        "from": [draft.valid_from for draft in drafts],
        "to": [draft.valid_to for draft in drafts],
        "threads": [draft.thread for draft in drafts],
        "scopes": [draft.scope for draft in drafts],
    }
    with raw_cursor() as cursor:
        found = cursor.execute(FIND_EARLIER, values).fetchall()
    return {row: Earlier(memory, EmbeddingState(embedding), same) for row, memory, embedding, same in found}


def link(organisation: UUID, memories: Sequence[tuple[UUID, MemoryDraft]]) -> None:
    """Write the links of memories, and resolve links that were waiting for them."""
    links = [(memory, draft.source, each) for memory, draft in memories for each in draft.links]
    named = [
        (memory, draft.source, draft.external_id, draft.scope)
        for memory, draft in memories
        if draft.external_id
    ]
    sources = [(memory, target) for memory, draft in memories for target in draft.derived_from]
    if sources:
        link_sources(organisation, sources)
    if links:
        insert_links(organisation, links)
    if named:
        resolve_links(organisation, named)


def resolve_links(organisation: UUID, named: Sequence[tuple[UUID, str, str, int]]) -> None:
    """Resolve links that wait for memories, given as (memory, source, external id, scope).

    Sees everything, because links that its writer can't see may wait for a memory of the organisation.
    """
    names = ("memories", "sources", "external_ids", "scopes")
    values = dict(zip(names, index_rows.columns(named), strict=True)) | {"organisation": organisation}
    with seeing_everything_here():
        raw_cursor().execute(RESOLVE_LINKS, values)


def insert_links(organisation: UUID, links: Sequence[tuple[UUID, str, LinkDraft]]) -> None:
    """Write links, given as (memory, its source, link); those that exist, and those to an id that does not, are left out."""
    columns: dict[str, list[Any]] = {
        "memories": [memory for memory, _, _ in links],
        "kinds": [each.kind for _, _, each in links],
        "targets": [each.target for _, _, each in links],
        "sources": [source_of(each, source) for _, source, each in links],
        "external_ids": [each.external_id for _, _, each in links],
        "weights": [each.weight for _, _, each in links],
        "properties": [json.dumps(each.properties) for _, _, each in links],
        "valid_from": [each.valid_from for _, _, each in links],
        "valid_to": [each.valid_to for _, _, each in links],
    }
    with raw_cursor() as cursor:
        cursor.execute(INSERT_LINKS, columns | {"organisation": organisation})


def source_of(link: LinkDraft, source: str) -> str:
    """Return the source of a link's external id, given the linking memory's; empty for a link by id."""
    if link.target is not None:
        return ""
    return source if link.source is None else link.source


def link_sources(organisation: UUID, sources: Sequence[tuple[UUID, UUID]]) -> None:
    """Link memories to their sources; a source erased meanwhile is left out."""
    values = dict(zip(("memories", "targets"), index_rows.columns(sources), strict=True))
    with raw_cursor() as cursor:
        cursor.execute(INSERT_SOURCES, values | {"organisation": organisation})


def insert_vectors(organisation: UUID, model: int, vectors: Sequence[tuple[UUID, int, np.ndarray]]) -> None:
    """Write vectors, given as (memory, passage, vector)."""
    with raw_cursor() as cursor:
        for start in range(0, len(vectors), VECTORS_PER_STATEMENT):
            some = vectors[start : start + VECTORS_PER_STATEMENT]
            statement = INSERT_VECTORS.format(rows=", ".join([VECTOR_ROW] * len(some)))
            values = [
                value
                for memory, passage, vector in giving_way(some)
                for value in (memory, passage, HalfVec(vector))
            ]
            cursor.execute(statement, [organisation, model, organisation, *values])


def _insert_memories(
    organisation: UUID, by: Actor, rows: Sequence[Row], decision: UUID | None
) -> Callable[[], set[UUID]]:
    """Send the rows; return a function that waits for the ids of those inserted."""
    if not rows:
        return set
    # a fixed order prevents deadlocks between batches with the same external ids
    ordered = sorted(rows, key=lambda row: (row.draft.source, row.draft.external_id))
    values = zip(COLUMNS, zip(*(_values(by, row) for row in giving_way(ordered)), strict=True), strict=True)
    columns = [_PACKED.get(kind, list)(column) for (_, kind), column in values]
    owner = current_viewer().principal
    cursor = raw_cursor().execute(INSERT_MEMORIES, (organisation, decision, owner, *columns))
    return lambda: {row[0] for row in cursor.fetchall()}


def _values(by: Actor, row: Row) -> tuple[Any, ...]:
    draft, reading = row.draft, row.reading
    past = draft.past
    recorded_at = past.recorded_at if past else None
    changed_at = (past.changed_at or recorded_at) if past else None
    actor = (past and past.actor) or by
    return (
        row.id, draft.content, json.dumps(draft.metadata), draft.memory_type, draft.source, draft.external_id,
        json.dumps(draft.tags), draft.importance, str(row.state), str(row.embedding), str(actor.kind), actor.id,
        actor.on_behalf_of,
        draft.valid_from, draft.valid_to, draft.thread, reading.thread, reading.happened_at or recorded_at, reading.asks,
        reading.tells_time, draft.is_object, reading.language, len(reading.passages), reading.words, reading.postings, row.expires_at, folded_number(row.keys), draft.scope,
        recorded_at, changed_at,
    )  # fmt: skip
