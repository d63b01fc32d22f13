"""A one-second cache of API keys and of what principals see, so that not every request costs a round trip."""

import os
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.signals import post_delete, post_save

from liftos.kernel.caching.lru import LruTtlCache
from liftos.kernel.db.viewers import Viewer
from liftos.kernel.tenancy.queries import (
    KeyRecord,
    get_key_record,
    get_key_record_by_id,
    get_viewer_of_named,
)

# how long other processes may accept a key that was revoked or changed in this one
KEEP_SECONDS = 1.0
MOST_KEYS = 10_000


class KnownKeys:
    """Caches key rows for at most a second. Thread-safe.

    Unknown keys are not cached, so a new key works at once.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """Create an empty cache."""
        self._records: LruTtlCache[str, KeyRecord] = LruTtlCache(MOST_KEYS, KEEP_SECONDS, clock)
        self._by_id: LruTtlCache[tuple[UUID, UUID], KeyRecord] = LruTtlCache(MOST_KEYS, KEEP_SECONDS, clock)
        self._viewers: LruTtlCache[tuple[UUID, str], Viewer] = LruTtlCache(MOST_KEYS, KEEP_SECONDS, clock)
        self._lock = threading.Lock()
        self._changes = 0

    def get(self, prefix: str) -> KeyRecord | None:
        """Return the key with this prefix, at most a second old, or None."""
        record = self._records.get(prefix)
        if record is not None:
            return record
        changes = self._changes
        record = get_key_record(prefix)
        if record is not None:
            with self._lock:
                # a key changed while we read: this row may be outdated
                if changes == self._changes:
                    self._records.put(prefix, record)
                    self._by_id.put((record.organisation, record.id), record)
        return record

    def get_by_id(self, organisation: UUID, key: UUID) -> KeyRecord | None:
        """Return an organisation's key, at most a second old, or None."""
        record = self._by_id.get((organisation, key))
        if record is not None:
            return record
        changes = self._changes
        record = get_key_record_by_id(organisation, key)
        if record is not None:
            with self._lock:
                if changes == self._changes:
                    self._by_id.put((organisation, key), record)
        return record

    def get_viewer(self, organisation: UUID, named: str) -> Viewer | None:
        """Return what a principal sees, at most a second old, or None if there is no such principal."""
        viewer = self._viewers.get((organisation, named))
        if viewer is not None:
            return viewer
        changes = self._changes
        viewer = get_viewer_of_named(organisation, named)
        if viewer is not None:
            with self._lock:
                if changes == self._changes:
                    self._viewers.put((organisation, named), viewer)
        return viewer

    def forget(self, prefix: str, ident: tuple[UUID, UUID] | None = None) -> None:
        """Drop a key; concurrent reads are not cached either.

        Args:
            prefix: of the key.
            ident: its organisation and id, if its rights have changed.
        """
        with self._lock:
            self._changes += 1
            self._records.drop_many([prefix])
            if ident is not None:
                self._by_id.drop_many([ident])

    def clear(self) -> None:
        """Drop all keys; concurrent reads are not cached either."""
        with self._lock:
            self._changes += 1
            self._records.clear()
            self._by_id.clear()
            self._viewers.clear()


_known = KnownKeys()


def known_key(prefix: str) -> KeyRecord | None:
    """Return a key by its prefix. See `KnownKeys.get`."""
    return _known.get(prefix)


def known_key_by_id(organisation: UUID, key: UUID) -> KeyRecord | None:
    """Return an organisation's key by its id. See `KnownKeys.get_by_id`."""
    return _known.get_by_id(organisation, key)


def viewer_of_named(organisation: UUID, named: str) -> Viewer | None:
    """Return what a principal sees. See `KnownKeys.get_viewer`."""
    return _known.get_viewer(organisation, named)


def forget_key(prefix: str, ident: tuple[UUID, UUID] | None = None) -> None:
    """Drop a key from this process's cache now and again when the current transaction commits."""
    _known.forget(prefix, ident)
    # until the commit, others still read and cache the old row
    transaction.on_commit(lambda: _known.forget(prefix, ident))


def forget_all_keys() -> None:
    """Drop all keys now and again when the current transaction commits, because what principals may see has changed."""
    _known.clear()
    transaction.on_commit(lambda: _known.clear())


def _changed(instance: Any, **_signal: object) -> None:
    forget_key(instance.prefix, (instance.organisation_id, instance.id))


def watch_keys() -> None:
    """Drop every key that this process changes, in operations or the admin."""
    from liftos.kernel.tenancy.models import ApiKey

    for signal in (post_save, post_delete):
        signal.connect(_changed, sender=ApiKey, dispatch_uid="liftos.kernel.tenancy.known_keys")


def _after_fork() -> None:
    # the lock may have been held by a thread that does not exist in the child
    global _known
    _known = KnownKeys()


os.register_at_fork(after_in_child=_after_fork)
