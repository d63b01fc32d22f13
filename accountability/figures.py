"""Decision figures for the legacy route `/performance/metrics`, counted in the database."""

import json
from typing import Any
from uuid import UUID

from accountability.statements import COUNT_PRIVATE, FIGURES
from liftos.kernel.db.transactions import raw_cursor, read_value, tenant_transaction, whole_tenant
from liftos.kernel.ids import as_uuid
from liftos.kernel.tenancy.queries import OrganisationNotFound, get_organisation

RECENT = 1_000


def get_decision_figures(organisation: str) -> dict[str, Any]:
    """Return the figures of an organisation, by id or slug; all zero for an unknown one.

    Returns:
        total_events and decision_points: all its decisions that the caller may see (each has one decision point).
        recent_events: the newest of these, at most 1,000.
        average_confidence: of the recent ones that state a confidence; 0 if none does.
        operations_count: recent ones by operation.
        decision_chains: distinct operations among them.
    """
    organisation_id = _id_of(organisation)
    total, chains, recent, confidence, counts = (
        (0, 0, 0, 0.0, "{}") if organisation_id is None else _read(organisation_id)
    )
    return {
        "total_events": total,
        "decision_points": total,
        "recent_events": recent,
        "average_confidence": confidence,
        "operations_count": json.loads(counts),
        "decision_chains": chains,
    }


def _read(organisation: UUID) -> tuple[Any, ...]:
    with tenant_transaction(organisation):
        row = raw_cursor().execute(FIGURES, {"organisation": organisation, "recent": RECENT}).fetchone()
        assert row is not None  # noqa: S101  the statement always returns one row
        total, *others = row
        visible = read_value(COUNT_PRIVATE, [organisation])
        with whole_tenant(organisation):
            total -= read_value(COUNT_PRIVATE, [organisation]) - visible
    return (total, *others)


def _id_of(organisation: str) -> UUID | None:
    try:
        return as_uuid(organisation) or get_organisation(organisation).id
    except OrganisationNotFound:
        return None
