"""Which model an organisation's memories are searched by: its choice, or the installation's.

A choice is made by `manage.py reembed`, which fills the new model's vectors first. It is re-read every two seconds; until then other
processes may still search by the old model, whose vectors are kept.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from liftos.kernel.caching.lru import LruTtlCache
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.embedding import EmbedderUnavailable, EmbeddingManager, get_manager
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.embedding.registry import embedder_names
from memory.index.statements import CHOSEN_MODEL

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
