"""The embedding model an organisation uses, its own choice or the installation's, and the embedding of drafts.

`manage.py reembed` sets the choice once it has computed the new model's vectors. Processes re-read it every two seconds; until
then they may search by the old model, whose vectors are kept.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
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
from liftos.kernel.errors import InvalidInput
from liftos.kernel.telemetry.tracing.tracer import TRACER
from memory.analysis.values import is_blank
from memory.index.statements import CHOSEN_MODEL
from memory.types import MemoryDraft

logger = logging.getLogger("liftos.memory")

KEEP_SECONDS = 2.0
_given: ContextVar[EmbeddingManager | None] = ContextVar("memory_embedding_manager", default=None)
_chosen: LruTtlCache[UUID, int | None] = LruTtlCache(10_000, KEEP_SECONDS)


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
    organisation: UUID, drafts: Sequence[MemoryDraft]
) -> tuple[list[np.ndarray | None], int | None]:
    """Return a vector for each draft, and the model's number. Calls the model: don't call inside a transaction.

    The vector is None for a blank draft; all vectors and the number are None while the embedder is unavailable.

    Raises:
        InvalidInput: a draft's own vector does not have the active model's dimension.
    """
    shown = [not is_blank(draft.content) for draft in drafts]
    vectors: list[np.ndarray | None] = [
        draft.embedding if shows else None for draft, shows in zip(drafts, shown, strict=True)
    ]
    wanted = [index for index, shows in enumerate(shown) if shows and vectors[index] is None]
    try:
        manager = active_manager(organisation)
        model = manager.model
        for vector in vectors:
            if vector is not None and len(vector) != model.dimension:
                raise InvalidInput(
                    f"The active embedding model has {model.dimension} dimensions, not {len(vector)}.",
                    loc=("embedding",),
                )
        if wanted:
            with TRACER.span("memory.embed", count=len(wanted)):
                embedded = manager.embed_many(
                    [drafts[index].content for index in wanted],
                    kind=TextKind.DOCUMENT,
                    organisation=organisation,
                )
            for index, vector in zip(wanted, embedded, strict=True):
                vectors[index] = vector
        return vectors, model_number(model)
    except (EmbedderUnavailable, DimensionMismatch):
        logger.warning("storing without vectors: the embedder is not available", extra={"count": len(wanted)})
        # a caller's own vector can't be stored without the model's number either
        return [None] * len(drafts), None


def embed_texts(
    manager: EmbeddingManager, organisation: UUID, texts: Sequence[str]
) -> list[tuple[np.ndarray | None, Extent]]:
    """Return for each text its vector, and how much of it the model read; no vector if it read nothing.

    Calls the model: don't call inside a transaction.

    Args:
        manager: of the organisation's model.
        organisation: the tenant.
        texts: memories' texts or passages, not queries.

    Raises:
        EmbedderUnavailable: the model failed.
    """
    extents = manager.extents(texts)
    read = [text for text, extent in zip(texts, extents, strict=True) if extent is not Extent.NOTHING]
    vectors = iter(manager.embed_many(read, kind=TextKind.DOCUMENT, organisation=organisation))
    return [(None if extent is Extent.NOTHING else next(vectors), extent) for extent in extents]


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


def clear_choices() -> None:
    """Drop cached choices, after a change or in tests."""
    _chosen.clear()


def _choice(organisation: UUID) -> int | None:
    def read() -> int | None:
        with tenant_transaction(organisation):
            return chosen_model(organisation)

    return _chosen.fetch(organisation, read)
