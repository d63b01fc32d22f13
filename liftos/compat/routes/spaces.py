"""The old routes for conceptual spaces, exactly as in the contract."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from liftos.compat.shapes.spaces import DimensionNames, SpaceQuery, space_id, spaces_out
from liftos.kernel.http.envelope import Envelope
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.views import CompatView
from liftos.kernel.tenancy.types import Scope
from spaces.memory_port import forget_spaces
from spaces.operations import PreparedDimensions, commit_space, named_dimensions, prepare_dimensions


class CreateSpace(CompatView):
    """`POST /conceptual-spaces/create`: the body is a list of dimension names, the space's name is in the query string."""

    scopes = {"POST": Scope.SPACES_WRITE}
    failure = "Conceptual space creation failed"

    def prepare(self) -> PreparedDimensions:
        """Read the dimensions and embed their poles."""
        self.query(SpaceQuery)
        dimensions = named_dimensions(self.body(DimensionNames).root)
        return prepare_dimensions(organisation=self.organisation, dimensions=dimensions)

    def render(self, space: str) -> Response:
        """Render the response: the request's values and the space's id."""
        data = {
            "space_id": space,
            "name": self.query(SpaceQuery).name,
            "dimensions": self.body(DimensionNames).root,
            "org_id": self.principal.slug,
        }
        metadata = {"correlation_id": self.correlation_id, "enhanced_feature": "conceptual_spaces"}
        return self.envelope("Conceptual space created successfully", data, metadata)

    def answer_anew(self, kept: dict[str, Any]) -> Response:
        """Replay a response."""
        return self.render(kept["space_id"])

    @described(
        "conceptual_spaces_create", request=DimensionNames, query=SpaceQuery, responses={200: Envelope}
    )
    @once(prepare=prepare, anew=answer_anew)
    def post(self, request: Request, prepared: PreparedDimensions) -> Response:
        """Create a space from dimension names; dimensions known from a template get its poles."""
        principal = self.principal
        space = commit_space(**self.caller, name=self.query(SpaceQuery).name, prepared=prepared)
        forget_spaces(principal.organisation)
        return self.render(space_id(principal.slug, space))


class ListSpaces(CompatView):
    """`GET /conceptual-spaces`."""

    scopes = {"GET": Scope.SPACES_READ}
    failure = "Failed to retrieve conceptual spaces"

    @described("conceptual_spaces", responses={200: Envelope})
    def get(self, request: Request) -> Response:
        """Return the caller's spaces by id, except the default space."""
        spaces = spaces_out(self.principal)
        return self.envelope(
            "Conceptual spaces retrieved", {"conceptual_spaces": spaces, "count": len(spaces)}
        )
