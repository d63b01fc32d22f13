"""Fitting calibrations from an organisation's verdicts and outcomes, and applying them to confidences."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from django.conf import settings

from accountability.calibration.drift import Drift, announce, drift_of
from accountability.calibration.measures import as_arrays, reliability
from accountability.calibration.recalibration import Recalibration, fit_best, scores_of
from accountability.calibration.statements import ONE_AT_A_TIME, VERDICTS
from accountability.canonical import canonicalise
from accountability.models.calibration import Calibration
from accountability.models.outcomes import DecisionOutcome
from accountability.models.reviews import ReviewCase
from accountability.operations import record
from accountability.types import SETTLED, Decision, Effect
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.db.viewers import EVERYBODY, viewing
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor

# verdicts used; older ones describe an earlier state of the system
NEWEST = 50_000
# minimum of approvals and of overturned decisions for a fit
EITHER = 10
# callers choose their versions: without a limit every decision could be its own group
MAX_GROUPS = 200


@dataclass(slots=True)
class _Group:
    versions: dict[str, Any]
    stated: list[float] = field(default_factory=list)
    right: list[float] = field(default_factory=list)
    because: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    outcomes: int = 0


def version_key(versions: dict[str, Any]) -> str:
    """Return the key of a decision's versions: SHA-256 of their canonical text, hexadecimal."""
    return hashlib.sha256(canonicalise(versions)).hexdigest()


def calibrate(*, organisation: UUID, by: Actor, now: datetime) -> list[Calibration]:
    """Measure the confidences of each decision point, method and model version against verdicts and outcomes, and fit curves.

    A curve is fitted once a group has `LIFTOS_CALIBRATION_REVIEWS` verdicts, at least ten of each outcome; until then it is
    only measured. One record in the ledger covers all groups. Everybody may read it, so only the organisation's decisions count.
    Groups whose newest decisions left the band around their last calibration are announced.

    Args:
        organisation: whose.
        by: the actor.
        now: aware UTC.

    Returns:
        The new calibrations, one per group, most reviewed first.
    """
    with observe_operation("calibration.fit", organisation=str(organisation)), viewing(EVERYBODY):
        with tenant_transaction(organisation):
            groups = _groups(organisation)
            former = _former(organisation)
        # outside a transaction: this takes seconds, and verdicts never change
        largest = sorted(groups.items(), key=lambda item: -len(item[1].right))[:MAX_GROUPS]
        rows = [_fit(organisation, key, group, former.get(key), now) for key, group in largest]
        with tenant_transaction(organisation):
            raw_cursor().execute(ONE_AT_A_TIME, [f"calibration {organisation}"])
            if rows:
                decision = _record(organisation, by, rows)
                for row in rows:
                    row.decision_id = decision
            # also drops groups without verdicts among the newest
            Calibration.objects.filter(organisation_id=organisation).delete()
            Calibration.objects.bulk_create(rows)
            announce(organisation, [row for row in rows if _has_left(row, former)])
    return rows


def _has_left(row: Calibration, former: dict[tuple[str, str, str], Calibration]) -> bool:
    before = former.get((row.decision_point, row.confidence_method, row.version_key))
    was_outside = before is not None and Drift.is_outside(before.figures)
    return Drift.is_outside(row.figures) and not was_outside


def _former(organisation: UUID) -> dict[tuple[str, str, str], Calibration]:
    rows = Calibration.objects.filter(organisation_id=organisation)
    return {(row.decision_point, row.confidence_method, row.version_key): row for row in rows}


def _groups(organisation: UUID) -> dict[tuple[str, str, str], _Group]:
    groups: dict[tuple[str, str, str], _Group] = {}
    values = {"organisation": organisation, "newest": NEWEST}
    for point, method, raw, stated, right, because, observed in raw_cursor().execute(VERDICTS, values):
        versions = json.loads(raw) if isinstance(raw, str) else raw
        group = groups.setdefault((point, method, version_key(versions)), _Group(versions))
        group.stated.append(stated)
        group.right.append(float(right))
        group.because[because] += 1
        group.outcomes += observed
    return groups


def _fit(
    organisation: UUID, key: tuple[str, str, str], group: _Group, former: Calibration | None, now: datetime
) -> Calibration:
    stated, right = as_arrays(group.stated, group.right)
    count, approved = len(right), round(float(right.sum()))
    enough = count >= settings.LIFTOS_CALIBRATION_REVIEWS and min(approved, count - approved) >= EITHER
    figures: dict[str, Any] = {
        "bins": [asdict(each) for each in reliability(stated, right)],
        "because": dict(group.because),
        "enough": enough,
        "outcomes": group.outcomes,
        "drift": _drift(former, stated, right),
    }
    curve = Recalibration()
    if enough:
        fit = fit_best(stated, right)
        curve = fit.recalibration
        figures |= {"raw": asdict(fit.raw), "after": asdict(fit.after), "tried": fit.tried}
    else:
        figures["raw"] = asdict(scores_of(stated, right))
    return Calibration(
        organisation_id=organisation,
        decision_point=key[0],
        confidence_method=key[1],
        version_key=key[2],
        versions=group.versions,
        method=curve.method,
        parameters=curve.parameters,
        reviews=count,
        right=approved,
        figures=figures,
        fitted_at=now,
    )


def _drift(former: Calibration | None, stated: np.ndarray, right: np.ndarray) -> dict[str, Any] | None:
    if former is None:
        return None
    drift = drift_of(Recalibration(former.method, former.parameters), stated, right)
    return None if drift is None else asdict(drift)


def _record(organisation: UUID, by: Actor, rows: list[Calibration]) -> UUID:
    fitted = sum(row.method != "none" for row in rows)
    fields = (
        "decision_point",
        "confidence_method",
        "version_key",
        "reviews",
        "right",
        "method",
        "parameters",
    )
    return record(
        organisation=organisation,
        by=by,
        operation="calibration.fit",
        effect=Effect.WRITE,
        reasoning=f"Measured {sum(row.reviews for row in rows)} confidences with a verdict or an outcome in {len(rows)} groups; "
        f"{fitted} are recalibrated, each by the method with the best cross-validated score.",
        inputs={"newest": NEWEST, "enough": settings.LIFTOS_CALIBRATION_REVIEWS, "either": EITHER},
        outputs={
            "groups": [
                {name: getattr(row, name) for name in fields}
                | {name: row.figures.get(name) for name in ("raw", "after", "outcomes", "drift")}
                for row in rows
            ]
        },
    )


def has_new_verdicts(*, organisation: UUID) -> bool:
    """Return whether a decision that everybody may see was settled, or got an outcome, since the organisation's last calibration."""
    with viewing(EVERYBODY), tenant_transaction(organisation):
        last = Calibration.objects.filter(organisation_id=organisation).order_by("-fitted_at").first()
        settled = ReviewCase.objects.filter(
            organisation_id=organisation, state__in=[str(each) for each in SETTLED]
        )
        observed = DecisionOutcome.objects.filter(organisation_id=organisation, rightness__isnull=False)
        if last is not None:
            settled = settled.filter(changed_at__gt=last.fitted_at)
            observed = observed.filter(recorded_at__gt=last.fitted_at)
        return settled.exists() or observed.exists()


def calibrated_confidences(*, organisation: UUID, decisions: Iterable[Decision]) -> dict[UUID, float]:
    """Return the calibrated confidence of each decision whose group has a curve, by id. One query, in the caller's transaction."""
    stated = [each for each in decisions if each.confidence is not None]
    if not stated:
        return {}
    rows = Calibration.objects.filter(
        organisation_id=organisation, decision_point__in={each.decision_point for each in stated}
    ).exclude(method="none")
    curves = {
        (row.decision_point, row.confidence_method, row.version_key): Recalibration(
            row.method, row.parameters
        )
        for row in rows
    }
    if not curves:
        return {}
    found: dict[UUID, float] = {}
    for each in stated:
        curve = curves.get((each.decision_point, each.confidence_method, version_key(each.versions)))
        if curve is not None and each.confidence is not None:
            found[each.id] = round(curve.of(each.confidence), 6)
    return found
