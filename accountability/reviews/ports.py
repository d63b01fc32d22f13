"""Where apps above accountability take part in reviews: they reverse what was overturned, and show what has changed since.

Both are filled in `AppConfig.ready`. An app whose operation can be taken back registers a reverser under the operation's
name (workflows: `register_reverser("workflow.publish", ...)`), and whoever keeps what decisions cite registers a reader
under its kind.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accountability.types import Decision
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
        operation: by which it took the effect back.
        changed: how many things it changed.
        left_alone: how many it left, for they were no longer as the decision had left them.
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
    """What became of something that a decision cites.

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
        """Tell whether it is another version than the decision saw."""
        return self.version_then != self.version_now or self.version_now is None


Reverser = Callable[[Overturned], Reversal]
"""Takes back what a decision did, inside the review's transaction, under its own locks.

What is no longer as the decision left it is left alone, and said so. Whatever it raises undoes the review too.
"""

SubjectReader = Callable[[UUID, datetime, Sequence[Cited]], list[Since]]
"""Takes the organisation, when the decision was recorded, and what it cites; a constant number of queries."""

_reversers: dict[str, Reverser] = {}
_readers: dict[str, SubjectReader] = {}


def register_reverser(operation: str, reverser: Reverser) -> None:
    """Have an operation's decisions reversed when they are overturned. A second registration replaces the first."""
    _reversers[operation] = reverser


def has_reverser(operation: str) -> bool:
    """Tell whether overturning a decision of this operation takes its effect back."""
    return operation in _reversers


def reverse(overturned: Overturned) -> Reversal | None:
    """Take back what a decision did; None where its operation has no reverser."""
    reverser = _reversers.get(overturned.decision.operation)
    return None if reverser is None else reverser(overturned)


def register_subjects(kind: str, reader: SubjectReader) -> None:
    """Have things of a kind shown beside decisions that cite them. A second registration replaces the first."""
    _readers[kind] = reader


def read_subjects(kind: str, organisation: UUID, at: datetime, cited: Sequence[Cited]) -> list[Since]:
    """Return what became of things of a kind; nothing for a kind that nobody keeps."""
    reader = _readers.get(kind)
    return reader(organisation, at, cited) if reader and cited else []
