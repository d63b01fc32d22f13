"""Reads of outcomes, inside the caller's tenant transaction."""

import json
from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from accountability.outcomes.statements import OUTCOMES
from accountability.outcomes.types import Outcome
from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.tenancy.types import Actor, ActorKind

MOST_SHOWN = 20
"""Outcomes shown with a decision: the newest."""
MOST_LISTED = 1_000


def list_outcomes(
    *, organisation: UUID, decisions: Sequence[UUID], most: int = MOST_SHOWN
) -> dict[UUID, list[Outcome]]:
    """Return the newest outcomes of decisions, by decision, oldest first. One query.

    Args:
        organisation: whose.
        decisions: their ids.
        most: number of outcomes per decision.
    """
    found: defaultdict[UUID, list[Outcome]] = defaultdict(list)
    if decisions:
        values = {"organisation": organisation, "decisions": list(decisions), "most": most}
        for *row, body in raw_cursor().execute(OUTCOMES, values):
            outcome, decision, rightness, at, kind, actor, behalf, recorded_at = row
            said = json.loads(body)["outputs"] if body is not None else {}
            found[decision].append(
                Outcome(
                    id=outcome,
                    decision_id=decision,
                    rightness=rightness,
                    at=at,
                    actor=Actor(ActorKind(kind), actor, behalf),
                    recorded_at=recorded_at,
                    value=said.get("value"),
                    unit=said.get("unit", ""),
                    note=said.get("note", ""),
                    target=said.get("target"),
                )
            )
    return dict(found)
