"""Steps that start runs of other templates: they wait without a worker, and the child shares the parent's fate."""

import pytest
from django.test import override_settings

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.db.viewers import EVERYTHING, viewing
from liftos.kernel.outbox.relay import relay
from liftos.kernel.tenancy.types import Scope
from tests.factories.flows import registered_functions, step
from tests.factories.keys import with_key
from tests.security.world import publish_template
from workflows.engine.waiting import wait_for
from workflows.models import Run, Step

ECHO = {"type": "object", "properties": {"said": {"type": "string"}}, "required": ["said"]}
RUNS = "/api/v1/workflows/runs"
TEMPLATES = "/api/v1/workflows/templates"


@pytest.fixture(autouse=True)
def calls():
    with registered_functions() as made:
        yield made


@pytest.fixture
def acme(acme):
    publish_template(acme, "child", [step("say", arguments={"value": "{said}"})], parameters=ECHO)
    return acme


def child(name="do", template="child", parameters=None, **fields):
    arguments = {"template": template, "parameters": {"said": "hello"} if parameters is None else parameters}
    return step(name, "workflow.run", arguments=arguments, **fields)


def go(caller):
    """Execute all runs and relay their events, until nothing moves."""
    with viewing(EVERYTHING):
        for _ in range(8):
            with tenant_transaction(caller.organisation):
                runs = list(Run.objects.filter(status="running").values_list("id", flat=True))
            for each in runs:
                wait_for(organisation=caller.organisation, run=each, seconds=0.1)
            relay(organisation=caller.organisation)


def start(caller, template="parent", **body):
    response = caller.post(RUNS, {"template": template} | body)
    assert response.status_code == 201, response.content
    return response.json()["id"]


def read(caller, run):
    return caller.get(f"{RUNS}/{run}?items=true").json()


def only_child(caller, run):
    return read(caller, read(caller, run)["steps"][0]["child_run_id"])


def test_result_of_the_child_is_the_steps(acme, calls):
    after = step("after", arguments={"value": "{steps.do.result.results.say}!"}, depends_on=["do"])
    publish_template(acme, "parent", [child(), after])
    run = start(acme)
    with viewing(EVERYTHING):
        wait_for(organisation=acme.organisation, run=run, seconds=0.1)
        with tenant_transaction(acme.organisation):
            waiting = Step.objects.get(run_id=run, name="do")
    # no worker has it
    assert (waiting.status, waiting.token) == ("running", None)
    go(acme)
    done = read(acme, run)
    assert done["status"] == "completed", done
    assert done["steps"][0]["result"]["results"] == {"say": "hello"}
    assert calls == ["hello", "hello!"]
    inner = only_child(acme, run)
    assert (inner["parent_run_id"], inner["status"], done["parent_run_id"]) == (run, "completed", None)


def test_child_that_fails_fails_its_step_and_a_rerun_continues_it(acme, calls):
    steps = [
        step("first"),
        step("second", "test.fail", arguments={"times": 1}, max_retries=0, depends_on=["first"]),
    ]
    publish_template(acme, "breaks", steps)
    publish_template(acme, "parent", [child(template="breaks", parameters={})])
    run = start(acme)
    go(acme)
    failed = read(acme, run)
    assert failed["status"] == "failed"
    assert failed["steps"][0]["error"]["code"] == "workflows.child_failed"
    assert "at step second" in failed["steps"][0]["error"]["message"]
    assert acme.post(f"{RUNS}/{run}/rerun", {}).status_code == 200
    go(acme)
    assert read(acme, run)["status"] == "completed"
    # the first step kept its result
    assert calls.count("first") == 1


def test_controls_reach_the_children(acme):
    publish_template(acme, "asks", [step("ask", approval=True), step("then", depends_on=["ask"])])
    publish_template(acme, "parent", [child(template="asks", parameters={})])
    run = start(acme)
    go(acme)
    assert only_child(acme, run)["status"] == "running"
    for verb, status in (
        ("pause", "paused"),
        ("resume", "running"),
        ("cancel", "cancelled"),
        ("rerun", "running"),
        ("cancel", "cancelled"),
    ):
        assert acme.post(f"{RUNS}/{run}/{verb}", {}).status_code == 200
        assert only_child(acme, run)["status"] == status, verb
        go(acme)
        assert read(acme, run)["status"] == status


def test_child_that_ends_during_a_pause(acme):
    publish_template(acme, "asks", [step("ask", approval=True)])
    publish_template(acme, "parent", [child(template="asks", parameters={})])
    run = start(acme)
    go(acme)
    inner = only_child(acme, run)["id"]
    acme.post(f"{RUNS}/{run}/pause", {})
    acme.post(f"{RUNS}/{inner}/cancel", {})
    go(acme)
    assert read(acme, run)["steps"][0]["status"] == "waiting"
    acme.post(f"{RUNS}/{run}/resume", {})
    go(acme)
    assert read(acme, run)["status"] == "failed"
    assert "was cancelled" in read(acme, run)["steps"][0]["error"]["message"]


def test_each_item_of_a_map_starts_a_child(acme, calls):
    mapped = child(parameters={"said": "{item}"}, map=["a", "b", "c"], map_limit=2)
    publish_template(acme, "parent", [mapped])
    run = start(acme)
    go(acme)
    done = read(acme, run)
    assert [each["results"]["say"] for each in done["steps"][0]["result"]] == ["a", "b", "c"]
    assert sorted(calls) == ["a", "b", "c"]


@override_settings(LIFTOS_WORKFLOW_MAX_DEPTH=1)
def test_depth_is_bounded(acme):
    publish_template(acme, "middle", [child()])
    publish_template(acme, "parent", [child(template="middle", parameters={})])
    run = start(acme)
    go(acme)
    assert read(acme, run)["status"] == "failed"
    assert only_child(acme, run)["steps"][0]["error"]["code"] == "workflows.too_deep"


def test_version_is_pinned_when_the_parent_is_published(acme, calls):
    publish_template(acme, "parent", [child()])
    found = acme.get(TEMPLATES).json()["results"]
    of_child = next(each["id"] for each in found if each["name"] == "child")
    newer = {"name": "child", "steps": [step("say", arguments={"value": "newer"})]}
    assert acme.put(f"{TEMPLATES}/{of_child}", newer).status_code == 200
    assert acme.post(f"{TEMPLATES}/{of_child}/publish", {}).status_code == 200
    start(acme)
    go(acme)
    assert calls == ["hello"]


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"template": "nowhere"}, "template"),
        ({"template": "draft"}, "template"),
        ({"template": "{which}"}, "template"),
        ({"template": "child", "version": 7, "parameters": {"said": "x"}}, "version"),
        ({"template": "child", "parameters": {"said": 5}}, "parameters"),
        ({"template": "child", "parameters": {"sad": "x"}}, "parameters"),
        ({"template": "child"}, "parameters"),
        ({"parameters": {}}, "template"),
        ({"template": "child", "parameters": {"said": "x"}, "wait": True}, "arguments"),
    ],
)
def test_invalid_child_is_refused_when_saved(acme, arguments, field):
    acme.post(TEMPLATES, {"name": "draft", "steps": [step("a")]})
    declared = {"type": "object", "properties": {"which": {"type": "string"}}}
    body = {
        "name": "parent",
        "parameters": declared,
        "steps": [step("do", "workflow.run", arguments=arguments)],
    }
    response = acme.post(TEMPLATES, body)
    assert response.status_code == 422, response.content
    assert any(field in each["loc"] for each in response.json()["errors"]), response.content
    assert "parent" not in [each["name"] for each in acme.get(TEMPLATES).json()["results"]]


def test_template_that_would_run_itself_is_refused(acme):
    publish_template(acme, "a", [step("x")])
    publish_template(acme, "b", [child(template="a", parameters={})])
    of_a = next(each["id"] for each in acme.get(TEMPLATES).json()["results"] if each["name"] == "a")
    response = acme.put(f"{TEMPLATES}/{of_a}", {"name": "a", "steps": [child(template="b", parameters={})]})
    assert response.status_code == 422
    assert "a → b → a" in response.content.decode()


def test_scopes_of_the_child_are_needed_to_run_and_to_read(acme):
    publish_template(acme, "finds", [step("find", "memory.search", arguments={"query": "boots"})])
    publish_template(acme, "parent", [child(template="finds", parameters={})])
    runner = with_key(acme, Scope.WORKFLOWS_RUN)[0]
    assert runner.post(RUNS, {"template": "parent"}).status_code == 403
    run = start(acme)
    go(acme)
    assert read(acme, run)["status"] == "completed"
    seen = runner.get(f"{RUNS}/{run}").json()["steps"][0]
    assert (seen["result"], seen["withheld"]) == (None, ["memory:read"])


def test_erasing_a_memory_reaches_the_parents_result(acme):
    memory = acme.store("Boots for the winter")
    publish_template(acme, "finds", [step("find", "memory.search", arguments={"query": "boots"})])
    publish_template(acme, "parent", [child(template="finds", parameters={})])
    run = start(acme)
    go(acme)
    assert memory in read(acme, run)["steps"][0]["result"]["memory_ids"]
    assert acme.delete(f"/api/v1/memories/{memory}").status_code in {200, 204}
    assert "winter" not in str(read(acme, run))
    assert read(acme, run)["steps"][0]["result"] is None
