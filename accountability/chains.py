"""Chains: what a decision follows from, and what follows from it."""

from dataclasses import dataclass
from uuid import UUID

from accountability.models import DecisionRecord
from accountability.queries import as_decision, get_decision
from accountability.types import Decision
from liftos.db import raw_cursor

MAX_STEPS = 200
MAX_DISTANCE = 20

# Breadth first in both directions; UNION drops what was reached before, the distance bounds what is left of a cycle.
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
)
SELECT id, (array_agg(distance ORDER BY abs(distance)))[1] AS nearest
FROM (SELECT * FROM up UNION ALL SELECT * FROM down) AS reached
GROUP BY id ORDER BY nearest, id LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Step:
    """A decision in a chain; `distance` is negative for what came before, positive for what followed, 0 for itself."""

    decision: Decision
    distance: int


def get_chain(*, organisation: UUID, decision: UUID, limit: int = MAX_STEPS) -> list[Step]:
    """Return the chain through a decision, earliest ancestors first.

    Args:
        organisation: whose.
        decision: the one to start from.
        limit: at most so many steps; up to 20 links in each direction are followed.

    Raises:
        DecisionNotFound: there is none in this organisation.
    """
    get_decision(organisation=organisation, decision=decision)
    values = {"organisation": organisation, "decision": decision, "far": MAX_DISTANCE, "limit": limit}
    with raw_cursor() as cursor:
        reached: dict[UUID, int] = dict(cursor.execute(_REACH, values).fetchall())
    rows = DecisionRecord.objects.filter(organisation_id=organisation, id__in=reached).select_related(
        "payload"
    )
    steps = [Step(as_decision(row), reached[row.id]) for row in rows]
    return sorted(steps, key=lambda step: (step.distance, step.decision.id))
