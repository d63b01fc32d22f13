"""`/api/v1/spaces/{space}/positions`: the members' positions."""

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import PageQuery, page, page_of
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Principal, Scope
from spaces.api.shared import VersionQuery
from spaces.queries import get_view
from spaces.query.questions import MemberPosition, get_member_position, list_member_positions, shown
from spaces.types import Coordinate, Dimension


class PositionQuery(PageQuery, VersionQuery):
    """A page of positions, or one memory's."""

    memory: UUID | None = None


class CoordinateOut(BaseModel):
    """A coordinate: its value in the dimension's units, null if unknown; its source; its confidence, 0..1."""

    value: float | str | None
    source: Literal["unknown", "projection", "field", "explicit"]
    confidence: float


class PositionOut(BaseModel):
    """A memory's position; `coverage` is the share of the dimensions' weight that is known.

    Without the scope memory:read `content` is null, and `withheld` names that scope.
    """

    memory_id: UUID
    content: str | None
    withheld: list[str] = Field(default_factory=list)
    coordinates: dict[str, CoordinateOut]
    coverage: float


def coordinates_out(
    coordinates: dict[str, Coordinate], dimensions: Sequence[Dimension]
) -> dict[str, dict[str, Any]]:
    """Return a memory's coordinates by dimension, JSON-ready."""
    return {
        each.name: {
            "value": shown(found.value, each),
            "source": found.source.name.lower(),
            "confidence": round(found.confidence, 6),
        }
        for each in dimensions
        if (found := coordinates.get(each.name)) is not None
    }


def content_out(content: str, reader: Principal) -> dict[str, Any]:
    """Return `content`, or null with the missing scope in `withheld` if the reader may not read memories."""
    if reader.may(Scope.MEMORY_READ):
        return {"content": content}
    return {"content": None, "withheld": [str(Scope.MEMORY_READ)]}


def position_out(
    position: MemberPosition, dimensions: Sequence[Dimension], reader: Principal
) -> dict[str, Any]:
    """Return a memory's position JSON-ready."""
    return {
        "memory_id": str(position.memory),
        **content_out(position.content, reader),
        "coordinates": coordinates_out(position.coordinates, dimensions),
        "coverage": position.coverage,
    }


class _Row:
    """A position with the `id` that pagination needs."""

    def __init__(self, position: MemberPosition) -> None:
        self.id = position.memory


class Positions(NativeView):
    """The members' positions."""

    scopes = {"GET": Scope.SPACES_READ}

    @described("spaces_positions", query=PositionQuery, responses={200: page_of(PositionOut)})
    def get(self, request: Request, space: UUID) -> Response:
        """List positions, newest memories first, or only that of `memory`."""
        query = self.query(PositionQuery)
        with tenant_transaction(self.organisation):
            view = get_view(organisation=self.organisation, space=space, version=query.version)
            if query.memory is not None:
                found = [get_member_position(organisation=self.organisation, view=view, memory=query.memory)]
            else:
                found = list_member_positions(
                    organisation=self.organisation, view=view, limit=query.limit + 1, before=query.before
                )
        results = [position_out(each, view.dimensions, self.principal) for each in found]
        return Response(page(request._request, [_Row(each) for each in found], query.limit, results))
