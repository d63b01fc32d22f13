"""A bulk store into a new installation analyses its tables."""

import pytest
from django.db import connections

from liftos.kernel.tenancy.operations import create_organisation
from liftos.kernel.tenancy.types import SYSTEM
from memory.index import planner_statistics
from memory.operations import remember_many
from memory.types import MemoryDraft


def counted():
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'memory_memory'::regclass")
        return cursor.fetchone()[0]


def store(organisation, count):
    drafts = [MemoryDraft(f"number {number}") for number in range(count)]
    remember_many(organisation=organisation, by=SYSTEM, drafts=drafts)


@pytest.fixture
def own(committed_db, monkeypatch):
    monkeypatch.setattr(planner_statistics, "_analysed", set())
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT pg_clear_relation_stats('public', 'memory_memory')")
    return create_organisation(name="own", by=SYSTEM).id


def test_a_batch_into_empty_tables_has_them_counted(own):
    assert counted() < planner_statistics.LEAST
    store(own, planner_statistics.LEAST)
    assert counted() >= planner_statistics.LEAST
    assert planner_statistics._analysed


def test_a_few_memories_have_nothing_counted(own):
    store(own, 3)
    assert counted() < planner_statistics.LEAST
    assert not planner_statistics._analysed


def test_what_was_counted_is_left_to_autovacuum(own):
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT pg_restore_relation_stats('schemaname', 'public', 'relname', 'memory_memory', 'reltuples', 5000::real)"
        )
    store(own, planner_statistics.LEAST)
    assert counted() == 5000
