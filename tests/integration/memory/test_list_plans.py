"""memory/listing/plans.py: every plan finds the same pages."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.types import SYSTEM
from memory.listing import plans
from memory.listing.inputs import ListIn
from memory.listing.orders import NEWEST, Order, Place
from memory.listing.queries import find_page
from memory.operations import commit_many, embed_rows, read_drafts
from memory.types import MemoryDraft

START = datetime(2026, 1, 1, tzinfo=UTC)
ORDERS = (NEWEST, Order("importance", descending=False), Order("valid_to"))
CONDITIONS = (
    {},
    {"filters": {"third": 1}},
    {"filters": {"rare": 7}},
    {"filters": {"half": {"$gt": 0.5}}},
    {"filters": {"half": {"$lte": 0.5}, "third": {"$in": [0, 2]}}},
    {"filters": {"$or": [{"third": 1}, {"$not": {"rare": {"$lt": 20}}}]}},
    {"filters": {"$and": [{"third": {"$ne": 1}}, {"name": {"$icontains": "ITEM 1"}}]}},
    {"filters": {"name": {"$startswith": "item 2"}}},
    {"filters": {"name": {"$exists": False}}},
    {"tags": ["third 1"]},
    {"tags": {"any": ["third 0", "rare 7"]}},
    {"tags": {"exact": ["third 2", "rare 5"]}},
    {"thread": "thread 3"},
    {"thread": "4"},
    {"entity": "Person2", "filters": {"third": 2}},
    {"source": "crm/1"},
    {"text": "NUMBER 3"},
    {"valid_from": {"$gte": "2026-01-10"}, "valid_to": None},
    {"memory_type": "note"},
    {"states": ["contested"]},
)  # fmt: skip
# (RARE, WALK, SHORT_WALK): from the rarest, along the order, from the conditions' indexes, and each in turn
SETTINGS = ((100, 0, 0), (0, 50, 50), (5, 12, 4))


@pytest.fixture(scope="module")
def drafts():
    return [
        MemoryDraft(
            f"the note has number {number} for @Person{number % 5}",
            {"third": number % 3, "rare": number, "half": number / 32}
            | ({"name": f"item {number}"} if number % 4 else {})
            | ({"conversation_id": 4} if number % 11 == 0 else {}),
            memory_type="note" if number % 7 == 0 else "general",
            source=f"crm/{number % 6}",
            external_id=str(number),
            tags=(f"third {number % 3}", f"rare {number}"),
            thread=f"thread {number % 6}" if number % 2 else "",
            importance=number % 5 / 5,
            valid_from=START + timedelta(days=number * 7 % 31) if number % 2 else None,
            valid_to=START + timedelta(days=900) if number % 10 == 0 else None,
        )
        for number in range(30)
    ]


def pages_of(organisation, asked, order):
    """Return the ids of all pages of seven forwards, and of those before the last backwards."""
    pages, place = [], None
    while True:
        found = find_page(organisation=organisation, narrowed=asked, limit=7, order=order, place=place)
        pages.append([row.id for row in found[:7]])
        if len(found) <= 7:
            break
        place = Place(found[6].id, getattr(found[6], order.column) if order.column else None)
    if place is not None and (last := found[:1]):
        back = Place(last[0].id, getattr(last[0], order.column) if order.column else None, back=True)
        rows = find_page(organisation=organisation, narrowed=asked, limit=7, order=order, place=back)
        pages.append([row.id for row in rows])
    return pages


def test_every_plan_finds_the_same_pages(acme, drafts, monkeypatch):
    organisation = acme.organisation
    prepared = embed_rows(organisation, read_drafts(organisation, drafts))
    commit_many(organisation=organisation, by=SYSTEM, prepared=prepared)
    lists = [(ListIn.model_validate(each).narrowed(), each) for each in CONDITIONS]
    with tenant_transaction(organisation):
        expected = {}
        for number, order in product(range(len(lists)), ORDERS):
            expected[number, order] = pages_of(organisation, lists[number][0], order)
        assert sum(bool(pages[0]) for pages in expected.values()) > 0.9 * len(expected) - len(ORDERS)
        assert any(len(pages) > 3 for pages in expected.values())
        monkeypatch.setattr(plans, "approximate_documents", lambda organisation: 10**9)
        for rare, walk, short in SETTINGS:
            monkeypatch.setattr(plans, "RARE", rare)
            monkeypatch.setattr(plans, "WALK", walk)
            monkeypatch.setattr(plans, "SHORT_WALK", short)
            for (number, order), pages in expected.items():
                found = pages_of(organisation, lists[number][0], order)
                assert found == pages, (lists[number][1], order, rare, walk)
