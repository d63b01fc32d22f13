"""The table that marketing-mix models take: sums by week or day and by channel, region, …, and a report of what is doubtful in it."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.errors import InvalidInput
from workflows.marketing.asking import Asked
from workflows.marketing.insights import currency_of
from workflows.marketing.measures import number, value_of
from workflows.marketing.series import doubtful_series
from workflows.marketing.statements import DOUBLES, NEGATIVE, SUSPICIOUS, TABLE
from workflows.marketing.types import MEASURES, Figures

MAX_ROWS = 50_000
MAX_GAPS = 100
GRAINS = {"day": 1, "week": 7}
"""Days of a period."""
_PERIODS = {"day": "e.{0}", "week": "date_trunc('week', e.{0})::date"}
BY = {
    "geo": "e.geo",
    "channel": "e.channel",
    "data_source": "e.data_source",
    "campaign_id": "e.campaign_id",
    "campaign": "coalesce(nullif(e.campaign_name, ''), e.campaign_id)",
}
"""What rows may be by, and its SQL."""


class TableTooLarge(InvalidInput):
    """The table would have more than 50000 rows; ask for fewer days or groups."""

    code = "marketing.table_too_large"


class ParquetNotInstalled(InvalidInput):
    """Parquet needs the extra "parquet": pip install "liftos-core[parquet]"."""

    code = "marketing.parquet_not_installed"


@dataclass(frozen=True, slots=True)
class Row:
    """The sums of a period and group; `period` is its first day."""

    period: date
    group: tuple[str, ...]
    sums: Figures


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        grain: of GRAINS.
        by: names of BY.
        metrics: measures and ratios.
        currency: of the amounts; empty if unknown.
        rows: in order of period and group.
        report: what is doubtful.
    """

    grain: str
    by: tuple[str, ...]
    metrics: tuple[str, ...]
    currency: str
    rows: list[Row]
    report: dict[str, Any]

    @property
    def totals(self) -> Figures:
        """The sums of all rows."""
        return add(row.sums for row in self.rows)

    def records(self) -> list[dict[str, Any]]:
        """Return the rows as JSON-ready records."""
        return [
            {"period": row.period.isoformat()}
            | dict(zip(self.by, row.group, strict=True))
            | {name: number(value_of(name, row.sums)) for name in self.metrics}
            for row in self.rows
        ]


def add(figures: Any) -> Figures:
    """Return the sums of figures; None for a measure that none has."""
    sums: dict[str, Decimal | None] = dict.fromkeys(MEASURES)
    for each in figures:
        for name in MEASURES:
            value = each[name]
            if value is not None:
                sums[name] = value + (sums[name] or Decimal(0))
    return sums


def get_table(
    *, organisation: UUID, asked: Asked, grain: str, by: Sequence[str], metrics: Sequence[str]
) -> Table:
    """Return the table of the entries asked for, inside the caller's tenant transaction.

    An entry of several days is in the period of its first; the report counts those that reach into another.

    Args:
        organisation: the tenant.
        asked: the entries.
        grain: of GRAINS; weeks begin on Monday.
        by: names of BY.
        metrics: measures and ratios.

    Raises:
        MixedCurrencies: their amounts can't be added.
        TableTooLarge: it would have more than MAX_ROWS rows.
    """
    where, parameters = asked.where(organisation)
    currency = currency_of(where, parameters)
    period = _PERIODS[grain].format("starts_on")
    statement = TABLE.format(
        period=period,
        groups="".join(f", {BY[name]}" for name in by),
        where=where,
        places=", ".join(str(place) for place in range(1, len(by) + 2)),
    )
    found = raw_cursor().execute(statement, parameters | {"most": MAX_ROWS + 1}).fetchall()
    if len(found) > MAX_ROWS:
        raise TableTooLarge(loc=("query", "by"))
    end = len(by) + 1
    rows = [
        Row(each[0], tuple(each[1:end]), dict(zip(MEASURES, each[end + 1 :], strict=True))) for each in found
    ]
    report = _report(where, parameters, grain, rows)
    series = [(row.period, " / ".join(row.group), row.sums) for row in rows]
    report |= doubtful_series(series)
    return Table(grain, tuple(by), tuple(metrics), currency, rows, report)


def _report(where: str, parameters: dict[str, Any], grain: str, rows: Sequence[Row]) -> dict[str, Any]:
    period, last = (_PERIODS[grain].format(name) for name in ("starts_on", "ends_on"))
    statement = SUSPICIOUS.format(where=where, period=period, last=last)
    counted = raw_cursor().execute(statement, parameters).fetchone()
    assert counted is not None  # noqa: S101  an aggregate has one row
    negative = raw_cursor().execute(NEGATIVE.format(where=where), parameters).fetchall() if counted[1] else []
    doubles = raw_cursor().execute(DOUBLES.format(where=where), parameters).fetchall()
    gaps = _gaps(rows, GRAINS[grain])
    return {
        "entries": counted[0],
        "gaps": {"count": len(gaps), "first": gaps[:MAX_GAPS]},
        "duplicates": [
            {
                "data_source": row[0],
                "campaign_id": row[1],
                "starts_on": row[2].isoformat(),
                "ends_on": row[3].isoformat(),
                "count": row[4],
                "source_ids": row[5][:10],
            }
            for row in doubles
        ],
        "negative_spend": {
            "count": counted[1],
            "first": [
                {
                    "memory_id": str(row[0]),
                    "data_source": row[1],
                    "source_id": row[2],
                    "starts_on": row[3].isoformat(),
                    "spend": number(row[4]),
                }
                for row in negative
            ],
        },
        "reaching_into_another_period": counted[2],
    }


def _gaps(rows: Sequence[Row], days: int) -> list[dict[str, Any]]:
    """Return the periods without entries between a group's first and last."""
    periods: dict[tuple[str, ...], list[date]] = {}
    for row in rows:
        periods.setdefault(row.group, []).append(row.period)
    gaps = []
    for group, present in sorted(periods.items()):
        for before, after in pairwise(present):
            missing = (after - before).days // days - 1
            if missing > 0:
                first = before + timedelta(days=days)
                gaps.append({"group": list(group), "first": first.isoformat(), "periods": missing})
    return gaps


def as_csv(table: Table) -> str:
    """Return a table as CSV with exact amounts; empty where unknown."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["period", *table.by, *table.metrics])
    for row in table.rows:
        values = [value_of(name, row.sums) for name in table.metrics]
        writer.writerow(
            [
                row.period,
                *map(no_formula, row.group),
                *("" if v is None else f"{v:f}" for v in map(_short, values)),
            ]
        )
    return text.getvalue()


def no_formula(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _short(value: Decimal | None) -> Decimal | None:
    return None if value is None else value.normalize()


def as_parquet(table: Table) -> bytes:
    """Return a table as Parquet: dates, texts and doubles.

    Raises:
        ParquetNotInstalled: pyarrow is missing.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise ParquetNotInstalled(loc=("query", "format")) from None
    columns: dict[str, Any] = {"period": pa.array([row.period for row in table.rows], pa.date32())}
    for place, name in enumerate(table.by):
        columns[name] = pa.array([row.group[place] for row in table.rows], pa.string())
    for name in table.metrics:
        values = [value_of(name, row.sums) for row in table.rows]
        columns[name] = pa.array([None if each is None else float(each) for each in values], pa.float64())
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()
