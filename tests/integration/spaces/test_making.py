"""Layouts built in the background: in steps, without gaps, and again as the organisation grows."""

import threading
import time
from uuid import uuid4

import pytest
from django.db import IntegrityError, connections

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.tenancy.operations import create_organisation
from liftos.kernel.tenancy.types import SYSTEM
from memory.erasure.operations import forget
from memory.operations import commit_many, prepare, remember_many
from memory.search.service import search
from memory.search.types import SearchRequest, SearchType
from memory.trust.revision import revise
from memory.types import MemoryDraft
from spaces.models import Layout, Position, Space, SpaceVersion
from spaces.operations import add_member, change_dimensions, create_space, delete_space
from spaces.placement import building, layouts
from spaces.placement.building import Waiting, build_next, renew
from spaces.queries import get_space, get_version, list_versions
from spaces.types import Dimension, LayoutState

PRICE = Dimension("price", low=("cheap", "low price"), high=("expensive", "high price"))
COST = Dimension("cost", field="cost", range=(0.0, 100.0))


def store(organisation, count, cost=5):
    drafts = [MemoryDraft(f"number {number}", {"cost": cost}) for number in range(count)]
    return [each.id for each in remember_many(organisation=organisation, by=SYSTEM, drafts=drafts)]


def make(organisation, *dimensions, **fields):
    fields = {"name": "space", "holds_all": True} | fields
    return create_space(organisation=organisation, by=SYSTEM, dimensions=dimensions or (COST,), **fields)


def present(organisation, space):
    with tenant_transaction(organisation):
        return get_version(
            organisation=organisation, space=get_space(organisation=organisation, space=space), number=None
        )


def count(organisation, layout):
    with tenant_transaction(organisation):
        return Position.objects.filter(organisation_id=organisation, layout_id=layout).count()


def finish(organisation):
    """Build everything that waits, treating the test's open transaction as ended."""
    with tenant_transaction(organisation):
        Layout.objects.update(begun_in=0)
    while build_next(organisation=organisation):
        pass


def finish_committed(organisation):
    """Build everything that waits, with committed transactions."""
    while step(organisation):
        pass


def step(organisation):
    """Do one step, waiting for other tests' transactions, which share the numbering."""
    for _ in range(200):
        try:
            return build_next(organisation=organisation)
        except Waiting:
            time.sleep(0.1)
    raise AssertionError("older transactions do not end")


@pytest.fixture
def in_steps(monkeypatch):
    monkeypatch.setattr(layouts, "SMALL", 3)
    monkeypatch.setattr(layouts, "BATCH", 4)


def test_large_layout_is_built_in_steps_with_progress(committed_db, in_steps):
    organisation = create_organisation(name="Acme", by=SYSTEM).id
    store(organisation, 10)
    space = make(organisation)
    progress = []
    while step(organisation):
        layout = present(organisation, space.id).layout
        progress.append((str(layout.state), layout.done, layout.total, layout.checked))
    assert progress == [
        ("building", 4, 10, False), ("building", 8, 10, False), ("building", 10, 10, False), ("ready", 10, 10, False),
        ("ready", 10, 10, True),
    ]  # fmt: skip
    assert count(organisation, layout.id) == 10


def test_previous_version_serves_until_the_next_is_ready(committed_db, in_steps):
    organisation = create_organisation(name="Acme", by=SYSTEM).id
    store(organisation, 10)
    space = make(organisation)
    while step(organisation):
        pass
    change_dimensions(organisation=organisation, by=SYSTEM, space=space.id, dimensions=[PRICE])
    assert present(organisation, space.id).number == 1
    request = SearchRequest("", SearchType.CONCEPTUAL, space=space.id, target=(("cost", 5),))
    assert len(search(organisation=organisation, by=SYSTEM, request=request).hits) == 10
    while step(organisation):
        pass
    assert present(organisation, space.id).number == 2


def test_memories_stored_during_a_build_are_placed(committed_db, in_steps):
    organisation = create_organisation(name="Acme", by=SYSTEM).id
    store(organisation, 10)
    space = make(organisation)
    assert build_next(organisation=organisation)
    store(organisation, 2)
    while step(organisation):
        pass
    assert count(organisation, present(organisation, space.id).layout_id) == 12


def test_build_waits_for_stores_that_began_earlier(committed_db):
    """Its transaction does not see the layout, and so places nothing in it."""
    organisation = create_organisation(name="Acme", by=SYSTEM).id
    store(organisation, 2)
    begun, may_commit, done = (threading.Event() for _ in range(3))
    prepared = prepare(organisation, [MemoryDraft("slow", {"cost": 5})])

    def slow():
        with tenant_transaction(organisation):
            commit_many(organisation=organisation, by=SYSTEM, prepared=prepared)
            begun.set()
            may_commit.wait(20)
        connections["default"].close()
        done.set()

    thread = threading.Thread(target=slow)
    thread.start()
    assert begun.wait(20)
    space = make(organisation)
    with pytest.raises(Waiting):
        build_next(organisation=organisation)
    may_commit.set()
    assert done.wait(20)
    thread.join()
    layout = present(organisation, space.id).layout_id
    assert count(organisation, layout) == 2
    assert step(organisation)
    assert count(organisation, layout) == 3
    assert not build_next(organisation=organisation)


@pytest.mark.embeds_in_a_transaction
def test_search_sees_positions_of_other_processes(committed_db):
    """Also where the placing transaction is older than one that committed before it."""
    organisation = create_organisation(name="Acme", by=SYSTEM).id
    space = make(organisation)
    request = SearchRequest("", SearchType.CONCEPTUAL, space=space.id, target=(("cost", 5),))

    def found():
        return {hit.id for hit in search(organisation=organisation, by=SYSTEM, request=request).hits}

    first = set(store(organisation, 1))
    assert found() == first
    begun, may_commit = threading.Event(), threading.Event()
    slow_ids = []

    def slow():
        with tenant_transaction(organisation):
            slow_ids.extend(store(organisation, 1))
            begun.set()
            may_commit.wait(20)
        connections["default"].close()

    thread = threading.Thread(target=slow)
    thread.start()
    assert begun.wait(20)
    second = set(store(organisation, 1))
    assert found() == first | second
    may_commit.set()
    thread.join(20)
    assert found() == first | second | set(slow_ids)


def test_scale_is_recomputed_when_the_organisation_has_grown(organisation):
    store(organisation, 3)
    space = make(organisation, PRICE)
    finish(organisation)
    old = present(organisation, space.id).layout
    assert old.sample == 3
    assert renew(organisation=organisation, space=space.id) is None
    store(organisation, 40)
    assert renew(organisation=organisation, space=space.id) is not None
    assert renew(organisation=organisation, space=space.id) is None  # one is on its way
    with pytest.raises(Waiting):  # the test's own transaction has not ended
        build_next(organisation=organisation)
    finish(organisation)
    new = present(organisation, space.id)
    assert (new.number, new.layout.sample) == (1, 43)
    assert new.layout_id != old.id
    assert count(organisation, new.layout_id) == 43
    assert count(organisation, old.id) == 0


def test_erased_pole_is_removed_from_the_axis(organisation):
    low, second, high = store(organisation, 3)
    space = make(organisation, Dimension("worth", low_memories=(low, second), high_memories=(high,)))
    before = bytes(present(organisation, space.id).layout.axes)
    finish(organisation)
    forget(organisation=organisation, by=SYSTEM, memory=low)
    assert renew(organisation=organisation, space=space.id) is not None
    finish(organisation)
    with tenant_transaction(organisation):
        dimensions = layouts.read_dimensions(organisation=organisation, space=space.id, version=1)
    assert dimensions[0].low_memories == (second,)
    assert bytes(present(organisation, space.id).layout.axes) != before


def test_only_the_newest_layouts_are_kept(organisation):
    store(organisation, 2)
    space = make(organisation)
    for number in range(layouts.KEPT + 1):
        change_dimensions(
            organisation=organisation, by=SYSTEM, space=space.id,
            dimensions=[Dimension("cost", field="cost", range=(0.0, 200.0 + number))],
        )  # fmt: skip
    finish(organisation)
    with tenant_transaction(organisation):
        states = [each.layout.state for each in list_versions(organisation=organisation, space=space.id)]
        assert Position.objects.count() == 2 * layouts.KEPT
    assert states == [LayoutState.READY] * layouts.KEPT + [LayoutState.DROPPED] * 2


def test_members_of_a_space_are_placed_by_its_next_version(organisation):
    space = make(organisation, holds_all=False)
    inside, _ = store(organisation, 2)
    add_member(organisation=organisation, by=SYSTEM, space=space.id, memory=inside)
    change_dimensions(organisation=organisation, by=SYSTEM, space=space.id, dimensions=[PRICE, COST])
    assert count(organisation, present(organisation, space.id).layout_id) == 1


def test_a_deleted_space_leaves_no_rows(organisation):
    store(organisation, 2)
    space = make(organisation)
    delete_space(organisation=organisation, by=SYSTEM, space=space.id)
    with tenant_transaction(organisation):
        assert not any(model.objects.exists() for model in (Space, SpaceVersion, Layout, Position))


TABLES = [
    "space",
    "layout",
    "spaceversion",
    "spacedimension",
    "member",
    "concept",
    "conceptrelation",
    "position",
]


@pytest.mark.parametrize("table", TABLES)
def test_rows_are_invisible_outside_their_organisation(organisations, table):
    first, second = organisations
    memory, _ = store(first, 2)
    space = make(first)
    add_member(organisation=first, by=SYSTEM, space=space.id, memory=memory)
    with tenant_transaction(first), raw_cursor() as cursor:
        named = {"organisation": first, "space": space.id}
        for name in ("a", "b"):
            cursor.execute(
                "INSERT INTO spaces_concept (id, organisation_id, space_id, name, name_key, description, prototype, weights, radius,"
                " examples) VALUES (gen_random_uuid(), %(organisation)s, %(space)s, %(name)s, %(name)s, '', '{}', '{}', 1, '{}')",
                named | {"name": name},
            )
        cursor.execute(
            "INSERT INTO spaces_conceptrelation (id, organisation_id, space_id, source_id, kind, target_id, weight) "
            "SELECT gen_random_uuid(), a.organisation_id, a.space_id, a.id, 'causes', b.id, 1 FROM spaces_concept a, spaces_concept b "
            "WHERE a.name = 'a' AND b.name = 'b'"
        )

    def rows():
        with raw_cursor() as cursor:
            return cursor.execute(f"SELECT count(*) FROM spaces_{table}").fetchone()[0]

    with tenant_transaction(first):
        assert rows() > 0
    with tenant_transaction(second):
        assert rows() == 0
    assert rows() == 0


def test_foreign_memory_cannot_be_a_member_even_by_sql(organisations):
    first, second = organisations
    space = make(first)
    [theirs] = store(second, 1)
    with (
        pytest.raises(Exception, match="member_is_own_memory"),
        tenant_transaction(first),
        raw_cursor() as cursor,
    ):
        cursor.execute(
            "INSERT INTO spaces_member (organisation_id, space_id, memory_id, given) VALUES (%s, %s, %s, '{}')",
            (first, space.id, theirs),
        )


@pytest.mark.parametrize(
    ("model", "change", "constraint"),
    [
        (Space, {"is_default": True, "holds_all": False}, "space_default_holds_all"),
        (Layout, {"state": "odd"}, "layout_state_known"),
        (SpaceVersion, {"number": 0}, "space_version_from_1"),
    ],
)
def test_check_constraints_refuse_invalid_rows(organisation, model, change, constraint):
    make(organisation)
    with pytest.raises(IntegrityError, match=constraint), tenant_transaction(organisation):
        model.objects.update(**change)


def test_concurrent_renewals_start_one_layout(committed_db, monkeypatch):
    own = create_organisation(name="Racing", by=SYSTEM).id
    store(own, 3)
    space = make(own, PRICE)
    finish_committed(own)
    meet = threading.Barrier(2)
    true_resolve = building.resolve

    def resolve_together(**values):
        resolved = true_resolve(**values)
        meet.wait(20)
        return resolved

    monkeypatch.setattr(building, "resolve", resolve_together)
    begun = []

    def begin():
        try:
            begun.append(renew(organisation=own, space=space.id, force=True))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=begin) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(40)
    assert sorted(each is None for each in begun) == [False, True]
    finish_committed(own)
    # whatever was begun is described by a version: storing goes on
    store(own, 2)
    assert count(own, present(own, space.id).layout_id) == 5


def test_stores_and_changes_continue_while_layouts_are_replaced(committed_db):
    own = create_organisation(name="Busy", by=SYSTEM).id
    first = store(own, 5)
    space = make(own, PRICE)
    finish_committed(own)
    failures: list[BaseException] = []
    ended = threading.Event()

    def write(number):
        try:
            while not ended.is_set():
                store(own, 1)
                memory = first[number]
                changes = {"tags": [str(uuid4())]}
                revise(organisation=own, by=SYSTEM, memory=memory, changes=changes, version=None)
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(6):
            renew(organisation=own, space=space.id, force=True)
            finish_committed(own)
    finally:
        ended.set()
        for thread in threads:
            thread.join(40)
    assert failures == []
    with tenant_transaction(own):
        assert Layout.objects.filter(organisation_id=own).count() == 1


def test_change_of_weights_while_a_replacement_takes_its_layouts_place(committed_db):
    organisation = create_organisation(name="Acme", by=SYSTEM).id
    store(organisation, 2)
    space = make(organisation, PRICE, COST)
    finish_committed(organisation)
    new = renew(organisation=organisation, space=space.id, force=True)
    taken, changing = threading.Event(), threading.Event()

    def take_place():
        with tenant_transaction(organisation):
            building._take_place(Layout.objects.get(id=new))
            taken.set()
            changing.wait(20)
            time.sleep(0.3)
        connections["default"].close()

    thread = threading.Thread(target=take_place)
    thread.start()
    assert taken.wait(20)
    changing.set()
    heavier = [PRICE, Dimension("cost", field="cost", range=(0.0, 100.0), weight=0.5)]
    version = change_dimensions(organisation=organisation, by=SYSTEM, space=space.id, dimensions=heavier)
    thread.join()
    assert (version.number, version.layout_id) == (2, new)
