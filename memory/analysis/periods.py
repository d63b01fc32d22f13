"""Recognise times: dates of memories, time expressions, and the periods a question names. Pure.

Read in English; other languages are rewritten first (memory/analysis/foreign_dates.py). Days, months, quarters, years, ISO dates, and expressions relative to now ("yesterday", "last month", "3 weeks ago").
A day or month without a year means that day or month of every year.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from liftos.kernel.times import guess_time
from memory.analysis.foreign_dates import asks_when_abroad, in_english

DATE_KEYS = (
    "happened_at", "occurred_at", "date", "datetime", "timestamp", "time", "created_at", "session_date",
    "session_date_time", "start_date", "published_at",
)  # fmt: skip
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
# events are often recounted in the days after
AFTERMATH = timedelta(days=7)

_MONTH = "|".join(f"{name}|{name[:3]}" for name in MONTHS)
_ISO = re.compile(r"\b(\d{4})-(\d{2})(?:-(\d{2}))?\b")
_DAY_MONTH = re.compile(
    rf"\b(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? ({_MONTH})\b\.?(?:,? (\d{{4}})\b)?", re.IGNORECASE
)
_MONTH_DAY = re.compile(
    rf"\b({_MONTH})\b\.? (\d{{1,2}})(?:st|nd|rd|th)?\b(?!\d)(?:,? (\d{{4}})\b)?", re.IGNORECASE
)
_MONTH_YEAR = re.compile(rf"\b({_MONTH})\b\.?,? (?:of )?(\d{{4}})\b", re.IGNORECASE)
# without a year, only after a preposition: May and March are also a name and a verb
_IN_MONTH = re.compile(
    rf"\b(?:in|during|since|until|by|of|this|last|early|late|mid)[ -]({'|'.join(MONTHS)})\b", re.IGNORECASE
)
_QUARTER = re.compile(r"\bq([1-4])[ /-]?(?:of )?(\d{4})\b|\b(\d{4})[ /-]?q([1-4])\b", re.IGNORECASE)
_YEAR = re.compile(r"\b(?:in|during|of|since|for|year) (\d{4})\b", re.IGNORECASE)
_AGO = re.compile(
    r"\b(\d{1,3}|a|an|one|two|three|four|five|six) (day|week|month|year)s? ago\b", re.IGNORECASE
)
_RELATIVE = re.compile(r"\b(today|yesterday|(?:last|this|past) (?:week|month|quarter|year))\b", re.IGNORECASE)
_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_UNIT_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
_TELLS = re.compile(
    rf"\b(?:yesterday|today|tonight|tomorrow|ago|recently|soon|weekend|(?:last|next|this|past) (?:week|month|year|night|"
    rf"quarter|spring|summer|autumn|fall|winter|morning|weekend)|(?:mon|tues|wednes|thurs|fri|satur|sun)day|"
    rf"{'|'.join(month for month in MONTHS if month not in {'may', 'march'})}|(?:in|on|since) (?:may|march)|q[1-4]|\d{{4}}|"
    rf"(?:a|an|one|two|three|four|five|six|seven|ten|few|\d+) (?:hour|day|week|month|year)s?|since)\b",
    re.IGNORECASE,
)
# one of these words, or four digits, is in whatever _TELLS finds; most texts have none, and are passed over in a quarter of the time
_TIME_WORDS = frozenset(
    {f"{day}day" for day in ("mon", "tues", "wednes", "thurs", "fri", "satur", "sun")}
    | {f"{unit}{plural}" for unit in ("hour", "day", "week", "month", "year") for plural in ("", "s")}
    | {
        "yesterday",
        "today",
        "tonight",
        "tomorrow",
        "ago",
        "recently",
        "soon",
        "weekend",
        "since",
        "night",
        "quarter",
    }
    | {"spring", "summer", "autumn", "fall", "winter", "morning", "q1", "q2", "q3", "q4", *MONTHS}
)
_WORD = re.compile(r"\w+")
_FOUR_DIGITS = re.compile(r"\d{4}")
_ASKS_WHEN = re.compile(
    r"\s*(?:when|since when|how long|(?:in |on )?(?:what|which) (?:year|month|week|day|date|time|quarter))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Period:
    """A period that a question names: [start, end), or a day or month of every year.

    Attributes:
        start: aware UTC, None for every year.
        end: aware UTC, None for every year.
        month: 1 to 12 for every year, else 0.
        day: 1 to 31 for one day of every year, else 0.
    """

    start: datetime | None = None
    end: datetime | None = None
    month: int = 0
    day: int = 0

    def share(self, moment: datetime) -> float:
        """Return 1 for a moment within the period, 0.5 for one in the seven days after, else 0."""
        if self.start is not None and self.end is not None:
            if self.start <= moment < self.end:
                return 1.0
            # subtract: adding days to the end of year 9999 overflows
            return 0.5 if timedelta(0) <= moment - self.end < AFTERMATH else 0.0
        if not self.day:
            return 1.0 if moment.month == self.month else 0.0
        try:
            named = datetime(moment.year, self.month, self.day, tzinfo=UTC)
        except ValueError:  # 29 February, in another year
            return 0.0
        after = moment - named
        if timedelta(0) <= after < timedelta(days=1):
            return 1.0
        return 0.5 if timedelta(0) < after < AFTERMATH + timedelta(days=1) else 0.0


def periods_in(question: str, now: datetime, language: str = "en") -> list[Period]:
    """Return the periods that a question names.

    Args:
        question: any text.
        now: aware UTC, what "yesterday" is relative to.
        language: of the question, ISO 639-1; "" if unknown.
    """
    found: list[Period] = []
    rest = in_english(question, language)
    for pattern, make in _READERS:
        for match in pattern.finditer(rest):
            period = make(match)
            if period is not None:
                found.append(period)
        # blank what matched, so that a shorter pattern does not read it again
        rest = pattern.sub(lambda match: " " * len(match[0]), rest)
    found.extend(_relative(rest, now))
    return list(dict.fromkeys(found))


def happened_at(metadata: Mapping[str, Any]) -> datetime | None:
    """Return the first date in a memory's metadata, aware UTC (`liftos.kernel.times.guess_time`), or None."""
    for key in DATE_KEYS:
        if key in metadata:
            moment = guess_time(metadata[key])
            if moment is not None:
                return moment
    return None


def tells_time(text: str) -> bool:
    """Return whether a text says when something was or will be."""
    if _TIME_WORDS.isdisjoint(_WORD.findall(text.lower())) and not _FOUR_DIGITS.search(text):
        return False
    return _TELLS.search(text) is not None


def asks_when(question: str) -> bool:
    """Return whether a question asks for a time."""
    return _ASKS_WHEN.match(question) is not None or asks_when_abroad(question)


def _day(year: str | None, month: int, day: int) -> Period | None:
    if not 1 <= day <= 31:
        return None
    if year is None:
        return Period(month=month, day=day)
    try:
        start = datetime(int(year), month, day, tzinfo=UTC)
        return Period(start, start + timedelta(days=1))
    except (ValueError, OverflowError):
        return None


def _months(year: int, month: int, count: int) -> Period | None:
    try:
        start = datetime(year, month, 1, tzinfo=UTC)
        after = month - 1 + count
        return Period(start, datetime(year + after // 12, after % 12 + 1, 1, tzinfo=UTC))
    except ValueError:
        return None


def _month_number(name: str) -> int:
    return next(number for number, month in enumerate(MONTHS, 1) if month.startswith(name.lower()[:3]))


def _iso(match: re.Match[str]) -> Period | None:
    year, month = int(match[1]), int(match[2])
    if not 1 <= month <= 12:
        return None
    return _day(match[1], month, int(match[3])) if match[3] else _months(year, month, 1)


def _quarter(match: re.Match[str]) -> Period | None:
    number, year = (match[1], match[2]) if match[1] else (match[4], match[3])
    return _months(int(year), 3 * int(number) - 2, 3)


_READERS = (
    (_ISO, _iso),
    (_DAY_MONTH, lambda match: _day(match[3], _month_number(match[2]), int(match[1]))),
    (_MONTH_YEAR, lambda match: _months(int(match[2]), _month_number(match[1]), 1)),
    (_MONTH_DAY, lambda match: _day(match[3], _month_number(match[1]), int(match[2]))),
    (_QUARTER, _quarter),
    (_YEAR, lambda match: _months(int(match[1]), 1, 12)),
    (_IN_MONTH, lambda match: Period(month=_month_number(match[1]))),
)


def _relative(text: str, now: datetime) -> Iterator[Period]:
    today = datetime.combine(now.astimezone(UTC).date(), datetime.min.time(), UTC)
    for match in _AGO.finditer(text):
        count = _NUMBERS.get(match[1].lower()) or int(match[1])
        unit = _UNIT_DAYS[match[2].lower()]
        middle = today - timedelta(days=count * unit)
        yield Period(middle - timedelta(days=unit // 2), middle + timedelta(days=unit // 2 + 1))
    for match in _RELATIVE.finditer(text):
        yield _named(match[1].lower(), today)


def _named(words: str, today: datetime) -> Period:
    day = timedelta(days=1)
    if words == "today":
        return Period(today, today + day)
    if words == "yesterday":
        return Period(today - day, today)
    which, unit = words.split()
    back = 0 if which == "this" else 1
    if unit == "week":
        start = today - day * (today.weekday() + 7 * back)
        return Period(start, start + 7 * day)
    length = {"month": 1, "quarter": 3, "year": 12}[unit]
    index = today.year * 12 + (today.month - 1) // length * length - back * length
    return _months(index // 12, index % 12 + 1, length) or Period(today, today + day)
