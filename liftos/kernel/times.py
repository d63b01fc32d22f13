"""Parsing of times in JSON, query strings, metadata and imported lines. Pure.

`read_time` and `read_end` are for fields that hold times. They accept

- ISO 8601 text: `2024-01-31`, `2024-01-31T10:00:00+05:00`, `2024-01-31 10:00Z`, compact (`20240131`, `20240131T100000Z`), or a
  week date (`2024-W05-3`). Digits alone are a compact date, never seconds. `24:00` is the start of the next day; second 60 is
  accepted only where a leap second can be, at the end of a month in UTC;
- Unix time as a number: seconds, or milliseconds from 1e11. Eight digits (1970 to March 1973) are rejected, because they are
  more likely a date.

Times without a zone are UTC. Results are aware UTC, in the years 1 to 9999.

`guess_time` is for metadata, which may hold anything: it also reads informal dates and lists of dates, but no number below 1e8.
"""

import math
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from dateutil import parser, tz

EIGHT_DIGITS = (10_000_000, 100_000_000)
MILLISECONDS_FROM = 1e11
DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_DATE = r"(?P<year>\d{4})(?P<dash>-?)(?:(?P<month>\d\d)(?P=dash)(?P<day>\d\d)|W(?P<week>\d\d)(?P=dash)(?P<weekday>\d))"
_CLOCK = r"(?P<hour>\d\d)(?:(?P<colon>:?)(?P<minute>\d\d)(?:(?P=colon)(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?)?"
# in an unencoded query string, + becomes a space
_ZONE = r"(?P<utc>[Zz])|(?P<sign>[+\- ])(?P<hours>\d\d)(?::?(?P<minutes>\d\d))?"
_TIME = re.compile(rf"{_DATE}(?:[Tt ]{_CLOCK}(?:{_ZONE})?)?", re.ASCII)
# text that starts like an ISO date is either one or not a date
_BEGINS_ISO = re.compile(r"\d{4}-\d\d-\d\d(?!\d)", re.ASCII)
GUESSED_FROM = EIGHT_DIGITS[1]
_LONGEST = 60
# the parser's default: year 1 shows that the text names no year
_NO_YEAR = datetime(1, 1, 1)  # noqa: DTZ001
_GUESSED_DIGITS = frozenset({4, 8, 14})  # a year, a day, a day with its time
_MOST_DATES = 100


class InvalidTime(ValueError):
    """The value is not a time; the message completes "Input …"."""


def read_time(value: Any) -> datetime:
    """Return a time; a date stands for its start.

    Raises:
        InvalidTime: the value is not a time.
    """
    return _read(value)[0]


def read_end(value: Any) -> datetime:
    """Return the end of a period; a date stands for its last microsecond.

    Raises:
        InvalidTime: the value is not a time.
    """
    moment, is_date = _read(value)
    return moment + (DAY - timedelta.resolution) if is_date else moment


def guess_time(value: Any) -> datetime | None:
    """Return the time in a metadata value, the earliest of a list, or None."""
    if isinstance(value, list):
        found = [moment for moment in map(_guess, value[:_MOST_DATES]) if moment is not None]
        return min(found, default=None)
    return _guess(value)


def _read(value: Any) -> tuple[datetime, bool]:
    """Return a time and whether the value is only a date."""
    if isinstance(value, datetime):
        return _in_utc(value), False
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InvalidTime("must be a time, as text in ISO 8601 or a number in Unix time")
    if isinstance(value, str):
        return _of_text(value.strip(" "))
    return _of_number(value), False


def _of_number(value: float) -> datetime:
    if (isinstance(value, float) and not math.isfinite(value)) or EIGHT_DIGITS[0] <= value < EIGHT_DIGITS[1]:
        raise InvalidTime("is not a Unix time in seconds or milliseconds; write dates as text, YYYY-MM-DD")
    try:
        since = timedelta(milliseconds=value) if abs(value) >= MILLISECONDS_FROM else timedelta(seconds=value)
        return _EPOCH + since
    except OverflowError as error:
        raise InvalidTime("must lie in the years 1 to 9999 of UTC") from error


def _of_text(text: str) -> tuple[datetime, bool]:
    found = _TIME.fullmatch(text)
    if found is None:
        raise InvalidTime("must be a time in ISO 8601, for example 2024-01-31 or 2024-01-31T10:00:00Z")
    day = _day(found)
    if found["hour"] is None:
        return datetime.combine(day, time(), UTC), True
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    micros = int(f"{found['fraction'] or '0':0<6.6}")
    is_midnight = (hour, minute, second, micros) == (24, 0, 0, 0)
    is_leap = second == 60
    try:
        clock = time(0 if is_midnight else hour, minute, 59 if is_leap else second, micros)
        moment = datetime.combine(day, clock, UTC) + ((DAY if is_midnight else timedelta()) - _offset(found))
        if is_leap:
            moment = _after_leap_second(moment)
    except OverflowError as error:
        raise InvalidTime("must lie in the years 1 to 9999 of UTC") from error
    except ValueError as error:
        raise InvalidTime(f"has an invalid time of day: {error}") from error
    return moment, False


def _day(found: re.Match[str]) -> date:
    try:
        if found["week"]:
            return date.fromisocalendar(int(found["year"]), int(found["week"]), int(found["weekday"]))
        return date(int(found["year"]), int(found["month"]), int(found["day"]))
    except ValueError as error:
        raise InvalidTime(f"is not a date: {error}") from error


def _offset(found: re.Match[str]) -> timedelta:
    if found["sign"] is None:
        return timedelta()
    hours, minutes = int(found["hours"]), int(found["minutes"] or 0)
    if hours > 23 or minutes > 59:
        raise ValueError("the UTC offset must be less than 24 hours")
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if found["sign"] == "-" else offset


def _after_leap_second(moment: datetime) -> datetime:
    """Return the second after :59, which represents a leap second on a clock without them."""
    after = moment.replace(microsecond=0) + timedelta(seconds=1)
    if (after.day, after.hour, after.minute) != (1, 0, 0):
        raise ValueError("second must be in 0..59")
    return after


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise InvalidTime("must lie in the years 1 to 9999 of UTC") from error


def _guess(value: Any) -> datetime | None:
    if isinstance(value, int | float) and not value >= GUESSED_FROM:
        return None
    try:
        return read_time(value)
    except InvalidTime:
        return _guess_text(value) if isinstance(value, str) and 4 <= len(value) <= _LONGEST else None


def _guess_text(text: str) -> datetime | None:
    text = text.strip()
    if not text.isascii() and any(character.isdigit() and not character.isascii() for character in text):
        return None
    if _BEGINS_ISO.match(text) and not _is_iso_date(text[:10]):
        return None  # 2024-13-01 is not the 13th of January
    if not text.isdigit() and _is_number(text):
        return None
    if text.isdigit() and len(text) not in _GUESSED_DIGITS:
        return None
    try:
        # an unknown zone's name counts as UTC
        moment = parser.parse(
            text, fuzzy=True, default=_NO_YEAR, tzinfos=lambda _, seconds: tz.tzoffset(None, seconds or 0)
        )
    # the parser raises all of these for odd input
    except (ValueError, ArithmeticError, TypeError, AttributeError, LookupError):
        return None
    if moment.year == _NO_YEAR.year:
        return None
    try:
        return _in_utc(moment)
    except InvalidTime:
        return None


def _is_iso_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
