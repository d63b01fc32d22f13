"""Compute vectors after the store: missing ones, and those of another model.

An organisation moves to another embedding model without downtime:

1. Fill: compute the new model's vectors in batches, each in a transaction. Searches use the old model. An interrupted fill
   continues with the missing vectors.
2. Flip: set the organisation's model. A store with vectors of the old model notices, and leaves its vectors to the sweep.
3. Catch up: once all transactions from before the flip have ended, fill what they stored, and note how far the model reads each memory.

Old vectors stay until dropped (`--drop`), for processes that have not noticed the flip.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from accountability.operations import record
from accountability.types import Effect
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.embedding import EmbeddingManager, Extent
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.tenancy.types import SYSTEM, Actor
from memory.analysis.passages import Passage
from memory.index import writes
from memory.index.embeddings import (
    active_manager,
    chosen_model,
    clear_choices,
    embed_texts,
    settle_model,
    state_of,
    texts_of,
)
from memory.index.passage_rows import read_passages
from memory.ports import tell_followers
from memory.queries import by_scope
from memory.statements import (
    CHOOSE_MODEL,
    COUNT_VECTORS,
    DROP_OTHER_VECTORS,
    LOCK_UNCHANGED,
    MISSING_VECTORS,
    OLDEST_TRANSACTION,
    PENDING,
    PRESENT_VECTORS,
    SET_EMBEDDING,
    SETTLED_MEMORIES,
    TEXTS,
)
from memory.types import SETTLED, EmbeddingState

BATCH = 128
HEAL_BATCH = 64


@dataclass(frozen=True, slots=True)
class _Text:
    """A memory or earlier text to embed, with its passages."""

    id: UUID
    content: str
    places: list[Passage]

    def texts(self) -> list[str]:
        """Return the texts of its passages."""
        return texts_of(self.content, self.places)


def heal_pending(*, organisation: UUID, limit: int = HEAL_BATCH) -> int:
    """Embed a batch of pending memories; return how many it tried, 0 if none is pending.

    The model runs outside transactions. Concurrent calls repeat work but write it once. A memory of more passages than the limit
    takes several calls.

    Raises:
        EmbedderUnavailable: it still is.
    """
    manager = active_manager(organisation)
    model = model_number(manager.model)
    with tenant_transaction(organisation), raw_cursor() as cursor:
        rows = cursor.execute(PENDING, {"organisation": organisation, "limit": limit}).fetchall()
        waiting = _read_texts(organisation, _first(rows, limit))
        present = _present(organisation, model, waiting)
    if not waiting:
        return 0
    texts = {(each.id, number): text for each in waiting for number, text in enumerate(each.texts())}
    extents = dict(zip(texts, manager.extents(list(texts.values())), strict=True))
    left = [
        place for place, extent in extents.items() if place not in present and extent is not Extent.NOTHING
    ]
    now, later = left[:limit], {memory for memory, _ in left[limit:]}
    read = embed_texts(manager, organisation, [texts[place] for place in now])
    found = [
        (memory, number, vector)
        for (memory, number), (vector, _) in zip(now, read, strict=True)
        if vector is not None
    ]
    states = {
        each.id: state_of([extents[each.id, number] for number in range(len(each.places))])
        for each in waiting
        if each.id not in later
    }
    with tenant_transaction(organisation):
        if settle_model(organisation, model) != model:
            return len(waiting)  # the model has changed: the next batch uses the new one
        still = _lock_unchanged(organisation, waiting)
        writes.insert_vectors(organisation, model, [each for each in found if each[0] in still])
        done = [memory for memory in states if memory in still]
        _set_states(organisation, {memory: states[memory] for memory in done})
        if done:
            tell_followers(organisation, done)
        for some in by_scope(organisation, done):
            record(
                organisation=organisation,
                by=SYSTEM,
                operation="memory.embed",
                reasoning=f"{len(some)} memories were stored without a vector, the embedder being unavailable or the text long.",
                outputs={"healed": len(some)},
                memories=[{"id": str(memory)} for memory in some],
                versions={"embedding_model": model},
            )
    return len(waiting)


def _first(rows: Sequence[tuple[UUID, int]], passages: int) -> list[UUID]:
    """Return the first memories that have a number of passages together, at least one memory."""
    chosen: list[UUID] = []
    for memory, count in rows:
        passages -= count
        if chosen and passages < 0:
            break
        chosen.append(memory)
    return chosen


def _read_texts(organisation: UUID, memories: Sequence[UUID]) -> list[_Text]:
    if not memories:
        return []
    places = read_passages(organisation, memories)
    with raw_cursor() as cursor:
        rows = cursor.execute(TEXTS, (organisation, list(memories))).fetchall()
    return [
        _Text(id_, content, [each.place for each in places.get(id_, ())] or [Passage(0, len(content))])
        for id_, content in rows
    ]


def _present(organisation: UUID, model: int, texts: Sequence[_Text]) -> set[tuple[UUID, int]]:
    """Return the passages of memories that have a vector."""
    with raw_cursor() as cursor:
        ids = [each.id for each in texts]
        return set(cursor.execute(PRESENT_VECTORS, (organisation, model, ids)).fetchall())


def _lock_unchanged(organisation: UUID, texts: Sequence[_Text]) -> set[UUID]:
    """Lock the memories that still have these texts and passages; return their ids."""
    with raw_cursor() as cursor:
        asked = ([each.id for each in texts], [each.content for each in texts], organisation)
        # in id order to prevent deadlocks
        still = {row[0] for row in cursor.execute(LOCK_UNCHANGED, asked).fetchall()}
    places = read_passages(organisation, still)
    return {
        each.id
        for each in texts
        if each.id in still
        and each.places
        == ([stored.place for stored in places.get(each.id, ())] or [Passage(0, len(each.content))])
    }


def _set_states(organisation: UUID, states: Mapping[UUID, EmbeddingState]) -> None:
    with raw_cursor() as cursor:
        values = (list(states), [str(state) for state in states.values()], organisation)
        cursor.execute(SET_EMBEDDING, values)


def count_vectors(*, organisation: UUID, model: int) -> tuple[int, int]:
    """Return the number of memories and earlier texts, and of those with a vector of a model."""
    with tenant_transaction(organisation), raw_cursor() as cursor:
        row = cursor.execute(COUNT_VECTORS, {"organisation": organisation, "model": model}).fetchone()
    assert row is not None  # noqa: S101  an aggregate has one row
    return row[0], row[1]


def fill(*, organisation: UUID, manager: EmbeddingManager) -> Iterator[int]:
    """Compute a model's missing vectors; yield the size of each batch.

    Raises:
        EmbedderUnavailable: the model failed; finished batches are kept.
    """
    number = model_number(manager.model)
    after = UUID(int=0)
    while True:
        values = {
            "organisation": organisation,
            "model": number,
            "after": after,
            "settled": [str(state) for state in SETTLED],
            "limit": BATCH,
        }
        with tenant_transaction(organisation), raw_cursor() as cursor:
            rows = cursor.execute(MISSING_VECTORS, values).fetchall()
            missing = _read_texts(organisation, _first(rows, BATCH))
        if not rows:
            return
        texts = [text for each in missing for text in each.texts()]
        read = iter(embed_texts(manager, organisation, texts))
        found = [(each.id, passage, next(read)[0]) for each in missing for passage in range(len(each.places))]
        with tenant_transaction(organisation):
            # skip memories that were erased or changed meanwhile
            still = _lock_unchanged(organisation, missing)
            writes.insert_vectors(
                organisation,
                number,
                [
                    (memory, passage, vector)
                    for memory, passage, vector in found
                    if memory in still and vector is not None
                ],
            )
        after = _first(rows, BATCH)[-1]
        yield len(still)


def settle_states(*, organisation: UUID, manager: EmbeddingManager) -> int:
    """Note how far a model reads each memory, after the flip to it; return the number of memories that changed.

    Raises:
        EmbedderUnavailable: the model can't be loaded.
    """
    model, after, changed = model_number(manager.model), UUID(int=0), 0
    while True:
        values = {
            "organisation": organisation,
            "settled": [str(state) for state in SETTLED],
            "after": after,
            "limit": BATCH,
        }
        with tenant_transaction(organisation), raw_cursor() as cursor:
            rows = cursor.execute(SETTLED_MEMORIES, values).fetchall()
            some = _read_texts(organisation, _first([row[:2] for row in rows], BATCH))
            with_vector = {memory for memory, _ in _present(organisation, model, some)}
        if not rows:
            return changed
        extents = iter(manager.extents([text for each in some for text in each.texts()]))
        before = {row[0]: row[2] for row in rows}
        states = {each.id: state_of([next(extents) for _ in each.places]) for each in some}
        states = {
            memory: state
            for memory, state in states.items()
            # a caller's own vector speaks for a text that the model can't read
            if state != before[memory] and not (state is EmbeddingState.UNREADABLE and memory in with_vector)
        }
        with tenant_transaction(organisation):
            still = _lock_unchanged(organisation, [each for each in some if each.id in states])
            _set_states(organisation, {memory: states[memory] for memory in states if memory in still})
        changed += len(still)
        after = _first([row[:2] for row in rows], BATCH)[-1]


def flip(*, organisation: UUID, by: Actor, manager: EmbeddingManager) -> int:
    """Set and record an organisation's model; return the transaction's number."""
    number = model_number(manager.model)
    with tenant_transaction(organisation):
        before = chosen_model(organisation)
        record(
            organisation=organisation,
            by=by,
            operation="memory.reembed",
            effect=Effect.WRITE,
            reasoning=f"All memories have vectors of {manager.model.name} {manager.model.version}, which searches use from now on.",
            inputs={"model_before": before},
            outputs={"model": number},
            versions={"embedding_model": number},
        )
        with raw_cursor() as cursor:
            row = cursor.execute(CHOOSE_MODEL, (organisation, number)).fetchone()
    clear_choices()
    return int(row[0]) if row else 0


def wait_for_older(transaction: int, *, patience_s: float = 60.0, pause_s: float = 0.05) -> bool:
    """Wait until all transactions that began before a given one have ended; return whether they did in time."""
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        with raw_cursor() as cursor:
            row = cursor.execute(OLDEST_TRANSACTION).fetchone()
        if row is not None and int(row[0]) > transaction:
            return True
        time.sleep(pause_s)
    return False


def drop_others(*, organisation: UUID, model: int) -> int:
    """Delete the vectors of all other models, 5,000 per transaction; return their number."""
    dropped = 0
    while True:
        with tenant_transaction(organisation), raw_cursor() as cursor:
            count = cursor.execute(DROP_OTHER_VECTORS, (organisation, model, organisation, model)).rowcount
        dropped += count
        if not count:
            return dropped
