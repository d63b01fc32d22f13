"""`/api/v1/spaces/{space}/explain`: explains how typical a memory is of a concept."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import QueryText
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from spaces.api.shared import VersionQuery, parts_out
from spaces.errors import ConceptNotFound
from spaces.queries import find_concept, get_view
from spaces.query.questions import explain, get_member_position


class ExplainQuery(VersionQuery):
    """The memory and the concept (name or id)."""

    memory: UUID
    concept: QueryText


class Explain(NativeView):
    """An explanation of a memory's typicality."""

    scopes = {"GET": Scope.SPACES_READ}

    @described("spaces_explain", query=ExplainQuery, responses={200: dict})
    def get(self, request: Request, space: UUID) -> Response:
        """Return how typical a memory is of a concept, by dimension."""
        query = self.query(ExplainQuery)
        with tenant_transaction(self.organisation):
            view = get_view(organisation=self.organisation, space=space, version=query.version)
            concept = find_concept(organisation=self.organisation, space=space, name=query.concept)
            if concept is None:
                raise ConceptNotFound(loc=("query", "concept"))
            position = get_member_position(organisation=self.organisation, view=view, memory=query.memory)
            found = explain(organisation=self.organisation, view=view, position=position, concept=concept)
        names = ("memory", "concept")
        body = {"memory_id": str(query.memory), "concept": concept.name, "version": view.version, **found}
        return Response(body | {"dimensions": parts_out(found["dimensions"], view.dimensions, names)})
