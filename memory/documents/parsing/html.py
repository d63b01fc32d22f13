"""HTML: its text without scripts, styles and navigation. No Django."""

import re
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from memory.documents.parsing.failures import Failure
from memory.documents.parsing.outline import Outline
from memory.documents.parsing.plain import decode

SKIPPED = frozenset(
    {"script", "style", "template", "noscript", "iframe", "object", "embed", "svg", "math", "nav", "head", "title", "select", "canvas"}
)  # fmt: skip
BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "dd", "details", "dialog", "div", "dl", "dt", "fieldset",
        "figcaption", "figure", "footer", "form", "header", "hr", "html", "main", "p", "pre", "section", "summary", "table",
        "caption", "ul", "ol", "li", "tr", "thead", "tbody", "tfoot", "center",
    }
)  # fmt: skip
CELLS, ROWS = frozenset({"td", "th"}), frozenset({"table", "tr"})
# marks where a cell begins, until its row is complete
CELL = "\ue000"
_AROUND_CELL = re.compile(rf"\s*{CELL}\s*")
HEADINGS = {f"h{level}": level for level in range(1, 7)}
_META = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w:.-]+)", re.IGNORECASE)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


def read_html(content: bytes, charset: str, outline: Outline) -> str:
    """Write a page's text; return its title."""
    stated = _META.search(content[:4096])
    return read_markup(decode(content, stated[1].decode("ascii") if stated else charset), outline)


def read_markup(text: str, outline: Outline) -> str:
    """Write decoded HTML as text; return its title."""
    # deep trees are allowed: the process's memory is the limit, and cutting them off would lose text silently
    parser = lxml_html.HTMLParser(
        encoding="utf-8", huge_tree=True, no_network=True, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError as error:
        # HTML has no syntax errors; libxml2 is out of memory
        raise Failure("too_complex") from error
    if any("xcessive depth" in each.message for each in parser.error_log):
        # libxml2 leaves out what is nested deeper
        raise Failure("too_complex")
    if root is None:
        return ""
    _Walk(outline).over(root)
    title = root.find(".//title")
    return " ".join((title.text or "").split()) if title is not None else ""


class _Walk:
    """Collects inline text until a block begins or ends. Iterative: pages may nest as deep as they like."""

    def __init__(self, outline: Outline) -> None:
        self._outline = outline
        self._inline: list[str] = []
        self._depth = 0
        self._pre = 0
        self._prefix = ""

    def over(self, root: Any) -> None:
        skipping: Any = None
        for event, element in etree.iterwalk(root, events=("start", "end")):
            if skipping is not None:
                if event == "end" and element is skipping:
                    skipping = None
                    self._text(element.tail)
                continue
            if event == "start":
                if not isinstance(element.tag, str) or element.tag in SKIPPED or _is_hidden(element):
                    skipping = element
                    continue
                self._start(element.tag)
                self._text(element.text)
            else:
                self._end(element.tag)
                self._text(element.tail)
        self._flush()

    def _start(self, tag: str) -> None:
        self._break(tag)
        if tag == "li":
            self._prefix = "- "
        elif tag in CELLS:
            self._inline.append(CELL)
            self._depth += 1
        elif tag == "br":
            self._inline.append("\n")
        elif tag == "pre":
            self._pre += 1
        elif tag == "img":
            self._inline.append(" ")

    def _end(self, tag: str) -> None:
        if tag in HEADINGS:
            self._flush(HEADINGS[tag])
        else:
            self._break(tag)
        if tag in CELLS:
            self._depth -= 1
        elif tag == "pre":
            self._pre -= 1

    def _break(self, tag: str) -> None:
        if tag in HEADINGS or (tag in BLOCKS and (not self._depth or tag in ROWS)):
            self._flush()
        elif tag in BLOCKS:
            # inside a cell: the row is one block
            self._inline.append("\n")

    def _text(self, text: str | None) -> None:
        if text:
            self._inline.append(text if self._pre else re.sub(r"\s+", " ", text))

    def _flush(self, heading: int = 0) -> None:
        text = _AROUND_CELL.sub(" | ", "".join(self._inline)).removeprefix(" | ")
        self._inline.clear()
        if not self._pre:
            text = "\n".join(line.strip() for line in re.sub(r" {2,}", " ", text).split("\n")).strip()
        if not text.strip(" |\n"):
            return
        if heading:
            self._outline.add_heading(heading, text)
        else:
            self._outline.add(self._prefix + text)
        self._prefix = ""


def _is_hidden(element: Any) -> bool:
    return element.get("hidden") is not None or bool(_HIDDEN.search(element.get("style", "")))
