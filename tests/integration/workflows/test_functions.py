"""The apps' workflow functions act as their operations do, for the run's actor."""

import base64
from time import monotonic
from uuid import UUID

import pytest

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import Conflict
from liftos.kernel.functions import Call, get_function
from liftos.kernel.http.parsing import InvalidRequest
from liftos.kernel.outbox.relay import read_after, relay
from liftos.kernel.tenancy.types import ALL_SCOPES, SYSTEM, Principal, Scope
from memory.policies import REJECTION_POLICY
from memory.policy_types import RejectedInside
from memory.queries import get_memory
from memory.trust.corrections import reject


@pytest.fixture
def call(organisation):
    def run(name, arguments, scopes=ALL_SCOPES):
        function = get_function(name)
        made = Call(Principal(organisation, "solo", SYSTEM, frozenset(scopes)), "k", monotonic() + 10)
        given = function.parse(arguments)
        return function.call(function.ready(made, given), given)

    return run


def test_store_and_search(call):
    stored = call("memory.store", {"content": "rain sells boots"})
    assert stored["outcome"] == "stored"
    found = call("memory.search", {"query": "boots", "limit": 1})
    assert [hit["id"] for hit in found["results"]] == [stored["id"]]
    assert [str(each) for each in get_function("memory.search").mentions(found)] == [stored["id"]]


def test_who_may_only_propose_stores_candidates(call, organisation):
    stored = call("memory.store", {"content": "boots"}, scopes=[Scope.MEMORY_PROPOSE])
    with tenant_transaction(organisation):
        assert get_memory(organisation=organisation, memory=stored["id"]).state == "candidate"


def test_store_many_and_search_many(call):
    stored = call("memory.store_many", {"memories": [{"content": "boots"}, {"content": "cocoa"}]})
    ids = [each["id"] for each in stored["results"]]
    found = call("memory.search_many", {"queries": ["cocoa", "boots"], "limit": 1})
    assert [[hit["id"] for hit in hits] for hits in found["results"]] == [[ids[1]], [ids[0]]]
    assert {str(each) for each in get_function("memory.search_many").mentions(found)} == set(ids)
    assert call("memory.store_many", {"memories": []}) == {"count": 0, "results": []}
    assert call("memory.search_many", {"queries": []})["results"] == []


def test_store_document(call, settings, tmp_path):
    settings.LIFTOS_FILES_URL = str(tmp_path / "files")
    told = {"text": "# Costs\n\nboots cost ten euros", "media_type": "text/markdown", "external_id": "d"}
    first = call("memory.store_document", told)
    assert (first["outcome"], first["media_type"], first["passages"]) == ("stored", "text/markdown", 1)
    assert call("memory.store_document", told)["outcome"] == "unchanged"
    file = base64.b64encode(b"<html><p>boots cost eleven euros</p>").decode()
    changed = call("memory.store_document", {"file": file, "file_name": "a.html", "external_id": "d"})
    assert (changed["id"], changed["outcome"]) == (first["id"], "changed")
    assert list(get_function("memory.store_document").touches(changed)) == [UUID(first["id"])]
    for wrong in ({}, {"text": "a", "file": file}, {"file": "%"}):
        with pytest.raises(InvalidRequest):
            call("memory.store_document", wrong)


def test_a_text_with_a_rejected_value_is_a_candidate_that_names_the_rejection(call, organisation):
    wrong = call("memory.store", {"content": "boots cost ten euros"})["id"]
    rejection = reject(organisation=organisation, by=SYSTEM, memory=UUID(wrong)).decision
    text = "he says that boots cost ten euros here"
    first = call("memory.store", {"content": text})
    second, third = call("memory.store_many", {"memories": [{"content": text}, {"content": "rain"}]})[
        "results"
    ]
    changed = call("memory.supersede", {"memory_id": third["id"], "content": text})
    assert "rejection" not in third
    assert (changed["successor_state"], changed["successor_rejection"]["decision_id"]) == (
        "candidate",
        str(rejection),
    )
    with tenant_transaction(organisation):
        for stored in (first, second):
            assert (stored["state"], stored["rejection"]["decision_id"]) == ("candidate", str(rejection))
            assert get_memory(organisation=organisation, memory=stored["id"]).state == "candidate"
        assert get_memory(organisation=organisation, memory=changed["superseded_by"]).state == "candidate"
    REJECTION_POLICY.set(organisation=organisation, by=SYSTEM, policy=RejectedInside.REFUSE)
    with pytest.raises(Conflict, match=str(rejection)):
        call("memory.store", {"content": text})
    [refused] = call("memory.store_many", {"memories": [{"content": text}]})["results"]
    assert refused["outcome"] == "rejected"


def test_supersede_and_erase(call):
    first = call("memory.store", {"content": "boots cost 10"})["id"]
    changed = call("memory.supersede", {"memory_id": first, "content": "boots cost 12", "reason": "news"})
    assert changed["state"] == "superseded"
    with pytest.raises(Conflict):
        call("memory.supersede", {"memory_id": first, "content": "boots cost 13"})
    assert call("memory.erase", {"memory_id": changed["superseded_by"]})["id"] == changed["superseded_by"]


def test_a_decision(call):
    assert call("decisions.record", {"operation": "choose", "reasoning": "because"})["id"]


def test_an_event_is_emitted_once_for_each_step(call, organisation):
    first = call("event.emit", {"type": "order.seen", "subject": "orders/1", "data": {"n": 1}})
    assert call("event.emit", {"type": "order.seen", "subject": "orders/1", "data": {"n": 1}}) == first
    relay(organisation=organisation)
    with tenant_transaction(organisation):
        events = [
            each for each in read_after(organisation=organisation, sequence=0, limit=9) if each.external_id
        ]
    (seen,) = [event.envelope() for event in events]
    assert (seen["id"], seen["source"], seen["type"], seen["data"]) == (
        "k",
        "urn:liftos:workflows",
        "order.seen",
        {"n": 1},
    )
    for wrong in ({"type": "liftos.memory.stored"}, {"type": "a b"}, {"type": "a", "data": "x" * 70_000}):
        with pytest.raises(InvalidRequest):
            call("event.emit", wrong)
