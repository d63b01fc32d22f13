"""Drift: whether the newest decisions of a group still turn out as their calibrated confidences say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from django.conf import settings
from prometheus_client import Counter

from accountability.calibration.measures import wilson
from accountability.calibration.recalibration import Recalibration
from accountability.models.calibration import Calibration
from liftos.kernel.outbox.operations import emit

WINDOW = 100
"""The newest decisions that are compared."""
LEAST = 30

DRIFTS = Counter("liftos_calibration_drifts_total", "Groups of decisions that left the band of calibration")


@dataclass(frozen=True, slots=True)
class Drift:
    """The newest decisions of a group against its calibration before.

    Attributes:
        expected: mean calibrated confidence, by the curve from before.
        observed: share that was right.
        reviews: number of decisions.
        band: allowed difference.
        drifted: whether they differ by more than the band, and by more than chance explains (Wilson's 95% interval).
    """

    expected: float
    observed: float
    reviews: int
    band: float
    drifted: bool

    @staticmethod
    def is_outside(figures: Mapping[str, Any]) -> bool:
        """Return whether a calibration's figures say so."""
        return bool((figures.get("drift") or {}).get("drifted"))


def drift_of(curve: Recalibration, stated: np.ndarray, right: np.ndarray) -> Drift | None:
    """Return the drift of a group; None if it has fewer than LEAST decisions.

    Args:
        curve: that was applied until now.
        stated: confidences, float64, shape (n,), newest first.
        right: what came of them, 0..1, of the same shape.
    """
    newest = right[:WINDOW]
    if len(newest) < LEAST:
        return None
    expected, observed = float(curve.apply(stated[:WINDOW]).mean()), float(newest.mean())
    low, high = wilson(observed, len(newest))
    band = settings.LIFTOS_CALIBRATION_BAND
    drifted = abs(expected - observed) > band and not low <= expected <= high
    return Drift(round(expected, 6), round(observed, 6), len(newest), band, drifted)


def announce(organisation: UUID, groups: Sequence[Calibration]) -> None:
    """Emit an event for each group that left its band, and count it, in the caller's tenant transaction."""
    for row in groups:
        drift = row.figures["drift"]
        emit(
            organisation=organisation,
            type="liftos.calibration.drifted",
            subject=f"decisions/{row.decision_id}",
            data={
                "decision_id": str(row.decision_id),
                "decision_point": row.decision_point,
                "confidence_method": row.confidence_method,
                **{name: drift[name] for name in ("expected", "observed", "reviews", "band")},
            },
        )
        DRIFTS.inc()
