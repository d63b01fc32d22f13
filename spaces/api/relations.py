"""`/api/v1/spaces/{space}/relations`: relations between concepts."""

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
from spaces.inputs import RelationIn
from spaces.models import ConceptRelation


class RelationOut(BaseModel):
    """A relation between two concepts."""

    id: UUID
    source: str
    kind: str
    target: str
    weight: float


def relation_out(relation: ConceptRelation) -> dict[str, Any]:
    """Return a relation JSON-ready."""
    return as_json(RelationOut, relation, source=relation.source.name, target=relation.target.name)


def _replay(view: NativeView, kept: dict[str, Any], space: UUID) -> Response:
    organisation = view.principal.organisation
    with tenant_transaction(organisation):
        row = queries.get_relation(organisation=organisation, space=space, relation=UUID(kept["id"]))
    return Response(relation_out(row))


class Relations(NativeView):
    """The relations between a space's concepts."""

    scopes = {"GET": Scope.SPACES_READ, "POST": Scope.SPACES_WRITE}

    @described("spaces_relations", query=PageQuery, responses={200: page_of(RelationOut)})
    def get(self, request: Request, space: UUID) -> Response:
        """List relations, newest first."""
        query = self.query(PageQuery)
        with tenant_transaction(self.organisation):
            queries.get_space(organisation=self.organisation, space=space)
            rows = queries.list_relations(
                organisation=self.organisation, space=space, limit=query.limit + 1, before=query.before
            )
        results = [relation_out(row) for row in rows]
        return Response(page(request._request, rows, query.limit, results))

    @described("spaces_relate", request=RelationIn, responses={201: RelationOut, 200: RelationOut})
    @once(anew=_replay)
    def post(self, request: Request, space: UUID) -> Response:
        """Add a relation (is_a, part_of, opposite, causes, similar); 200 if it exists already."""
        relation = self.body(RelationIn)
        row, is_new = operations.relate(
            **self.caller,
            space=space,
            source=relation.source,
            kind=relation.kind,
            target=relation.target,
            weight=relation.weight,
        )
        return Response(relation_out(row), status=201 if is_new else 200)


class RelationDetail(NativeView):
    """One relation."""

    scopes = {"DELETE": Scope.SPACES_WRITE}

    @described("spaces_unrelate", responses={204: None})
    def delete(self, request: Request, space: UUID, relation: UUID) -> Response:
        """Delete a relation."""
        operations.unrelate(**self.caller, space=space, relation=relation)
        return Response(status=204)
