"""Read the text of a labelled set's files; errors name the file and line. No Django."""

from collections.abc import Iterator
from pathlib import Path

from memory.evaluation.types import UnreadableSet


def read_text(path: Path) -> str:
    """Return a UTF-8 file's text, without a byte order mark.

    Raises:
        UnreadableSet: not UTF-8; names the line.
    """
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableSet(f"{path} line {line}: not UTF-8") from error


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each line that is not blank with its number, from 1."""
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            yield number, line.removesuffix("\r")


def read_cells(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
    """Yield the cells of each line of a TSV file without header, and "FILE line N" for errors.

    Raises:
        UnreadableSet: a line with more or fewer cells.
    """
    for number, line in read_lines(path):
        place, cells = f"{path} line {number}", [cell.strip() for cell in line.split("\t")]
        if len(cells) != len(columns):
            raise UnreadableSet(
                f"{place}: {len(cells)} columns, expected {len(columns)} separated by tabs: {', '.join(columns)}"
            )
        yield place, cells
