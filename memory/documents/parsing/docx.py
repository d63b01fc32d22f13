"""Word documents: paragraphs, tables, lists, text boxes and notes, in reading order. No Django.

Accepted as the reader sees them: insertions are text, deletions are not. Headers, footers and comments are left out.
"""

from collections.abc import Iterator
from typing import Any

from lxml import etree

from memory.documents.parsing.archive import Archive
from memory.documents.parsing.failures import Failure
from memory.documents.parsing.outline import Outline

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
DELETED = frozenset({f"{W}del", f"{W}moveFrom", FALLBACK})
DEPTH = 60
MAX_LEVEL = 9


def read_docx(archive: Archive, outline: Outline) -> str:
    """Write a document's text; return its title."""
    root = archive.xml("word/document.xml")
    body = root.find(f"{W}body")
    if body is None:
        raise Failure("broken")
    levels = _heading_levels(archive)
    reader = _Reader(outline, levels)
    reader.blocks(body, 0)
    for notes in ("word/footnotes.xml", "word/endnotes.xml"):
        if archive.has(notes):
            for note in archive.xml(notes):
                # separators are notes too
                if note.get(f"{W}type") in (None, "normal"):
                    reader.blocks(note, 0)
    return archive.title() or reader.title


class _Reader:
    def __init__(self, outline: Outline, levels: dict[str, int]) -> None:
        self._outline = outline
        self._levels = levels
        self.title = ""

    def blocks(self, parent: Any, depth: int) -> None:
        if depth > DEPTH:
            raise Failure("too_complex")
        for child in parent:
            if child.tag == f"{W}p":
                self._paragraph(child, depth)
            elif child.tag == f"{W}tbl":
                self._table(child)
            elif child.tag not in DELETED:
                self.blocks(child, depth + 1)

    def _paragraph(self, paragraph: Any, depth: int) -> None:
        text = _text(paragraph)
        properties = paragraph.find(f"{W}pPr")
        level = 0
        if properties is not None:
            style, own = properties.find(f"{W}pStyle"), properties.find(f"{W}outlineLvl")
            name = style.get(f"{W}val", "") if style is not None else ""
            level = _level(own) if own is not None else self._levels.get(name, 0)
            if name == "Title" and not self.title:
                self.title = " ".join(text.split())
            if properties.find(f"{W}numPr") is not None and not level and text.strip():
                text = f"- {text}"
        if level and text.strip():
            self._outline.add_heading(level, " ".join(text.split()))
        else:
            self._outline.add(text)
        for box in _boxes(paragraph):
            self.blocks(box, depth + 1)

    def _table(self, table: Any) -> None:
        for row in table.iter(f"{W}tr"):
            cells = [
                " ".join(" ".join(_text(each) for each in cell.iter(f"{W}p")).split())
                for cell in row.iter(f"{W}tc")
                if _parent_row(cell) is row
            ]
            self._outline.add(" | ".join(cell for cell in cells if cell))


def _text(paragraph: Any) -> str:
    """Return a paragraph's text without that of text boxes in it."""
    return "".join(_pieces(paragraph))


def _pieces(paragraph: Any) -> Iterator[str]:
    skipping: Any = None
    for event, element in etree.iterwalk(paragraph, events=("start", "end")):
        if skipping is not None:
            skipping = None if event == "end" and element is skipping else skipping
        elif event == "start":
            if element.tag in DELETED or element.tag == f"{W}txbxContent":
                skipping = element
            elif element.tag == f"{W}t":
                yield element.text or ""
            elif element.tag in {f"{W}tab", f"{W}ptab"} and element.getparent().tag == f"{W}r":
                yield "\t"
            elif element.tag in {f"{W}br", f"{W}cr"}:
                yield "\n"
            elif element.tag == f"{W}noBreakHyphen":
                yield "-"


def _boxes(paragraph: Any) -> list[Any]:
    """Return the outermost text boxes of a paragraph; the fallback for old readers repeats each."""
    return [
        box
        for box in paragraph.iter(f"{W}txbxContent")
        if next(box.iterancestors(f"{W}p"), None) is paragraph
        and all(each.tag != FALLBACK for each in box.iterancestors())
    ]


def _parent_row(cell: Any) -> Any:
    return next(cell.iterancestors(f"{W}tr"), None)


def _heading_levels(archive: Archive) -> dict[str, int]:
    """Return the heading level, from 1, of each paragraph style that has one, its own or that of the style it is based on."""
    if not archive.has("word/styles.xml"):
        return {f"Heading{level}": level for level in range(1, MAX_LEVEL + 1)} | {"Title": 1}
    own: dict[str, int] = {}
    based: dict[str, str] = {}
    for style in archive.xml("word/styles.xml").iter(f"{W}style"):
        key = style.get(f"{W}styleId", "")
        name, outline, base = (
            style.find(path) for path in (f"{W}name", f"{W}pPr/{W}outlineLvl", f"{W}basedOn")
        )
        words = (name.get(f"{W}val", "") if name is not None else key).casefold().split()
        if outline is not None:
            own[key] = _level(outline)
        elif len(words) == 2 and words[0] == "heading" and words[1].isdigit():
            own[key] = min(int(words[1]), MAX_LEVEL)
        elif words == ["title"]:
            own[key] = 1
        if base is not None:
            based[key] = base.get(f"{W}val", "")
    levels = {}
    for key in {*own, *based}:
        each, seen = key, {key}
        while each not in own and based.get(each) not in {None, *seen}:
            each = based[each]
            seen.add(each)
        levels[key] = own.get(each, 0)
    return levels


def _level(outline: Any) -> int:
    """Return an outline level counted from 1; 0 for body text, which is 9 in the file."""
    value = outline.get(f"{W}val", "")
    return int(value) + 1 if value.isdigit() and int(value) < MAX_LEVEL else 0
