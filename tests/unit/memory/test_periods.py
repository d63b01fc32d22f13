# ruff: noqa: RUF001  texts in many scripts
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.analysis.periods import Period, asks_when, happened_at, periods_in, tells_time
from memory.analysis.questions import ends_as_question, is_question

NOW = datetime(2026, 11, 25, 15, 30, tzinfo=UTC)


def day(year, month, number):
    return datetime(year, month, number, tzinfo=UTC)


@pytest.mark.parametrize(
    ("question", "start", "end"),
    [
        ("what happened on 8 May, 2023?", day(2023, 5, 8), day(2023, 5, 9)),
        ("on May 8th 2023", day(2023, 5, 8), day(2023, 5, 9)),
        ("on 2023-05-08", day(2023, 5, 8), day(2023, 5, 9)),
        ("in May 2023", day(2023, 5, 1), day(2023, 6, 1)),
        ("during Dec 2023", day(2023, 12, 1), day(2024, 1, 1)),
        ("2024-02", day(2024, 2, 1), day(2024, 3, 1)),
        ("spend of Q3 2025", day(2025, 7, 1), day(2025, 10, 1)),
        ("2025-Q4 results", day(2025, 10, 1), day(2026, 1, 1)),
        ("what did we learn in 2024?", day(2024, 1, 1), day(2025, 1, 1)),
        ("yesterday", day(2026, 11, 24), day(2026, 11, 25)),
        ("this week", day(2026, 11, 23), day(2026, 11, 30)),
        ("last week", day(2026, 11, 16), day(2026, 11, 23)),
        ("last month", day(2026, 10, 1), day(2026, 11, 1)),
        ("last quarter", day(2026, 7, 1), day(2026, 10, 1)),
        ("last year", day(2025, 1, 1), day(2026, 1, 1)),
        ("3 days ago", day(2026, 11, 22), day(2026, 11, 23)),
    ],
)
def test_a_period_with_its_year(question, start, end):
    assert periods_in(question, NOW) == [Period(start, end)]


@pytest.mark.parametrize(
    ("question", "period"),
    [("what did Anna say in June?", Period(month=6)), ("on 4 July", Period(month=7, day=4)), ("May 3rd", Period(month=5, day=3))],
)  # fmt: skip
def test_a_period_of_every_year(question, period):
    assert periods_in(question, NOW) == [period]


@pytest.mark.parametrize(
    "question", ["Will May march?", "the 99 May", "2023-13-01", "30 February 2023", "buy 3 of 4", ""]
)
def test_what_is_not_a_period(question):
    assert periods_in(question, NOW) == []


def test_days_after_a_period_count_half():
    named = Period(day(2023, 5, 8), day(2023, 5, 9))
    assert [named.share(day(2023, 5, number)) for number in (7, 8, 9, 15, 16)] == [0, 1, 0.5, 0.5, 0]
    every = Period(month=5, day=8)
    assert [every.share(day(2020, 5, number)) for number in (7, 8, 9, 15, 16)] == [0, 1, 0.5, 0.5, 0]
    assert Period(month=2, day=29).share(day(2023, 2, 28)) == 0
    assert Period(month=6).share(day(2020, 6, 30)) == 1


@pytest.mark.parametrize(
    ("metadata", "moment"),
    [
        ({"date": "1:56 pm on 8 May, 2023"}, datetime(2023, 5, 8, 13, 56, tzinfo=UTC)),
        ({"timestamp": "2024-01-01T10:00:00+02:00"}, datetime(2024, 1, 1, 8, tzinfo=UTC)),
        ({"date": "Mon, 01 Jan 2024 10:00:00 +0200"}, datetime(2024, 1, 1, 8, tzinfo=UTC)),
        ({"date": "2024-01-01 10:00 XYZ"}, datetime(2024, 1, 1, 10, tzinfo=UTC)),
        ({"date": "0001-01-01T00:00:00+05:00"}, None),
        ({"date": "11:01 am"}, None),
        ({"date": "no date at all"}, None),
        ({"date": 20230508}, None),
        ({"time": "soon", "created_at": "2024-03-01"}, day(2024, 3, 1)),
    ],
)
def test_when_it_happened(metadata, moment):
    assert happened_at(metadata) == moment


def test_form_of_a_question():
    assert asks_when("When did it start?")
    assert asks_when("in which month did we stop")
    assert not asks_when("what stopped when we left?")
    assert is_question("who pays")
    assert is_question("boots?")
    assert not is_question("boots and rain")
    assert tells_time("we leave next week")
    assert tells_time("since March")
    assert not tells_time("we march on")


@given(st.text(max_size=200) | st.text("0123456789:-/.+ ,apmTZjanEST", max_size=40))
def test_any_text_is_parsed(text):
    assert all(0 <= period.share(NOW) <= 1 for period in periods_in(text, NOW))
    moment = happened_at({"date": text})
    assert moment is None or moment.tzinfo is not None
    assert tells_time(text) in {True, False}


@pytest.mark.parametrize(
    "text",
    [
        "boots?", "靴は？", "أين الأحذية؟", "Πού είναι οι μπότες;", "靴はどこですか。", "靴子在哪里吗", "Où sont les bottes ?",
        "¿Dónde están las botas?", '"Where?"', "(really?)", "부츠가 어디에 있나요", "Որտե՞ղ են կոշիկները",
    ],
)  # fmt: skip
def test_questions_of_other_scripts_end_as_such(text):
    assert ends_as_question(text)


@pytest.mark.parametrize("text", ["boots; and", "boots;", "靴です。", "A? B.", "", "Οι μπότες."])
def test_other_texts_do_not_end_as_questions(text):
    assert not ends_as_question(text)
