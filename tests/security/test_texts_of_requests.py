"""Every native route that stores text applies the policy for secrets to every field; driven by the OpenAPI schema."""

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
# read, not stored: a search for a secret finds it, and a deletion of what has it deletes it
COMPARED = {
    "POST /api/v1/memories/get", "POST /api/v1/memories/query", "POST /api/v1/search", "POST /api/v1/search/batch",
    "POST /api/v1/memories/delete", "DELETE /api/v1/memories",
}  # fmt: skip
# of the old platform, whose stores apply the policy to memories (tests/api/memory/trust/test_secrets_policy.py)
OLD = ("/api/v1/store", "/api/v1/memory/", "/api/v1/marketing/causal", "/api/v1/data/", "/api/v1/channels")
NATIVE = "/api/v1/"


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
    """Yield each native route that writes JSON, with its fields that take text and a value with a secret for each."""
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            route = f"{method.upper()} {path}"
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if (
                method == "get"
                or body is None
                or not path.startswith(NATIVE)
                or path.startswith(OLD)
                or route in COMPARED
            ):
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
