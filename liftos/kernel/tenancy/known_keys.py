"""API keys that were looked up a moment ago, so that a busy caller does not cost a round trip for each request."""

import os
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.signals import post_delete, post_save

from liftos.kernel.caching.lru import LruTtlCache
from liftos.kernel.tenancy.queries import KeyRecord, get_key_record, get_key_record_by_id

# How long another process may go on letting in a key that was revoked or changed in this one.
KEEP_SECONDS = 1.0
MOST_KEYS = 10_000


class KnownKeys:
    """Remembers what the database said of a key, for a second at most. Safe for threads.

    A key that is not there is asked for each time: a new one works at once.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """Remember nothing yet."""
        self._records: LruTtlCache[str, KeyRecord] = LruTtlCache(MOST_KEYS, KEEP_SECONDS, clock)
        self._by_id: LruTtlCache[tuple[UUID, UUID], KeyRecord] = LruTtlCache(MOST_KEYS, KEEP_SECONDS, clock)
        self._lock = threading.Lock()
        self._changes = 0

    def get(self, prefix: str) -> KeyRecord | None:
        """Return the key with this prefix as it is, or was a second ago; None if there is none."""
        record = self._records.get(prefix)
        if record is not None:
            return record
        changes = self._changes
        record = get_key_record(prefix)
        if record is not None:
            with self._lock:
                # one changed while we read: perhaps this, and what we read is the past
                if changes == self._changes:
                    self._records.put(prefix, record)
                    self._by_id.put((record.organisation, record.id), record)
        return record

    def get_by_id(self, organisation: UUID, key: UUID) -> KeyRecord | None:
        """Return an organisation's key as it is, or was a second ago; None if there is none."""
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

    def forget(self, prefix: str, ident: tuple[UUID, UUID] | None = None) -> None:
        """Ask the database again; also whoever is reading at this moment may not keep what it finds.

        Args:
            prefix: of the key.
            ident: its organisation and id, where what it may do has changed.
        """
        with self._lock:
            self._changes += 1
            self._records.drop_many([prefix])
            if ident is not None:
                self._by_id.drop_many([ident])

    def clear(self) -> None:
        """Forget everything."""
        self._records.clear()
        self._by_id.clear()


_known = KnownKeys()


def known_key(prefix: str) -> KeyRecord | None:
    """Return a key by its prefix. See `KnownKeys.get`."""
    return _known.get(prefix)


def known_key_by_id(organisation: UUID, key: UUID) -> KeyRecord | None:
    """Return an organisation's key by its id. See `KnownKeys.get_by_id`."""
    return _known.get_by_id(organisation, key)


def forget_key(prefix: str, ident: tuple[UUID, UUID] | None = None) -> None:
    """Have this process ask for a key again, now and when the change that is under way is committed."""
    _known.forget(prefix, ident)
    # whoever asks before the commit still sees the key as it was
    transaction.on_commit(lambda: _known.forget(prefix, ident))


def _changed(instance: Any, **_signal: object) -> None:
    forget_key(instance.prefix, (instance.organisation_id, instance.id))


def watch_keys() -> None:
    """Forget each key that this process changes, by whichever way (operations, the admin)."""
    from liftos.kernel.tenancy.models import ApiKey

    for signal in (post_save, post_delete):
        signal.connect(_changed, sender=ApiKey, dispatch_uid="liftos.kernel.tenancy.known_keys")


def _after_fork() -> None:
    # a lock may have been held by a thread that does not exist in the child
    global _known
    _known = KnownKeys()


os.register_at_fork(after_in_child=_after_fork)
