"""Layout of a space's map, and of the radar of a memory and a concept. The markup is in templates."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import cos, pi, sin, sqrt
from typing import Any

import numpy as np
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from spaces.geometry.metric import Metric, Region
from spaces.types import Array

# the map's frame, and the radar's centre and radius, in px; the templates repeat them
_SIDE, _LEFT, _TOP = 560, 70, 16
_MIDDLE_X, _MIDDLE_Y, _RADIUS = 290, 230, 150
# liftos/admin.css defines each for the light and the dark theme
_COLOURS = tuple(
    f"var(--drawn-{name})" for name in ("violet", "teal", "amber", "blue", "pink", "lime", "red", "cyan")
)


@dataclass(frozen=True, slots=True)
class Point:
    """A member on the map: its coordinates and confidence, 0..1, its text and the URL of its page."""

    x: float
    y: float
    confidence: float
    text: str
    link: str


@dataclass(frozen=True, slots=True)
class Area:
    """A concept on the map."""

    name: str
    region: Region


@dataclass(frozen=True, slots=True)
class Outline:
    """The shape of a region: a polygon if it has corners, else an ellipse around (x, y) or a rectangle from (x, y).

    `middle` is the position of its name, 0..1.
    """

    middle: tuple[float, float]
    corners: str = ""
    is_ellipse: bool = False
    x: str = ""
    y: str = ""
    width: str = ""
    height: str = ""


def draw_map(
    *,
    points: Sequence[Point],
    areas: Sequence[Area],
    metric: Metric,
    across: tuple[int, str],
    upwards: tuple[int, str],
) -> SafeString:
    """Return the map of two dimensions as SVG: concepts as regions, members as linked points.

    A region is a diamond (city-block distance), an ellipse if the two dimensions share a domain, or a band if the concept uses only
    one of them.

    Args:
        points: members with both coordinates.
        areas: concepts; those that use neither dimension are left out.
        metric: the space's.
        across: index and name of the horizontal dimension.
        upwards: of the vertical dimension.
    """
    regions = [
        _region(area.name, outline, _COLOURS[number % len(_COLOURS)])
        for number, area in enumerate(areas)
        if (outline := _outline(area.region, metric, across[0], upwards[0]))
    ]
    dots = [_dot(each) for each in points]
    context = {"across": across[1], "upwards": upwards[1], "regions": regions, "dots": dots}
    return render_to_string("spaces/map.html", context)


def _dot(point: Point) -> dict[str, str]:
    x, y = _place(point.x, point.y)
    opacity = f"{0.15 + 0.75 * point.confidence:.2f}"
    return {"link": point.link, "title": point.text[:200], "x": x, "y": y, "opacity": opacity}


def _region(name: str, outline: Outline, colour: str) -> dict[str, Any]:
    x, y = (min(0.97, max(0.02, each)) for each in outline.middle)
    name_x, name_y = _place(x, y)
    # towards the middle, so that the frame does not cut off the name
    anchor = "end" if x > 0.75 else "start" if x < 0.25 else "middle"
    return asdict(outline) | {
        "name": name, "colour": colour, "name_x": name_x, "name_y": name_y, "anchor": anchor,
    }  # fmt: skip


def _place(x: float, y: float) -> tuple[str, str]:
    return f"{_LEFT + x * _SIDE:.1f}", f"{_TOP + (1 - y) * _SIDE:.1f}"


def _outline(region: Region, metric: Metric, across: int, upwards: int) -> Outline | None:
    """Return a region's shape on two dimensions, None if it uses neither."""
    if not _names_any(region, metric, (across, upwards)):
        return None
    weights = region.metric(metric).weights
    both = weights[across] + weights[upwards]
    x, y = (float(region.prototype[number]) for number in (across, upwards))
    if not weights[across] or not weights[upwards]:
        left, right = (0.0, 1.0) if not weights[across] else (x - region.radius, x + region.radius)
        low, high = (0.0, 1.0) if not weights[upwards] else (y - region.radius, y + region.radius)
        (x1, y1), (x2, y2) = _place(left, high), _place(right, low)
        return Outline(
            middle=(0.5 if not weights[across] else x, 0.5 if not weights[upwards] else y),
            x=x1,
            y=y1,
            width=f"{float(x2) - float(x1):.1f}",
            height=f"{float(y2) - float(y1):.1f}",
        )
    if metric.domains[across] == metric.domains[upwards]:
        wide, tall = (region.radius * sqrt(both / weights[number]) for number in (across, upwards))
        centre_x, centre_y = _place(x, y)
        return Outline((x, y), "", True, centre_x, centre_y, f"{wide * _SIDE:.1f}", f"{tall * _SIDE:.1f}")
    wide, tall = (region.radius * both / weights[number] for number in (across, upwards))
    corners = [(x - wide, y), (x, y + tall), (x + wide, y), (x, y - tall)]
    return Outline((x, y), " ".join(",".join(_place(*each)) for each in corners))


def _names_any(region: Region, metric: Metric, places: tuple[int, int]) -> bool:
    return any(
        not np.isnan(region.prototype[number]) and region.weights[number] * metric.weights[number] > 0
        for number in places
    )


def draw_radar(
    *, names: Sequence[str], memory: Array, concept: Array, concept_name: str, weights: Array
) -> SafeString | str:
    """Return the radar of a memory and a concept as SVG: a spoke per dimension that either has, 0 at the centre.

    Args:
        names: of the k dimensions.
        memory: shape (k,), on the unit scales, NaN where unknown.
        concept: shape (k,), likewise.
        concept_name: for the legend.
        weights: shape (k,), shown as the spokes' titles.
    """
    shown = [
        number for number in range(len(names)) if not (np.isnan(memory[number]) and np.isnan(concept[number]))
    ]
    if not shown:
        return "No coordinates."
    angles = {number: 2 * pi * place / len(shown) - pi / 2 for place, number in enumerate(shown)}

    def at(number: int, reach: float) -> tuple[str, str]:
        x, y = _RADIUS * reach * cos(angles[number]), _RADIUS * reach * sin(angles[number])
        return f"{_MIDDLE_X + x:.1f}", f"{_MIDDLE_Y + y:.1f}"

    def shape(values: Array, colour: str, title: str) -> dict[str, object]:
        dots = [at(number, values[number]) for number in shown if not np.isnan(values[number])]
        return {"title": title, "colour": colour, "dots": dots, "points": " ".join(map(",".join, dots))}

    def spoke(number: int) -> dict[str, str]:
        (end_x, end_y), (name_x, name_y), side = at(number, 1.0), at(number, 1.12), cos(angles[number])
        return {
            "name": names[number],
            "weight": f"{weights[number]:g}",
            "end_x": end_x,
            "end_y": end_y,
            "name_x": name_x,
            "name_y": name_y,
            "anchor": "middle" if abs(side) < 0.3 else "start" if side > 0 else "end",
        }

    shapes = [shape(concept, _COLOURS[1], concept_name), shape(memory, _COLOURS[0], "the memory")]
    context = {"concept": concept_name, "spokes": [spoke(number) for number in shown], "shapes": shapes}
    return render_to_string("spaces/radar.html", context)
