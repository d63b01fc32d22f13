"""A workflow as a drawn graph: what comes first at the left. SVG, no script."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from workflows.definition import topological
from workflows.types import StepStatus

MAX_DRAWN = 200
"""More steps than a person can follow in a picture are not drawn."""
_WIDTH, _HEIGHT = 190, 50
_GAP_X, _GAP_Y, _MARGIN = 52, 18, 8
_SHOWN = 25  # characters that fit a box
_SWEEPS = 4
_COLOURS = {
    StepStatus.WAITING: "#64748b",
    StepStatus.READY: "#0284c7",
    StepStatus.RUNNING: "#2563eb",
    StepStatus.RETRY_WAIT: "#d97706",
    StepStatus.AWAITING_APPROVAL: "#9333ea",
    StepStatus.DONE: "#15803d",
    StepStatus.FAILED: "#dc2626",
    StepStatus.SKIPPED: "#94a3b8",
    StepStatus.CANCELLED: "#78716c",
}
_PLAIN = "#475569"

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Node:
    """One step as it is drawn.

    Attributes:
        name: of the step.
        needs: names of the steps it depends on.
        status: where it stands; None in the picture of a template.
        note: what is written below the name.
        title: what a pointer that rests on it is told.
    """

    name: str
    needs: tuple[str, ...]
    status: StepStatus | None = None
    note: str = ""
    title: str = ""


def draw(nodes: Sequence[Node], *, label: str, link: Callable[[str], str]) -> SafeString:
    """Return the picture: a box for each step in its state's colour, an arrow from each to what depends on it.

    Args:
        nodes: at most MAX_DRAWN; of more, a sentence is returned.
        label: what the picture is, for who can't see it.
        link: the address that a step's box leads to.
    """
    if not nodes:
        return format_html("<p>{}</p>", "No steps.")
    if len(nodes) > MAX_DRAWN:
        return format_html("<p>{} steps are too many for a picture; they are listed below.</p>", len(nodes))
    places = layout(nodes)
    width = max(x for x, _ in places.values()) + _WIDTH + _MARGIN
    height = max(y for _, y in places.values()) + _HEIGHT + _MARGIN
    arrows = format_html_join(
        "",
        '<path d="M{},{} C{},{} {},{} {},{}" fill="none" stroke="currentColor" stroke-opacity="0.5"'
        ' marker-end="url(#step-arrow)"/>',
        (
            _curve(places[needed], places[node.name])
            for node in nodes
            for needed in node.needs
            if needed in places
        ),
    )
    boxes = format_html_join("", _BOX, (_box(node, places[node.name], link) for node in nodes))
    return format_html(
        '<div style="overflow-x: auto"><svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{}"'
        ' width="{}" height="{}" viewBox="0 0 {} {}" style="max-width: none" font-family="inherit" font-size="12">'
        '<defs><marker id="step-arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z" fill="currentColor" fill-opacity="0.5"/></marker></defs>{}{}</svg></div>{}',
        label, width, height, width, height, arrows, boxes, _legend(nodes),
    )  # fmt: skip


def layout(nodes: Sequence[Node]) -> dict[str, Place]:
    """Return each step's upper left corner: a column for each length of the longest way to it.

    Within a column a step stands where its neighbours' middle is, swept forth and back a few times, so that few arrows cross
    (Sugiyama, Tagawa and Toda 1981).
    """
    known = {node.name for node in nodes}
    needs = {node.name: [each for each in node.needs if each in known] for node in nodes}
    depth: dict[str, int] = {}
    for name in topological(needs):
        depth[name] = 1 + max((depth[each] for each in needs[name]), default=-1)
    columns: defaultdict[int, list[str]] = defaultdict(list)
    for node in nodes:
        columns[depth[node.name]].append(node.name)
    needed_by: defaultdict[str, list[str]] = defaultdict(list)
    for name, before in needs.items():
        for each in before:
            needed_by[each].append(name)
    for sweep in range(_SWEEPS):
        forth = sweep % 2 == 0
        for number in sorted(columns, reverse=not forth):
            _sort_by_middle(columns, number, needs if forth else needed_by)
    tallest = max(len(column) for column in columns.values())
    return {
        name: (
            _MARGIN + number * (_WIDTH + _GAP_X),
            # in the middle of the picture, so that a chain without branches is a straight line
            _MARGIN + (tallest - len(column)) * (_HEIGHT + _GAP_Y) // 2 + row * (_HEIGHT + _GAP_Y),
        )
        for number, column in columns.items()
        for row, name in enumerate(column)
    }


def _sort_by_middle(columns: dict[int, list[str]], number: int, neighbours: dict[str, list[str]]) -> None:
    # from -1 to 1 within each column, for columns differ in length and are drawn about one middle
    at = {name: row - (len(column) - 1) / 2 for column in columns.values() for row, name in enumerate(column)}

    def middle(name: str) -> float:
        others = neighbours.get(name, [])
        return sum(at[each] for each in others) / len(others) if others else at[name]

    columns[number].sort(key=middle)


_BOX = (
    '<a href="{}"><title>{}</title><rect x="{}" y="{}" width="{}" height="{}" rx="6" fill="{}" fill-opacity="0.14"'
    ' stroke="{}" stroke-width="1.5"{}/><text x="{}" y="{}" fill="currentColor" font-weight="600">{}</text>'
    '<text x="{}" y="{}" fill="currentColor" fill-opacity="0.75">{}</text></a>'
)


def _box(node: Node, place: Place, link: Callable[[str], str]) -> tuple[object, ...]:
    x, y = place
    colour = _COLOURS[node.status] if node.status else _PLAIN
    open_ = node.status in (StepStatus.RUNNING, StepStatus.RETRY_WAIT, StepStatus.AWAITING_APPROVAL)
    dashes = format_html(' stroke-dasharray="{}"', "6 3") if open_ else ""
    return (
        link(node.name), node.title or node.name, x, y, _WIDTH, _HEIGHT, colour, colour, dashes,
        x + 10, y + 21, _cut(node.name), x + 10, y + 39, _cut(node.note),
    )  # fmt: skip


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _legend(nodes: Sequence[Node]) -> SafeString:
    seen = [status for status in StepStatus if any(node.status is status for node in nodes)]
    return format_html(
        '<p style="margin-top: 6px">{}</p>' if seen else "{}",
        format_html_join(
            "",
            '<span style="margin-right: 1.2em; white-space: nowrap"><span style="display: inline-block; width: 0.8em;'
            ' height: 0.8em; border-radius: 3px; background: {}; margin-right: 0.4em"></span>{}</span>',
            ((_COLOURS[status], status.replace("_", " ")) for status in seen),
        ),
    )


def _curve(start: Place, end: Place) -> tuple[int, ...]:
    x1, y1, x2, y2 = start[0] + _WIDTH, start[1] + _HEIGHT // 2, end[0], end[1] + _HEIGHT // 2
    bend = max(20, abs(x2 - x1) // 2)
    return x1, y1, x1 + bend, y1, x2 - bend, y2, x2, y2


def in_words(seconds: float) -> str:
    """Return a duration as people read it, from `3 ms` to `2 h 5 min`."""
    if seconds < 1:
        return f"{seconds * 1e3:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes} min {int(seconds % 60)} s"
    return f"{minutes // 60} h {minutes % 60} min"
