"""Types of the parser's process. They import nothing else of ours, so that it starts fast."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """A kind of document, by its media type."""

    PDF = "application/pdf"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    CSV = "text/csv"
    TSV = "text/tab-separated-values"
    HTML = "text/html"
    MARKDOWN = "text/markdown"
    TEXT = "text/plain"
    EMAIL = "message/rfc822"


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of the process that reads one document.

    Attributes:
        memory_mb: address space of its process.
        seconds: processor time, and twice that by the clock.
        pages: of a PDF, slides of a presentation, sheets of a workbook.
        unpacked_bytes: of an archive's parts together (DOCX, PPTX and XLSX are ZIP archives).
        characters: of the text.
    """

    memory_mb: int
    seconds: int
    pages: int
    unpacked_bytes: int
    characters: int


@dataclass(frozen=True, slots=True)
class Parsed:
    """The text of a document.

    Attributes:
        kind: decided by the content first, then by name and media type.
        text: as plain text.
        title: as the document states it; may be empty.
        pages: of a PDF, slides of a presentation, sheets of a workbook; None for others.
        marks: (start, page, heading), sorted by start; each holds until the next.
        facts: what else it states, for the metadata: an e-mail's sender, its attachments' names, …
    """

    kind: Kind
    text: str
    title: str = ""
    pages: int | None = None
    marks: tuple[tuple[int, int | None, str], ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
