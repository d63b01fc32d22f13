"""Postings are found alike in rows and in segments, through stores, revisions, erasures, packing and merges."""

import random
import threading
from uuid import UUID

import numpy as np
import pytest
from django.db import connection

from liftos.kernel.db.transactions import tenant_transaction, whole_tenant
from liftos.kernel.db.viewers import seeing_everything
from liftos.kernel.tenancy.operations import create_organisation
from liftos.kernel.tenancy.types import SYSTEM
from memory.analysis.extraction import read_passage
from memory.analysis.passages import Passage
from memory.erasure.operations import forget
from memory.index import index_rows
from memory.index.passage_rows import read_passages
from memory.index.postings import packing
from memory.index.postings.codec import unpack
from memory.index.postings.reading import forget_segments, read_postings
from memory.index.postings.removal import remove_documents
from memory.models import Memory, Posting, PostingList, SegmentDocument
from memory.operations import remember_many
from memory.search.service import search
from memory.search.types import SearchRequest, SearchType
from memory.tasks import pack_postings
from memory.trust.revision import revise
from memory.types import MemoryDraft

WORDS = [
    "boots",
    "umbrella",
    "hat",
    "scarf",
    "river",
    "mountain",
    "valley",
    "market",
    "harbour",
    "bridge",
    "tower",
    "garden",
]


def packed(organisation, most=1_000):
    with whole_tenant(organisation):
        while packing.pack_rows(organisation, most):
            pass


def expected(organisation):
    """Return each term's (memory, passage) to (count, length, thread), from the texts alone."""
    found = {}
    with whole_tenant(organisation):
        rows = list(Memory.objects.filter(organisation_id=organisation).exclude(embedding="none"))
        stored = read_passages(organisation, [row.id for row in rows if row.passages > 1])
    for row in rows:
        places = [(each.place, each.language) for each in stored.get(row.id, ())]
        for number, (place, language) in enumerate(places or [(Passage(0, len(row.content)), row.language)]):
            reading = read_passage(row.content, place, language)
            for term, count in reading.terms.items():
                found.setdefault(term, {})[row.id.bytes, number] = (count, reading.words, row.thread_id or 0)
    return found


def read(organisation):
    """Return the same from the index."""
    terms = [*sorted(expected(organisation)), "nowhere"]
    with whole_tenant(organisation):
        got = read_postings(organisation, terms, 10**9)()
    found = {}
    for term, each in got.postings.items():
        threads = np.zeros(len(each.counts), int) if each.threads is None else each.threads
        keys = zip(
            got.documents.keys(each.documents), got.documents.passages(each.documents).tolist(), strict=True
        )
        assert (np.diff(each.documents) > 0).all()
        found[term] = dict(
            zip(
                keys,
                zip(each.counts.tolist(), each.lengths.tolist(), threads.tolist(), strict=True),
                strict=True,
            )
        )
    return found


def dangling(organisation):
    """Return the postings in segments of documents that don't exist."""
    with whole_tenant(organisation):
        there = {
            (each.segment, each.place) for each in SegmentDocument.objects.exclude(memory_id=UUID(int=0))
        }
        return [
            (each.term, place)
            for each in PostingList.objects.all()
            for place in unpack(bytes(each.places), bytes(each.counts), each.size)[0].tolist()
            if (each.segment, place) not in there
        ]


@pytest.mark.parametrize("seed", range(2))
def test_the_index_has_what_the_texts_have(db, seed, monkeypatch):
    monkeypatch.setattr(packing, "ROWS", 60)
    monkeypatch.setattr(packing, "BATCH", 7)
    monkeypatch.setattr(index_rows, "AT_ONCE", 80)
    monkeypatch.setattr(packing, "SMALL", 8)
    monkeypatch.setattr(packing, "FAN_IN", 3)
    chance = random.Random(seed)
    organisation = create_organisation(name="own", by=SYSTEM).id

    def text():
        words = chance.choices(WORDS, k=chance.choice([2, 5, 9, 700]))
        return " ".join(words) + "."

    def act():
        with whole_tenant(organisation):
            ids = [row.id for row in Memory.objects.filter(head=None)]
        chosen = chance.choice(["store", "store", "revise", "erase", "pack", "pack", "forget the segments"])
        if chosen == "store" or not ids:
            drafts = [
                MemoryDraft(text(), thread=chance.choice(["", "a", "b"]))
                for _ in range(chance.randint(1, 12))
            ]
            remember_many(organisation=organisation, by=SYSTEM, drafts=drafts)
        elif chosen == "revise":
            revise(
                organisation=organisation,
                by=SYSTEM,
                memory=chance.choice(ids),
                changes={"content": text()},
                version=None,
            )
        elif chosen == "erase":
            forget(organisation=organisation, by=SYSTEM, memory=chance.choice(ids), reason="x")
        elif chosen == "pack":
            packing.pack_next(organisation)
        else:
            forget_segments()

    for _ in range(30):
        act()
        assert read(organisation) == expected(organisation)
        assert not dangling(organisation)
    while packing.pack_next(organisation):
        assert read(organisation) == expected(organisation)


@pytest.fixture
def organisation(db):
    return create_organisation(name="own", by=SYSTEM).id


def store(organisation, texts, **values):
    drafts = [MemoryDraft(text, **values) for text in texts]
    return [each.id for each in remember_many(organisation=organisation, by=SYSTEM, drafts=drafts)]


def has_term(organisation, term):
    with whole_tenant(organisation):
        in_rows = Posting.objects.filter(term=term).exists()
        return in_rows or PostingList.objects.filter(term=term).exists()


def test_an_erasure_leaves_no_word_in_a_segment(organisation):
    first, second = store(organisation, ["zebra boots", "boots and hats"])
    packed(organisation)
    revise(
        organisation=organisation, by=SYSTEM, memory=first, changes={"content": "giraffe boots"}, version=None
    )
    packed(organisation)
    assert has_term(organisation, "zebra")
    assert has_term(organisation, "giraff")
    forget(organisation=organisation, by=SYSTEM, memory=first, reason="x")
    assert not has_term(organisation, "zebra")
    assert not has_term(organisation, "giraff")
    assert set(read(organisation)["boot"]) == {(second.bytes, 0)}


def test_an_erasure_finds_words_of_an_earlier_analyser(organisation):
    first, second = store(organisation, ["zebra boots", "boots and hats"])
    packed(organisation)
    with whole_tenant(organisation):
        PostingList.objects.filter(term="zebra").update(term="zebr")
    forget(organisation=organisation, by=SYSTEM, memory=first, reason="x")
    assert not has_term(organisation, "zebr")
    assert set(read(organisation)["boot"]) == {(second.bytes, 0)}


def test_a_counts_bytes_are_as_many_as_it_needs(organisation):
    store(organisation, ["boots " * 3, "boots " * 300 + "hats", "hats"])
    packed(organisation)
    assert read(organisation) == expected(organisation)


def test_the_best_that_pass_a_filter_are_found_however_low_they_rank(organisation):
    store(organisation, ["boots"] * 200)
    wanted = store(organisation, ["boots and much else about hats and scarves"] * 3, memory_type="note")
    for _ in range(2):
        request = SearchRequest(query="boots", search_type=SearchType.KNOWLEDGE, limit=2, memory_type="note")
        found = search(organisation=organisation, by=SYSTEM, request=request).hits
        assert len(found) == 2
        assert {each.id for each in found} <= set(wanted)
        packed(organisation)


def test_each_viewer_reads_the_segments_of_its_scopes(organisation):
    store(organisation, ["boots", "boots and hats"])
    with seeing_everything():
        store(organisation, ["boots in private"], scope=7)
    packed(organisation)
    with tenant_transaction(organisation):
        assert len(read_postings(organisation, ["boot"], 10)().postings["boot"].documents) == 2
    with whole_tenant(organisation):
        assert len(read_postings(organisation, ["boot"], 10)().postings["boot"].documents) == 3
    with tenant_transaction(organisation):
        assert read_postings(organisation, ["privat"], 10)().postings == {}


def test_what_is_due_is_listed_for_the_worker(organisation, monkeypatch):
    monkeypatch.setattr(packing, "ROWS", 20)
    assert organisation not in packing.list_organisations_to_pack()
    ids = store(organisation, [f"boots {number}" for number in range(20)])
    assert organisation in packing.list_organisations_to_pack()
    pack_postings(str(organisation))
    assert organisation not in packing.list_organisations_to_pack()
    for memory in ids[:2]:
        forget(organisation=organisation, by=SYSTEM, memory=memory, reason="x")
    assert organisation in packing.list_organisations_to_pack()
    pack_postings(str(organisation))
    assert organisation not in packing.list_organisations_to_pack()
    assert read(organisation) == expected(organisation)


@pytest.mark.parametrize(
    ("sizes", "due"),
    [
        ([500] * 7, []),
        ([500] * 8, list(range(8))),
        ([4_000] * 8, []),
        ([4_000] * 65, list(range(8))),
        ([40_000] * 100, []),
        ([4_000] * 3 + [500] * 8, list(range(3, 11))),
    ],
)
def test_segments_of_one_size_are_merged(sizes, due):
    found = [(number, 0, size, 0) for number, size in enumerate(sizes)]
    assert packing.segments_to_merge(found) == due
    apart = [(number, number, size, 0) for number, size in enumerate(sizes)]
    assert packing.segments_to_merge(apart) == []
    much_removed = [*found, (99, 7, 160, 11)]
    assert packing.segments_to_merge(much_removed) == [99]


def test_a_merge_that_is_overtaken_by_a_removal_begins_again(organisation, monkeypatch):
    ids = store(organisation, [f"boots {number}" for number in range(20)])
    packed(organisation, 3)
    insert = packing.insert_segment
    calls = []

    def slowly(*values):
        calls.append(values)
        if len(calls) == 1:
            remove_documents(organisation, ids[:1])
        insert(*values)

    monkeypatch.setattr(packing, "insert_segment", slowly)
    monkeypatch.setattr(packing, "FAN_IN", 3)
    assert packing.pack_next(organisation)
    assert len(calls) == 2
    assert read(organisation) == expected(organisation)


@pytest.mark.django_db(transaction=True)
def test_writers_and_workers_side_by_side_lose_and_repeat_nothing(monkeypatch):
    monkeypatch.setattr(packing, "ROWS", 60)
    monkeypatch.setattr(packing, "BATCH", 7)
    monkeypatch.setattr(packing, "FAN_IN", 3)
    monkeypatch.setattr(index_rows, "AT_ONCE", 80)
    organisation = create_organisation(name="own", by=SYSTEM).id
    done = threading.Event()
    failures = []

    def write(number):
        chance = random.Random(number)
        mine = []
        for _ in range(12):
            mine += store(organisation, [" ".join(chance.choices(WORDS, k=6)) for _ in range(6)])
            revise(
                organisation=organisation, by=SYSTEM, memory=chance.choice(mine),
                changes={"content": " ".join(chance.choices(WORDS, k=5))}, version=None,
            )  # fmt: skip
            gone = mine.pop(chance.randrange(len(mine)))
            forget(organisation=organisation, by=SYSTEM, memory=gone, reason="x")

    def work():
        while not done.is_set():
            packing.pack_next(organisation)

    def watched(act, *values):
        try:
            act(*values)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    writers = [threading.Thread(target=watched, args=(write, number)) for number in range(3)]
    workers = [threading.Thread(target=watched, args=(work,)) for _ in range(2)]
    for each in (*writers, *workers):
        each.start()
    for each in writers:
        each.join()
    done.set()
    for each in workers:
        each.join()
    assert failures == []
    assert read(organisation) == expected(organisation)
    assert not dangling(organisation)
