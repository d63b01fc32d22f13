"""Times of a cron expression in a time zone. Pure.

Five fields, as in crontab(5): minute, hour, day of the month, month, weekday; names of months and weekdays, `L`, `LW`, `MON#2`.

When clocks change, an expression with fixed minutes and hours runs once a day: a time that is left out is run at the end of the gap, a
time that comes twice is run the first time. An expression whose minute or hour begins with `*` follows the clock: nothing is run in the
gap, and what comes twice is run twice.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from heapq import heappop, heappush
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

MAX_LENGTH = 100
FIELDS = ("minute", "hour", "day of the month", "month", "weekday")
COMPARED, COMPARED_FOR = 1_500, timedelta(days=5 * 366)
"""Ticks compared for the shortest interval (a day of every minute, and beyond midnight), and for how long."""
_MINUTE = timedelta(minutes=1)


class InvalidCron(ValueError):
    """The expression is no cron expression; the message completes "cron …"."""


class UnknownZone(ValueError):
    """There is no such time zone."""


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Return the names of the IANA time zones."""
    return frozenset(available_timezones()) - {"localtime", "posixrules", "Factory"}


def zones_near(name: str) -> list[str]:
    """Return the names of the zones, those that begin as a name does first."""
    begin = name[:3].casefold()
    return sorted(zone_names(), key=lambda each: (not each.casefold().startswith(begin), each))


def read_zone(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name.

    Raises:
        UnknownZone: there is none.
    """
    if name not in zone_names():
        raise UnknownZone
    return ZoneInfo(name)


def check_cron(cron: str) -> None:
    """Check an expression.

    Raises:
        InvalidCron: it is invalid, or names no time at all.
    """
    fields = cron.split()
    if len(cron) > MAX_LENGTH or len(fields) != len(FIELDS):
        raise InvalidCron(f"must have five fields: {', '.join(FIELDS)}")
    try:
        wall = CronSim(cron, datetime(2000, 1, 1))  # noqa: DTZ001  a time of the wall clock
    except (CronSimError, AssertionError, TypeError) as error:
        named = (
            str(error)
            .removeprefix("Bad ")
            .replace("day-of-month", FIELDS[2])
            .replace("day-of-week", FIELDS[4])
        )
        raise InvalidCron(f"has an invalid {named or 'field'}") from error
    if next(wall, None) is None:
        raise InvalidCron("names no time")


def ticks_after(*, cron: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Yield the times of an expression after a moment, in order, as UTC; at most 50 years apart.

    Args:
        cron: passed `check_cron`.
        zone: whose wall clock counts.
        after: aware.
    """
    minute, hour = cron.split()[:2]
    fixed = not minute.startswith("*") and not hour.startswith("*")
    last = after.astimezone(UTC)
    for moment in _moments(CronSim(cron, _wall_before(last, zone)), zone, fixed=fixed):
        # a time moved to the end of a gap may be a tick already
        if moment > last:
            last = moment
            yield moment


def shortest_interval(*, cron: str, after: datetime) -> timedelta | None:
    """Return the shortest time between two ticks, by the wall clock; None if there is only one."""
    times = ticks_after(cron=cron, zone=ZoneInfo("UTC"), after=after)
    before, shortest = next(times, None), None
    for _, moment in zip(range(COMPARED), times, strict=False):
        if before is not None and (shortest is None or moment - before < shortest):
            shortest = moment - before
        before = moment
        if shortest == _MINUTE or moment - after > COMPARED_FOR:
            break
    return shortest


def _wall_before(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return the wall clock's time from which on all times lie that come after a moment."""
    local = moment.astimezone(zone)
    first, second = (_utc(local.replace(fold=fold)) for fold in (0, 1))
    # during the first pass of an hour that comes twice, its beginning is still to come
    back = second - first if second > first else timedelta()
    return local.replace(tzinfo=None, fold=0) - back


def _moments(wall: CronSim, zone: ZoneInfo, *, fixed: bool) -> Iterator[datetime]:
    """Yield the moments at which the wall clock shows given times, in order."""
    again: list[datetime] = []
    for shown in wall:
        local = shown.replace(tzinfo=zone, fold=0)
        first, second = _utc(local), _utc(local.replace(fold=1))
        if second < first:
            if not fixed:
                continue
            first = _end_of_gap(local)
        while again and again[0] < first:
            yield heappop(again)
        yield first
        if second > first and not fixed:
            heappush(again, second)
    yield from sorted(again)


def _end_of_gap(local: datetime) -> datetime:
    while _utc(local.replace(fold=1)) < _utc(local):
        local += _MINUTE
    return _utc(local)


def _utc(local: datetime) -> datetime:
    return local.astimezone(UTC)
