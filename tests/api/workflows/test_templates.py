import pytest

from tests.api.routes import NOBODYS_ID
from tests.factories.flows import step

TEMPLATES = "/api/v1/workflows/templates"


def test_functions_are_listed_with_the_shape_of_their_arguments(acme):
    body = acme.get("/api/v1/workflows/functions").json()
    found = {each["name"]: each for each in body["results"]}
    assert body["next"] is None
    assert found["memory.search"]["arguments"]["required"] == ["query"]
    assert (found["memory.search"]["cacheable"], found["memory.store"]["cacheable"]) == (True, False)
    assert found["memory.store"]["scopes"] == ["memory:propose"]


def test_a_template_is_a_draft_until_it_is_published(acme, calls):
    made = acme.post(TEMPLATES, {"name": "t", "description": "d", "steps": [step("a")]})
    assert made.status_code == 201
    body = made.json()
    assert (body["name"], body["version"], body["retired_at"]) == ("t", None, None)
    [version] = body["versions"]
    assert (version["number"], version["status"], version["published_at"]) == (1, "draft", None)
    refused = acme.post("/api/v1/workflows/runs", {"template": "t"})
    assert (refused.status_code, refused.json()["code"]) == (409, "workflows.not_published")
    published = acme.post(f"{TEMPLATES}/{body['id']}/publish", {}).json()
    assert (published["version"], published["versions"][0]["status"]) == (1, "published")
    assert published["versions"][0]["definition"]["steps"][0]["version"] == 1
    again = acme.post(f"{TEMPLATES}/{body['id']}/publish", {})
    assert (again.status_code, again.json()["code"]) == (409, "workflows.nothing_to_publish")


def test_a_new_version_replaces_what_new_runs_follow(acme, flow):
    template = flow(step("a"))
    put = acme_put(acme, f"{TEMPLATES}/{template}", {"name": "flow", "steps": [step("b")]})
    assert [each["number"] for each in put["versions"]] == [2, 1]
    put = acme_put(acme, f"{TEMPLATES}/{template}", {"name": "flow", "steps": [step("c")]})
    assert [each["number"] for each in put["versions"]] == [2, 1]
    old = acme.post("/api/v1/workflows/runs", {"template": "flow", "wait": True}).json()
    acme.post(f"{TEMPLATES}/{template}/publish", {})
    new = acme.post("/api/v1/workflows/runs", {"template": template, "wait": True}).json()
    chosen = acme.post("/api/v1/workflows/runs", {"template": "flow", "version": 1, "wait": True}).json()
    assert [each["steps"][0]["name"] for each in (old, new, chosen)] == ["a", "c", "a"]
    assert [each["version"] for each in (old, new, chosen)] == [1, 2, 1]


def acme_put(acme, path, body):
    response = acme.client.put(
        path, body, content_type="application/json", headers={"authorization": f"Bearer {acme.token}"}
    )
    assert response.status_code == 200, response.content
    return response.json()


def test_a_retired_template_starts_no_run_and_keeps_those_it_has(acme, flow, run):
    earlier = run(step("a"))
    template = earlier["template"]
    assert acme.post(f"{TEMPLATES}/{template}/retire", {}).json()["retired_at"]
    refused = acme.post("/api/v1/workflows/runs", {"template": template})
    assert (refused.status_code, refused.json()["code"]) == (409, "workflows.template_retired")
    assert acme.get(f"/api/v1/workflows/runs/{earlier['id']}").json()["version"] == 1
    assert acme.post(f"{TEMPLATES}/{template}/publish", {}).status_code == 409


def test_all_faults_are_reported_at_once_each_with_its_step(acme):
    response = acme.post(
        TEMPLATES,
        {
            "name": "t",
            "steps": [
                {"name": "a", "function": "memory.search", "arguments": {"query": "x"}, "depends_on": ["b"]},
                {"name": "b", "function": "memory.search", "arguments": {"query": "x"}, "depends_on": ["a"]},
                {"name": "c", "function": "no.such", "depends_on": ["ghost"]},
                {"name": "d", "function": "memory.search", "arguments": {"query": "{tag}", "limit": 0}},
            ],
        },
    )
    assert response.status_code == 422
    errors = {tuple(each["loc"]): each["msg"] for each in response.json()["errors"]}
    assert "a → b → a" in errors["body", "steps", "a", "depends_on"]
    assert "ghost" in errors["body", "steps", "c", "depends_on"]
    assert "no.such" in errors["body", "steps", "c", "function"]
    assert "{tag}" in errors["body", "steps", "d", "arguments", "query"]
    assert ("body", "steps", "d", "arguments", "limit") in errors
    assert acme.get(TEMPLATES).json()["results"] == []


def test_a_name_is_given_once(acme, flow):
    flow(step("a"))
    response = acme.post(TEMPLATES, {"name": "flow", "steps": [step("a")]})
    assert (response.status_code, response.json()["code"]) == (409, "workflows.template_exists")


def test_lists_page(acme, calls):
    for number in range(3):
        assert acme.post(TEMPLATES, {"name": f"t{number}", "steps": [step("a")]}).status_code == 201
    first = acme.get(f"{TEMPLATES}?limit=2").json()
    assert [each["name"] for each in first["results"]] == ["t2", "t1"]
    rest = acme.get(first["next"]).json()
    assert ([each["name"] for each in rest["results"]], rest["next"]) == (["t0"], None)


@pytest.mark.parametrize(
    "body", [[], "x", 5, {}, {"name": "t"}, {"name": "t", "steps": []}, {"name": 5, "steps": [{}]}]
)
def test_bad_input_is_named(acme, body):
    response = acme.post(TEMPLATES, body)
    assert response.status_code == 422
    assert response.json()["errors"]


def test_another_organisation_sees_no_template(acme, rival, flow):
    template = flow(step("a"))
    assert rival.get(TEMPLATES).json()["results"] == []
    assert rival.get(f"{TEMPLATES}/{template}").status_code == 404
    assert rival.post(f"{TEMPLATES}/{template}/publish", {}).status_code == 404
    assert rival.post(f"{TEMPLATES}/{template}/retire", {}).status_code == 404
    refused = rival.post("/api/v1/workflows/runs", {"template": template})
    assert (refused.status_code, refused.json()["code"]) == (404, "workflows.template_not_found")
    assert rival.get(f"{TEMPLATES}/{NOBODYS_ID}").status_code == 404


def test_faults_known_at_save_are_named(acme):
    payload = {
        "name": "odd",
        "parameters": {
            "type": "object",
            "properties": {"topic": {"type": "string", "default": 3}},
            "required": ["tpoic"],
        },
        "steps": [{"name": "find", "function": "memory.get"}],
    }
    response = acme.post(TEMPLATES, payload)
    assert response.status_code == 422
    told = {".".join(map(str, each["loc"])): each["msg"] for each in response.json()["errors"]}
    assert set(told) == {
        "body.parameters.required", "body.parameters.properties.topic.default",
    }  # fmt: skip
    payload["parameters"] = {"type": "object", "properties": {"topic": {"type": "string"}}}
    payload["steps"].append(
        {"name": "use", "function": "memory.search", "arguments": {"query": "{topic.two words}"}}
    )
    told = {
        ".".join(map(str, each["loc"])): each["msg"]
        for each in acme.post(TEMPLATES, payload).json()["errors"]
    }
    assert set(told) == {"body.steps.find.function", "body.steps.use.arguments.query"}
    assert told["body.steps.find.function"].startswith(
        "There is no function 'memory.get'; the functions are memory."
    )
    assert "memory.search" in told["body.steps.find.function"]
