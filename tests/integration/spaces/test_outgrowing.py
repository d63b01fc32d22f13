"""Scales follow their members, whichever way they came; the test plays the worker."""

import threading
from uuid import UUID

import numpy as np
import pytest
from django.db import connections

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.tenancy.operations import create_organisation
from liftos.kernel.tenancy.types import SYSTEM
from memory.erasure.operations import forget
from memory.operations import remember, remember_many
from memory.types import MemoryDraft
from spaces import tasks
from spaces.concepts.operations import add_concept
from spaces.concepts.relearning import relearn_concepts
from spaces.geometry.agreement import spearman
from spaces.models import Concept, Layout, SpaceVersion
from spaces.operations import add_member, create_space, remove_member
from spaces.placement import layouts, outgrowing, own_texts
from spaces.placement.building import build_next, renew
from spaces.placement.positions import page_positions
from spaces.types import ConceptDraft, Dimension
from tests.factories.orders import read_order

ORDER = read_order("temperature")
DIMENSION = Dimension("it", low=tuple(ORDER.low), high=tuple(ORDER.high))
NEAR = 0.06


def make(organisation, *, holds_all=True, name="space", dimension=DIMENSION):
    values = {"name": name, "dimensions": [dimension], "holds_all": holds_all}
    return create_space(organisation=organisation, by=SYSTEM, **values).id


def one_by_one(organisation, texts, space=None):
    """Store texts one at a time as members, running the worker's tasks in between."""
    found = {}
    for text in texts:
        memory = remember(organisation=organisation, by=SYSTEM, draft=MemoryDraft(text)).id
        if space is not None:
            add_member(organisation=organisation, by=SYSTEM, space=space, memory=memory)
        found[text] = memory
        work(organisation)
    return found


def at_once(organisation, texts, space=None):
    drafts = [MemoryDraft(text) for text in texts]
    stored = remember_many(organisation=organisation, by=SYSTEM, drafts=drafts)
    found = {text: each.id for text, each in zip(texts, stored, strict=True)}
    for memory in found.values() if space is not None else ():
        add_member(organisation=organisation, by=SYSTEM, space=space, memory=memory)
    work(organisation)
    return found


def work(organisation):
    """Run the worker's tasks until none is left, treating the test's open transaction as ended."""
    while True:
        with tenant_transaction(organisation):
            Layout.objects.update(begun_in=0)
            outgrown = Layout.objects.filter(outgrown=True).exists()
        made = build_next(organisation=organisation)
        if not made and not outgrown:
            return
        if outgrown:
            tasks.renew_scales(str(organisation))


def layout_of(organisation, space):
    with tenant_transaction(organisation):
        return SpaceVersion.objects.select_related("layout").filter(space_id=space).latest("number").layout


def rho(organisation, space, memories):
    with tenant_transaction(organisation):
        placed = page_positions(
            organisation=organisation, layout=layout_of(organisation, space).id, before=None, limit=1000
        )
    values = dict(zip(placed.ids, placed.values[:, 0], strict=True))
    pairs = [
        (values[memories[text]], tier)
        for text, tier in zip(ORDER.texts, ORDER.tiers, strict=True)
        if text in memories
    ]
    assert len(pairs) == len(values)
    figures, tiers = np.array(pairs).T
    return spearman(figures, tiers)


@pytest.mark.parametrize("holds_all", [True, False])
def test_order_of_creating_space_and_members_does_not_matter(organisations, holds_all):
    first, second = organisations
    early = make(first, holds_all=holds_all)
    one = one_by_one(first, ORDER.texts, None if holds_all else early)
    two = at_once(second, ORDER.texts)
    late = make(second, holds_all=holds_all)
    for memory in () if holds_all else two.values():
        add_member(organisation=second, by=SYSTEM, space=late, memory=memory)
        work(second)
    assert rho(first, early, one) > 0.8
    assert rho(first, early, one) == pytest.approx(rho(second, late, two), abs=NEAR)
    assert layout_of(first, early).own * outgrowing.GROWTH > len(ORDER.texts)


def test_members_added_before_and_after_are_equivalent(organisation):
    memories = at_once(organisation, ORDER.texts[::2])
    space = make(organisation)
    before = layout_of(organisation, space)
    memories |= one_by_one(organisation, ORDER.texts[1::2])
    assert layout_of(organisation, space).own > before.own
    assert rho(organisation, space, memories) > 0.8


def test_only_members_shape_the_scale(organisation):
    space = make(organisation, holds_all=False)
    at_once(organisation, [f"Invoice number {number} was paid late." for number in range(30)])
    memories = at_once(organisation, ORDER.texts, space)
    layout = layout_of(organisation, space)
    assert (layout.own, layout.sample, layout.around) == (
        len(ORDER.texts),
        len(ORDER.texts),
        30 + len(ORDER.texts),
    )
    assert rho(organisation, space, memories) > 0.75


@pytest.mark.parametrize("gone_by", ["removed", "forgotten"])
def test_scale_follows_removed_members(organisation, gone_by):
    space = make(organisation, holds_all=False)
    memories = at_once(organisation, ORDER.texts, space)
    assert layout_of(organisation, space).own == len(memories)
    for text in ORDER.texts[5:]:
        memory = memories.pop(text)
        if gone_by == "removed":
            remove_member(organisation=organisation, by=SYSTEM, space=space, memory=memory)
        else:
            forget(organisation=organisation, by=SYSTEM, memory=memory)
        work(organisation)
    assert layout_of(organisation, space).own < 10
    assert rho(organisation, space, memories) is not None


def test_cost_of_checking_a_scale_does_not_grow():
    ids = [UUID(int=number * 7919) for number in range(100_000)]
    for texts in (0, 31, 64, 3_200, 320_000):
        looked = sum(outgrowing.is_due([each], texts) for each in ids)
        assert looked * max(1, texts // outgrowing.CHECKS) == pytest.approx(len(ids), rel=0.25)


@pytest.mark.parametrize(
    ("then", "now", "expected"),
    [(0, 0, False), (0, 7, False), (0, 8, True), (7, 8, True), (100, 109, False), (100, 111, True), (100, 91, False),
     (100, 90, True), (5, 0, False), (4_000, 4_300, False), (1_000_000, 1_110_000, True)],
)  # fmt: skip
def test_a_scale_is_outgrown_by_a_tenth_more_or_fewer(then, now, expected):
    assert outgrowing.is_outgrown(then, now) is expected


def test_scale_beyond_the_sample_is_not_checked_forever(organisation, monkeypatch):
    """The sample is capped; the number of texts counts, not the number sampled."""
    monkeypatch.setattr(own_texts, "MAX_TEXTS", 10)
    space = make(organisation)
    at_once(organisation, ORDER.texts)
    layout = layout_of(organisation, space)
    assert (layout.sample, layout.own) == (10, len(ORDER.texts))
    with tenant_transaction(organisation):
        assert not outgrowing.mark_outgrown(organisation)
    begun = []
    monkeypatch.setattr(tasks, "renew", lambda **values: begun.append(renew(**values)))
    one_by_one(organisation, ["a lamp", "a chair"])
    assert begun == []
    assert layout_of(organisation, space).id == layout.id


def test_mark_survives_a_lost_hint(committed_db, monkeypatch):
    organisation = create_organisation(name="Hintless", by=SYSTEM).id
    make(organisation)
    at_once(organisation, ORDER.texts[:2])
    drafts = [MemoryDraft(text) for text in ORDER.texts[2:]]
    remember_many(organisation=organisation, by=SYSTEM, drafts=drafts)
    assert layouts.list_organisations_with_outgrown_scales() == [organisation]
    sent = []
    monkeypatch.setattr(tasks, "send_hint", lambda task, whose: sent.append((task, whose)))
    tasks.sweep()
    assert (layouts.RENEW, organisation) in sent
    work(organisation)
    assert layouts.list_organisations_with_outgrown_scales() == []


def test_mark_on_an_older_version_is_dropped(organisation):
    from spaces.operations import change_dimensions

    space = make(organisation)
    old = layout_of(organisation, space).id
    change_dimensions(
        organisation=organisation, by=SYSTEM, space=space, dimensions=[Dimension("it", low=("cold",), high=("hot",))]
    )  # fmt: skip
    work(organisation)
    with tenant_transaction(organisation):
        Layout.objects.filter(id=old).update(outgrown=True)
    assert layouts.list_organisations_with_outgrown_scales() == [organisation]
    tasks.renew_scales(str(organisation))
    assert layouts.list_organisations_with_outgrown_scales() == []


def test_space_with_an_unbelieved_pole_keeps_its_scale(organisation):
    from memory.trust.corrections import reject

    low, high = at_once(organisation, ["a cold winter", "a hot summer"]).values()
    kept = make(organisation, dimension=Dimension("it", low_memories=(low,), high_memories=(high,)))
    other = make(organisation, name="other")
    work(organisation)
    before = layout_of(organisation, kept).id
    reject(organisation=organisation, by=SYSTEM, memory=low, reason="wrong")
    at_once(organisation, ORDER.texts)
    assert layout_of(organisation, kept).id == before
    assert not layout_of(organisation, kept).outgrown
    assert layout_of(organisation, other).sample >= len(ORDER.texts)


def test_two_workers_and_stores_at_once_leave_one_layout_and_every_member(committed_db):
    organisation = create_organisation(name="Both", by=SYSTEM).id
    space = make(organisation)
    failures: list[BaseException] = []

    def run(what):
        try:
            what()
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    def store(texts):
        for text in texts:
            remember(organisation=organisation, by=SYSTEM, draft=MemoryDraft(text))

    ended = threading.Event()

    def works():
        while not ended.is_set():
            tasks.renew_scales(str(organisation))
            tasks.make_layouts(str(organisation))

    workers = [threading.Thread(target=run, args=(works,)) for _ in range(2)]
    writers = [
        threading.Thread(target=run, args=(lambda some=ORDER.texts[start::2]: store(some),))
        for start in range(2)
    ]
    for thread in (*workers, *writers):
        thread.start()
    for thread in writers:
        thread.join(120)
    ended.set()
    for thread in workers:
        thread.join(120)
    assert failures == []
    tasks.make_layouts(str(organisation))
    work(organisation)
    with tenant_transaction(organisation), raw_cursor() as cursor:
        placed = cursor.execute("SELECT count(*) FROM spaces_position").fetchone()[0]
        assert Layout.objects.count() == 1
    assert placed == len(ORDER.texts)
    assert layout_of(organisation, space).own * outgrowing.GROWTH > len(ORDER.texts)


def concept_of(organisation, concept):
    with tenant_transaction(organisation):
        return Concept.objects.get(id=concept)


def test_learnt_concepts_follow_the_scale_and_given_numbers_stay(organisation):
    space = make(organisation)
    memories = at_once(organisation, ORDER.texts[:6])
    draft = ConceptDraft("cold things", examples=tuple(memories.values()))
    learnt = add_concept(organisation=organisation, by=SYSTEM, space=space, draft=draft).id
    draft = ConceptDraft("a furnace", text="a red hot furnace")
    placed = add_concept(organisation=organisation, by=SYSTEM, space=space, draft=draft).id
    draft = ConceptDraft("lukewarm", prototype={"it": 0.5}, radius=0.1)
    given = add_concept(organisation=organisation, by=SYSTEM, space=space, draft=draft).id
    before = {each: concept_of(organisation, each).prototype["it"] for each in (learnt, placed, given)}
    at_once(organisation, ORDER.texts[6:])
    tasks.make_layouts(str(organisation))
    after = {each: concept_of(organisation, each).prototype["it"] for each in (learnt, placed, given)}
    assert after[given] == before[given] == 0.5
    assert after[learnt] != before[learnt]
    assert after[placed] != before[placed]
    # as one that is described now
    for concept, draft in (
        (learnt, ConceptDraft("again", examples=tuple(memories.values()))),
        (placed, ConceptDraft("once more", text="a red hot furnace")),
    ):
        fresh = add_concept(organisation=organisation, by=SYSTEM, space=space, draft=draft)
        found = concept_of(organisation, concept)
        assert (found.prototype, found.weights, found.radius) == (
            fresh.prototype,
            fresh.weights,
            fresh.radius,
        )
    assert relearn_concepts(organisation=organisation) == 0


def test_concept_without_examples_stays_in_place(organisation):
    space = make(organisation)
    memories = at_once(organisation, ORDER.texts[:6])
    first, second, *_ = memories.values()
    draft = ConceptDraft("two", examples=(first, second))
    concept = add_concept(organisation=organisation, by=SYSTEM, space=space, draft=draft).id
    before = concept_of(organisation, concept).prototype
    for memory in (first, second):
        forget(organisation=organisation, by=SYSTEM, memory=memory)
    at_once(organisation, ORDER.texts[6:])
    tasks.make_layouts(str(organisation))
    assert concept_of(organisation, concept).prototype == before
    assert relearn_concepts(organisation=organisation) == 0
