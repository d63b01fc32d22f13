"""Layout of a workflow's graph, from left to right; workflows/steps.html draws it."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from workflows.definition import ancestors, topological
from workflows.types import StepStatus

MAX_DRAWN = 200
"""Larger graphs are not drawn: nobody could read them."""
# size of a box; the template repeats it
_WIDTH, _HEIGHT = 190, 50
_GAP_X, _GAP_Y, _MARGIN = 52, 18, 8
_SHOWN = 25  # characters that fit a box
_SWEEPS = 4
# defined in liftos/admin.css for the light and the dark theme
_COLOURS = {
    StepStatus.WAITING: "var(--drawn-grey)",
    StepStatus.READY: "var(--drawn-cyan)",
    StepStatus.RUNNING: "var(--drawn-blue)",
    StepStatus.RETRY_WAIT: "var(--drawn-amber)",
    StepStatus.AWAITING_APPROVAL: "var(--drawn-violet)",
    StepStatus.DONE: "var(--drawn-green)",
    StepStatus.FAILED: "var(--drawn-red)",
    StepStatus.SKIPPED: "var(--drawn-pale)",
    StepStatus.CANCELLED: "var(--drawn-pink)",
}
_PLAIN = "var(--drawn-grey)"

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Node:
    """One step of the graph.

    Attributes:
        name: of the step.
        needs: names of the steps it depends on.
        status: None in a template's graph.
        note: the line below the name.
        title: the tooltip.
    """

    name: str
    needs: tuple[str, ...]
    status: StepStatus | None = None
    note: str = ""
    title: str = ""


@dataclass(frozen=True)
class Box:
    """One step's box; `x` and `y` are its upper left corner, an open step has a dashed border."""

    x: int
    y: int
    link: str
    title: str
    name: str
    note: str
    colour: str
    is_open: bool


def draw(nodes: Sequence[Node], *, label: str, link: Callable[[str], str]) -> SafeString | str:
    """Return the graph as SVG: a box per step in its status colour, an arrow to each dependent step. See `arrange`.

    Args:
        nodes: for more than MAX_DRAWN a sentence is returned instead.
        label: description for screen readers.
        link: returns the URL of a step's box.
    """
    if not nodes:
        return "No steps."
    if len(nodes) > MAX_DRAWN:
        return f"Too many steps to draw ({len(nodes)}); see the list below."
    placed = arrange(nodes)
    places = placed.boxes
    every = [*places.values(), *(bend for _, bends, _ in placed.arrows for bend in bends)]
    seen = {node.status for node in nodes}
    found = {
        "label": label,
        "width": max(x for x, _ in every) + _WIDTH + _MARGIN,
        "height": max(y for _, y in every) + _HEIGHT + _MARGIN,
        "arrows": [_way(places[start], bends, places[end]) for start, bends, end in placed.arrows],
        "boxes": [_box(node, places[node.name], link) for node in nodes],
        "legend": [(_COLOURS[each], each.replace("_", " ")) for each in StepStatus if each in seen],
    }
    return render_to_string("workflows/steps.html", found)


@dataclass(frozen=True, slots=True)
class Arranged:
    """A layout.

    Attributes:
        boxes: each step's upper left corner.
        arrows: from a step to a dependent one, through the upper left corners of the free places between them.
    """

    boxes: dict[str, Place]
    arrows: list[tuple[str, tuple[Place, ...], str]]


_Spot = str | tuple[str, str, int]
"""A step, or the place in a column that an arrow between two steps passes."""


def arrange(nodes: Sequence[Node]) -> Arranged:
    """Return a layout in which no arrow passes behind a box.

    A step's column is the length of the longest path to it. Arrows implied by others (a needs b and c, b needs c: c to a) are
    left out. Each column is sorted by the barycentre of its neighbours, in alternating sweeps, so that few arrows cross.

    Source: Sugiyama, Tagawa and Toda 1981.
    """
    known = {node.name for node in nodes}
    needs = _without_implied({node.name: [each for each in node.needs if each in known] for node in nodes})
    depth: dict[str, int] = {}
    for name in topological(needs):
        depth[name] = 1 + max((depth[each] for each in needs[name]), default=-1)
    columns: defaultdict[int, list[_Spot]] = defaultdict(list)
    for node in nodes:
        columns[depth[node.name]].append(node.name)
    before: defaultdict[_Spot, list[_Spot]] = defaultdict(list)
    after: defaultdict[_Spot, list[_Spot]] = defaultdict(list)
    ways: list[tuple[str, list[_Spot], str]] = []
    for name, needed in needs.items():
        for each in needed:
            way: list[_Spot] = [(each, name, column) for column in range(depth[each] + 1, depth[name])]
            for column, spot in enumerate(way, depth[each] + 1):
                columns[column].append(spot)
            for left, right in pairwise([each, *way, name]):
                before[right].append(left)
                after[left].append(right)
            ways.append((each, way, name))
    for sweep in range(_SWEEPS):
        forth = sweep % 2 == 0
        for number in sorted(columns, reverse=not forth):
            _sort_by_middle(columns, number, before if forth else after)
    places = _places(columns)
    return Arranged(
        {name: places[name] for name in depth},
        [(start, tuple(places[spot] for spot in way), end) for start, way, end in ways],
    )


def _places(columns: dict[int, list[_Spot]]) -> dict[_Spot, Place]:
    tallest = max(len(column) for column in columns.values())
    return {
        spot: (
            _MARGIN + number * (_WIDTH + _GAP_X),
            # centred, so that a chain without branches is a straight line
            _MARGIN + (tallest - len(column)) * (_HEIGHT + _GAP_Y) // 2 + row * (_HEIGHT + _GAP_Y),
        )
        for number, column in columns.items()
        for row, spot in enumerate(column)
    }


def _without_implied(needs: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the transitive reduction of the dependencies."""
    far = ancestors(needs)
    return {
        name: [
            each
            for each in dict.fromkeys(needed)
            if not any(each in far[other] for other in needed if other != each)
        ]
        for name, needed in needs.items()
    }


def _sort_by_middle(
    columns: dict[int, list[_Spot]], number: int, neighbours: Mapping[_Spot, list[_Spot]]
) -> None:
    # relative to the middle, because columns of different length are centred
    at = {spot: row - (len(column) - 1) / 2 for column in columns.values() for row, spot in enumerate(column)}

    def middle(spot: _Spot) -> float:
        others = neighbours.get(spot, [])
        return sum(at[each] for each in others) / len(others) if others else at[spot]

    columns[number].sort(key=middle)


def _box(node: Node, place: Place, link: Callable[[str], str]) -> Box:
    return Box(
        *place,
        link=link(node.name),
        title=node.title or node.name,
        name=_cut(node.name),
        note=_cut(node.note),
        colour=_COLOURS[node.status] if node.status else _PLAIN,
        is_open=node.status in (StepStatus.RUNNING, StepStatus.RETRY_WAIT, StepStatus.AWAITING_APPROVAL),
    )


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _way(start: Place, bends: Sequence[Place], end: Place) -> str:
    """Return an arrow's SVG path, from a box's right side through free places to another's left side."""
    x, y = start[0] + _WIDTH, start[1] + _HEIGHT // 2
    path = [f"M{x},{y}"]
    for left, top in (*bends, end):
        to_x, to_y = left, top + _HEIGHT // 2
        bend = max(20, (to_x - x) // 2)
        path.append(f"C{x + bend},{y} {to_x - bend},{to_y} {to_x},{to_y}")
        if (left, top) != end:
            path.append(f"L{left + _WIDTH},{to_y}")
        x, y = left + _WIDTH, to_y
    return " ".join(path)


def in_words(seconds: float) -> str:
    """Return a human-readable duration, from `3 ms` to `2 h 5 min`."""
    if seconds < 1:
        return f"{seconds * 1e3:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes} min {int(seconds % 60)} s"
    return f"{minutes // 60} h {minutes % 60} min"
