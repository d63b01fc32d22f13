"""`/api/v1/spaces/{space}/concepts`: list, add, read and delete concepts."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.dump import as_json
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import PageQuery, page, page_of
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from spaces import queries
from spaces.concepts import operations
from spaces.inputs import ConceptIn
from spaces.models import Concept
from spaces.query.questions import shown
from spaces.types import Array, Dimension


class ConceptOut(BaseModel):
    """A concept."""

    id: UUID
    name: str
    description: str
    prototype: dict[str, Any]
    weights: dict[str, float]
    radius: float
    examples: list[UUID]
    created_at: str


def concept_out(concept: Concept, dimensions: Sequence[Dimension]) -> dict[str, Any]:
    """Return a concept JSON-ready, its prototype in the dimensions' units."""
    by_name = {each.name.casefold(): each for each in dimensions}
    prototype = {
        name: shown(value, by_name[name.casefold()]) if name.casefold() in by_name else value
        for name, value in concept.prototype.items()
    }
    return as_json(ConceptOut, concept, prototype=prototype, created_at=concept.created_at.isoformat())


def _respond(view: NativeView, space: UUID, concept: UUID) -> Response:
    organisation = view.principal.organisation
    with tenant_transaction(organisation):
        dimensions = queries.get_view(organisation=organisation, space=space, ready=False).dimensions
        row = queries.get_concept(organisation=organisation, space=space, concept=concept)
    return Response(concept_out(row, dimensions))


def _replay(view: NativeView, kept: dict[str, Any], space: UUID) -> Response:
    return _respond(view, space, UUID(kept["id"]))


class Concepts(NativeView):
    """A space's concepts."""

    scopes = {"GET": Scope.SPACES_READ, "POST": Scope.SPACES_WRITE}

    @described("spaces_concepts", query=PageQuery, responses={200: page_of(ConceptOut)})
    def get(self, request: Request, space: UUID) -> Response:
        """List concepts, newest first."""
        query = self.query(PageQuery)
        with tenant_transaction(self.organisation):
            view = queries.get_view(organisation=self.organisation, space=space, ready=False)
            rows = queries.list_concepts(
                organisation=self.organisation, space=space, limit=query.limit + 1, before=query.before
            )
        results = [concept_out(row, view.dimensions) for row in rows]
        return Response(page(request._request, rows, query.limit, results))

    def prepare(self, space: UUID) -> Array | None:
        """Embed the concept's text."""
        return operations.embed_concept(self.organisation, self.body(ConceptIn).draft())

    @described("spaces_add_concept", request=ConceptIn, responses={201: ConceptOut})
    @once(prepare=prepare, anew=_replay)
    def post(self, request: Request, space: UUID, prepared: Array | None) -> Response:
        """Add a concept, from a prototype, examples or a text."""
        draft, principal = self.body(ConceptIn).draft(), self.principal
        row = operations.commit_concept(**self.caller, space=space, draft=draft, vector=prepared)
        with tenant_transaction(principal.organisation):
            row.refresh_from_db()
            view = queries.get_view(organisation=principal.organisation, space=space, ready=False)
        return Response(concept_out(row, view.dimensions), status=201)


class ConceptDetail(NativeView):
    """One concept."""

    scopes = {"GET": Scope.SPACES_READ, "DELETE": Scope.SPACES_WRITE}

    @described("spaces_concept", responses={200: ConceptOut})
    def get(self, request: Request, space: UUID, concept: UUID) -> Response:
        """Return a concept."""
        return _respond(self, space, concept)

    @described("spaces_remove_concept", responses={204: None})
    def delete(self, request: Request, space: UUID, concept: UUID) -> Response:
        """Delete a concept with its relations."""
        operations.remove_concept(**self.caller, space=space, concept=concept)
        return Response(status=204)
