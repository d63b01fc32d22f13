"""`bench embedding`: cost and hit rate of cached look-ups, model throughput, and the gain for a search."""

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from statistics import median
from unittest.mock import patch
from uuid import UUID

import numpy as np

from liftos.bench.database import scratch_organisation
from liftos.bench.embedding.before import ListLruCache
from liftos.bench.embedding.data import MOST_TEXTS, RandomEmbedder, SlowEmbedder, short_texts, zipf
from liftos.bench.timing import elapsed_ms, elapsed_s
from liftos.bench.types import Bench, Figure, Options, Target
from liftos.kernel.embedding import EmbeddingManager, MiniLmEmbedder
from liftos.kernel.embedding.shared_cache import RedisSharedCache
from liftos.kernel.embedding.types import Embedder
from liftos.kernel.tenancy.types import SYSTEM
from memory.operations import remember_many
from memory.search.service import search
from memory.search.types import SearchRequest, SearchType
from memory.types import MemoryDraft

ENTRIES = (100, 10_000)
ROUND = 1_000  # look-ups timed together: reading the clock costs a tenth of a microsecond
ROUNDS = 30
ORIGINAL_ROUND = 100
SHARED_LOOKUPS = 2_000
BATCH = 64
MODEL_TEXTS = 960
SEARCHED_MEMORIES = 1_000
SLOW_SECONDS = 0.05
ALIAS = "embeddings"


def run(options: Options) -> Generator[Figure]:
    """Yield figures for both caches, a replay, the model and searches."""
    texts = short_texts(MOST_TEXTS)
    real = MiniLmEmbedder()
    real.embed(texts[:1])
    one_by_one, in_batches = _model(real, texts[: min(MODEL_TEXTS, options.lookups)])
    yield Figure(
        f"model, batches of {BATCH} short texts",
        in_batches,
        "texts/s",
        "one by one",
        one_by_one,
        Target(">=", 400),
    )
    yield from _first_level(real, texts, 1e6 / one_by_one)
    yield from _second_level(real, texts, 1e6 / one_by_one)
    yield from _replay(real, texts, options)
    yield from _searches(real, texts, options.queries)


def _model(real: Embedder, texts: Sequence[str]) -> tuple[float, float]:
    """Return texts per second, one by one and in batches."""
    batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
    together = [elapsed_s(real.embed, batch) / len(batch) for batch in batches]
    single = [elapsed_s(real.embed, [text]) for text in texts[: 2 * BATCH]]
    return 1 / median(single), 1 / median(together)


def _first_level(real: Embedder, texts: Sequence[str], model_us: float) -> Iterator[Figure]:
    """Time in-process hits with few and many entries, alternately, and the original's cache."""
    organisation = UUID(int=7)
    hits, originals = {}, {}
    for entries in ENTRIES:
        random = RandomEmbedder(real.model)
        manager, original = (
            EmbeddingManager(ENTRIES[-1], embedder=random),
            ListLruCache(ENTRIES[-1], random.one),
        )
        manager.embed_many(texts[:entries], organisation=organisation)
        for text in texts[:entries]:
            original.embed(text)
        hits[entries] = lambda text, manager=manager: manager.embed(text, organisation=organisation)
        originals[entries] = original.embed
    draw = np.random.default_rng(7)
    ours: dict[int, list[float]] = {entries: [] for entries in ENTRIES}
    theirs: dict[int, list[float]] = {entries: [] for entries in ENTRIES}
    for _ in range(ROUNDS):
        for entries in ENTRIES:
            asked = [texts[place] for place in draw.integers(0, entries, ROUND)]
            ours[entries].append(_each_us(hits[entries], asked))
            theirs[entries].append(_each_us(originals[entries], asked[:ORIGINAL_ROUND]))
    few, many = (median(ours[entries]) for entries in ENTRIES)
    title, reference = f"hit in this process, {ENTRIES[1]:,} entries", "the original's way"
    yield Figure(title, many, "us", reference, median(theirs[ENTRIES[1]]), Target("<=", 5))
    yield Figure(
        f"hit in this process, {ENTRIES[0]} entries", few, "us", reference, median(theirs[ENTRIES[0]])
    )
    yield Figure(f"{title}, over {ENTRIES[0]} entries", many / few, "x", target=Target("<=", 2))
    yield Figure(
        f"{title}: the original over ours", median(theirs[ENTRIES[1]]) / many, "x", target=Target(">=", 10)
    )
    yield Figure(f"{title}: without a cache over ours", model_us / many, "x", target=Target(">=", 10))


def _second_level(real: Embedder, texts: Sequence[str], model_us: float) -> Iterator[Figure]:
    """Time hits in Redis, with a manager that has no in-process cache."""
    shared = RedisSharedCache(ALIAS, ttl=600)
    asked = texts[:SHARED_LOOKUPS]
    # its own secret, so no other keys are hit, not even leftovers
    manager = EmbeddingManager(0, 600, RandomEmbedder(real.model), shared, secret=os.urandom(32))
    try:
        manager.embed_many(asked)
        times = [elapsed_s(manager.embed, text) * 1e6 for text in asked]
        found = manager.detailed_stats()["l2_hits"]
    finally:
        manager.forget(asked)
    if found != len(asked):
        raise RuntimeError(f"only {found} of {len(asked)} look-ups were answered by Redis")
    yield Figure("hit in Redis: p50", median(times), "us", "without a cache", model_us, Target("<=", 400))
    yield Figure("hit in Redis: p95", float(np.percentile(times, 95)), "us")


def _replay(real: Embedder, texts: Sequence[str], options: Options) -> Iterator[Figure]:
    """Replay skewed look-ups from an empty cache, then more in the same process and in a new one."""
    random = RandomEmbedder(real.model)
    shared = RedisSharedCache(ALIAS, ttl=600)
    secret = os.urandom(32)
    manager = EmbeddingManager(MOST_TEXTS, 600, random, shared, secret=secret)
    first, second = (zipf(texts, options.lookups, options.seed + turn) for turn in (0, 1))
    title = (
        f"hit rate, {options.lookups:,} look-ups, Zipf 1.0 over {len(texts):,} texts, {MOST_TEXTS:,} entries"
    )
    try:
        cold = _hit_rate(manager, random, first)
        most = 1 - len(set(first)) / options.lookups
        yield Figure(
            f"{title}: from empty",
            cold,
            "share",
            "the most possible: each text computed once",
            most,
            Target(">=", 0.95),
        )
        fresh = EmbeddingManager(MOST_TEXTS, 600, random, shared, secret=secret)
        yield Figure(
            f"{title}: the next ones", _hit_rate(manager, random, second), "share", target=Target(">=", 0.95)
        )
        yield Figure(
            f"{title}: a new process, Redis warm", _hit_rate(fresh, random, second), "share", "without a cache", 0.0,
            Target(">=", 0.95),
        )  # fmt: skip
    finally:
        manager.forget(texts)


def _hit_rate(manager: EmbeddingManager, embedder: RandomEmbedder, lookups: Sequence[str]) -> float:
    """Return the share of look-ups that did not reach the model, counted at the model."""
    before = embedder.texts
    for text in lookups:
        manager.embed(text)
    return 1 - (embedder.texts - before) / len(lookups)


def _searches(real: Embedder, texts: Sequence[str], queries: int) -> Iterator[Figure]:
    """Time whole searches for new and known texts, decision record and commit included."""
    with scratch_organisation() as organisation:
        drafts = [MemoryDraft(text) for text in texts[:SEARCHED_MEMORIES]]
        # its own manager: the process's would leave a thousand vectors in the shared Redis
        with patch("memory.index.embeddings.active_manager", return_value=EmbeddingManager(embedder=real)):
            remember_many(organisation=organisation, by=SYSTEM, drafts=drafts)
        asked = texts[SEARCHED_MEMORIES : SEARCHED_MEMORIES + queries]
        embedders = {
            "a model of 50 ms": (SlowEmbedder(real, SLOW_SECONDS), Target(">=", 10)),
            "the real model": (real, None),
        }
        for name, (embedder, target) in embedders.items():
            for search_type in (SearchType.NEURAL, SearchType.HYBRID):
                cold, warm = _cold_and_warm(organisation, embedder, asked, search_type)
                yield Figure(
                    f"{search_type} search, text seen before: p50", warm, "ms", f"never, {name}", cold
                )
                title = f"{search_type} search: never seen over seen before, {name}"
                yield Figure(title, cold / warm, "x", target=target)


def _cold_and_warm(
    organisation: UUID, embedder: Embedder, texts: Sequence[str], search_type: SearchType
) -> tuple[float, float]:
    manager = EmbeddingManager(embedder=embedder)
    times: tuple[list[float], list[float]] = [], []

    def ask(text: str) -> None:
        search(organisation=organisation, by=SYSTEM, request=SearchRequest(text, search_type))

    with patch("memory.search.arms.meaning.arm.active_manager", return_value=manager):
        ask("warm the connection, not the cache")
        for text in texts:
            for series in times:
                series.append(elapsed_ms(ask, text))
    return median(times[0]), median(times[1])


def _each_us(call: Callable[[str], object], texts: Sequence[str]) -> float:
    def all_of_them() -> None:
        for text in texts:
            call(text)

    return elapsed_s(all_of_them) * 1e6 / len(texts)


BENCH = Bench("embedding", "cost and hit rate of cached look-ups, and the gain for a search", run)
