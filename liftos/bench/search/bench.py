"""`bench search`: recall and latency of filtered search, for organisations of every size in one table.

Everything runs as the application role under row-level security, inside the organisation's transaction. The
query's vector is given, so no model is measured.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from statistics import median
from typing import Any
from unittest.mock import patch
from uuid import UUID

import numpy as np
from django.utils import timezone
from tqdm import tqdm

from liftos.bench.search.data import World, size_classes
from liftos.bench.search.loading import Load, Loaded, copy_plainly, load, passing
from liftos.bench.search.probe import DEPTH, Probe, Truth, find_as_planned, warm
from liftos.bench.timing import elapsed_ms
from liftos.bench.types import Bench, Figure, Options, Target
from liftos.kernel.db.scratch import scratch_database
from liftos.kernel.embedding import EmbeddingManager, MiniLmEmbedder, TextKind
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.embedding.types import ModelInfo, Vector, Vectors
from liftos.kernel.tenancy.types import SYSTEM
from memory.search.arms.interface import CANDIDATES
from memory.search.arms.meaning.arm import MeaningArm
from memory.search.arms.meaning.asking import QueryVector
from memory.search.arms.words.arm import WordsArm
from memory.search.filters import parse_filters
from memory.search.service import search, search_many
from memory.search.types import Question, SearchRequest, SearchType

RECALL = Target(">=", 0.98)
P95_MS = Target("<=", 15)
BATCH = 100
BATCH_REPEATS = 5
BATCH_MS = Target("<=", 150)
BATCH_RATIO = Target(">=", 5)
NONE_SHORT = Target("<=", 0)
# a neural search asks its arm for slightly more than it returns
NEURAL_LIMIT = DEPTH + 5
FILTERS: dict[str, dict[str, Any]] = {
    "no filter": {},
    "50% filter": {"open": True},
    "10% filter": {"region": "region 7"},
    "1% filter": {"team": "team 7"},
}
MOST_ORGANISATIONS = 10  # organisations queried per size
PLANNER = "planner's choice"


class GivenVectors:
    """An embedder with given vectors."""

    def __init__(self, model: ModelInfo) -> None:
        """Identify as a model of this dimension."""
        self.model = model
        self.known: dict[str, Vector] = {}

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors. See `Embedder.embed`."""
        return np.stack([self.known[text] for text in texts])


def run(options: Options) -> Generator[Figure]:
    """Yield the figures for loading, then for each organisation size, largest first."""
    world = World(options.seed)
    plans = world.plans(options.memories, options.organisations)
    with scratch_database("bench"):
        model = MiniLmEmbedder().model
        number = model_number(model)
        loaded = load(world, plans, number)
        yield from _loading(loaded, options.memories)
        copy_plainly()
        classes = size_classes(plans)
        with tqdm(total=len(classes) * (len(FILTERS) + 2), unit="series", disable=None) as progress:
            for size, places in classes.items():
                asked = [loaded.organisations[place] for place in places[:MOST_ORGANISATIONS]]
                for figures in _size(size, asked, world, number, model, options.queries):
                    progress.update()
                    yield from figures


def _loading(loaded: Load, memories: int) -> Iterator[Figure]:
    yield Figure("load: rows written, graph not yet made", memories / loaded.writing_s, "rows/s")
    yield Figure("load: graph made", loaded.indexing_s, "s")
    yield Figure("load: rows in all", memories / (loaded.writing_s + loaded.indexing_s), "rows/s")


def _size(
    size: int, asked: Sequence[Loaded], world: World, number: int, model: ModelInfo, queries: int
) -> Iterator[list[Figure]]:
    before = questions_of(asked, world, number, -(-queries // 2))
    questions = questions_of(asked, world, number, queries)
    arm = MeaningArm()
    warm(arm.find, [question for _, question in before], NEURAL_LIMIT)
    for label, wanted in FILTERS.items():
        yield _neural(f"neural, {size:,} memories, {label}", arm, wanted, questions)
    words = Probe()
    for _, question in questions:
        words.ask(WordsArm().find, question, CANDIDATES)
    yield _times(f"words, {size:,} memories", words)
    yield [
        *_times(f"whole hybrid search, {size:,} memories", _whole(questions, model)),
        *_batch(f"batch of {BATCH} hybrid searches, {size:,} memories", asked[0], world, number, model),
    ]


def questions_of(
    asked: Sequence[Loaded], world: World, number: int, count: int
) -> list[tuple[Loaded, Question]]:
    """Return `count` questions with their vectors, spread over organisations."""
    each = -(-count // len(asked))
    return [
        (
            organisation,
            Question(
                organisation.id, SearchRequest(text), timezone.now(), {"meaning": QueryVector(vector, number)}
            ),
        )
        for organisation in asked
        for vector, text in zip(*world.questions(organisation.plan, each), strict=True)
    ]


def _neural(
    title: str, arm: MeaningArm, wanted: dict[str, Any], questions: Sequence[tuple[Loaded, Question]]
) -> list[Figure]:
    ours, planned = Probe(), Probe()
    conditions = parse_filters(wanted)
    truths: dict[UUID, Truth] = {}
    for organisation, question in questions:
        truth = truths.setdefault(organisation.id, Truth(organisation, passing(organisation, wanted)))
        filtered = replace(question, request=replace(question.request, conditions=conditions))
        ours.ask(arm.find, filtered, NEURAL_LIMIT, truth)
        if not wanted:
            planned.ask(find_as_planned, question, DEPTH, truth)
    reference = PLANNER if not wanted else ""
    return [
        Figure(
            f"{title}: recall@{DEPTH}", ours.recall, "share", reference,
            planned.recall if reference else None, RECALL,
        ),
        Figure(
            f"{title}: most rows short", ours.short, "rows", reference,
            float(planned.short) if reference else None, NONE_SHORT,
        ),
        Figure(
            f"{title}: p50", ours.percentile_ms(50), "ms", reference,
            planned.percentile_ms(50) if reference else None,
        ),
        Figure(
            f"{title}: p95", ours.percentile_ms(95), "ms", reference,
            planned.percentile_ms(95) if reference else None, P95_MS,
        ),
        *[Figure(f"{title}: plan {plan}", count, "searches") for plan, count in sorted(ours.plans.items())],
    ]  # fmt: skip


def _whole(questions: Sequence[tuple[Loaded, Question]], model: ModelInfo) -> Probe:
    """Time whole searches, decision record and commit included."""
    probe = Probe()
    with given(questions, model):
        for _, question in questions:
            request = replace(question.request, search_type=SearchType.HYBRID)
            ask = partial(search, organisation=question.organisation, by=SYSTEM, request=request)
            probe.times_ms.append(elapsed_ms(ask))
    return probe


def _batch(title: str, asked: Loaded, world: World, number: int, model: ModelInfo) -> list[Figure]:
    """Time a batch of warm queries (median of several runs), and the same queries one by one."""
    questions = questions_of([asked], world, number, BATCH)
    queries = [question.request.query for _, question in questions]
    request = SearchRequest("", SearchType.HYBRID, DEPTH)

    def in_one() -> None:
        search_many(organisation=asked.id, by=SYSTEM, queries=queries, request=request)

    def one_by_one() -> None:
        for query in queries:
            search(organisation=asked.id, by=SYSTEM, request=replace(request, query=query))

    with given(questions, model):
        in_one()
        one_by_one()
        # in a process this large, a garbage collection may interrupt a single run
        together = median(elapsed_ms(in_one) for _ in range(BATCH_REPEATS))
        alone = elapsed_ms(one_by_one)
    return [
        Figure(title, together, "ms", "one by one", alone, BATCH_MS),
        Figure(f"{title}: times faster than one by one", alone / together, "x", target=BATCH_RATIO),
    ]


@contextmanager
def given(questions: Sequence[tuple[Loaded, Question]], model: ModelInfo) -> Iterator[None]:
    """Put the queries' vectors into the embedding cache."""
    embedder = GivenVectors(model)
    manager = EmbeddingManager(cache_size=len(questions), embedder=embedder)
    for _, question in questions:
        embedder.known[question.request.query] = question.prepared["meaning"].vector
        manager.embed(question.request.query, kind=TextKind.QUERY, organisation=question.organisation)
    with patch("memory.search.arms.meaning.arm.active_manager", return_value=manager):
        yield


def _times(title: str, probe: Probe) -> list[Figure]:
    return [
        Figure(f"{title}: p50", probe.percentile_ms(50), "ms"),
        Figure(f"{title}: p95", probe.percentile_ms(95), "ms"),
    ]


BENCH = Bench(
    "search", "recall and latency of filtered search, for organisations of every size in one table", run
)
