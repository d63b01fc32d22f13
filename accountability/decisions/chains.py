"""Chains: the ancestors and descendants of a decision."""

from dataclasses import dataclass
from uuid import UUID

from accountability.errors import DecisionNotFound
from accountability.queries import RECORD_COLUMNS, decision_from
from accountability.types import Decision
from liftos.kernel.db.transactions import raw_cursor

MAX_STEPS = 200
MAX_DISTANCE = 20

# Breadth first in both directions. UNION drops duplicates; the distance limit ends cycles.
_REACH = """
WITH RECURSIVE up(id, distance) AS (
    SELECT %(decision)s::uuid, 0
    UNION
    SELECT l.parent_id, up.distance - 1 FROM up JOIN accountability_decisionlink AS l
    ON l.organisation_id = %(organisation)s AND l.child_id = up.id WHERE up.distance > -%(far)s
), down(id, distance) AS (
    SELECT %(decision)s::uuid, 0
    UNION
    SELECT l.child_id, down.distance + 1 FROM down JOIN accountability_decisionlink AS l
    ON l.organisation_id = %(organisation)s AND l.parent_id = down.id WHERE down.distance < %(far)s
), reached AS (
    SELECT id, (array_agg(distance ORDER BY abs(distance)))[1] AS nearest
    FROM (SELECT * FROM up UNION ALL SELECT * FROM down) AS found
    GROUP BY id ORDER BY abs((array_agg(distance ORDER BY abs(distance)))[1]), id LIMIT %(limit)s
)
SELECT reached.nearest, p.body, {columns} FROM reached
JOIN accountability_decisionrecord AS r ON r.organisation_id = %(organisation)s AND r.id = reached.id
LEFT JOIN accountability_decisionpayload AS p ON p.organisation_id = r.organisation_id AND p.decision_id = r.id
ORDER BY reached.nearest, r.id
""".format(columns=", ".join(f"r.{name}" for name in RECORD_COLUMNS))


@dataclass(frozen=True, slots=True)
class Step:
    """A decision in a chain; `distance` is negative for ancestors, positive for descendants, 0 for itself."""

    decision: Decision
    distance: int


def get_chain(*, organisation: UUID, decision: UUID, limit: int = MAX_STEPS) -> list[Step]:
    """Return the chain through a decision, earliest ancestors first.

    Args:
        organisation: whose.
        decision: the one to start from.
        limit: maximum number of steps; the nearest are kept, within 20 links in each direction.

    Raises:
        DecisionNotFound: there is none in this organisation.
    """
    values = {"organisation": organisation, "decision": decision, "far": MAX_DISTANCE, "limit": limit}
    rows = raw_cursor().execute(_REACH, values).fetchall()
    steps = [Step(decision_from(columns, body), distance) for distance, body, *columns in rows]
    if not any(step.distance == 0 for step in steps):
        raise DecisionNotFound
    return steps
