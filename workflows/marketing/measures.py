"""Ratios of sums, and amounts as JSON numbers. Pure."""

from collections.abc import Mapping
from decimal import Decimal

from workflows.marketing.types import MEASURES, Figures

_OF = {
    "cpm": ("spend", "impressions", 1_000),
    "cpc": ("spend", "clicks", 1),
    "ctr": ("clicks", "impressions", 100),
    "conversion_rate": ("conversions", "clicks", 100),
    "roas": ("revenue", "spend", 1),
    "cost_per_conversion": ("spend", "conversions", 1),
}
"""Ratio to its dividend, divisor and factor."""


def ratio(name: str, sums: Figures) -> Decimal | None:
    """Return a ratio of sums; None if a sum is unknown or the divisor is 0."""
    dividend, divisor, factor = _OF[name]
    over, under = sums.get(dividend), sums.get(divisor)
    return None if over is None or not under else over * factor / under


def value_of(name: str, sums: Figures) -> Decimal | None:
    """Return a measure or a ratio; None if it is unknown."""
    return sums.get(name) if name in MEASURES else ratio(name, sums)


def number(amount: Decimal | None) -> int | float | None:
    """Return an amount as a JSON number, whole if it is; None for None."""
    if amount is None:
        return None
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def or_zero(amount: Decimal | None) -> int | float:
    """Return an amount as a JSON number, 0 for None, as the old routes do."""
    return number(amount) or 0


def old_figures(sums: Figures) -> Mapping[str, int | float]:
    """Return the five measures and five ratios as the old routes give them."""
    names = (*MEASURES, "cpm", "cpc", "ctr", "conversion_rate", "roas")
    return {name: or_zero(value_of(name, sums)) for name in names}
