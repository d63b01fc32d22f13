"""Terms that stand in too many memories: left out while rarer ones exist, and remembered to be so for some seconds."""

from time import monotonic

import pytest

from liftos.kernel.tenancy.operations import create_organisation
from liftos.kernel.tenancy.types import SYSTEM
from memory.index import collection_statistics
from memory.index.postings import reading
from memory.index.postings.reading import read_postings
from memory.operations import remember_many
from memory.search.arms.words import arm
from memory.search.service import search, search_many
from memory.search.types import SearchRequest, SearchType
from memory.types import MemoryDraft


@pytest.fixture
def organisation(db, monkeypatch):
    monkeypatch.setattr(reading, "DENSE_FROM", 20)
    collection_statistics.clear_counts()
    whose = create_organisation(name="own", by=SYSTEM).id
    store(whose, [f"boots number {number}" for number in range(40)] + ["umbrellas and boots", "umbrellas"])
    yield whose
    collection_statistics.clear_counts()


def store(organisation, texts):
    remember_many(organisation=organisation, by=SYSTEM, drafts=[MemoryDraft(text) for text in texts])


def found(organisation, query):
    request = SearchRequest(query=query, search_type=SearchType.KNOWLEDGE, limit=5)
    hits = search(organisation=organisation, by=SYSTEM, request=request).hits
    return [(hit.content, round(hit.ranked.score, 9)) for hit in hits]


def test_a_dense_term_is_remembered_and_changes_no_answer(organisation):
    first = found(organisation, "boots and umbrellas")
    assert collection_statistics.dense_terms(organisation, ["boot", "umbrella"]) == {"boot"}
    assert first[0][0] == "umbrellas"  # the shorter of the two: boots count for nothing
    assert found(organisation, "boots and umbrellas") == first


def test_a_dense_term_alone_is_searched_for_all_the_same(organisation):
    first = found(organisation, "boots")
    assert len(first) == 5
    assert collection_statistics.dense_terms(organisation, ["boot"]) == {"boot"}
    assert found(organisation, "boots") == first


def test_what_was_dense_is_forgotten_after_some_seconds(organisation, monkeypatch):
    found(organisation, "boots and umbrellas")
    monkeypatch.setattr(collection_statistics._dense, "_clock", lambda: monotonic() + 6)
    assert not collection_statistics.dense_terms(organisation, ["boot"])


def test_what_is_dense_in_one_organisation_is_not_in_another(organisation):
    found(organisation, "boots and umbrellas")
    other = create_organisation(name="other", by=SYSTEM).id
    store(other, [f"hats number {number}" for number in range(40)] + ["boots"])
    assert not collection_statistics.dense_terms(other, ["boot"])
    assert found(other, "boots and hats")[0][0] == "boots"


def test_a_batch_that_shares_postings_finds_what_each_finds_alone(organisation):
    store(organisation, [f"hats with {word} bands" for word in ("red", "blue", "green", "red and blue")])
    queries = ["boots and umbrellas", "boots", "umbrellas", "red hats", "blue bands for boots", "nothing", ""]
    alone = [found(organisation, query) for query in queries]
    for _ in range(2):  # the second time it is known what is dense
        request = SearchRequest(query="", search_type=SearchType.KNOWLEDGE, limit=5)
        many = search_many(organisation=organisation, by=SYSTEM, queries=queries, request=request)
        assert [[hit.content for hit in hits] for hits in many.hits] == [
            [content for content, _ in hits] for hits in alone
        ]
        for hits, expected in zip(many.hits, alone, strict=True):
            assert [hit.ranked.score for hit in hits] == pytest.approx(
                [score for _, score in expected], abs=1e-6
            )


def test_a_batch_of_too_many_postings_is_answered_one_by_one(organisation, monkeypatch):
    queries = ["umbrellas", "boots", "number 7", "number 8", "umbrellas and boots"]
    request = SearchRequest(query="", search_type=SearchType.KNOWLEDGE, limit=5)
    together = search_many(organisation=organisation, by=SYSTEM, queries=queries, request=request).hits
    read = []
    monkeypatch.setattr(
        arm, "read_postings", lambda *values: read.append(len(values[1])) or read_postings(*values)
    )
    monkeypatch.setattr(arm, "_postings_of", lambda *_: arm.MOST_POSTINGS + 1)
    apart = search_many(organisation=organisation, by=SYSTEM, queries=queries, request=request).hits
    # each with its own terms
    assert read == [1, 1, 1, 1, 1]
    assert [[hit.id for hit in hits] for hits in together] == [[hit.id for hit in hits] for hits in apart]


def test_a_term_is_dense_from_a_number_of_memories_on_in_any_organisation(organisation, monkeypatch):
    monkeypatch.setattr(reading, "DENSE_SHARE", 1)
    found(organisation, "boots and umbrellas")
    assert not collection_statistics.dense_terms(organisation, ["boot"])
    monkeypatch.setattr(reading, "DENSE_MOST", 30)
    assert found(organisation, "boots and umbrellas")[0][0] == "umbrellas"
    assert collection_statistics.dense_terms(organisation, ["boot"]) == {"boot"}
