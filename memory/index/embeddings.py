"""The embedding model an organisation uses, and the embedding of drafts.

An organisation's first vectors make their model its own, so that another LIFTOS_EMBEDDER changes nothing for it; before, it uses the
installation's. `manage.py reembed` changes the choice once it has computed the new model's vectors. Processes re-read it every two seconds; until
then they may search by the old model, whose vectors are kept.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np

from liftos.kernel.caching.lru import LruTtlCache
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.embedding import (
    DimensionMismatch,
    EmbedderUnavailable,
    EmbeddingManager,
    Extent,
    TextKind,
    get_manager,
)
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.embedding.process_managers import embedder_names
from liftos.kernel.embedding.types import ModelInfo
from liftos.kernel.errors import InvalidInput
from liftos.kernel.telemetry.tracing.tracer import TRACER
from memory.analysis.extraction import Reading
from memory.analysis.passages import HEADING_SEPARATOR, Passage
from memory.analysis.values import is_blank
from memory.index.given_vectors import GivenVectors
from memory.index.statements import CHOSEN_MODEL, FORMER_MODELS, SETTLE_MODEL
from memory.types import WHOLE, EmbeddingState, MemoryDraft

logger = logging.getLogger("liftos.memory")

KEEP_SECONDS = 2.0
AT_ONCE = 512
"""Passages up to which a memory is embedded by the request that stores it; a longer one is left to a worker. A passage takes 7 ms or more."""
TOGETHER = 4_000
"""Passages of long memories that are embedded by one call; the memories after these are left to a worker."""
_given: ContextVar[EmbeddingManager | None] = ContextVar("memory_embedding_manager", default=None)
_chosen: LruTtlCache[UUID, int | None] = LruTtlCache(10_000, KEEP_SECONDS)


@dataclass(frozen=True, slots=True)
class Embedded:
    """The vectors of a memory: by passage number, WHOLE for the caller's own of a longer memory; and the state they are in."""

    vectors: Mapping[int, np.ndarray] = field(default_factory=dict)
    state: EmbeddingState = EmbeddingState.PENDING


PENDING = Embedded()


def active_manager(organisation: UUID) -> EmbeddingManager:
    """Return the embedding manager of an organisation's model.

    Raises:
        EmbedderUnavailable: neither LIFTOS_EMBEDDER nor LIFTOS_EMBEDDERS provides the model.
    """
    number, given = _choice(organisation), _given.get()
    if given is not None:
        wanted = model_number(get_manager().model) if number is None else number
        if model_number(given.model) == wanted:
            return given
    if number is None:
        return get_manager()
    for name in embedder_names():
        manager = get_manager(name)
        if model_number(manager.model) == number:
            return manager
    raise EmbedderUnavailable(
        f"No configured embedder provides model {number}, which this organisation uses."
    )


def embed_drafts(
    organisation: UUID,
    drafts: Sequence[MemoryDraft],
    readings: Sequence[Reading],
    *,
    known: Callable[[int], Mapping[str, np.ndarray]] | None = None,
) -> tuple[list[Embedded], int | None]:
    """Return the vectors of each draft, and the model's number. Calls the model: don't call inside a transaction.

    A draft's own vector stands for all of it. Drafts that are blank or not to be indexed have no vectors. Everything is pending, and the number None, while the
    embedder is unavailable; memories beyond AT_ONCE and TOGETHER passages are left pending too.

    Args:
        organisation: the tenant.
        drafts: the memories.
        readings: their passages.
        known: returns the vectors of a model that need not be computed, by text.

    Raises:
        InvalidInput: a draft's own vector is not, or may not be, of the active model.
    """
    try:
        manager = active_manager(organisation)
        model = manager.model
        if any(draft.embedding is not None for draft in drafts):
            given = _given_vectors(organisation, model)
            for draft in drafts:
                if (refusal := given.refusal(draft.embedding, draft.embedding_model)) is not None:
                    raise InvalidInput(f"{refusal.message}.", loc=(refusal.field,))
        texts = _texts_to_embed(drafts, readings)
        number = model_number(model)
        wanted = [text for some in texts for text in some]
        read = iter(embed_texts(manager, organisation, wanted, known=known(number) if known else None))
        return [
            Embedded({WHOLE if len(reading.passages) > 1 else 0: draft.embedding}, EmbeddingState.READY)
            if draft.embedding is not None and _has_text(draft)
            else embedded_of([next(read) for _ in some])
            for draft, reading, some in zip(drafts, readings, texts, strict=True)
        ], number
    except (EmbedderUnavailable, DimensionMismatch):
        logger.warning("storing without vectors: the embedder is not available", extra={"count": len(drafts)})
        # a caller's own vector can't be stored without the model's number either
        return [PENDING] * len(drafts), None


def given_vectors(organisation: UUID) -> GivenVectors | None:
    """Return the vectors that an organisation takes from callers; None while its embedder is unavailable."""
    try:
        return _given_vectors(organisation, active_manager(organisation).model)
    except EmbedderUnavailable:
        return None


def _given_vectors(organisation: UUID, model: ModelInfo) -> GivenVectors:
    values = {"organisation": organisation, "dimension": model.dimension}
    with tenant_transaction(organisation), raw_cursor() as cursor:
        rows = cursor.execute(FORMER_MODELS, values).fetchall()
    active = (model.name, model.version)
    return GivenVectors(model, frozenset(name for name, version in rows if (name, version) != active))


def _texts_to_embed(drafts: Sequence[MemoryDraft], readings: Sequence[Reading]) -> list[list[str]]:
    """Return the texts of each draft's passages; none of those that have no text or a vector, or are left to a worker."""
    texts: list[list[str]] = []
    left = TOGETHER
    for draft, reading in zip(drafts, readings, strict=True):
        count = len(reading.passages)
        if draft.embedding is not None or not _has_text(draft) or (count > 1 and count > min(AT_ONCE, left)):
            texts.append([])
            continue
        left -= count if count > 1 else 0
        texts.append(texts_of(draft.content, [each.place for each in reading.passages]))
    return texts


def _has_text(draft: MemoryDraft) -> bool:
    return draft.index and not is_blank(draft.content)


def texts_of(content: str, places: Sequence[Passage]) -> list[str]:
    """Return the texts by which passages are embedded: each below the last heading of its path, unless it begins with one."""
    return [_below_heading(content[each.start : each.end], each.heading) for each in places]


def _below_heading(text: str, path: str) -> str:
    heading = path.rpartition(HEADING_SEPARATOR)[2]
    return text if not heading or text.lstrip("# ").startswith(heading) else f"{heading}\n{text}"


def embed_texts(
    manager: EmbeddingManager,
    organisation: UUID,
    texts: Sequence[str],
    *,
    known: Mapping[str, np.ndarray] | None = None,
) -> list[tuple[np.ndarray | None, Extent]]:
    """Return for each text its vector, and how much of it the model read; no vector if it read nothing.

    Calls the model: don't call inside a transaction.

    Args:
        manager: of the organisation's model.
        organisation: the tenant.
        texts: memories' texts or passages, not queries.
        known: vectors of texts under this model that need not be computed.

    Raises:
        EmbedderUnavailable: the model failed.
    """
    if not texts:
        return []
    vectors = dict(known or {})
    with TRACER.span("memory.embed", count=len(texts), organisation=str(organisation)):
        extents = manager.extents(texts)
        wanted = [
            text
            for text, extent in zip(texts, extents, strict=True)
            if extent is not Extent.NOTHING and text not in vectors
        ]
        if wanted:
            found = manager.embed_many(wanted, kind=TextKind.DOCUMENT, organisation=organisation)
            vectors.update(zip(wanted, found, strict=True))
    return [
        (None if extent is Extent.NOTHING else vectors[text], extent)
        for text, extent in zip(texts, extents, strict=True)
    ]


def embedded_of(read: Sequence[tuple[np.ndarray | None, Extent]]) -> Embedded:
    """Return the vectors of a memory's passages, in order, with their state; none are pending."""
    if not read:
        return PENDING
    vectors = {number: vector for number, (vector, _) in enumerate(read) if vector is not None}
    return Embedded(vectors, state_of([extent for _, extent in read]))


def state_of(extents: Sequence[Extent]) -> EmbeddingState:
    """Return the state of a memory by how much of each of its passages the model reads."""
    if all(extent is Extent.WHOLE for extent in extents):
        return EmbeddingState.READY
    if all(extent is Extent.NOTHING for extent in extents):
        return EmbeddingState.UNREADABLE
    return EmbeddingState.PARTIAL


def cache_stats(organisation: UUID) -> dict[str, int | float]:
    """Return an organisation's embedding cache statistics, or the installation's if its model is not configured."""
    try:
        return active_manager(organisation).stats()
    except EmbedderUnavailable:
        return get_manager().stats()


@contextmanager
def use_manager(manager: EmbeddingManager) -> Iterator[None]:
    """Use a manager for searches and stores within the block, for organisations that use its model."""
    token = _given.set(manager)
    try:
        yield
    finally:
        _given.reset(token)


def chosen_model(organisation: UUID) -> int | None:
    """Return the number of the organisation's chosen model, inside the caller's transaction; None for the default."""
    with raw_cursor() as cursor:
        row = cursor.execute(CHOSEN_MODEL, [organisation]).fetchone()
    return row[0] if row else None


def settle_model(organisation: UUID, model: int | None) -> int | None:
    """Return the number of the organisation's model, inside the caller's transaction; without one, `model` becomes it.

    Args:
        organisation: the tenant.
        model: the number of the model of vectors about to be written; None for no vectors.
    """
    chosen = chosen_model(organisation)
    if chosen is None and model is not None:
        raw_cursor().execute(SETTLE_MODEL, (organisation, model))
        # another transaction may have been first
        chosen = chosen_model(organisation)
    return chosen


def clear_choices() -> None:
    """Drop cached choices, after a change or in tests."""
    _chosen.clear()


def _choice(organisation: UUID) -> int | None:
    def read() -> int | None:
        with tenant_transaction(organisation):
            return chosen_model(organisation)

    return _chosen.fetch(organisation, read)
