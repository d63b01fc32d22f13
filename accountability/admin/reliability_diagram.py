"""A reliability diagram: stated confidence (x) against the share approved (y). The markup is a template."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from accountability.calibration.measures import Bin
from accountability.calibration.recalibration import Recalibration

# the plot's side and margin and the height of the bars below it, in px; reliability.html repeats them
_SIDE, _MARGIN, _BARS = 320, 44, 48
_POINTS = 60


@dataclass(frozen=True)
class DrawnBin:
    """One drawn bin: its dot, the ends of its 95% interval, and the bar of its count."""

    x: int
    y: int
    low_y: int
    high_y: int
    title: str
    bar_x: int
    bar_y: int
    bar_width: int
    bar_height: int


def draw_reliability(bins: Sequence[Bin], curve: Recalibration | None = None) -> SafeString:
    """Return the diagram as SVG: each bin with its 95% interval, the diagonal of perfect calibration, the fitted curve."""
    most = max((each.count for each in bins), default=1)
    context = {"bins": [_bin(each, each.count / most) for each in bins], "curve": _curve(curve)}
    return render_to_string("accountability/reliability.html", context)


def _bin(each: Bin, share: float) -> DrawnBin:
    return DrawnBin(
        x=_x(each.confidence),
        y=_y(each.right),
        low_y=_y(each.right_low),
        high_y=_y(each.right_high),
        title=f"{each.count} decisions with stated confidence {each.confidence:.2f}; {each.right:.0%} approved",
        bar_x=_x(each.low) + 2,
        bar_y=_MARGIN + _SIDE + 8 + round((_BARS - 8) * (1 - share)),
        bar_width=round(_SIDE * (each.high - each.low)) - 4,
        bar_height=max(1, round((_BARS - 8) * share)),
    )


def _curve(curve: Recalibration | None) -> str:
    if curve is None or curve.method == "none":
        return ""
    stated = np.linspace(0.0, 1.0, _POINTS)
    return " ".join(f"{_x(x)},{_y(y)}" for x, y in zip(stated, curve.apply(stated), strict=True))


def _x(value: float) -> int:
    return _MARGIN + round(value * _SIDE)


def _y(value: float) -> int:
    return _MARGIN + round((1 - value) * _SIDE)
