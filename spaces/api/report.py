"""`/api/v1/spaces/{space}/report`: the quality of a space's dimensions."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.http.openapi import described
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from spaces.api.shared import Results, VersionQuery
from spaces.reports.dimensions import make_report


class DimensionReport(NativeView):
    """The quality of a space's dimensions."""

    scopes = {"GET": Scope.SPACES_READ}
    costly = True

    @described("spaces_report", query=VersionQuery, responses={200: Results})
    def get(self, request: Request, space: UUID) -> Response:
        """Return each dimension's coverage, pole separation, agreement with its examples and most similar dimension."""
        query = self.query(VersionQuery)
        _, reports = make_report(organisation=self.organisation, space=space, version=query.version)
        results = [_finite(asdict(each)) | {"warnings": list(each.warnings)} for each in reports]
        return Response({"results": results, "next": None})


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    # JSON has no NaN: undefined agreement is null
    return {
        name: None if isinstance(value, float) and value != value else value  # noqa: PLR0124
        for name, value in values.items()
    }
