"""POST /workflows/create and GET /workflows/{id}/status as the old platform's callers know them."""

import pytest

from tests.factories.flows import registered_functions, step


def test_create_answers_as_the_contract_says(acme):
    response = acme.post("/workflows/create?name=weekly", {"owner": "ops"})
    assert response.status_code == 200
    body = response.json()
    assert list(body) == ["success", "message", "data", "errors", "metadata"]
    assert body["message"] == "Workflow created successfully"
    assert list(body["data"]) == ["workflow_id", "name", "org_id", "metadata"]
    assert body["data"]["workflow_id"].startswith("wf_acme_")
    assert body["data"] | {"workflow_id": ""} == {
        "workflow_id": "", "name": "weekly", "org_id": "acme", "metadata": {"owner": "ops"},
    }  # fmt: skip
    assert body["metadata"] == {
        "correlation_id": response["X-Correlation-Id"],
        "enhanced_feature": "orchestration",
    }


def test_an_empty_shell_is_pending(acme):
    workflow = acme.post("/workflows/create?name=weekly", {"owner": "ops"}).json()["data"]["workflow_id"]
    body = acme.get(f"/workflows/{workflow}/status").json()
    assert body == {
        "success": True,
        "message": "Workflow status retrieved",
        "data": {
            "workflow_id": workflow,
            "name": "weekly",
            "status": "pending",
            "total_execution_time_ms": None,
            "tasks": {},
            "metadata": {"owner": "ops"},
        },
        "errors": None,
        "metadata": None,
    }


def test_the_body_may_be_absent_or_wrapped(acme):
    assert acme.send("/workflows/create?name=a", "", "application/json").json()["data"]["metadata"] == {}
    wrapped = acme.post("/workflows/create", {"name": "b", "metadata": {"k": 1}}).json()["data"]
    assert (wrapped["name"], wrapped["metadata"]) == ("b", {"k": 1})
    bare = acme.post("/workflows/create?name=c", {"name": "mine"}).json()["data"]
    assert (bare["name"], bare["metadata"]) == ("c", {"name": "mine"})


@pytest.mark.parametrize(
    ("path", "body", "loc"),
    [
        ("/workflows/create", {"owner": "ops"}, ["query", "name"]),
        ("/workflows/create?name=", {}, ["query", "name"]),
        (f"/workflows/create?name={'x' * 201}", {}, ["query", "name"]),
        ("/workflows/create?name=a%00b", {}, ["query", "name"]),
        ("/workflows/create?name=a", [], ["body"]),
        ("/workflows/create?name=a", "text", ["body"]),
    ],
)
def test_bad_input_is_named(acme, path, body, loc):
    response = acme.post(path, body)
    assert response.status_code == 422
    assert [each["loc"] for each in response.json()["detail"]] == [loc]


def test_the_status_of_a_run_tells_its_tasks(acme):
    with registered_functions():
        steps = [step("search_memory"), step("bad", "test.fail", arguments={"error": "TypeError"})]
        template = acme.post("/api/v1/workflows/templates", {"name": "t", "steps": steps}).json()["id"]
        acme.post(f"/api/v1/workflows/templates/{template}/publish", {})
        workflow = acme.post("/api/v1/workflows/runs", {"template": "t", "wait": True}).json()["workflow_id"]
    data = acme.get(f"/workflows/{workflow}/status").json()["data"]
    assert (data["status"], data["name"]) == ("failed", "t")
    assert data["total_execution_time_ms"] > 0
    assert all(
        name.startswith(f"task_{workflow}_") and len(name) == len(workflow) + 14 for name in data["tasks"]
    )
    good, bad = data["tasks"].values()
    assert good | {"execution_time_ms": 0} == {
        "name": "search_memory", "status": "completed", "execution_time_ms": 0, "retry_count": 0, "error": None,
    }  # fmt: skip
    assert good["execution_time_ms"] > 0
    assert (bad["status"], bad["error"]) == ("failed", "it broke")


def test_a_batch_answers_under_its_workflow_id(acme):
    acme.store("boots")
    batch = acme.post("/search/batch?limit=2", ["boots", "cocoa", "boots"]).json()["data"]
    data = acme.get(f"/workflows/{batch['workflow_id']}/status").json()["data"]
    assert (data["status"], list(data["tasks"])) == ("completed", list(batch["results"]))
    assert {each["status"] for each in data["tasks"].values()} == {"completed"}
    assert {each["name"] for each in data["tasks"].values()} == {"search_memory"}
    assert data["total_execution_time_ms"] > 0


def test_a_batch_is_one_run_with_one_step(acme):
    acme.post("/search/batch", ["boots", "cocoa"])
    [run] = acme.get("/api/v1/workflows/runs").json()["results"]
    whole = acme.get(f"/api/v1/workflows/runs/{run['id']}").json()
    assert (whole["status"], [each["function"] for each in whole["steps"]]) == (
        "completed",
        ["memory.search_many@1"],
    )
    assert acme.get(f"/api/v1/decisions/{whole['decision_id']}").json()["operation"] == "memory.search_many"


def test_an_empty_batch_is_a_run_too(acme):
    batch = acme.post("/search/batch", []).json()["data"]
    assert acme.get(f"/workflows/{batch['workflow_id']}/status").json()["data"]["status"] == "completed"


@pytest.mark.parametrize(
    "workflow", ["wf_acme_0", "wf_acme_0000000000000000", "x", "wf_rival_0000000000000000", "wf_acme_%00"]
)
def test_an_unknown_workflow_is_404(acme, workflow):
    assert acme.get(f"/workflows/{workflow}/status").status_code == 404


def test_another_organisations_workflow_is_404(acme, rival):
    workflow = acme.post("/workflows/create?name=weekly", {}).json()["data"]["workflow_id"]
    assert rival.get(f"/workflows/{workflow}/status").status_code == 404
    assert rival.get(f"/workflows/{workflow.replace('acme', 'rival')}/status").status_code == 404
