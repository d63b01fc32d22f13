"""`/api/v1/spaces/{space}/dimensions`: read and replace dimensions."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from spaces import operations, queries
from spaces.api.shared import Results, VersionQuery
from spaces.api.space_shapes import SpaceOut, dimension_out, render, replay
from spaces.inputs import DimensionsIn
from spaces.operations import PreparedChange


class SpaceDimensions(NativeView):
    """A space's dimensions."""

    scopes = {"GET": Scope.SPACES_READ, "PUT": Scope.SPACES_WRITE}

    @described("spaces_dimensions", query=VersionQuery, responses={200: Results})
    def get(self, request: Request, space: UUID) -> Response:
        """List the dimensions of a version."""
        query = self.query(VersionQuery)
        with tenant_transaction(self.organisation):
            view = queries.get_view(
                organisation=self.organisation, space=space, version=query.version, ready=False
            )
        return Response({"results": [dimension_out(each) for each in view.dimensions], "next": None})

    def prepare(self, space: UUID) -> PreparedChange:
        """Read the dimensions and embed their poles."""
        dimensions = [each.dimension() for each in self.body(DimensionsIn).dimensions]
        return operations.prepare_change(organisation=self.organisation, space=space, dimensions=dimensions)

    @described("spaces_change_dimensions", request=DimensionsIn, responses={200: SpaceOut})
    @once(prepare=prepare, anew=replay)
    def put(self, request: Request, space: UUID, prepared: PreparedChange) -> Response:
        """Replace the dimensions in a new version, which searches use once its members are placed."""
        principal = self.principal
        version = operations.commit_change(**self.caller, space=space, prepared=prepared)
        with tenant_transaction(principal.organisation):
            row = queries.get_space(organisation=principal.organisation, space=space)
            return Response(render(principal.organisation, row, version.number))
