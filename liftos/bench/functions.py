"""`bench functions`: cost of a cached function result, hit rate between writes, and overhead for writers."""

import os
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any
from uuid import UUID

import numpy as np

from liftos.bench.database import as_owner, scratch_organisation
from liftos.bench.embedding.before import ListLruCache
from liftos.bench.embedding.data import zipf
from liftos.bench.timing import elapsed_s
from liftos.bench.types import Bench, Figure, Options, Target
from liftos.kernel.caching.change_tokens.queries import Generation
from liftos.kernel.caching.results import FunctionCache
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.tenancy.types import SYSTEM

ENTRIES = (100, 10_000)
ROUND, ROUNDS, ORIGINAL_ROUND = 1_000, 30, 100
ASKED = 2_000
QUERIES = 1_000
WRITE_EVERY = (5_000, 1_000, 100)
STATEMENTS = 300
REPLAYED = 20_000


@dataclass(frozen=True)
class _Counts:
    """Count marked links; the table it reads is watched like memories."""

    name: str = "bench.count"
    version: int = 1
    cacheable: bool = True
    reads: tuple[str, ...] = ("memories",)


def run(options: Options) -> Generator[Figure]:
    """Yield the cost of hits, the hit rates of replays, and the cost of a change token."""
    yield from _in_process()
    with scratch_organisation() as organisation:
        yield from _with_state(organisation)
        yield from _replays(organisation, options)
        yield from _writers(organisation)


def _in_process() -> Iterator[Figure]:
    """Time hits with known state, with few and many entries alternately, and the original's."""
    organisation, function = UUID(int=7), _Counts()
    ours: dict[int, list[float]] = {entries: [] for entries in ENTRIES}
    theirs: dict[int, list[float]] = {entries: [] for entries in ENTRIES}
    caches, originals = {}, {}
    for entries in ENTRIES:
        caches[entries] = FunctionCache(
            ENTRIES[-1], secret=b"bench", generation=lambda **_: Generation("one", is_own=False)
        )
        originals[entries] = ListLruCache(ENTRIES[-1], lambda _: np.zeros(1, dtype=np.float32))
        for number in range(entries):
            caches[entries].call(function, organisation, {"query": number}, lambda: 1)
            originals[entries].embed(str({"query": number}))
    draw = np.random.default_rng(7)
    for _ in range(ROUNDS):
        for entries in ENTRIES:
            asked = [{"query": int(number)} for number in draw.integers(0, entries, ROUND)]
            ours[entries].append(_us(partial(_ask_all, caches[entries], organisation, asked)) / ROUND)
            few = [str(each) for each in asked[:ORIGINAL_ROUND]]
            theirs[entries].append(_us(partial(_embed_all, originals[entries], few)) / ORIGINAL_ROUND)
    few_us, many_us = (median(ours[entries]) for entries in ENTRIES)
    original_us = median(theirs[ENTRIES[1]])
    title = f"hit in this process, {ENTRIES[1]:,} entries, state known"
    yield Figure(title, many_us, "us", "the original's way", original_us)
    yield Figure(f"{title}: the original over ours", original_us / many_us, "x", target=Target(">=", 10))
    yield Figure(f"{title}, over {ENTRIES[0]} entries", many_us / few_us, "x", target=Target("<=", 2))


def _ask_all(cache: FunctionCache, organisation: UUID, asked: list[dict[str, int]]) -> None:
    function = _Counts()
    for each in asked:
        cache.call(function, organisation, each, int)


def _embed_all(original: ListLruCache, asked: list[str]) -> None:
    for each in asked:
        original.embed(each)


def _with_state(organisation: UUID) -> Iterator[Figure]:
    """Time real hits, which read the state from Postgres, in an open transaction and in one of their own."""
    cache, function = FunctionCache(secret=b"bench"), _Counts()

    def ask() -> None:
        cache.call(function, organisation, {}, lambda: _count(organisation))

    ask()
    alone = [_us(ask) for _ in range(ASKED)]
    with tenant_transaction(organisation):
        within = [_us(ask) for _ in range(ASKED)]
        begun = [_us(lambda: _count(organisation)) for _ in range(ASKED)]
    yield Figure(
        "hit, state asked in the open transaction: p50", median(within), "us", "counting anew", median(begun)
    )
    yield Figure("hit, state asked in a transaction of its own: p50", median(alone), "us")


def _replays(organisation: UUID, options: Options) -> Iterator[Figure]:
    """Replay skewed calls with occasional writes, and compare every result with the committed state."""
    calls = min(options.lookups, REPLAYED)
    for every in WRITE_EVERY:
        cache, function = FunctionCache(secret=os.urandom(16)), _Counts()
        asked = zipf([str(number) for number in range(QUERIES)], calls, options.seed)
        stale, there = 0, _count(organisation)
        for number, query in enumerate(asked, 1):
            answer, _ = cache.call(function, organisation, {"query": query}, lambda: _count(organisation))
            stale += answer != there
            if number % every == 0:
                _write(organisation, f"{every}-{number}")
                there += 1
        title = f"{calls:,} calls, Zipf 1.0 over {QUERIES:,} arguments, a write every {every:,}"
        target = Target(">=", 0.8) if every == WRITE_EVERY[0] else None
        yield Figure(f"hit rate, {title}", float(cache.stats()["cache_hit_rate"]), "share", target=target)
        yield Figure(f"stale answers, {title}", stale, "answers", target=Target("<=", 0))


def _writers(organisation: UUID) -> Iterator[Figure]:
    """Time a transaction's first and later statements on a watched table, with and without the trigger."""
    first, later = _statements(organisation)
    as_owner("DROP TRIGGER leave_a_mark ON memory_memorylink")
    first_bare, later_bare = _statements(organisation)
    yield Figure(
        "a transaction's first statement on a watched table: p50", first, "us", "unwatched", first_bare
    )
    yield Figure("later ones: p50", later, "us", "unwatched", later_bare)


def _statements(organisation: UUID) -> tuple[float, float]:
    firsts, laters = [], []
    for number in range(STATEMENTS):
        with tenant_transaction(organisation):
            firsts.append(_us(partial(_insert, organisation, f"a{number}")))
            laters.append(_us(partial(_insert, organisation, f"b{number}")))
            raw_cursor().execute(
                "DELETE FROM memory_memorylink WHERE target_external_id = ANY(%s)",
                ([f"a{number}", f"b{number}"],),
            )
    return median(firsts), median(laters)


def _insert(organisation: UUID, name: str) -> None:
    raw_cursor().execute(
        "INSERT INTO memory_memorylink (organisation_id, memory_id, kind, target_source, target_external_id, weight) "
        "SELECT %s, id, 'about', 'bench', %s, 1 FROM memory_memory LIMIT 1",
        (organisation, name),
    )


def _write(organisation: UUID, name: str) -> None:
    from memory.operations import remember
    from memory.types import MemoryDraft

    remember(organisation=organisation, by=SYSTEM, draft=MemoryDraft(name))


def _count(organisation: UUID) -> int:
    from memory.models import Memory

    with tenant_transaction(organisation):
        return Memory.objects.filter(organisation_id=organisation).count()


def _us(call: Callable[[], Any]) -> float:
    return elapsed_s(call) * 1e6


BENCH = Bench("functions", "cost and hit rate of cached function results, and overhead for writers", run)
