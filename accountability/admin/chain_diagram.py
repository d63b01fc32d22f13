"""A chain of decisions as a graph, ancestors at the left, descendants at the right. The markup is a template."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from accountability.decisions.chains import Step

# box size in px; chain.html repeats it
_WIDTH, _HEIGHT = 180, 46
_GAP_X, _GAP_Y, _MARGIN = 48, 16, 8
_MAX_NAME = 24  # characters that fit a box
# liftos/admin.css defines each for the light and the dark theme
_COLOURS = {"read": "var(--drawn-violet)", "write": "var(--drawn-teal)", "delete": "var(--drawn-red)"}

Place = tuple[int, int]


@dataclass(frozen=True)
class Box:
    """One drawn decision; `x` and `y` are its upper left corner."""

    x: int
    y: int
    link: str
    title: str
    name: str
    note: str
    colour: str
    is_own: bool


def draw_chain(steps: Sequence[Step], link: Callable[[UUID], str]) -> SafeString:
    """Return the graph as SVG: a linked box per decision, an arrow per parent link.

    Args:
        steps: from `get_chain`.
        link: returns the URL of a decision's page.
    """
    places = layout(steps)
    return render_to_string(
        "accountability/chain.html",
        {
            "width": max(x for x, _ in places.values()) + _WIDTH + _MARGIN,
            "height": max(y for _, y in places.values()) + _HEIGHT + _MARGIN,
            "arrows": [_curve(places[parent], places[child]) for parent, child in edges(steps)],
            "boxes": [_box(step, places[step.decision.id], link) for step in steps],
        },
    )


def layout(steps: Sequence[Step]) -> dict[UUID, Place]:
    """Return each decision's upper left corner: one column per distance, in the order of the steps."""
    columns: defaultdict[int, list[UUID]] = defaultdict(list)
    for step in steps:
        columns[step.distance].append(step.decision.id)
    tallest = max(len(column) for column in columns.values())
    places = {}
    for number, distance in enumerate(sorted(columns)):
        column = columns[distance]
        # centred, so that a chain without branches is a straight line
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


def _box(step: Step, place: Place, link: Callable[[UUID], str]) -> Box:
    decision, name = step.decision, step.decision.operation
    confidence = "" if decision.confidence is None else f" · {decision.confidence:.2f}"
    return Box(
        *place,
        link=link(decision.id),
        title=f"{decision.effect}: {decision.reasoning or 'erased'}",
        name=name if len(name) <= _MAX_NAME else f"{name[: _MAX_NAME - 1]}…",
        note=f"{decision.recorded_at:%Y-%m-%d %H:%M:%S}{confidence}",
        colour=_COLOURS.get(decision.effect, _COLOURS["read"]),
        is_own=step.distance == 0,
    )


def _curve(start: Place, end: Place) -> str:
    x1, y1, x2, y2 = start[0] + _WIDTH, start[1] + _HEIGHT // 2, end[0], end[1] + _HEIGHT // 2
    bend = max(20, abs(x2 - x1) // 2)
    return f"M{x1},{y1} C{x1 + bend},{y1} {x2 - bend},{y2} {x2},{y2}"
