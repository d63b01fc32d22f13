"""A chain of decisions as a drawn graph: what came before at the left, what followed at the right. SVG, no script."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from uuid import UUID

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accountability.decisions.chains import Step

_WIDTH, _HEIGHT = 180, 46
_GAP_X, _GAP_Y, _MARGIN = 48, 16, 8
_SHOWN = 24  # characters of an operation's name that fit a box
# liftos/admin.css has each for the light and for the dark theme
_COLOURS = {"read": "var(--drawn-violet)", "write": "var(--drawn-teal)", "delete": "var(--drawn-red)"}

Place = tuple[int, int]


def draw_chain(steps: Sequence[Step], link: Callable[[UUID], str]) -> SafeString:
    """Return the picture: a box for each decision that leads to its page, an arrow from each to what follows from it.

    Args:
        steps: as `get_chain` gives them.
        link: a decision's address.
    """
    places = layout(steps)
    width = max(x for x, _ in places.values()) + _WIDTH + _MARGIN
    height = max(y for _, y in places.values()) + _HEIGHT + _MARGIN
    arrows = format_html_join(
        "",
        '<path d="M{},{} C{},{} {},{} {},{}" fill="none" stroke="currentColor" stroke-opacity="0.5"'
        ' marker-end="url(#chain-arrow)"/>',
        (_curve(places[parent], places[child]) for parent, child in edges(steps)),
    )
    boxes = format_html_join("", _BOX, (_box(step, places[step.decision.id], link) for step in steps))
    return format_html(
        '<div style="overflow-x: auto"><svg xmlns="http://www.w3.org/2000/svg" role="group" aria-label="Chain of {} decisions"'
        ' width="{}" height="{}" viewBox="0 0 {} {}" style="max-width: none" font-family="inherit" font-size="12">'
        '<defs><marker id="chain-arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z" fill="currentColor" fill-opacity="0.5"/></marker></defs>{}{}</svg></div>',
        len(steps), width, height, width, height, arrows, boxes,
    )  # fmt: skip


def layout(steps: Sequence[Step]) -> dict[UUID, Place]:
    """Return each decision's upper left corner: a column for each distance, each column in the order of the steps."""
    columns: defaultdict[int, list[UUID]] = defaultdict(list)
    for step in steps:
        columns[step.distance].append(step.decision.id)
    tallest = max(len(column) for column in columns.values())
    places = {}
    for number, distance in enumerate(sorted(columns)):
        column = columns[distance]
        # in the middle of the picture, so that a chain without branches is a straight line
        top = (tallest - len(column)) * (_HEIGHT + _GAP_Y) // 2
        for row, decision in enumerate(column):
            places[decision] = (
                _MARGIN + number * (_WIDTH + _GAP_X),
                _MARGIN + top + row * (_HEIGHT + _GAP_Y),
            )
    return places


def edges(steps: Sequence[Step]) -> list[tuple[UUID, UUID]]:
    """Return (parent, child) for every link between two of the steps."""
    shown = {step.decision.id for step in steps}
    return [
        (parent, step.decision.id) for step in steps for parent in step.decision.parents if parent in shown
    ]


_BOX = (
    '<a href="{}"><title>{}</title><rect x="{}" y="{}" width="{}" height="{}" rx="6" fill="{}" fill-opacity="{}"'
    ' stroke="{}" stroke-width="{}"/><text x="{}" y="{}" fill="currentColor" font-weight="600">{}</text>'
    '<text x="{}" y="{}" fill="currentColor">{}</text></a>'
)


def _box(step: Step, place: Place, link: Callable[[UUID], str]) -> tuple[object, ...]:
    decision, (x, y) = step.decision, place
    colour = _COLOURS.get(decision.effect, _COLOURS["read"])
    own = step.distance == 0
    name = decision.operation
    shown = name if len(name) <= _SHOWN else f"{name[: _SHOWN - 1]}…"
    sure = "" if decision.confidence is None else f" · {decision.confidence:.2f}"
    return (
        link(decision.id), f"{decision.effect}: {decision.reasoning or 'erased'}",
        x, y, _WIDTH, _HEIGHT, colour, "0.25" if own else "0.08", colour, 2 if own else 1,
        x + 10, y + 19, shown, x + 10, y + 36, f"{decision.recorded_at:%Y-%m-%d %H:%M:%S}{sure}",
    )  # fmt: skip


def _curve(start: Place, end: Place) -> tuple[int, ...]:
    x1, y1, x2, y2 = start[0] + _WIDTH, start[1] + _HEIGHT // 2, end[0], end[1] + _HEIGHT // 2
    bend = max(20, abs(x2 - x1) // 2)
    return x1, y1, x1 + bend, y1, x2 - bend, y2, x2, y2
