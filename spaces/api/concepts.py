"""`/api/v1/spaces/{space}/concepts` and `/relations`."""

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
from spaces import queries
from spaces.api.rendering import concept_out, relation_out
from spaces.api.schemas import ConceptIn, ConceptOut, ConceptPage, RelationIn, RelationOut, RelationPage
from spaces.concepts import operations


def _answer(view: NativeView, space: UUID, concept: UUID) -> Response:
    organisation = view.principal.organisation
    with tenant_transaction(organisation):
        seen = queries.get_view(organisation=organisation, space=space, ready=False)
        row = queries.get_concept(organisation=organisation, space=space, concept=concept)
    return Response(concept_out(row, seen.dimensions))


def _concept_anew(view: NativeView, kept: dict[str, Any], space: UUID) -> Response:
    return _answer(view, space, UUID(kept["id"]))


def _relation_anew(view: NativeView, kept: dict[str, Any], space: UUID) -> Response:
    organisation = view.principal.organisation
    with tenant_transaction(organisation):
        row = queries.get_relation(organisation=organisation, space=space, relation=UUID(kept["id"]))
    return Response(relation_out(row))


class Concepts(NativeView):
    """A space's concepts."""

    scopes = {"GET": Scope.SPACES_READ, "POST": Scope.SPACES_WRITE}

    @extend_schema(
        operation_id="spaces_concepts", parameters=query_parameters(PageQuery), responses={200: ConceptPage}
    )
    def get(self, request: Request, space: UUID) -> Response:
        """List concepts, newest first."""
        query, organisation = self.query(PageQuery), self.principal.organisation
        with tenant_transaction(organisation):
            view = queries.get_view(organisation=organisation, space=space, ready=False)
            rows = queries.list_concepts(
                organisation=organisation, space=space, limit=query.limit + 1, before=query.before
            )
        results = [concept_out(row, view.dimensions) for row in rows]
        return Response(page(request._request, rows, query.limit, results))

    @extend_schema(operation_id="spaces_add_concept", request=ConceptIn, responses={201: ConceptOut})
    @once(anew=_concept_anew)
    def post(self, request: Request, space: UUID) -> Response:
        """Add a concept: by its prototype, learnt from examples, or placed by a text."""
        del request
        asked, principal = self.body(ConceptIn), self.principal
        row = operations.add_concept(
            organisation=principal.organisation, by=principal.actor, space=space, draft=asked.draft()
        )
        with tenant_transaction(principal.organisation):
            row.refresh_from_db()
            view = queries.get_view(organisation=principal.organisation, space=space, ready=False)
        return Response(concept_out(row, view.dimensions), status=201)


class ConceptDetail(NativeView):
    """One concept."""

    scopes = {"GET": Scope.SPACES_READ, "DELETE": Scope.SPACES_WRITE}

    @extend_schema(operation_id="spaces_concept", responses={200: ConceptOut})
    def get(self, request: Request, space: UUID, concept: UUID) -> Response:
        """Return a concept."""
        del request
        return _answer(self, space, concept)

    @extend_schema(operation_id="spaces_remove_concept", responses={204: None})
    def delete(self, request: Request, space: UUID, concept: UUID) -> Response:
        """Delete a concept with its relations."""
        del request
        principal = self.principal
        operations.remove_concept(
            organisation=principal.organisation, by=principal.actor, space=space, concept=concept
        )
        return Response(status=204)


class Relations(NativeView):
    """How a space's concepts stand to one another."""

    scopes = {"GET": Scope.SPACES_READ, "POST": Scope.SPACES_WRITE}

    @extend_schema(
        operation_id="spaces_relations", parameters=query_parameters(PageQuery), responses={200: RelationPage}
    )
    def get(self, request: Request, space: UUID) -> Response:
        """List relations, newest first."""
        query, organisation = self.query(PageQuery), self.principal.organisation
        with tenant_transaction(organisation):
            queries.get_space(organisation=organisation, space=space)
            rows = queries.list_relations(
                organisation=organisation, space=space, limit=query.limit + 1, before=query.before
            )
        results = [relation_out(row) for row in rows]
        return Response(page(request._request, rows, query.limit, results))

    @extend_schema(
        operation_id="spaces_relate", request=RelationIn, responses={201: RelationOut, 200: RelationOut}
    )
    @once(anew=_relation_anew)
    def post(self, request: Request, space: UUID) -> Response:
        """Say how one concept stands to another: is_a, part_of, opposite, causes, similar; what was said already answers 200."""
        del request
        asked, principal = self.body(RelationIn), self.principal
        row, is_new = operations.relate(
            organisation=principal.organisation,
            by=principal.actor,
            space=space,
            source=asked.source,
            kind=asked.kind,
            target=asked.target,
            weight=asked.weight,
        )
        return Response(relation_out(row), status=201 if is_new else 200)


class RelationDetail(NativeView):
    """One relation."""

    scopes = {"DELETE": Scope.SPACES_WRITE}

    @extend_schema(operation_id="spaces_unrelate", responses={204: None})
    def delete(self, request: Request, space: UUID, relation: UUID) -> Response:
        """Take a relation back."""
        del request
        principal = self.principal
        operations.unrelate(
            organisation=principal.organisation, by=principal.actor, space=space, relation=relation
        )
        return Response(status=204)
