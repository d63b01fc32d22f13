"""An in-process cache, bounded by count, age and weight."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class LruTtlCache(Generic[Key, Value]):
    """At most `capacity` entries, least recently used evicted first; none is returned at age `ttl` or later.

    Reading an entry makes it the most recently used but does not extend its lifetime. Every operation is O(1) per key
    (expired entries are removed at the next write or count). Thread-safe.

    Attributes:
        hits: successful reads.
        weight: total weight, including expired entries not yet removed.
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
        """Create an empty cache.

        Args:
            capacity: maximum number of entries; 0 disables the cache.
            ttl: lifetime in seconds; math.inf for no limit.
            clock: monotonic, seconds.
            weigh: returns an entry's weight; None for no weight limit.
            max_weight: maximum total weight; heavier single values are not stored.

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
        # All lifetimes are equal, so insertion order is expiry order. OrderedDict, not dict: finding a dict's first
        # key walks over the slots of deleted keys.
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
        """Return the live entry of a key, computing and storing it if missing; concurrent callers may each compute it."""
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
            # remove expired entries before evicting live ones
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
        """Evict entries until a weight fits and add it to the total; return False if it never fits."""
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
