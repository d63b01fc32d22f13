"""Ports that apps above accountability fill: reversing overturned decisions, reading what decisions cite, finding decisions.

An app whose operation can be reversed fills `reversers` under the operation's name ("workflow.publish"); an app that stores
what decisions cite fills `subject_readers` and `decision_finders` under the kind of subject ("memory").
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accountability.types import Decision
from liftos.kernel.ids import as_uuid
from liftos.kernel.ports import NamedPort
from liftos.kernel.tenancy.types import Actor


@dataclass(frozen=True, slots=True)
class Overturned:
    """A decision whose effect is to be reversed.

    Attributes:
        organisation: whose.
        by: the reviewer.
        decision: as it was recorded.
        review: the review's record, the parent of the reversal's own records.
        reason: the reviewer's.
    """

    organisation: UUID
    by: Actor
    decision: Decision
    review: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class Reversal:
    """The result of a reversal.

    Attributes:
        operation: that reversed the effect.
        changed: number of rows changed back.
        left_alone: number left as they are, because they had changed since the decision.
        decision_id: the reversal's own record, None if nothing was changed.
    """

    operation: str
    changed: int
    left_alone: int = 0
    decision_id: UUID | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the fields JSON-ready."""
        return asdict(self) | {"decision_id": str(self.decision_id) if self.decision_id else None}


@dataclass(frozen=True, slots=True)
class Cited:
    """Something that a decision is about or used; `version` is None if the record does not name one."""

    id: str
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Since:
    """Something that a decision cites, at the time of the decision and now.

    Attributes:
        id: the cited thing's.
        then: its text when the decision was made; empty if that is gone.
        now: its current text; empty if it is gone.
        version_then: the version that the decision saw, None if it is gone.
        version_now: the current version, None if it is gone.
        state: the current state, one word.
        link: URL of its page, empty for none.
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
        """Return whether the current version differs from the one that the decision saw."""
        return self.version_then != self.version_now or self.version_now is None


Reverser = Callable[[Overturned], Reversal]
"""Reverses a decision's effect inside the review's transaction, taking its own locks.

It skips and counts what has changed since the decision. An exception rolls the review back too.
"""

SubjectReader = Callable[[UUID, datetime, Sequence[Cited]], list[Since]]
"""Takes the organisation, the time the decision was recorded and what it cites; runs a constant number of queries."""

DecisionFinder = Callable[[UUID, UUID], Sequence[UUID]]
"""Takes the organisation and a subject's id, inside the tenant transaction; returns decisions of that organisation."""

ScopeReader = Callable[[UUID, Sequence[UUID]], set[int]]
"""Takes the organisation and ids of subjects, inside the tenant transaction; returns the scopes of those that are visible."""

reversers: NamedPort[Reverser] = NamedPort("reversers", filled_by="memory and workflows")
"""Reverse an overturned decision, by operation. Filled by memory and workflows."""

subject_readers: NamedPort[SubjectReader] = NamedPort("subject_readers", filled_by="memory")
"""Read what a decision cites, then and now, by kind of subject. Filled by memory."""

scope_readers: NamedPort[ScopeReader] = NamedPort("scope_readers", filled_by="memory")
"""Read who may see what a decision is about or used, by kind of subject. Filled by memory."""

decision_finders: NamedPort[DecisionFinder] = NamedPort("decision_finders", filled_by="memory")
"""Find decisions about a subject whose records don't name it, by kind of subject. Filled by memory.

A bulk store has one record without a subject for hundreds of memories; each memory keeps that record's id.
"""


def has_reverser(operation: str) -> bool:
    """Return whether overturning a decision of this operation reverses its effect."""
    return operation in reversers()


def reverse(overturned: Overturned) -> Reversal | None:
    """Reverse a decision's effect; return None if its operation has no reverser."""
    reverser = reversers().get(overturned.decision.operation)
    return None if reverser is None else reverser(overturned)


def read_subjects(kind: str, organisation: UUID, at: datetime, cited: Sequence[Cited]) -> list[Since]:
    """Return the cited subjects of one kind, then and now."""
    return subject_readers()[kind](organisation, at, cited) if cited else []


def scopes_of(kind: str, organisation: UUID, subjects: Sequence[UUID]) -> set[int]:
    """Return the scopes of subjects of one kind, as far as their rows are there and visible."""
    read = scope_readers().get(kind)
    return read(organisation, subjects) if subjects and read is not None else set()


def decisions_about(organisation: UUID, subject: str) -> list[UUID]:
    """Return the decisions that the finders name for a subject's id; none if it is not a UUID."""
    subject_id = as_uuid(subject)
    if subject_id is None:
        return []
    return [decision for find in decision_finders().values() for decision in find(organisation, subject_id)]
