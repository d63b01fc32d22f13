"""`/api/v1/spaces/{space}/neighbours`: the members nearest to a memory."""

from uuid import UUID

from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.openapi import described
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from spaces.api.positions import content_out
from spaces.api.shared import Results, VersionQuery
from spaces.queries import get_view
from spaces.query.questions import neighbours


class NeighboursQuery(VersionQuery):
    """The memory, and the number of neighbours."""

    memory: UUID
    limit: int = Field(default=10, ge=1, le=100)


class Neighbours(NativeView):
    """The members nearest to a memory."""

    scopes = {"GET": Scope.SPACES_READ}

    @described("spaces_neighbours", query=NeighboursQuery, responses={200: Results})
    def get(self, request: Request, space: UUID) -> Response:
        """List the members nearest to one of them."""
        query = self.query(NeighboursQuery)
        with tenant_transaction(self.organisation):
            view = get_view(organisation=self.organisation, space=space, version=query.version)
            found = neighbours(
                organisation=self.organisation, view=view, memory=query.memory, limit=query.limit
            )
        results = [
            {
                "memory_id": str(each.memory),
                **content_out(each.content, self.principal),
                "distance": each.distance,
                "similarity": each.similarity,
                "coverage": each.coverage,
            }
            for each in found
        ]
        return Response({"results": results, "next": None})
