"""Plain text in any encoding, and tables of text. No Django."""

import codecs
import csv
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO

import charset_normalizer
from charset_normalizer.constant import IANA_SUPPORTED

from memory.documents.parsing.failures import Failure
from memory.documents.parsing.outline import Outline

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# bytes by which an encoding is told
SAMPLE = 256 * 1024
WESTERN = "cp1252"
DELIMITERS = ",;\t|"


def load_codecs() -> None:
    """Import every codec, because none can be once the process may open no more files."""
    for name in IANA_SUPPORTED:
        codecs.lookup(name)


def is_unicode(content: bytes) -> bool:
    """Return whether bytes are UTF-8, so that no other codec is needed."""
    return _strictly(content, "utf-8") is not None


def decode(content: bytes, charset: str = "") -> str:
    """Return bytes as text.

    The encoding is that of a byte order mark, else the declared one if it fits, else UTF-8, else UTF-16 by its zero bytes, else the one
    that charset-normalizer tells by the language that it yields.

    Raises:
        Failure: it is not text.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    for encoding in ("utf-8", charset):
        # a declaration is often wrong, and text that reads as UTF-8 is UTF-8
        text = _strictly(content, encoding)
        if text is not None and "\x00" not in text:
            return text
    zeros = content.count(0)
    if zeros:
        encoding = "utf-16-le" if content[1::2].count(0) > content[::2].count(0) else "utf-16-be"
        text = _strictly(content, encoding) if zeros * 5 > len(content) else None
        if text is None or "\x00" in text:
            raise Failure("unsupported")
        return text
    return content.decode(_told(content[:SAMPLE]), "replace")


def read_text(content: bytes, charset: str, outline: Outline) -> None:
    """Write plain text."""
    outline.add(decode(content, charset))


def read_table(content: bytes, charset: str, outline: Outline, *, delimiter: str = "") -> None:
    """Write delimited text, a line for each row."""
    text = decode(content, charset)
    if not delimiter:
        try:
            delimiter = csv.Sniffer().sniff(text[:16_384], DELIMITERS).delimiter
        except csv.Error:
            delimiter = ","
    csv.field_size_limit(outline.most)
    try:
        add_rows(csv.reader(StringIO(text, newline=""), delimiter=delimiter), outline)
    except csv.Error as error:
        raise Failure("broken") from error


def add_rows(rows: Iterable[Sequence[str]], outline: Outline) -> None:
    """Write rows, each with the names of its columns if the first row has them: a row is then understood alone."""
    lines: list[str] = []
    for line in _lines(iter(rows)):
        lines.append(line)
        if len(lines) == 100:
            outline.add("\n".join(lines))
            lines = []
    outline.add("\n".join(lines))


def _lines(rows: Iterator[Sequence[str]]) -> Iterator[str]:
    names: Sequence[str] | None = None
    for cells in rows:
        row = [" ".join(cell.split()) for cell in cells]
        if not any(row):
            continue
        if names is None:
            names = row if _are_names(row) else ()
            yield " | ".join(cell for cell in row if cell)
        elif names:
            yield "; ".join(
                f"{names[place]}: {cell}" if place < len(names) and names[place] else cell
                for place, cell in enumerate(row)
                if cell
            )
        else:
            yield " | ".join(cell for cell in row if cell)


def _are_names(row: Sequence[str]) -> bool:
    """Return whether a first row names its columns: at least two distinct short texts, no numbers."""
    filled = [cell for cell in row if cell]
    return (
        len(filled) >= 2
        and len(set(filled)) == len(filled)
        and all(len(cell) <= 60 and not _is_number(cell) for cell in filled)
    )


def _is_number(cell: str) -> bool:
    return cell.strip("€$£%+- ").replace(",", "").replace(".", "").isdigit()


def _told(sample: bytes) -> str:
    """Return the encoding that yields the most plausible text; Western European where others are no better.

    charset-normalizer takes the first of equals by name, so that French came out as Hungarian in cp1250.
    """
    matches = charset_normalizer.from_bytes(sample, enable_fallback=False)
    best = matches.best()
    if best is None:
        raise Failure("unsupported")
    for match in matches:
        equal = match.chaos <= best.chaos and match.coherence >= best.coherence
        if equal and WESTERN in match.could_be_from_charset:
            return WESTERN
    return best.encoding


def _strictly(content: bytes, encoding: str) -> str | None:
    if not encoding:
        return None
    try:
        return content.decode(encoding)
    except (UnicodeDecodeError, LookupError, ValueError):
        return None
