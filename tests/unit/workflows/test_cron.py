"""Times of cron expressions: daylight saving in spring and autumn, also by half an hour, and invalid expressions."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.schedules.cron import (
    InvalidCron,
    UnknownZone,
    check_cron,
    read_zone,
    shortest_interval,
    ticks_after,
    zones_near,
)

BERLIN, HOWE = "Europe/Berlin", "Australia/Lord_Howe"


def local(cron, zone, start, count=4):
    """Return the next times after a local one, as `day hour:minute offset`."""
    where = ZoneInfo(zone)
    after = datetime.fromisoformat(start).replace(tzinfo=where)
    times = islice(ticks_after(cron=cron, zone=where, after=after), count)
    return [f"{each.astimezone(where):%d %H:%M %z}" for each in times]


@pytest.mark.parametrize(
    ("cron", "zone", "start", "expected"),
    [
        # spring: 02:00 to 03:00 is left out
        ("30 2 * * *", BERLIN, "2026-03-28T03:00", ["29 03:00 +0200", "30 02:30 +0200"]),
        ("0,30 2,3 * * *", BERLIN, "2026-03-29T00:00", ["29 03:00 +0200", "29 03:30 +0200", "30 02:00 +0200"]),
        ("*/30 2 * * *", BERLIN, "2026-03-29T00:00", ["30 02:00 +0200", "30 02:30 +0200"]),
        ("0 * * * *", BERLIN, "2026-03-29T00:30", ["29 01:00 +0100", "29 03:00 +0200", "29 04:00 +0200"]),
        # autumn: 02:00 to 03:00 comes twice
        ("30 2 * * *", BERLIN, "2026-10-24T12:00", ["25 02:30 +0200", "26 02:30 +0100"]),
        ("30 * * * *", BERLIN, "2026-10-25T01:45", ["25 02:30 +0200", "25 02:30 +0100", "25 03:30 +0100"]),
        ("0 3 * * *", BERLIN, "2026-10-24T12:00", ["25 03:00 +0100", "26 03:00 +0100"]),
        # by half an hour: 02:00 to 02:30 is left out, 01:30 to 02:00 comes twice
        ("15 2 * * *", HOWE, "2026-10-03T12:00", ["04 02:30 +1100", "05 02:15 +1100"]),
        ("*/20 2-3 * * *", HOWE, "2026-10-04T00:00", ["04 02:40 +1100", "04 03:00 +1100", "04 03:20 +1100"]),
        ("45 1 * * *", HOWE, "2026-04-04T12:00", ["05 01:45 +1100", "06 01:45 +1030"]),
        ("*/20 1,2 * * *", HOWE, "2026-04-05T01:30", ["05 01:40 +1100", "05 01:40 +1030", "05 02:00 +1030"]),
        # at midnight
        ("0 0 * * *", "America/Havana", "2026-03-07T12:00", ["08 01:00 -0400", "09 00:00 -0400"]),
        # a day that was left out
        ("0 12 * * *", "Pacific/Apia", "2011-12-29T13:00", ["31 00:00 +1400", "31 12:00 +1400"]),
    ],
)  # fmt: skip
def test_clock_changes(cron, zone, start, expected):
    assert local(cron, zone, start, len(expected)) == expected


def test_second_pass_of_an_hour_runs_nothing_fixed_again():
    zone = ZoneInfo(BERLIN)
    second_pass = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)
    assert next(ticks_after(cron="30 2 * * *", zone=zone, after=second_pass)) == datetime(
        2026, 10, 26, 1, 30, tzinfo=UTC
    )
    first_pass = datetime(2026, 10, 25, 0, 45, tzinfo=UTC)
    times = ticks_after(cron="*/30 * * * *", zone=zone, after=first_pass)
    assert [each.hour for each in islice(times, 2)] == [1, 1]


@given(
    minute=st.sampled_from(["0", "*/7", "30", "15,45", "*"]),
    hour=st.sampled_from(["2", "*", "1-3", "*/2"]),
    zone=st.sampled_from([BERLIN, HOWE, "America/New_York", "UTC"]),
    day=st.sampled_from([datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 4, 4, tzinfo=UTC)]),
    offset=st.integers(0, 2 * 24 * 60),
)  # fmt: skip
def test_times_ascend_and_do_not_depend_on_where_one_begins(minute, hour, zone, day, offset):
    cron, where = f"{minute} {hour} * * *", ZoneInfo(zone)
    begin = day - timedelta(days=1)
    whole = list(islice(ticks_after(cron=cron, zone=where, after=begin), 3_000))
    assert whole == sorted(set(whole))
    later = begin + timedelta(minutes=offset)
    rest = [each for each in whole if each > later][:20]
    assert list(islice(ticks_after(cron=cron, zone=where, after=later), len(rest))) == rest


@pytest.mark.parametrize(
    ("cron", "named"),
    [
        ("", "five fields"), ("* * * *", "five fields"), ("* * * * * *", "five fields"), ("@daily", "five fields"),
        ("60 * * * *", "minute"), ("*/0 * * * *", "minute"), ("0 24 * * *", "hour"), ("0 0 0 * *", "day of the month"),
        ("0 0 30 2 *", "day of the month"), ("0 0 * 13 *", "month"), ("0 0 * * 8", "weekday"), ("0 0 * * MON#6", "weekday"),
        ("x" * 200, "five fields"), ("5-3 * * * *", "minute"), ("0 0 * * ²L", "weekday"),
    ],
)  # fmt: skip
def test_invalid_expression_names_its_field(cron, named):
    with pytest.raises(InvalidCron, match=named):
        check_cron(cron)


@given(st.text(alphabet="0123456789*/,-#LWMONJANa ", min_size=0, max_size=40))
def test_any_text_is_an_expression_or_refused(text):
    try:
        check_cron(text)
    except InvalidCron:
        return
    assert next(ticks_after(cron=text, zone=ZoneInfo(BERLIN), after=datetime(2026, 1, 1, tzinfo=UTC)))


def test_shortest_interval_goes_beyond_midnight():
    now = datetime(2026, 11, 28, tzinfo=UTC)
    assert shortest_interval(cron="59,0 0,23 * * *", after=now) == timedelta(minutes=1)
    assert shortest_interval(cron="*/15 * * * *", after=now) == timedelta(minutes=15)
    assert shortest_interval(cron="0 0 29 2 *", after=now) == timedelta(days=1461)


def test_unknown_zone():
    assert zones_near("europe/berlinn")[0].startswith("Europe/")
    for name in ("", "Europe/Atlantis", "../etc/passwd", "localtime"):
        with pytest.raises(UnknownZone):
            read_zone(name)
