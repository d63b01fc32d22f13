"""Reads of decision records, inside the caller's tenant transaction."""

import json
from collections.abc import Sequence
from typing import Any, Unpack
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist

from accountability.conditions import Conditions, newest
from accountability.errors import DecisionNotFound
from accountability.models import DecisionRecord
from accountability.models.calibration import Calibration
from accountability.ports import decisions_about
from accountability.statements import DECISIONS_OF_MEMORY, PAYLOADS_BY_PERSON
from accountability.types import Decision
from liftos.kernel.db.rows import one_or
from liftos.kernel.db.transactions import read_column
from liftos.kernel.erasure.types import Person
from liftos.kernel.ids import as_uuid

RECORD_COLUMNS = (
    "id", "operation", "decision_point", "subject_kind", "subject_id", "risk_class", "effect", "confidence",
    "confidence_method", "actor_kind", "actor_id", "on_behalf_of", "parents", "versions", "correlation_id", "trace_id",
    "span_id", "started_at", "ended_at", "recorded_at",
)  # fmt: skip


def has_payloads_by(*, organisation: UUID, person: Person) -> bool:
    """Return whether decisions of a person still have a payload."""
    return bool(read_column(PAYLOADS_BY_PERSON, {"organisation": organisation, **person.values}))


def list_decisions(
    *, organisation: UUID, limit: int, before: UUID | None = None, **conditions: Unpack[Conditions]
) -> list[Decision]:
    """Return decisions, newest first; ids ascend with time, so the id is the cursor.

    Args:
        organisation: whose.
        limit: maximum number.
        before: only decisions older than this id.
        conditions: which.
    """
    rows = newest(organisation=organisation, limit=limit, before=before, conditions=conditions)
    return [as_decision(row) for row in rows.select_related("payload")]


def get_decision(*, organisation: UUID, decision: UUID) -> Decision:
    """Return one decision.

    Raises:
        DecisionNotFound: there is none in this organisation.
    """
    rows = DecisionRecord.objects.filter(organisation_id=organisation, id=decision).select_related("payload")
    return as_decision(one_or(DecisionNotFound, rows))


def as_decision(row: DecisionRecord) -> Decision:
    """Return a row with its payload, if it has one, as a decision."""
    fields = {name: getattr(row, name) for name in RECORD_COLUMNS}
    try:
        return Decision(**fields, **row.payload.values)
    except ObjectDoesNotExist:  # erased
        return Decision(**fields)


def decision_from(columns: Sequence[Any], body: str | None) -> Decision:
    """Return a decision from raw values of RECORD_COLUMNS and its payload's text."""
    fields = dict(zip(RECORD_COLUMNS, columns, strict=True))
    if isinstance(fields["versions"], str):  # Django's connections return jsonb as text
        fields["versions"] = json.loads(fields["versions"])
    return Decision(**fields, **(json.loads(body) if body is not None else {}))


def memories_of(decision: Decision) -> list[UUID]:
    """Return the memories that a decision is about or used."""
    named = [str(each.get("id", "")) for each in decision.memories]
    if decision.subject_kind == "memory":
        named.append(decision.subject_id)
    return list(dict.fromkeys(found for each in named if (found := as_uuid(each)) is not None))


def newest_confidences(*, organisation: UUID, most: int) -> list[float]:
    """Return the newest stated confidences, at most `most`, newest first, searching 5 * `most` decisions."""
    rows = DecisionRecord.objects.filter(organisation_id=organisation).order_by("-id")[: 5 * most]
    return [each for each in rows.values_list("confidence", flat=True) if each is not None][:most]


def decisions_of_memory(*, organisation: UUID, memory: UUID, limit: int, newest: int) -> list[DecisionRecord]:
    """Return the decisions that changed, cited or used a memory, newest first.

    A search names the memories it returned only in its payload, which has no index: only the newest decisions are scanned for it.

    Args:
        organisation: whose.
        memory: which.
        limit: maximum number.
        newest: how many of the newest decisions are scanned; 1,000 take 10 ms.
    """
    values = {
        "organisation": organisation,
        "memory": memory,
        "subject": str(memory),
        "named": f'%"{memory}"%',
        "about": decisions_about(organisation, str(memory)),
        "limit": limit,
        "newest": newest,
    }
    ids = read_column(DECISIONS_OF_MEMORY, values)
    return list(DecisionRecord.objects.filter(organisation_id=organisation, id__in=ids).order_by("-id"))


def list_calibrations(*, organisation: UUID) -> list[Calibration]:
    """Return the latest calibrations, most reviewed first."""
    return list(Calibration.objects.filter(organisation_id=organisation).order_by("-reviews", "id"))
