"""Charts as SVG, drawn on the server: no script, no asset from elsewhere. Pure but for the escaping."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, HEIGHT = 520, 150
_LEFT, _BOTTOM, _TOP = 44, 18, 8
# liftos/admin.css has each for the light and for the dark theme
COLOURS = ("var(--drawn-violet)", "var(--drawn-teal)", "var(--drawn-red)")
# colour alone does not tell lines apart for everybody
_DASHES = (("none", "solid"), ("7 4", "dashed"), ("2 3", "dotted"))


@dataclass(frozen=True, slots=True)
class Line:
    """One series of a chart.

    Attributes:
        name: in the legend.
        values: one for each place along the axis; None where there is none.
    """

    name: str
    values: Sequence[float | None]


def draw_bars(title: str, labels: Sequence[str], series: Sequence[Line], unit: str = "") -> SafeString:
    """Return bars, one over the other at each place; `labels` name the places, of which the first and last are shown."""
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
                y = HEIGHT - _BOTTOM - below - height
                bars.append(
                    (f"{_LEFT + place * step:.1f}", f"{y:.1f}", f"{max(1.0, step - 1.5):.1f}", f"{height:.1f}", colour,
                     f"{label}: {value:g}{unit} {line.name}")
                )  # fmt: skip
            below += height
    shapes = format_html_join(
        "",
        '<rect x="{}" y="{}" width="{}" height="{}" fill="{}" rx="1"><title>{}</title></rect>',
        bars,
    )
    signs = [f"width: 10px; height: 10px; border-radius: 2px; background: {colour}" for colour in COLOURS]
    return _frame(title, labels, series, top, unit, shapes, signs)


def draw_lines(title: str, labels: Sequence[str], series: Sequence[Line], unit: str = "") -> SafeString:
    """Return lines, broken where a value is missing."""
    top = _nice(max((value for line in series for value in line.values if value is not None), default=0))
    step = (WIDTH - _LEFT) / max(1, len(labels))
    shapes = []
    for line, colour, (dashes, _) in zip(series, COLOURS, _DASHES, strict=False):
        for part in _parts(line.values):
            points = [
                (_LEFT + (place + 0.5) * step, HEIGHT - _BOTTOM - value / top * (HEIGHT - _BOTTOM - _TOP))
                for place, value in part
            ]
            if len(points) == 1:  # a line of one point shows nothing
                [(x, y)] = points
                points = [(x - 2, y), (x + 2, y)]
            shapes.append((" ".join(f"{x:.1f},{y:.1f}" for x, y in points), colour, dashes, line.name))
    drawn = format_html_join(
        "",
        '<polyline points="{}" fill="none" stroke="{}" stroke-width="2" stroke-dasharray="{}"><title>{}</title></polyline>',
        shapes,
    )
    signs = [
        f"width: 20px; vertical-align: middle; border-top: 2px {border} {colour}"
        for colour, (_, border) in zip(COLOURS, _DASHES, strict=True)
    ]
    return _frame(title, labels, series, top, unit, drawn, signs)


def _parts(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    parts: list[list[tuple[int, float]]] = [[]]
    for place, value in enumerate(values):
        if value is not None:
            parts[-1].append((place, value))
        elif parts[-1]:
            parts.append([])
    return [part for part in parts if part]


def _nice(value: float) -> float:
    """Return the least of 1, 2, 5 times a power of ten that is no smaller; 1 for nothing."""
    if value <= 0:
        return 1.0
    power = 1.0
    while power < value:
        power *= 10
    while power / 10 >= value:
        power /= 10
    return next(each for each in (power / 5, power / 2, power) if each >= value)


def _frame(
    title: str,
    labels: Sequence[str],
    series: Sequence[Line],
    top: float,
    unit: str,
    shapes: SafeString,
    signs: Sequence[str],
) -> SafeString:
    legend = format_html_join(
        "",
        '<span style="margin-right: 14px"><span aria-hidden="true" style="display: inline-block; {}"></span> {}</span>',
        [(sign, line.name) for line, sign in zip(series, signs, strict=False)],
    )
    return format_html(
        '<figure><figcaption style="font-weight: 600; margin-bottom: 4px">{}</figcaption>'
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{}" viewBox="0 0 {} {}" width="100%"'
        ' font-family="inherit" font-size="11" fill="currentColor">'
        '<line x1="{}" y1="{}" x2="{}" y2="{}" stroke="currentColor" stroke-opacity="0.25"/>'
        '<text x="0" y="{}">{}{}</text><text x="0" y="{}">0</text>'
        '{}<text x="{}" y="{}">{}</text>'
        '<text x="{}" y="{}" text-anchor="end">{}</text></svg>'
        '<div style="font-size: 12px">{}</div>{}</figure>',
        title, title, WIDTH, HEIGHT, _LEFT, HEIGHT - _BOTTOM, WIDTH, HEIGHT - _BOTTOM, _TOP + 8, f"{top:g}", unit,
        HEIGHT - _BOTTOM, shapes, _LEFT, HEIGHT - 3, labels[0] if labels else "", WIDTH, HEIGHT - 3,
        labels[-1] if labels else "", legend, _table(title, labels, series, unit),
    )  # fmt: skip


def _table(title: str, labels: Sequence[str], series: Sequence[Line], unit: str) -> SafeString:
    """Return the same figures as a table, for who can't see the picture; places that have none are left out."""
    head = format_html_join("", '<th scope="col">{}</th>', ((line.name,) for line in series))
    rows = format_html_join(
        "",
        '<tr><th scope="row">{}</th>{}</tr>',
        (
            (
                label,
                format_html_join("", "<td>{}</td>", ((_said(line.values[place], unit),) for line in series)),
            )
            for place, label in enumerate(labels)
            if any(line.values[place] for line in series)
        ),
    )
    if not rows:
        return format_html("{}", "")
    return format_html(
        '<details class="told"><summary>In figures</summary><table aria-label="{}"><thead><tr><td></td>{}</tr></thead>'
        "<tbody>{}</tbody></table></details>",
        title, head, rows,
    )  # fmt: skip


def _said(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:g}{unit}"
