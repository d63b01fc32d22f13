"""`/api/v1/calibration`: how well stated confidences match verdicts and outcomes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response

from accountability import queries
from accountability.models.calibration import Calibration
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import page_of
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope


class DriftOut(BaseModel):
    """The newest decisions of a group against its calibration before: what their confidences led to expect, and what came of them.

    `drifted` is true if these differ by more than `band`, and by more than chance explains.
    """

    expected: float
    observed: float
    reviews: int
    band: float
    drifted: bool


class CalibrationOut(BaseModel):
    """The calibration of one decision point, confidence method and model version.

    `raw` and `after` hold `calibration_error` and `brier`, each with `value` and its 95% interval, `low` to `high`;
    `after` is cross-validated, and null while there are too few. `reviews` counts decisions with a verdict or an outcome, `outcomes` those
    with an outcome. `drift` is null for a new group, and one with fewer than 30.
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
    outcomes: int = 0
    drift: DriftOut | None = None
    because: dict[str, int]
    decision_id: UUID
    fitted_at: datetime


class CalibrationReport(NativeView):
    """The calibration of stated confidences against verdicts and outcomes."""

    scopes = {"GET": Scope.DECISIONS_READ}
    costly = True

    @described("calibration", responses={200: page_of(CalibrationOut, "CalibrationList", is_only=True)})
    def get(self, request: Request) -> Response:
        """Return the latest calibrations, most reviewed first."""
        with tenant_transaction(self.organisation):
            rows = queries.list_calibrations(organisation=self.organisation)
        return Response({"results": [_render(row) for row in rows], "next": None})


def _render(row: Calibration) -> dict[str, Any]:
    values = vars(row) | {"after": None} | row.figures
    return CalibrationOut.model_validate(values).model_dump(mode="json")
