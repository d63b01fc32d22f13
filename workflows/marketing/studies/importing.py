"""Read what modelling tools say of channels from the tables that they write. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Tool(StrEnum):
    """The tools whose results can be read."""

    PYMC_MARKETING = "pymc_marketing"
    MERIDIAN = "meridian"
    ROBYN = "robyn"


@dataclass(frozen=True, slots=True)
class _Columns:
    channel: tuple[str, ...]
    estimate: tuple[str, ...]
    low: tuple[str, ...]
    high: tuple[str, ...]
    level: float


_COLUMNS = {
    # records of arviz.summary, whose interval has 94% of the posterior, with the channel as a column
    Tool.PYMC_MARKETING: _Columns(("channel", "index"), ("mean",), ("hdi_3%",), ("hdi_97%",), 0.94),
    # Analyzer.summary_metrics of the posterior, as records; 90% is its default
    Tool.MERIDIAN: _Columns(("channel",), ("mean", "roi_mean"), ("ci_lo",), ("ci_hi", "ci_high"), 0.9),
    # pareto_aggregated.csv of the chosen solution; its bootstrapped interval has 95%
    Tool.ROBYN: _Columns(("rn",), ("boot_mean",), ("ci_low",), ("ci_up",), 0.95),
}


def read_results(tool: Tool, rows: Sequence[Mapping[str, Any]], metric: str) -> dict[int, dict[str, Any]]:
    """Return rows of a tool's table as estimates by their place, with missing fields left out, for validation as any model's.

    Args:
        tool: whose table.
        rows: its records; those of no channel (Robyn's intercept, trend and season, which have no interval) are left out.
        metric: what the table is of.
    """
    columns = _COLUMNS[tool]
    estimates: dict[int, dict[str, Any]] = {}
    for place, row in enumerate(rows):
        found = {
            name: value
            for name in ("channel", "estimate", "low", "high")
            if (value := _first(row, getattr(columns, name))) is not None
        }
        if tool is Tool.ROBYN and not found.keys() - {"channel"}:
            continue
        estimates[place] = found | {"metric": metric, "level": columns.level}
    return estimates


def _first(row: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((row[name] for name in names if row.get(name) is not None), None)
