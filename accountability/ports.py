"""Where apps above accountability take part in it: they reverse overturned decisions, show what decisions cite, and find decisions.

An app whose operation can be taken back fills `reversers` under the operation's name (workflows: "workflow.publish"); an app
that keeps what decisions cite fills `subject_readers` and `decision_finders` under the kind of thing ("memory").
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accountability.types import Decision
from liftos.kernel.ports import NamedPort
from liftos.kernel.tenancy.types import Actor


@dataclass(frozen=True, slots=True)
class Overturned:
    """A decision whose effect is to be reversed.

    Attributes:
        organisation: whose.
        by: the reviewer.
        decision: as it was recorded.
        review: the review's record, of which the reversal's own records are children.
        reason: the reviewer's.
    """

    organisation: UUID
    by: Actor
    decision: Decision
    review: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class Reversal:
    """What a reverser did.

    Attributes:
        operation: that reversed the effect.
        changed: how many things it changed.
        left_alone: how many it left, because they had changed since the decision.
        decision_id: the reversal's own record, None where nothing was changed.
    """

    operation: str
    changed: int
    left_alone: int = 0
    decision_id: UUID | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it JSON-ready."""
        decision = str(self.decision_id) if self.decision_id else None
        return {
            "operation": self.operation,
            "changed": self.changed,
            "left_alone": self.left_alone,
            "decision_id": decision,
        }


@dataclass(frozen=True, slots=True)
class Cited:
    """Something that a decision is about, or was made from; `version` is None where the record does not say."""

    id: str
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Since:
    """The state of something that a decision cites, then and now.

    Attributes:
        id: of it.
        then: its text when the decision was taken; empty if that is gone.
        now: its text at present; empty if it is gone.
        version_then: that the decision saw, None if it is gone.
        version_now: at present, None if it is gone.
        state: at present, in a word.
        link: its page's address, empty for none.
    """

    id: str
    then: str
    now: str
    version_then: int | None
    version_now: int | None
    state: str
    link: str = ""

    @property
    def has_changed(self) -> bool:
        """Return whether it is another version than the decision saw."""
        return self.version_then != self.version_now or self.version_now is None


Reverser = Callable[[Overturned], Reversal]
"""Takes back what a decision did, inside the review's transaction, under its own locks.

It leaves alone, and counts, what has changed since the decision. Whatever it raises undoes the review too.
"""

SubjectReader = Callable[[UUID, datetime, Sequence[Cited]], list[Since]]
"""Takes the organisation, when the decision was recorded, and what it cites; a constant number of queries."""

DecisionFinder = Callable[[UUID, UUID], Sequence[UUID]]
"""Takes the organisation and a thing's id, inside the tenant transaction; returns decisions of that organisation."""

reversers: NamedPort[Reverser] = NamedPort("reversers", filled_by="memory and workflows")
"""Reverse an overturned decision, by operation. Filled by memory and workflows."""

subject_readers: NamedPort[SubjectReader] = NamedPort("subject_readers", filled_by="memory")
"""Read what a decision cites, then and now, by kind of thing. Filled by memory."""

decision_finders: NamedPort[DecisionFinder] = NamedPort("decision_finders", filled_by="memory")
"""Find the decisions about a thing whose records name many things, or none, by kind of thing. Filled by memory.

A bulk store has one record for hundreds of memories, and no subject; each memory keeps that record's id.
"""


def has_reverser(operation: str) -> bool:
    """Return whether overturning a decision of this operation reverses its effect."""
    return operation in reversers()


def reverse(overturned: Overturned) -> Reversal | None:
    """Reverse what a decision did; None where its operation has no reverser."""
    reverser = reversers().get(overturned.decision.operation)
    return None if reverser is None else reverser(overturned)


def read_subjects(kind: str, organisation: UUID, at: datetime, cited: Sequence[Cited]) -> list[Since]:
    """Return what decisions cite of one kind of thing, then and now."""
    return subject_readers()[kind](organisation, at, cited) if cited else []


def decisions_about(organisation: UUID, subject: str) -> list[UUID]:
    """Return the decisions that the finders name for a subject's id; none where it is no UUID."""
    try:
        thing = UUID(subject)
    except ValueError:
        return []
    return [decision for find in decision_finders().values() for decision in find(organisation, thing)]
