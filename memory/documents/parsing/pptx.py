"""Presentations: each slide's title, text, tables, diagrams and notes. No Django."""

from collections.abc import Iterator
from typing import Any

from memory.documents.parsing.archive import Archive
from memory.documents.parsing.failures import Failure
from memory.documents.parsing.outline import Outline

A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
REFERENCE = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
TITLES = frozenset({"title", "ctrTitle"})
# of a notes page: the number and date that the layout puts on it
NO_TEXT = frozenset({"sldNum", "dt", "ftr", "hdr", "sldImg"})


def read_pptx(archive: Archive, outline: Outline, most: int) -> tuple[str, int]:
    """Write the slides in order; return the title and their number.

    Raises:
        Failure: more than `most` slides.
    """
    main = "ppt/presentation.xml"
    related = archive.related(main)
    names = [
        related.get(each.get(REFERENCE, ""), ("", ""))[1] for each in archive.xml(main).iter(f"{P}sldId")
    ]
    if len(names) > most:
        raise Failure("too_many_pages", pages=len(names), most=most)
    first = ""
    for number, name in enumerate(names, start=1):
        if not archive.has(name):
            raise Failure("broken")
        outline.start_page(number)
        title = _slide(archive, name, outline)
        first = first or title
    return archive.title() or first, len(names)


def _slide(archive: Archive, name: str, outline: Outline) -> str:
    root = archive.xml(name)
    shapes = list(root.iter(f"{P}sp", f"{A}tbl"))
    titles = [each for each in shapes if each.tag == f"{P}sp" and _place(each) in TITLES]
    title = " ".join(" ".join(_paragraphs(titles[0])).split()) if titles else ""
    # a slide without a title does not continue the section of the last one
    outline.start_section(1, title or f"Slide {name.rpartition('slide')[2].partition('.')[0]}")
    outline.add(title)
    for shape in shapes:
        if shape in titles[:1]:
            continue
        if shape.tag == f"{P}sp":
            outline.add("\n".join(_paragraphs(shape)))
        else:
            for row in shape.iter(f"{A}tr"):
                cells = (" ".join(_paragraphs(cell)) for cell in row.iter(f"{A}tc"))
                outline.add(" | ".join(cell for cell in cells if cell.strip()))
    for kind, part in archive.related(name).values():
        if kind == "diagramData" and archive.has(part):
            outline.add("\n".join(_paragraphs(archive.xml(part))))
        elif kind == "notesSlide" and archive.has(part):
            notes = [each for each in archive.xml(part).iter(f"{P}sp") if _place(each) not in NO_TEXT]
            outline.add("\n".join(text for each in notes for text in _paragraphs(each)))
    return title


def _place(shape: Any) -> str:
    """Return a shape's placeholder type, "" if it has none."""
    found = shape.find(f"{P}nvSpPr/{P}nvPr/{P}ph")
    return found.get("type", "") if found is not None else ""


def _paragraphs(shape: Any) -> Iterator[str]:
    for paragraph in shape.iter(f"{A}p"):
        text = "".join(
            "\n" if each.tag == f"{A}br" else each.text or "" for each in paragraph.iter(f"{A}t", f"{A}br")
        )
        if text.strip():
            yield text
