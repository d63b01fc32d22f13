"""Types of documents. No Django."""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from memory.types import EmbeddingState, Screened, TrustState, VisibleTo


class DocumentOutcome(StrEnum):
    """The result of storing a document."""

    STORED = "stored"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """The result of storing one document.

    Attributes:
        id: the memory's.
        outcome: stored, changed (a new version) or unchanged.
        version: of the memory.
        title, media_type, pages: as stored.
        characters: of its text.
        passages: units of search.
        language: ISO 639-1, "" if unknown.
        embedding: the state of its vectors.
        state: the trust state.
        original: whether the file is kept.
        decision: the decision record; None if nothing changed.
        secrets: those found in it, unless the policy allows them.
    """

    id: UUID
    outcome: DocumentOutcome
    version: int
    title: str
    media_type: str
    pages: int | None
    characters: int
    passages: int
    language: str
    embedding: EmbeddingState
    state: TrustState
    original: bool
    decision: UUID | None = None
    secrets: Screened | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "id": str(self.id),
            "title": self.title,
            "media_type": self.media_type,
            "pages": self.pages,
            "characters": self.characters,
            "passages": self.passages,
            "language": self.language,
            "outcome": str(self.outcome),
            "version": self.version,
            "embedding": str(self.embedding),
            "state": str(self.state),
            "original": self.original,
            "decision_id": str(self.decision) if self.decision else None,
        } | (self.secrets.mark if self.secrets else {})


@dataclass(frozen=True, slots=True)
class Upload:
    """A document as it was sent.

    Attributes:
        content: the file.
        name: of the file, without directories; may be empty.
        media_type: as declared, in lower case, without parameters; may be empty.
        charset: as declared, for text; may be empty.
        title: overrides that of the file.
        source, external_id: as of a memory.
        metadata: any JSON object; overrides what the file states.
        keep_original: whether to keep the file.
        visible_to: who may see it; None for the organisation.
        index: whether searches may find it; None for true, or to leave an earlier version's.
    """

    content: bytes
    name: str = ""
    media_type: str = ""
    charset: str = ""
    title: str = ""
    source: str = ""
    external_id: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    keep_original: bool = False
    visible_to: VisibleTo | None = None
    index: bool | None = None

    @property
    def sha256(self) -> str:
        """The digest of the file, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()
