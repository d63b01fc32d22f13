"""The cache within a process: bounded by count, age and weight."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class LruTtlCache(Generic[Key, Value]):
    """At most `capacity` entries, the least recently used goes first, none is returned at age `ttl` or later.

    Reading an entry makes it the most recently used and does not lengthen its life. Every operation is O(1)
    per key (expired entries are removed once each, at the next write or count). Safe for threads.

    Attributes:
        hits: reads that found their entry.
        weight: of all entries together, expired ones included until they are removed.
    """

    def __init__(
        self,
        capacity: int,
        ttl: float,
        clock: Callable[[], float] = time.monotonic,
        *,
        weigh: Callable[[Value], int] | None = None,
        max_weight: int = 0,
    ) -> None:
        """Make an empty cache.

        Args:
            capacity: entries, never exceeded; 0 keeps nothing.
            ttl: seconds an entry lives; math.inf for no limit.
            clock: seconds, never going back.
            weigh: what an entry counts towards `max_weight`; None for nothing.
            max_weight: of all entries together, never exceeded; a value that alone is heavier is not kept.

        Raises:
            ValueError: capacity is negative or ttl is not positive.
        """
        if capacity < 0 or not ttl > 0:
            raise ValueError("capacity must be at least 0 and ttl above 0")
        self.capacity = capacity
        self.ttl = ttl
        self.hits = 0
        self.weight = 0
        self._weigh = weigh
        self._max_weight = max_weight
        self._clock = clock
        self._lock = threading.Lock()
        self._by_use: OrderedDict[Key, tuple[Value, float]] = OrderedDict()
        # All lives are equally long, so order of writing is order of expiry. OrderedDict, not dict: a dict's
        # first key is found by walking over the slots of those deleted before it.
        self._by_age: OrderedDict[Key, None] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """Return the live entry of a key, or None."""
        with self._lock:
            entry = self._read(key, self._clock())
        return None if entry is None else entry[0]

    def get_many(self, keys: Iterable[Key]) -> list[Value | None]:
        """Return the live entry or None for each key, in order; each counts as a use."""
        with self._lock:
            now = self._clock()
            entries = [self._read(key, now) for key in keys]
        return [None if entry is None else entry[0] for entry in entries]

    def fetch(self, key: Key, make: Callable[[], Value]) -> Value:
        """Return the live entry of a key, made and stored where there is none; callers at the same time may each make it."""
        with self._lock:
            entry = self._read(key, self._clock())
        if entry is not None:
            return entry[0]
        value = make()
        self.put(key, value)
        return value

    def put(self, key: Key, value: Value) -> None:
        """Store an entry, replacing an older one of the key."""
        self.put_many({key: value})

    def put_many(self, entries: Mapping[Key, Value]) -> None:
        """Store entries, the last one becoming the most recently used."""
        if not self.capacity:
            return
        with self._lock:
            now = self._clock()
            # the dead make room before the living have to
            self._drop_expired(now)
            for key, value in entries.items():
                if key in self._by_use:
                    self._drop(key)
                elif len(self._by_use) >= self.capacity:
                    self._drop(next(iter(self._by_use)))
                if self._weigh is not None and not self._makes_room(self._weigh(value)):
                    continue
                self._by_use[key] = (value, now + self.ttl)
                self._by_age[key] = None

    def drop_many(self, keys: Sequence[Key]) -> None:
        """Remove entries; unknown keys are ignored."""
        with self._lock:
            for key in keys:
                if key in self._by_use:
                    self._drop(key)

    def clear(self) -> None:
        """Remove every entry; `hits` stays."""
        with self._lock:
            self._by_use.clear()
            self._by_age.clear()
            self.weight = 0

    def __len__(self) -> int:
        """Return the number of live entries."""
        with self._lock:
            self._drop_expired(self._clock())
            return len(self._by_use)

    def _read(self, key: Key, now: float) -> tuple[Value, float] | None:
        entry = self._by_use.get(key)
        if entry is None:
            return None
        if now >= entry[1]:
            self._drop(key)
            return None
        self._by_use.move_to_end(key)
        self.hits += 1
        return entry

    def _drop(self, key: Key) -> None:
        value, _ = self._by_use.pop(key)
        del self._by_age[key]
        if self._weigh is not None:
            self.weight -= self._weigh(value)

    def _makes_room(self, weight: int) -> bool:
        """Drop what was used least recently until a weight fits, and count it in; False if it never will."""
        if weight > self._max_weight:
            return False
        while self.weight + weight > self._max_weight:
            self._drop(next(iter(self._by_use)))
        self.weight += weight
        return True

    def _drop_expired(self, now: float) -> None:
        while self._by_age:
            oldest = next(iter(self._by_age))
            if now < self._by_use[oldest][1]:
                return
            self._drop(oldest)
