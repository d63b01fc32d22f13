"""Workbooks: every sheet's rows with the names of their columns; formulas by their last value. No Django."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from memory.documents.parsing.archive import Archive
from memory.documents.parsing.failures import Failure
from memory.documents.parsing.outline import Outline
from memory.documents.parsing.plain import add_rows


def read_xlsx(content: bytes, archive: Archive, outline: Outline, most: int) -> tuple[str, int]:
    """Write the sheets in order; return the title and their number.

    Raises:
        Failure: more than `most` sheets.
    """
    # calamine unpacks by itself: first see that everything it may read fits, and declares no entities
    for name in archive.names("xl/"):
        if name.casefold().endswith((".xml", ".rels")):
            archive.xml(name)
        elif name.casefold().endswith(".bin"):
            archive.read(name)
    try:
        book = CalamineWorkbook.from_filelike(BytesIO(content))
        if len(book.sheet_names) > most:
            raise Failure("too_many_pages", pages=len(book.sheet_names), most=most)
        for number, name in enumerate(book.sheet_names, start=1):
            outline.start_page(number)
            outline.start_section(1, name)
            outline.add(name)
            add_rows(_rows(book.get_sheet_by_name(name)), outline)
    except (CalamineError, ValueError, OSError) as error:
        raise Failure("broken") from error
    return archive.title(), len(book.sheet_names)


def _rows(sheet: Any) -> Iterator[list[str]]:
    for row in sheet.iter_rows():
        yield [_shown(cell) for cell in row]


def _shown(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case float():
            return repr(value)
        case datetime() if value.time() == time.min:
            return value.date().isoformat()
        case datetime():
            return value.isoformat(" ", "minutes" if not value.second else "seconds")
        case date() | time():
            return value.isoformat()
        case timedelta() | None:
            return str(value or "")
        case _:
            return str(value)
