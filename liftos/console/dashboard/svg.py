"""Layout of SVG charts, which liftos/chart.html draws on the server: no script, no external asset."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

# the size of the chart; the template repeats it
WIDTH, HEIGHT = 520, 150
_LEFT, _BOTTOM, _TOP = 44, 18, 8
# defined in liftos/admin.css for the light and the dark theme
COLOURS = ("var(--drawn-violet)", "var(--drawn-teal)", "var(--drawn-red)")
# colour alone does not distinguish lines for everybody
_DASHES = (("none", "solid"), ("7 4", "dashed"), ("2 3", "dotted"))


@dataclass(frozen=True, slots=True)
class Line:
    """One series of a chart.

    Attributes:
        name: shown in the legend.
        values: one for each label; None if missing.
    """

    name: str
    values: Sequence[float | None]


def draw_bars(title: str, labels: Sequence[str], series: Sequence[Line], unit: str = "") -> SafeString:
    """Return a stacked bar chart; of the labels, only the first and last are shown."""
    totals = [sum(line.values[place] or 0 for line in series) for place in range(len(labels))]
    top = _nice(max(totals, default=0))
    step = (WIDTH - _LEFT) / max(1, len(labels))
    bars = []
    for place, label in enumerate(labels):
        below = 0.0
        for line, colour in zip(series, COLOURS, strict=False):
            value = line.values[place] or 0
            height = value / top * (HEIGHT - _BOTTOM - _TOP)
            if height:
                bars.append(
                    {
                        "x": f"{_LEFT + place * step:.1f}",
                        "y": f"{HEIGHT - _BOTTOM - below - height:.1f}",
                        "width": f"{max(1.0, step - 1.5):.1f}",
                        "height": f"{height:.1f}",
                        "colour": colour,
                        "title": f"{label}: {value:g}{unit} {line.name}",
                    }
                )
            below += height
    signs = [f"width: 10px; height: 10px; border-radius: 2px; background: {colour}" for colour in COLOURS]
    return _render(title, labels, series, top, unit, signs, bars=bars)


def draw_lines(title: str, labels: Sequence[str], series: Sequence[Line], unit: str = "") -> SafeString:
    """Return a line chart, with gaps for missing values."""
    top = _nice(max((value for line in series for value in line.values if value is not None), default=0))
    step = (WIDTH - _LEFT) / max(1, len(labels))
    paths = []
    for line, colour, (dashes, _) in zip(series, COLOURS, _DASHES, strict=False):
        for part in _parts(line.values):
            points = [
                (_LEFT + (place + 0.5) * step, HEIGHT - _BOTTOM - value / top * (HEIGHT - _BOTTOM - _TOP))
                for place, value in part
            ]
            if len(points) == 1:  # a line with a single point would be invisible
                [(x, y)] = points
                points = [(x - 2, y), (x + 2, y)]
            joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            paths.append({"points": joined, "colour": colour, "dashes": dashes, "title": line.name})
    signs = [
        f"width: 20px; vertical-align: middle; border-top: 2px {border} {colour}"
        for colour, (_, border) in zip(COLOURS, _DASHES, strict=True)
    ]
    return _render(title, labels, series, top, unit, signs, paths=paths)


def _parts(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    parts: list[list[tuple[int, float]]] = [[]]
    for place, value in enumerate(values):
        if value is not None:
            parts[-1].append((place, value))
        elif parts[-1]:
            parts.append([])
    return [part for part in parts if part]


def _nice(value: float) -> float:
    """Return the smallest number at least as large of the form 1, 2 or 5 times a power of ten; 1 for 0."""
    if value <= 0:
        return 1.0
    power = 1.0
    while power < value:
        power *= 10
    while power / 10 >= value:
        power /= 10
    return next(each for each in (power / 5, power / 2, power) if each >= value)


def _render(
    title: str,
    labels: Sequence[str],
    series: Sequence[Line],
    top: float,
    unit: str,
    signs: Sequence[str],
    **shapes: list[dict[str, str]],
) -> SafeString:
    found = {
        "title": title,
        "top": f"{top:g}{unit}",
        "first": labels[0] if labels else "",
        "last": labels[-1] if labels else "",
        "legend": [(sign, line.name) for line, sign in zip(series, signs, strict=False)],
        # the same data as a table, for screen readers, without empty rows
        "rows": [
            (label, [_formatted(line.values[place], unit) for line in series])
            for place, label in enumerate(labels)
            if any(line.values[place] for line in series)
        ],
    }
    return render_to_string("liftos/chart.html", found | shapes)


def _formatted(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:g}{unit}"
