"""`/api/v1/spaces`: create, list, read and delete spaces; list versions."""

from uuid import UUID

from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import PageQuery, page, page_of
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from spaces import operations, queries
from spaces.api.shared import VersionQuery
from spaces.api.space_shapes import LayoutOut, SpaceOut, layout_out, render, replay
from spaces.inputs import SpaceIn
from spaces.memory_port import forget_spaces
from spaces.operations import PreparedDimensions
from spaces.placement.layouts import read_dimensions


class SpaceVersionOut(BaseModel):
    """A version of a space; versions with the same placement share their positions."""

    version: int
    dimensions: list[str]
    positions: LayoutOut
    recorded_at: str
    decision_id: UUID


class SpaceCollection(NativeView):
    """The organisation's spaces."""

    scopes = {"GET": Scope.SPACES_READ, "POST": Scope.SPACES_WRITE}

    @described("spaces_list", query=PageQuery, responses={200: page_of(SpaceOut)})
    def get(self, request: Request) -> Response:
        """List spaces, newest first."""
        query = self.query(PageQuery)
        with tenant_transaction(self.organisation):
            rows = queries.list_spaces(
                organisation=self.organisation, limit=query.limit + 1, before=query.before
            )
            results = [render(self.organisation, row) for row in rows[: query.limit]]
        return Response(page(request._request, rows, query.limit, results))

    def prepare(self) -> PreparedDimensions:
        """Read the dimensions and embed their poles."""
        dimensions = self.body(SpaceIn).read_dimensions()
        return operations.prepare_dimensions(organisation=self.organisation, dimensions=dimensions)

    @described("spaces_create", request=SpaceIn, responses={201: SpaceOut})
    @once(prepare=prepare, anew=replay)
    def post(self, request: Request, prepared: PreparedDimensions) -> Response:
        """Create a space; `positions` says whether its members are still being placed."""
        draft, principal = self.body(SpaceIn), self.principal
        space = operations.commit_space(
            **self.caller,
            name=draft.name,
            prepared=prepared,
            description=draft.description,
            holds_all=draft.holds_all,
        )
        forget_spaces(principal.organisation)
        with tenant_transaction(principal.organisation):
            space.refresh_from_db()
            body = render(principal.organisation, space)
        return Response(body, status=201, headers={"Location": f"/api/v1/spaces/{space.id}"})


class SpaceDetail(NativeView):
    """One space."""

    scopes = {"GET": Scope.SPACES_READ, "DELETE": Scope.SPACES_WRITE}

    @described("spaces_get", query=VersionQuery, responses={200: SpaceOut})
    def get(self, request: Request, space: UUID) -> Response:
        """Return a space, optionally in another `version`."""
        query = self.query(VersionQuery)
        with tenant_transaction(self.organisation):
            row = queries.get_space(organisation=self.organisation, space=space)
            return Response(render(self.organisation, row, query.version))

    @described("spaces_delete", responses={204: None})
    def delete(self, request: Request, space: UUID) -> Response:
        """Delete a space with its concepts and positions; the memories stay."""
        principal = self.principal
        operations.delete_space(**self.caller, space=space)
        forget_spaces(principal.organisation)
        return Response(status=204)


class SpaceVersions(NativeView):
    """A space's versions."""

    scopes = {"GET": Scope.SPACES_READ}

    @described("spaces_versions", responses={200: page_of(SpaceVersionOut, is_only=True)})
    def get(self, request: Request, space: UUID) -> Response:
        """List versions, newest first, each with the state of its positions."""
        with tenant_transaction(self.organisation):
            queries.get_space(organisation=self.organisation, space=space)
            results = [
                {
                    "version": each.number,
                    "dimensions": [
                        dimension.name
                        for dimension in read_dimensions(
                            organisation=self.organisation, space=space, version=each.number
                        )
                    ],
                    "positions": layout_out(each.layout),
                    "recorded_at": each.recorded_at.isoformat(),
                    "decision_id": str(each.decision_id),
                }
                for each in queries.list_versions(organisation=self.organisation, space=space)
            ]
        return Response({"results": results, "next": None})
