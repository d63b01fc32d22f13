"""Stored memories as drafts, and the removal and renewal of their index rows, inside the caller's tenant transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID

from django.db import transaction

from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.jobs import send_hint
from liftos.kernel.precedence import giving_way
from memory.analysis.extraction import read
from memory.analysis.passages import Passage, marks_of
from memory.analysis.values import is_blank
from memory.index import index_rows
from memory.index.passage_rows import StoredPassage, read_passages
from memory.index.statements import DROP_PASSAGE_VECTORS, DROP_VECTORS, KEEP_AS_WHOLE, SET_INDEXED
from memory.index.writes import Row
from memory.models import Memory
from memory.types import WHOLE, EmbeddingState, Mark, MemoryDraft


def remove_index(organisation: UUID, memories: Sequence[Memory], *, erases: bool = False) -> None:
    """Delete the index rows of memories. See `memory.index.index_rows.remove`."""
    index_rows.remove(
        organisation=organisation,
        erases=erases,
        rows=[
            index_rows.Indexed(
                each.id,
                each.content,
                each.language,
                each.passages,
                each.word_count,
                each.term_count,
                each.thread_id,
                each.scope_id,
                each.is_indexed,
            )
            for each in memories
        ],
    )


def draft_of(memory: Memory, layout: Sequence[Mark] = ()) -> MemoryDraft:
    """Return a memory's current version as a draft, without links, vector and external id."""
    return MemoryDraft(
        content=memory.content,
        is_object=memory.is_object,
        index=memory.is_indexed,
        metadata=memory.metadata,
        memory_type=memory.memory_type,
        source=memory.source,
        tags=tuple(memory.tags),
        importance=memory.importance,
        valid_from=memory.valid_from,
        valid_to=memory.valid_to,
        thread=memory.thread,
        expires_at=memory.expires_at,
        layout=tuple(layout),
        scope=memory.scope_id,
    )


def reindex(organisation: UUID, memories: Iterable[UUID], *, scope: int | None = None) -> int:
    """Analyse and cut memories and earlier texts anew, and rewrite their index rows; return how many exist.

    For an index built by an earlier version of `count_terms` or `cut`. Pages and headings of documents are kept. Vectors are kept
    where the cut is the same; elsewhere the memory is pending, to be embedded by `memory.reembedding.heal_pending`; if it was one
    passage, its vector stays as that of the whole. Locks the memories in order of id.

    Args:
        organisation: the tenant.
        memories: their ids; those that don't exist are left out.
        scope: the access scope of the new index rows; None for the memories' own.

    Cost: if the analysis has changed, one scan of the organisation's postings per call: pass a thousand or more.
    """
    rows = list(
        Memory.objects.filter(organisation_id=organisation, id__in=list(memories))
        .order_by("id")
        .select_for_update()
    )
    if not rows:
        return 0
    stored = read_passages(organisation, [row.id for row in rows if row.passages > 1])
    before = {row.id: _places(row, stored.get(row.id, ())) for row in rows}
    new = []
    for row in giving_way(rows):
        layout = marks_of(before[row.id]) if row.passages > 1 else ()
        draft = draft_of(row, layout)
        if scope is not None:
            draft = replace(draft, scope=scope)
        new.append(Row(row.id, draft, read(draft)))
    remove_index(organisation, rows)
    index_rows.insert(index_rows.pack(organisation, new))
    recut = [
        row.id
        for row, each in zip(rows, new, strict=True)
        if row.embedding != EmbeddingState.NONE
        and [passage.place for passage in each.reading.passages] != before[row.id]
    ]
    whole = [row.id for row in rows if row.id in set(recut) and row.passages == 1]
    values = [
        (
            each.id,
            each.reading.language,
            len(each.reading.passages),
            each.reading.words,
            each.reading.postings,
        )
        for each in new
    ]
    with raw_cursor() as cursor:
        cursor.execute(KEEP_AS_WHOLE, (WHOLE, organisation, whole))
        cursor.execute(DROP_PASSAGE_VECTORS, (organisation, recut))
        cursor.execute(SET_INDEXED, (recut, *index_rows.columns(values), organisation))
    if recut:
        transaction.on_commit(lambda: send_hint("memory.heal_pending_embeddings", organisation))
    return len(rows)


def earlier_texts_of(organisation: UUID, memory: UUID) -> list[Memory]:
    """Return the rows of a memory's earlier texts, locked in order of id."""
    rows = Memory.objects.filter(organisation_id=organisation, head=memory)
    return list(rows.order_by("id").select_for_update())


def set_indexed(organisation: UUID, rows: Sequence[Memory], *, index: bool) -> None:
    """Have searches find earlier texts, or no longer: words and vectors are removed, or come back, vectors by a worker."""
    if not rows:
        return
    stored = read_passages(organisation, [row.id for row in rows if row.passages > 1])
    new = []
    for row in giving_way(rows):
        draft = replace(draft_of(row), index=index)
        new.append(Row(row.id, draft, read(draft, _places(row, stored.get(row.id, ())))))
    remove_index(organisation, rows)
    index_rows.insert(index_rows.pack(organisation, new))
    values = [
        (
            each.id,
            each.reading.language,
            len(each.reading.passages),
            each.reading.words,
            each.reading.postings,
        )
        for each in new
    ]
    pending = [each.id for each in new if index and not is_blank(each.draft.content)]
    with raw_cursor() as cursor:
        cursor.execute(DROP_VECTORS, (organisation, [each.id for each in new]))
        cursor.execute(SET_INDEXED, (pending, *index_rows.columns(values), organisation))
    if pending:
        transaction.on_commit(lambda: send_hint("memory.heal_pending_embeddings", organisation))
    else:
        ids = [each.id for each in new]
        Memory.objects.filter(organisation_id=organisation, id__in=ids).update(embedding=EmbeddingState.NONE)


def _places(row: Memory, stored: Sequence[StoredPassage]) -> list[Passage]:
    return [each.place for each in stored] or [Passage(0, len(row.content))]
