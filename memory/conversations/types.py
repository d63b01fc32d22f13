"""Types of conversations. No Django."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from memory.types import EmbeddingState, Outcome, TrustState

SOURCE = "conversations"
"""The source of every turn, within which external ids name thread and turn."""
MEMORY_TYPE = "turn"
MAX_THREAD = 200
"""Characters of a thread's name. With a turn's id it makes an external id, which has 300."""
MAX_ID = 90


@dataclass(frozen=True, slots=True)
class Turn:
    """One utterance of one speaker.

    Attributes:
        role: of the speaker, such as user or assistant.
        content: the words, as said, or an object.
        name: of the speaker; may be empty.
        at: when it was said, aware UTC, if known.
        id: the caller's, unique in the thread; empty for none.
        metadata: any further JSON object.
    """

    role: str
    content: str | dict[str, Any]
    name: str = ""
    at: datetime | None = None
    id: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """The result of storing a turn; `number` is its place in the thread, from 1, `mark` what flags it."""

    id: UUID
    number: int
    outcome: Outcome
    embedding: EmbeddingState
    state: TrustState
    mark: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "id": str(self.id),
            "number": self.number,
            "outcome": str(self.outcome),
            "embedding": str(self.embedding),
            "state": str(self.state),
        } | self.mark


@dataclass(frozen=True, slots=True)
class StoredTurns:
    """The result of storing turns; `decision` is None if all were stored before."""

    turns: tuple[StoredTurn, ...]
    decision: UUID | None
