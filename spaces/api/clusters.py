"""`/api/v1/spaces/{space}/clusters`: clusters of members."""

from uuid import UUID

from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.openapi import described
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from spaces.api.shared import Results, VersionQuery
from spaces.queries import get_view
from spaces.query.questions import find_clusters, shown


class ClustersQuery(VersionQuery):
    """The maximum number of clusters."""

    count: int = Field(default=5, ge=1, le=50)


class Clusters(NativeView):
    """Clusters of a space's members."""

    scopes = {"GET": Scope.SPACES_READ}
    costly = True

    @described("spaces_clusters", query=ClustersQuery, responses={200: Results})
    def get(self, request: Request, space: UUID) -> Response:
        """Cluster the newest 10,000 members; deterministic."""
        query = self.query(ClustersQuery)
        with tenant_transaction(self.organisation):
            view = get_view(organisation=self.organisation, space=space, version=query.version)
            found = find_clusters(organisation=self.organisation, view=view, count=query.count)
        by_name = {each.name: each for each in view.dimensions}
        results = [
            {
                "size": each.size,
                "centre": {name: shown(value, by_name[name]) for name, value in each.centre.items()},
                "nearest_concept": each.concept,
                "members": [str(memory) for memory in each.members],
            }
            for each in found
        ]
        return Response({"results": results, "next": None})
