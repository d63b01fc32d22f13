"""The embedding manager: two cache levels, one computation per text, exact counters."""

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
from liftos.kernel.embedding.errors import EmbedderUnavailable
from liftos.kernel.embedding.keys import CacheKeys
from liftos.kernel.embedding.registry import configured_embedder, configured_secret, configured_shared_cache
from liftos.kernel.embedding.shared_cache import NullSharedCache, SharedCache, read_vectors, write_vectors
from liftos.kernel.embedding.text import checked_rows
from liftos.kernel.embedding.types import (
    PLAIN,
    Embedder,
    Extent,
    ModelInfo,
    Organisation,
    Profile,
    TextKind,
    Vector,
    Vectors,
)
from liftos.kernel.errors import LiftosError
from liftos.kernel.telemetry.manager import observe_operation

logger = logging.getLogger("liftos.kernel.embedding")

# maximum wait for another caller's computation
FOLLOW_TIMEOUT_S = 60.0


class _Parts(NamedTuple):
    embedder: Embedder
    profile: Profile
    shared: SharedCache
    keys: CacheKeys


class EmbeddingManager:
    """Embeds texts through two caches.

    Each requested text is a look-up, repeats in a batch included. A look-up is a *miss* if it made the model compute or
    failed; otherwise a *hit*: from this process (l1), from the shared cache (l2), or from another look-up's computation
    (coalesced). So hits + misses = look-ups, and without failures `cache_misses` is the number of texts given to the
    model.

    The lifetime of an entry restarts when it is read from the shared cache.
    Thread-safe, but not across a fork: call `get_manager` again in the child.
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
        """Create a manager with an empty in-process cache; models and connections are opened on first use.

        Args:
            cache_size: entries in this process, at least 0; 2 kB each at 384 dimensions.
            cache_ttl: lifetime of entries in seconds.
            embedder: by default the configured one.
            shared_cache: by default the configured one if the embedder is too, otherwise none.
            clock: monotonic, seconds.
            secret: of the keys; by default derived from SECRET_KEY, or random without a shared cache.

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

    @property
    def profile(self) -> Profile:
        """The use of the model, and the meaning of its cosines."""
        return self._ready().profile

    def extents(self, texts: Sequence[str]) -> list[Extent]:
        """Return how much of each text the model reads.

        Texts of which it reads nothing have nearly equal vectors, which mean nothing.

        Raises:
            EmbedderUnavailable: the model can't be loaded.
        """
        embedder = self._ready().embedder
        extents: Callable[[list[str]], list[Extent]] | None = getattr(embedder, "extents", None)
        if extents is None:
            return [Extent.WHOLE] * len(texts)
        try:
            return extents(list(texts))
        except LiftosError:
            raise
        except Exception as error:
            logger.exception("the embedding model failed")
            raise EmbedderUnavailable from error

    def embed(
        self, text: str, *, kind: TextKind = TextKind.DOCUMENT, organisation: Organisation = None
    ) -> Vector:
        """Return the vector of a text.

        Args:
            text: any string.
            kind: a search query, or any other text.
            organisation: a tenant.

        Returns:
            float32, shape (d,), unit length; the caller's own copy.

        Raises:
            EmbedderUnavailable: the model failed.
            DimensionMismatch: the model returned vectors of another length than declared.
        """
        parts = self._parts or self._ready()
        text = parts.profile.written(text, kind)
        key = parts.keys.of(text, organisation)
        vector = self._cache.get(key)
        if vector is None:
            vector = self._resolve({key: text}, {key: 1})[key]
        return vector.copy()

    def embed_many(
        self,
        texts: Sequence[str],
        *,
        kind: TextKind = TextKind.DOCUMENT,
        organisation: Organisation = None,
    ) -> Vectors:
        """Return the vectors of texts, with one model call for those not cached.

        Args:
            texts: any strings, repeats allowed.
            kind: search queries, or any other texts.
            organisation: a tenant.

        Returns:
            float32, shape (len(texts), d), in the order of `texts`; the caller's own copy.

        Raises:
            EmbedderUnavailable: the model failed.
            DimensionMismatch: as for `embed`.
            TypeError: `texts` is one string.
        """
        if isinstance(texts, str):
            raise TypeError("embed_many takes a sequence of texts, not one text")
        parts = self._ready()
        if not texts:
            return np.empty((0, parts.embedder.model.dimension), dtype=np.float32)
        texts = [parts.profile.written(text, kind) for text in texts]
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

    def cache_key(
        self, text: str, *, kind: TextKind = TextKind.DOCUMENT, organisation: Organisation = None
    ) -> bytes:
        """Return a text's key in both caches: of the text with the prefix of its kind. See `CacheKeys`."""
        parts = self._ready()
        return parts.keys.of(parts.profile.written(text, kind), organisation)

    def forget(self, texts: Iterable[str], *, organisation: Organisation = None) -> bool:
        """Remove texts, whether embedded as queries or as documents, from this process's cache and the shared one.

        Other processes may keep a text's vector, under a key that does not reveal it, for at most their `cache_ttl`.

        Returns:
            False if the shared cache did not confirm; its entries then remain until they expire.
        """
        parts = self._ready()
        written = {parts.profile.written(text, kind) for text in texts for kind in TextKind}
        keys = [parts.keys.of(text, organisation) for text in written]
        self._cache.drop_many(keys)
        return parts.shared.delete_many(keys)

    def clear(self) -> None:
        """Empty this process's cache, but not the counters or the shared cache."""
        self._cache.clear()

    def stats(self) -> dict[str, int | float]:
        """Return the seven figures in the metrics contract; `hit_rate` and `cache_utilization` are 0 to 1."""
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
        """Return `stats` with hits by source, errors and the model."""
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
        """Return the vectors of texts missing from this process's cache, and count the look-ups.

        Args:
            texts: by key.
            asked: number of look-ups by key.
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
                    # the other caller was cancelled, this one was not
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
        """Add the vectors of this caller's keys to `found`; return how many came from l2 and from the model."""
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
            # even if this thread is being ended, release the waiters
            self._flights.land(flight, vectors, error)
        # after landing: waiters need not wait for Redis
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
            # the message may contain a key or an address, so it goes to the log only
            logger.exception("the embedding model failed")
            raise EmbedderUnavailable from error
        finally:
            with self._lock:
                self._model_calls += 1
                self._model_errors += failed
        # copies, because a view would keep the whole batch in memory
        return {key: row.copy() for key, row in zip(texts, rows, strict=True)}

    def _ready(self) -> _Parts:
        """Return the parts, created from the settings unless given."""
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
    return _Parts(embedder, getattr(embedder, "profile", PLAIN), shared, CacheKeys(secret, embedder.model))
