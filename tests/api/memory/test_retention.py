"""/api/v1/retention: rules and legal holds."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from accountability.ledger.sequencer import drain
from accountability.ledger.verification import verify_within
from accountability.models import DecisionPayload, DecisionRecord
from liftos.kernel.db.transactions import tenant_transaction, whole_tenant
from liftos.kernel.db.viewers import seeing_everything
from memory.models import Erasure, Memory
from memory.tasks import sweep_lives
from memory.trust.expiry import expire_due
from tests.api.routes import NOBODYS_ID
from tests.factories.keys import with_key
from tests.factories.principals import group_of, key_of, principal_of

RULES, HOLDS = "/api/v1/retention", "/api/v1/retention/holds"
DAY = 86_400


def rule(caller, name="r", **fields):
    response = caller.post(RULES, {"name": name, "ttl_seconds": DAY} | fields)
    assert response.status_code == 201, response.content
    return response.json()


def hold(caller, name="Smith v. Acme", **fields):
    response = caller.post(HOLDS, {"name": name} | fields)
    assert response.status_code == 201, response.content
    return response.json()


def aged(caller, content, days=2, **fields):
    memory = caller.store(content, **fields)
    with whole_tenant(caller.organisation):
        Memory.objects.filter(id=memory).update(recorded_at=timezone.now() - timedelta(days=days))
    return memory


def sweep_all():
    """Sweep as a worker does, which sees all scopes."""
    with seeing_everything():
        sweep_lives()


def state(caller, memory):
    response = caller.get(f"/api/v1/memories/{memory}")
    return response.json()["state"] if response.status_code == 200 else response.status_code


def put(caller, path, body):
    headers = {"authorization": f"Bearer {caller.token}"}
    return caller.client.put(path, json.dumps(body), content_type="application/json", headers=headers)


def decisions(caller, operation):
    with tenant_transaction(caller.organisation):
        return list(DecisionRecord.objects.filter(operation=operation).order_by("id"))


def test_rules_are_created_listed_replaced_and_deleted_on_record(acme):
    made = rule(acme, "logs", memory_type="log", source="app", action="erase")
    assert [made[name] for name in ("name", "memory_type", "source", "ttl_seconds", "action")] == [
        "logs",
        "log",
        "app",
        DAY,
        "erase",
    ]
    assert acme.get(RULES).json()["results"] == [{name: made[name] for name in made if name != "decision_id"}]
    changed = put(acme, f"{RULES}/{made['id']}", {"name": "logs", "ttl_seconds": 5}).json()
    assert (changed["id"], changed["memory_type"], changed["ttl_seconds"], changed["action"]) == (
        made["id"],
        None,
        5,
        "expire",
    )
    gone = acme.delete(f"{RULES}/{made['id']}")
    assert (gone.status_code, acme.get(RULES).json()["results"]) == (200, [])
    assert acme.delete(f"{RULES}/{made['id']}").status_code == 404
    assert [str(each.id) for each in decisions(acme, "memory.retention_rule")] == [
        made["decision_id"],
        changed["decision_id"],
    ]
    assert [str(each.id) for each in decisions(acme, "memory.drop_retention_rule")] == [
        gone.json()["decision_id"]
    ]


def test_a_rule_expires_memories_of_its_type_and_source(acme, rival):
    due = aged(acme, "due", memory_type="log", source="app")
    kept = [
        aged(acme, "type", source="app"), aged(acme, "source", memory_type="log"),
        aged(acme, "young", days=0, memory_type="log", source="app"), aged(rival, "theirs", memory_type="log", source="app"),
    ]  # fmt: skip
    made = rule(acme, "logs", memory_type="log", source="app")
    sweep_all()
    assert state(acme, due) == "expired"
    assert [state(acme, each) for each in kept[:3]] + [state(rival, kept[3])] == ["active"] * 4
    [record] = decisions(acme, "memory.expire")
    with tenant_transaction(acme.organisation):
        payload = DecisionPayload.objects.get(decision=record).values
    assert (payload["inputs"]["rule"], payload["outputs"]["expired"]) == (made["id"], 1)
    history = acme.get(f"/api/v1/memories/{due}/history").json()["results"]
    assert (history[0]["operation"], history[0]["reason"]) == ("memory.expire", "Retention rule logs.")
    sweep_all()
    assert len(decisions(acme, "memory.expire")) == 1


def test_a_rule_erases_with_a_receipt_and_the_log_verifies(acme):
    due = [aged(acme, f"due {number}") for number in range(3)]
    aged(acme, "rejected long ago")
    rule(acme, "all", action="erase")
    sweep_all()
    assert [state(acme, each) for each in due] == [404] * 3
    with tenant_transaction(acme.organisation):
        assert Memory.objects.count() == 0
        assert Erasure.objects.filter(part_of=None).count() == 1
    assert "Retention rule all." in json.dumps(acme.get("/api/v1/decisions?operation=memory.delete").json())
    drain(organisation=acme.organisation)
    assert verify_within(acme.organisation, most=1_000)[1].holds


def test_an_empty_source_is_a_source(acme):
    due, kept = aged(acme, "no source"), aged(acme, "app", source="app")
    rule(acme, source="")
    sweep_all()
    assert [state(acme, due), state(acme, kept)] == ["expired", "active"]


@pytest.mark.parametrize("fields", [{}, {"memory_type": "log"}, {"source": "app"}, "named"])
def test_a_hold_wins_over_rules_expiry_and_erasure(acme, fields):
    held = aged(acme, "The contract of the held kind", memory_type="log", source="app", user_id="ann")
    with tenant_transaction(acme.organisation):
        Memory.objects.filter(id=held).update(expires_at=timezone.now() - timedelta(days=1))
    placed = hold(acme, **({"memories": [held]} if fields == "named" else fields))
    rule(acme, "expire")
    rule(acme, "erase", action="erase")
    sweep_all()
    assert expire_due(organisation=acme.organisation) == 0
    assert state(acme, held) == "active"
    for refused in (
        acme.delete(f"/api/v1/memories/{held}"),
        acme.post("/api/v1/subjects/user/ann/erase", {}),
    ):
        body = refused.json()
        assert (refused.status_code, body["code"], body["hold"], body["hold_id"]) == (
            409,
            "memory.legally_held",
            "Smith v. Acme",
            placed["id"],
        )
        assert "Smith v. Acme" in body["detail"]
    with tenant_transaction(acme.organisation):
        assert not Erasure.objects.exists()
    released = acme.delete(f"{HOLDS}/{placed['id']}")
    assert released.status_code == 200
    assert [str(each.id) for each in decisions(acme, "memory.release_hold")] == [
        released.json()["decision_id"]
    ]
    assert acme.delete(f"/api/v1/memories/{held}").status_code == 200


def test_a_hold_is_on_its_own_memories_and_copies_only(acme, rival):
    held, free = aged(acme, "A text that is held by the court"), aged(acme, "free")
    source = aged(acme, "a Text that is held by the court!")
    copy = acme.store("A text that is held by the court", derived_from=[source])
    hold(acme, "copies", memories=[copy])
    hold(rival)
    rule(acme, "all", action="erase")
    # the source's copy is held, so both stay; the rest of the batch goes
    sweep_all()
    assert [state(acme, each) for each in (held, free, source, copy)] == [404, 404, "active", "active"]
    assert acme.delete(f"/api/v1/memories/{source}").json()["hold"] == "copies"


def test_rules_and_holds_of_what_some_see(acme):
    ann, sales = principal_of(acme, "ann"), group_of(acme, "sales")
    hers = key_of(acme, ann)
    private, shared = aged(hers, "hers alone", visible_to={"principal": "ann"}), aged(acme, "everybody's")
    made = rule(acme, "private", visible_to={"principal": "ann"})
    assert made["visible_to"] == {"principal": "ann"}
    sweep_all()
    assert [state(hers, private), state(acme, shared)] == ["expired", "active"]
    hold(acme, "sales", visible_to={"groups": ["sales"]})
    assert acme.delete(f"/api/v1/memories/{shared}").status_code == 200
    hold(acme, "hers", visible_to={"principal": "ann"})
    assert hers.delete(f"/api/v1/memories/{private}").json()["hold"] == "hers"
    assert sales.name == "sales"
    unknown = acme.post(RULES, {"name": "n", "ttl_seconds": 1, "visible_to": {"groups": ["nobody"]}})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "memory.not_visible")


def test_holds_are_listed_and_named_once(acme):
    memory = acme.store("x")
    made = hold(acme, "h", reason="Court order 5", source="app", memories=[memory, memory])
    assert (made["memories"], made["reason"]) == ([memory], "Court order 5")
    assert acme.get(HOLDS).json()["results"] == [{name: made[name] for name in made if name != "decision_id"}]
    again = acme.post(HOLDS, {"name": "h"})
    assert (again.status_code, again.json()["code"]) == (409, "memory.hold_exists")
    rule(acme, "r")
    again = acme.post(RULES, {"name": "r", "ttl_seconds": 1})
    assert (again.status_code, again.json()["code"]) == (409, "memory.rule_exists")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (RULES, {"ttl_seconds": 1}, "name"), (RULES, {"name": " ", "ttl_seconds": 1}, "name"),
        (RULES, {"name": "n" * 101, "ttl_seconds": 1}, "name"), (RULES, {"name": "n"}, "ttl_seconds"),
        (RULES, {"name": "n", "ttl_seconds": 0}, "ttl_seconds"), (RULES, {"name": "n", "ttl_seconds": 1e12}, "ttl_seconds"),
        (RULES, {"name": "n", "ttl_seconds": "nan"}, "ttl_seconds"),
        (RULES, {"name": "n", "ttl_seconds": 1, "action": "burn"}, "action"),
        (RULES, {"name": "n", "ttl_seconds": 1, "memory_type": 5}, "memory_type"),
        (RULES, {"name": "n", "ttl_seconds": 1, "source": "s" * 101}, "source"),
        (RULES, {"name": "n", "ttl_seconds": 1, "zebra": 1}, "zebra"),
        (HOLDS, {"reason": "r"}, "name"), (HOLDS, {"name": "n", "memories": ["x"]}, "memories"),
        (HOLDS, {"name": "n", "reason": "r" * 2_001}, "reason"), (HOLDS, {"name": "a\nb"}, "name"),
    ],
)  # fmt: skip
def test_bad_input_is_422_and_names_the_field(acme, path, body, field):
    response = acme.post(path, body)
    assert response.status_code == 422, response.content
    assert {each["loc"][1] for each in response.json()["errors"]} == {field}
    assert acme.get(path).json()["results"] == []


def test_anothers_rules_and_holds_are_404(acme, rival):
    made, placed = rule(acme), hold(acme)
    assert put(rival, f"{RULES}/{made['id']}", {"name": "x", "ttl_seconds": 1}).status_code == 404
    assert rival.delete(f"{RULES}/{made['id']}").status_code == 404
    assert rival.delete(f"{HOLDS}/{placed['id']}").status_code == 404
    assert rival.get(RULES).json()["results"] == rival.get(HOLDS).json()["results"] == []
    assert put(acme, f"{RULES}/{NOBODYS_ID}", {"name": "x", "ttl_seconds": 1}).status_code == 404


def test_only_administrators_change_them(acme):
    weak, _ = with_key(acme, "memory:write", "memory:read")
    assert weak.post(RULES, {"name": "r", "ttl_seconds": 1}).status_code == 403
    assert weak.post(HOLDS, {"name": "h"}).status_code == 403
    assert weak.get(HOLDS).status_code == 200
