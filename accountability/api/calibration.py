"""`/api/v1/calibration`: how far stated confidences can be believed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response

from accountability import queries
from accountability.models.calibration import Calibration
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope


class CalibrationOut(BaseModel):
    """How far the confidences of one decision point, method and model version can be believed.

    `raw` and `after` hold `calibration_error` and `brier`, each with `value` and the ends of its 95% interval, `low` and `high`;
    `after` is cross-validated, and null while there are too few verdicts.
    """

    decision_point: str
    confidence_method: str
    versions: dict[str, Any]
    reviews: int
    right: int
    method: str
    parameters: dict[str, list[float]]
    raw: dict[str, Any]
    after: dict[str, Any] | None
    bins: list[dict[str, float]]
    because: dict[str, int]
    decision_id: UUID
    fitted_at: datetime


class CalibrationList(BaseModel):
    """All of them, the most reviewed first."""

    results: list[CalibrationOut]
    next: None


class CalibrationReport(NativeView):
    """How far stated confidences can be believed, judged by the verdicts."""

    scopes = {"GET": Scope.DECISIONS_READ}
    costly = True

    @extend_schema(operation_id="calibration", responses={200: CalibrationList})
    def get(self, request: Request) -> Response:
        """Return what was learnt when it was last looked at."""
        del request
        organisation = self.principal.organisation
        with tenant_transaction(organisation):
            rows = queries.list_calibrations(organisation=organisation)
        return Response({"results": [_calibration(row) for row in rows], "next": None})


def _calibration(row: Calibration) -> dict[str, Any]:
    shape = CalibrationOut(
        decision_point=row.decision_point,
        confidence_method=row.confidence_method,
        versions=row.versions,
        reviews=row.reviews,
        right=row.right,
        method=row.method,
        parameters=row.parameters,
        raw=row.figures["raw"],
        after=row.figures.get("after"),
        bins=row.figures["bins"],
        because=row.figures["because"],
        decision_id=row.decision_id,
        fitted_at=row.fitted_at,
    )
    return shape.model_dump(mode="json")
