"""Events from outside over HTTP: CloudEvents structured, binary and in batches; each once."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from liftos.kernel.db.transactions import tenant_transaction, whole_tenant
from liftos.kernel.outbox.inbox.cloudevents import BATCH, STRUCTURED
from liftos.kernel.outbox.models import OutboxEvent
from liftos.kernel.outbox.relay import read_after, relay
from liftos.kernel.tenancy.types import Scope
from memory.models import Memory
from tests.factories.keys import with_key
from tests.factories.principals import key_of, principal_of

PATH = "/api/v1/events"
SOLD = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "shop.sold"}
ADVICE = {"content": "Umbrellas sell in rain", "memory_type": "advice"}


def send(caller, event, query="", media_type=STRUCTURED, **headers):
    return caller.send(f"{PATH}{query}", json.dumps(event), media_type, **headers)


def arrived(caller):
    """Return the envelopes of events from outside, as the relay hands them on."""
    relay(organisation=caller.organisation)
    with whole_tenant(caller.organisation):
        events = read_after(organisation=caller.organisation, sequence=0, limit=500)
    return [event.envelope() for event in events if event.external_id]


def test_an_event_arrives_once_with_all_its_attributes(acme, rival):
    event = SOLD | {
        "subject": "orders/1", "time": "2026-11-28T14:00:00Z", "datacontenttype": "application/json", "dataschema": "https://shop/sold",
        "region": "eu", "attempt": 2, "data": {"price": 9.5}, "correlationid": "order-1", "sequence": "900",
    }  # fmt: skip
    first = send(acme, event)
    assert first.status_code == 202, first.content
    told = first.json()
    assert told == {
        "id": "1", "source": "/shop", "type": "shop.sold", "event_id": told["event_id"], "memory_id": None, "duplicate": False,
    }  # fmt: skip
    again = send(acme, event)
    assert (again.status_code, again.json()) == (200, told | {"duplicate": True})
    assert send(rival, event).status_code == 202
    (seen,) = arrived(acme)
    sequence, trace = seen.pop("sequence"), seen.pop("traceparent")
    assert (seen, trace[:3]) == ({name: value for name, value in event.items() if name != "sequence"}, "00-")
    assert sequence != "900"


def test_binary_mode_reads_headers_and_keeps_every_kind_of_data(acme):
    headers = {f"ce-{name}": value for name, value in SOLD.items()}
    sent = [
        ("1", "application/json", b'{"n": 1}', "data", {"n": 1}),
        ("2", "text/plain", "é".encode(), "data", "é"),
        ("3", "image/png", b"\xff\x00", "data_base64", "/wA="),
        ("4", "application/vnd.shop+json", b"[1]", "data", [1]),
    ]
    for name, media_type, body, _, _ in sent:
        answer = acme.send(PATH, body, media_type, **headers | {"ce-id": name, "ce-subject": "Z%C3%BCrich"})
        assert answer.status_code == 202, answer.content
    for (name, media_type, _, field, value), event in zip(sent, arrived(acme), strict=True):
        assert (event["id"], event["subject"], event["datacontenttype"], event[field]) == (
            name,
            "Zürich",
            media_type,
            value,
        )
        assert ("data" in event) != ("data_base64" in event)


def test_a_batch_has_a_result_for_each_event(acme):
    send(acme, SOLD)
    more = [SOLD | {"id": "2", "data": 1}, SOLD | {"data": 2}, SOLD | {"id": "2"}]
    answer = send(acme, more, media_type=BATCH)
    assert answer.status_code == 202, answer.content
    assert [each["status"] for each in answer.json()["results"]] == [202, 200, 200]
    assert send(acme, more, media_type=BATCH).status_code == 200
    assert [event["id"] for event in arrived(acme)] == ["1", "2"]
    faulty = send(acme, [SOLD | {"id": "7"}, SOLD | {"type": "liftos.x", "id": 5}, 3], media_type=BATCH)
    assert faulty.status_code == 422
    assert [each["loc"] for each in faulty.json()["errors"]] == [
        ["body", 1, "id"],
        ["body", 1, "type"],
        ["body", 2],
    ]
    assert len(arrived(acme)) == 2
    assert send(acme, [], media_type=BATCH).status_code == 422
    assert send(acme, [SOLD | {"id": str(each)} for each in range(101)], media_type=BATCH).status_code == 422


def test_an_event_becomes_a_memory_once(acme):
    event = SOLD | {"data": ADVICE, "subject": "weather"}
    answer = send(acme, event, "?as=memory")
    assert answer.status_code == 202, answer.content
    memory = answer.json()["memory_id"]
    assert acme.get(f"/api/v1/memories/{memory}").json()["content"] == ADVICE["content"]
    again = send(acme, event, "?as=memory")
    assert (again.status_code, again.json()) == (200, answer.json() | {"duplicate": True})
    with tenant_transaction(acme.organisation):
        assert Memory.objects.count() == 1
    # it names the memory, and quotes nothing of it
    (seen,) = arrived(acme)
    assert (seen["subject"], seen["data"]) == ("weather", {"memory_id": memory})
    refused = send(acme, SOLD | {"id": "2", "data": {"contents": "x"}}, "?as=memory")
    assert refused.status_code == 422
    assert ["body", "data", "content"] in [each["loc"] for each in refused.json()["errors"]]
    acme.post(f"/api/v1/memories/{memory}/reject", {"reason": "wrong"})
    results = send(
        acme,
        [SOLD | {"id": "3", "data": ADVICE}, SOLD | {"id": "4", "data": {"content": "other"}}],
        "?as=memory",
        BATCH,
    )
    assert [each["status"] for each in results.json()["results"]] == [409, 202]
    assert send(acme, SOLD | {"id": "3", "data": ADVICE}, "?as=memory").status_code == 409
    assert [event["id"] for event in arrived(acme)] == ["1", "4"]


def test_only_its_readers_see_an_event_and_erasure_reaches_it(acme):
    ann, ben = (key_of(acme, principal_of(acme, name)) for name in ("ann", "ben"))
    assert send(ann, SOLD | {"data": "hers"}, "?visible_to=principal:ann").status_code == 202
    assert (
        send(ann, SOLD | {"id": "2", "data": ADVICE}, "?as=memory&visible_to=principal:ann").status_code
        == 202
    )
    relay(organisation=acme.organisation)
    with whole_tenant(acme.organisation):
        scopes = set(OutboxEvent.objects.exclude(external_id="").values_list("scope_id", flat=True))
    assert len(scopes) == 1
    assert 0 not in scopes
    assert send(ann, SOLD).json()["duplicate"] is True
    taken = send(ben, SOLD)
    assert (taken.status_code, taken.json()["code"]) == (409, "liftos.event_id_taken")
    assert send(ben, SOLD | {"id": "9"}, "?visible_to=principal:ann").status_code in (403, 422)
    assert acme.delete("/api/v1/principals/ann?memories=erase").status_code == 200
    assert [event["data"] for event in arrived(acme)] == [{"erased": True}] * 2
    memory = acme.store("The vault opens by xyzzy")
    send(
        acme,
        SOLD | {"id": "3", "data": {"said": "The vault opens by xyzzy"}, "note": "The vault opens by xyzzy"},
    )
    acme.delete(f"/api/v1/memories/{memory}")
    assert "xyzzy" not in json.dumps(arrived(acme))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"specversion": None}, "specversion"),
        ({"id": ""}, "id"),
        ({"id": "x" * 201}, "id"),
        ({"source": None}, "source"),
        ({"source": "urn:liftos:core"}, "source"),
        ({"type": "liftos.memory.stored"}, "type"),
        ({"type": "LiftOS.x"}, "type"),
        ({"type": "a b"}, "type"),
        ({"subject": ""}, "subject"),
        ({"subject": "a\nb"}, "subject"),
        ({"time": "yesterday"}, "time"),
        ({"time": "2026-11-28T14:00:00"}, "time"),
        ({"time": "2026-13-28T14:00:00Z"}, "time"),
        ({"Region": "eu"}, "Region"),
        ({"region": {"a": 1}}, "region"),
        ({"region": 2**40}, "region"),
        ({"data_base64": "?"}, "data_base64"),
        ({"data": 1, "data_base64": "YQ=="}, "data_base64"),
        ({"data": "x" * 70_000}, "data"),
        ({"traceparent": "x"}, "traceparent"),
        ({"correlationid": "a b"}, "correlationid"),
    ],
)
def test_a_faulty_attribute_is_named(acme, change, named):
    answer = send(acme, {name: value for name, value in (SOLD | change).items() if value is not None})
    assert answer.status_code == 422, answer.content
    assert [each["loc"] for each in answer.json()["errors"]] == [["body", named]]
    assert arrived(acme) == []


def test_other_requests_are_refused(acme):
    headers = {f"ce-{name}": value for name, value in SOLD.items() if name != "type"}
    faulty = acme.send(PATH, b"{}", "application/json", **headers)
    assert [each["loc"] for each in faulty.json()["errors"]] == [["header", "ce-type"]]
    assert acme.send(PATH, b"a\x00b", "text/plain", **headers | {"ce-type": "a"}).status_code == 422
    assert acme.post(PATH, {"id": "1"}).status_code == 415
    assert acme.send(PATH, b" ", STRUCTURED).status_code == 422
    assert send(acme, SOLD, "?as=decision").json()["errors"][0]["loc"] == ["query", "as"]
    assert send(acme, SOLD, "?visible_to=ann").json()["errors"][0]["loc"] == ["query", "visible_to"]
    reader, _ = with_key(acme, Scope.MEMORY_READ)
    assert send(reader, SOLD).status_code == 403
    assert arrived(acme) == []


def test_secrets_are_treated_by_the_policy(acme):
    token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    acme.put("/api/v1/memories/secrets-policy", {"policy": "refuse"})
    assert send(acme, SOLD | {"data": {"token": token}}).status_code == 422
    headers = {f"ce-{name}": value for name, value in SOLD.items()}
    assert acme.send(PATH, b"{}", "application/json", **headers | {"ce-subject": token}).status_code == 422
    acme.put("/api/v1/memories/secrets-policy", {"policy": "redact"})
    assert send(acme, SOLD | {"data": {"token": token}}).status_code == 202
    assert token not in json.dumps(arrived(acme))


@pytest.mark.django_db(transaction=True)
def test_concurrent_arrivals_are_one(acme):
    def arrive(_):
        try:
            return send(acme, SOLD | {"data": ADVICE}, "?as=memory").json()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(arrive, range(4)))
    assert sorted(each["duplicate"] for each in answers) == [False, True, True, True]
    assert len({each["memory_id"] for each in answers}) == 1
