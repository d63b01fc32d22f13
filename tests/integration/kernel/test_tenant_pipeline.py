"""A pipelined transaction keeps the guarantees of an ordinary one."""

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from psycopg.pq import PipelineStatus

from liftos.kernel.db.backend.pipeline import is_pipelined
from liftos.kernel.db.transactions import (
    current_organisation,
    pipelined,
    raw_cursor,
    tenant_pipeline,
    tenant_transaction,
)
from liftos.kernel.outbox.operations import emit
from liftos.kernel.tenancy.models import ApiKey
from tests.conftest import make_caller

COUNT = "SELECT count(*) FROM events_outboxevent"
FAILING = "SELECT 1 / 0"
# at a later statement it is psycopg's, at the end of the block Django's: that depends on when Postgres answers
ANY_ERROR = (psycopg.Error, DatabaseError)


@pytest.fixture
def two(committed_db):
    return [make_caller(name).organisation for name in ("First", "Second")]


def put(organisation, subject="x"):
    emit(organisation=organisation, type="test", subject=subject, data={})


def subjects(organisation):
    with tenant_transaction(organisation), raw_cursor() as cursor:
        rows = cursor.execute("SELECT subject FROM events_outboxevent WHERE type = 'test'").fetchall()
    return sorted(row[0] for row in rows)


def test_unfetched_statements_are_committed(two):
    with tenant_pipeline(two[0]):
        assert is_pipelined(connection.connection)
        put(two[0])
    assert not is_pipelined(connection.connection)
    assert subjects(two[0]) == ["x"]


def test_transaction_is_sent_in_one_batch(two, monkeypatch):
    sent = []
    fetch = psycopg.Pipeline._fetch_gen

    def fetch_all(self, *, flush):
        sent.append(len(self.result_queue))
        return fetch(self, flush=flush)

    monkeypatch.setattr(psycopg.Pipeline, "_fetch_gen", fetch_all)
    with tenant_pipeline(two[0]):
        put(two[0], "a")
        put(two[0], "b")
        assert sent == []
    # BEGIN, the organisation, both statements (one perhaps with its PREPARE), COMMIT and the sync
    assert [outstanding in (6, 7) for outstanding in sent] == [True]
    monkeypatch.undo()
    assert subjects(two[0]) == ["a", "b"]


def test_fetch_sends_earlier_statements(two):
    with tenant_pipeline(two[0]):
        put(two[0])
        later = raw_cursor().execute("SELECT 2")
        assert raw_cursor().execute("SELECT 3").fetchone() == (3,)
        assert later.pgresult is not None
        assert later.fetchone() == (2,)


def test_data_larger_than_the_buffer_is_sent_and_received(two):
    text = "x" * 3_000_000
    with tenant_pipeline(two[0]):
        cursors = [raw_cursor().execute("SELECT %s::text", [text]) for _ in range(5)]
        assert all(cursor.fetchone() == (text,) for cursor in cursors)


def test_only_the_organisations_rows_exist(two):
    put_into(two[1], "foreign")
    with tenant_pipeline(two[0]):
        put(two[0], "own")
        rows = raw_cursor().execute("SELECT subject FROM events_outboxevent WHERE type = 'test'").fetchall()
        assert current_organisation() == two[0]
    assert rows == [("own",)]
    assert current_organisation() is None
    assert raw_cursor().execute(COUNT).fetchone() == (0,)


def put_into(organisation, subject):
    with tenant_pipeline(organisation):
        put(organisation, subject)


def test_another_organisations_row_cannot_be_written(two):
    with pytest.raises(ANY_ERROR, match="row-level security"), tenant_pipeline(two[0]):
        put(two[0], "own")
        put(two[1], "foreign")
    assert (subjects(two[0]), subjects(two[1])) == ([], [])


def test_a_second_organisation_is_refused(two):
    with pytest.raises(RuntimeError, match="another organisation"), tenant_pipeline(two[0]):
        put(two[0])
        with tenant_pipeline(two[1]):
            pass
    assert subjects(two[0]) == []


def test_unfetched_error_is_raised_and_nothing_is_committed(two):
    with pytest.raises(ANY_ERROR, match="division by zero"), tenant_pipeline(two[0]):
        put(two[0])
        raw_cursor().execute(FAILING)
        put(two[0], "after")
    assert subjects(two[0]) == []


def test_an_error_at_a_fetch_is_psycopgs_own(two):
    with pytest.raises(psycopg.errors.DivisionByZero), tenant_pipeline(two[0]):
        put(two[0])
        raw_cursor().execute(FAILING).fetchone()
    assert subjects(two[0]) == []


def test_caught_error_still_commits_nothing(two):
    with pytest.raises(ANY_ERROR), tenant_pipeline(two[0]):
        put(two[0])
        with pytest.raises(psycopg.errors.DivisionByZero):
            raw_cursor().execute(FAILING).fetchone()
    assert subjects(two[0]) == []


def test_error_caught_before_a_sync_still_commits_nothing(two):
    with pytest.raises(ANY_ERROR, match="nothing was committed"), tenant_pipeline(two[0]):
        put(two[0])
        with pytest.raises(psycopg.errors.DivisionByZero):
            raw_cursor().execute(FAILING).fetchone()
        connection._settle()
    assert subjects(two[0]) == []


def test_exception_of_the_block_precedes_a_statements_error(two):
    with pytest.raises(LookupError, match="of the block"), tenant_pipeline(two[0]):
        put(two[0])
        raw_cursor().execute(FAILING)
        raise LookupError("of the block")
    assert subjects(two[0]) == []
    assert not is_pipelined(connection.connection)


def test_inner_savepoint_can_be_rolled_back(two):
    with tenant_pipeline(two[0]):
        put(two[0], "kept")
        with pytest.raises(psycopg.errors.DivisionByZero), tenant_transaction(two[0]):
            put(two[0], "given up")
            raw_cursor().execute(FAILING).fetchone()
        put(two[0], "kept too")
    assert subjects(two[0]) == ["kept", "kept too"]


def test_error_within_a_savepoint_is_raised_at_its_end(two):
    with tenant_pipeline(two[0]):
        with pytest.raises(ANY_ERROR, match="division by zero"), transaction.atomic():
            raw_cursor().execute(FAILING)
        put(two[0], "after")
    assert subjects(two[0]) == ["after"]


def test_django_orm_works_inside(two):
    with tenant_pipeline(two[0]):
        put(two[0])
        keys = ApiKey.objects.filter(organisation_id=two[0])
        assert keys.update(name="renamed") == 1
        assert [key.name for key in keys] == ["renamed"]
    assert subjects(two[0]) == ["x"]


def test_a_constraint_that_is_violated_is_djangos_integrity_error(two):
    statement = "INSERT INTO tenancy_organisation (id, slug, name) VALUES (gen_random_uuid(), 'first', 'x')"
    with pytest.raises((IntegrityError, psycopg.errors.UniqueViolation)), tenant_pipeline(two[0]):
        raw_cursor().execute(statement)


def test_a_pipeline_within_a_pipeline_is_part_of_it(two):
    with tenant_pipeline(two[0]):
        with pipelined():
            put(two[0], "inner")
        assert is_pipelined(connection.connection)
        put(two[0], "outer")
    assert subjects(two[0]) == ["inner", "outer"]


def test_on_commit_hooks_see_the_commit(two):
    seen = []
    with tenant_pipeline(two[0]):
        transaction.on_commit(lambda: seen.append(subjects(two[0])))
        put(two[0])
        assert seen == []
    assert seen == [["x"]]


def test_a_connection_that_breaks_is_not_used_again(two):
    with pytest.raises(ANY_ERROR), tenant_pipeline(two[0]):
        put(two[0])
        raw_cursor().execute("SELECT pg_terminate_backend(pg_backend_pid())")
    assert subjects(two[0]) == []


def test_inside_a_transaction_it_is_a_savepoint(organisations):
    first, second = organisations
    with tenant_pipeline(first):
        put(first)
    with pytest.raises(ANY_ERROR, match="division by zero"), tenant_pipeline(second):
        put(second)
        raw_cursor().execute(FAILING)
    assert (subjects(first), subjects(second)) == (["x"], [])
    assert connection.connection.pgconn.pipeline_status == PipelineStatus.OFF


@pytest.mark.parametrize("megabytes", [1, 4, 16])
def test_large_unfetched_statement_is_sent_completely(organisation, megabytes):
    text = "x" * (megabytes * 1_000_000)
    for _ in range(3):
        with tenant_pipeline(organisation):
            unread = raw_cursor().execute("SELECT length(%s::text)", [text])
        assert unread.fetchone()[0] == len(text)
