"""Another arm: one class and one registration; nothing else knows its name."""

import pytest

from accountability.models import DecisionRecord
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.embedding import EmbedderUnavailable
from liftos.kernel.tenancy.types import SYSTEM
from memory.operations import remember_many
from memory.search.arms import interface
from memory.search.arms.interface import Arm, ArmNotReady, Found, register_arm
from memory.search.service import search, search_many
from memory.search.types import SearchRequest, SearchType
from memory.types import MemoryDraft


class Favourites(Arm):
    """Brings given memories, to queries that ask for them."""

    name = "favourites"
    search_types = frozenset({SearchType.HYBRID})
    is_optional = True

    def __init__(self, memories):
        self.memories = memories
        self.calls = []

    def prepare(self, organisation, queries, request):
        self.calls.append(list(queries))
        return ["favourite" in query or None for query in queries]

    def find(self, questions, limit):
        assert all(question.can_ask(self.name) for question in questions)
        scores = {memory.bytes: 1.0 for memory in self.memories}
        return lambda: [Found(scores, "list") for _ in questions]

    def versions(self, question):
        return {"favourites": "v1"}


@pytest.fixture
def arm(organisation, monkeypatch):
    monkeypatch.setattr(interface, "_arms", dict(interface._arms))
    drafts = [MemoryDraft(f"boots number {number}") for number in range(60)] + [MemoryDraft("a quiet lake")]
    stored = remember_many(organisation=organisation, by=SYSTEM, drafts=drafts)
    added = Favourites([stored[-1].id])
    register_arm(added)
    return added


def ask(organisation, query, **options):
    return search(organisation=organisation, by=SYSTEM, request=SearchRequest(query, limit=5, **options))


def recorded(organisation, answer):
    with tenant_transaction(organisation):
        return DecisionRecord.objects.select_related("payload").get(id=answer.decision)


def test_it_brings_candidates_scores_and_explains_them(organisation, arm):
    answer = ask(organisation, "favourite boots")
    assert answer.plans["favourites"] == "list"
    [lake] = [hit for hit in answer.hits if hit.content == "a quiet lake"]
    terms = {term.arm: term for term in lake.ranked.terms}
    assert terms["favourites"].share == 1.0
    # by default 0.5, beside meaning's 0.6
    assert terms["favourites"].weight / terms["meaning"].weight == pytest.approx(1.0)
    assert "favourites (list)" in recorded(organisation, answer).payload.values["reasoning"]
    assert recorded(organisation, answer).versions["favourites"] == "v1"


def test_a_question_it_has_nothing_to_say_to_is_answered_in_full_without_it(organisation, arm):
    answer = ask(organisation, "boots")
    assert set(answer.plans) == {"meaning", "words"}
    assert answer.degraded == ()
    without = ask(organisation, "boots", without=frozenset({"favourites"}))
    assert recorded(organisation, answer).confidence == recorded(organisation, without).confidence
    assert [hit.ranked for hit in answer.hits] == [hit.ranked for hit in without.hits]


def test_it_takes_no_part_in_searches_of_other_types(organisation, arm):
    assert set(ask(organisation, "favourite", search_type=SearchType.KNOWLEDGE).plans) == {"words"}
    assert arm.calls == []


@pytest.mark.parametrize(
    ("error", "named"), [(ArmNotReady(), "favourites"), (EmbedderUnavailable("away"), "embedding")]
)
def test_a_search_goes_on_without_an_arm_that_can_not_answer(organisation, arm, monkeypatch, error, named):
    def fail(*_):
        raise error

    monkeypatch.setattr(arm, "prepare", fail)
    answer = ask(organisation, "favourite boots")
    assert answer.degraded == (named,)
    assert len(answer.hits) == 5
    assert set(answer.plans) == {"meaning", "words"}


def test_a_batch_prepares_once_and_asks_only_about_its_own_questions(organisation, arm):
    queries = ["favourite boots", "boots", "favourite"]
    answers = search_many(
        organisation=organisation, by=SYSTEM, queries=queries, request=SearchRequest("", limit=5)
    )
    assert arm.calls == [queries]
    found = [any(hit.content == "a quiet lake" for hit in hits) for hits in answers.hits]
    assert found == [True, False, True]


def test_the_first_name_registered_is_replaced_by_the_second(organisation, arm):
    register_arm(Favourites([]))
    assert "a quiet lake" not in [hit.content for hit in ask(organisation, "favourite boots").hits]
