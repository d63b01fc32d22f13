"""Search by relation, on real rows: links, threads, actors, entities, periods."""

import pytest

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.types import SYSTEM
from memory.erasure.operations import forget
from memory.models import CorpusCounter, Entity, Memory, Posting, Thread
from memory.operations import remember_many
from memory.search.filters import parse_filters
from memory.search.service import search, search_many
from memory.search.types import SearchRequest, SearchType
from memory.types import LinkDraft, LinkKind, MemoryDraft

FOLLOWS = LinkKind.FOLLOWS


def turn(name, content, previous="", **metadata):
    links = (LinkDraft(FOLLOWS, previous),) if previous else ()
    return MemoryDraft(content, metadata, source="chat", external_id=name, links=links)


@pytest.fixture
def chat(organisation):
    """Two sessions, in the second of which an answer shares no word with its question."""
    drafts = [
        turn("a1", "Ben: the weather was fine", session=1, date="2026-03-02"),
        turn("a2", "Ann: we walked all day", "a1", session=1, date="2026-03-02"),
        turn("b1", "Ben: where did you put the ladder?", session=2, date="2026-04-07", campaign="Nordlicht"),
        turn("b2", "Ann: behind the shed", "b1", session=2, date="2026-04-07"),
        turn("b3", "Ben: fine", "b2", session=2, date="2026-04-07"),
        *[turn(f"x{number}", f"Cid: nothing of note {number}") for number in range(30)],
    ]
    remember_many(organisation=organisation, by=SYSTEM, drafts=drafts)
    return organisation


def ask(organisation, query, search_type=SearchType.KNOWLEDGE, **options):
    return search(
        organisation=organisation, by=SYSTEM, request=SearchRequest(query, search_type, **options)
    ).hits


def names(hits):
    return [hit.external_id for hit in hits]


def terms(hit):
    return {term.arm for term in hit.ranked.terms if term.value}


def test_what_follows_a_match_is_found_and_the_way_is_told(chat):
    hits = {hit.external_id: hit for hit in ask(chat, "ladder")}
    assert {"b1", "b2", "b3"} <= hits.keys()
    [step] = [step for step in hits["b2"].ranked.path if step.source]
    assert (step.kind, step.source, step.forward) == ("follows", hits["b1"].id.bytes, False)
    assert [step.kind for step in hits["b3"].ranked.path if step.source] == ["follows", "follows"]


def test_the_thread_of_a_match_is_worth_something(chat):
    hits = {hit.external_id: hit for hit in ask(chat, "ladder fine")}
    thread = {
        name: [term.share for term in hit.ranked.terms if term.arm == "thread"] for name, hit in hits.items()
    }
    assert thread["b3"] == [1.0]
    assert thread["a1"] < [1.0]


def test_the_one_whom_the_question_names_comes_first(chat):
    assert names(ask(chat, "what did Ann do all day"))[0] == "a2"
    assert "actor" in terms(ask(chat, "Ann's ladder")[0])


def test_an_entity_of_the_metadata_is_found_without_its_word_in_the_text(chat):
    [first, *_] = ask(chat, "how did nordlicht go")
    assert first.external_id == "b1"
    assert ("campaign", "nordlicht") in {(step.kind, step.name) for step in first.ranked.path}


def test_a_period_brings_what_happened_in_it(chat):
    hits = ask(chat, "what was in March 2026?")
    assert {"a1", "a2"} == set(names(hits)[:2])
    assert all("period" in terms(hit) for hit in hits[:2])


def test_no_relation_passes_a_filter(chat):
    for query in ("ladder", "nordlicht", "what was in April 2026?", "Ann"):
        for search_type in (SearchType.KNOWLEDGE, SearchType.HYBRID):
            found = ask(chat, query, search_type, conditions=parse_filters({"session": 1}))
            assert set(names(found)) <= {"a1", "a2"}


def test_another_organisation_is_not_reached(chat, organisations):
    other = next(each for each in organisations if each != chat)
    assert ask(other, "what did Ann do with the ladder in March 2026? nordlicht") == []


def test_knowledge_meaning_and_both_differ(chat):
    lists = [tuple(names(ask(chat, "the ladder", each))) for each in ("neural", "knowledge", "hybrid")]
    assert len(set(lists)) == 3


def test_limit_one_is_the_best_of_the_whole_fusion(chat):
    assert (
        names(ask(chat, "Ann ladder", "hybrid", limit=1))
        == names(ask(chat, "Ann ladder", "hybrid", limit=10))[:1]
    )


@pytest.mark.parametrize("search_type", list(SearchType))
def test_many_searches_find_what_each_alone_finds(chat, search_type):
    queries = ["ladder", "what did Ann do", "", "ladder", "März", "in April 2026"]
    request = SearchRequest("", search_type, 5)
    many = search_many(organisation=chat, by=SYSTEM, queries=queries, request=request)
    alone = [ask(chat, query, search_type, limit=5) for query in queries]
    assert [names(hits) for hits in many.hits] == [names(hits) for hits in alone]
    assert [[hit.ranked.score for hit in hits] for hits in many.hits] == [
        pytest.approx([hit.ranked.score for hit in hits], abs=1e-6) for hits in alone
    ]


def test_more_searches_than_go_together(chat, monkeypatch):
    monkeypatch.setattr("memory.search.service.GROUP_SIZE", 2)
    many = search_many(organisation=chat, by=SYSTEM, queries=["ladder"] * 5, request=SearchRequest(""))
    assert len({tuple(names(hits)) for hits in many.hits}) == 1


def test_forgetting_leaves_no_thread_entity_or_count(organisation):
    drafts = [turn("a1", "Ann: boots", session=1), turn("a2", "Ben: rain", session=1)]
    first, second = remember_many(organisation=organisation, by=SYSTEM, drafts=drafts)
    forget(organisation=organisation, by=SYSTEM, memory=first.id)
    with tenant_transaction(organisation):
        assert list(Thread.objects.values_list("members", flat=True)) == [1]
        assert list(Entity.objects.values_list("key", flat=True)) == ["ben"]
    forget(organisation=organisation, by=SYSTEM, memory=second.id)
    with tenant_transaction(organisation):
        assert [each.objects.count() for each in (Thread, Entity, Posting, Memory)] == [0, 0, 0, 0]
        assert sum(CorpusCounter.objects.values_list("threads", flat=True)) == 0


def test_links_of_a_hub_are_bounded(organisation):
    hub = turn("hub", "the plan")
    spokes = [
        MemoryDraft(
            f"spoke {number}",
            {},
            source="chat",
            external_id=f"s{number}",
            links=(LinkDraft(LinkKind.ABOUT, "hub"),),
        )
        for number in range(120)
    ]
    remember_many(organisation=organisation, by=SYSTEM, drafts=[hub, *spokes])
    [first, *rest] = ask(organisation, "plan", limit=100)
    assert first.external_id == "hub"
    assert 0 < len(rest) <= 100
    assert all(hit.ranked.score < first.ranked.score for hit in rest)
