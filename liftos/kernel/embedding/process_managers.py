"""This process's embedding managers, one per configured embedder."""

import os
import threading

from django.conf import settings

from liftos.kernel.embedding.manager import EmbeddingManager
from liftos.kernel.embedding.registry import (
    PACKAGED,
    configured_secret,
    configured_shared_cache,
    create_embedder,
)

_managers: dict[str, EmbeddingManager] = {}
_lock = threading.Lock()


def get_manager(name: str = "") -> EmbeddingManager:
    """Return this process's manager of an embedder, created from the settings on first use.

    Args:
        name: in LIFTOS_EMBEDDERS or PACKAGED; "" for the default, LIFTOS_EMBEDDER.

    Raises:
        KeyError: unknown name.
    """
    manager = _managers.get(name)
    if manager is None:
        with _lock:
            manager = _managers.get(name)
            if manager is None:
                manager = _managers[name] = _new_manager(name)
    return manager


def embedder_names() -> tuple[str, ...]:
    """Return the names of all available embedders; "", the default, is first, and the setting precedes the packaged."""
    return ("", *dict.fromkeys((*settings.LIFTOS_EMBEDDERS, *PACKAGED)))


def made_managers() -> list[EmbeddingManager]:
    """Return the managers created so far in this process."""
    return list(_managers.values())


def reset_manager() -> None:
    """Drop this process's managers; `get_manager` creates new ones from the settings."""
    with _lock:
        _managers.clear()


def _new_manager(name: str) -> EmbeddingManager:
    embedder = shared = secret = None
    if name:
        if name not in settings.LIFTOS_EMBEDDERS and name not in PACKAGED:
            raise KeyError(name)
        wanted = settings.LIFTOS_EMBEDDERS.get(name, {"embedder": name})
        embedder = create_embedder(wanted["embedder"], wanted.get("options"))
        shared = configured_shared_cache(settings.LIFTOS_EMBEDDING_CACHE_TTL)
        secret = configured_secret()
    return EmbeddingManager(
        cache_size=settings.LIFTOS_EMBEDDING_CACHE_SIZE,
        cache_ttl=settings.LIFTOS_EMBEDDING_CACHE_TTL,
        embedder=embedder,
        shared_cache=shared,
        secret=secret,
    )


def _after_fork() -> None:
    """Start without managers in a child: locks may have been held, and model threads do not exist there."""
    global _lock
    _managers.clear()
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)
