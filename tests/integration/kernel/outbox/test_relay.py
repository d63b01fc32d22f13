"""The relay: order, once for each subscriber, whatever fails meanwhile."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.db.viewers import EVERYTHING, set_viewer, viewing
from liftos.kernel.outbox.backlog import read_backlog
from liftos.kernel.outbox.models import Cursor, OutboxEvent
from liftos.kernel.outbox.operations import emit, emit_many
from liftos.kernel.outbox.pruning import list_organisations_with_old_events, prune
from liftos.kernel.outbox.relay import read_after, relay, relay_all
from liftos.kernel.outbox.subscribers import subscribe, unsubscribe
from liftos.kernel.outbox.webhooks.fan_out import SUBSCRIBER
from liftos.kernel.tenancy.scopes import scope_of_principal
from tests.conftest import make_caller
from tests.factories.principals import principal_of, seen_by


class Heard:
    """A subscriber that remembers what it was given, and fails on request."""

    def __init__(self):
        self.subjects, self.fails_at = [], ""

    def __call__(self, organisation, events):
        for event in events:
            assert isinstance(event.data, dict)
            if event.subject == self.fails_at:
                raise RuntimeError(event.subject)
            # in the database, so that what is rolled back is not counted
            emit(organisation=organisation, type="test.heard", subject=event.subject, data={})
        self.subjects += [event.subject for event in events]


@pytest.fixture
def heard():
    made = Heard()
    subscribe("test", made, types=["test.said"])
    yield made
    unsubscribe("test")


def say(organisation, *subjects, **more):
    with tenant_transaction(organisation):
        events = [(subject, {"n": place}) for place, subject in enumerate(subjects)]
        emit_many(organisation=organisation, type="test.said", events=events, **more)


def effects(organisation):
    with tenant_transaction(organisation):
        rows = OutboxEvent.objects.filter(type="test.heard").order_by("id")
        return list(rows.values_list("subject", flat=True))


def test_subscriber_of_another_module_hears_a_store_once_and_in_order(acme, heard):
    subscribe("test", heard, types=["liftos.memory.stored"])
    memories = [acme.store(f"memory {number}") for number in range(3)]
    relay_all()
    # as after a restart: nothing is remembered but what Postgres has
    relay_all()
    memories.append(acme.store("another"))
    relay_all()
    relay_all()
    assert heard.subjects == [f"memories/{each}" for each in memories]
    assert effects(acme.organisation) == heard.subjects


def test_what_fails_waits_and_holds_up_nobody_else(acme, rival, heard):
    others = Heard()
    subscribe("test-other", others, types=["test.said"])
    try:
        heard.fails_at = "b"
        say(acme.organisation, "a", "b", "c")
        say(rival.organisation, "x")
        relay_all()
        assert effects(acme.organisation) == ["a", "a", "b", "c"]
        assert sorted(heard.subjects) == ["a", "x"]
        assert [each for each in others.subjects if each != "x"] == ["a", "b", "c"]
        with tenant_transaction(acme.organisation):
            cursor = Cursor.objects.get(subscriber="test")
            assert (cursor.failures, cursor.error, cursor.retry_at is not None) == (1, "RuntimeError", True)
        assert read_backlog().behind == 1
        heard.fails_at = ""
        relay_all()
        assert sorted(heard.subjects) == ["a", "x"], "it is left alone until it is to be tried again"
        with tenant_transaction(acme.organisation):
            Cursor.objects.filter(subscriber="test").update(retry_at=timezone.now())
        relay_all()
        assert heard.subjects[2:] == ["b", "c"]
        assert read_backlog().behind == 0
    finally:
        unsubscribe("test-other")


def test_numbers_are_consecutive_and_in_the_order_of_commits(committed_db, heard, settings):
    settings.LIFTOS_EVENTS_BATCH = 7
    organisation = make_caller("Acme").organisation
    relay_all()

    def write(thread):
        for number in range(25):
            say(organisation, f"{thread}/{number}")
        connection.close()

    def relay_some(_):
        set_viewer(EVERYTHING)
        for _ in range(40):
            relay_all()
        connection.close()

    with ThreadPoolExecutor(6) as pool:
        writers = [pool.submit(write, thread) for thread in range(4)]
        relays = [pool.submit(relay_some, number) for number in range(2)]
        for each in writers + relays:
            each.result()
    relay_all()
    with viewing(EVERYTHING), tenant_transaction(organisation):
        events = read_after(organisation=organisation, sequence=0, limit=1_000)
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    said = [event.subject for event in events if event.type == "test.said"]
    assert said == heard.subjects
    assert len(set(said)) == len(said) == 100
    for thread in range(4):
        own = [subject for subject in said if subject.startswith(f"{thread}/")]
        assert own == [f"{thread}/{number}" for number in range(25)]


def test_events_are_as_visible_as_what_they_are_about(acme, heard):
    ann, bob = (principal_of(acme, name) for name in ("ann", "bob"))
    scope = scope_of_principal(organisation=acme.organisation, principal=ann.id)
    with viewing(EVERYTHING):
        say(acme.organisation, "private", scope_id=scope)
    say(acme.organisation, "everybody's")
    relay_all()

    def seen(viewer):
        with viewing(viewer), tenant_transaction(acme.organisation):
            found = read_after(organisation=acme.organisation, sequence=0, limit=100)
        return [event.subject for event in found if event.type == "test.said"]

    assert seen(seen_by(acme, ann)) == ["private", "everybody's"]
    assert seen(seen_by(acme, bob)) == ["everybody's"]
    assert heard.subjects == ["private", "everybody's"]


def test_only_old_events_that_everybody_has_handled_are_pruned(acme, heard):
    say(acme.organisation, "a")
    relay_all()
    heard.fails_at = "b"
    say(acme.organisation, "b")
    relay_all()
    say(acme.organisation, "waits for the relay")
    later = timezone.now() + timedelta(days=1)
    assert list_organisations_with_old_events(timezone.now() - timedelta(days=1)) == []
    assert list_organisations_with_old_events(later) == [acme.organisation]
    prune(organisation=acme.organisation, before=later)
    with tenant_transaction(acme.organisation):
        left = set(OutboxEvent.objects.filter(type="test.said").values_list("subject", flat=True))
    assert left == {"b", "waits for the relay"}
    heard.fails_at = ""
    with tenant_transaction(acme.organisation):
        Cursor.objects.update(retry_at=None)
        Cursor.objects.filter(subscriber=SUBSCRIBER).update(position=10**6)
    relay(organisation=acme.organisation)
    assert heard.subjects == ["a", "b", "waits for the relay"]


def test_backlog_counts_what_waits(acme):
    before = read_backlog()
    assert before.waiting > 0
    relay_all()
    after = read_backlog()
    assert (after.waiting, after.lag_seconds) == (0, 0.0)
