"""Errors of documents. All but the first are 422 and name the field `file`."""

from typing import Any

from liftos.kernel.errors import InvalidInput, LiftosError, NotFound


class UnsupportedDocument(LiftosError):
    """Not a supported kind of document: send PDF, DOCX, PPTX, XLSX, CSV, HTML, Markdown, plain text or an e-mail (.eml)."""

    code = "document.unsupported"
    status = 415


class EmptyDocument(InvalidInput):
    """The file is empty."""

    code = "document.empty"


class EncryptedDocument(InvalidInput):
    """The file is encrypted; send it without a password."""

    code = "document.encrypted"


class BrokenDocument(InvalidInput):
    """The file is damaged and can't be read."""

    code = "document.broken"


class MislabelledDocument(InvalidInput):
    """The file is not what its name or media type says."""

    code = "document.mislabelled"


class NoText(InvalidInput):
    """The document contains no text; if it was scanned, run text recognition (OCR) first."""

    code = "document.no_text"


class TooManyPages(InvalidInput):
    """The document has too many pages."""

    code = "document.too_many_pages"


class TextTooLong(InvalidInput):
    """The document has too much text."""

    code = "document.too_long"


class UnpacksTooLarge(InvalidInput):
    """The file unpacks to more than is allowed."""

    code = "document.unpacks_too_large"


class HasEntities(InvalidInput):
    """The file declares XML entities, which Office documents may not contain."""

    code = "document.has_entities"


class TooComplex(InvalidInput):
    """Reading the file takes more memory or time than is allowed."""

    code = "document.too_complex"


class DocumentNotFound(NotFound):
    """There is no such document."""

    code = "document.not_found"


class NoOriginal(NotFound):
    """The original file was not kept: store the document with keep_original=true."""

    code = "document.no_original"


class DocumentJobNotFound(NotFound):
    """There is no such document job."""

    code = "document.job_not_found"


FAILURES: dict[str, type[LiftosError]] = {
    "unsupported": UnsupportedDocument,
    "empty": EmptyDocument,
    "encrypted": EncryptedDocument,
    "broken": BrokenDocument,
    "mislabelled": MislabelledDocument,
    "no_text": NoText,
    "too_many_pages": TooManyPages,
    "too_long": TextTooLong,
    "unpacks_too_large": UnpacksTooLarge,
    "has_entities": HasEntities,
    "too_complex": TooComplex,
}
"""Error by the reason of `memory.documents.parsing.failures.Failure`."""
_MESSAGES = {
    "mislabelled": "The file is not a {claimed} document, as its name or media type says.",
    "too_many_pages": "The document has {pages} pages; at most {most} are allowed.",
    "too_long": "The document has more than {most} characters of text, the limit of a memory; split it.",
    "unpacks_too_large": "The file unpacks to more than {most} bytes.",
}


def failure(reason: str, figures: dict[str, Any]) -> LiftosError:
    """Return the error for a parser's failure."""
    text = _MESSAGES.get(reason)
    return FAILURES[reason](text.format(**figures) if text else None, loc=("file",))
