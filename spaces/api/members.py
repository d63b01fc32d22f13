"""`/api/v1/spaces/{space}/members`: add and remove members."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from spaces import operations, queries
from spaces.api.positions import CoordinateOut, coordinates_out
from spaces.inputs import MemberIn
from spaces.query.questions import get_member_position


class MemberOut(BaseModel):
    """A member with its coordinates."""

    id: UUID
    memory_id: UUID
    space_id: UUID
    coordinates: dict[str, CoordinateOut]
    coverage: float


def member_out(organisation: UUID, space: UUID, memory: UUID) -> dict[str, Any]:
    """Return a member's coordinates JSON-ready.

    Raises:
        SpaceNotFound: there is none in this organisation.
    """
    with tenant_transaction(organisation):
        view = queries.get_view(organisation=organisation, space=space, ready=False)
        coordinates, coverage = {}, 0.0
        if queries.has_position(organisation=organisation, layout=view.layout.id, memory=memory):
            found = get_member_position(organisation=organisation, view=view, memory=memory)
            coordinates, coverage = coordinates_out(found.coordinates, view.dimensions), found.coverage
    return {
        "id": str(memory),
        "memory_id": str(memory),
        "space_id": str(space),
        "coordinates": coordinates,
        "coverage": coverage,
    }


def _replay(view: NativeView, kept: dict[str, Any], space: UUID) -> Response:
    return Response(member_out(view.principal.organisation, space, UUID(kept["memory_id"])))


class Members(NativeView):
    """A space's members."""

    scopes = {"POST": Scope.SPACES_WRITE}

    @described("spaces_add_member", request=MemberIn, responses={201: MemberOut, 200: MemberOut})
    @once(anew=_replay)
    def post(self, request: Request, space: UUID) -> Response:
        """Add a memory, optionally with explicit coordinates; 200 if it is a member already."""
        member, principal = self.body(MemberIn), self.principal
        organisation = principal.organisation
        is_new = operations.add_member(
            organisation=organisation,
            by=principal.actor,
            space=space,
            memory=member.memory_id,
            coordinates=member.coordinates,
        )
        body = member_out(organisation, space, member.memory_id)
        return Response(body, status=201 if is_new else 200)


class MemberDetail(NativeView):
    """One member."""

    scopes = {"DELETE": Scope.SPACES_WRITE}

    @described("spaces_remove_member", responses={204: None})
    def delete(self, request: Request, space: UUID, memory: UUID) -> Response:
        """Remove a memory from the space; the memory itself stays."""
        operations.remove_member(**self.caller, space=space, memory=memory)
        return Response(status=204)
