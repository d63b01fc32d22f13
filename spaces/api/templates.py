"""`/api/v1/spaces/templates`: built-in space templates."""

from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.http.openapi import described
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from spaces.api.shared import Results
from spaces.api.space_shapes import dimension_out
from spaces.space_templates import TEMPLATES


class Templates(NativeView):
    """The built-in space templates."""

    scopes = {"GET": Scope.SPACES_READ}

    @described("spaces_templates", responses={200: Results})
    def get(self, request: Request) -> Response:
        """List the templates with their dimensions."""
        results = [
            {
                "name": each.name,
                "title": each.title,
                "description": each.description,
                "dimensions": [dimension_out(dimension) for dimension in each.dimensions],
            }
            for each in TEMPLATES.values()
        ]
        return Response({"results": results, "next": None})
