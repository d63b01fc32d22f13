"""PDF: the text of each page, with headings from its bookmarks or else from larger type. No Django."""

import ctypes
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import pypdfium2 as pdfium
from pypdfium2 import raw

from memory.documents.parsing.failures import Failure
from memory.documents.parsing.outline import Outline, clean

PASSWORD = 4  # FPDF_ERR_PASSWORD
# type larger than the body's by this factor is a heading's
LARGER = 1.15
MAX_HEADING_CHARACTERS = 150
MAX_HEADING_LEVELS = 3
# a gap between lines wider than this many times the usual one ends a paragraph
GAP = 1.35
MAX_BOOKMARKS = 5_000


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a page: text, height of its type and top edge in points, the page's y axis pointing up."""

    text: str
    size: float
    top: float


def read_pdf(content: bytes, outline: Outline, most: int) -> tuple[str, int]:
    """Write the pages; return the title and their number.

    Raises:
        Failure: encrypted, damaged, or more than `most` pages.
    """
    try:
        document = pdfium.PdfDocument(content)
    except pdfium.PdfiumError as error:
        code = raw.FPDF_GetLastError() if error.err_code is None else error.err_code
        raise Failure("encrypted" if code == PASSWORD else "broken") from error
    count = len(document)
    if count > most:
        raise Failure("too_many_pages", pages=count, most=most)
    pages = [_lines(document, number) for number in range(count)]
    bookmarks = _bookmarks(document)
    levels = {} if bookmarks else _levels(pages)
    for number, lines in enumerate(pages, start=1):
        outline.start_page(number)
        _Page(outline, levels, bookmarks.get(number, [])).write(lines)
    title = document.get_metadata_value("Title")
    return " ".join(clean(title).split()), count


class _Page:
    """Writes one page's lines as paragraphs and headings."""

    def __init__(self, outline: Outline, levels: dict[int, int], bookmarks: list[tuple[int, str]]) -> None:
        self._outline = outline
        self._levels = levels
        self._bookmarks = list(bookmarks)
        self._paragraph: list[str] = []

    def write(self, lines: list[_Line]) -> None:
        step = (
            median(steps) if (steps := [a.top - b.top for a, b in pairwise(lines) if a.top > b.top]) else 0.0
        )
        # bookmarks whose title is not on the page hold from its top
        said = {_folded(line.text) for line in lines}
        for level, title in [each for each in self._bookmarks if _folded(each[1]) not in said]:
            self._outline.start_section(level, title)
        last: _Line | None = None
        for line in lines:
            level = self._level(line)
            if level:
                self._end_paragraph()
                self._outline.add_heading(level, line.text)
            else:
                if last is not None and self._is_apart(last, line, step):
                    self._end_paragraph()
                self._paragraph.append(line.text)
            last = line
        self._end_paragraph()

    def _level(self, line: _Line) -> int:
        for level, title in self._bookmarks:
            if _folded(line.text) == _folded(title):
                self._bookmarks.remove((level, title))
                return level
        return self._levels.get(round(line.size), 0) if len(line.text) <= MAX_HEADING_CHARACTERS else 0

    def _is_apart(self, last: _Line, line: _Line, step: float) -> bool:
        gap = last.top - line.top
        return gap < 0 or (step > 0 and gap > GAP * step) or abs(last.size - line.size) > 0.15 * last.size

    def _end_paragraph(self) -> None:
        self._outline.add(_joined(self._paragraph))
        self._paragraph.clear()


def _joined(lines: list[str]) -> str:
    """Return a paragraph's lines as one text; a word divided at a line's end is put together."""
    text = ""
    for line in lines:
        if text.endswith("\ufffe"):
            # PDFium's mark of a hyphen that ends a line
            text = text[:-1] + line
        elif text.endswith("-") and text[-2:-1].islower() and line[:1].islower():
            text = text[:-1] + line
        else:
            text = f"{text} {line}" if text else line
    return text


def _lines(document: pdfium.PdfDocument, number: int) -> list[_Line]:
    try:
        page = document[number]
        text_page = page.get_textpage()
    except pdfium.PdfiumError as error:
        raise Failure("broken") from error
    found = list(_measured(text_page))
    text_page.close()
    page.close()
    return found


def _measured(text_page: pdfium.PdfTextPage) -> Iterator[_Line]:
    count = text_page.count_chars()
    box, at = raw.FS_RECTF(), 0
    for line in text_page.get_text_range(0, count).split("\r\n") if count else ():
        stripped = line.strip()
        if stripped:
            # a letter of the line stands for all of it
            middle = min(at + len(line) // 2, count - 1)
            measured = raw.FPDFText_GetLooseCharBox(text_page.raw, middle, ctypes.byref(box))
            size, top = (abs(box.top - box.bottom), float(box.top)) if measured else (0.0, 0.0)
            yield _Line(stripped, size, top)
        at += len(line) + 2


def _levels(pages: list[list[_Line]]) -> dict[int, int]:
    """Return the heading level of each size of type, rounded, that is larger than the body's."""
    sizes: Counter[int] = Counter()
    for lines in pages:
        for line in lines:
            sizes[round(line.size)] += len(line.text)
    if not sizes:
        return {}
    body = sizes.most_common(1)[0][0]
    larger = sorted((size for size in sizes if size > LARGER * body), reverse=True)
    return {size: min(level, MAX_HEADING_LEVELS) for level, size in enumerate(larger, start=1)}


def _bookmarks(document: pdfium.PdfDocument) -> dict[int, list[tuple[int, str]]]:
    """Return the bookmarks, (level, title), by the page that each points to, counted from 1."""
    found: dict[int, list[tuple[int, str]]] = {}
    for place, bookmark in enumerate(document.get_toc(max_depth=6)):
        if place == MAX_BOOKMARKS:
            break
        target = bookmark.get_dest()
        index = target.get_index() if target is not None else None
        title = " ".join(clean(bookmark.get_title()).split())
        if index is not None and title:
            found.setdefault(index + 1, []).append((bookmark.level + 1, title))
    return found


def _folded(text: str) -> str:
    return "".join(text.casefold().split())
