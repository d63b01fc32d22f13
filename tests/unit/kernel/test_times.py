"""Parsing times."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liftos.kernel.times import InvalidTime, guess_time, read_end, read_time


def at(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2024-01-31", at(2024, 1, 31)),
        ("20240131", at(2024, 1, 31)),
        ("20301231", at(2030, 12, 31)),
        ("2024-W05-3", at(2024, 1, 31)),
        ("2024W053", at(2024, 1, 31)),
        ("2024-01-31T10:00", at(2024, 1, 31, 10)),
        ("2024-01-31t10:00:00z", at(2024, 1, 31, 10)),
        ("2024-01-31 10:00:00.5Z", at(2024, 1, 31, 10, 0, 0, 500_000)),
        ("2024-01-31T10:00:00,1234567Z", at(2024, 1, 31, 10, 0, 0, 123_456)),
        ("20240131T100000+0530", at(2024, 1, 31, 4, 30)),
        ("2024-01-31T10-12", at(2024, 1, 31, 22)),
        ("2024-01-31T10:00:00 05:00", at(2024, 1, 31, 5)),
        ("  2024-01-31 ", at(2024, 1, 31)),
        ("2024-01-31T24:00:00", at(2024, 2, 1)),
        ("0001-01-01T24:00+05:00", at(1, 1, 1, 19)),
        ("2016-12-31T23:59:60Z", at(2017, 1, 1)),
        ("2017-01-01T05:29:60+05:30", at(2017, 1, 1)),
        ("0001-01-01T14:00:00+14:00", at(1, 1, 1)),
        ("9999-12-31T11:59:59.999999-12:00", at(9999, 12, 31, 23, 59, 59, 999_999)),
        ("2024-02-29", at(2024, 2, 29)),
        (1_706_745_600, at(2024, 2, 1)),
        (1_706_745_600.25, at(2024, 2, 1, 0, 0, 0, 250_000)),
        (1_706_745_600_000, at(2024, 2, 1)),
        (0, at(1970, 1, 1)),
        (-1e9, at(1938, 4, 24, 22, 13, 20)),
        (datetime(2024, 1, 31, 10), at(2024, 1, 31, 10)),  # noqa: DTZ001  without a zone, as a caller may have it
    ],
)
def test_a_time_is_read(written, moment):
    assert read_time(written) == moment
    assert read_time(written).tzinfo is UTC


@pytest.mark.parametrize(
    "written",
    [
        "0001-01-01T00:00:00+05:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-05:00", "9999-12-31T12:00-12:00",
        "9999-12-31T24:00", "0000-01-01", "10000-01-01", "2024-13-01", "2024-02-30", "2023-02-29", "2024-00-10", "2024", "2024-01",
        "2024-0131", "202401-31", "2024-W05", "2024-W54-1", "2024-W05-8", "2024-031", "2024-01-31T25:00", "2024-01-31T24:00:01",
        "2024-01-31T10:60", "2024-01-31T12:00:60Z", "2024-01-31T23:59:61Z", "2024-01-31T10:00+24:00", "2024-01-31T10:00+05:60",
        "2024-01-31T10:00+5", "2024-01-31T", "T10:00", "10:00", "1706745600", "1706745600.0", "-1706745600", "1e9", "1706745600000", "0",
        "soon", "", " ", "2024 - 01 - 31", "2024-01-31\n", "\u0662\u0660\u0662\u0664-\u0660\u0661-\u0663\u0661", "\uff12024-01-31",
        "2024-01-31T10:00\u221205:00", "NaN", "now", "today", "2024/01/31", "31.01.2024", 20_301_231, 20_301_231.0, 1e20, -1e20, 10**400,
        float("nan"), float("inf"), True, False, None, [], {}, ["2024-01-31"],
    ],
)  # fmt: skip
def test_invalid_time_is_refused(written):
    with pytest.raises(InvalidTime):
        read_time(written)
    with pytest.raises(InvalidTime):
        read_end(written)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2024-01-31", at(2024, 1, 31, 23, 59, 59, 999_999)),
        ("20240131", at(2024, 1, 31, 23, 59, 59, 999_999)),
        ("9999-12-31", at(9999, 12, 31, 23, 59, 59, 999_999)),
        ("2024-01-31T00:00:00", at(2024, 1, 31)),
        ("2024-01-31T24:00:00", at(2024, 2, 1)),
    ],
)
def test_a_date_as_an_end_is_the_whole_day(written, moment):
    assert read_end(written) == moment


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (1_706_745_600, at(2024, 2, 1)),
        (1_706_745_600_000, at(2024, 2, 1)),
        (1_706_745_600.5, at(2024, 2, 1, 0, 0, 0, 500_000)),
        (["2024-03-01", "2024-02-01"], at(2024, 2, 1)),
        (["no date", None, {"a": 1}, "8 May 2023"], at(2023, 5, 8)),
        ([1_706_745_600_000, "2025-01-01"], at(2024, 2, 1)),
        ("20240131", at(2024, 1, 31)),
        ("2024", at(2024, 1, 1)),
        ("1:56 pm on 8 May, 2023", at(2023, 5, 8, 13, 56)),
        ("2024-01-31 (about)", at(2024, 1, 31)),
        ([], None),
        (["no date"], None),
        ([["2024-01-31"]], None),
        ("2024-13-01", None),
        ("1706745600", None),
        ("1706745600.5", None),
        ("1706121530", None),
        ("\u0662\u0660\u0662\u0664", None),
        (90, None),
        (0, None),
        (-1e9, None),
        (20_230_508, None),
        (1e20, None),
        (float("nan"), None),
        (10**400, None),
        (True, None),
        ({"start": "2024-01-31"}, None),
    ],
)
def test_times_in_metadata_are_recognised(value, moment):
    assert guess_time(value) == moment


@given(st.datetimes(timezones=st.just(UTC)), st.sampled_from(["T", " ", "t"]))
def test_isoformat_round_trips(moment, parted):
    assert read_time(moment.isoformat(parted)) == moment
    assert read_time(moment.isoformat(parted).replace("+00:00", "Z")) == moment
    assert read_end(moment.date().isoformat()) - read_time(moment.date().isoformat()) == timedelta(
        days=1, microseconds=-1
    )


@given(
    st.text(max_size=40)
    | st.text("0123456789-:.,+TZtzW ", max_size=34)
    | st.integers()
    | st.floats(allow_nan=True)
)
def test_any_input_is_a_time_or_refused(value):
    for read in (read_time, read_end):
        try:
            moment = read(value)
        except InvalidTime:
            continue
        assert moment.tzinfo is UTC
    found = guess_time(value)
    assert found is None or found.utcoffset() == timedelta()
