"""Tests whether a memory lies in a region of a space: a concept's, or between bounds of coordinates."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from pydantic import Field, model_validator

from liftos.kernel.http.strict import Strict
from spaces.errors import ConceptNotFound, NotAMember, PositionsNotReady, UnknownDimension
from spaces.queries import View, find_concept, find_space, get_view
from spaces.query.questions import MemberPosition, explain, get_member_position

Number = Annotated[float, Field(allow_inf_nan=False)] | None


class Bounds(Strict):
    """The least and greatest coordinate, in the dimension's units."""

    min: Number = None
    max: Number = None

    @model_validator(mode="after")
    def check_given(self) -> "Bounds":
        """Refuse bounds that bound nothing, or leave nothing."""
        if self.min is None and self.max is None:
            raise ValueError("needs min or max")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min must not be above max")
        return self


def check_region(
    *, organisation: UUID, space: str, concept: str | None, dimensions: Mapping[str, Bounds]
) -> None:
    """Check that a space has a concept and dimensions; inside a tenant transaction.

    Raises:
        SpaceNotFound, ConceptNotFound, UnknownDimension: `loc` names the field.
    """
    row = find_space(organisation=organisation, named=space)
    if concept is not None and find_concept(organisation=organisation, space=row.id, name=concept) is None:
        raise ConceptNotFound(loc=("concept",))
    view = get_view(organisation=organisation, space=row.id, ready=False)
    for name in dimensions:
        view.place_of(name, ("position", name))


def is_inside(
    *, organisation: UUID, space: str, memory: UUID, concept: str | None, bounds: Mapping[str, Bounds]
) -> bool:
    """Return whether a memory lies in a concept's region and between bounds; False if it has no position, or the region is gone."""
    try:
        row = find_space(organisation=organisation, named=space)
        view = get_view(organisation=organisation, space=row.id)
        position = get_member_position(organisation=organisation, view=view, memory=memory)
        return _in_bounds(view, position, bounds) and (
            concept is None or _in_region(organisation, view, position, concept)
        )
    except (NotAMember, PositionsNotReady, ConceptNotFound, UnknownDimension):
        return False


def _in_bounds(view: View, position: MemberPosition, bounds: Mapping[str, Bounds]) -> bool:
    for name, wanted in bounds.items():
        dimension = view.dimensions[view.place_of(name)].name
        coordinate = position.coordinates.get(dimension)
        value = None if coordinate is None else coordinate.value
        if value is None:
            return False
        if (wanted.min is not None and value < wanted.min) or (wanted.max is not None and value > wanted.max):
            return False
    return True


def _in_region(organisation: UUID, view: View, position: MemberPosition, name: str) -> bool:
    concept = find_concept(organisation=organisation, space=view.space.id, name=name)
    if concept is None:
        raise ConceptNotFound
    apart = explain(organisation=organisation, view=view, position=position, concept=concept)["distance"]
    return apart is not None and apart <= concept.radius
