"""Which model embeds an organisation's memories: its choice, or the installation's; and the vectors of drafts by it.

A choice is made by `manage.py reembed`, which fills the new model's vectors first. It is re-read every two seconds; until then other
processes may still search by the old model, whose vectors are kept.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

import numpy as np

from liftos.kernel.caching.lru import LruTtlCache
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.embedding import DimensionMismatch, EmbedderUnavailable, EmbeddingManager, get_manager
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.embedding.registry import embedder_names
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
    """Return the manager of the model that an organisation is searched by.

    Raises:
        EmbedderUnavailable: its model's embedder is not among LIFTOS_EMBEDDER and LIFTOS_EMBEDDERS.
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
        f"No configured embedder gives vectors of model {number}, which this organisation uses."
    )


def embed_drafts(
    organisation: UUID, drafts: Sequence[MemoryDraft]
) -> tuple[list[np.ndarray | None], int | None]:
    """Return a vector for each draft, and the model's number. Calls the model: not inside a transaction.

    There is none for a draft that shows nothing, and none for any where the embedder is not available.

    Raises:
        InvalidInput: a vector that a draft brings has another dimension than the active model's.
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
                made = manager.embed_many(
                    [drafts[index].content for index in wanted], organisation=organisation
                )
            for index, vector in zip(wanted, made, strict=True):
                vectors[index] = vector
        return vectors, model_number(model)
    except (EmbedderUnavailable, DimensionMismatch):
        logger.warning("storing without vectors: the embedder is not available", extra={"count": len(wanted)})
        # without the model's identity a caller's own vector can't be filed either
        return [None] * len(drafts), None


def cache_stats(organisation: UUID) -> dict[str, int | float]:
    """Return the statistics of the embedding cache an organisation's searches use; the installation's if its model is not configured."""
    try:
        return active_manager(organisation).stats()
    except EmbedderUnavailable:
        return get_manager().stats()


@contextmanager
def use_manager(manager: EmbeddingManager) -> Iterator[None]:
    """Have a block's searches and stores go through a manager of its own, where it is of the organisation's model."""
    token = _given.set(manager)
    try:
        yield
    finally:
        _given.reset(token)


def chosen_model(organisation: UUID) -> int | None:
    """Return the number of the chosen model as of this transaction, None for the installation's own."""
    with raw_cursor() as cursor:
        row = cursor.execute(CHOSEN_MODEL, [organisation]).fetchone()
    return row[0] if row else None


def forget_choices() -> None:
    """Read every choice anew: for tests, and for who has just made one."""
    _chosen.clear()


def _choice(organisation: UUID) -> int | None:
    def read() -> int | None:
        with tenant_transaction(organisation):
            return chosen_model(organisation)

    return _chosen.fetch(organisation, read)
