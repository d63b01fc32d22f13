from datetime import UTC, datetime
from itertools import pairwise
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.search.arms.interface import Found
from memory.search.ranking import rank, rank_by_one_arm
from memory.search.relations.spreading_activation import Edge
from memory.search.signals import QueryEntities, Signals, Traits
from memory.search.types import Question, SearchRequest

NOW = datetime(2026, 11, 25, tzinfo=UTC)
A, B, C = (bytes([number]) * 16 for number in (1, 2, 3))
DAY = 86_400


def traits_of(thread=None, days=300.0, recorded=None, asks=False, tells_time=False, importance=0.5):
    """Traits of a memory that happened and was recorded some days ago."""
    now = NOW.timestamp()
    ago = days if recorded is None else recorded
    return Traits(thread, now - days * DAY, now - ago * DAY, asks, tells_time, importance)


PLAIN = traits_of()
figures = st.dictionaries(st.binary(min_size=16, max_size=16), st.floats(0, 100), max_size=12)


def evidence(traits=None, **arms):
    union = {memory for each in arms.values() for memory in each}
    shares = {
        name: Found(full=max(each.values(), default=1) or 1).shares(each, each) for name, each in arms.items()
    }
    return Signals(arms, shares, traits={memory: (traits or {}).get(memory, PLAIN) for memory in union})


def ranking(known, query="boots", most=100, **options):
    return rank(known, Question(uuid4(), SearchRequest(query, **options), NOW), most).ranked


def ids(ranked):
    return [entry.id for entry in ranked]


def test_the_union_is_scored():
    found = ranking(evidence(x={A: 1.0}, y={B: 2.0, A: 1.0}))
    assert ids(found) == [A, B]
    assert [entry.score for entry in found] == [0.75, 0.5]


def test_two_arms_together_beat_one_alone():
    assert ids(ranking(evidence(x={A: 1.0, B: 0.7}, y={B: 0.7, C: 1.0})))[0] == B


def test_filtered_memories_are_not_candidates():
    known = evidence(x={A: 1.0, B: 0.5})
    refused = Signals(
        known.arms, known.shares, traits={B: PLAIN}, links={B: [Edge(B, A, "follows", 1.0, True)]}
    )
    assert ids(ranking(refused)) == [B]


@given(figures, figures, st.sets(st.sampled_from(["thread", "actor", "period", "links"])), st.booleans())
def test_terms_sum_to_the_score_and_scores_descend(first, second, kinds, optional):
    union = sorted(first.keys() | second.keys())
    traits = {
        memory: traits_of(number % 3, number, None, number % 2 == 0, number % 5 == 0, 0.3)
        for number, memory in enumerate(union)
    }  # fmt: skip
    known = evidence(traits, x=first, y=second)
    known = Signals(
        known.arms,
        known.shares,
        {},
        known.traits,
        {0: 2.0, 1: 1.0} if "thread" in kinds else {},
        QueryEntities({"anna": 3}),
        {key: [("anna", "actor")] for key in union[:3]} if "actor" in kinds else {},
        {one: [Edge(one, two, "follows", 1.0, True)] for one, two in pairwise(union)} if "links" in kinds else {},
    )  # fmt: skip
    query = "when did anna leave yesterday?" if "period" in kinds else "anna"
    options = {"recency": 0.2, "importance": 0.1} if optional else {}
    found = ranking(known, query, **options)
    assert {entry.id for entry in found} == set(union)
    for entry in found:
        assert entry.score == pytest.approx(sum(term.value for term in entry.terms), abs=1e-6)
        assert -1e-9 <= entry.score <= 1 + 1e-9
        assert all(0 <= term.share <= 1 for term in entry.terms)
    assert [entry.score for entry in found] == sorted((entry.score for entry in found), reverse=True)


def test_who_acted_when_and_in_which_thread_decide_among_equals():
    equal = {"x": {A: 1.0, B: 1.0, C: 1.0}}
    known = evidence(**equal)
    named = Signals(
        known.arms,
        known.shares,
        traits=known.traits,
        entities=QueryEntities({"anna": 3}),
        named={B: [("anna", "actor")]},
    )
    assert ids(ranking(named, "anna"))[0] == B
    about = Signals(
        known.arms,
        known.shares,
        traits=known.traits,
        entities=QueryEntities({"nordlicht": 3}),
        named={C: [("nordlicht", "campaign")]},
    )
    assert ids(ranking(about, "nordlicht"))[0] == C
    dated = evidence({B: traits_of(days=0.9)}, **equal)
    assert ids(ranking(dated, "what of yesterday"))[0] == B
    threads = evidence({C: traits_of(thread=7)}, **equal)
    assert ids(ranking(Signals(threads.arms, threads.shares, {}, threads.traits, {7: 1.0})))[0] == C


def test_a_question_is_answered_by_statements_and_when_by_times():
    traits = {A: traits_of(asks=True), C: traits_of(tells_time=True)}
    known = evidence(traits, x={A: 1.0, B: 1.0, C: 1.0})
    assert ids(ranking(known, "when do we leave?")) == [C, B, A]
    assert ids(ranking(known, "do we leave?")) == [B, C, A]
    assert ids(ranking(known, "leaving")) == [A, B, C]


def test_recency_and_importance_are_asked_for():
    traits = {
        A: traits_of(days=30, importance=0.1),
        B: traits_of(days=0, importance=0.2),
        C: traits_of(days=60, importance=0.9),
    }
    known = evidence(traits, x={A: 1.0, B: 1.0, C: 1.0})
    assert ids(ranking(known)) == [A, B, C]
    recent = ranking(known, recency=0.5)
    assert ids(recent) == [B, A, C]
    shares = {entry.id: term.share for entry in recent for term in entry.terms if term.arm == "recency"}
    assert shares == {A: pytest.approx(0.5), B: pytest.approx(1), C: pytest.approx(0.25)}
    assert ids(ranking(known, importance=0.5))[0] == C


def test_only_what_is_shown_is_explained():
    found = ranking(evidence(x={A: 3.0, B: 2.0, C: 1.0}), most=1)
    assert [len(entry.terms) for entry in found] == [1, 0, 0]


def test_one_arm_alone_keeps_its_own_scale():
    found = rank_by_one_arm(Signals({"meaning": {A: 0.4, B: -0.2}}, {"meaning": {A: 0.4, B: 0.0}}))
    assert [(entry.id, entry.score) for entry in found.ranked] == [(A, 0.4), (B, 0.0)]
