"""The figures of accountability in the old platform's `/performance/metrics`, counted in the database."""

import json
from typing import Any
from uuid import UUID

from accountability.statements import FIGURES
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.tenancy.queries import OrganisationNotFound, get_organisation

RECENT = 1_000


def get_decision_figures(organisation: str) -> dict[str, Any]:
    """Return an organisation's figures, all zero where there is none of that id or slug.

    Returns:
        total_events and decision_points: all its decisions (each is taken at one point), of all processes and times.
        recent_events: the newest of them, 1,000 at most.
        average_confidence: of the recent ones that state a confidence; 0 if none does.
        operations_count: recent ones by operation.
        decision_chains: operations that have decisions, of all times.
    """
    found = _id_of(organisation)
    total, chains, recent, confidence, counts = (0, 0, 0, 0.0, "{}") if found is None else _read(found)
    return {
        "total_events": total,
        "decision_points": total,
        "recent_events": recent,
        "average_confidence": confidence,
        "operations_count": json.loads(counts),
        "decision_chains": chains,
    }


def _read(organisation: UUID) -> tuple[Any, ...]:
    with tenant_transaction(organisation), raw_cursor() as cursor:
        row = cursor.execute(FIGURES, {"organisation": organisation, "recent": RECENT}).fetchone()
    assert row is not None  # noqa: S101  one row, whatever there is
    return row


def _id_of(organisation: str) -> UUID | None:
    try:
        return UUID(organisation)
    except ValueError:
        pass
    try:
        return get_organisation(organisation).id
    except OrganisationNotFound:
        return None
