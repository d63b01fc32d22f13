"""Proposals. No Django here."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Kind(StrEnum):
    """The kind of a proposal."""

    DOUBLE = "double"
    SUPERSESSION = "supersession"
    STALE = "stale"
    CONTRADICTION = "contradiction"

    @property
    def label(self) -> str:
        """The words shown in the interface."""
        return _LABELS[self]

    @property
    def action(self) -> str:
        """The effect of accepting it on the memory."""
        return _ACTIONS[self]


_LABELS = {
    Kind.DOUBLE: "says the same",
    Kind.SUPERSESSION: "superseded",
    Kind.STALE: "no longer true",
    Kind.CONTRADICTION: "contradicted",
}
_ACTIONS = {
    Kind.DOUBLE: "supersede",
    Kind.SUPERSESSION: "supersede",
    Kind.STALE: "expire",
    Kind.CONTRADICTION: "contest",
}


class ProposalState(StrEnum):
    """The state of a proposal."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Finding:
    """A change to propose.

    Attributes:
        kind: of the proposal.
        memory: to be retired or contested.
        other: that stays; the same where only one memory is concerned.
        confidence: 0..1.
        reason: in words, without the memories' own.
    """

    kind: Kind
    memory: UUID
    other: UUID
    confidence: float
    reason: str


@dataclass(frozen=True, slots=True)
class Cared:
    """The result of a run.

    Attributes:
        examined: memories looked at.
        proposed: number of new proposals.
        remaining: whether changed memories are left for the next run.
    """

    examined: int = 0
    proposed: int = 0
    remaining: bool = False

    def plus(self, other: "Cared") -> "Cared":
        """Return the sum of two results."""
        return Cared(
            self.examined + other.examined, self.proposed + other.proposed, self.remaining or other.remaining
        )
