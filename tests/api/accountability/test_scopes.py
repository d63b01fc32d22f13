"""Decisions that not everybody in the organisation may see: absent by every route, whole in the log."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from accountability.ledger import verifier
from accountability.ledger.sequencer import drain
from accountability.ledger.verifier import verify_export
from accountability.operations import record
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.db.viewers import EVERYBODY, seeing_everything, viewing
from liftos.kernel.outbox.models import OutboxEvent
from liftos.kernel.tenancy.operations import create_api_key
from liftos.kernel.tenancy.types import SYSTEM, Scope
from tests.factories.principals import key_of, principal_of, seen_by

CANARY = "quetzalcoatlus"


@pytest.fixture
def alice(acme):
    return key_of(acme, principal_of(acme, "alice"))


@pytest.fixture
def bob(acme):
    """Return bob's caller and the id of his private decision, which follows from a public one and has a public child."""
    row = principal_of(acme, "bob")
    viewer = seen_by(acme, row)
    with viewing(viewer), tenant_transaction(acme.organisation):
        parent = decide(acme)
        private = decide(acme, parents=[parent], scope_id=viewer.own, reasoning=CANARY)
        child = decide(acme, parents=[private])
    return key_of(acme, row), private, parent, child


def decide(caller, **more):
    fields = {"operation": "agent.plan", "reasoning": "because", "risk_class": "high", "confidence": 0.4}
    return record(organisation=caller.organisation, by=SYSTEM, **(fields | more))


def read(caller, path):
    response = caller.get(f"/api/v1/{path}")
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return response.status_code, body.decode()


@pytest.mark.parametrize("route", ["", "/chain", "/proof?wait=integrated&disclose=true", "/reviews"])
def test_hidden_decision_is_404(alice, bob, route):
    owner, private, *_ = bob
    path = f"decisions/{private}{route}"
    assert read(owner, path)[0] == 200
    status, body = read(alice, path)
    assert status == 404
    assert json.loads(body)["code"] == "accountability.decision_not_found"


def test_hidden_decision_is_in_no_list_queue_or_export(alice, bob):
    owner, private, *_ = bob
    drain(organisation=alice.organisation)
    for path in (
        "decisions?limit=200",
        "reviews?limit=200",
        "decisions/export",
        "decisions/export?format=prov",
    ):
        assert str(private) in read(owner, path)[1], path
        body = read(alice, path)[1]
        assert f'"id": "{private}"' not in body.replace('":"', '": "')
        assert CANARY not in body, path


def test_chain_leaves_hidden_decisions_out(alice, bob):
    owner, private, parent, child = bob
    seen = json.loads(read(owner, f"decisions/{parent}/chain")[1])["results"]
    assert [step["decision"]["id"] for step in seen] == list(map(str, (parent, private, child)))
    seen = json.loads(read(alice, f"decisions/{parent}/chain")[1])["results"]
    assert [step["decision"]["id"] for step in seen] == list(map(str, (parent, child)))


def test_nobody_reviews_what_they_can_not_see(alice, bob):
    _, private, *_ = bob
    answer = alice.post(f"/api/v1/decisions/{private}/reviews", {"verdict": "approve", "reason": "seen"})
    assert answer.status_code == 404


def test_review_of_a_private_decision_is_as_private(acme, alice, bob):
    owner, private, *_ = bob
    made = owner.post(f"/api/v1/decisions/{private}/reviews", {"verdict": "approve", "reason": CANARY})
    assert made.status_code == 201, made.content
    assert read(alice, f"decisions/{made.json()['id']}")[0] == 404
    assert CANARY in read(owner, f"decisions/{private}/reviews")[1]
    with viewing(EVERYBODY), tenant_transaction(acme.organisation):
        assert not OutboxEvent.objects.filter(subject=f"decisions/{private}").exists()
    with seeing_everything(), tenant_transaction(acme.organisation):
        assert OutboxEvent.objects.filter(subject=f"decisions/{private}").exists()


def test_decision_that_follows_from_a_private_one_is_private(alice, bob):
    owner, private, parent, _ = bob
    body = {"operation": "agent.plan", "reasoning": "so", "parents": [str(private)]}
    made = owner.post("/api/v1/decisions", body)
    assert made.status_code == 201
    assert read(alice, f"decisions/{made.json()['id']}")[0] == 404
    assert alice.post("/api/v1/decisions", body).status_code == 422
    made = owner.post("/api/v1/decisions", body | {"parents": [str(parent)]})
    assert read(alice, f"decisions/{made.json()['id']}")[0] == 200


def test_log_is_whole_for_everybody(acme, alice, bob):
    owner, private, *_ = bob
    drain(organisation=acme.organisation)
    for caller in (alice, owner, acme):
        found = json.loads(read(caller, "ledger/verification")[1])
        assert found["holds"], found
        assert found["records"] == json.loads(read(owner, "ledger/checkpoint")[1])["size"]
    _, token = create_api_key(
        organisation=acme.organisation, by=SYSTEM, scopes=frozenset({Scope.LEDGER_FOLLOW})
    )
    size = found["records"]
    entries = acme.client.get(f"/api/v1/ledger/{token}/tile/entries/000.p/{size}")
    assert entries.status_code == 200
    assert str(private).encode() in entries.content
    assert CANARY.encode() not in entries.content


def test_export_without_hidden_decisions_verifies(alice, bob, tmp_path):
    drain(organisation=alice.organisation)
    head = json.loads(read(alice, "ledger/checkpoint")[1])
    lines = read(alice, "decisions/export")[1].encode().splitlines(keepends=True)
    found = verify_export(lines, head["checkpoint"], head["key"])
    assert (found.size, found.withheld) == (head["size"], 1)
    assert (
        verify_export(
            read(bob[0], "decisions/export")[1].encode().splitlines(), head["checkpoint"], head["key"]
        ).withheld
        == 0
    )
    altered = json.loads(lines[-1])
    altered["leaf_hash"] = "A" * 43 + "="
    with pytest.raises(verifier.NotVerified, match="do not lead to"):
        verify_export([*lines[:-1], json.dumps(altered).encode()], head["checkpoint"], head["key"])
    export, checkpoint = tmp_path / "export.jsonl", tmp_path / "checkpoint.txt"
    export.write_bytes(b"".join(lines))
    checkpoint.write_text(head["checkpoint"])
    command = [sys.executable, str(Path(verifier.__file__)), str(export), "--key", head["key"]]
    done = subprocess.run([*command, "--checkpoint", str(checkpoint)], capture_output=True, check=True)
    assert "1 records withheld" in done.stdout.decode()


def test_figures_count_only_what_is_seen(acme, alice, bob):
    owner, *_ = bob
    drain(organisation=acme.organisation)

    def total(caller):
        return caller.get("/performance/metrics").json()

    before = total(alice)
    viewer_sees = total(owner)
    assert _totals(viewer_sees) == [each + 1 for each in _totals(before)]


def _totals(body):
    found = []

    def walk(value):
        if isinstance(value, dict):
            for key, each in value.items():
                if key == "total_events":
                    found.append(each)
                walk(each)

    walk(body)
    return found
