"""A space as a map, and a memory beside a concept as a radar: SVG drawn here, no script, no outside asset."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi, sin, sqrt

import numpy as np
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from spaces.geometry.metric import Metric, Region
from spaces.types import Array

_SIDE, _LEFT, _TOP, _RIGHT, _BOTTOM = 560, 70, 16, 150, 54
# liftos/admin.css has each for the light and for the dark theme
_COLOURS = tuple(
    f"var(--drawn-{name})" for name in ("violet", "teal", "amber", "blue", "pink", "lime", "red", "cyan")
)
_RADAR, _REACH = 460, 150


@dataclass(frozen=True, slots=True)
class Point:
    """A member on the map: where, 0..1 each way, how sure, 0..1, its text and its address."""

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


def draw_map(
    *,
    points: Sequence[Point],
    areas: Sequence[Area],
    metric: Metric,
    across: tuple[int, str],
    upwards: tuple[int, str],
) -> SafeString:
    """Return the map of two dimensions: concepts as regions, members as points that lead to their pages.

    A region is drawn as far as it reaches on these two dimensions: a diamond (city-block), an ellipse where the two are of one
    domain, a band where the concept speaks of one of them alone.

    Args:
        points: members with both coordinates.
        areas: concepts; those that speak of neither dimension are left out.
        metric: the space's.
        across: place and name of the dimension from left to right.
        upwards: of the dimension from bottom to top.
    """
    width, height = _LEFT + _SIDE + _RIGHT, _TOP + _SIDE + _BOTTOM
    shapes = [
        (number, each, outline)
        for number, each in enumerate(areas)
        if (outline := _outline(each.region, metric, across[0], upwards[0]))
    ]
    regions = format_html_join(
        "",
        "<g><title>{}</title>{}</g>",
        (
            (area.name, format_html(shape, colour=_COLOURS[number % len(_COLOURS)]))
            for number, area, (shape, _) in shapes
        ),
    )
    # over the points, which would hide them
    names = format_html_join(
        "",
        '<text class="over" x="{}" y="{}" text-anchor="{}" fill="{}" font-weight="600">{}</text>',
        (
            (*_label(place), _COLOURS[number % len(_COLOURS)], area.name)
            for number, area, (_, place) in shapes
        ),
    )
    dots = format_html_join(
        "",
        '<a href="{}"><title>{}</title><circle cx="{}" cy="{}" r="5" fill="currentColor" fill-opacity="{}" '
        'stroke="currentColor" stroke-opacity="0.6"/></a>',
        (
            (each.link, each.text[:200], *_place(each.x, each.y), f"{0.15 + 0.75 * each.confidence:.2f}")
            for each in points
        ),
    )
    return format_html(
        '<div style="overflow-x: auto"><svg xmlns="http://www.w3.org/2000/svg" role="group" aria-label="Map of {} members, {} by {}"'
        ' width="{}" height="{}" viewBox="0 0 {} {}" style="max-width: none" font-family="inherit" font-size="12">'
        '<defs><clipPath id="plot"><rect x="{}" y="{}" width="{}" height="{}"/></clipPath></defs>'
        '<rect x="{}" y="{}" width="{}" height="{}" fill="none" stroke="currentColor" stroke-opacity="0.3"/>{}'
        '<g clip-path="url(#plot)">{}</g>{}{}</svg></div>',
        len(points), across[1], upwards[1], width, height, width, height,
        _LEFT, _TOP, _SIDE, _SIDE, _LEFT, _TOP, _SIDE, _SIDE, _titles(across[1], upwards[1]), regions, dots, names,
    )  # fmt: skip


def draw_radar(
    *, names: Sequence[str], memory: Array, concept: Array, concept_name: str, weights: Array
) -> SafeString:
    """Return a memory beside a concept: a spoke for each dimension that one of both has, 0 in the middle.

    Args:
        names: of the dimensions, k.
        memory: shape (k,), on the unit scales, NaN where unknown.
        concept: shape (k,), likewise.
        concept_name: for the legend.
        weights: shape (k,): how much each counts, told in the spoke's title.
    """
    shown = [
        number for number in range(len(names)) if not (np.isnan(memory[number]) and np.isnan(concept[number]))
    ]
    if not shown:
        return mark_safe("Nothing is known of either.")
    turn = {number: 2 * pi * place / len(shown) - pi / 2 for place, number in enumerate(shown)}
    middle_x, middle_y = _RADAR / 2 + 60, _RADAR / 2

    def at(number: int, reach: float) -> tuple[float, float]:
        return middle_x + _REACH * reach * cos(turn[number]), middle_y + _REACH * reach * sin(turn[number])

    def shape(values: Array, colour: str, title: str) -> SafeString:
        known = [at(number, values[number]) for number in shown if not np.isnan(values[number])]
        corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in known)
        dots = format_html_join(
            "",
            '<circle cx="{}" cy="{}" r="4" fill="{}"/>',
            ((f"{x:.1f}", f"{y:.1f}", colour) for x, y in known),
        )
        return format_html(
            '<g><title>{}</title><polygon points="{}" fill="{}" fill-opacity="0.18" stroke="{}" stroke-width="2"/>{}</g>',
            title, corners, colour, colour, dots,
        )  # fmt: skip

    spokes = format_html_join(
        "",
        '<g><title>{}</title><line x1="{}" y1="{}" x2="{}" y2="{}" stroke="currentColor" stroke-opacity="0.25"/>'
        '<text x="{}" y="{}" text-anchor="{}" fill="currentColor">{}</text></g>',
        (
            (
                f"weight {weights[number]:g}", middle_x, middle_y, *(f"{each:.1f}" for each in at(number, 1.0)),
                *(f"{each:.1f}" for each in at(number, 1.12)),
                "middle" if abs(cos(turn[number])) < 0.3 else "start" if cos(turn[number]) > 0 else "end", names[number],
            )
            for number in shown
        ),
    )  # fmt: skip
    rings = format_html_join(
        "",
        '<circle cx="{}" cy="{}" r="{}" fill="none" stroke="currentColor" stroke-opacity="0.15"/>',
        ((middle_x, middle_y, _REACH * share) for share in (0.25, 0.5, 0.75, 1.0)),
    )
    return format_html(
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="Radar beside {}" width="{}" height="{}"'
        ' viewBox="0 0 {} {}" style="max-width: none" font-family="inherit" font-size="12">{}{}{}{}'
        '<text x="8" y="18" fill="{}">● the memory</text><text x="8" y="36" fill="{}">● {}</text></svg>',
        concept_name, _RADAR + 120, _RADAR, _RADAR + 120, _RADAR, rings, spokes,
        shape(concept, _COLOURS[1], concept_name), shape(memory, _COLOURS[0], "the memory"),
        _COLOURS[0], _COLOURS[1], concept_name,
    )  # fmt: skip


def _place(x: float, y: float) -> tuple[str, str]:
    return f"{_LEFT + x * _SIDE:.1f}", f"{_TOP + (1 - y) * _SIDE:.1f}"


def _label(place: tuple[float, float]) -> tuple[str, str, str]:
    x, y = (min(0.97, max(0.02, each)) for each in place)
    # towards the middle, or the frame would cut it off
    return *_place(x, y), "end" if x > 0.75 else "start" if x < 0.25 else "middle"


def _titles(across: str, upwards: str) -> SafeString:
    bottom = _TOP + _SIDE
    middle = _LEFT + _SIDE / 2
    return format_html(
        '<text x="{}" y="{}" fill="currentColor">low</text>'
        '<text x="{}" y="{}" text-anchor="end" fill="currentColor">high</text>'
        '<text x="{}" y="{}" text-anchor="middle" fill="currentColor" font-weight="600">{} →</text>'
        '<text x="{}" y="{}" text-anchor="end" fill="currentColor">low</text>'
        '<text x="{}" y="{}" text-anchor="end" fill="currentColor">high</text>'
        '<text x="18" y="{}" text-anchor="middle" fill="currentColor" font-weight="600" transform="rotate(-90 18 {})">{} →</text>',
        _LEFT, bottom + 18, _LEFT + _SIDE, bottom + 18, middle, bottom + 36, across,
        _LEFT - 8, bottom, _LEFT - 8, _TOP + 12, _TOP + _SIDE / 2, _TOP + _SIDE / 2, upwards,
    )  # fmt: skip


def _outline(
    region: Region, metric: Metric, across: int, upwards: int
) -> tuple[str, tuple[float, float]] | None:
    """Return a region's shape on two dimensions, with {colour} to be filled in, and where its name stands."""
    weights = region.metric(metric).weights if _speaks(region, metric, (across, upwards)) else None
    if weights is None:
        return None
    both = weights[across] + weights[upwards]
    x, y = (float(region.prototype[number]) for number in (across, upwards))
    style = 'fill="{colour}" fill-opacity="0.12" stroke="{colour}"'
    if not weights[across] or not weights[upwards]:
        left, right = (0.0, 1.0) if not weights[across] else (x - region.radius, x + region.radius)
        low, high = (0.0, 1.0) if not weights[upwards] else (y - region.radius, y + region.radius)
        (x1, y1), (x2, y2) = _place(left, high), _place(right, low)
        size = f'width="{float(x2) - float(x1):.1f}" height="{float(y2) - float(y1):.1f}"'
        middle = (0.5 if not weights[across] else x, 0.5 if not weights[upwards] else y)
        return f'<rect x="{x1}" y="{y1}" {size} {style}/>', middle
    wide, tall = (region.radius * both / weights[number] for number in (across, upwards))
    centre = _place(x, y)
    if metric.domains[across] == metric.domains[upwards]:
        wide, tall = (region.radius * sqrt(both / weights[number]) for number in (across, upwards))
        size = f'rx="{wide * _SIDE:.1f}" ry="{tall * _SIDE:.1f}"'
        return f'<ellipse cx="{centre[0]}" cy="{centre[1]}" {size} {style}/>', (x, y)
    corners = [(x - wide, y), (x, y + tall), (x + wide, y), (x, y - tall)]
    return f'<polygon points="{" ".join(",".join(_place(*each)) for each in corners)}" {style}/>', (x, y)


def _speaks(region: Region, metric: Metric, places: tuple[int, int]) -> bool:
    return any(
        not np.isnan(region.prototype[number]) and region.weights[number] * metric.weights[number] > 0
        for number in places
    )
