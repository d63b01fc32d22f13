"""Targets of conceptual search: which dimensions of a space count for a query, and the wanted values on them."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID

import numpy as np

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.embedding import EmbedderUnavailable, Extent, TextKind
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.embedding.types import PLAIN
from liftos.kernel.jobs import send_hint
from memory.index.embeddings import active_manager
from memory.search.arms.interface import ArmNotReady
from memory.search.types import SearchRequest, SearchType
from spaces.dimension_rules import as_coordinate
from spaces.errors import InvalidDimension, NotAMember, PositionsNotReady, UnknownConcept
from spaces.geometry.metric import Metric
from spaces.geometry.scales import to_unit
from spaces.operations import ensure_default
from spaces.placement.axes import embed_all
from spaces.placement.layouts import RENEW, Plan, get_plan
from spaces.placement.positions import read_positions
from spaces.queries import View, find_concept, find_space, get_view
from spaces.query.mentions import DimensionTexts, Mention, clauses_to_embed, mentions_in
from spaces.types import Array, Dimension

ENDS = {"low": 0.0, "high": 1.0}
# characters of a query that are read
MAX_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a query in a space.

    Attributes:
        view: the space.
        point: shape (k,), on the unit scales; NaN on dimensions that do not count.
        metric: the space's, weighted for the query.
        excluded: the example memory, which is not a result.
        because: dimension name to the reason it counts.
    """

    view: View
    point: Array
    metric: Metric
    excluded: UUID | None
    because: dict[str, str]


def targets_for(*, organisation: UUID, queries: Sequence[str], request: SearchRequest) -> list[Target | None]:
    """Return each query's target, None for one that mentions nothing in the space.

    The request's target, concept and example come first; dimensions that the query mentions are added. If there are none, a
    conceptual search uses the query's own position, where extreme values count most.

    Raises:
        SpaceNotFound, VersionNotFound, PositionsNotReady, UnknownDimension, InvalidDimension, UnknownConcept, NotAMember: see `loc`.
        ArmNotReady: the default space's positions are still being built.
        EmbedderUnavailable: the query's own position is needed, and it can't be embedded now.
    """
    # `confine` has already replaced a name by the id
    space = request.space if isinstance(request.space, UUID) else ensure_default(organisation).id
    with tenant_transaction(organisation):
        try:
            view = get_view(organisation=organisation, space=space, version=request.space_version)
        except PositionsNotReady:
            if request.space is not None:
                raise
            # the default space, which an organisation's first search creates
            raise ArmNotReady from None
        plan = get_plan(organisation=organisation, layout=view.layout.id)
        point, emphasis, because = _given(organisation, view, request)
    if len(queries) > 1:
        _embed_together(organisation, queries, request)
    return [_target(organisation, view, plan, query, request, point, emphasis, because) for query in queries]


def _embed_together(organisation: UUID, queries: Sequence[str], request: SearchRequest) -> None:
    """Embed a batch's texts in one call; each query then finds its vectors in the manager's cache."""
    read = [query[:MAX_CHARACTERS].strip() for query in queries]
    texts = {clause for query in read for clause in clauses_to_embed(query)}
    if request.search_type is SearchType.CONCEPTUAL:
        # for queries that mention no dimension
        texts.update(query for query in read if query)
    # without an embedder, queries are matched by words only
    with suppress(EmbedderUnavailable):
        active_manager(organisation).embed_many(
            sorted(texts), kind=TextKind.DOCUMENT, organisation=organisation
        )


def _given(organisation: UUID, view: View, request: SearchRequest) -> tuple[Array, Array, dict[str, str]]:
    """Return point, emphasis and reasons from the request's example, concept and target; the later take precedence."""
    size = len(view.dimensions)
    point, emphasis = np.full(size, np.nan), np.zeros(size)
    because: dict[str, str] = {}

    def take(values: Array, weights: Array, why: str) -> None:
        known = ~np.isnan(values)
        point[known], emphasis[known] = values[known], weights[known]
        because.update({view.dimensions[number].name: why for number in np.flatnonzero(known)})

    if request.example is not None:
        placed = read_positions(organisation=organisation, layout=view.layout.id, memories=[request.example])
        if not placed.ids:
            raise NotAMember(loc=("like",))
        take(view.to_units(placed.values)[0], placed.confidences[0], "example")
    if request.concept:
        concept = find_concept(organisation=organisation, space=view.space.id, name=request.concept)
        if concept is None:
            raise UnknownConcept(f"The space has no concept {request.concept!r}.", loc=("concept",))
        region = view.region(concept)
        take(region.prototype, region.weights, f"concept {concept.name}")
    if request.target:
        wanted, weights = np.full(size, np.nan), np.ones(size)
        for name, value in request.target:
            number = view.place_of(name, ("target", name))
            wanted[number] = _unit(view.dimensions[number], value, name)
        take(wanted, weights, "target")
    return point, emphasis, because


def _unit(dimension: Dimension, value: float | str, name: str) -> float:
    """Return a target's value on the unit scale, clipped to the range."""
    if isinstance(value, str) and value.casefold() in ENDS and not dimension.levels:
        return ENDS[value.casefold()]
    number = as_coordinate(value, dimension)
    if number is None and isinstance(value, str) and value.casefold() in ENDS:
        return ENDS[value.casefold()]
    if number is None:
        raise InvalidDimension(
            f"A target on {dimension.name!r} must be a number, "
            + (f"one of {', '.join(dimension.levels)}, " if dimension.levels else "")
            + '"low" or "high".',
            loc=("target", name),
        )
    return float(to_unit(np.asarray([number]), dimension)[0])


def _target(
    organisation: UUID,
    view: View,
    plan: Plan,
    query: str,
    request: SearchRequest,
    point: Array,
    emphasis: Array,
    because: dict[str, str],
) -> Target | None:
    point, emphasis, because = point.copy(), emphasis.copy(), dict(because)
    text = query[:MAX_CHARACTERS].strip()
    is_given = bool(because)
    if text:
        for mention in read_mentions(organisation, plan, text):
            if np.isnan(point[mention.dimension]):
                point[mention.dimension], emphasis[mention.dimension] = float(mention.is_high), 1.0
                because[plan.dimensions[mention.dimension].name] = f"query: {mention.by}"
    if not because and text and request.search_type is SearchType.CONCEPTUAL:
        point, emphasis = _place_of_query(organisation, plan, text)
        because = {
            each.name: "place of the query"
            for number, each in enumerate(plan.dimensions)
            if not np.isnan(point[number])
        }
    if request.search_type is not SearchType.CONCEPTUAL and not is_given and not because:
        return None
    counting = np.where(np.isnan(point), 0.0, emphasis)
    if not (counting * view.metric.weights).any():
        if not counting.any():
            return None
        # the query mentions only dimensions of weight 0: use its emphasis as weights
        metric = Metric.of(counting, domains=view.metric.domains, circular=view.metric.circular)
    else:
        metric = view.metric.with_context(counting)
    return Target(view, point, metric, request.example, because)


def read_mentions(organisation: UUID, plan: Plan, query: str) -> list[Mention]:
    """Return the dimensions that a query mentions by words and, if the embedder is available, by meaning."""
    described = [DimensionTexts(each.name, each.low, each.high) for each in plan.dimensions]
    clauses = clauses_to_embed(query)
    vectors: dict[str, Array] | None = None
    similar = PLAIN.similar
    poles: list[tuple[Array, Array] | None] = []
    try:
        manager = active_manager(organisation)
        if clauses and any(each.low for each in plan.dimensions):
            texts = {text for each in plan.dimensions for text in (*each.low, *each.high)}
            known = embed_all(manager, organisation, texts)
            similar = manager.profile.similar
            # the vector of a clause that the model can't read is near those of all others
            clauses = [
                clause
                for clause, extent in zip(clauses, manager.extents(clauses), strict=True)
                if extent is not Extent.NOTHING
            ]
            vectors = dict(
                zip(
                    clauses,
                    manager.embed_many(clauses, kind=TextKind.DOCUMENT, organisation=organisation),
                    strict=True,
                )
            )
            poles = [
                tuple(np.stack([known[text] for text in some]) for some in (each.low, each.high))  # type: ignore[misc]
                if each.low and each.high
                else None
                for each in plan.dimensions
            ]
    except EmbedderUnavailable:
        vectors = None
    return mentions_in(query, described, vectors=vectors, poles=poles, similar=similar)


def _place_of_query(organisation: UUID, plan: Plan, text: str) -> tuple[Array, Array]:
    """Return a query's own position, and the emphasis of each dimension, 0..1: extremeness times relevance."""
    manager = active_manager(organisation)
    size = len(plan.dimensions)
    point, emphasis = np.full(size, np.nan), np.zeros(size)
    if plan.model is not None and model_number(manager.model) != plan.model:
        # the organisation has changed its embedding model: request new positions
        send_hint(RENEW, organisation)
        return point, emphasis
    if manager.extents([text]) == [Extent.NOTHING]:
        return point, emphasis
    vector = manager.embed(text, kind=TextKind.DOCUMENT, organisation=organisation)
    for number, axis in enumerate(plan.axes):
        if axis is not None:
            point[number] = axis.values(vector[np.newaxis])[0]
            extremeness = abs(2 * point[number] - 1)
            emphasis[number] = extremeness * axis.relevances(vector[np.newaxis])[0]
    return point, emphasis


def confine(organisation: UUID, request: SearchRequest) -> SearchRequest:
    """Return a request restricted to the members of the space it names.

    Raises:
        SpaceNotFound: there is none in this organisation.
    """
    if request.space is None:
        return request
    with tenant_transaction(organisation):
        space = find_space(organisation=organisation, named=request.space)
    return replace(request, space=space.id, members_of=None if space.holds_all else space.id)
