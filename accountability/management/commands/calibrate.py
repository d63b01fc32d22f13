"""`manage.py calibrate ORG [--json]`."""

import json
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from accountability.calibration.operations import calibrate
from accountability.models.calibration import Calibration
from liftos.kernel.telemetry.command import ObservedCommand
from liftos.kernel.tenancy.queries import get_organisation
from liftos.kernel.tenancy.types import SYSTEM


class Command(ObservedCommand):
    help = "Measure stated confidences against verdicts, and fit a recalibration where there are enough."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("org", help="the organisation's slug")
        parser.add_argument("--json", action="store_true", help="print one JSON object per group")

    def handle(self, *args: Any, **options: Any) -> None:
        organisation = get_organisation(options["org"])
        rows = calibrate(organisation=organisation.id, by=SYSTEM, now=timezone.now())
        if not rows:
            self.stdout.write("No decision with a stated confidence has been approved or overturned yet.")
        for row in rows:
            self.stdout.write(_as_json(row) if options["json"] else _text(row))


def _as_json(row: Calibration) -> str:
    fields = ("decision_point", "confidence_method", "versions", "reviews", "right", "method")
    values = {name: getattr(row, name) for name in fields}
    return json.dumps(values | {"raw": row.figures["raw"], "after": row.figures.get("after")})


def _text(row: Calibration) -> str:
    lines = [
        f"{row.decision_point} by {row.confidence_method or 'no method'}: {row.reviews} reviewed, {row.right} right",
        f"  as stated     {_scores(row.figures['raw'])}",
    ]
    if after := row.figures.get("after"):
        lines.append(f"  recalibrated  {_scores(after)}  by {row.method}, cross-validated")
    else:
        lines.append("  too few verdicts to fit a recalibration")
    return "\n".join(lines)


def _scores(scores: dict[str, Any]) -> str:
    ece, brier = (
        f"{each['value']:.3f} ({each['low']:.3f} to {each['high']:.3f})"
        for each in (scores["calibration_error"], scores["brier"])
    )
    return f"ECE {ece}  Brier {brier}"
