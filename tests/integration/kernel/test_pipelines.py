"""Statements sent together, and ids sent as bytes."""

from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from liftos.binary import IntArray, TextArray, UuidArray
from liftos.db import pipelined, raw_cursor, tenant_transaction
from memory.models import Memory


def test_answers_belong_to_their_statements(db):
    with pipelined():
        cursors = [raw_cursor().execute("SELECT %s::int", [number]) for number in range(50)]
        assert [cursor.fetchone()[0] for cursor in cursors] == list(range(50))


def test_what_comes_later_is_not_done_after_an_error(organisation):
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
