"""The plot of a causal impact as SVG: above, the series and what was expected with its interval; below, the effect summed up. Pure."""

from collections.abc import Sequence
from datetime import date
from typing import Any

WIDTH, HEIGHT, EDGE = 720, 200, 54
STYLE = (
    "text{font:11px sans-serif;fill:#444}.a{fill:none;stroke:#1f2937;stroke-width:1.5}.e{fill:none;stroke:#2563eb;stroke-width:1.5;"
    "stroke-dasharray:4 3}.b{fill:#2563eb;fill-opacity:.15}.z{stroke:#9ca3af}.i{stroke:#b91c1c;stroke-dasharray:2 3}"
)


def impact_svg(periods: Sequence[date], values: Sequence[float], found: dict[str, Any]) -> str:
    """Return the plot of `causal_impact`'s result."""
    start, after = found["periods_before"], found["series"]
    expected = [*found["fitted"], *(each["expected"] for each in after)]
    level = f"{found['effect']['level'] * 100:g}%"
    first = [
        ("b", _band(start, [each["low"] for each in after], [each["high"] for each in after])),
        ("e", _line(0, expected)),
        ("a", _line(0, values)),
    ]
    second = [
        (
            "b",
            _band(
                start, [each["cumulative_low"] for each in after], [each["cumulative_high"] for each in after]
            ),
        ),
        ("a", _line(start, [each["cumulative"] for each in after])),
    ]
    titles = (
        f"Actual (solid), expected (dashed) with its {level} interval",
        "Effect, summed up from the intervention",
    )
    panels = [
        _panel(title, shapes, len(values), start, periods, top)
        for title, shapes, top in zip(titles, (first, second), (0, HEIGHT + 20), strict=True)
    ]
    height = 2 * HEIGHT + 40
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="Causal impact: '
        f'{found["verdict"]}"><style>{STYLE}</style>{"".join(panels)}</svg>'
    )


Points = list[tuple[float, float]]


def _line(start: int, values: Sequence[float]) -> Points:
    return [(start + place, value) for place, value in enumerate(values)]


def _band(start: int, low: Sequence[float], high: Sequence[float]) -> Points:
    return _line(start, high) + _line(start, low)[::-1]


def _panel(
    title: str,
    shapes: Sequence[tuple[str, Points]],
    count: int,
    start: int,
    periods: Sequence[date],
    top: int,
) -> str:
    heights = [y for _, points in shapes for _, y in points]
    low, high = min([*heights, 0.0] if top else heights), max([*heights, 0.0] if top else heights)
    span = (high - low) or 1.0

    def x(place: float) -> float:
        return EDGE + place / max(1, count - 1) * (WIDTH - EDGE - 10)

    def y(value: float) -> float:
        return top + 20 + (1 - (value - low) / span) * (HEIGHT - 40)

    drawn = [f'<text x="{EDGE}" y="{top + 12}">{title}</text>']
    for name, points in shapes:
        path = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in points)
        drawn.append(f'<{"polygon" if name == "b" else "polyline"} class="{name}" points="{path}"/>')
    drawn.append(
        f'<line class="i" x1="{x(start):.1f}" x2="{x(start):.1f}" y1="{top + 20}" y2="{top + HEIGHT - 20}"/>'
    )
    if low < 0 < high:
        drawn.append(f'<line class="z" x1="{EDGE}" x2="{WIDTH - 10}" y1="{y(0):.1f}" y2="{y(0):.1f}"/>')
    drawn.extend(
        f'<text x="{EDGE - 4}" y="{y(value) + 4:.1f}" text-anchor="end">{value:,.4g}</text>'
        for value in (low, high)
    )
    drawn.extend(
        f'<text x="{x(place):.1f}" y="{top + HEIGHT - 4}" text-anchor="{anchor}">{periods[place]}</text>'
        for place, anchor in ((0, "start"), (start, "middle"), (count - 1, "end"))
    )
    return "".join(drawn)
