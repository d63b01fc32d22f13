"""Every event that the product emits is of a declared type, as docs/events.md says."""

import ast
import json
import re

import pytest
from django.core.management import call_command
from django.utils import timezone

from accountability.calibration.drift import announce
from accountability.models.calibration import Calibration
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.db.viewers import EVERYTHING, viewing
from liftos.kernel.outbox.catalogue import event_types, unknown_patterns
from liftos.kernel.outbox.documentation import BEGINS
from liftos.kernel.outbox.models import OutboxEvent
from liftos.kernel.tenancy.types import SYSTEM
from liftos.runtime.embedded.paths import REPOSITORY
from memory.care.runs import care
from memory.care_types import Kind
from tests.factories.flows import registered_functions, step
from tests.security.world import publish_template


def test_page_is_current():
    call_command("document_events", check=True)
    assert BEGINS in (REPOSITORY / "docs" / "events.md").read_text()


def test_patterns_match_declared_types():
    assert unknown_patterns(["liftos.memory.stored", "liftos.memory.*", "*", "acme.order"]) == []
    assert unknown_patterns(["liftos.memory.stord", "liftos.memroy.*"]) == [
        "liftos.memory.stord",
        "liftos.memroy.*",
    ]


def written_types():
    """Return the types that the code emits, formatted parts as `.+`."""
    found = set()
    for app in ("liftos/kernel/tenancy", "memory", "spaces", "accountability", "workflows"):
        for path in (REPOSITORY / app).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if not isinstance(node, ast.Call) or not getattr(node.func, "id", "").lstrip("_").startswith(
                    "emit"
                ):
                    continue
                for value in [*node.args, *(each.value for each in node.keywords)]:
                    for text in ast.walk(value):
                        if isinstance(text, ast.JoinedStr):
                            parts = [
                                re.escape(p.value) if isinstance(p, ast.Constant) else ".+"
                                for p in text.values
                            ]
                            found.add("".join(parts))
                        elif isinstance(text, ast.Constant) and isinstance(text.value, str):
                            found.add(re.escape(text.value))
    return {
        each for each in found if each.startswith("liftos") and "/" not in each and not each.endswith(".")
    }


def test_code_emits_declared_types_only():
    patterns = written_types()
    assert len(patterns) >= 12
    for each in patterns:
        assert any(re.fullmatch(each, name) for name in event_types()), each
    for name in event_types():
        assert any(re.fullmatch(each, name) for each in patterns), name


@pytest.fixture
def everything_happened(acme):
    """Do something for every type of event."""
    one, other = acme.store("Boots sell when it rains", metadata={"a": 1}), acme.store("Umbrellas do too")
    link = {"kind": "about", "target": other}
    assert acme.post(f"/api/v1/memories/{one}/links", link).status_code < 300
    assert acme.delete(f"/api/v1/memories/{one}/links?kind=about&target={other}").status_code < 300
    path = f"/api/v1/memories/{one}"
    assert acme.patch(path, {"metadata": {"a": 2}}, **{"if-match": '"1"'}).status_code == 200
    rejected = {"reason": "wrong"}
    assert acme.post(f"/api/v1/memories/{other}/reject", rejected, **{"if-match": '"1"'}).status_code == 200
    assert acme.delete(path).status_code == 200
    decided = {"operation": "budget.move", "reasoning": "x", "risk_class": "limited"}
    decision = acme.post("/api/v1/decisions", decided).json()["id"]
    key = acme.post("/api/v1/keys", {"name": "reviewer"}).json()
    reviewer = type(acme)(acme.organisation, acme.slug, key["token"], acme.client)
    verdict = {"verdict": "overturn", "reason": "no"}
    reviewed = reviewer.post(f"/api/v1/decisions/{decision}/reviews", verdict)
    assert reviewed.json()["state"] == "overturned", reviewed.content
    assert acme.post(f"/api/v1/decisions/{decision}/outcomes", {"value": True}).status_code == 201
    drift = {"expected": 0.9, "observed": 0.5, "reviews": 60, "band": 0.1}
    group = Calibration(decision_id=decision, decision_point="budget.move", confidence_method="own")
    group.figures = {"drift": drift}
    with tenant_transaction(acme.organisation):
        announce(acme.organisation, [group])
    key = acme.post(f"/api/v1/keys/{key['id']}/rotate", {}).json()
    assert acme.delete(f"/api/v1/keys/{key['id']}").status_code == 200
    price = {"name": "price", "low": ["cheap"], "high": ["expensive"]}
    space = acme.post("/api/v1/spaces", {"name": "offers", "dimensions": [price]}).json()["id"]
    size = {"name": "size", "low": ["small"], "high": ["large"]}
    assert acme.put(f"/api/v1/spaces/{space}/dimensions", {"dimensions": [price, size]}).status_code < 300
    assert acme.delete(f"/api/v1/spaces/{space}").status_code < 300
    assert acme.post("/api/v1/principals", {"name": "bob"}).status_code == 201
    glass = acme.post("/api/v1/break_glass", {"principal": "bob", "reason": "A request of the law"}).json()
    assert acme.delete(f"/api/v1/break_glass/{glass['id']}").status_code == 204
    with registered_functions():
        publish_template(acme, "asks", [step("a"), step("ask", approval=True)])
        run = acme.post("/api/v1/workflows/runs", {"template": "asks", "wait": True}).json()["id"]
        approval = {"step": "ask", "approved": False}
        acme.post(f"/api/v1/workflows/runs/{run}/approve", approval)
        other = acme.post("/api/v1/workflows/runs", {"template": "asks", "wait": True}).json()["id"]
        assert acme.post(f"/api/v1/workflows/runs/{other}/cancel", {"reason": "x"}).status_code == 200
    acme.store("The winter offer", valid_to="2020-01-01T00:00:00Z")
    care(organisation=acme.organisation, by=SYSTEM, now=timezone.now(), kinds=[Kind.STALE], limit=10)
    return acme


def test_each_type_holds_for_real_events(everything_happened):
    acme = everything_happened
    with viewing(EVERYTHING), tenant_transaction(acme.organisation):
        events = list(OutboxEvent.objects.all())
    kinds = event_types()
    for event in events:
        kind = kinds[event.type]
        kind.data.model_validate_json(json.dumps(event.data))
        assert re.fullmatch(re.sub(r"\\{\w+\\}", "[0-9a-f-]{36}", re.escape(kind.subject)), event.subject)
        shown = event.envelope()
        assert (shown["specversion"], shown["type"], shown["id"]) == ("1.0", event.type, str(event.id))
    assert set(kinds) - {event.type for event in events} == set()
