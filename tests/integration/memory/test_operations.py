"""Storing and deleting memories: what is written with them, and that nothing stays behind."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import numpy as np
import pytest
from django.db import connection, connections

from accountability.models import DecisionRecord
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.embedding import EmbedderUnavailable, get_manager, reset_manager
from liftos.kernel.errors import InvalidInput
from liftos.kernel.outbox.models import OutboxEvent
from liftos.kernel.tenancy.types import SYSTEM, Actor, ActorKind
from memory.erasure.operations import forget
from memory.errors import ExternalIdTaken
from memory.index.collection_statistics import get_corpus
from memory.models import Attribute, CorpusCounter, Memory, MemoryLink, MemoryVector, Posting
from memory.operations import remember, remember_many
from memory.queries import MemoryNotFound, list_organisations_with_pending
from memory.reembedding import heal_pending
from memory.search.confidence import METHOD
from memory.search.service import search
from memory.search.types import SearchRequest, SearchType
from memory.types import EmbeddingState, LinkDraft, LinkKind, MemoryDraft, Outcome
from tests.conftest import make_caller

PERSON = Actor(ActorKind.API_KEY, "key", "ann")


def store(organisation, content, **fields):
    return remember(organisation=organisation, by=PERSON, draft=MemoryDraft(content, **fields))


def rows(organisation, model):
    with tenant_transaction(organisation):
        return model.objects.count()


@pytest.fixture
def broken_embedder(monkeypatch):
    def fail(*args, **kwargs):
        raise EmbedderUnavailable

    monkeypatch.setattr(type(get_manager()), "embed", fail)
    monkeypatch.setattr(type(get_manager()), "embed_many", fail)
    yield monkeypatch
    reset_manager()


def test_a_memory_comes_with_its_decision_and_its_event(organisation):
    stored = store(organisation, "Boots sell in rain", metadata={"season": "autumn"})
    with tenant_transaction(organisation):
        decision = DecisionRecord.objects.select_related("payload").get(operation="memory.store")
        event = OutboxEvent.objects.get(type="liftos.memory.stored")
        memory = Memory.objects.get()
    assert (decision.subject_id, decision.on_behalf_of) == (str(stored.id), "ann")
    assert decision.payload.values["memories"] == [{"id": str(stored.id)}]
    assert event.envelope()["data"]["memory_id"] == str(stored.id)
    assert event.envelope()["specversion"] == "1.0"
    assert event.correlation_id == decision.correlation_id
    assert (memory.content, memory.metadata, memory.embedding) == (
        "Boots sell in rain",
        {"season": "autumn"},
        "ready",
    )


def test_three_plain_stores_of_one_text_are_three_memories(organisation):
    ids = {store(organisation, "same words").id for _ in range(3)}
    assert len(ids) == 3


def test_the_same_external_id_and_content_is_the_same_memory(organisation):
    first = store(organisation, "fact", external_id="e1", metadata={"a": 1})
    again = store(organisation, "fact", external_id="e1", metadata={"a": 1})
    assert (again.id, again.outcome) == (first.id, Outcome.UNCHANGED)
    assert rows(organisation, Memory) == 1


def test_the_same_external_id_with_other_content_is_refused(organisation):
    store(organisation, "fact", external_id="e1")
    with pytest.raises(ExternalIdTaken):
        store(organisation, "other fact", external_id="e1")
    assert rows(organisation, Memory) == 1


def test_external_ids_are_per_source_and_per_organisation(organisations):
    first, second = organisations
    ids = {
        store(first, "fact", external_id="e1").id,
        store(first, "fact", external_id="e1", source="crm").id,
        store(second, "fact", external_id="e1").id,
    }
    assert len(ids) == 3


@pytest.mark.parametrize(
    "changed", [{"tags": ("x",)}, {"importance": 0.9}, {"memory_type": "note"}, {"metadata": {"a": 2}}]
)
def test_the_same_external_id_with_any_other_field_is_refused(organisation, changed):
    store(organisation, "fact", external_id="e1", metadata={"a": 1})
    with pytest.raises(ExternalIdTaken):
        store(organisation, "fact", external_id="e1", **{"metadata": {"a": 1}} | changed)


def test_the_same_memory_with_a_further_link_gains_it(organisation):
    first = store(organisation, "fact", external_id="e1")
    again = store(organisation, "fact", external_id="e1", links=(LinkDraft(LinkKind.ABOUT, "topic"),))
    assert (again.id, again.outcome) == (first.id, Outcome.UNCHANGED)
    with tenant_transaction(organisation):
        assert [(link.memory_id, link.kind) for link in MemoryLink.objects.all()] == [(first.id, "about")]


def test_a_conflict_in_a_batch_loses_only_itself(organisation):
    drafts = [
        MemoryDraft("a", external_id="1"),
        MemoryDraft("b", external_id="1"),
        MemoryDraft("c"),
        MemoryDraft("a", external_id="1"),
    ]
    outcomes = [each.outcome for each in remember_many(organisation=organisation, by=SYSTEM, drafts=drafts)]
    assert outcomes == [Outcome.STORED, Outcome.CONFLICT, Outcome.STORED, Outcome.UNCHANGED]


def test_writers_racing_for_one_external_id_leave_one_memory(committed_db):
    organisation = make_caller("Race").organisation

    def write(_):
        try:
            return store(organisation, "the one", external_id="only").id
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(write, range(40)))
    assert len(ids) == 1
    with tenant_transaction(organisation):
        assert Memory.objects.count() == 1
        assert get_corpus(organisation).documents == 1


def test_counts_stay_right_under_writers_side_by_side(committed_db):
    organisation = make_caller("Counts").organisation

    def write(number):
        try:
            stored = store(organisation, "three little words")
            if number % 4 == 0:
                forget(organisation=organisation, by=SYSTEM, memory=stored.id)
        finally:
            connections.close_all()

    # more connections than there are parts of the counters
    with ThreadPoolExecutor(24) as pool:
        list(pool.map(write, range(120)))
    with tenant_transaction(organisation):
        corpus = get_corpus(organisation)
    assert (corpus.documents, corpus.words) == (90, 270)


def test_forgetting_leaves_nothing_to_be_found_by(organisation):
    kept = store(organisation, "boots keep", external_id="kept", metadata={"k": 1})
    gone = store(
        organisation,
        "boots go",
        external_id="gone",
        metadata={"k": 2},
        links=(LinkDraft(LinkKind.ABOUT, "kept"),),
    )
    forget(organisation=organisation, by=PERSON, memory=gone.id)
    with tenant_transaction(organisation):
        for model in (Posting, Attribute, MemoryVector):
            assert set(model.objects.values_list("memory_id", flat=True)) == {kept.id}
        assert MemoryLink.objects.count() == 0
        assert list(Memory.objects.values_list("id", flat=True)) == [kept.id]
        assert (get_corpus(organisation).documents, get_corpus(organisation).words) == (1, 2)
        assert DecisionRecord.objects.filter(operation="memory.delete", subject_id=str(gone.id)).count() == 1
        assert OutboxEvent.objects.filter(type="liftos.memory.erased").count() == 1


def test_forgetting_removes_what_an_earlier_analyser_indexed(organisation):
    stored = store(organisation, "boots")
    with tenant_transaction(organisation), connection.cursor() as cursor:
        cursor.execute("UPDATE memory_posting SET term = 'from-another-time'")
    forget(organisation=organisation, by=SYSTEM, memory=stored.id)
    assert rows(organisation, Posting) == 0


def test_another_organisations_memory_does_not_exist(organisations):
    first, second = organisations
    stored = store(first, "mine")
    with pytest.raises(MemoryNotFound):
        forget(organisation=second, by=SYSTEM, memory=stored.id)
    assert rows(first, Memory) == 1


def test_a_link_waits_for_its_target(organisation):
    early = store(organisation, "reply", external_id="r", links=(LinkDraft(LinkKind.FOLLOWS, "q"),))
    with tenant_transaction(organisation):
        assert MemoryLink.objects.get().target_id is None
    late = store(organisation, "question", external_id="q")
    with tenant_transaction(organisation):
        link = MemoryLink.objects.get()
    assert (link.memory_id, link.target_id) == (early.id, late.id)


def test_a_given_vector_is_kept_and_another_dimension_refused(organisation):
    vector = np.eye(1, 384, 7, dtype=np.float32)[0]
    stored = store(organisation, "whatever it says", embedding=vector)
    with tenant_transaction(organisation):
        kept = MemoryVector.objects.get(memory_id=stored.id).embedding
    assert np.allclose(kept, vector)
    with pytest.raises(InvalidInput) as caught:
        store(organisation, "x", embedding=np.ones(3, dtype=np.float32))
    assert caught.value.loc == ("embedding",)


def test_without_the_embedder_a_memory_is_stored_found_by_words_and_healed(organisation, broken_embedder):
    stored = store(organisation, "boots in the rain")
    assert stored.embedding is EmbeddingState.PENDING
    answer = search(organisation=organisation, by=SYSTEM, request=SearchRequest("rain boots"))
    assert [hit.id for hit in answer.hits] == [stored.id]
    assert answer.degraded == ("embedding",)
    assert list_organisations_with_pending() == [organisation]
    with pytest.raises(EmbedderUnavailable):
        heal_pending(organisation=organisation)

    broken_embedder.undo()
    assert heal_pending(organisation=organisation) == 1
    assert heal_pending(organisation=organisation) == 0
    assert list_organisations_with_pending() == []
    near = search(
        organisation=organisation, by=SYSTEM, request=SearchRequest("wet footwear", SearchType.NEURAL)
    )
    assert [hit.id for hit in near.hits] == [stored.id]


def test_a_search_leaves_its_receipt(organisation):
    stored = store(organisation, "boots sell in rain", metadata={"season": "autumn"})
    answer = search(
        organisation=organisation, by=PERSON, request=SearchRequest("boots", SearchType.HYBRID, 5)
    )
    with tenant_transaction(organisation):
        decision = DecisionRecord.objects.select_related("payload").get(id=answer.decision)
    assert decision.payload.values["inputs"]["query"] == "boots"
    (receipt,) = decision.payload.values["memories"]
    assert receipt["id"] == str(stored.id)
    assert sum(receipt["terms"].values()) == pytest.approx(receipt["score"], abs=1e-5)
    assert (decision.confidence, decision.confidence_method) == (pytest.approx(answer.confidence), METHOD)
    assert "meaning" in decision.payload.values["reasoning"]


def test_counters_are_not_negative_for_a_missing_memory(organisation):
    with pytest.raises(MemoryNotFound):
        forget(organisation=organisation, by=SYSTEM, memory=uuid4())
    assert rows(organisation, CorpusCounter) == 0
