"""The figures of accountability in the seed's `/performance/metrics`, counted in the database."""

import json
from typing import Any
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.tenancy.queries import OrganisationNotFound, get_organisation

RECENT = 1_000

# Of one moment. A record waits for its place in the log or has it, so the log's size and the queue are all there are: nobody counts a
# million rows. The operations are found by leaps along `decision_by_operation`, one for each.
_FIGURES = """
WITH RECURSIVE operations AS (
    (SELECT operation FROM accountability_decisionrecord WHERE organisation_id = %(organisation)s ORDER BY operation LIMIT 1)
    UNION ALL
    SELECT (SELECT d.operation FROM accountability_decisionrecord AS d
            WHERE d.organisation_id = %(organisation)s AND d.operation > o.operation ORDER BY d.operation LIMIT 1)
    FROM operations AS o WHERE o.operation IS NOT NULL
), recent AS (
    SELECT operation, count(*) AS n, sum(confidence) AS stated, count(confidence) AS stating
    FROM (SELECT operation, confidence FROM accountability_decisionrecord
          WHERE organisation_id = %(organisation)s ORDER BY id DESC LIMIT %(recent)s) AS newest
    GROUP BY operation
)
SELECT coalesce((SELECT max(size) FROM accountability_ledgercheckpoint WHERE organisation_id = %(organisation)s), 0)
         + (SELECT count(*) FROM accountability_ledgerpending WHERE organisation_id = %(organisation)s),
       (SELECT count(operation) FROM operations),
       coalesce((SELECT sum(n) FROM recent), 0)::bigint,
       coalesce((SELECT sum(stated) / nullif(sum(stating), 0) FROM recent), 0)::float8,
       coalesce((SELECT jsonb_object_agg(operation, n) FROM recent), '{}')::text
"""


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
        row = cursor.execute(_FIGURES, {"organisation": organisation, "recent": RECENT}).fetchone()
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
