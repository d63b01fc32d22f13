"""`bench spaces`: a conceptual space of many members: searches, changed weights, changed poles, stores.

Everything runs as the application role under row-level security. Searches are complete (`memory.search.service.search`),
with decision record and commit. The real model embeds the queries, with a cold cache for each new wording.
"""

from collections.abc import Generator, Iterator
from dataclasses import replace
from uuid import UUID

import numpy as np
from tqdm import tqdm

from liftos.bench.database import as_owner
from liftos.bench.search.data import Plan, World
from liftos.bench.search.loading import Loaded, load
from liftos.bench.timing import elapsed_ms, elapsed_s, timed
from liftos.bench.types import Bench, Figure, Options, Target
from liftos.kernel.db.scratch import scratch_database
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.embedding.minilm import MiniLmEmbedder
from liftos.kernel.tenancy.types import SYSTEM
from memory.operations import remember_many
from memory.search.filters import parse_filters
from memory.search.service import search
from memory.search.types import SearchRequest, SearchType
from memory.types import MemoryDraft
from spaces.models import SpaceVersion
from spaces.operations import change_dimensions, create_space
from spaces.placement.building import build_next
from spaces.query.matrix import forget_matrices
from spaces.space_templates import MARKETING
from spaces.types import LayoutState

P95_MS = Target("<=", 30)
WEIGHTS_S = Target("<=", 5)
POLES_S = Target("<=", 60)
BATCH = 500
QUERIES = (
    "cheap but premium feel", "wide reach with low engagement", "people ready to buy", "expensive and badly made",
    "strong effect on sales", "niche audience, high engagement", "does not fit the brand", "low price",
)  # fmt: skip


def run(options: Options) -> Generator[Figure]:
    """Yield the figures for one organisation with all the memories."""
    world = World(options.seed)
    plan = Plan(options.memories, world.plans(options.memories, 1)[0].topics)
    with scratch_database("spaces"):
        number = model_number(MiniLmEmbedder().model)
        [loaded] = load(world, [plan], number).organisations
        label = f"{options.memories:,} members of {len(MARKETING.dimensions)} dimensions"
        yield from _storing(loaded.id, world, plan, f"store in batches of {BATCH}, no space")
        space, made_s = timed(_create, loaded.id)
        yield Figure(f"space made, {label}", made_s, "s")
        as_owner("VACUUM (ANALYZE) spaces_position")
        yield from _sizes(options.memories)
        yield from _searches(loaded, space, options.queries, label)
        yield from _weights(loaded.id, space, label)
        yield from _poles(loaded.id, space, label)
        yield from _storing(
            loaded.id, world, plan, f"store in batches of {BATCH}, placed in 1 space of 3 layouts"
        )


def _create(organisation: UUID) -> UUID:
    space = create_space(
        organisation=organisation, by=SYSTEM, name="bench", dimensions=MARKETING.dimensions, holds_all=True
    )
    _work(organisation)
    return space.id


def _work(organisation: UUID) -> int:
    """Do the worker's work; return the number of steps."""
    steps = 0
    with tqdm(desc="placing", unit="step", disable=None) as progress:
        while build_next(organisation=organisation):
            steps += 1
            progress.update()
    return steps


def _searches(loaded: Loaded, space: UUID, queries: int, label: str) -> Iterator[Figure]:
    draw = np.random.default_rng(5)
    names = [each.name for each in MARKETING.dimensions if each.has_poles]
    forget_matrices()
    base = SearchRequest("", SearchType.CONCEPTUAL, space=space)
    cold = replace(base, target=((names[0], "low"),))
    yield Figure(f"first search of a process, {label}", _ask(loaded.id, cold), "ms")

    def targets(count: int) -> list[SearchRequest]:
        return [
            replace(
                base,
                target=tuple(
                    (str(name), float(draw.random())) for name in draw.choice(names, 2, replace=False)
                ),
            )
            for _ in range(count)
        ]

    texts = [replace(base, query=QUERIES[number % len(QUERIES)]) for number in range(queries)]
    rare = parse_filters({"team": "team 7"})
    series: dict[str, list[SearchRequest]] = {
        "by target": targets(queries),
        "by text": texts,
        "by target, 10% filter": [
            replace(each, conditions=parse_filters({"region": "region 7"})) for each in targets(queries)
        ],
        "by target, 1% filter": [replace(each, conditions=rare) for each in targets(queries)],
        "like a memory": [
            replace(base, example=loaded.ids[int(place)])
            for place in draw.integers(0, len(loaded.ids), queries)
        ],
    }
    for name, requests in series.items():
        times = [_ask(loaded.id, each) for each in requests]
        yield Figure(f"search {name}, {label}: p50", float(np.percentile(times, 50)), "ms")
        yield Figure(f"search {name}, {label}: p95", float(np.percentile(times, 95)), "ms", target=P95_MS)


def _weights(organisation: UUID, space: UUID, label: str) -> Iterator[Figure]:
    heavier = [
        replace(each, weight=each.weight * (3 if place else 1))
        for place, each in enumerate(MARKETING.dimensions)
    ]
    request = SearchRequest(
        "", SearchType.CONCEPTUAL, space=space, target=(("price", "low"), ("reach", "high"))
    )

    def change() -> None:
        version = change_dimensions(organisation=organisation, by=SYSTEM, space=space, dimensions=heavier)
        _work(organisation)
        answer = search(organisation=organisation, by=SYSTEM, request=request)
        assert answer.hits  # noqa: S101  otherwise nothing was measured
        assert version.number == 2  # noqa: S101

    yield Figure(
        f"weights changed, until a search goes by them, {label}", elapsed_s(change), "s", target=WEIGHTS_S
    )


def _poles(organisation: UUID, space: UUID, label: str) -> Iterator[Figure]:
    first = replace(
        MARKETING.dimensions[0],
        low=("frugal", "thrifty", "on a budget"),
        high=("lavish", "sumptuous", "splendid"),
    )
    steps: list[int] = []

    def change() -> None:
        version = change_dimensions(
            organisation=organisation, by=SYSTEM, space=space, dimensions=[first, *MARKETING.dimensions[1:]]
        )
        steps.append(_work(organisation))
        with tenant_transaction(organisation):
            layout = SpaceVersion.objects.select_related("layout").get(id=version.id).layout
            assert layout.state == LayoutState.READY  # noqa: S101
            assert layout.done == layout.total  # noqa: S101

    seconds = elapsed_s(change)
    yield Figure(f"a pole changed, all placed anew in the background, {label}", seconds, "s", target=POLES_S)
    yield Figure("steps in which progress is told", steps[0], "steps")


def _sizes(memories: int) -> Iterator[Figure]:
    size = as_owner("SELECT pg_total_relation_size('spaces_position')")
    yield Figure("a position in the database, indexes included", size / memories, "bytes")


def _storing(organisation: UUID, world: World, plan: Plan, title: str) -> Iterator[Figure]:
    material = world.material(Plan(4 * BATCH, plan.topics))
    drafts = [
        MemoryDraft(text, metadata, source="more", embedding=vector)
        for text, metadata, vector in zip(material.contents, material.metadata, material.vectors, strict=True)
    ]

    def store() -> None:
        for start in range(0, len(drafts), BATCH):
            remember_many(organisation=organisation, by=SYSTEM, drafts=drafts[start : start + BATCH])

    yield Figure(title, len(drafts) / elapsed_s(store), "rows/s")


def _ask(organisation: UUID, request: SearchRequest) -> float:
    return elapsed_ms(lambda: search(organisation=organisation, by=SYSTEM, request=request))


BENCH = Bench("spaces", "a conceptual space: searches, changed weights, changed poles, stores", run)
