"""Parts of exported memories beside their versions: the files that documents were read from, and the places of turns.

A document's original file is not in an export, only what is known of it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Max
from pydantic import Field

from liftos.kernel.http.strict import Strict
from liftos.kernel.http.times import Moment
from memory.conversations.types import MAX_THREAD
from memory.index.writes import Row
from memory.models import ConversationTurn, Document
from memory.secrets.scanning import without_secrets
from memory.types import DocumentPart, TurnPart

BIGINT = 2**63 - 1


class DocumentLine(Strict):
    """The file that a version of a document was read from."""

    version: int = Field(ge=1, le=2**31 - 1)
    title: str = Field(default="", max_length=300)
    name: str = Field(default="", max_length=300)
    media_type: str = Field(max_length=100)
    pages: int | None = Field(default=None, ge=0, le=2**31 - 1)
    characters: int = Field(ge=0, le=2**31 - 1)
    bytes: int = Field(ge=0, le=BIGINT)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    recorded_at: Moment | None = None

    def part(self) -> DocumentPart:
        """Return the part."""
        return DocumentPart(**self.model_dump())


class TurnLine(Strict):
    """A turn's place in its conversation, whose name is the memory's thread."""

    number: int = Field(ge=1, le=2**31 - 1)
    role: str = Field(max_length=100)
    name: str = Field(default="", max_length=200)

    def part(self) -> TurnPart:
        """Return the part."""
        return TurnPart(**self.model_dump())


def read_parts(organisation: UUID, memories: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return the parts of memories as fields of their lines, inside the caller's transaction."""
    parts: dict[UUID, dict[str, Any]] = {}
    rows = Document.objects.filter(organisation_id=organisation, memory_id__in=memories)
    names = ("version", "title", "name", "media_type", "pages", "characters", "bytes", "sha256")
    for row in rows.order_by("memory_id", "version"):
        shown = {name: getattr(row, name) for name in names} | {"recorded_at": row.recorded_at.isoformat()}
        parts.setdefault(row.memory_id, {"documents": []})["documents"].append(shown)
    turns = ConversationTurn.objects.filter(organisation_id=organisation, memory_id__in=memories)
    for turn in turns:
        place = {"number": turn.number, "role": turn.role, "name": turn.name}
        parts.setdefault(turn.memory_id, {})["turn"] = place
    return parts


def write_parts(organisation: UUID, rows: Sequence[Row], now: datetime) -> None:
    """Write the parts of imported memories, inside the transaction that stored them. A turn whose number is taken comes last.

    Args:
        organisation: the tenant.
        rows: the stored memories.
        now: when their files were recorded, if the export does not say.
    """
    documents, turns = [], []
    for row in rows:
        past = row.draft.past
        if past is None:
            continue
        is_clean = row.secrets is None or row.secrets.is_flagged
        documents += [_document(organisation, row, each, now, is_clean=is_clean) for each in past.documents]
        if past.turn is not None and 0 < len(row.draft.thread) <= MAX_THREAD:
            turns.append((row, past.turn))
    Document.objects.bulk_create(documents)
    for row, turn in sorted(turns, key=lambda each: each[1].number):
        thread = ConversationTurn.objects.filter(
            organisation_id=organisation, thread=row.draft.thread, scope_id=row.draft.scope
        )
        number = turn.number
        if thread.filter(number=number).exists():
            number = thread.aggregate(last=Max("number"))["last"] + 1
        ConversationTurn.objects.create(
            organisation_id=organisation,
            thread=row.draft.thread,
            scope_id=row.draft.scope,
            number=number,
            memory_id=row.id,
            # as screened
            role=str(row.draft.metadata.get("role", turn.role))[:100],
            name=str(row.draft.metadata.get("speaker", ""))[:200] if turn.name else "",
        )


def _document(organisation: UUID, row: Row, part: DocumentPart, now: datetime, *, is_clean: bool) -> Document:
    return Document(
        organisation_id=organisation,
        scope_id=row.draft.scope,
        memory_id=row.id,
        version=part.version,
        title=part.title if is_clean else without_secrets(part.title)[:300],
        name=part.name if is_clean else without_secrets(part.name)[:300],
        media_type=part.media_type,
        pages=part.pages,
        characters=part.characters,
        bytes=part.bytes,
        sha256=part.sha256,
        recorded_at=part.recorded_at or now,
    )
