"""Parse and check the earlier versions of a memory in an export."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from liftos.kernel.http.parsing import InvalidRequest, item
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.times import Moment
from liftos.kernel.tenancy.types import Actor, ActorKind
from memory.analysis.passages import MAX_HEADING
from memory.inputs import ExportedContent
from memory.types import MAX_CONTENT, Mark, MemoryDraft, PastVersion

# without erased, which no exported memory can be
KnownState = Literal["candidate", "active", "contested", "rejected", "superseded", "expired"]
# fields whose changes keep the earlier text in a row of its own (memory/trust/versions.py)
INDEXED = ("content", "is_object", "metadata", "memory_type", "tags", "importance")


class ActorLine(Strict):
    """An actor in the exporting organisation."""

    kind: ActorKind
    id: str = Field(max_length=200)
    on_behalf_of: str = Field(default="", max_length=200)

    def actor(self) -> Actor:
        """Return the actor."""
        return Actor(self.kind, self.id, self.on_behalf_of)


class MarkLine(Strict):
    """The beginning of a page or section of a text."""

    start: int = Field(ge=0, le=MAX_CONTENT)
    page: int | None = Field(default=None, ge=1, le=2**31 - 1)
    heading: str = Field(default="", max_length=MAX_HEADING)

    def mark(self) -> Mark:
        """Return the mark."""
        return Mark(self.start, self.page, self.heading)


class VersionLine(Strict):
    """An ended version."""

    version: int = Field(ge=1, le=2**31 - 1)
    content: ExportedContent
    metadata: dict[str, Any] = Field(default_factory=dict)
    memory_type: str = Field(default="general", max_length=100)
    tags: list[Annotated[str, Field(max_length=100)]] = Field(default_factory=list, max_length=100)
    importance: float = Field(default=0.5, ge=0, le=1)
    state: KnownState = "active"
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    expires_at: Moment | None = None
    superseded_by: UUID | None = None
    known_from: Moment
    known_to: Moment
    operation: str = Field(max_length=100)
    reason: str = Field(default="", max_length=10_000)
    actor: ActorLine
    vector: str | None = None
    layout: list[MarkLine] = Field(default_factory=list, max_length=MAX_CONTENT)


@dataclass(frozen=True, slots=True)
class Text:
    """An earlier text: the first and last versions that had it; the last has its vector."""

    first: int
    last: PastVersion


def check_past(
    *, version: int, history: Sequence[VersionLine], recorded_at: datetime | None, changed_at: datetime | None
) -> None:
    """Refuse an inconsistent past.

    Raises:
        InvalidRequest: with the invalid field.
    """
    now = datetime.now(UTC)
    for name, moment in (("recorded_at", recorded_at), ("changed_at", changed_at)):
        if moment is not None and moment > now:
            raise _at((name,), "date_past", "Must not be in the future")
    if [each.version for each in history] != list(range(1, version)):
        raise _at(("history",), "versions", f"Must contain the versions 1 to {version - 1} in order")
    since, name = recorded_at, "recorded_at"
    for place, each in enumerate(history):
        where = ("history", place)
        if since is not None and each.known_from < since:
            raise _at((*where, "known_from"), "order", f"Must not be before {name}")
        if each.known_to < each.known_from:
            raise _at((*where, "known_to"), "order", "Must not be before known_from")
        if each.known_to > now:
            raise _at((*where, "known_to"), "date_past", "Must not be in the future")
        if each.valid_from and each.valid_to and each.valid_to < each.valid_from:
            raise _at((*where, "valid_to"), "order", "Must not be before valid_from")
        since, name = each.known_to, "the end of the previous version"
    if history and changed_at is None:
        raise _at(("changed_at",), "missing", "Field required")
    if since is not None and changed_at is not None and changed_at < since:
        raise _at(("changed_at",), "order", f"Must not be before {name}")


def earlier_texts(draft: MemoryDraft) -> tuple[list[Text], int]:
    """Return a memory's earlier texts, and the first version with its current text."""
    history = draft.past.history if draft.past else ()
    texts: list[Text] = []
    first = 1
    for place, version in enumerate(history):
        after: Any = history[place + 1] if place + 1 < len(history) else draft
        if any(getattr(version, name) != getattr(after, name) for name in INDEXED):
            texts.append(Text(first, version))
            first = version.version + 1
    return texts, first


def _at(where: tuple[str | int, ...], kind: str, message: str) -> InvalidRequest:
    return InvalidRequest([item(kind, ("body", *where), message)])
