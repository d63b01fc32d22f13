"""A reliability diagram: what was stated along the bottom, what was right up the side. SVG, no script."""

from collections.abc import Sequence

import numpy as np
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accountability.calibration.measures import Bin
from accountability.calibration.recalibration import Recalibration

_SIDE, _MARGIN = 320, 44
_BARS = 48
_POINTS = 60


def draw_reliability(bins: Sequence[Bin], curve: Recalibration | None = None) -> SafeString:
    """Return the picture: a dot with its 95% interval for each bin, the diagonal of a calibrated source, the learnt curve.

    Bars below show how many decisions stated a confidence of each bin.
    """
    most = max((each.count for each in bins), default=1)
    width, height = _SIDE + 2 * _MARGIN, _SIDE + _BARS + 2 * _MARGIN
    whiskers = format_html_join(
        "",
        '<line x1="{0}" x2="{0}" y1="{1}" y2="{2}" stroke="var(--drawn-violet)" stroke-opacity="0.5" stroke-width="2"/>',
        ((_x(each.confidence), _y(each.right_low), _y(each.right_high)) for each in bins),
    )
    dots = format_html_join(
        "",
        '<circle cx="{}" cy="{}" r="5" fill="var(--drawn-violet)"><title>{} decisions stated {}, {} of them were right</title></circle>',
        (
            (_x(each.confidence), _y(each.right), each.count, f"{each.confidence:.2f}", f"{each.right:.0%}")
            for each in bins
        ),
    )
    bars = format_html_join(
        "",
        '<rect x="{}" y="{}" width="{}" height="{}" fill="var(--drawn-violet)" fill-opacity="0.3"/>',
        (
            (
                _x(each.low) + 2,
                _MARGIN + _SIDE + 8 + round((_BARS - 8) * (1 - each.count / most)),
                round(_SIDE * (each.high - each.low)) - 4,
                max(1, round((_BARS - 8) * each.count / most)),
            )
            for each in bins
        ),
    )
    ticks = format_html_join(
        "",
        '<text x="{}" y="{}" text-anchor="end">{}</text><text x="{}" y="{}" text-anchor="middle">{}</text>',
        (
            (
                _MARGIN - 6,
                _y(value) + 4,
                f"{value:.1f}",
                _x(value),
                _MARGIN + _SIDE + _BARS + 16,
                f"{value:.1f}",
            )
            for value in (0.0, 0.5, 1.0)
        ),
    )
    return format_html(
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="Reliability diagram of {} bins" width="{}" height="{}"'
        ' viewBox="0 0 {} {}" font-family="inherit" font-size="12" fill="currentColor">'
        '<rect x="{}" y="{}" width="{}" height="{}" fill="none" stroke="currentColor" stroke-opacity="0.3"/>'
        '<line x1="{}" y1="{}" x2="{}" y2="{}" stroke="currentColor" stroke-opacity="0.4" stroke-dasharray="4 4"/>'
        '{}{}{}{}{}<text x="{}" y="{}" text-anchor="middle">stated confidence</text>'
        '<text x="{}" y="{}">share that was right</text></svg>',
        len(bins), width, height, width, height, _MARGIN, _MARGIN, _SIDE, _SIDE, _x(0), _y(0), _x(1), _y(1),
        _curve(curve), whiskers, dots, bars, ticks, _MARGIN + _SIDE // 2, height - 6, 4, _MARGIN - 14,
    )  # fmt: skip


def _curve(curve: Recalibration | None) -> SafeString | str:
    if curve is None or curve.method == "none":
        return ""
    stated = np.linspace(0.0, 1.0, _POINTS)
    points = " ".join(f"{_x(x)},{_y(y)}" for x, y in zip(stated, curve.apply(stated), strict=True))
    return format_html(
        '<polyline points="{}" fill="none" stroke="var(--drawn-teal)" stroke-width="2"/>', points
    )


def _x(value: float) -> int:
    return _MARGIN + round(value * _SIDE)


def _y(value: float) -> int:
    return _MARGIN + round((1 - value) * _SIDE)
