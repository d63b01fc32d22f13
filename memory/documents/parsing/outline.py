"""The text of a document while it is parsed, with the places where pages and sections begin. No Django."""

import re
from dataclasses import dataclass, field

from memory.documents.parsing.failures import Failure

MAX_HEADING = 300
SEPARATOR = " > "
# NUL and lone surrogates, which Postgres can't store, other controls, and invisible marks
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff\ufeff]")
_BLANK_LINES = re.compile(r"\n[ \t]*\n[ \t\n]*")
_LINE_ENDS = re.compile(r"[ \t]+(?=\n)")


def clean(text: str) -> str:
    """Return text with plain line ends, without control characters, trailing blanks and runs of empty lines."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0b", "\n").replace("\x0c", "\n")
    text = _CONTROLS.sub("", text)
    return _BLANK_LINES.sub("\n\n", _LINE_ENDS.sub("", text)).rstrip().lstrip("\n")


@dataclass(slots=True)
class Outline:
    """The text so far, in blocks with an empty line between them.

    Attributes:
        most: limit of characters.
        marks: (start, page, heading): where a page or a section begins, sorted by start; each holds until the next.
    """

    most: int
    marks: list[tuple[int, int | None, str]] = field(default_factory=list)
    _blocks: list[str] = field(default_factory=list)
    _length: int = 0
    _page: int | None = None
    _path: list[tuple[int, str]] = field(default_factory=list)

    def start_page(self, number: int) -> None:
        """Begin a page; sections go on across pages."""
        self._page = number
        self._changed()

    def start_section(self, level: int, title: str) -> None:
        """Begin a section without writing its title.

        Args:
            level: from 1; ends sections of this level and below.
            title: its heading.
        """
        title = " ".join(clean(title).split())[:MAX_HEADING]
        if title:
            self._path = [each for each in self._path if each[0] < level] + [(level, title)]
            self._changed()

    def add_heading(self, level: int, title: str) -> None:
        """Begin a section and write its title."""
        self.start_section(level, title)
        self.add(title)

    def add(self, text: str) -> None:
        """Write a block.

        Raises:
            Failure: the document has more text than allowed.
        """
        text = clean(text)
        if not text.strip():
            return
        self._length += len(text) + 2 * bool(self._blocks)
        if self._length > self.most:
            raise Failure("too_long", most=self.most)
        self._blocks.append(text)

    def text(self) -> str:
        """Return the whole text."""
        return "\n\n".join(self._blocks)

    def _changed(self) -> None:
        start = self._length + 2 * bool(self._blocks)
        mark = (start, self._page, SEPARATOR.join(title for _, title in self._path)[-MAX_HEADING:])
        if self.marks and self.marks[-1][0] == start:
            self.marks[-1] = mark
        else:
            self.marks.append(mark)
