"""Outcomes of decisions: their shape, and how a value counts as right or wrong. No Django here."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from liftos.kernel.tenancy.types import Actor

OUTCOME_OPERATION = "decision.outcome"
OUTCOME_POINT = "outcome"

Value = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Target:
    """The values that make a decision right; None for no bound."""

    at_least: float | None = None
    at_most: float | None = None

    @property
    def is_stated(self) -> bool:
        """Return whether there is a bound."""
        return self.at_least is not None or self.at_most is not None

    def holds(self, value: float) -> bool:
        """Return whether a value lies within the bounds."""
        return (self.at_least is None or value >= self.at_least) and (
            self.at_most is None or value <= self.at_most
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """An outcome of a decision; `value`, `unit`, `note` and `target` are empty once its payload has been erased.

    Attributes:
        id: its own record's.
        decision_id: of the decision.
        rightness: how right the decision was, 0..1; None if the value does not say.
        at: when it was observed.
        actor: who recorded it.
        recorded_at: when.
    """

    id: UUID
    decision_id: UUID
    rightness: float | None
    at: datetime
    actor: Actor
    recorded_at: datetime
    value: Value | None = None
    unit: str = ""
    note: str = ""
    target: dict[str, Any] | None = None


def rightness(value: Value, *, unit: str, target: Target) -> float | None:
    """Return how right a decision was by the value of its outcome: 0..1, None if the value does not say.

    A boolean says it itself; a number is compared with the target; without a target, a number from 0 to 1 without a unit is a share
    of success. Anything else is kept but does not count.
    """
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        return None
    if target.is_stated:
        return float(target.holds(value))
    return float(value) if not unit and 0 <= value <= 1 else None
