import pytest

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.operations import create_api_key
from liftos.kernel.tenancy.types import ALL_SCOPES, SYSTEM, Scope
from tests.api.routes import NOBODYS_ID
from tests.factories.callers import Caller
from tests.factories.flows import step
from tests.factories.keys import with_key
from workflows.engine.claims import claim_next
from workflows.engine.work import work
from workflows.models import Policy

RUNS = "/api/v1/workflows/runs"


def test_a_run_that_is_waited_for_answers_with_its_results(acme, run):
    body = run(step("a"), step("b", depends_on=["a"], arguments={"value": ["{steps.a.result}"]}))
    assert (body["status"], body["version"]) == ("completed", 1)
    assert [
        (each["name"], each["status"], each["attempts"], each["result"], each["error"])
        for each in body["steps"]
    ] == [
        ("a", "done", 1, "a", None),
        ("b", "done", 1, ["a"], None),
    ]
    assert all(each["started_at"] and each["finished_at"] for each in body["steps"])
    assert acme.get(f"{RUNS}/{body['id']}").json() == body


def test_run_without_wait_is_executed_by_workers(acme, run):
    body = run(step("a"), wait=False)
    assert (body["status"], body["steps"][0]["status"]) == ("running", "ready")
    assert work(organisation=acme.organisation) == (1, False)
    assert acme.get(f"{RUNS}/{body['id']}").json()["status"] == "completed"


def test_the_search_of_a_run_finds_what_an_earlier_step_stored(acme, run):
    body = run(
        step("keep", "memory.store", arguments={"content": "rain sells boots"}),
        step("find", "memory.search", arguments={"query": "boots", "limit": 1}, depends_on=["keep"]),
    )
    assert body["steps"][1]["result"]["results"][0]["id"] == body["steps"][0]["result"]["id"]


def test_parameters_keep_their_types_and_faults_are_named(acme, flow):
    schema = {
        "type": "object",
        "properties": {"limit": {"type": "integer"}, "query": {"type": "string"}},
        "required": ["limit", "query"],
    }
    flow(step("a", arguments={"value": ["{limit}", "{query}!"]}), parameters=schema)
    given = {"limit": 10, "query": "x"}
    body = acme.post(RUNS, {"template": "flow", "parameters": given, "wait": True}).json()
    assert body["steps"][0]["result"] == [10, "x!"]
    response = acme.post(RUNS, {"template": "flow", "parameters": {"limit": "10"}})
    assert response.status_code == 422
    locs = [each["loc"] for each in response.json()["errors"]]
    assert ["body", "parameters", "limit"] in locs
    assert "query" in response.content.decode()
    assert len(acme.get(RUNS).json()["results"]) == 1


@pytest.mark.parametrize(
    "body",
    [[], {}, {"template": ""}, {"template": "flow", "wait": -1}, {"template": "flow", "wait": "long"},
     {"template": "flow", "wait": 1e9}, {"template": "flow", "version": 0}, {"template": "flow", "version": 10**12},
     {"template": "flow", "parameters": []}, {"template": "flow", "metadata": "x"}, {"template": "flow", "wait": None}],
)  # fmt: skip
def test_bad_input_is_named(acme, flow, body):
    flow(step("a"))
    response = acme.post(RUNS, body)
    assert response.status_code == 422, response.content
    assert response.json()["errors"]


def test_an_unknown_template_is_404(acme):
    response = acme.post(RUNS, {"template": "no such"})
    assert (response.status_code, response.json()["code"]) == (404, "workflows.template_not_found")


def test_one_idempotency_key_starts_one_run(acme, flow, calls):
    flow(step("a"))
    first, second = (
        acme.post(RUNS, {"template": "flow", "wait": True}, **{"idempotency-key": "k"}) for _ in range(2)
    )
    assert first.json()["id"] == second.json()["id"]
    assert second["Idempotent-Replayed"] == "true"
    assert calls == ["a"]


def test_lists_narrow_and_page(acme, flow):
    template = flow(step("a"))
    for wait in (True, False, False):
        acme.post(RUNS, {"template": "flow", "wait": wait})
    assert len(acme.get(f"{RUNS}?status=running").json()["results"]) == 2
    assert len(acme.get(f"{RUNS}?status=completed&template={template}").json()["results"]) == 1
    first = acme.get(f"{RUNS}?limit=2").json()
    assert len(acme.get(first["next"]).json()["results"]) == 1
    assert acme.get(f"{RUNS}?status=asleep").status_code == 422
    assert acme.get(f"{RUNS}?template=ghost").status_code == 404


def test_cancel(acme, run):
    body = run(step("a"), step("b", depends_on=["a"]), wait=False)
    cancelled = acme.post(f"{RUNS}/{body['id']}/cancel", {"reason": "enough"}).json()
    assert (cancelled["status"], [each["status"] for each in cancelled["steps"]]) == (
        "cancelled",
        ["cancelled"] * 2,
    )
    assert work(organisation=acme.organisation) == (0, False)
    again = acme.post(f"{RUNS}/{body['id']}/cancel", {})
    assert (again.status_code, again.json()["code"]) == (409, "workflows.state_forbids")


def test_pause_and_resume(acme, run):
    body = run(step("a"), step("b", depends_on=["a"]), wait=False)
    path = f"{RUNS}/{body['id']}"
    assert acme.post(f"{path}/pause", None).json()["status"] == "paused"
    assert work(organisation=acme.organisation) == (0, False)
    assert acme.post(f"{path}/pause", {}).status_code == 409
    assert acme.post(f"{path}/resume", {}).json()["status"] == "running"
    assert acme.post(f"{path}/resume", {}).status_code == 409
    assert work(organisation=acme.organisation) == (2, False)
    assert acme.get(path).json()["status"] == "completed"


def test_running_again_carries_on_from_what_failed(acme, run, calls):
    body = run(
        step("a"),
        step("b", "test.fail", arguments={"error": "TypeError", "times": 1}, depends_on=["a"]),
        step("c", depends_on=["b"]),
    )
    assert [each["status"] for each in body["steps"]] == ["done", "failed", "skipped"]
    path = f"{RUNS}/{body['id']}"
    assert acme.post(f"{path}/rerun", {"reason": "mended"}).json()["status"] == "running"
    work(organisation=acme.organisation)
    body = acme.get(path).json()
    assert [each["status"] for each in body["steps"]] == ["done", "done", "done"]
    assert calls == ["a", "fail", "fail", "c"]
    assert acme.post(f"{path}/rerun", {}).status_code == 409


def test_a_map_goes_on_with_the_items_that_failed(acme, run, calls):
    body = run(
        step("m", "test.fail", map=[1, 2, 3], arguments={"error": "TypeError", "times": 1}),
        step("after", depends_on=["m"], arguments={"value": "{steps.m.result}"}),
    )
    assert body["steps"][0]["result"] == [None, "mended", "mended"]
    acme.post(f"{RUNS}/{body['id']}/rerun", {})
    work(organisation=acme.organisation)
    body = acme.get(f"{RUNS}/{body['id']}?items=true").json()
    assert body["status"] == "completed"
    assert body["steps"][-1]["result"] == ["mended"] * 3
    assert [each["item"] for each in body["steps"]] == [None, 0, 1, 2, None]
    assert calls.count("fail") == 4


def test_a_step_waits_for_a_person(acme, run, calls):
    body = run(step("a", approval=True), step("b", depends_on=["a"]))
    path = f"{RUNS}/{body['id']}"
    assert ([each["status"] for each in body["steps"]], calls) == (["awaiting_approval", "waiting"], [])
    own = acme.post(f"{path}/approve", {"step": "a"})
    assert (own.status_code, own.json()["code"]) == (403, "workflows.own_run")
    other, _ = with_key(acme)
    approved = other.post(f"{path}/approve", {"step": "a", "reason": "looks right"}).json()
    assert approved["steps"][0]["approval"]["reason"] == "looks right"
    work(organisation=acme.organisation)
    assert (acme.get(path).json()["status"], calls) == ("completed", ["a", "b"])
    assert acme.post(f"{path}/approve", {"step": "a"}).status_code == 409


def test_a_person_may_refuse(acme, run, calls):
    body = run(step("a", approval=True), step("b", depends_on=["a"]))
    path = f"{RUNS}/{body['id']}"
    missing = acme.post(f"{path}/approve", {"step": "z"})
    assert (missing.status_code, missing.json()["code"]) == (422, "workflows.step_not_found")
    assert acme.post(f"{path}/approve", {}).status_code == 422
    refused = acme.post(f"{path}/approve", {"step": "a", "approved": False, "reason": "no"}).json()
    assert (refused["status"], calls) == ("failed", [])
    assert refused["steps"][0]["error"] == {
        "type": "StepRefused",
        "message": "no",
        "code": "workflows.refused",
    }
    assert refused["steps"][1]["status"] == "skipped"


def test_scope_to_run_does_not_allow_approval(acme, run):
    body = run(step("a", approval=True))
    scopes = ALL_SCOPES - {Scope.ADMIN}
    _, token = create_api_key(organisation=acme.organisation, by=SYSTEM, name="agent", scopes=scopes)
    agent = Caller(acme.organisation, acme.slug, token, acme.client)
    assert agent.post(f"{RUNS}/{body['id']}/approve", {"step": "a"}).status_code == 403


def test_controls_are_on_record(acme, run):
    body = run(step("a"), wait=False)
    for verb in ("pause", "resume", "cancel"):
        acme.post(f"{RUNS}/{body['id']}/{verb}", {"reason": f"because {verb}"})
    decisions = acme.get(f"/api/v1/decisions?subject_id={body['id']}").json()["results"]
    assert [each["operation"] for each in decisions] == [
        "workflow.cancel", "workflow.resume", "workflow.pause", "workflow.run",
    ]  # fmt: skip
    assert "because cancel" in decisions[0]["reasoning"]


def test_a_run_may_do_no_more_than_who_started_it(acme, flow):
    flow(step("a", "memory.erase", arguments={"memory_id": NOBODYS_ID}))
    scopes = [Scope.WORKFLOWS_RUN, Scope.MEMORY_READ]
    _, token = create_api_key(organisation=acme.organisation, by=SYSTEM, name="small", scopes=scopes)
    small = Caller(acme.organisation, acme.slug, token, acme.client)
    response = small.post(RUNS, {"template": "flow"})
    assert response.status_code == 403
    assert "memory:write" in response.json()["detail"]
    assert small.get(RUNS).json()["results"] == []


def test_organisations_limit_holds_for_waiting_callers_too(acme, run):
    with tenant_transaction(acme.organisation):
        Policy.objects.create(organisation_id=acme.organisation, concurrency=1)
    run(step("a"), wait=False)
    assert claim_next(organisation=acme.organisation) is not None
    body = acme.post(RUNS, {"template": "flow", "wait": 0.05}).json()
    assert (body["status"], body["steps"][0]["status"]) == ("running", "ready")


def test_another_organisation_sees_no_run(acme, rival, run):
    body = run(step("a", approval=True))
    path = f"{RUNS}/{body['id']}"
    assert rival.get(RUNS).json()["results"] == []
    assert rival.get(path).status_code == 404
    for verb in ("cancel", "pause", "resume", "rerun"):
        assert rival.post(f"{path}/{verb}", {}).status_code == 404
    assert rival.post(f"{path}/approve", {"step": "a"}).status_code == 404


def test_a_run_forgets_what_it_quotes_of_an_erased_memory(acme, run):
    kept = acme.store("the secret is boots")
    body = run(
        step("find", "memory.search", arguments={"query": "boots"}),
        step("copy", depends_on=["find"], arguments={"value": "{steps.find.result.results.0.content}"}),
    )
    assert body["steps"][1]["result"] == "the secret is boots"
    receipt = acme.delete(f"/api/v1/memories/{kept}").json()["erasure_id"]
    assert "secret" not in acme.get(f"{RUNS}/{body['id']}").content.decode()
    assert acme.get(f"/api/v1/erasures/{receipt}").json()["removed"]["workflow_runs"] == 1


@pytest.mark.parametrize(
    "text", ["Launch 🚀", "six characters \\u0000", "\U0001d518 at the end\\"], ids=ascii
)
def test_any_text_of_a_memory_goes_through_a_run(acme, flow, calls, text):
    stored = acme.post("/api/v1/memories", {"content": text, "tags": [text], "metadata": {text: text}})
    flow(
        step("find", "memory.search", arguments={"query": "{text}", "limit": 3}),
        step("each", map="{steps.find.result.results}", depends_on=["find"], arguments={"value": "{item}"}),
        parameters={"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    )
    body = acme.post(
        RUNS, {"template": "flow", "parameters": {"text": text}, "metadata": {text: text}, "wait": True}
    ).json()
    assert (body["status"], body["parameters"], body["metadata"]) == (
        "completed",
        {"text": text},
        {text: text},
    )
    found, each = (row["result"] for row in body["steps"])
    assert each == found["results"]
    assert (each[0]["id"], each[0]["content"], each[0]["tags"], each[0]["metadata"]) == (
        stored.json()["id"], text, [text], {text: text},
    )  # fmt: skip


def test_a_step_erases_a_memory(acme, run):
    memory = acme.post("/api/v1/memories", {"content": "rain sells boots"}).json()["id"]
    body = run(step("erase", "memory.erase", arguments={"memory_id": memory, "reason": "asked to"}))
    assert body["status"] == "completed", body["steps"]
    receipt = acme.get(f"/api/v1/erasures/{body['steps'][0]['result']['erasure_id']}").json()
    assert receipt["removed"]["versions"] == 1
    assert acme.get(f"/api/v1/memories/{memory}").status_code == 404
