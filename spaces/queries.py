"""Reads of spaces, inside the caller's tenant transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from liftos.kernel.db.rows import newest, one_or
from liftos.kernel.db.transactions import raw_cursor, read_value
from liftos.kernel.ids import as_uuid
from spaces.errors import (
    ConceptNotFound,
    PositionsNotReady,
    RelationNotFound,
    SpaceNotFound,
    VersionNotFound,
)
from spaces.geometry.metric import Metric, Region
from spaces.geometry.scales import place_of, to_unit
from spaces.models import Concept, ConceptRelation, Layout, Space, SpaceDimension, SpaceVersion
from spaces.placement.layouts import read_dimensions
from spaces.placement.positions import present_in
from spaces.statements import COUNT_PARTS, COUNT_SPACES, IS_MAPPED
from spaces.types import Array, Dimension, LayoutState, Scale


@dataclass(frozen=True, slots=True)
class View:
    """A space in one version, for queries.

    Attributes:
        space: the space.
        version: the version's number.
        dimensions: of that version.
        layout: of that version, with the members' positions.
    """

    space: Space
    version: int
    dimensions: tuple[Dimension, ...]
    layout: Layout

    @property
    def metric(self) -> Metric:
        """The metric over its dimensions."""
        return metric_of(self.dimensions)

    def place_of(self, name: str, loc: tuple[str | int, ...] = ()) -> int:
        """Return a dimension's index by its name, case-insensitive.

        Raises:
            UnknownDimension: the space has none of this name.
        """
        return place_of(self.dimensions, name, loc)

    def to_units(self, values: Array) -> Array:
        """Convert coordinates, shape (n, k), from the dimensions' units to the unit scales."""
        units = np.empty_like(values)
        for number, dimension in enumerate(self.dimensions):
            units[:, number] = to_unit(values[:, number], dimension)
        return units

    def region(self, concept: Concept) -> Region:
        """Return a concept's region, ignoring dimensions that this version does not have."""
        prototype = point_of(self.dimensions, concept.prototype)
        weights = np.ones(len(self.dimensions))
        names = [each.name.casefold() for each in self.dimensions]
        for name, weight in concept.weights.items():
            if name.casefold() in names:
                weights[names.index(name.casefold())] = weight
        return Region(prototype, weights, concept.radius)


def metric_of(dimensions: Sequence[Dimension]) -> Metric:
    """Return the metric over dimensions; if all weights are 0, all count the same."""
    names = [each.domain or f"\x00{number}" for number, each in enumerate(dimensions)]
    weights = [each.weight for each in dimensions]
    return Metric.of(
        weights if any(weights) else [1.0] * len(weights),
        domains=[names.index(name) for name in names],
        circular=[each.scale is Scale.CIRCULAR for each in dimensions],
    )


def point_of(dimensions: Sequence[Dimension], values: dict[str, float]) -> Array:
    """Return coordinates by name as a point on the unit scales, shape (k,), NaN where there is none."""
    point = np.full(len(dimensions), np.nan)
    folded = {name.casefold(): value for name, value in values.items()}
    for number, each in enumerate(dimensions):
        if each.name.casefold() in folded:
            point[number] = to_unit(np.asarray([folded[each.name.casefold()]]), each)[0]
    return point


def get_space(*, organisation: UUID, space: UUID, lock: bool = False) -> Space:
    """Return a space.

    Raises:
        SpaceNotFound: there is none in this organisation.
    """
    rows = Space.objects.filter(organisation_id=organisation, id=space)
    return one_or(SpaceNotFound(loc=("space",)), rows.select_for_update(no_key=True) if lock else rows)


def find_space(*, organisation: UUID, named: UUID | str) -> Space:
    """Return a space by its id, its name (case-insensitive), or its id in compat routes.

    Raises:
        SpaceNotFound: there is none in this organisation.
    """
    if (ident := as_uuid(named)) is not None:
        return get_space(organisation=organisation, space=ident)
    rows, text = Space.objects.filter(organisation_id=organisation), str(named).strip()
    row = rows.filter(name_key=text.casefold()).first()
    if row is None and text.startswith("space_"):
        # an organisation has few spaces
        row = next((each for each in rows if text.endswith(f"_{short_id(each.id)}")), None)
    if row is None:
        raise SpaceNotFound(loc=("space",))
    return row


def short_id(space: UUID) -> str:
    """Return the last eight hex digits of a space's id, with which its id in compat routes ends."""
    return space.hex[-8:]


def get_default(*, organisation: UUID) -> Space | None:
    """Return the organisation's default space, None until it has been created."""
    return Space.objects.filter(organisation_id=organisation, is_default=True).first()


def list_spaces(*, organisation: UUID, limit: int, before: UUID | None = None) -> list[Space]:
    """Return spaces, newest first."""
    return newest(Space.objects.filter(organisation_id=organisation), limit, before)


def get_version(*, organisation: UUID, space: Space, number: int | None) -> SpaceVersion:
    """Return a version; without a number, the newest whose positions are ready, or the newest of all.

    Raises:
        VersionNotFound: the space has none of this number.
    """
    rows = SpaceVersion.objects.select_related("layout").filter(
        organisation_id=organisation, space_id=space.id
    )
    if number is None:
        ready = rows.filter(layout__state=LayoutState.READY).order_by("-number").first()
        if ready is not None:
            return ready
        rows = rows.order_by("-number")
    else:
        rows = rows.filter(number=number)
    return one_or(VersionNotFound(loc=("version",)), rows)


def list_versions(*, organisation: UUID, space: UUID) -> list[SpaceVersion]:
    """Return a space's versions, newest first, each with its layout."""
    rows = SpaceVersion.objects.select_related("layout").filter(organisation_id=organisation, space_id=space)
    return list(rows.order_by("-number"))


def get_view(*, organisation: UUID, space: UUID, version: int | None = None, ready: bool = True) -> View:
    """Return a space in one version. See `get_version`.

    Args:
        organisation: whose.
        space: which.
        version: its number, None for the newest whose positions are ready.
        ready: require its positions.

    Raises:
        SpaceNotFound, VersionNotFound: there is none in this organisation.
        PositionsNotReady: they are still being built, or are no longer kept.
    """
    row = get_space(organisation=organisation, space=space)
    chosen = get_version(organisation=organisation, space=row, number=version)
    if ready and chosen.layout.state != LayoutState.READY:
        raise PositionsNotReady(
            f"The positions of version {chosen.number} are {chosen.layout.state}"
            f" ({chosen.layout.done} of {chosen.layout.total}). {chosen.layout.error}".strip(),
            loc=("version",),
        )
    dimensions = read_dimensions(organisation=organisation, space=space, version=chosen.number)
    return View(row, chosen.number, dimensions, chosen.layout)


def get_concept(*, organisation: UUID, space: UUID, concept: UUID) -> Concept:
    """Return a concept.

    Raises:
        ConceptNotFound: there is none in this space.
    """
    rows = Concept.objects.filter(organisation_id=organisation, space_id=space, id=concept)
    return one_or(ConceptNotFound, rows)


def find_concept(*, organisation: UUID, space: UUID, name: str) -> Concept | None:
    """Return a concept by its name (case-insensitive) or id, None if there is none."""
    rows = Concept.objects.filter(organisation_id=organisation, space_id=space)
    try:
        return rows.filter(id=UUID(name)).first() or rows.filter(name_key=name.casefold()).first()
    except ValueError:
        return rows.filter(name_key=name.strip().casefold()).first()


def list_concepts(
    *, organisation: UUID, space: UUID, limit: int | None = None, before: UUID | None = None
) -> list[Concept]:
    """Return concepts, newest first; all of them without a limit."""
    return newest(Concept.objects.filter(organisation_id=organisation, space_id=space), limit, before)


def list_relations(
    *, organisation: UUID, space: UUID, limit: int, before: UUID | None = None
) -> list[ConceptRelation]:
    """Return relations between a space's concepts, newest first, each with both concepts."""
    rows = ConceptRelation.objects.select_related("source", "target")
    return newest(rows.filter(organisation_id=organisation, space_id=space), limit, before)


def get_relation(*, organisation: UUID, space: UUID, relation: UUID) -> ConceptRelation:
    """Return a relation with both its concepts.

    Raises:
        RelationNotFound: there is none of this id in the space.
    """
    rows = ConceptRelation.objects.select_related("source", "target")
    return one_or(RelationNotFound, rows.filter(organisation_id=organisation, space_id=space, id=relation))


def list_made_spaces(*, organisation: UUID) -> list[tuple[Space, list[str]]]:
    """Return all spaces but the default one, oldest first, with the names of their newest dimensions."""
    rows = list(Space.objects.filter(organisation_id=organisation, is_default=False).order_by("id"))
    names: dict[tuple[UUID, int], list[str]] = {}
    dimensions = SpaceDimension.objects.filter(
        organisation_id=organisation, space_id__in=[row.id for row in rows]
    )
    for space, version, name in dimensions.order_by("place").values_list("space_id", "version", "name"):
        names.setdefault((space, version), []).append(name)
    return [(row, names.get((row.id, row.version), [])) for row in rows]


def count_parts(*, organisation: UUID) -> dict[UUID, tuple[int, int]]:
    """Return the number of concepts and relations of each space that has concepts."""
    rows = raw_cursor().execute(COUNT_PARTS, {"organisation": organisation}).fetchall()
    return {row[0]: (row[1], row[2]) for row in rows}


def count_parts_of(*, organisation: UUID, space: UUID) -> tuple[int, int]:
    """Return the number of concepts and relations of a space."""
    mine = {"organisation_id": organisation, "space_id": space}
    return Concept.objects.filter(**mine).count(), ConceptRelation.objects.filter(**mine).count()


def has_position(*, organisation: UUID, layout: UUID, memory: UUID) -> bool:
    """Return whether a memory has a position in a layout."""
    return bool(present_in(organisation=organisation, layout=layout, memories=[memory]))


def count_spaces(organisation: UUID) -> int:
    """Return the number of an organisation's spaces, without the default one."""
    return read_value(COUNT_SPACES, [organisation])


def is_mapped(organisation: UUID, memory: UUID) -> bool:
    """Return whether a memory has a known coordinate in any space."""
    return read_value(IS_MAPPED, (organisation, memory))
