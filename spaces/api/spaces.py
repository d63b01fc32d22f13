"""`/api/v1/spaces`: spaces, their versions and dimensions, their members."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import query_parameters
from liftos.kernel.http.pagination import PageQuery, page
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from spaces import operations, queries
from spaces.api.rendering import coordinates_out, dimension_out, layout_out, space_out
from spaces.api.schemas import (
    DimensionsIn,
    MemberIn,
    MemberOut,
    Results,
    SpaceIn,
    SpaceOut,
    SpacePage,
    VersionPage,
    VersionQuery,
)
from spaces.memory_port import forget_spaces
from spaces.models import Concept, ConceptRelation, Space
from spaces.placement.layouts import read_dimensions
from spaces.query.questions import get_standing
from spaces.space_templates import TEMPLATES


def render(organisation: UUID, space: Space, version: int | None = None) -> dict[str, Any]:
    """Return a space as JSON-ready values, inside the tenant transaction."""
    chosen = queries.get_version(organisation=organisation, space=space, number=version)
    dimensions = read_dimensions(organisation=organisation, space=space.id, version=chosen.number)
    concepts = Concept.objects.filter(organisation_id=organisation, space_id=space.id).count()
    relations = ConceptRelation.objects.filter(organisation_id=organisation, space_id=space.id).count()
    return space_out(space, chosen, dimensions, concepts, relations)


def answer_anew(view: NativeView, kept: dict[str, Any], space: UUID | None = None) -> Response:
    """Answer again what was carried out under an Idempotency-Key: with the space as it is now."""
    organisation = view.principal.organisation
    with tenant_transaction(organisation):
        row = queries.get_space(organisation=organisation, space=space or UUID(kept["id"]))
        return Response(render(organisation, row))


class SpaceCollection(NativeView):
    """The organisation's spaces."""

    scopes = {"GET": Scope.SPACES_READ, "POST": Scope.SPACES_WRITE}

    @extend_schema(
        operation_id="spaces_list", parameters=query_parameters(PageQuery), responses={200: SpacePage}
    )
    def get(self, request: Request) -> Response:
        """List spaces, newest first."""
        query, organisation = self.query(PageQuery), self.principal.organisation
        with tenant_transaction(organisation):
            rows = queries.list_spaces(organisation=organisation, limit=query.limit + 1, before=query.before)
            results = [render(organisation, row) for row in rows[: query.limit]]
        return Response(page(request._request, rows, query.limit, results))

    @extend_schema(operation_id="spaces_create", request=SpaceIn, responses={201: SpaceOut})
    @once(anew=answer_anew)
    def post(self, request: Request) -> Response:
        """Make a space; its members' positions may still be made when this answers (`positions`)."""
        del request
        asked, principal = self.body(SpaceIn), self.principal
        space = operations.create_space(
            organisation=principal.organisation,
            by=principal.actor,
            name=asked.name,
            dimensions=asked.read_dimensions(),
            description=asked.description,
            holds_all=asked.holds_all,
        )
        forget_spaces(principal.organisation)
        with tenant_transaction(principal.organisation):
            space.refresh_from_db()
            body = render(principal.organisation, space)
        return Response(body, status=201, headers={"Location": f"/api/v1/spaces/{space.id}"})


class Templates(NativeView):
    """Spaces that come ready."""

    scopes = {"GET": Scope.SPACES_READ}

    @extend_schema(operation_id="spaces_templates", responses={200: Results})
    def get(self, request: Request) -> Response:
        """List the templates with their dimensions."""
        del request
        results = [
            {
                "name": each.name,
                "title": each.title,
                "description": each.description,
                "dimensions": [dimension_out(dimension) for dimension in each.dimensions],
            }
            for each in TEMPLATES.values()
        ]
        return Response({"results": results, "next": None})


class SpaceDetail(NativeView):
    """One space."""

    scopes = {"GET": Scope.SPACES_READ, "DELETE": Scope.SPACES_WRITE}

    @extend_schema(
        operation_id="spaces_get", parameters=query_parameters(VersionQuery), responses={200: SpaceOut}
    )
    def get(self, request: Request, space: UUID) -> Response:
        """Return a space, in a version that may be named."""
        del request
        query, organisation = self.query(VersionQuery), self.principal.organisation
        with tenant_transaction(organisation):
            row = queries.get_space(organisation=organisation, space=space)
            return Response(render(organisation, row, query.version))

    @extend_schema(operation_id="spaces_delete", responses={204: None})
    def delete(self, request: Request, space: UUID) -> Response:
        """Delete a space with its concepts and positions; the memories stay."""
        del request
        principal = self.principal
        operations.delete_space(organisation=principal.organisation, by=principal.actor, space=space)
        forget_spaces(principal.organisation)
        return Response(status=204)


class SpaceVersions(NativeView):
    """A space's versions."""

    scopes = {"GET": Scope.SPACES_READ}

    @extend_schema(operation_id="spaces_versions", responses={200: VersionPage})
    def get(self, request: Request, space: UUID) -> Response:
        """List versions, newest first, each with how far its positions are."""
        del request
        organisation = self.principal.organisation
        with tenant_transaction(organisation):
            queries.get_space(organisation=organisation, space=space)
            results = [
                {
                    "version": each.number,
                    "dimensions": [
                        dimension.name
                        for dimension in read_dimensions(
                            organisation=organisation, space=space, version=each.number
                        )
                    ],
                    "positions": layout_out(each.layout),
                    "recorded_at": each.recorded_at.isoformat(),
                    "decision_id": str(each.decision_id),
                }
                for each in queries.list_versions(organisation=organisation, space=space)
            ]
        return Response({"results": results, "next": None})


class SpaceDimensions(NativeView):
    """A space's dimensions."""

    scopes = {"GET": Scope.SPACES_READ, "PUT": Scope.SPACES_WRITE}

    @extend_schema(
        operation_id="spaces_dimensions", parameters=query_parameters(VersionQuery), responses={200: Results}
    )
    def get(self, request: Request, space: UUID) -> Response:
        """List the dimensions of a version."""
        del request
        query, organisation = self.query(VersionQuery), self.principal.organisation
        with tenant_transaction(organisation):
            view = queries.get_view(
                organisation=organisation, space=space, version=query.version, ready=False
            )
        return Response({"results": [dimension_out(each) for each in view.dimensions], "next": None})

    @extend_schema(operation_id="spaces_change_dimensions", request=DimensionsIn, responses={200: SpaceOut})
    @once(anew=answer_anew)
    def put(self, request: Request, space: UUID) -> Response:
        """Give the space other dimensions: its next version. Searches use it once its members are placed."""
        del request
        asked, principal = self.body(DimensionsIn), self.principal
        version = operations.change_dimensions(
            organisation=principal.organisation,
            by=principal.actor,
            space=space,
            dimensions=[each.dimension() for each in asked.dimensions],
        )
        with tenant_transaction(principal.organisation):
            row = queries.get_space(organisation=principal.organisation, space=space)
            return Response(render(principal.organisation, row, version.number))


def member_out(organisation: UUID, space: UUID, memory: UUID) -> dict[str, Any]:
    """Return where a member stands.

    Raises:
        SpaceNotFound: there is no such space.
    """
    with tenant_transaction(organisation):
        view = queries.get_view(organisation=organisation, space=space, ready=False)
        coordinates, coverage = {}, 0.0
        if queries.has_position(organisation=organisation, layout=view.layout.id, memory=memory):
            found = get_standing(organisation=organisation, view=view, memory=memory)
            coordinates, coverage = coordinates_out(found.coordinates, view.dimensions), found.coverage
    return {
        "id": str(memory),
        "memory_id": str(memory),
        "space_id": str(space),
        "coordinates": coordinates,
        "coverage": coverage,
    }


def _member_anew(view: NativeView, kept: dict[str, Any], space: UUID) -> Response:
    return Response(member_out(view.principal.organisation, space, UUID(kept["memory_id"])))


class Members(NativeView):
    """A space's members."""

    scopes = {"POST": Scope.SPACES_WRITE}

    @extend_schema(
        operation_id="spaces_add_member", request=MemberIn, responses={201: MemberOut, 200: MemberOut}
    )
    @once(anew=_member_anew)
    def post(self, request: Request, space: UUID) -> Response:
        """Make a memory a member, with explicit coordinates if some are known; one that is a member already answers 200."""
        del request
        asked, principal = self.body(MemberIn), self.principal
        organisation = principal.organisation
        is_new = operations.add_member(
            organisation=organisation,
            by=principal.actor,
            space=space,
            memory=asked.memory_id,
            coordinates=asked.coordinates,
        )
        body = member_out(organisation, space, asked.memory_id)
        return Response(body, status=201 if is_new else 200)


class MemberDetail(NativeView):
    """One member."""

    scopes = {"DELETE": Scope.SPACES_WRITE}

    @extend_schema(operation_id="spaces_remove_member", responses={204: None})
    def delete(self, request: Request, space: UUID, memory: UUID) -> Response:
        """Take a memory out of the space; the memory stays."""
        del request
        principal = self.principal
        operations.remove_member(
            organisation=principal.organisation, by=principal.actor, space=space, memory=memory
        )
        return Response(status=204)
