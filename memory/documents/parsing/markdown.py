"""Markdown: kept as written, its headings begin sections. No Django."""

from itertools import pairwise

from markdown_it import MarkdownIt

from memory.documents.parsing.outline import Outline, clean
from memory.documents.parsing.plain import decode


def read_markdown(content: bytes, charset: str, outline: Outline) -> str:
    """Write Markdown; return its title, that of the front matter or of the first top heading."""
    text = clean(decode(content, charset))
    lines = text.split("\n")
    stated, body = _front_matter(lines)
    tokens = MarkdownIt("commonmark").parse("\n".join(lines[body:]))
    starts = [
        (token.map[0] + body, int(token.tag[1]), tokens[place + 1].content)
        for place, token in enumerate(tokens)
        # only of the document itself: headings in quotes and lists begin nothing
        if token.type == "heading_open" and token.level == 0 and token.map
    ]
    first = starts[0][0] if starts else len(lines)
    outline.add("\n".join(lines[:first]))
    for (start, level, title), (end, *_) in pairwise([*starts, (len(lines), 0, "")]):
        outline.start_section(level, title)
        outline.add("\n".join(lines[start:end]))
    return stated or next((title for _, level, title in starts if level == 1), "")


def _front_matter(lines: list[str]) -> tuple[str, int]:
    """Return the title of a YAML front matter, and the line after it; "" and 0 without one."""
    if not lines or lines[0].strip() != "---":
        return "", 0
    for place, line in enumerate(lines[1:200], start=1):
        if line.strip() in {"---", "..."}:
            stated = [each for each in lines[1:place] if each.lower().startswith("title:")]
            return (stated[0].partition(":")[2].strip().strip("\"'") if stated else ""), place + 1
    return "", 0
