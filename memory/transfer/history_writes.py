"""Write the earlier versions and texts of imported memories."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.ids import new_id
from memory.analysis.extraction import Reading, read
from memory.analysis.values import is_blank
from memory.index import index_rows, writes
from memory.index.embeddings import PENDING, Embedded, chosen_model, embed_drafts
from memory.models import Memory, MemoryVersion
from memory.transfer.history_format import Text, earlier_texts
from memory.transfer.statements import SET_VERSIONS
from memory.types import EmbeddingState, MemoryDraft


@dataclass(frozen=True, slots=True)
class EarlierText:
    """An earlier text with its index data and vectors, as `versions.keep_text` would have kept it."""

    memory: UUID
    first: int
    version: int
    draft: MemoryDraft
    reading: Reading
    embedded: Embedded


@dataclass(frozen=True, slots=True)
class Pasts:
    """Earlier texts of memories, and the number of their vectors' model."""

    texts: list[EarlierText]
    model: int | None


def read_pasts(organisation: UUID, rows: Sequence[writes.Row], *, embed: bool = True) -> Pasts:
    """Return the earlier texts of memories, embedded if the file has no vector.

    Args:
        organisation: the tenant.
        rows: the memories.
        embed: whether to embed, which calls the model and must not happen inside a transaction.
    """
    found = [
        (row, text, _draft_of(row.draft, text))
        for row in rows
        if _has_past(row)
        for text in earlier_texts(row.draft)[0]
    ]
    if not found:
        return Pasts([], None)
    drafts = [draft for _, _, draft in found]
    readings = [read(draft) for draft in drafts]
    embedded, model = (
        embed_drafts(organisation, drafts, readings) if embed else ([PENDING] * len(drafts), None)
    )
    return Pasts(
        [
            EarlierText(row.id, text.first, text.last.version, draft, reading, each)
            for (row, text, draft), reading, each in zip(found, readings, embedded, strict=True)
        ],
        model,
    )


def write_pasts(organisation: UUID, rows: Sequence[writes.Row], pasts: Pasts, decision: UUID) -> None:
    """Write the earlier versions and texts of memories, inside the transaction that stored them.

    Args:
        organisation: the tenant.
        rows: the stored memories.
        pasts: from `read_pasts`, possibly of further memories.
        decision: the import's decision, for all versions, because the original ones are not in this log.
    """
    with_past = {row.id: row for row in rows if _has_past(row)}
    if not with_past:
        return
    versions = list(_versions(organisation, with_past.values(), decision))
    MemoryVersion.objects.bulk_create(versions)
    lives = [
        (row.id, row.draft.past.version if row.draft.past else 1, earlier_texts(row.draft)[1])
        for row in with_past.values()
    ]
    memories, numbers, firsts = index_rows.columns(lives)
    values = {"organisation": organisation, "memories": memories, "versions": numbers, "texts": firsts}
    with raw_cursor() as cursor:
        cursor.execute(SET_VERSIONS, values)
    texts = [text for text in pasts.texts if text.memory in with_past]
    if not texts:
        return
    model = pasts.model
    chosen = chosen_model(organisation)
    if chosen is not None and chosen != model:
        model = None  # the model has changed: leave the vectors to the sweep
    kept = [(new_id(), text) for text in texts]
    heads = Memory.objects.filter(organisation_id=organisation).in_bulk(list(with_past))
    Memory.objects.bulk_create([_row_of(id_, text, heads[text.memory], model) for id_, text in kept])
    if model is not None:
        vectors = [
            (id_, passage, vector) for id_, text in kept for passage, vector in text.embedded.vectors.items()
        ]
        writes.insert_vectors(organisation, model, vectors)
    found = [writes.Row(id_, text.draft, text.reading) for id_, text in kept]
    index_rows.insert(index_rows.pack(organisation, found))


def _has_past(row: writes.Row) -> bool:
    return row.draft.past is not None and bool(row.draft.past.history)


def _draft_of(present: MemoryDraft, text: Text) -> MemoryDraft:
    last = text.last
    return MemoryDraft(
        content=last.content,
        is_object=last.is_object,
        index=present.index,
        metadata=last.metadata,
        memory_type=last.memory_type,
        source=present.source,
        tags=last.tags,
        importance=last.importance,
        valid_from=last.valid_from,
        valid_to=last.valid_to,
        embedding=last.vector if present.index else None,
        embedding_model=last.vector_model,
        thread=present.thread,
        layout=last.layout,
        scope=present.scope,
    )


def _versions(organisation: UUID, rows: Iterable[writes.Row], decision: UUID) -> Iterator[MemoryVersion]:
    for row in rows:
        for each in row.draft.past.history if row.draft.past else ():
            yield MemoryVersion(
                organisation_id=organisation,
                scope_id=row.draft.scope,
                memory_id=row.id,
                version=each.version,
                content=each.content,
                is_object=each.is_object,
                metadata=each.metadata,
                memory_type=each.memory_type,
                tags=list(each.tags),
                importance=each.importance,
                state=each.state.value,
                valid_from=each.valid_from,
                valid_to=each.valid_to,
                expires_at=each.expires_at,
                superseded_by=each.superseded_by,
                known_from=each.known_from,
                known_to=each.known_to,
                operation=each.operation,
                reason=each.reason,
                actor_kind=str(each.actor.kind),
                actor_id=each.actor.id,
                on_behalf_of=each.actor.on_behalf_of,
                decision_id=decision,
            )


def _row_of(id_: UUID, text: EarlierText, head: Memory, model: int | None) -> Memory:
    draft, reading = text.draft, text.reading
    state = text.embedded.state if model is not None else EmbeddingState.PENDING
    if is_blank(draft.content) or not draft.index:
        state = EmbeddingState.NONE
    return Memory(
        id=id_,
        organisation_id=head.organisation_id,
        scope_id=head.scope_id,
        owner=head.owner,
        content=draft.content,
        is_object=draft.is_object,
        metadata=draft.metadata,
        memory_type=draft.memory_type,
        source=draft.source,
        tags=list(draft.tags),
        importance=draft.importance,
        state=head.state,
        embedding=state,
        actor_kind=head.actor_kind,
        actor_id=head.actor_id,
        on_behalf_of=head.on_behalf_of,
        valid_from=draft.valid_from,
        valid_to=draft.valid_to,
        recorded_at=head.recorded_at,
        thread=draft.thread,
        thread_id=reading.thread,
        happened_at=reading.happened_at or head.recorded_at,
        asks=reading.asks,
        tells_time=reading.tells_time,
        language=reading.language,
        passages=len(reading.passages),
        word_count=reading.words,
        term_count=reading.postings,
        version=text.version,
        text_version=text.first,
        changed_at=head.changed_at,
        head=head.id,
    )
