"""Pipelined statements, and ids sent as bytes."""

from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from liftos.kernel.db.binary import IntArray, TextArray, UuidArray
from liftos.kernel.db.interleave import in_turns
from liftos.kernel.db.transactions import pipelined, raw_cursor, send_now, tenant_pipeline, tenant_transaction
from memory.models import Memory


def test_answers_belong_to_their_statements(db):
    with pipelined():
        cursors = [raw_cursor().execute("SELECT %s::int", [number]) for number in range(50)]
        assert [cursor.fetchone()[0] for cursor in cursors] == list(range(50))


def test_statements_after_an_error_are_not_executed(organisation):
    with pytest.raises(psycopg.errors.DivisionByZero), tenant_transaction(organisation), pipelined():
        raw_cursor().execute("SELECT 1 / %s", [0])
        raw_cursor().execute("SELECT 1")
    with tenant_transaction(organisation):
        assert Memory.objects.count() == 0


def test_the_organisation_holds_within_a_pipeline(organisations):
    for organisation in organisations:
        with tenant_transaction(organisation), pipelined():
            cursor = raw_cursor().execute("SELECT current_setting('liftos.organisation')")
            assert cursor.fetchone()[0] == str(organisation)


def test_fetch_waits_only_for_its_own_answer(db):
    with pipelined():
        first, second = (raw_cursor().execute("SELECT %s::int", [number]) for number in (1, 2))
        send_now()
        third = raw_cursor().execute("SELECT 3 FROM pg_sleep(0.2)")
        assert first.fetchone() == (1,)
        assert second.pgresult is third.pgresult is None
        assert third.fetchone() == (3,)
        assert second.fetchone() == (2,)


def test_the_last_of_several_statements_of_a_cursor_is_the_one_that_is_read(db):
    with pipelined(), raw_cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE some_rows ON COMMIT DROP AS SELECT generate_series(1, 5) AS n")
        assert cursor.execute("DELETE FROM some_rows WHERE n > 3").rowcount == 2
        cursor.execute("DELETE FROM some_rows WHERE n = 1")
        cursor.execute("UPDATE some_rows SET n = n + 10")
        assert cursor.execute("SELECT n FROM some_rows ORDER BY n").fetchall() == [(12,), (13,)]
        other = raw_cursor().execute("DELETE FROM some_rows")
        cursor.execute("SELECT 7")
        assert (other.rowcount, cursor.fetchone(), cursor.rowcount) == (2, (7,), 1)


@pytest.mark.parametrize("sent_before", [False, True])
def test_an_error_reaches_whoever_fetches_after_it(organisation, sent_before):
    with pytest.raises(psycopg.errors.DivisionByZero), tenant_transaction(organisation), pipelined():
        raw_cursor().execute("SELECT 1 / %s", [0])
        if sent_before:
            send_now()
        raw_cursor().execute("SELECT 1").fetchone()
    # nothing of it is left on the connection
    with pipelined():
        assert raw_cursor().execute("SELECT 2").fetchone() == (2,)


def asking(number, statements, log):
    for place in range(statements):
        cursor = raw_cursor().execute("SELECT %s::int * 100 + %s::int", [number, place])
        log.append(("sent", number, place))
        yield
        log.append(("got", number, cursor.fetchone()[0]))
    return number


def test_interleaved_work_ends_in_order(db):
    log = []
    with pipelined():
        done = list(
            in_turns(asking(number, statements, log) for number, statements in enumerate((2, 3, 0, 1)))
        )
    assert done == [0, 1, 2, 3]
    # the second asks before the first waits
    assert log[:3] == [("sent", 0, 0), ("sent", 1, 0), ("got", 0, 0)]
    assert [entry for entry in log if entry[:2] == ("got", 1)] == [
        ("got", 1, 100 + place) for place in range(3)
    ]


def test_interleaved_work_is_bounded(db):
    log = []
    with pipelined():
        works = in_turns((asking(number, 2, log) for number in range(4)), at_once=1)
        assert next(works) == 0
        assert {number for _, number, _ in log} == {0}
        assert list(works) == [1, 2, 3]


def test_an_error_in_one_turn_ends_them_all(organisation):
    def failing():
        raw_cursor().execute("SELECT 1 / %s", [0])
        yield
        raw_cursor().execute("SELECT 1").fetchone()

    with pytest.raises(psycopg.errors.DivisionByZero), tenant_pipeline(organisation):
        list(in_turns([asking(0, 2, []), failing()]))
    with tenant_transaction(organisation):
        assert Memory.objects.count() == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ids=st.lists(st.uuids(), max_size=20))
def test_ids_arrive_as_they_were_sent(db, ids):
    sent = UuidArray(each.bytes for each in ids)
    [row] = raw_cursor().execute("SELECT %s::uuid[]", [sent]).fetchall()
    assert row[0] == ids
    assert all(isinstance(each, UUID) for each in row[0])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.none() | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))),
    numbers=st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)),
)
def test_texts_and_numbers_arrive_as_they_were_sent(db, texts, numbers):
    sent = [TextArray(texts), IntArray(numbers)]
    [row] = raw_cursor().execute("SELECT %s::text[], %s::bigint[]", sent).fetchall()
    assert row == (texts, numbers)
