"""Response shapes of a space and its dimensions."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.dump import as_json
from liftos.kernel.http.views import NativeView
from spaces import queries
from spaces.models import Layout, Space
from spaces.placement.layouts import read_dimensions
from spaces.types import Dimension


class DimensionOut(BaseModel):
    """A dimension; `kind` is what places memories on it: poles, field, or nothing."""

    name: str
    kind: str
    description: str
    unit: str
    low: list[Any]
    high: list[Any]
    examples: list[dict[str, Any]]
    field: str | None
    scale: str
    range: list[float]
    levels: list[str]
    weight: float
    domain: str | None


class LayoutOut(BaseModel):
    """The state of the positions: building, ready or dropped; `done` of `total` members are placed."""

    state: str
    done: int
    total: int


class SpaceOut(BaseModel):
    """A space; `version` is the default for queries, `newest_version` may still be placing its members."""

    id: UUID
    name: str
    description: str
    version: int
    newest_version: int
    holds_all: bool
    is_default: bool
    dimensions: list[DimensionOut]
    positions: LayoutOut
    concepts_count: int
    relations_count: int
    created_at: str
    updated_at: str


def dimension_out(each: Dimension) -> dict[str, Any]:
    """Return a dimension JSON-ready."""
    return as_json(
        DimensionOut,
        each,
        low=[*each.low, *({"memory_id": str(memory)} for memory in each.low_memories)],
        high=[*each.high, *({"memory_id": str(memory)} for memory in each.high_memories)],
        examples=[example.as_json() for example in each.examples],
        field=each.field or None,
        domain=each.domain or None,
    )


def layout_out(layout: Layout) -> dict[str, Any]:
    """Return a layout's state and progress."""
    return as_json(LayoutOut, layout)


def render(organisation: UUID, space: Space, version: int | None = None) -> dict[str, Any]:
    """Return a space in one version JSON-ready, inside the tenant transaction."""
    chosen = queries.get_version(organisation=organisation, space=space, number=version)
    dimensions = read_dimensions(organisation=organisation, space=space.id, version=chosen.number)
    concepts, relations = queries.count_parts_of(organisation=organisation, space=space.id)
    return {
        "id": str(space.id),
        "name": space.name,
        "description": space.description,
        "version": chosen.number,
        "newest_version": space.version,
        "holds_all": space.holds_all,
        "is_default": space.is_default,
        "dimensions": [dimension_out(each) for each in dimensions],
        "positions": layout_out(chosen.layout),
        "concepts_count": concepts,
        "relations_count": relations,
        "created_at": space.created_at.isoformat(),
        "updated_at": space.updated_at.isoformat(),
    }


def replay(view: NativeView, kept: dict[str, Any], space: UUID | None = None) -> Response:
    """Answer a repeated Idempotency-Key with the space as it is now."""
    organisation = view.principal.organisation
    with tenant_transaction(organisation):
        row = queries.get_space(organisation=organisation, space=space or UUID(kept["id"]))
        return Response(render(organisation, row))
