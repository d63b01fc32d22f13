"""Every route that stores or records text applies the policy for secrets to every field; driven by the OpenAPI schema."""

import json
import re

import pytest
from django.db import transaction

from liftos.kernel.tenancy.types import SYSTEM, Scope
from memory.policies import SECRETS_POLICY
from memory.policy_types import Secrets
from tests.api.memory.trust.test_secrets_policy import SECRET, database
from tests.factories.flows import registered_functions
from tests.factories.keys import with_key
from tests.security.test_every_route import ask, undone
from tests.security.world import ROUTES, make_world

pytestmark = pytest.mark.django_db
TEXT = f"it is {SECRET}"


def resolved(schema, node):
    while "$ref" in node:
        node = schema["components"]["schemas"][node["$ref"].rsplit("/", 1)[1]]
    return node


def takes_text(schema, node):
    """Return a value with a secret for a property that takes free text, directly or inside of an object or list; None for others."""
    node = resolved(schema, node)
    for each in node.get("anyOf", node.get("oneOf", [])):
        if (found := takes_text(schema, each)) is not None:
            return found
    kind = node.get("type")
    if kind == "string":
        is_free = not {"enum", "const", "format", "pattern"} & node.keys()
        return TEXT if is_free and node.get("maxLength", 10**6) >= len(TEXT) else None
    if kind == "array":
        inner = takes_text(schema, node.get("items", {}))
        return None if inner is None else [inner]
    if kind == "object" or not node:
        for name, each in node.get("properties", {}).items():
            if (inner := takes_text(schema, each)) is not None:
                return {name: inner}
        return {"note": TEXT} if node.get("additionalProperties", True) else None
    return None


def doors(schema):
    """Yield each route that takes JSON, with its fields that take text and a value with a secret for each."""
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            route = f"{method.upper()} {path}"
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if method == "get" or body is None:
                continue
            node = resolved(schema, body["schema"])
            shapes = [resolved(schema, each) for each in node.get("anyOf", node.get("oneOf", [node]))]
            yield (
                route,
                {
                    name: value
                    for shape in shapes
                    for name, each in shape.get("properties", {}).items()
                    if (value := takes_text(schema, each)) is not None
                },
            )


def filled(body, value):
    return (body | value) if isinstance(body, dict) else value


@pytest.fixture
def world(acme):
    with registered_functions():
        yield make_world(acme)


# some 150 requests
@pytest.mark.timeout(600)
def test_every_field_that_takes_text_refuses_a_secret(acme, world):
    SECRETS_POLICY.set(organisation=acme.organisation, by=SYSTEM, policy=Secrets.REFUSE)
    schema = json.loads(acme.client.get("/openapi.json").content)
    caller, _ = with_key(acme, *(frozenset(Scope) - {Scope.LEDGER_FOLLOW, Scope.ACT_AS}))
    wrong, refused = [], 0
    for route, fields in doors(schema):
        if route not in ROUTES:
            continue  # an alias of the old platform
        path, body = ROUTES[route](world)[0]
        # what screens all of a body names every field; where the operation screens its own, one at a time
        found, _ = answer(caller, acme, route, path, filled(body, fields))
        refused += len(found)
        for name in fields.keys() - found:
            of_one, said = answer(caller, acme, route, path, filled(body, {name: fields[name]}))
            refused += len(of_one)
            if said and name not in of_one:
                wrong.append((route, name, said))
    assert not wrong, "\n".join(map(str, wrong))
    assert refused > 60


def answer(caller, owner, route, path, body):
    """Return the fields that were refused for their secrets, and a fault: "" if nothing was stored or quoted."""
    with undone():
        response = ask(caller, route, path, body)
        shown = response.content.decode()
        kept = response.status_code < 400 and SECRET in database(owner)
        transaction.set_rollback(True)
    found = set(re.findall(r'"field":"(\w+)', shown)) if "secret" in shown else set()
    if found and SECRET in shown:
        return set(), f"quoted: {shown[:200]}"
    if found or response.status_code == 422:
        return found, ""
    return set(), f"stored: {response.status_code} {shown[:100]}" if kept else ""


def test_redacted_texts_are_stored_without_their_secrets(acme):
    SECRETS_POLICY.set(organisation=acme.organisation, by=SYSTEM, policy=Secrets.REDACT)
    answer = acme.post(
        "/api/v1/decisions", {"operation": "agent.x", "reasoning": TEXT, "inputs": {"key": SECRET}}
    )
    record = acme.get(f"/api/v1/decisions/{answer.json()['id']}").json()
    assert record["reasoning"] == "it is [redacted: aws_access_key]"
    memory = acme.store("plain")
    assert acme.post(f"/api/v1/memories/{memory}/contest", {"reason": TEXT}).status_code == 200
    acme.post(
        f"/api/v1/memories/{memory}/links",
        {"kind": "about", "target": acme.store("o"), "properties": {"a": SECRET}},
    )
    assert SECRET not in database(acme)
    found = acme.get("/api/v1/decisions?operation=memory.screen_request&total=true").json()
    assert found["total"] == 3
    SECRETS_POLICY.set(organisation=acme.organisation, by=SYSTEM, policy=Secrets.FLAG)
    kept = acme.post(f"/api/v1/memories/{memory}/confirm", {"reason": TEXT})
    assert kept.status_code == 200
    assert acme.get(f"/api/v1/memories/{memory}/history").json()["results"][0]["reason"] == TEXT


@pytest.mark.parametrize("policy", [Secrets.REDACT, Secrets.REFUSE])
def test_names_are_refused_and_questions_recorded_without_their_secrets(acme, policy):
    SECRETS_POLICY.set(organisation=acme.organisation, by=SYSTEM, policy=policy)
    refused = [
        acme.get("/api/v1/memories", **{"x-user-id": SECRET}),
        acme.get(f"/api/v1/search?query=a&user_id={SECRET}"),
        acme.post("/api/v1/store", {"content": "plain", "user_id": SECRET}),
        acme.post("/api/v1/memories", {"content": "plain", "user_id": SECRET}),
        acme.post("/store", {"content": "plain"}, **{"x-user-id": SECRET}),
        acme.post(f"/workflows/create?name={SECRET}", {}),
    ]
    assert [each.status_code for each in refused] == [422] * len(refused)
    assert not any(SECRET in each.content.decode() for each in refused)
    memory = acme.store("plain")
    asked = [
        acme.post("/search", {"query": TEXT}),
        acme.post("/api/v1/search", {"query": TEXT, "filters": {"key": SECRET}}),
        acme.post("/api/v1/search/batch", {"queries": [TEXT, "plain"]}),
        acme.post("/search/batch", [TEXT]),
        acme.get(f"/api/v1/search?query={SECRET}"),
        acme.post("/api/v1/memory/search", {"query": TEXT}),
        acme.post("/api/v1/marketing/causal/search", {"query": TEXT, "analysis_type": "lift"}),
        acme.delete(f"/api/v1/memories/{memory}"),
    ]
    assert max(each.status_code for each in asked) < 300
    assert SECRET not in database(acme)
    [record] = acme.get("/api/v1/decisions?operation=memory.search_many&limit=1").json()["results"]
    shown = acme.get(f"/api/v1/decisions/{record['id']}").json()
    assert shown["inputs"]["queries"] == ["it is [redacted: aws_access_key]"]


def test_names_and_questions_are_as_they_were_where_secrets_are_allowed(acme):
    SECRETS_POLICY.set(organisation=acme.organisation, by=SYSTEM, policy=Secrets.FLAG)
    assert acme.post("/api/v1/store", {"content": "plain", "user_id": SECRET}).status_code == 200
    answer = acme.post("/api/v1/search", {"query": TEXT}).json()
    assert acme.get(f"/api/v1/decisions/{answer['decision_id']}").json()["inputs"]["query"] == TEXT
