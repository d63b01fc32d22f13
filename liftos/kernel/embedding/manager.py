"""The one way to an embedding: two caches, one computation per text, honest counters."""

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from liftos.kernel.caching.lru import LruTtlCache
from liftos.kernel.caching.single_flight import Flight, SingleFlight
from liftos.kernel.deadlines import GivenUp
from liftos.kernel.embedding.configured import (
    configured_embedder,
    configured_secret,
    configured_shared_cache,
)
from liftos.kernel.embedding.errors import EmbedderUnavailable
from liftos.kernel.embedding.keys import CacheKeys
from liftos.kernel.embedding.shared_cache import NullSharedCache, SharedCache, read_vectors, write_vectors
from liftos.kernel.embedding.text import checked_rows
from liftos.kernel.embedding.types import Embedder, ModelInfo, Organisation, Vector, Vectors
from liftos.kernel.errors import LiftosError
from liftos.kernel.telemetry.manager import observe_operation

logger = logging.getLogger("liftos.kernel.embedding")

# whoever waits for another caller's computation gives up after this long
FOLLOW_TIMEOUT_S = 60.0


class _Parts(NamedTuple):
    embedder: Embedder
    shared: SharedCache
    keys: CacheKeys


class EmbeddingManager:
    """Embeds texts, each once.

    A look-up is one text asked for; a text that stands twice in a batch is two. It is a *miss* when it made the
    model compute, or failed; every other one is a *hit*: found in this process (l1), found in the shared cache
    (l2), or answered by a computation already under way for another look-up (coalesced). So hits + misses =
    look-ups, and as long as nothing fails, `cache_misses` is the number of texts the model was given.

    An entry read from the shared cache begins a new life in this process.
    Safe for threads; not for use across a fork: ask `get_manager` again in the child.
    """

    def __init__(
        self,
        cache_size: int = 10_000,
        cache_ttl: float = 3600,
        embedder: Embedder | None = None,
        shared_cache: SharedCache | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        secret: bytes | None = None,
    ) -> None:
        """Make a manager with an empty in-process cache; nothing is loaded or connected.

        Args:
            cache_size: entries in this process, at least 0; 2 kB each at 384 dimensions.
            cache_ttl: seconds an entry lives.
            embedder: the model; by default the one of the settings, made at the first use.
            shared_cache: the cache of all processes; by default the one of the settings if the embedder is
                theirs too, otherwise none.
            clock: seconds, never going back.
            secret: of the keys; by default derived from SECRET_KEY, or random if no cache is shared.

        Raises:
            ValueError: a negative size or a lifetime that is not positive.
        """
        self._cache: LruTtlCache[bytes, Vector] = LruTtlCache(cache_size, cache_ttl, clock)
        self._given = embedder, shared_cache, secret
        self._parts: _Parts | None = None
        self._flights: SingleFlight[bytes, Vector] = SingleFlight()
        self._lock = threading.Lock()
        self._l2_hits = self._coalesced = self._misses = self._model_calls = self._model_errors = 0

    @property
    def model(self) -> ModelInfo:
        """The model whose vectors this manager returns."""
        return self._ready().embedder.model

    def embed(self, text: str, *, organisation: Organisation = None) -> Vector:
        """Return the vector of a text.

        Args:
            text: any string.
            organisation: whose text it is.

        Returns:
            float32, shape (d,), unit length; the caller's own copy.

        Raises:
            EmbedderUnavailable: the model failed.
            DimensionMismatch: the model returned vectors of another length than it says.
        """
        key = (self._parts or self._ready()).keys.of(text, organisation)
        vector = self._cache.get(key)
        if vector is None:
            vector = self._resolve({key: text}, {key: 1})[key]
        return vector.copy()

    def embed_many(self, texts: Sequence[str], *, organisation: Organisation = None) -> Vectors:
        """Return the vectors of texts, with one call of the model for those not known yet.

        Args:
            texts: any strings, repeats allowed.
            organisation: whose texts they are.

        Returns:
            float32, shape (len(texts), d), in the order of `texts`; the caller's own.

        Raises:
            EmbedderUnavailable: the model failed; nothing of the batch is returned.
            DimensionMismatch: as for `embed`.
            TypeError: `texts` is one string.
        """
        if isinstance(texts, str):
            raise TypeError("embed_many takes a sequence of texts, not one text")
        parts = self._ready()
        if not texts:
            return np.empty((0, parts.embedder.model.dimension), dtype=np.float32)
        keys = [parts.keys.of(text, organisation) for text in texts]
        known: dict[bytes, Vector] = {}
        missing: dict[bytes, str] = {}
        asked: Counter[bytes] = Counter()
        for key, text, vector in zip(keys, texts, self._cache.get_many(keys), strict=True):
            if vector is not None:
                known[key] = vector
            else:
                missing[key] = text
                asked[key] += 1
        if missing:
            known.update(self._resolve(missing, asked))
        return np.stack([known[key] for key in keys])

    def cache_key(self, text: str, *, organisation: Organisation = None) -> bytes:
        """Return the 32 bytes under which both caches know a text. See `CacheKeys`."""
        return self._ready().keys.of(text, organisation)

    def forget(self, texts: Iterable[str], *, organisation: Organisation = None) -> bool:
        """Remove texts from this process's cache and from the shared one.

        Another process that has used a text keeps its vector, under a key that doesn't reveal it, for at most
        its own `cache_ttl`.

        Returns:
            False if the shared cache did not confirm; its entries then end with their lifetime.
        """
        parts = self._ready()
        keys = [parts.keys.of(text, organisation) for text in texts]
        self._cache.drop_many(keys)
        return parts.shared.delete_many(keys)

    def clear(self) -> None:
        """Empty this process's cache. The counters and the shared cache, which is others' too, stay."""
        self._cache.clear()

    def stats(self) -> dict[str, int | float]:
        """Return the seven figures of the metrics contract; `hit_rate` and `cache_utilization` are 0 to 1."""
        size, capacity = len(self._cache), self._cache.capacity
        with self._lock:
            hits, misses = self._cache.hits + self._l2_hits + self._coalesced, self._misses
        total = hits + misses
        return {
            "cache_size": size,
            "max_cache_size": capacity,
            "cache_hits": hits,
            "cache_misses": misses,
            "total_operations": total,
            "hit_rate": hits / total if total else 0.0,
            "cache_utilization": size / capacity if capacity else 0.0,
        }

    def detailed_stats(self) -> dict[str, Any]:
        """Return `stats` with the hits by where they came from, the errors and the model."""
        parts = self._ready()
        model = parts.embedder.model
        with self._lock:
            counted = {
                "l1_hits": self._cache.hits,
                "l2_hits": self._l2_hits,
                "coalesced_hits": self._coalesced,
                "model_calls": self._model_calls,
                "model_errors": self._model_errors,
            }
        return {
            **self.stats(),
            **counted,
            "l2_errors": parts.shared.errors,
            "cache_ttl_s": self._cache.ttl,
            "model": model.name,
            "model_version": model.version,
            "dimension": model.dimension,
        }

    def _resolve(self, texts: Mapping[bytes, str], asked: Mapping[bytes, int]) -> dict[bytes, Vector]:
        """Answer the look-ups that this process's cache could not, and count them.

        Args:
            texts: by key.
            asked: look-ups of each key.
        """
        flight, others, found = self._flights.claim(texts, self._cache.get)
        total = sum(asked.values())
        left: dict[bytes, str] = {}
        l1, l2, computed = len(found), 0, 0
        answered = sum(asked[key] for key in found)
        try:
            if flight.keys:
                l2, computed = self._lead(flight, {key: texts[key] for key in flight.keys}, found)
                answered += sum(asked[key] for key in flight.keys)
            for key, other in others.items():
                try:
                    vector = other.wait(key, FOLLOW_TIMEOUT_S)
                except GivenUp:
                    # its caller has gone, ours has not
                    left[key] = texts[key]
                    total -= asked[key]
                else:
                    if vector is None:
                        raise EmbedderUnavailable
                    found[key] = vector
                    answered += asked[key]
        finally:
            with self._lock:
                self._l2_hits += l2
                self._misses += computed + total - answered
                self._coalesced += answered - l1 - l2 - computed
        if left:
            found.update(self._resolve(left, {key: asked[key] for key in left}))
        return found

    def _lead(
        self, flight: Flight[bytes, Vector], texts: Mapping[bytes, str], found: dict[bytes, Vector]
    ) -> tuple[int, int]:
        """Compute what this caller claimed, into `found`; return how many came from l2 and from the model."""
        parts = self._ready()
        error: LiftosError | None = EmbedderUnavailable()
        vectors: dict[bytes, Vector] = {}
        try:
            vectors = read_vectors(parts.shared, list(texts), parts.embedder.model.dimension)
            known = len(vectors)
            fresh = self._compute(parts.embedder, {key: texts[key] for key in texts if key not in vectors})
            vectors.update(fresh)
            self._cache.put_many(vectors)
            error = None
        except LiftosError as failure:
            error = failure
            raise
        finally:
            # whatever ends this caller, even the end of its thread, nobody is left waiting
            self._flights.land(flight, vectors, error)
        # after landing: who waits for a vector need not wait for Redis
        write_vectors(parts.shared, fresh)
        found.update(vectors)
        return known, len(fresh)

    def _compute(self, embedder: Embedder, texts: Mapping[bytes, str]) -> dict[bytes, Vector]:
        """Call the model once."""
        if not texts:
            return {}
        failed = 1
        try:
            with observe_operation("embedding.embed", count=len(texts), model=embedder.model.name):
                rows = checked_rows(
                    embedder.embed(list(texts.values())), len(texts), embedder.model.dimension
                )
            failed = 0
        except LiftosError:
            raise
        except Exception as error:
            # a foreign error's text may hold a key or an address: it goes to the log, not to callers
            logger.exception("the embedding model failed")
            raise EmbedderUnavailable from error
        finally:
            with self._lock:
                self._model_calls += 1
                self._model_errors += failed
        # copies: one kept row would keep the whole batch in memory
        return {key: row.copy() for key, row in zip(texts, rows, strict=True)}

    def _ready(self) -> _Parts:
        """Return the parts, taking from the settings what was not given."""
        if self._parts is None:
            with self._lock:
                if self._parts is None:
                    self._parts = _assemble(*self._given, ttl=self._cache.ttl)
        return self._parts


def _assemble(
    embedder: Embedder | None, shared: SharedCache | None, secret: bytes | None, *, ttl: float
) -> _Parts:
    if shared is None:
        shared = NullSharedCache() if embedder is not None else configured_shared_cache(ttl)
    if embedder is None:
        embedder = configured_embedder()
    if secret is None:
        secret = os.urandom(32) if isinstance(shared, NullSharedCache) else configured_secret()
    return _Parts(embedder, shared, CacheKeys(secret, embedder.model))
