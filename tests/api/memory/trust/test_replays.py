"""An Idempotency-Key stores no texts; a replay is rendered again."""

import json

import pytest
from django.db import connection

from liftos.kernel.db.transactions import tenant_transaction
from tests.factories.flows import registered_functions, step

CANARY = "The combination of the vault is xyzzy-4711"
KEY = {"idempotency-key": "k"}
SCHEMA = {"type": "object", "properties": {"text": {}}}


def kept(organisation):
    """Return all that keys have kept, as one text."""
    with tenant_transaction(organisation), connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(string_agg(body::text, ' '), '') FROM idempotency_idempotencykey")
        return cursor.fetchone()[0]


@pytest.fixture
def template(acme):
    with registered_functions():
        body = {"name": "flow", "parameters": SCHEMA, "steps": [step("a", approval=True)]}
        made = acme.post("/api/v1/workflows/templates", body).json()["id"]
        assert acme.post(f"/api/v1/workflows/templates/{made}/publish", {}).status_code == 200
        yield made


@pytest.fixture
def run(acme, template):
    del template
    body = {"template": "flow", "parameters": {"text": CANARY}}
    return acme.post("/api/v1/workflows/runs", body, **KEY).json()["id"]


@pytest.mark.parametrize("what", ["pause", "cancel"])
def test_replayed_run_is_rendered_again(acme, run, what):
    path = f"/api/v1/workflows/runs/{run}/{what}"
    first = acme.post(path, {"reason": "r"}, **{"idempotency-key": "c"})
    assert first.status_code == 200
    assert CANARY in first.content.decode()
    assert "xyzzy" not in kept(acme.organisation)
    again = acme.post(path, {"reason": "r"}, **{"idempotency-key": "c"})
    assert (again.status_code, again.json()) == (200, first.json())


def test_a_run_that_is_gone_is_answered_by_its_id(acme, run):
    path = f"/api/v1/workflows/runs/{run}/cancel"
    assert acme.post(path, {}, **{"idempotency-key": "c"}).status_code == 200
    with tenant_transaction(acme.organisation), connection.cursor() as cursor:
        cursor.execute("DELETE FROM workflows_run WHERE id = %s", [run])
    again = acme.post(path, {}, **{"idempotency-key": "c"})
    assert (again.status_code, again.json()["id"]) == (200, run)
    assert "xyzzy" not in again.content.decode()


def test_replayed_space_and_concept_are_rendered_again(acme):
    space = {
        "name": "offers",
        "description": CANARY,
        "dimensions": [{"name": "price", "low": ["cheap"], "high": ["dear"]}],
    }
    first = acme.post("/api/v1/spaces", space, **KEY)
    concept = {"name": "bargain", "description": CANARY, "prototype": {"price": 0.5}}
    path = f"/api/v1/spaces/{first.json()['id']}/concepts"
    made = acme.post(path, concept, **KEY | {"idempotency-key": "c"})
    assert "xyzzy" not in kept(acme.organisation)
    assert acme.post(path, concept, **{"idempotency-key": "c"}).json() == made.json()
    assert acme.delete(f"/api/v1/spaces/{first.json()['id']}").status_code == 204
    again = acme.post("/api/v1/spaces", space, **KEY)
    assert (again.status_code, again.json()) == (201, {"id": first.json()["id"]})


def test_a_bulk_store_keeps_no_names_and_answers_them_again(acme):
    lines = [
        {"content": CANARY, "external_id": "xyzzy-1", "source": "s"},
        {"content": CANARY, "importance": "xyzzy"},
    ]
    body = "\n".join(json.dumps(each) for each in lines)

    def send():
        return acme.client.post(
            "/api/v1/memories/bulk",
            body,
            content_type="application/x-ndjson",
            headers={"authorization": f"Bearer {acme.token}", **KEY},
        )

    first = send()
    assert first.status_code == 207
    assert "xyzzy" not in kept(acme.organisation)
    again = send()
    assert again["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    assert again.json()["results"][0]["external_id"] == "xyzzy-1"
