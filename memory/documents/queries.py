"""Reads of documents, inside the caller's tenant transaction."""

from dataclasses import dataclass
from uuid import UUID

from liftos.kernel.db.transactions import tenant_transaction
from memory.analysis.passages import Passage
from memory.documents.errors import DocumentNotFound
from memory.documents.types import Upload
from memory.index.passage_rows import StoredPassage, read_passages
from memory.models import Document, Memory
from memory.types import LIVING


@dataclass(frozen=True, slots=True)
class PassageText:
    """A passage of a document: its number from 0, its place, its language, its text."""

    number: int
    place: Passage
    language: str
    text: str


def get_document(*, organisation: UUID, memory: UUID) -> tuple[Memory, Document]:
    """Return a document's memory, and the file that its newest text was read from.

    Raises:
        DocumentNotFound: not a document of this organisation.
    """
    document = (
        Document.objects.filter(organisation_id=organisation, memory_id=memory)
        .select_related("memory")
        .order_by("-version")
        .first()
    )
    if document is None:
        raise DocumentNotFound
    return document.memory, document


def is_stored(*, organisation: UUID, upload: Upload) -> bool:
    """Return whether the newest text of the document with an upload's external id was read from the same file. Opens a transaction."""
    with tenant_transaction(organisation):
        row = (
            Document.objects.filter(
                organisation_id=organisation,
                memory__source=upload.source,
                memory__external_id=upload.external_id,
                memory__state__in=LIVING,
            )
            .order_by("-version")
            .first()
        )
    return row is not None and row.sha256 == upload.sha256


def list_passages(*, organisation: UUID, memory: Memory, after: int, limit: int) -> list[PassageText]:
    """Return a page of a memory's passages in order, from number `after`."""
    stored = read_passages(organisation, [memory.id]).get(memory.id)
    if stored is None:
        # a text that is one passage has no rows
        stored = [StoredPassage(Passage(0, len(memory.content)), memory.language)]
    return [
        PassageText(number, each.place, each.language, memory.content[each.place.start : each.place.end])
        for number, each in enumerate(stored[after : after + limit], start=after)
    ]
