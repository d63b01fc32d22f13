"""Postings are found alike in rows and in segments, through stores, revisions, erasures, packing and merges."""

import random
from uuid import UUID

import numpy as np
import pytest

from liftos.kernel.db.transactions import whole_tenant
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
from memory.models import Memory, PostingList, SegmentDocument
from memory.operations import remember_many
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


@pytest.mark.parametrize("seed", range(4))
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

    for _ in range(40):
        act()
        assert read(organisation) == expected(organisation)
        assert not dangling(organisation)
    while packing.pack_next(organisation):
        assert read(organisation) == expected(organisation)
