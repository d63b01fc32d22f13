"""Terms that stand in too many memories: left out while rarer ones exist, and remembered to be so for some seconds."""

import pytest

from liftos.tenancy.operations import create_organisation
from liftos.tenancy.types import SYSTEM
from memory.operations import remember_many
from memory.search import corpus, words
from memory.search.service import search
from memory.search.types import SearchRequest, SearchType
from memory.types import MemoryDraft


@pytest.fixture
def organisation(db, monkeypatch):
    monkeypatch.setattr(words, "HERE_FOR_ONE", 0)
    monkeypatch.setattr(words, "DENSE_FROM", 20)
    corpus.forget_counts()
    whose = create_organisation(name="own", by=SYSTEM).id
    store(whose, [f"boots number {number}" for number in range(40)] + ["umbrellas and boots", "umbrellas"])
    yield whose
    corpus.forget_counts()


def store(organisation, texts):
    remember_many(organisation=organisation, by=SYSTEM, drafts=[MemoryDraft(text) for text in texts])


def found(organisation, query):
    request = SearchRequest(query=query, search_type=SearchType.KNOWLEDGE, limit=5)
    hits = search(organisation=organisation, by=SYSTEM, request=request).hits
    return [(hit.content, round(hit.ranked.score, 9)) for hit in hits]


def test_a_dense_term_is_remembered_and_changes_no_answer(organisation):
    first = found(organisation, "boots and umbrellas")
    assert corpus.dense_among(organisation, ["boot", "umbrella"]) == {"boot"}
    assert first[0][0] == "umbrellas"  # the shorter of the two: boots count for nothing
    assert found(organisation, "boots and umbrellas") == first


def test_a_dense_term_alone_is_searched_for_all_the_same(organisation):
    first = found(organisation, "boots")
    assert len(first) == 5
    assert corpus.dense_among(organisation, ["boot"]) == {"boot"}
    assert found(organisation, "boots") == first


def test_what_was_dense_is_forgotten_after_some_seconds(organisation, monkeypatch):
    found(organisation, "boots and umbrellas")
    now = corpus.monotonic()
    monkeypatch.setattr(corpus, "monotonic", lambda: now + 6)
    assert not corpus.dense_among(organisation, ["boot"])


def test_what_is_dense_in_one_organisation_is_not_in_another(organisation):
    found(organisation, "boots and umbrellas")
    other = create_organisation(name="other", by=SYSTEM).id
    store(other, [f"hats number {number}" for number in range(40)] + ["boots"])
    assert not corpus.dense_among(other, ["boot"])
    assert found(other, "boots and hats")[0][0] == "boots"
