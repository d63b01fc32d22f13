"""Entries as a table for causal analysis: records in order of time, with calendar, statistics and correlations."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np

from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.errors import InvalidInput
from workflows.marketing.asking import Asked
from workflows.marketing.calendar import CALENDAR_FIELDS, calendar_of
from workflows.marketing.insights import currency_of, figures
from workflows.marketing.measures import number, value_of
from workflows.marketing.statements import ENTRIES
from workflows.marketing.types import MEASURES, RATIOS

MAX_RECORDS = 20_000
TARGETS = (*MEASURES, *RATIOS)
_TEXTS = (
    "memory_id", "data_source", "source_id", "date_range_start", "date_range_end", "campaign_id", "campaign_name", "channel", "geo",
    "currency",
)  # fmt: skip


class TooManyRecords(InvalidInput):
    """More than 20000 entries match; ask for fewer days, sources or campaigns."""

    code = "marketing.too_many_records"


@dataclass(frozen=True, slots=True)
class Table:
    """Records with the same columns, and their target."""

    target: str
    records: list[dict[str, Any]]


def get_table(*, organisation: UUID, asked: Asked, target: str) -> Table:
    """Return the entries asked for as records, inside the caller's tenant transaction.

    Args:
        organisation: the tenant.
        asked: the entries.
        target: one of TARGETS.

    Raises:
        TooManyRecords: they are more than MAX_RECORDS.
        MixedCurrencies: their amounts can't be compared.
    """
    where, parameters = asked.where(organisation)
    currency_of(where, parameters)
    rows = (
        raw_cursor().execute(ENTRIES.format(where=where), parameters | {"most": MAX_RECORDS + 1}).fetchall()
    )
    if len(rows) > MAX_RECORDS:
        raise TooManyRecords(loc=("date_range_start",))
    return Table(target, [_record(row) for row in rows])


def list_records(*, organisation: UUID, asked: Asked, limit: int) -> list[dict[str, Any]]:
    """Return the first entries asked for in order of time as records, inside the caller's tenant transaction."""
    where, parameters = asked.where(organisation)
    rows = raw_cursor().execute(ENTRIES.format(where=where), parameters | {"most": limit}).fetchall()
    return [_record(row) for row in rows]


def _record(row: Sequence[Any]) -> dict[str, Any]:
    memory, source, source_id, starts_on, ends_on, campaign, name, channel, geo, currency, *amounts = row
    values = (
        str(memory),
        source,
        source_id,
        starts_on.isoformat(),
        ends_on.isoformat(),
        campaign,
        name,
        channel,
        geo,
        currency,
    )
    sums = figures(amounts)
    return {
        **dict(zip(_TEXTS, values, strict=True)),
        **{each: number(value_of(each, sums)) for each in TARGETS},
        **calendar_of(starts_on),
    }


def describe(table: Table) -> dict[str, Any]:
    """Return a table with its features, correlations and statistics, as the old export answers it."""
    records, target = table.records, table.target
    marketing = [name for name in TARGETS if name != target]
    calendar = list(CALENDAR_FIELDS)
    numeric = [name for name in (*TARGETS, *calendar) if name not in ("date", "season")]
    columns = {name: _column(records, name) for name in numeric}
    return {
        "target_variable": target,
        "features": [*marketing, *calendar],
        "marketing_features": marketing,
        "calendar_features": calendar,
        "time_series": records,
        "correlation_matrix": _correlations({name: columns[name] for name in TARGETS}),
        "statistical_summary": {
            "descriptive_stats": {name: _statistics(values) for name, values in columns.items()},
            "missing_values": {
                name: sum(record[name] is None or record[name] == "" for record in records)
                for name in records[0]
            },
            "data_types": {name: _type_of([record[name] for record in records]) for name in records[0]},
        },
    }


def _column(records: Sequence[dict[str, Any]], name: str) -> np.ndarray:
    return np.array([np.nan if record[name] is None else float(record[name]) for record in records])


def _statistics(values: np.ndarray) -> dict[str, float | int | None]:
    known = values[~np.isnan(values)]
    names = ("mean", "std", "min", "25%", "50%", "75%", "max")
    if not len(known):
        return {"count": 0} | dict.fromkeys(names)
    low, first, middle, third, high = np.percentile(known, [0, 25, 50, 75, 100])
    std = float(known.std(ddof=1)) if len(known) > 1 else None
    found = (float(known.mean()), std, *(float(each) for each in (low, first, middle, third, high)))
    return {"count": len(known)} | dict(zip(names, found, strict=True))


def _correlations(columns: dict[str, np.ndarray]) -> dict[str, dict[str, float | None]]:
    return {one: {other: _correlation(columns[one], columns[other]) for other in columns} for one in columns}


def _correlation(one: np.ndarray, other: np.ndarray) -> float | None:
    """Return Pearson's correlation over the records that have both; None if there are under two, or one does not vary."""
    both = ~(np.isnan(one) | np.isnan(other))
    if both.sum() < 2:
        return None
    first, second = one[both] - one[both].mean(), other[both] - other[both].mean()
    scale = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float(np.clip((first * second).sum() / scale, -1, 1)) if scale > 0 else None


def _type_of(values: Sequence[Any]) -> str:
    """Return a column's type by pandas' name."""
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, bool) for value in known):
        return "bool"
    if known and all(isinstance(value, int | float) for value in known):
        return "int64" if len(known) == len(values) and all(isinstance(v, int) for v in known) else "float64"
    return "float64" if not known else "object"
