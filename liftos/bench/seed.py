"""`bench seed`: the original document's table, before and after, both measured in this run.

*Before* is what the document describes: no cache, no index, one query after another. Every query is embedded by a model that
takes 50 ms per call (like one behind a network); every vector of the organisation is read and compared in Python, with no
HTTP and no record. *After* is today's search with decision record, trace and durable commit, on known queries.
"""

from collections.abc import Generator, Iterator, Sequence
from functools import partial
from statistics import median, quantiles
from unittest.mock import patch

from tqdm import tqdm

from liftos.bench.embedding.data import MOST_TEXTS, RandomEmbedder, SlowEmbedder, short_texts, zipf
from liftos.bench.http.before import compare_in_python
from liftos.bench.search.data import World
from liftos.bench.search.loading import Loaded, load
from liftos.bench.timing import elapsed_ms
from liftos.bench.tracing import measure_requests
from liftos.bench.types import Bench, Figure, Options, Target
from liftos.kernel.db.scratch import scratch_database
from liftos.kernel.embedding import EmbeddingManager, MiniLmEmbedder
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.tenancy.types import SYSTEM
from memory.search.service import search, search_many
from memory.search.types import SearchRequest, SearchType

SLOW_SECONDS = 0.05
MOST = 20_000
BATCH = 100
SEQUENTIAL = 10  # queries of the hundred run the old way; the others would take as long each


def run(options: Options) -> Generator[Figure]:
    """Yield latency, hit rate, observability overhead and a batch, before and after."""
    world = World(options.seed)
    plans = world.plans(min(options.memories, MOST), 1)
    slow = SlowEmbedder(MiniLmEmbedder(), SLOW_SECONDS)
    with scratch_database("seed"):
        number = model_number(slow.model)
        [organisation] = load(world, plans, number).organisations
        texts = _questions(organisation, options.queries)
        yield from _latency(organisation, number, slow, texts)
        yield from _batch(
            organisation, number, slow, _questions(organisation, options.queries + BATCH)[-BATCH:]
        )
    yield from _hit_rate(slow, options)
    with scratch_database("tracing"):
        for figure in measure_requests(options):
            if figure.metric == "tracing adds at p95":
                yield Figure(
                    "observability adds to a request, p95",
                    figure.value,
                    "ms",
                    target=Target("<=", 1),
                    overhead=True,
                )


def _questions(organisation: Loaded, count: int) -> list[str]:
    """Return six-word queries, each from a different memory."""
    contents = organisation.material.contents
    return [" ".join(contents[(7 * place) % len(contents)].split()[:6]) for place in range(count)]


def _before(organisation: Loaded, number: int, slow: SlowEmbedder, text: str) -> float:
    return elapsed_ms(lambda: compare_in_python(organisation.id, number, slow.embed([text])[0]))


def _latency(organisation: Loaded, number: int, slow: SlowEmbedder, texts: Sequence[str]) -> Iterator[Figure]:
    manager = EmbeddingManager(embedder=slow)
    before: list[float] = []
    after: list[float] = []
    with patch("memory.search.arms.meaning.arm.active_manager", return_value=manager):
        for text in tqdm(texts, unit="query", desc="before and after", disable=None):
            before.append(_before(organisation, number, slow, text))
            ask = partial(search, organisation=organisation.id, by=SYSTEM)
            for series in ([], after):
                series.append(elapsed_ms(partial(ask, request=SearchRequest(text, SearchType.HYBRID))))
    size = f"{organisation.plan.size:,} memories"
    yield Figure(f"search latency, {size}: p50", median(after), "ms", "before", median(before))
    yield Figure(
        f"search latency, {size}: p95", quantiles(after, n=20)[-1], "ms", "before", quantiles(before, n=20)[-1],
        Target("<=", 200),
    )  # fmt: skip
    yield Figure(
        "search latency, before over after", median(before) / median(after), "x", target=Target(">=", 10)
    )


def _batch(organisation: Loaded, number: int, slow: SlowEmbedder, texts: Sequence[str]) -> Iterator[Figure]:
    sequential = sum(_before(organisation, number, slow, text) for text in texts[:SEQUENTIAL])
    sequential *= BATCH / SEQUENTIAL
    with patch("memory.search.arms.meaning.arm.active_manager", return_value=EmbeddingManager(embedder=slow)):
        request = SearchRequest("", SearchType.HYBRID)
        ask = partial(search_many, organisation=organisation.id, by=SYSTEM, queries=texts, request=request)
        together = elapsed_ms(ask)
    yield Figure(
        f"batch of {BATCH} new queries", together, "ms", f"before: one by one, from {SEQUENTIAL} of them", sequential,
        Target("<=", 2_000),
    )  # fmt: skip
    yield Figure(f"batch of {BATCH}, before over after", sequential / together, "x", target=Target(">=", 5))


def _hit_rate(slow: SlowEmbedder, options: Options) -> Iterator[Figure]:
    texts = short_texts(MOST_TEXTS)
    counting = RandomEmbedder(slow.model)
    manager = EmbeddingManager(MOST_TEXTS, 3600, counting)
    for text in zipf(texts, options.lookups, options.seed):
        manager.embed(text)
    known = counting.texts
    again = zipf(texts, options.lookups, options.seed + 1)
    for text in again:
        manager.embed(text)
    # texts are counted at the model; the old way sends it every text
    yield Figure(
        f"hit rate of the cache, {options.lookups:,} look-ups, Zipf 1.0 over {MOST_TEXTS:,} texts, in use",
        1 - (counting.texts - known) / len(again),
        "share",
        "before: nothing was kept",
        0.0,
        Target(">=", 0.95),
    )


BENCH = Bench(
    "seed", "the original document's table: latency, hit rate, overhead, batch, before and after", run
)
