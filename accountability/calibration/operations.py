"""Learning from an organisation's verdicts, and telling what a confidence is worth by them."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from accountability.calibration.measures import as_arrays, reliability
from accountability.calibration.recalibration import Recalibration, fit_best, scores_of
from accountability.calibration.statements import ONE_AT_A_TIME, VERDICTS
from accountability.canonical import canonicalise
from accountability.models.calibration import Calibration
from accountability.models.reviews import ReviewCase
from accountability.operations import record
from accountability.types import SETTLED, Decision, Effect
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor

# the newest verdicts; older ones tell of what the system was
NEWEST = 50_000
# of either outcome, so many at least: without wrong ones there is nothing to learn of being wrong
EITHER = 10
# versions are the callers' own words: without a bound they could make a group of every decision
MOST_GROUPS = 200


@dataclass(slots=True)
class _Group:
    versions: dict[str, Any]
    stated: list[float] = field(default_factory=list)
    right: list[float] = field(default_factory=list)
    because: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))


def version_key(versions: dict[str, Any]) -> str:
    """Return what a decision's versions are known by: SHA-256 of their canonical text, hexadecimal."""
    return hashlib.sha256(canonicalise(versions)).hexdigest()


def calibrate(*, organisation: UUID, by: Actor, now: datetime) -> list[Calibration]:
    """Measure the confidences of each decision point, method and model version against the verdicts, and learn from them.

    A curve is learnt once there are `LIFTOS_CALIBRATION_REVIEWS` verdicts, ten of each kind among them; before that the
    confidences are measured alone. One record in the ledger tells of all.

    Args:
        organisation: whose.
        by: who asks for it.
        now: aware UTC.

    Returns:
        What is known now, one for each group, the most reviewed first.
    """
    with observe_operation("calibration.fit", organisation=str(organisation)):
        with tenant_transaction(organisation):
            groups = _groups(organisation)
        # outside of a transaction: this takes seconds, and the verdicts do not change
        largest = sorted(groups.items(), key=lambda item: -len(item[1].right))[:MOST_GROUPS]
        rows = [_fit(organisation, key, group, now) for key, group in largest]
        with tenant_transaction(organisation):
            with raw_cursor() as cursor:
                cursor.execute(ONE_AT_A_TIME, [f"calibration {organisation}"])
            if rows:
                decision = _put_on_record(organisation, by, rows)
                for row in rows:
                    row.decision_id = decision
            # what no verdict supports any more goes
            Calibration.objects.filter(organisation_id=organisation).delete()
            Calibration.objects.bulk_create(rows)
    return rows


def _groups(organisation: UUID) -> dict[tuple[str, str, str], _Group]:
    groups: dict[tuple[str, str, str], _Group] = {}
    with raw_cursor() as cursor:
        for point, method, raw, stated, right, because in cursor.execute(VERDICTS, (organisation, NEWEST)):
            versions = json.loads(raw) if isinstance(raw, str) else raw
            group = groups.setdefault((point, method, version_key(versions)), _Group(versions))
            group.stated.append(stated)
            group.right.append(float(right))
            group.because[because] += 1
    return groups


def _fit(organisation: UUID, key: tuple[str, str, str], group: _Group, now: datetime) -> Calibration:
    stated, right = as_arrays(group.stated, group.right)
    count, good = len(right), int(right.sum())
    enough = count >= settings.LIFTOS_CALIBRATION_REVIEWS and min(good, count - good) >= EITHER
    figures: dict[str, Any] = {
        "bins": [asdict(each) for each in reliability(stated, right)],
        "because": dict(group.because),
        "enough": enough,
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
        right=good,
        figures=figures,
        fitted_at=now,
    )


def _put_on_record(organisation: UUID, by: Actor, rows: list[Calibration]) -> UUID:
    learnt = [row for row in rows if row.method != "none"]
    return record(
        organisation=organisation,
        by=by,
        operation="calibration.fit",
        effect=Effect.WRITE,
        reasoning=f"Measured {sum(row.reviews for row in rows)} reviewed confidences in {len(rows)} groups; "
        f"{len(learnt)} are recalibrated, by the method that did best on verdicts it had not seen.",
        inputs={"newest": NEWEST, "enough": settings.LIFTOS_CALIBRATION_REVIEWS, "either": EITHER},
        outputs={
            "groups": [
                {
                    "decision_point": row.decision_point,
                    "confidence_method": row.confidence_method,
                    "version_key": row.version_key,
                    "reviews": row.reviews,
                    "right": row.right,
                    "method": row.method,
                    "parameters": row.parameters,
                    "raw": row.figures["raw"],
                    "after": row.figures.get("after"),
                }
                for row in rows[:200]
            ]
        },
    )


def has_new_verdicts(*, organisation: UUID) -> bool:
    """Tell whether a decision was settled since an organisation was last calibrated."""
    with tenant_transaction(organisation):
        last = Calibration.objects.filter(organisation_id=organisation).order_by("-fitted_at").first()
        settled = ReviewCase.objects.filter(
            organisation_id=organisation, state__in=[str(each) for each in SETTLED]
        )
        if last is not None:
            settled = settled.filter(changed_at__gt=last.fitted_at)
        return settled.exists()


def calibrated(*, organisation: UUID, decisions: Iterable[Decision]) -> dict[UUID, float]:
    """Return what decisions' confidences are worth, for those that something is known of. One query, inside the transaction."""
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
