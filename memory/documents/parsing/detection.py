"""The kind of a document, told by its content first, then by its name, then by its media type. No Django."""

import re
import zipfile
from io import BytesIO

from memory.documents.parsing.failures import Failure
from memory.documents.parsing.types import Kind

BY_EXTENSION = {
    "pdf": Kind.PDF, "docx": Kind.DOCX, "pptx": Kind.PPTX, "xlsx": Kind.XLSX, "csv": Kind.CSV, "tsv": Kind.TSV,
    "tab": Kind.TSV, "html": Kind.HTML, "htm": Kind.HTML, "xhtml": Kind.HTML, "md": Kind.MARKDOWN,
    "markdown": Kind.MARKDOWN, "mkd": Kind.MARKDOWN, "txt": Kind.TEXT, "text": Kind.TEXT, "log": Kind.TEXT,
    "rst": Kind.TEXT, "eml": Kind.EMAIL,
}  # fmt: skip
BY_MEDIA_TYPE = {
    **{kind.value: kind for kind in Kind},
    "application/xhtml+xml": Kind.HTML,
    "text/x-markdown": Kind.MARKDOWN,
    "application/csv": Kind.CSV,
    "application/x-pdf": Kind.PDF,
}
# say nothing about the content
UNSPECIFIC = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/zip"})
BINARY = frozenset({Kind.PDF, Kind.DOCX, Kind.PPTX, Kind.XLSX})
OFFICE = {
    "word/document.xml": Kind.DOCX,
    "ppt/presentation.xml": Kind.PPTX,
    "xl/workbook.xml": Kind.XLSX,
    "xl/workbook.bin": Kind.XLSX,
}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# first bytes of what is known not to be text, whatever it is called
_FOREIGN = (
    b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!", b"\x7fELF", b"MZ\x90",
    b"RIFF", b"OggS", b"ID3", b"\x00\x00\x01\x00", b"SQLite format 3", b"%!PS", b"{\\rtf", b"wOFF", b"\x28\xb5\x2f\xfd",
)  # fmt: skip
_HTML = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL
)
_HEADER = re.compile(rb"[!-9;-~]+:[ \t]?[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*\r?\n")
_MAIL = re.compile(rb"^(?:received|return-path|message-id|mime-version|from):", re.IGNORECASE | re.MULTILINE)


def kind_of(content: bytes, name: str, media_type: str) -> Kind:
    """Return a document's kind.

    Args:
        content: all of it.
        name: of the file; may be empty.
        media_type: as the sender declares it, in lower case, without parameters; may be empty.

    Raises:
        Failure: empty, of an unknown kind, encrypted, or text that claims to be a binary format.
    """
    if not content.strip(b"\x00 \t\r\n"):
        raise Failure("empty")
    claimed = _claimed(name, media_type)
    found = _by_content(content)
    if found is not None:
        return found
    if claimed in BINARY:
        raise Failure("mislabelled", claimed=claimed.name)
    if claimed is not None and not (claimed is Kind.TEXT and not name and media_type in UNSPECIFIC):
        return claimed
    if media_type not in UNSPECIFIC and not media_type.startswith("text/"):
        raise Failure("unsupported")
    head = content[:4096].removeprefix(b"\xef\xbb\xbf")
    if _HTML.match(head):
        return Kind.HTML
    if _is_mail(head):
        return Kind.EMAIL
    return Kind.TEXT


def _claimed(name: str, media_type: str) -> Kind | None:
    """Return the kind that the name or media type claims; a specific one over plain text."""
    extension = name.rpartition(".")[2].casefold() if "." in name else ""
    by_name, by_type = BY_EXTENSION.get(extension), BY_MEDIA_TYPE.get(media_type)
    if by_type in (None, Kind.TEXT):
        return by_name or by_type
    return by_type


def _by_content(content: bytes) -> Kind | None:
    if b"%PDF-" in content[:1024]:
        return Kind.PDF
    if content.startswith(b"PK"):
        return _in_archive(content)
    if content.startswith(_OLE):
        # an encrypted Office document is an OLE file with this stream; others are formats of before 2007
        raise Failure("encrypted" if "EncryptedPackage".encode("utf-16-le") in content else "unsupported")
    if content.startswith(_FOREIGN) or content[4:8] == b"ftyp":
        raise Failure("unsupported")
    return None


def _in_archive(content: bytes) -> Kind:
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError) as error:
        raise Failure("broken") from error
    for part, kind in OFFICE.items():
        if part in names:
            return kind
    raise Failure("unsupported")


def _is_mail(head: bytes) -> bool:
    """Return whether text begins with at least three header lines, one of them an e-mail's."""
    at = lines = 0
    while (match := _HEADER.match(head, at)) is not None:
        at, lines = match.end(), lines + 1
    return lines >= 3 and _MAIL.search(head[:at]) is not None
