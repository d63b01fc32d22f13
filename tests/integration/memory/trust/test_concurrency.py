"""Concurrency: stores of one text, a store and its rejection, changes of one memory, one idempotency key."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import LiftosError
from liftos.kernel.tenancy.types import SYSTEM
from memory.erasure.operations import forget
from memory.models import BulkJob, Erasure, Memory, MemoryVersion, Tombstone
from memory.operations import remember, remember_many
from memory.rejection.tombstones import ValueRejected
from memory.trust.corrections import reject
from memory.trust.revision import revise
from memory.types import MemoryDraft, Outcome
from tests.conftest import make_caller

TEXT = "Boots sell in rain"


@pytest.fixture
def acme(committed_db):
    return make_caller("Acme")


def at_once(count, work):
    """Run work(0), work(1), … at the same moment, each on its own connection; return results or errors."""
    barrier = Barrier(count)

    def one(number):
        barrier.wait(timeout=20)
        try:
            return work(number)
        except LiftosError as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_stores_of_one_text_at_once_are_as_many_memories(acme):
    def work(number):
        drafts = [MemoryDraft(TEXT)] * 25
        return [each.id for each in remember_many(organisation=acme.organisation, by=SYSTEM, drafts=drafts)]

    ids = [each for some in at_once(8, work) for each in some]
    assert len(set(ids)) == 200
    with tenant_transaction(acme.organisation):
        assert Memory.objects.filter(content=TEXT).count() == 200


def test_stores_under_one_external_id_at_once_are_one_memory(acme):
    stored = at_once(
        8,
        lambda number: remember(
            organisation=acme.organisation, by=SYSTEM, draft=MemoryDraft(TEXT, external_id="e")
        ),
    )
    assert len({each.id for each in stored}) == 1
    assert sorted(each.outcome for each in stored) == [Outcome.STORED] + [Outcome.UNCHANGED] * 7


@pytest.mark.parametrize("round_", range(5))
def test_a_store_and_the_rejection_of_its_value_leave_nothing_to_be_found(acme, round_):
    first = remember(organisation=acme.organisation, by=SYSTEM, draft=MemoryDraft(TEXT)).id

    def work(number):
        if number == 0:
            return reject(organisation=acme.organisation, by=SYSTEM, memory=first)
        return remember(organisation=acme.organisation, by=SYSTEM, draft=MemoryDraft(TEXT.upper()))

    done = at_once(6, work)
    # a store came before the rejection, which then took it along, or after it, and was refused
    assert all(isinstance(each, ValueRejected) or not isinstance(each, LiftosError) for each in done)
    with tenant_transaction(acme.organisation):
        assert set(Memory.objects.values_list("state", flat=True)) == {"rejected"}
        assert Tombstone.objects.count() >= 1
    assert acme.search("boots rain", search_type="knowledge") == []


def test_of_changes_of_one_version_one_is_made(acme):
    memory = remember(organisation=acme.organisation, by=SYSTEM, draft=MemoryDraft("0")).id
    done = at_once(
        6,
        lambda number: revise(
            organisation=acme.organisation,
            by=SYSTEM,
            memory=memory,
            changes={"content": f"text {number}"},
            version=1,
        ),
    )
    made = [each for each in done if not isinstance(each, LiftosError)]
    assert len(made) == 1
    assert {each.status for each in done if isinstance(each, LiftosError)} == {412}
    with tenant_transaction(acme.organisation):
        assert Memory.objects.get(head=None).version == 2
        assert MemoryVersion.objects.count() == 1
        assert Memory.objects.filter(head=memory).count() == 1


def test_a_memory_is_erased_once(acme):
    memory = remember(organisation=acme.organisation, by=SYSTEM, draft=MemoryDraft(TEXT)).id
    done = at_once(4, lambda number: forget(organisation=acme.organisation, by=SYSTEM, memory=memory))
    assert sum(not isinstance(each, LiftosError) for each in done) == 1
    with tenant_transaction(acme.organisation):
        assert Erasure.objects.count() == 1
        assert Memory.objects.count() == 0


def test_rejections_of_two_values_and_changes_to_them_end(acme):
    """Locks are taken in one order: values before rows."""
    one, other = (
        remember(organisation=acme.organisation, by=SYSTEM, draft=MemoryDraft(text)).id
        for text in ("one", "other")
    )

    def work(number):
        memory, text = ((one, "other"), (other, "one"))[number % 2]
        if number < 2:
            return reject(organisation=acme.organisation, by=SYSTEM, memory=memory)
        return revise(
            organisation=acme.organisation, by=SYSTEM, memory=memory, changes={"content": text}, version=None
        )

    done = at_once(6, work)
    assert all(getattr(each, "status", 409) in (409, 412) for each in done)


def test_one_key_at_the_same_moment_is_one_memory(acme):
    def work(number):
        return acme.post("/api/v1/memories", {"content": TEXT}, **{"idempotency-key": "k"}).json()["id"]

    assert len(set(at_once(6, work))) == 1
    with tenant_transaction(acme.organisation):
        assert Memory.objects.count() == 1


@pytest.mark.parametrize("mode", ["", "?mode=async"])
def test_one_bulk_store_at_the_same_moment_is_carried_out_once(acme, monkeypatch, mode):
    monkeypatch.setattr("memory.bulk.requests.BATCH", 2)
    lines = "".join(json.dumps({"content": str(number)}) + "\n" for number in range(7))

    def work(number):
        return acme.send(
            f"/api/v1/memories/bulk{mode}", lines, "application/x-ndjson", **{"idempotency-key": "k"}
        )

    done = at_once(6, work)
    assert {each.status_code for each in done} == {202 if mode else 200}
    assert len({each.content for each in done}) == 1
    with tenant_transaction(acme.organisation):
        assert (Memory.objects.count(), BulkJob.objects.count()) == ((0, 1) if mode else (7, 0))


def test_one_decision_at_the_same_moment_is_one_record(acme):
    body = {"operation": "budget.move", "reasoning": "r"}

    def work(number):
        return acme.post("/api/v1/decisions", body, **{"idempotency-key": "k"})

    done = at_once(6, work)
    assert {each.status_code for each in done} == {201}
    assert len({each.json()["id"] for each in done}) == 1
    assert sum("Idempotent-Replayed" in each for each in done) == 5
    assert len(acme.get("/api/v1/decisions?operation=budget.move").json()["results"]) == 1
