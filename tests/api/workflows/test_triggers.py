"""Triggers: an event starts a run, once, with its owner's authority, on record and open to a reviewer's verdict."""

import json

import pytest

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.db.viewers import EVERYTHING, viewing
from liftos.kernel.outbox.models import Cursor
from liftos.kernel.outbox.relay import relay
from liftos.kernel.tenancy.types import Scope
from tests.factories.flows import registered_functions, step
from tests.factories.keys import with_key
from tests.factories.principals import group_of, key_of, principal_of
from tests.security.world import publish_template
from workflows.engine.waiting import wait_for
from workflows.models import Firing, Run, Trigger
from workflows.triggers.firing import fire_all

PATH = "/api/v1/triggers"
ECHO = {"type": "object", "properties": {"said": {"type": "string"}, "price": {"type": "number"}}}


@pytest.fixture(autouse=True)
def calls():
    with registered_functions() as made:
        yield made


@pytest.fixture
def acme(acme):
    publish_template(acme, "echo", [step("a", arguments={"value": "{said}"})], parameters=ECHO)
    return acme


def create(caller, status=201, **fields):
    body = {"name": "t", "event": "liftos.memory.stored", "template": "echo"} | fields
    response = caller.post(PATH, body)
    assert response.status_code == status, response.content
    return response.json()


def happen(caller):
    """Relay what happened and start the runs."""
    with viewing(EVERYTHING):
        relay(organisation=caller.organisation)
        return fire_all(organisation=caller.organisation)


def firings(caller, trigger):
    return caller.get(f"{PATH}/{trigger['id']}/firings").json()["results"]


def runs(caller):
    with viewing(EVERYTHING), tenant_transaction(caller.organisation):
        return list(Run.objects.exclude(status="pending").order_by("id"))


def test_memory_of_a_type_starts_the_run_once_and_on_record(acme):
    trigger = create(
        acme, conditions={"memory_type": "complaint"}, parameters={"said": "{memory.content}: {event.subject}", "price": "{memory.metadata.price}"},
    )  # fmt: skip
    memory = acme.store("It broke", memory_type="complaint", metadata={"price": 9.5})
    acme.store("It works", memory_type="praise")
    assert happen(acme) == 1
    # handled again, as after a relay that was killed before it noted its position
    with viewing(EVERYTHING), tenant_transaction(acme.organisation):
        Cursor.objects.filter(subscriber="triggers").update(position=0)
    assert happen(acme) == 0
    [run] = runs(acme)
    assert run.parameters == {"said": f"It broke: memories/{memory}", "price": 9.5}
    [firing] = firings(acme, trigger)
    assert (firing["state"], firing["run_id"], firing["depth"]) == ("fired", str(run.id), 0)
    decision = acme.get(f"/api/v1/decisions/{firing['decision_id']}").json()
    assert (decision["operation"], decision["confidence"], decision["confidence_method"]) == (
        "trigger.fire", 0.5, "trigger.history",
    )  # fmt: skip
    assert decision["outputs"]["run_id"] == str(run.id)
    assert [each["id"] for each in decision["memories"]] == [memory]


def test_person_overturns_a_firing(acme):
    trigger = create(acme)
    acme.store("one")
    happen(acme)
    [firing] = firings(acme, trigger)
    reviewer, _ = with_key(acme)
    verdict = {"verdict": "overturn", "reason": "not worth it"}
    answer = reviewer.post(f"/api/v1/decisions/{firing['decision_id']}/reviews", verdict)
    assert answer.json()["state"] == "overturned", answer.content
    assert acme.get(f"/api/v1/workflows/runs/{firing['run_id']}").json()["status"] == "cancelled"
    assert firings(acme, trigger)[0]["state"] == "overturned"
    acme.store("two")
    happen(acme)
    newest, _ = firings(acme, trigger)
    # one of one was overturned
    assert acme.get(f"/api/v1/decisions/{newest['decision_id']}").json()["confidence"] == pytest.approx(1 / 3)


def test_conditions_choose(acme):
    price = {"name": "price", "low": ["cheap"], "high": ["expensive"]}
    space = acme.post("/api/v1/spaces", {"name": "offers", "dimensions": [price]}).json()["id"]
    acme.post(
        f"/api/v1/spaces/{space}/concepts", {"name": "luxury", "prototype": {"price": 0.9}, "radius": 0.2}
    )
    wanted = {
        "filter": {"filters": {"a": {"$gte": 5}}},
        "text": {"text": "RAIN"},
        "states": {"states": ["candidate"]},
        "source": {"source": {"prefix": "crm"}},
        "region": {"space": "offers", "concept": "luxury"},
        "direction": {"space": "offers", "position": {"price": {"max": 0.3}}},
        "data": {"data": {"memory_type": "note"}},
    }
    for name, conditions in wanted.items():
        create(acme, name=name, conditions=conditions)
    create(acme, name="unsure", event="liftos.decision.recorded", conditions={"confidence_below": 0.5})
    weak, _ = with_key(acme, Scope.MEMORY_PROPOSE)
    with viewing(EVERYTHING):
        relay(organisation=acme.organisation)
    stored = {
        "filter": acme.store("x", metadata={"a": 7}),
        "text": acme.store("boots in the rain"),
        "states": weak.post("/api/v1/memories", {"content": "proposed"}).json()["id"],
        "source": acme.store("y", source="crm/7"),
        "region": acme.store("dear"),
        "direction": acme.store("cheap"),
        "data": acme.store("z", memory_type="note"),
    }
    for name, value in (("region", 0.85), ("direction", 0.1)):
        member = {"memory_id": stored[name], "coordinates": {"price": value}}
        assert acme.post(f"/api/v1/spaces/{space}/members", member).status_code < 300
    for confidence in (0.4, 0.6):
        acme.post("/api/v1/decisions", {"operation": "o", "reasoning": "r", "confidence": confidence})
    happen(acme)
    with viewing(EVERYTHING), tenant_transaction(acme.organisation):
        found = {(each.trigger.name, each.subject) for each in Firing.objects.select_related("trigger")}
    expected = {(name, f"memories/{memory}") for name, memory in stored.items()}
    assert {each for each in found if each[0] not in ("unsure", "region", "direction")} == {
        each for each in expected if each[0] not in ("region", "direction")
    }
    assert {name for name, _ in found} >= {"unsure", "region", "direction"}
    assert expected <= found
    assert len([each for each in found if each[0] == "unsure"]) == 1


def test_authority_is_the_owners_and_todays(acme):
    team = group_of(acme, "team")
    ann = key_of(acme, principal_of(acme, "ann", team))
    hers, ours = create(ann, name="hers", parameters={"said": "{memory.content}"}), create(acme, name="ours")
    weak, key = with_key(acme, Scope.WORKFLOWS_WRITE, Scope.WORKFLOWS_RUN, Scope.MEMORY_READ)
    lost = create(weak, name="lost")
    ann.post("/api/v1/memories", {"content": "private", "visible_to": {"groups": ["team"]}})
    acme.store("everybody's")
    with viewing(EVERYTHING):
        relay(organisation=acme.organisation)
    acme.delete(f"/api/v1/keys/{key.id}")
    with viewing(EVERYTHING):
        fire_all(organisation=acme.organisation)
    assert [each["state"] for each in firings(ann, hers)] == ["fired", "fired"]
    assert len(firings(acme, hers)) == 1, "the private event is not shown"
    assert [each["state"] for each in firings(acme, ours)] == ["fired"]
    [refused] = firings(acme, lost)
    assert (refused["state"], refused["run_id"]) == ("failed", None)
    assert "no longer" in refused["reason"]


def test_loops_and_floods_are_stopped(acme):
    stores = [step("keep", "memory.store", arguments={"content": "again {said}"})]
    publish_template(acme, "loop", stores, parameters=ECHO)
    loop = create(acme, name="loop", template="loop", parameters={"said": "{event.id}"}, max_depth=2)
    acme.store("start")
    for _ in range(5):
        happen(acme)
        for run in runs(acme):
            wait_for(organisation=acme.organisation, run=run.id, seconds=5)
    assert [(each["depth"], each["state"]) for each in firings(acme, loop)] == [
        (2, "skipped"), (1, "fired"), (0, "fired"),
    ]  # fmt: skip
    acme.delete(f"{PATH}/{loop['id']}")
    flood = create(acme, name="flood", per_minute=2)
    for number in range(4):
        acme.store(f"memory {number}")
    happen(acme)
    assert sorted(each["state"] for each in firings(acme, flood)) == ["fired", "fired", "skipped", "skipped"]


def test_events_of_ones_own_start_runs_whose_events_are_stopped_in_circles(acme):
    emits = [
        step(
            "tell",
            "event.emit",
            arguments={"type": "order.seen", "subject": "{said}", "data": {"of": "{said}"}},
        )
    ]
    publish_template(acme, "seen", emits, parameters=ECHO)
    trigger = create(
        acme, name="own", event="order.*", template="seen", parameters={"said": "{event.data.of}"}, max_depth=2, conditions={"data": {"of": "o-1"}},
    )  # fmt: skip
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "/shop",
        "type": "order.placed",
        "data": {"of": "o-1"},
    }
    for _ in range(3):
        acme.send("/api/v1/events", json.dumps(event), "application/cloudevents+json")
    acme.send(
        "/api/v1/events",
        json.dumps(event | {"id": "2", "data": {"of": "o-2"}}),
        "application/cloudevents+json",
    )
    for _ in range(4):
        happen(acme)
        for run in runs(acme):
            wait_for(organisation=acme.organisation, run=run.id, seconds=5)
    found = firings(acme, trigger)
    assert [(each["type"], each["depth"], each["state"]) for each in found] == [
        ("order.seen", 2, "skipped"), ("order.seen", 1, "fired"), ("order.placed", 0, "fired"),
    ]  # fmt: skip
    assert [each["subject"] for each in found] == ["o-1", "o-1", ""]
    create(acme, 422, name="unknown", event="liftos.order.placed")


def test_erased_memory_and_faulty_parameters_fail_and_hold_up_nothing(acme):
    reads = create(acme, name="reads", parameters={"said": "{memory.content}"})
    faulty = create(acme, name="faulty", parameters={"said": "{event.data.nothing}"})
    wrong = create(acme, name="wrong", parameters={"said": 5})
    memory = acme.store("to be erased")
    with viewing(EVERYTHING):
        relay(organisation=acme.organisation)
    acme.delete(f"/api/v1/memories/{memory}")
    happen(acme)
    for trigger, words in ((reads, "gone"), (faulty, "nothing"), (wrong, "said")):
        [firing] = firings(acme, trigger)
        assert firing["state"] == "failed", firing
        assert words in firing["reason"], firing
    assert runs(acme) == []


def test_pause_dry_run_and_change(acme):
    trigger = create(acme, conditions={"text": "rain"})
    path = f"{PATH}/{trigger['id']}"
    assert acme.post(f"{path}/pause", {}).json()["paused_at"] is not None
    wet = acme.store("rain")
    acme.store("sun")
    assert happen(acme) == 0
    dry = acme.post(f"{path}/dry-run", {"last": 50}).json()
    assert [each["subject"] for each in dry["results"]] == [f"memories/{wet}"]
    assert dry["tested"] >= 2
    assert runs(acme) == []
    assert acme.post(f"{path}/resume", {}).json()["paused_at"] is None
    assert happen(acme) == 0
    changed = acme.patch(path, {"conditions": {"text": "sun"}, "name": "sunny"}).json()
    assert (changed["name"], changed["conditions"]) == ("sunny", {"text": "sun"})
    acme.store("more sun")
    assert happen(acme) == 1
    assert acme.delete(path).status_code == 204
    assert acme.get(path).status_code == 404


def test_bad_input_names_the_field(acme, rival):
    for change, status, loc in (
        ({"event": "liftos.memory.stord"}, 422, ["body", "event"]),
        (
            {"conditions": {"filters": {"a": {"$nope": 1}}}},
            422,
            ["body", "conditions", "filters", "a", "$nope"],
        ),
        ({"conditions": {"memory_typ": "a"}}, 422, ["body", "conditions", "memory_typ"]),
        ({"conditions": {"space": "offers"}}, 422, ["body", "conditions"]),
        ({"conditions": {"space": "no such", "concept": "a"}}, 422, ["body", "conditions", "space"]),
        ({"parameters": {"said": ["{steps.a.result}"]}}, 422, ["body", "parameters", "said", "0"]),
        ({"per_minute": 0}, 422, ["body", "per_minute"]),
        ({"template": "no such"}, 404, None),
    ):
        response = acme.post(
            PATH, {"name": "t", "event": "liftos.memory.stored", "template": "echo"} | change
        )
        assert response.status_code == status, (change, response.content)
        if loc:
            assert response.json()["errors"][0]["loc"] == loc, (change, response.content)
    trigger = create(acme)
    assert create(acme, status=409)["code"] == "workflows.trigger_exists"
    assert create(with_key(acme, Scope.WORKFLOWS_WRITE)[0], status=403, name="other")
    for method in (rival.get, rival.delete):
        assert method(f"{PATH}/{trigger['id']}").status_code == 404
    with viewing(EVERYTHING), tenant_transaction(acme.organisation):
        assert Trigger.objects.count() == 1
