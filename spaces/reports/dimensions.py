"""The report on a space's dimensions: coverage, pole separation, agreement with examples, redundancy."""

from collections.abc import Mapping
from uuid import UUID

import numpy as np

from liftos.kernel.db.transactions import tenant_transaction
from memory.index.embeddings import active_manager
from spaces.errors import UnknownMemory
from spaces.geometry.projection import Background, pole_axis
from spaces.placement.axes import embed_all, examples_of, memories_of, read_vectors
from spaces.placement.background import background
from spaces.placement.layouts import Plan, get_plan
from spaces.placement.own_texts import describe_own
from spaces.placement.positions import page_positions
from spaces.queries import View, get_view
from spaces.reports.validation import Report, leave_one_out, report_dimensions
from spaces.types import Array, Dimension

# newest members that are measured
MAX_MEMBERS = 10_000


def make_report(*, organisation: UUID, space: UUID, version: int | None = None) -> tuple[View, list[Report]]:
    """Return a space and a report on each of its dimensions.

    Raises:
        SpaceNotFound, VersionNotFound, PositionsNotReady: as for `get_view`.
        EmbedderUnavailable: the texts of labelled examples can't be embedded now.
    """
    with tenant_transaction(organisation):
        view = get_view(organisation=organisation, space=space, version=version)
        plan = get_plan(organisation=organisation, layout=view.layout.id)
    labelled: list[tuple[Array, Array] | None] = [None] * len(view.dimensions)
    if any(each.examples and each.has_poles for each in view.dimensions):
        labelled = _labelled(organisation, plan)
    with tenant_transaction(organisation):
        placed = page_positions(
            organisation=organisation, layout=view.layout.id, before=None, limit=MAX_MEMBERS
        )
    points = view.to_units(placed.values) if placed.ids else np.empty((0, len(view.dimensions)))
    return view, report_dimensions(
        names=[each.name for each in view.dimensions],
        kinds=[each.kind for each in view.dimensions],
        points=points,
        separations=[None if axis is None else axis.separation for axis in plan.axes],
        labelled=labelled,
    )


def _labelled(organisation: UUID, plan: Plan) -> list[tuple[Array, Array] | None]:
    """Return each dimension's examples as leave-one-out z-scores with their labels, None without examples."""
    manager = active_manager(organisation)
    described = [each for each in plan.dimensions if each.examples and each.has_poles]
    words = {text for each in described for text in (*each.low, *each.high)}
    words |= {example.text for each in described for example in each.examples if example.text}
    texts = embed_all(manager, organisation, words)
    named = {memory for each in described for memory in memories_of(each)}
    prior = background(manager)
    with tenant_transaction(organisation):
        space = None if plan.holds_all else plan.space
        own = describe_own(organisation=organisation, model=plan.model or 0, space=space, prior=prior)
        memories = read_vectors(organisation, plan.model, named)
    return [
        _agreement(number, each, texts, memories, own.background) if each in described else None
        for number, each in enumerate(plan.dimensions)
    ]


def _agreement(
    number: int,
    dimension: Dimension,
    texts: Mapping[str, Array],
    memories: Mapping[UUID, Array],
    how: Background,
) -> tuple[Array, Array] | None:
    def pole(words: tuple[str, ...], named: tuple[UUID, ...]) -> Array:
        rows = [texts[word] for word in words] + [memories[each] for each in named if each in memories]
        return np.stack(rows) if rows else np.empty((0, len(how.mean)))

    low, high = (
        pole(dimension.low, dimension.low_memories),
        pole(dimension.high, dimension.high_memories),
    )
    if not len(low) or not len(high):
        return None
    try:
        examples, labels = examples_of(number, dimension, dict(texts), dict(memories))
    except UnknownMemory:
        return None  # erased since; the axis is about to be recomputed
    return leave_one_out(pole_axis(low, high, how), examples, labels, how), labels
