"""On a small labelled set, each search type finds its own, and hybrid at least as much as either."""

from statistics import fmean

import pytest

from liftos.kernel.tenancy.types import SYSTEM
from memory.evaluation.measures import ndcg_at
from memory.operations import remember_many
from memory.search.service import search
from memory.search.types import SearchRequest, SearchType
from memory.types import LinkDraft, LinkKind, MemoryDraft

NOTES = {
    "rain": "Rain lifts sales of boots within two days",
    "heat": "On hot afternoons people buy more ice cream than in the evening",
    "tv": "Television spots during the evening news reach older buyers",
    "sku": "SKU QX-4711 is out of stock in the Leipzig warehouse",
    "price": "A price cut of ten percent moved volume but not profit",
    "loyal": "Members of the loyalty programme come back three times as often",
    "mail": "Newsletters sent on Tuesday morning are opened most",
    "search": "Branded search takes credit for sales that would have happened anyway",
    "test": "A geo test with matched markets showed no lift from radio",
    "budget": "Half of the budget goes to channels that nobody measured",
}
CHAT = (
    ("q1", "Ben: where do we keep the holdout list?", ""),
    ("a1", "Ann: in the shared drive, under experiments", "q1"),
    ("q2", "Ben: and who may change it?", "a1"),
    ("a2", "Ann: Clara alone", "q2"),
)
QUESTIONS = {
    "what does wet weather do to footwear": {"rain"},
    "QX-4711": {"sku"},
    "frozen desserts in summer": {"heat"},
    "does cheaper mean more profit": {"price"},
    "returning customers": {"loyal"},
    "best day to send email": {"mail"},
    "is paid search on our own name worth it": {"search"},
    "did radio advertising work": {"test"},
    "where is the holdout list kept": {"q1", "a1"},
    "who may change the holdout list": {"q2", "a2"},
    "how did Nordlicht do": {"nordlicht"},
    "what was decided in March 2026": {"march"},
}


@pytest.fixture
def stocked(organisation):
    drafts = [MemoryDraft(text, source="s", external_id=name) for name, text in NOTES.items()]
    drafts += [
        MemoryDraft(
            text, {"session": 1}, source="s", external_id=name,
            links=(LinkDraft(LinkKind.FOLLOWS, previous),) if previous else (),
        )
        for name, text, previous in CHAT
    ]  # fmt: skip
    drafts.append(
        MemoryDraft("It paid for itself", {"campaign": "Nordlicht"}, source="s", external_id="nordlicht")
    )
    drafts.append(MemoryDraft("We stop printing", {"date": "2026-03-04"}, source="s", external_id="march"))
    remember_many(organisation=organisation, by=SYSTEM, drafts=drafts)
    return organisation


def ask(organisation, query, search_type, limit=10, **options):
    request = SearchRequest(query, search_type, limit, **options)
    return [hit.external_id for hit in search(organisation=organisation, by=SYSTEM, request=request).hits]


def quality(organisation, search_type, **options):
    return fmean(
        ndcg_at(ask(organisation, query, search_type, **options), dict.fromkeys(wanted, 1), 10)
        for query, wanted in QUESTIONS.items()
    )


def test_both_together_are_at_least_as_good_as_each_and_as_words_alone(stocked):
    hybrid = quality(stocked, SearchType.HYBRID)
    relations = frozenset({"thread", "links", "actor", "period", "entities", "fit"})
    plain_words = quality(stocked, SearchType.KNOWLEDGE, without=relations)
    assert hybrid >= max(
        quality(stocked, SearchType.NEURAL), quality(stocked, SearchType.KNOWLEDGE), plain_words
    )
    assert hybrid > 0.8


@pytest.mark.parametrize(
    ("query", "search_type", "best"),
    [
        ("what does wet weather do to footwear", SearchType.NEURAL, "rain"),
        ("QX-4711", SearchType.KNOWLEDGE, "sku"),
        ("how did Nordlicht do", SearchType.KNOWLEDGE, "nordlicht"),
        ("what does wet weather do to footwear", SearchType.HYBRID, "rain"),
        ("QX-4711", SearchType.HYBRID, "sku"),
    ],
)
def test_each_type_finds_its_best(stocked, query, search_type, best):
    assert ask(stocked, query, search_type)[0] == best
