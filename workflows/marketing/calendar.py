"""The calendar that figures are joined with: one row of facts a day. Pure."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import holidays

from liftos.kernel.errors import InvalidInput

FIRST_YEAR, LAST_YEAR = 1900, 2199
CALENDAR_FIELDS = (
    "date", "year", "quarter", "month", "week", "day_of_year", "day_of_month", "day_of_week", "is_weekend", "season",
)  # fmt: skip
SEASONS = (
    "winter",
    "winter",
    "spring",
    "spring",
    "spring",
    "summer",
    "summer",
    "summer",
    "autumn",
    "autumn",
    "autumn",
    "winter",
)
"""The season of each month, of the northern hemisphere."""


class UnknownCountry(InvalidInput):
    """The country is not a known code, such as US, DE or GB."""

    code = "marketing.unknown_country"


def calendar_of(day: date) -> dict[str, Any]:
    """Return the calendar fields of a day: ISO week, Monday is day 0."""
    return {
        "date": day.isoformat(),
        "year": day.year,
        "quarter": (day.month + 2) // 3,
        "month": day.month,
        "week": day.isocalendar().week,
        "day_of_year": day.timetuple().tm_yday,
        "day_of_month": day.day,
        "day_of_week": day.weekday(),
        "is_weekend": day.weekday() >= 5,
        "season": SEASONS[day.month - 1],
    }


def days_of(year: int, *, country: str = "", fiscal_start: int | None = None) -> Iterator[dict[str, Any]]:
    """Yield the days of a year with holidays and fiscal periods; these are null where unknown.

    Args:
        year: FIRST_YEAR to LAST_YEAR.
        country: ISO 3166 code, also with a subdivision (`DE-BY`); empty for no holidays.
        fiscal_start: the month that fiscal years start in, 1 to 12; they are named by the year they end in.

    Raises:
        UnknownCountry: the library has no holidays of it.
    """
    known = _holidays(country.upper(), year) if country else None
    day = date(year, 1, 1)
    while day.year == year:
        name = None if known is None else known.get(day)
        fiscal_year, fiscal_quarter = _fiscal(day, fiscal_start)
        yield calendar_of(day) | {
            "is_holiday": None if known is None else name is not None,
            "holiday_name": name,
            "fiscal_year": fiscal_year,
            "fiscal_quarter": fiscal_quarter,
        }
        day += timedelta(days=1)


def _fiscal(day: date, start: int | None) -> tuple[int | None, int | None]:
    if start is None:
        return None, None
    return day.year + (start > 1 and day.month >= start), (day.month - start) % 12 // 3 + 1


@lru_cache(maxsize=64)
def _holidays(country: str, year: int) -> Mapping[date, str]:
    code, _, subdivision = country.partition("-")
    try:
        found = holidays.country_holidays(code, subdiv=subdivision or None, years=year, language="en_US")
    except NotImplementedError:
        raise UnknownCountry(loc=("query", "country")) from None
    return {day: name for day, name in found.items() if day.year == year}
