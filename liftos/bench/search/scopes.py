"""`bench scopes`: search of an organisation whose memories are visible to groups, beside one without groups."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from liftos.bench.database import as_owner
from liftos.bench.search.bench import NEURAL_LIMIT, RECALL, given, questions_of
from liftos.bench.search.data import DIMENSION, World
from liftos.bench.search.loading import Loaded, write_batch
from liftos.bench.search.probe import DEPTH, Probe, Truth, warm
from liftos.bench.timing import elapsed_ms
from liftos.bench.types import Bench, Figure, Options, Target
from liftos.kernel.db.scratch import scratch_database
from liftos.kernel.db.viewers import EVERYBODY, Viewer, seeing_everything, viewing
from liftos.kernel.embedding import MiniLmEmbedder
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.embedding.types import ModelInfo
from liftos.kernel.tenancy.operations import create_organisation
from liftos.kernel.tenancy.principals import create_group, create_principal
from liftos.kernel.tenancy.scopes import scope_of_groups, scope_of_principal
from liftos.kernel.tenancy.types import SYSTEM, PrincipalKind
from memory.index.collection_statistics import clear_counts
from memory.index.vector_graph import create_index, grow_graph, index_name
from memory.search.arms.meaning.arm import MeaningArm
from memory.search.service import search
from memory.search.types import Question, SearchType

GROUPS = 1_000
OWN_GROUPS = 50
SHARES = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0)
BATCH = 200
NO_SLOWER = Target("<=", 1.15)
ROUNDS = 3

Questions = list[tuple[Loaded, Question]]


def run(options: Options) -> Generator[Figure]:
    """Yield the cost of groups, then recall and times by the share of memories that a viewer sees."""
    # no two organisations have the same texts, whose equal vectors would crowd one another out of the graph
    worlds = [World(options.seed + place) for place in range(3)]
    model = MiniLmEmbedder().model
    with scratch_database("bench"):
        number = model_number(model)
        plain, half, split = (
            _organisation(world, options.memories, name)
            for world, name in zip(worlds, ("plain", "half", "split"), strict=True)
        )
        scopes = {each.id: _scopes(each) for each in (half, split)}
        none = np.zeros(options.memories, np.int64)
        placed = {
            plain.id: none,
            # every other memory is the organisation's
            half.id: np.where(np.arange(options.memories) % 2, _spread(scopes[half.id], options.memories), 0),
            split.id: _spread(scopes[split.id], options.memories),
        }
        as_owner(f"DROP INDEX {index_name(number)}")
        with seeing_everything():
            for start in range(0, options.memories, BATCH):
                for each in (plain, half, split):
                    rows = range(start, min(start + BATCH, options.memories))
                    write_batch(each, rows, number, placed[each.id])
            for each in (plain, half, split):
                while grow_graph(each.id):
                    pass
        create_index(number, DIMENSION)
        as_owner("VACUUM (ANALYZE)")
        clear_counts()
        caller = _member(half, scopes[half.id][:OWN_GROUPS])
        asked = [
            questions_of([each], world, number, options.queries)
            for each, world in zip((plain, half, split), worlds, strict=True)
        ]
        yield from _cost((plain, half), asked, caller, model)
        for share in SHARES:
            viewer = Viewer(tuple(scopes[split.id][: round(share * GROUPS)]))
            yield from _share(share, split, placed[split.id], viewer, asked[2])
        yield from _share(0.525, half, placed[half.id], caller, asked[1])


def _organisation(world: World, memories: int, name: str) -> Loaded:
    plan = world.plans(memories, 1)[0]
    return Loaded(create_organisation(name=f"bench {name}", by=SYSTEM).id, plan, world.material(plan), [])


def _scopes(organisation: Loaded) -> list[int]:
    made = [
        create_group(organisation=organisation.id, by=SYSTEM, name=f"group {place}")
        for place in range(GROUPS)
    ]
    return [scope_of_groups(organisation=organisation.id, groups=[each.id]) for each in made]


def _member(organisation: Loaded, scopes: Sequence[int]) -> Viewer:
    """Return what a principal sees that is in the groups of scopes."""
    of = organisation.id
    principal = create_principal(organisation=of, by=SYSTEM, name="caller", kind=PrincipalKind.AGENT)
    own = scope_of_principal(organisation=of, principal=principal.id)
    return Viewer((*scopes, own), principal.id, own)


def _spread(scopes: Sequence[int], memories: int) -> NDArray[np.int64]:
    """Return a scope for each memory, all about as often, so that every group's are spread over all topics."""
    return np.random.default_rng(7).permutation(np.resize(np.array(scopes), memories))


def _cost(
    organisations: tuple[Loaded, Loaded], asked: Sequence[Questions], caller: Viewer, model: ModelInfo
) -> Generator[Figure]:
    """Compare whole searches, in turns, so that both suffer alike from whatever else the machine does."""
    plain, half = organisations
    probes = {plain.id: Probe(), half.id: Probe()}
    viewers = {plain.id: EVERYBODY, half.id: caller}
    for kind in (SearchType.HYBRID, SearchType.NEURAL):
        for turn in range(ROUNDS + 1):
            for pair in zip(*asked[:2], strict=True):
                for organisation, question in pair:
                    with given([(organisation, question)], model), viewing(viewers[organisation.id]):
                        request = replace(question.request, search_type=kind)
                        ask = partial(search, organisation=organisation.id, by=SYSTEM, request=request)
                        took = elapsed_ms(ask)
                    if turn:
                        probes[organisation.id].times_ms.append(took)
        ours, without = (probes[each.id].percentile_ms(50) for each in (half, plain))
        title = f"{kind} search, {GROUPS:,} groups, {OWN_GROUPS} of them the caller's"
        yield Figure(f"{title}: p50", ours, "ms", "without groups", without)
        yield Figure(f"{title}: p50 beside that without groups", ours / without, "x", target=NO_SLOWER)
        for each in probes.values():
            each.times_ms.clear()


def _share(
    share: float,
    organisation: Loaded,
    placed: NDArray[np.int64],
    viewer: Viewer,
    questions: Questions,
) -> Generator[Figure]:
    truth = Truth(organisation, np.isin(placed, (0, *viewer.scopes)))
    probe, arm = Probe(), MeaningArm()
    with viewing(viewer):
        warm(arm.find, [question for _, question in questions[: len(questions) // 4 + 1]], NEURAL_LIMIT)
        for _, question in questions:
            probe.ask(arm.find, question, NEURAL_LIMIT, truth)
    title = f"neural, {share:.1%} of {len(placed):,} memories visible"
    yield Figure(f"{title}: recall@{DEPTH}", probe.recall, "share", target=RECALL)
    yield Figure(f"{title}: p50", probe.percentile_ms(50), "ms")
    yield Figure(f"{title}: p95", probe.percentile_ms(95), "ms")
    for plan, count in sorted(probe.plans.items()):
        yield Figure(f"{title}: plan {plan}", count, "searches")


BENCH = Bench("scopes", "search in an organisation whose memories are visible to groups", run)
