"""POST and GET /api/v1/decisions/{id}/outcomes, and what calibration makes of them."""

import json

import pytest
from django.utils import timezone

from accountability.calibration.operations import calibrate, has_new_verdicts
from accountability.ledger.sequencer import drain
from accountability.ledger.verification import verify_log
from accountability.models import DecisionRecord
from accountability.outcomes.types import Target, rightness
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.outbox.models import OutboxEvent
from liftos.kernel.tenancy.operations import create_api_key
from liftos.kernel.tenancy.types import SYSTEM, Scope
from tests.api.routes import NOBODYS_ID
from tests.factories.callers import Caller
from tests.factories.principals import key_of, principal_of


def decide(caller, **fields):
    body = {
        "operation": "agent.plan",
        "reasoning": "because",
        "confidence": 0.9,
        "confidence_method": "guess",
    }
    return caller.post("/api/v1/decisions", body | fields).json()["id"]


def learn(caller):
    return calibrate(organisation=caller.organisation, by=SYSTEM, now=timezone.now())


def test_outcomes_are_records_that_follow_from_their_decision_and_are_read_with_it(acme):
    decision = decide(acme)
    path = f"/api/v1/decisions/{decision}"
    first = acme.post(
        f"{path}/outcomes",
        {"value": 0.18, "unit": "lift", "at": "2024-03-01", "note": "two weeks", "at_least": 0.1},
    )
    assert first.status_code == 201, first.content
    assert first.json()["rightness"] == 1.0
    acme.post(f"{path}/outcomes", {"value": False, "at": "2024-04-01"})
    acme.post(f"{path}/outcomes", {"value": "too early to say", "at": "2024-01-01"})
    listed = acme.get(f"{path}/outcomes").json()["results"]
    assert [(each["value"], each["rightness"]) for each in listed] == [
        ("too early to say", None), (0.18, 1.0), (False, 0.0),
    ]  # fmt: skip
    assert listed[1] | {"recorded_at": ""} == {
        "id": first.json()["id"], "decision_id": decision, "value": 0.18, "unit": "lift", "at": "2024-03-01T00:00:00Z", "note": "two weeks",
        "target": {"at_least": 0.1, "at_most": None}, "rightness": 1.0, "actor_kind": "api_key", "actor_id": listed[1]["actor_id"],
        "on_behalf_of": "", "recorded_at": "",
    }  # fmt: skip
    assert acme.get(path).json()["outcomes"] == listed
    assert acme.get(f"/api/v1/decisions/{listed[0]['id']}").json()["parents"] == [decision]
    drain(organisation=acme.organisation)
    with tenant_transaction(acme.organisation):
        *_, last = verify_log(acme.organisation)
        assert last.verdict.holds
        events = OutboxEvent.objects.filter(type="liftos.decision.outcome_recorded")
        assert sorted(str(each.data["rightness"]) for each in events) == ["0.0", "1.0", "None"]


@pytest.mark.parametrize(
    ("value", "unit", "target", "right"),
    [
        (True, "", Target(), 1.0), (False, "x", Target(), 0.0), (0, "", Target(), 0.0), (0.25, "", Target(), 0.25), (1, "", Target(), 1.0),
        (0.25, "EUR", Target(), None), (7, "", Target(), None), (-0.5, "", Target(), None), ("good", "", Target(), None),
        (7, "EUR", Target(at_least=7), 1.0), (6.9, "EUR", Target(at_least=7), 0.0), (7, "", Target(at_most=6), 0.0),
        (7, "", Target(5, 9), 1.0), (0.5, "", Target(at_least=0.6), 0.0),
    ],
)  # fmt: skip
def test_a_value_is_right_wrong_a_share_or_unknown(value, unit, target, right):
    assert rightness(value, unit=unit, target=target) == right


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "value"), ({"value": None}, "value"), ({"value": []}, "value"), ({"value": ""}, "value"), ({"value": "x" * 501}, "value"),
        ({"value": 1e300}, "value"), ({"value": 1, "at": "2999-01-01"}, "at"), ({"value": 1, "at": "soon"}, "at"),
        ({"value": True, "at_least": 1}, "at_least"), ({"value": "a", "at_most": 1}, "at_most"),
        ({"value": 1, "at_least": 2, "at_most": 1}, "at_most"), ({"value": 1, "unit": "x" * 51}, "unit"),
        ({"value": 1, "note": "x" * 2_001}, "note"), ({"value": 1, "note": "a\0b"}, "note"),
    ],
)  # fmt: skip
def test_bad_outcome_is_422_and_nothing_is_recorded(acme, body, field):
    decision = decide(acme)
    with tenant_transaction(acme.organisation):
        before = DecisionRecord.objects.count()
    answer = acme.post(f"/api/v1/decisions/{decision}/outcomes", body)
    assert answer.status_code == 422, answer.content
    assert [each["loc"] for each in answer.json()["errors"]] == [["body", field]]
    with tenant_transaction(acme.organisation):
        assert DecisionRecord.objects.count() == before


def test_unknown_foreign_and_hidden_decisions_are_404_and_an_outcome_has_none(acme, rival):
    decision = decide(acme)
    bob = key_of(acme, principal_of(acme, "bob"))
    body = {"content": "only bob's", "visible_to": {"principal": "bob"}}
    memory = bob.post("/api/v1/memories", body).json()["id"]
    private = decide(bob, memories=[memory])
    outcome = acme.post(f"/api/v1/decisions/{decision}/outcomes", {"value": 1}).json()["id"]
    alice = key_of(acme, principal_of(acme, "alice"))
    for caller, named, status in (
        (acme, NOBODYS_ID, 404), (rival, decision, 404), (alice, private, 404), (acme, outcome, 409), (bob, private, 201),
    ):  # fmt: skip
        answer = caller.post(f"/api/v1/decisions/{named}/outcomes", {"value": 1, "note": "quetzalcoatlus"})
        assert answer.status_code == status, answer.content
    assert alice.get(f"/api/v1/decisions/{private}/outcomes").status_code == 404
    seen = b"".join(alice.get("/api/v1/decisions/export").streaming_content)
    assert b"quetzalcoatlus" not in seen
    # of a private decision, so not of a calibration that everybody reads
    learn(acme)
    assert "quetzalcoatlus" not in acme.get("/api/v1/decisions").content.decode()


def test_scopes(acme):
    decision = decide(acme)
    for scope, read, written in ((Scope.DECISIONS_READ, 200, 403), (Scope.DECISIONS_WRITE, 403, 201)):
        _, token = create_api_key(organisation=acme.organisation, by=SYSTEM, name="k", scopes={scope})
        caller = Caller(acme.organisation, acme.slug, token, acme.client)
        path = f"/api/v1/decisions/{decision}/outcomes"
        assert (caller.get(path).status_code, caller.post(path, {"value": 1}).status_code) == (read, written)


def test_erasing_a_memory_erases_what_outcomes_of_its_decisions_say(acme):
    memory = acme.store("Ann earns 5,000")
    decision = decide(acme, memories=[memory])
    body = {"value": "5,000 EUR quetzalcoatlus", "note": "quetzalcoatlus"}
    acme.post(f"/api/v1/decisions/{decision}/outcomes", body)
    acme.post(f"/api/v1/decisions/{decision}/outcomes", {"value": True})
    acme.delete(f"/api/v1/memories/{memory}")
    answer = acme.get(f"/api/v1/decisions/{decision}")
    assert "quetzalcoatlus" not in json.dumps(answer.json())
    kept = answer.json()["outcomes"]
    assert [(each["value"], each["note"], each["rightness"]) for each in kept] == [
        (None, "", None),
        (None, "", 1.0),
    ]


def test_confidences_are_calibrated_against_outcomes_of_which_the_last_counts(acme, settings):
    settings.LIFTOS_CALIBRATION_REVIEWS = 30
    assert not has_new_verdicts(organisation=acme.organisation)
    for number in range(30):
        path = f"/api/v1/decisions/{decide(acme)}/outcomes"
        acme.post(path, {"value": number % 3 == 0, "at": "2024-01-01"})
        acme.post(path, {"value": number % 3 > 0, "at": "2024-02-01"})
        acme.post(path, {"value": 12, "unit": "EUR", "at": "2024-03-01"})
    assert has_new_verdicts(organisation=acme.organisation)
    [row] = learn(acme)
    assert (row.reviews, row.right, row.figures["because"]) == (30, 20, {"outcome": 30})
    assert not has_new_verdicts(organisation=acme.organisation)
    asked = acme.get(f"/api/v1/decisions/{decide(acme)}").json()
    assert asked["confidence_calibrated"] == pytest.approx(2 / 3, abs=0.05)
    [shown] = acme.get("/api/v1/calibration").json()["results"]
    assert (shown["outcomes"], shown["drift"]) == (30, None)


def test_a_calibration_that_leaves_its_band_is_announced_once(acme, settings):
    settings.LIFTOS_CALIBRATION_REVIEWS = 1_000

    def observe(rights):
        for right in rights:
            acme.post(f"/api/v1/decisions/{decide(acme)}/outcomes", {"value": right})
        return learn(acme)[0].figures["drift"]

    def events():
        with tenant_transaction(acme.organisation):
            found = OutboxEvent.objects.filter(type="liftos.calibration.drifted").order_by("id")
            return [each.data for each in found]

    assert observe([True] * 27 + [False] * 3) is None
    assert observe([True])["drifted"] is False
    assert events() == []
    drift = observe([False] * 30)
    assert drift["drifted"] is True
    assert (drift["expected"], drift["reviews"], drift["band"]) == (0.9, 61, 0.1)
    assert observe([False])["drifted"] is True
    [event] = events()
    assert event["observed"] == pytest.approx(28 / 61, abs=1e-6)
    assert acme.get("/api/v1/calibration").json()["results"][0]["drift"]["drifted"] is True
