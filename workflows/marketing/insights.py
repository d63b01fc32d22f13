"""Sums of entries, by source, campaign and period: SQL over all entries that match, and ratios of sums."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor
from workflows.marketing.asking import Asked, MixedCurrencies
from workflows.marketing.calendar import SEASONS
from workflows.marketing.measures import number, or_zero, ratio, value_of
from workflows.marketing.statements import (
    BY_MONTH,
    BY_WEEKDAY,
    CURRENCIES,
    SUMS_BY_SOURCE,
    TOP_CAMPAIGNS,
    TRENDS,
)
from workflows.marketing.types import MEASURES, RATIOS, Figures

MAX_PERIODS = 10_000
GROUPS = {
    "date": "to_char(e.starts_on, 'YYYY-MM-DD')",
    "day": "to_char(e.starts_on, 'YYYY-MM-DD')",
    "week": "to_char(e.starts_on, 'IYYY-\"W\"IW')",
    "month": "to_char(e.starts_on, 'YYYY-MM')",
    "quarter": "to_char(e.starts_on, 'YYYY-\"Q\"Q')",
    "campaign": "coalesce(nullif(e.campaign_name, ''), e.campaign_id)",
    "campaign_id": "e.campaign_id",
    "data_source": "e.data_source",
    "channel": "e.channel",
    "geo": "e.geo",
}
"""What sums can be grouped by, and its SQL."""
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign's sums."""

    campaign_id: str
    name: str
    sums: Figures


@dataclass(frozen=True, slots=True)
class Trend:
    """The sums of a group: its values by what it is grouped by."""

    group: dict[str, str]
    sums: Figures


@dataclass(frozen=True, slots=True)
class Insights:
    """Sums of the entries asked for.

    Attributes:
        count: of the entries.
        currency: of the amounts; empty if no entry names one.
        totals: sums of all; None for a measure that no entry has.
        sources: sums by source.
        campaigns: the ten of most revenue.
        trends: sums by group, in order.
        weekdays, seasons: averages per day with entries.
    """

    count: int
    currency: str
    totals: Figures
    sources: dict[str, Figures]
    campaigns: list[Campaign]
    trends: list[Trend]
    weekdays: dict[str, Figures]
    seasons: dict[str, Figures]


def get_insights(*, organisation: UUID, asked: Asked, group_by: Sequence[str]) -> Insights:
    """Return the sums of the entries asked for, inside the caller's tenant transaction.

    Args:
        organisation: the tenant.
        asked: the entries.
        group_by: names of GROUPS; empty for no trends.

    Raises:
        MixedCurrencies: their amounts can't be added.
    """
    where, parameters = asked.where(organisation)
    currency = currency_of(where, parameters)
    rows = raw_cursor().execute(SUMS_BY_SOURCE.format(where=where), parameters).fetchall()
    *by_source, total = rows
    campaigns = raw_cursor().execute(TOP_CAMPAIGNS.format(where=where), parameters).fetchall()
    return Insights(
        count=total[1],
        currency=currency,
        totals=figures(total[2:]),
        sources={row[0]: figures(row[2:]) for row in by_source},
        campaigns=[Campaign(row[0], row[1], figures(row[2:])) for row in campaigns],
        trends=get_trends(where, parameters, group_by) if group_by else [],
        weekdays=_weekdays(where, parameters),
        seasons=_seasons(where, parameters),
    )


def currency_of(where: str, parameters: dict[str, Any]) -> str:
    """Return the currency of entries, "" if none names one.

    Raises:
        MixedCurrencies: there are several.
    """
    found = [row[0] for row in raw_cursor().execute(CURRENCIES.format(where=where), parameters).fetchall()]
    if len(found) > 1:
        raise MixedCurrencies(
            f"The entries are in {', '.join(found)}, which can't be added; choose one by a filter on currency.",
            loc=("filters", "currency"),
        )
    return found[0] if found else ""


def get_trends(where: str, parameters: dict[str, Any], group_by: Sequence[str]) -> list[Trend]:
    """Return the sums of each group, in order."""
    names = list(dict.fromkeys(group_by))
    groups = ", ".join(GROUPS[name] for name in names)
    places = ", ".join(str(place) for place in range(1, len(names) + 1))
    statement = TRENDS.format(groups=groups, where=where, places=places)
    rows = raw_cursor().execute(statement, parameters | {"most": MAX_PERIODS}).fetchall()
    return [Trend(dict(zip(names, row, strict=False)), figures(row[len(names) :])) for row in rows]


def figures(values: Sequence[Any]) -> Figures:
    """Return sums by measure."""
    return dict(zip(MEASURES, values, strict=True))


def _weekdays(where: str, parameters: dict[str, Any]) -> dict[str, Figures]:
    rows = raw_cursor().execute(BY_WEEKDAY.format(where=where), parameters).fetchall()
    return {WEEKDAYS[row[0]]: _per_day(figures(row[2:]), row[1]) for row in rows}


def _seasons(where: str, parameters: dict[str, Any]) -> dict[str, Figures]:
    days: dict[str, int] = {}
    sums: dict[str, dict[str, Decimal | None]] = {}
    for month, count, *values in raw_cursor().execute(BY_MONTH.format(where=where), parameters).fetchall():
        season = SEASONS[month - 1]
        days[season] = days.get(season, 0) + count
        so_far = sums.setdefault(season, dict.fromkeys(MEASURES))
        for name, value in figures(values).items():
            if value is not None:
                so_far[name] = (so_far[name] or Decimal(0)) + value
    return {season: _per_day(each, days[season]) for season, each in sums.items()}


def _per_day(sums: Figures, days: int) -> Figures:
    return {name: None if value is None else value / days for name, value in sums.items()}


def old_insights(found: Insights, metrics: Sequence[str], group_by: Sequence[str]) -> dict[str, Any]:
    """Render insights as the old route does: totals 0 where nothing is known, ratios of sums, trends by asked metric."""
    totals = found.totals
    return {
        **{f"total_{name}": or_zero(totals[name]) for name in MEASURES},
        "average_cpc": or_zero(ratio("cpc", totals)),
        "average_cpm": or_zero(ratio("cpm", totals)),
        "average_ctr": or_zero(ratio("ctr", totals)),
        "conversion_rate": or_zero(ratio("conversion_rate", totals)),
        "roas": or_zero(ratio("roas", totals)),
        "data_sources_summary": {
            source: {name: or_zero(value) for name, value in sums.items()}
            for source, sums in found.sources.items()
        },
        "top_campaigns": [
            {
                "campaign_id": each.campaign_id,
                "campaign_name": each.name,
                **{name: or_zero(each.sums[name]) for name in ("spend", "conversions", "revenue")},
                "roas": or_zero(ratio("roas", each.sums)),
            }
            for each in found.campaigns
        ],
        "performance_trends": {
            metric: [_point(each, metric, group_by) for each in found.trends]
            for metric in metrics
            if group_by
        },
        "calendar_insights": {
            "weekday_averages": _averages(found.weekdays),
            "season_averages": _averages(found.seasons),
        },
    }


def _point(trend: Trend, metric: str, group_by: Sequence[str]) -> dict[str, Any]:
    values = [trend.group[name] for name in dict.fromkeys(group_by)]
    point = {"period": " / ".join(values), "value": or_zero(value_of(metric, trend.sums))}
    return point | (trend.group if len(values) > 1 else {})


def _averages(by_name: dict[str, Figures]) -> dict[str, dict[str, Any]]:
    return {name: {each: or_zero(value) for each, value in sums.items()} for name, sums in by_name.items()}


def native_figures(sums: Figures) -> dict[str, int | float | None]:
    """Return sums and their ratios as JSON numbers, null where unknown."""
    return {name: number(value_of(name, sums)) for name in (*MEASURES, *RATIOS)}
