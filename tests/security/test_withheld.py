"""Run results are shown only to callers with the scopes; others see what is withheld and why."""

import json

import pytest

from liftos.kernel.tenancy.types import Scope
from tests.factories.flows import registered_functions, step
from tests.factories.keys import change, with_key

RUNS = "/api/v1/workflows/runs"
CANARY = "canary-of-a-memory"
FIND = step("find", "memory.search", arguments={"query": "{query}", "limit": 3})
ECHO = step("echo", depends_on=["find"], arguments={"value": ["{steps.find.result.results}"]})
LATER = step("later", depends_on=["echo"], arguments={"value": "{steps.echo.result}"})
PLAIN = step("plain")
BROKEN = step(
    "broken", "memory.supersede", depends_on=["find"],
    arguments={"memory_id": "{steps.find.result.results[0].content}", "content": "x"},
)  # fmt: skip
EACH = step(
    "each", depends_on=["find"], map="{steps.find.result.results}", arguments={"value": "{item.content}"}
)
PARAMETERS = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}


@pytest.fixture(autouse=True)
def calls():
    with registered_functions() as made:
        yield made


@pytest.fixture
def run(acme):
    acme.store(f"Boots sell when it rains, {CANARY}")
    steps = [FIND, ECHO, LATER, PLAIN, BROKEN, EACH]
    made = acme.post(
        "/api/v1/workflows/templates", {"name": "flow", "steps": steps, "parameters": PARAMETERS}
    )
    assert made.status_code == 201, made.content
    acme.post(f"/api/v1/workflows/templates/{made.json()['id']}/publish", {})
    asked = {
        "template": "flow", "parameters": {"query": f"boots {CANARY}"}, "metadata": {"note": CANARY}, "wait": True,
    }  # fmt: skip
    body = acme.post(RUNS, asked).json()
    assert body["status"] == "failed"
    assert json.dumps(body).count(CANARY) >= 6
    return body


def test_results_need_the_scopes_of_what_they_quote(acme, run):
    weak, _ = with_key(acme, Scope.WORKFLOWS_RUN)
    response = weak.get(f"{RUNS}/{run['id']}?items=true")
    assert response.status_code == 200
    assert CANARY not in response.content.decode()
    body = response.json()
    steps = {each["name"]: each for each in body["steps"] if each["item"] is None}
    for name in ("find", "echo", "later", "each"):
        assert (steps[name]["result"], steps[name]["withheld"]) == (None, ["memory:read"])
    assert (steps["plain"]["result"], steps["plain"]["withheld"]) == ("plain", [])
    assert steps["broken"]["withheld"] == ["memory:read", "memory:write"]
    assert steps["broken"]["error"]["message"] == "withheld: needs memory:read, memory:write"
    assert (body["parameters"], body["metadata"]) == ({}, {})
    assert body["withheld"] == ["memory:read", "memory:write"]


def test_memory_read_shows_quoting_results(acme, run):
    reader, _ = with_key(acme, Scope.WORKFLOWS_RUN, Scope.MEMORY_READ)
    steps = {each["name"]: each for each in reader.get(f"{RUNS}/{run['id']}").json()["steps"]}
    assert CANARY in json.dumps(steps["later"]["result"])
    assert steps["later"]["withheld"] == []
    # how a write went is for those who may write
    assert steps["broken"]["withheld"] == ["memory:write"]
    whole = acme.get(f"{RUNS}/{run['id']}").json()
    assert whole["withheld"] == []
    assert whole["parameters"]["query"] == f"boots {CANARY}"


def test_the_old_status_withholds_too(acme, run):
    weak, _ = with_key(acme, Scope.WORKFLOWS_RUN)
    path = f"/workflows/{run['workflow_id']}/status"
    response = weak.get(path)
    assert response.status_code == 200
    assert CANARY not in response.content.decode()
    data = response.json()["data"]
    assert data["withheld"] == ["memory:read", "memory:write"]
    assert "withheld: needs memory:read, memory:write" in [each["error"] for each in data["tasks"].values()]
    assert "withheld" not in acme.get(path).json()["data"]


def test_a_replayed_answer_shows_no_more_than_the_key_may_see_now(acme, run):
    other, key = with_key(acme)
    first = other.post(f"{RUNS}/{run['id']}/rerun", {}, **{"idempotency-key": "k"})
    assert CANARY in first.content.decode()
    change(key, scopes=[Scope.WORKFLOWS_RUN])
    again = other.post(f"{RUNS}/{run['id']}/rerun", {}, **{"idempotency-key": "k"})
    assert (again.status_code, again["Idempotent-Replayed"]) == (200, "true")
    assert CANARY not in again.content.decode()


def test_results_of_an_unknown_function_are_withheld(acme, calls):
    from liftos.kernel.functions import register, unregister

    @register("test.gone")
    def gone() -> str:
        return CANARY

    made = acme.post(
        "/api/v1/workflows/templates", {"name": "gone", "steps": [step("a", "test.gone")]}
    ).json()
    acme.post(f"/api/v1/workflows/templates/{made['id']}/publish", {})
    body = acme.post(RUNS, {"template": "gone", "wait": True}).json()
    assert body["steps"][0]["result"] == CANARY
    unregister("test.gone")
    weak, _ = with_key(acme, Scope.WORKFLOWS_RUN)
    shown = weak.get(f"{RUNS}/{body['id']}")
    assert CANARY not in shown.content.decode()
    assert shown.json()["steps"][0]["withheld"] == ["decisions:read", "memory:read", "spaces:read"]


def test_a_record_of_a_failure_does_not_quote_what_the_step_read(acme, run):
    reader, _ = with_key(acme, Scope.DECISIONS_READ)
    records = reader.get("/api/v1/decisions?limit=200").json()["results"]
    # a search's own record tells its query
    texts = json.dumps([each for each in records if each["operation"].startswith("workflow.")])
    assert "Step broken of flow is failed" in texts
    assert "see the step for the message" in texts
    assert CANARY not in texts
