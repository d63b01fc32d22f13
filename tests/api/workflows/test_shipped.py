"""Templates that come with the product run in an organisation that has published nothing."""

import pytest

from tests.api.marketing.test_causal_runs import impact, lift
from workflows.publishing.shipped import NAMES

RUNS, TEMPLATES = "/api/v1/workflows/runs", "/api/v1/workflows/templates"
PARAMETERS = {
    "enhanced_search": {"query": "boots", "limit": 3},
    "batch_processing": {"queries": ["boots", "cocoa"], "limit": 3},
    "weekly_insight_digest": {},
    "memory_hygiene": {},
    "memory_care": {},
    "find_doubles": {},
    "find_superseded": {},
    "find_stale": {"limit": 5},
    "find_contradictions": {},
    "causal_impact": impact(),
    "geo_lift": lift(),
}
# a person accepts what they found
ACCEPTED = {"causal_impact", "geo_lift"}


def test_the_old_two_are_among_them():
    assert set(NAMES) == set(PARAMETERS)


@pytest.mark.parametrize("name", NAMES)
def test_each_runs_to_its_end_by_its_name(acme, name):
    acme.post("/api/v1/memories", {"content": "rain sells boots", "memory_type": "insight"})
    for _ in range(2):
        response = acme.post(RUNS, {"template": name, "parameters": PARAMETERS[name], "wait": True})
        assert response.status_code == 201, response.content
        ends = "running" if name in ACCEPTED else "completed"
        assert response.json()["status"] == ends, response.json()["steps"]
        assert (response.json()["name"], response.json()["version"]) == (name, 1)
    [listed] = acme.get(TEMPLATES).json()["results"]
    assert (listed["name"], listed["version"]) == (name, 1)


def test_a_batch_finds_for_each_query_in_order(acme):
    ids = [
        acme.post("/api/v1/memories", {"content": text}).json()["id"]
        for text in ("rain sells boots", "cocoa in winter")
    ]
    body = acme.post(
        RUNS,
        {
            "template": "batch_processing",
            "parameters": {"queries": ["cocoa", "boots"], "limit": 1},
            "wait": True,
        },
    ).json()
    found = body["steps"][0]["result"]["results"]
    assert [[hit["id"] for hit in hits] for hits in found] == [[ids[1]], [ids[0]]]


def test_the_copy_is_the_organisations_own(acme, rival):
    assert (
        acme.post(RUNS, {"template": "enhanced_search", "parameters": {"query": "boots"}}).status_code == 201
    )
    [template] = acme.get(TEMPLATES).json()["results"]
    assert rival.get(TEMPLATES).json()["results"] == []
    assert acme.post(f"{TEMPLATES}/{template['id']}/retire", {}).status_code == 200
    response = acme.post(RUNS, {"template": "enhanced_search", "parameters": {"query": "boots"}})
    assert (response.status_code, response.json()["code"]) == (409, "workflows.template_retired")


def test_the_old_route_runs_a_template_given_its_parameters(acme):
    made = acme.post(
        "/workflows/create?name=batch_processing", {"owner": "ops", "parameters": {"queries": ["boots"]}}
    ).json()["data"]
    assert made["name"] == "batch_processing"
    status = acme.get(f"/workflows/{made['workflow_id']}/status").json()["data"]
    assert [task["name"] for task in status["tasks"].values()] == ["search_memory"]
    assert status["metadata"]["owner"] == "ops"
    shell = acme.post("/workflows/create?name=batch_processing", {"owner": "ops"}).json()["data"]
    assert acme.get(f"/workflows/{shell['workflow_id']}/status").json()["data"]["tasks"] == {}
    other = acme.post("/workflows/create?name=weekly", {"parameters": {"a": 1}}).json()["data"]
    assert acme.get(f"/workflows/{other['workflow_id']}/status").json()["data"]["status"] == "pending"
    assert (
        acme.post("/workflows/create?name=batch_processing", {"parameters": {"query": 1}}).status_code == 422
    )
