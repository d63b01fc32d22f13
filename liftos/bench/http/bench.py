"""`bench http`: the whole service over HTTP, beside a Chroma server with the same vectors.

The service is `manage.py up`: web server, worker and sequencer, Postgres and Redis with default settings, authentication,
row-level security, traces and a durable decision record per search. Chroma does none of this. All three
share the machine's cores with the load generator.
"""

import json
import signal
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from types import FrameType
from typing import Any
from uuid import UUID

import numpy as np

from liftos.bench.http.before import measure_before
from liftos.bench.http.chroma_server import Chroma, chroma, chroma_venv
from liftos.bench.http.client import request_bytes
from liftos.bench.http.series import Series, ask, measure
from liftos.bench.http.service import HOST, Service, know, service
from liftos.bench.search.data import Plan, World, size_classes
from liftos.bench.search.loading import Loaded, load
from liftos.bench.search.probe import DEPTH, Truth
from liftos.bench.types import Bench, Figure, Options, Target
from liftos.bench.venv import ReferenceUnavailable
from liftos.kernel.embedding import MiniLmEmbedder
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.embedding.types import Vectors
from liftos.kernel.tenancy.operations import create_api_key
from liftos.kernel.tenancy.types import SYSTEM
from liftos.runtime import embedded

BATCH = 100
BATCH_REPEATS = 5
BEFORE_QUERIES = 10
SMALL = 50
NO_FILTER, WHERE = "Chroma, no filter", "Chroma, where filter"


@dataclass(frozen=True, slots=True)
class Asked:
    """A queried organisation, its key, and the queries whose vectors are cached."""

    loaded: Loaded
    key: str
    texts: list[str]
    vectors: Vectors

    def requests(self, search_type: str = "neural", texts: Sequence[str] = ()) -> list[str]:
        """Return one search per text, in the load generator's form."""
        return [
            self.post("/api/v1/search", {"query": text, "search_type": search_type, "limit": DEPTH})
            for text in texts or self.texts
        ]

    def post(self, path: str, body: dict[str, Any]) -> str:
        """Return a request with this organisation's key."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        return request_bytes("POST", path, host=HOST, headers=headers, body=json.dumps(body).encode())


def run(options: Options) -> Generator[Figure]:
    """Yield recall, times beside Chroma's, batches, and the original's way."""
    world = World(options.seed)
    plans = world.plans(options.memories, options.organisations)
    previous = signal.signal(signal.SIGTERM, _stop)
    try:
        with ExitStack() as stack:
            ours = stack.enter_context(service())
            number = model_number(MiniLmEmbedder().model)
            made = load(world, plans, number)
            asked = _asked(ours, world, made.organisations, plans, options.queries)
            yield from _recall(ours, asked)
            reference = _reference(stack, options, ours, made.organisations)
            yield from _beside(ours, asked, reference)
            yield from _batch(ours, asked[0], options.queries)
            yield from _before(ours, asked[0], world, number)
    finally:
        signal.signal(signal.SIGTERM, previous)


def _stop(number: int, frame: FrameType | None) -> None:
    """Exit as on Ctrl-C, with everything cleaned up."""
    del frame
    sys.exit(128 + number)


def _asked(
    ours: Service, world: World, organisations: Sequence[Loaded], plans: Sequence[Plan], queries: int
) -> list[Asked]:
    """Return one organisation of each size, largest first."""
    chosen = []
    model = MiniLmEmbedder().model
    for places in size_classes(plans).values():
        loaded = organisations[places[0]]
        vectors, texts = world.questions(loaded.plan, queries)
        # a repeated text would have two vectors
        texts = [f"{text} {place}" for place, text in enumerate(texts)]
        know(ours.home, model, loaded.id, texts, vectors)
        _, key = create_api_key(organisation=loaded.id, by=SYSTEM, name="bench")
        chosen.append(Asked(loaded, key, texts, vectors))
    return chosen


def _recall(ours: Service, asked: Sequence[Asked]) -> Iterator[Figure]:
    """Run every query once, which also fills the embedding cache, and compare with the truth."""
    for each in asked:
        size = each.loaded.plan.size
        truth = Truth(each.loaded, np.ones(size, dtype=bool))
        answers = ask(ours.port, each.requests(), 4, count=len(each.texts), seconds=300, keep=True)["bodies"]
        recalls = []
        for place, vector in enumerate(each.vectors):
            results = json.loads(answers[str(place)])["results"]
            recalls.append(truth.recall([UUID(hit["id"]).bytes for hit in results], vector))
        title = f"neural over HTTP, {size:,} memories: recall@{DEPTH}"
        yield Figure(title, float(np.mean(recalls)), "share", target=Target(">=", 0.98))


def _reference(
    stack: ExitStack, options: Options, ours: Service, organisations: Sequence[Loaded]
) -> Chroma | None:
    if options.chroma == "none":
        return None
    try:
        server = stack.enter_context(
            chroma(chroma_venv(options.chroma, embedded.home()), ours.home / "chroma")
        )
        server.load(organisations)
    except ReferenceUnavailable as error:
        sys.stderr.write(f"No figures of Chroma: {error}\n")
        return None
    return server


def _beside(ours: Service, asked: Sequence[Asked], reference: Chroma | None) -> Iterator[Figure]:
    big = asked[0]
    small = min(asked, key=lambda each: abs(each.loaded.plan.size - SMALL))
    asked_of = {"big": big.requests(), "small": small.requests(), "hybrid": big.requests("hybrid")}
    keys = (("big", 1), ("big", 8), ("big", 16), ("small", 1), ("hybrid", 1), ("hybrid", 8))
    mine = {(name, flight): Series(ours.port, asked_of[name], flight) for name, flight in keys}
    theirs = {} if reference is None else _series_of(reference, big, small)
    measure([*mine.values(), *theirs.values()], "searches")

    def beside(title: str, key: tuple[str, int], unit: str, value: float, target: Target | None) -> Figure:
        other = theirs.get(key)
        if other is None:
            return Figure(title, value, unit, target=target)
        known = other.rate if unit == "answers/s" else other.percentile_ms(50)
        return Figure(title, value, unit, WHERE if key[0] in ("big", "small") else NO_FILTER, known, target)

    one, eight, sixteen, few = (mine[key] for key in (("big", 1), ("big", 8), ("big", 16), ("small", 1)))
    large, tiny = f"{big.loaded.plan.size:,} memories", f"{small.loaded.plan.size:,} memories"
    p50, p50_small = one.percentile_ms(50), few.percentile_ms(50)
    yield beside(f"cached query, {large}, 1 in flight: p50", ("big", 1), "ms", p50, Target("<=", 6))
    yield Figure(f"cached query, {large}, 1 in flight: p95", one.percentile_ms(95), "ms")
    yield beside(f"cached query, {tiny}, 1 in flight: p50", ("small", 1), "ms", p50_small, None)
    yield beside(f"throughput, {large}, 8 in flight", ("big", 8), "answers/s", eight.rate, None)
    yield Figure(f"cached query, {large}, 16 in flight: p50", sixteen.percentile_ms(50), "ms")
    yield Figure(
        f"cached query, {large}, 16 in flight: p95", sixteen.percentile_ms(95), "ms", target=Target("<=", 60)
    )
    yield Figure(f"hybrid, {large}, 1 in flight: p50", mine["hybrid", 1].percentile_ms(50), "ms")
    yield Figure(f"hybrid, throughput, {large}, 8 in flight", mine["hybrid", 8].rate, "answers/s")
    if theirs:
        free = theirs["free", 8]
        yield beside(f"cached query, {large}, 1 in flight: p50", ("free", 1), "ms", p50, None)
        yield beside(f"throughput, {large}, 8 in flight", ("free", 8), "answers/s", eight.rate, None)
        yield _times("Chroma's p50 (where, big) over ours", theirs["big", 1].percentile_ms(50) / p50, 50)
        yield _times(
            "Chroma's p50 (where, small) over ours", theirs["small", 1].percentile_ms(50) / p50_small, 20
        )
        yield _times(
            "our throughput over Chroma's without any filter, 8 in flight", eight.rate / free.rate, 1
        )


def _series_of(reference: Chroma, big: Asked, small: Asked) -> dict[tuple[str, int], Series]:
    def requests(each: Asked, *, where: bool) -> list[str]:
        organisation = each.loaded.id if where else None
        return [reference.request(vector, DEPTH, organisation=organisation) for vector in each.vectors]

    asked_of = {
        "big": requests(big, where=True),
        "small": requests(small, where=True),
        "free": requests(big, where=False),
    }
    keys = (("big", 1), ("big", 8), ("small", 1), ("free", 1), ("free", 8))
    return {(name, flight): Series(reference.port, asked_of[name], flight) for name, flight in keys}


def _times(title: str, ratio: float, least: float) -> Figure:
    return Figure(title, ratio, "x", target=Target(">=", least))


def _batch(ours: Service, big: Asked, queries: int) -> Iterator[Figure]:
    """Measure the same queries in one request and one by one (the original's way)."""
    texts = [big.texts[place % queries] for place in range(BATCH)]
    whole = big.post("/api/v1/search/batch", {"queries": texts, "search_type": "hybrid", "limit": DEPTH})
    singles = big.requests("hybrid", texts)
    together, apart = [], []
    for _ in range(BATCH_REPEATS):
        together.append(ask(ours.port, [whole], 1, count=1, seconds=60)["times_ms"][0])
        apart.append(ask(ours.port, singles, 1, count=BATCH, seconds=60)["elapsed_s"] * 1e3)
    title, reference = f"{BATCH} warm queries in one batch", "one by one"
    yield Figure(title, median(together), "ms", reference, median(apart), Target("<=", 150))
    yield _times("one by one over the batch", median(apart) / median(together), 5)


def _before(ours: Service, big: Asked, world: World, number: int) -> Iterator[Figure]:
    """Measure what the cache and the index gain."""
    _, texts = world.questions(big.loaded.plan, 3 * BATCH)
    unseen = [f"{text} never seen {place}" for place, text in enumerate(texts)]
    cold = ask(ours.port, big.requests(texts=unseen), 1, count=len(unseen), seconds=60)["times_ms"]
    warm = ask(ours.port, big.requests(), 1, count=len(unseen), seconds=60)["times_ms"]
    before = measure_before(big.loaded, number, unseen[:BEFORE_QUERIES])
    now, embedding = median(warm), median(before.embedding)
    size = f"{big.loaded.plan.size:,} memories"
    yield Figure(
        f"search of a text seen before, {size}: p50", now, "ms", "of a text never seen", median(cold)
    )
    for way, times in (("in Python", before.in_python), ("in SQL", before.in_sql)):
        took = embedding + median(times)
        yield Figure(f"search, {size}: p50", now, "ms", f"without cache or index, compared {way}", took)
        yield _times(f"search without cache or index, compared {way}, over ours", took / now, 10)


BENCH = Bench("http", "the service over HTTP, beside a Chroma server with the same vectors", run)
