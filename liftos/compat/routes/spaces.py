"""The seed's two routes of conceptual spaces, field for field as its contract."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.envelope import Envelope
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import query_parameters
from liftos.kernel.http.views import SeedView
from liftos.kernel.tenancy.types import Principal, Scope
from spaces.api.schemas import SeedDimensions, SeedSpaceQuery
from spaces.dimension_rules import check_dimensions
from spaces.memory_port import forget_spaces
from spaces.models import Space
from spaces.operations import create_space, named_dimensions
from spaces.placement.axes import resolve
from spaces.queries import count_parts, list_made_spaces, seed_suffix


def seed_id(slug: str, space: Space) -> str:
    """Return a space's id as the contract forms it."""
    return f"space_{slug}_{seed_suffix(space.id)}"


class CreateSpace(SeedView):
    """`POST /conceptual-spaces/create`: the body is a bare list of dimension names, the name stands in the query string."""

    scopes = {"POST": Scope.SPACES_WRITE}
    failure = "Conceptual space creation failed"

    def warm_up(self) -> None:
        """Have the poles embedded, and cached, before a transaction waits for them."""
        dimensions = named_dimensions(self.body(SeedDimensions).root)
        check_dimensions(dimensions)
        resolve(organisation=self.principal.organisation, dimensions=dimensions)

    def render(self, space_id: str) -> Response:
        """Return the answer: what was asked for, and the id of the space that it became."""
        data = {
            "space_id": space_id,
            "name": self.query(SeedSpaceQuery).name,
            "dimensions": self.body(SeedDimensions).root,
            "org_id": self.principal.slug,
        }
        metadata = {"correlation_id": self.correlation_id, "enhanced_feature": "conceptual_spaces"}
        return self.envelope("Conceptual space created successfully", data, metadata)

    def answer_anew(self, kept: dict[str, Any]) -> Response:
        """Answer a request again that was carried out under its Idempotency-Key."""
        return self.render(kept["space_id"])

    @extend_schema(
        operation_id="conceptual_spaces_create",
        request=SeedDimensions,
        parameters=query_parameters(SeedSpaceQuery),
        responses={200: Envelope},
    )
    @once(anew=answer_anew)
    def post(self, request: Request) -> Response:
        """Make a space from dimension names: those that a template knows take its poles."""
        del request
        name, names = self.query(SeedSpaceQuery).name, self.body(SeedDimensions).root
        principal = self.principal
        space = create_space(
            organisation=principal.organisation,
            by=principal.actor,
            name=name,
            dimensions=named_dimensions(names),
        )
        forget_spaces(principal.organisation)
        return self.render(seed_id(principal.slug, space))


def seed_spaces(principal: Principal) -> dict[str, dict[str, Any]]:
    """Return an organisation's spaces in the seed's form, by their ids there."""
    with tenant_transaction(principal.organisation):
        rows = list_made_spaces(organisation=principal.organisation)
        counts = count_parts(organisation=principal.organisation)
    return {
        seed_id(principal.slug, row): {
            "name": row.name,
            "dimensions": dimensions,
            "concepts_count": counts.get(row.id, (0, 0))[0],
            "relationships_count": counts.get(row.id, (0, 0))[1],
            "created_at": row.created_at.timestamp(),
            "updated_at": row.updated_at.timestamp(),
        }
        for row, dimensions in rows
    }


class ListSpaces(SeedView):
    """`GET /conceptual-spaces`."""

    scopes = {"GET": Scope.SPACES_READ}
    failure = "Failed to retrieve conceptual spaces"

    @extend_schema(operation_id="conceptual_spaces", responses={200: Envelope})
    def get(self, request: Request) -> Response:
        """Return the caller's spaces, keyed by id; the default one, which nobody made, is not among them."""
        del request
        spaces = seed_spaces(self.principal)
        return self.envelope(
            "Conceptual spaces retrieved", {"conceptual_spaces": spaces, "count": len(spaces)}
        )
