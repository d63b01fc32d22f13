"""The event stream over HTTP; the feed's rounds are run by the test, whose transaction no other thread sees."""

import asyncio
import json

import pytest

from liftos.kernel.db.transactions import read_value, tenant_transaction, whole_tenant
from liftos.kernel.http.continued import ContinuedResponse
from liftos.kernel.outbox.models import OutboxEvent
from liftos.kernel.outbox.operations import emit_many
from liftos.kernel.outbox.relay import relay
from liftos.kernel.outbox.statements import READ_LAST
from liftos.kernel.outbox.stream import feed
from liftos.kernel.outbox.stream.feed import FEED
from liftos.kernel.tenancy.types import Scope
from tests.factories.keys import delete, expire, revoke, with_key
from tests.factories.principals import key_of, principal_of

PATH = "/api/v1/events/stream"


class Reader:
    """Reads a stream on a loop of its own, a chunk at a time."""

    def __init__(self, response):
        assert response.status_code == 200, response.content
        assert isinstance(response, ContinuedResponse)
        self._loop = asyncio.new_event_loop()
        self._body, self._next = response.chunks(), None
        self.first = self.chunk()

    def chunk(self):
        """Return the next chunk that a round of the feed brings; None at the end, "" if there is none."""
        if self._next is None:
            self._next = self._loop.create_task(anext(self._body, None))
        self._turn()
        if not self._next.done():
            FEED.round()
            self._turn()
        if not self._next.done():
            return ""
        done, self._next = self._next.result(), None
        return done if done is None else done.decode()

    def events(self):
        """Return the events up to now as pairs of id and envelope."""
        found = []
        while text := self.chunk():
            for message in text.split("\n\n"):
                fields = dict(line.split(": ", 1) for line in message.splitlines() if line)
                if "data" in fields:
                    event = json.loads(fields["data"])
                    assert (event["type"], event["sequence"]) == (fields["event"], fields["id"])
                    found.append((int(fields["id"]), event))
        return found

    def wait(self, seconds):
        self._loop.run_until_complete(asyncio.sleep(seconds))

    def close(self):
        if self._loop.is_closed():
            return
        if self._next is not None:
            self._next.cancel()
            self._loop.run_until_complete(asyncio.wait([self._next]))
        self._loop.run_until_complete(self._body.aclose())
        self._loop.close()

    def _turn(self):
        self.wait(0)
        self.wait(0)


@pytest.fixture
def listen(monkeypatch):
    monkeypatch.setattr(FEED, "_has_thread", False)
    opened = []

    def listen(caller, query="", **headers):
        opened.append(Reader(caller.get(f"{PATH}{query}", **headers)))
        return opened[-1]

    yield listen
    for each in opened:
        each.close()
    assert not FEED._listeners


def last_of(caller):
    """Return the number of the organisation's last event; making a caller emits some."""
    relay(organisation=caller.organisation)
    with tenant_transaction(caller.organisation):
        return read_value(READ_LAST, [caller.organisation]) or 0


def say(caller, count, type_="shop.sold", scope_id=0):
    with tenant_transaction(caller.organisation):
        events = [(f"orders/{each}", {"n": each}) for each in range(count)]
        emit_many(organisation=caller.organisation, type=type_, events=events, scope_id=scope_id)
    relay(organisation=caller.organisation)


def test_events_arrive_as_they_happen_and_reconnecting_loses_and_repeats_nothing(acme, rival, listen):
    rival.store("another organisation's")
    acme.store("before")
    last = last_of(acme)
    reader = listen(acme)
    assert reader.first == f"retry: 2000\n\nid: {last}\n\n"
    assert reader.events() == []
    memory = acme.store("Rain sells boots")
    relay(organisation=acme.organisation)
    ((number, event),) = reader.events()
    assert (number, event["type"], event["subject"]) == (
        last + 1,
        "liftos.memory.stored",
        f"memories/{memory}",
    )
    assert (event["specversion"], event["data"]["memory_id"]) == ("1.0", memory)
    say(acme, 450)
    end = last + 451
    assert [number for number, _ in reader.events()] == list(range(last + 2, end + 1))
    # as a browser does: the header counts, not the parameter of the first time
    again = listen(acme, "?last_event_id=0", **{"Last-Event-ID": str(end - 100)})
    assert again.first == "retry: 2000\n\n"
    assert [number for number, _ in again.events()] == list(range(end - 99, end + 1))
    assert [number for number, _ in listen(acme, "?last_event_id=0").events()] == list(range(1, end + 1))
    assert listen(acme, "", **{"Last-Event-ID": str(end)}).events() == []


def test_only_wanted_types_that_the_key_may_receive_are_sent(acme, listen):
    reader, decider = with_key(acme, Scope.MEMORY_READ)[0], with_key(acme, Scope.DECISIONS_READ)[0]
    before = last_of(acme)
    acme.store("a fact")
    say(acme, 1)
    acme.post("/api/v1/decisions", {"operation": "price.set", "reasoning": "because"})
    relay(organisation=acme.organisation)
    kinds = ["liftos.memory.stored", "shop.sold", "liftos.decision.recorded"]

    def types(caller, query=""):
        return [event["type"] for _, event in listen(caller, f"?last_event_id={before}{query}").events()]

    assert types(acme) == kinds
    assert types(acme, "&types=liftos.decision.*,shop.sold") == kinds[1:]
    assert types(acme, "&types=liftos.memory.erased") == []
    assert types(reader) == kinds[:2]
    assert types(decider) == kinds[2:]
    refused = reader.get(f"{PATH}?types=liftos.decision.recorded")
    assert refused.status_code == 403
    assert "decisions:read" in refused.json()["detail"]


def test_events_about_what_a_caller_may_not_see_are_not_sent(acme, listen):
    ann, ben = (principal_of(acme, name) for name in ("ann", "ben"))
    ann_key, ben_key = key_of(acme, ann), key_of(acme, ben)
    query = f"?last_event_id={last_of(acme)}"
    readers = [listen(each, query) for each in (ann_key, ben_key, acme)]
    private = ann_key.store("only Ann's", visible_to={"principal": "ann"})
    shared = acme.store("everybody's")
    relay(organisation=acme.organisation)
    seen = [[event["data"]["memory_id"] for _, event in reader.events()] for reader in readers]
    assert seen == [[private, shared], [shared], [shared]]


@pytest.mark.parametrize("end", [revoke, expire, delete])
def test_stream_ends_when_its_key_does(acme, listen, end, monkeypatch):
    caller, key = with_key(acme)
    reader = listen(caller)
    assert reader.chunk() == ""
    end(key)
    say(acme, 1)
    monkeypatch.setattr(feed, "FRESH_SECONDS", 0)
    assert reader.chunk() is None


def test_silence_is_filled_with_comments(acme, listen, settings):
    settings.LIFTOS_STREAM_HEARTBEAT_SECONDS = 0.01
    last = last_of(acme)
    reader = listen(acme, "?types=liftos.memory.stored")
    say(acme, 3)
    assert reader.chunk() == ""
    reader.wait(0.02)
    # with what has been read meanwhile, though none of it was wanted
    assert reader.chunk() == f": heartbeat\nid: {last + 3}\n\n"
    assert reader.chunk() == ""
    reader.wait(0.02)
    assert reader.chunk() == ": heartbeat\n\n"


def test_a_slow_reader_has_one_batch_waiting(acme, listen, monkeypatch):
    last = last_of(acme)
    reader = listen(acme)
    assert reader.chunk() == ""
    say(acme, 1_000)
    for _ in range(5):
        FEED.round()
    (listener,) = FEED._listeners
    assert (listener.position, listener.is_ready) == (last + feed.BATCH, False)
    assert len(reader.events()) == 1_000


def test_streams_are_bounded_and_end_at_shutdown(acme, rival, listen, settings):
    settings.LIFTOS_STREAMS, settings.LIFTOS_STREAMS_PER_KEY, settings.LIFTOS_WEB_SHARE = 4, 2, 0.75
    readers = [listen(acme), listen(acme)]
    refused = acme.get(PATH)
    assert (refused.status_code, refused.json()["code"]) == (429, "liftos.too_many_streams")
    assert int(refused["Retry-After"]) >= 1
    other, _ = with_key(acme)
    readers.append(listen(other))
    full = with_key(acme)[0].get(PATH)
    assert (full.status_code, full.json()["code"], "Retry-After" in full) == (
        503,
        "liftos.streams_full",
        True,
    )
    readers.append(listen(rival))
    assert rival.get(PATH).status_code == 503
    readers.pop(0).close()
    listen(rival)


@pytest.mark.parametrize(
    ("query", "headers", "loc"),
    [
        ("?last_event_id=-1", {}, ["query", "last_event_id"]),
        ("?last_event_id=x", {}, ["query", "last_event_id"]),
        ("?last_event_id=99999999999999999999", {}, ["query", "last_event_id"]),
        ("?last_event_id=700", {}, ["query", "last_event_id"]),
        ("", {"Last-Event-ID": "700"}, ["header", "last-event-id"]),
        ("", {"Last-Event-ID": "one"}, ["header", "last-event-id"]),
        ("?types=liftos.memory.storde", {}, ["query", "types"]),
        ("?types=a%20b", {}, ["query", "types"]),
        ("?type=a", {}, ["query", "type"]),
    ],
)
def test_bad_places_and_types_are_422(acme, query, headers, loc):
    answer = acme.get(f"{PATH}{query}", **headers)
    assert answer.status_code == 422, answer.content
    assert [each["loc"] for each in answer.json()["errors"]] == [loc]


def test_an_event_that_is_no_longer_kept_is_410(acme, listen):
    last = last_of(acme)
    say(acme, 5)
    with whole_tenant(acme.organisation):
        OutboxEvent.objects.filter(sequence__lte=last + 3).delete()
    gone = acme.get(f"{PATH}?last_event_id={last + 2}")
    assert (gone.status_code, gone.json()["code"]) == (410, "liftos.events_gone")
    assert [number for number, _ in listen(acme, f"?last_event_id={last + 3}").events()] == [
        last + 4,
        last + 5,
    ]
    assert [number for number, _ in listen(acme, "?last_event_id=0").events()] == [last + 4, last + 5]
    assert acme.client.get(PATH).status_code == 401
    assert acme.client.head(PATH, headers={"authorization": f"Bearer {acme.token}"}).status_code == 200


def test_close_ends_streams(acme, listen, monkeypatch):
    reader = listen(acme)
    assert reader.chunk() == ""
    monkeypatch.setattr(FEED, "_closed", False)
    FEED.close()
    assert reader.chunk() is None
    assert acme.get(PATH).status_code == 503
