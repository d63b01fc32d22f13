"""Every native route refuses fields and parameters that it does not know. Driven from the URL configuration: a new route is in here."""

import json
import re

import pytest
from django.urls import get_resolver
from pydantic import BaseModel

from liftos.kernel.http.strict import is_strict
from liftos.kernel.http.views import NativeView
from tests.api.routes import NOBODYS_ID, NOBODYS_TRACE

BULK = "/api/v1/memories/bulk"
TEMPLATES = "/api/v1/workflows/templates"
# sections 3 and 5 of the contract: they ignore what they don't know
OLD = {
    ("GET", "/api/v1/search"), ("GET", "/api/v1/recent"), ("POST", "/api/v1/store"), ("POST", "/api/v1/memory/search"),
    ("POST", "/api/v1/memory/store"), ("GET", "/api/v1/memory/insights"),
}  # fmt: skip
# also old: their own tests are tests/contract/test_causal.py and test_marketing.py
CAUSAL = {
    ("POST", "/api/v1/data/ingest"),
    ("POST", "/api/v1/marketing/ingest/causal"), ("POST", "/api/v1/marketing/causal/search"), ("GET", "/api/v1/marketing/confounders"),
    ("GET", "/api/v1/marketing/causal/<str:experiment_id>"), ("GET", "/api/v1/marketing/causal/{experiment_id}"),
}  # fmt: skip


def _routes(patterns, prefix="/"):
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from _routes(pattern.url_patterns, path)
        elif path.startswith("/api/"):
            path = re.sub(r"<id:\w+>", NOBODYS_ID, re.sub(r"<str:trace_id>", NOBODYS_TRACE, path))
            view = pattern.callback.cls
            methods = [name for name in ("get", "post", "put", "patch", "delete") if hasattr(view, name)]
            # a path that several views share names the view of each method
            yield from ((method.upper(), path, view.shared_by.get(method, view)) for method in methods)


ROUTES = [each for each in _routes(get_resolver().url_patterns) if each[:2] not in OLD | CAUSAL]
NAMED = [pytest.param(method, path, id=f"{method} {path}") for method, path, _ in ROUTES]
# a document is a file, not fields
FILES = "/api/v1/documents"
# further attributes of an event are its extensions
EVENTS = "/api/v1/events"
SENDING = [each for each in NAMED if each.values[0] != "GET" and each.values[1] not in {BULK, FILES, EVENTS}]


def send(caller, method, path, body=None, **headers):
    return caller.client.generic(
        method,
        path,
        b"" if body is None else json.dumps(body).encode(),
        content_type="application/json",
        headers={"authorization": f"Bearer {caller.token}", **headers},
    )


def unknown_in(response):
    assert response.status_code == 422, (response.status_code, response.content[:300])
    items = response.json()["errors"]
    return {tuple(each["loc"]): each["msg"] for each in items if each["type"] == "extra_forbidden"}


def test_every_route_of_ours_is_in_here():
    assert len(ROUTES) > 60
    assert [(method, path) for method, path, view in ROUTES if not issubclass(view, NativeView)] == []


@pytest.mark.parametrize(("method", "path"), NAMED)
def test_unknown_query_parameters_are_named_all_at_once(acme, method, path):
    response = send(acme, method, f"{path}?zebra=1&user_id=u1")
    assert {("query", "zebra"), ("query", "user_id")} <= set(unknown_in(response))
    assert "Unknown query parameter 'zebra'" in response.json()["detail"]


@pytest.mark.parametrize(("method", "path"), SENDING)
def test_unknown_fields_are_named_all_at_once(acme, method, path):
    found = unknown_in(send(acme, method, path, {"zebra": 1, "xyz": {"a": 1}}))
    assert {("body", "zebra"), ("body", "xyz")} <= set(found)
    assert found["body", "zebra"].startswith("Unknown field 'zebra'")


@pytest.mark.parametrize(("method", "path"), SENDING)
def test_unknown_fields_and_parameters_are_named_together(acme, method, path):
    found = unknown_in(send(acme, method, f"{path}?zebra=1", {"zebra": 1}))
    if not path.startswith(TEMPLATES) or path.endswith(("publish", "retire")):
        assert {("query", "zebra"), ("body", "zebra")} <= set(found)
    else:
        assert ("query", "zebra") in found  # a template is read by hand, after


def test_a_line_with_an_unknown_field_loses_only_itself(acme):
    lines = [
        {"content": "one"},
        {"content": "two", "memory_typ": "x", "links": [{"kind": "about", "externl_id": "a"}]},
    ]
    answer = acme.send(BULK, "\n".join(map(json.dumps, lines)), "application/x-ndjson").json()
    assert [line["status"] for line in answer["results"]] == [201, 422]
    messages = [each["msg"] for each in answer["results"][1]["error"]["errors"]]
    assert "Unknown field 'memory_typ'; did you mean 'memory_type'?" in messages
    assert "Unknown field 'externl_id'; did you mean 'external_id'?" in messages


@pytest.mark.parametrize(
    ("method", "path", "body", "loc", "meant"),
    [
        ("POST", "/api/v1/search", {"query": "x", "limt": 5}, ["limt"], "limit"),
        ("POST", "/api/v1/search/batch", {"queries": ["x"], "memory_typ": "n"}, ["memory_typ"], "memory_type"),
        ("POST", "/api/v1/memories", {"content": "x", "expires": "2030-01-01"}, ["expires"], "expires_at"),
        ("POST", "/api/v1/memories", {"content": "x", "links": [{"kind": "about", "external_id": "a", "wieght": 1}]},
         ["links", 0, "wieght"], "weight"),
        ("PATCH", f"/api/v1/memories/{NOBODYS_ID}", {"importanc": 1}, ["importanc"], "importance"),
        ("POST", f"/api/v1/memories/{NOBODYS_ID}/reject", {"raeson": "x"}, ["raeson"], "reason"),
        ("DELETE", f"/api/v1/memories/{NOBODYS_ID}", {"Reasons": "x"}, ["Reasons"], "reason"),
        ("POST", "/api/v1/spaces", {"name": "s", "dimensions": [{"name": "d", "low": "a", "hihg": "b"}]},
         ["dimensions", 0, "hihg"], "high"),
        ("POST", "/api/v1/spaces", {"name": "s", "dimensions": [
            {"name": "d", "low": "a", "high": "b", "examples": [{"text": "x", "value": 1, "vlaue": 2}]}]},
         ["dimensions", 0, "examples", 0, "vlaue"], "value"),
        ("POST", "/api/v1/spaces", {"name": "s", "dimensions": [{"name": "d", "low": {"memoryId": NOBODYS_ID}, "high": "b"}]},
         ["dimensions", 0, "low", "memoryId"], "memory_id"),
        ("POST", "/api/v1/spaces", {"name": "s", "dimensions": [
            {"name": "d", "low": ["a", {"memory_id": NOBODYS_ID, "memory": 1}], "high": "b"}]},
         ["dimensions", 0, "low", 1, "memory"], "memory_id"),
        ("POST", f"/api/v1/spaces/{NOBODYS_ID}/members", {"memory_id": NOBODYS_ID, "coordinate": {}}, ["coordinate"], "coordinates"),
        ("POST", f"/api/v1/spaces/{NOBODYS_ID}/concepts", {"name": "c", "weight": {}}, ["weight"], "weights"),
        ("POST", f"/api/v1/spaces/{NOBODYS_ID}/relations", {"source": "a", "kind": "causes", "target": "b", "wight": 1},
         ["wight"], "weight"),
        ("POST", TEMPLATES, {"name": "t", "steps": [{"name": "a", "function": "memory.search", "depend_on": []}]},
         ["steps", "a", "depend_on"], "depends_on"),
        ("POST", TEMPLATES, {"name": "t", "descripton": "", "steps": []}, ["descripton"], "description"),
        ("POST", "/api/v1/workflows/runs", {"template": "t", "paramters": {}}, ["paramters"], "parameters"),
        ("POST", "/api/v1/decisions", {"operation": "o.o", "reasoning": "r", "confidnce": 1}, ["confidnce"], "confidence"),
        ("POST", "/api/v1/decisions", {"operation": "o.o", "reasoning": "r", "subject": {"kind": "a", "id": "b", "ids": 1}},
         ["subject", "ids"], "id"),
        ("POST", "/api/v1/decisions", {"operation": "o.o", "reasoning": "r", "memories": [{"id": NOBODYS_ID, "scores": 1}]},
         ["memories", 0, "scores"], "score"),
        ("POST", f"/api/v1/decisions/{NOBODYS_ID}/reviews", {"verdict": "approve", "reasons": ""}, ["reasons"], "reason"),
        ("POST", f"/api/v1/decisions/{NOBODYS_ID}/outcomes", {"value": 1, "units": ""}, ["units"], "unit"),
        ("POST", "/api/v1/decisions/search", {"query": "a", "acter": "b"}, ["acter"], "actor"),
        ("POST", f"/api/v1/proposals/{NOBODYS_ID}/accept", {"reasons": ""}, ["reasons"], "reason"),
        ("PUT", "/api/v1/reviews/policy", {"sample": 1}, ["sample"], "sample_share"),
    ],
)  # fmt: skip
def test_typo_is_located_and_gets_a_suggestion(acme, method, path, body, loc, meant):
    found = unknown_in(send(acme, method, path, body, **{"if-match": '"1"'}))
    assert found == {("body", *loc): f"Unknown field '{loc[-1]}'; did you mean '{meant}'?"}


@pytest.mark.parametrize(
    ("path", "meant"),
    [("/api/v1/memories?memory_typ=x", "memory_type"), ("/api/v1/memories?Limit=x", "limit"),
     ("/api/v1/decisions?operaton=x", "operation"), ("/api/v1/metrics/operations?steps=hour", "step"),
     (f"/api/v1/spaces/{NOBODYS_ID}/clusters?counts=3", "count"), ("/api/v1/workflows/runs?stauts=failed", "status"),
     ("/api/v1/ledger/consistency?from=1&tto=2", "to"), ("/api/v1/reviews?risk=high", "risk_class")],
)  # fmt: skip
def test_typo_in_the_query_string_gets_a_suggestion(acme, path, meant):
    assert [each.rpartition("mean ")[2] for each in unknown_in(acme.get(path)).values()] == [f"'{meant}'?"]


def test_errors_in_an_object_name_its_fields(acme):
    body = {"name": "s", "dimensions": [{"name": "d", "low": {"memory": NOBODYS_ID}, "high": "b"}]}
    items = send(acme, "POST", "/api/v1/spaces", body).json()["errors"]
    assert [(each["type"], each["loc"]) for each in items] == [
        ("missing", ["body", "dimensions", 0, "low", "memory_id"]),
        ("extra_forbidden", ["body", "dimensions", 0, "low", "memory"]),
    ]


@pytest.mark.parametrize(
    "path", ["/api/v1/memories?limit=1&limit=2", "/api/v1/decisions?operation=a&operation=b"]
)
def test_a_parameter_with_two_values_is_refused(acme, path):
    response = acme.get(path)
    assert response.status_code == 422
    assert response.json()["errors"][0]["type"] == "repeated_parameter"


def test_free_form_objects_stay_free(acme):
    odd = {"limt": 1, "a": {"b": [{"c": 1}]}, "": 0}
    memory = acme.store("x", metadata=odd)
    assert acme.get(f"/api/v1/memories/{memory}").json()["metadata"] == odd
    body = {
        "operation": "own.step",
        "reasoning": "r",
        "inputs": odd,
        "outputs": odd,
        "versions": odd,
        "alternatives": [odd],
    }
    decision = acme.post("/api/v1/decisions", body)
    assert decision.status_code == 201
    assert acme.get(f"/api/v1/decisions/{decision.json()['id']}").json()["inputs"] == odd
    assert acme.search("x", filters={"limt": 1})[0]["id"] == memory


@pytest.mark.parametrize(
    ("method", "path"), [pytest.param(*each, id=f"{each[0]} {each[1]}") for each in sorted(OLD)]
)
def test_old_routes_ignore_what_they_do_not_know(acme, method, path):
    body = {"query": "x", "content": "x", "zebra": 1} if method == "POST" else None
    response = send(acme, method, f"{path}?query=x&zebra=1", body)
    assert response.status_code == 200, response.content


def test_many_unknown_fields_are_all_named_and_cost_little(acme):
    found = unknown_in(
        acme.post("/api/v1/memories", {"content": "x"} | {f"field{n}": n for n in range(5_000)})
    )
    assert len(found) == 5_000


def test_missing_credential_is_reported_before_unknown_parameters(acme):
    response = acme.client.get("/api/v1/memories?zebra=1")
    assert response.status_code == 401


def test_schema_forbids_unknown_fields(acme):
    document = acme.get("/openapi.json").json()
    shapes = document["components"]["schemas"]

    def open_objects(shape, at):
        if "$ref" in shape:
            name = shape["$ref"].rpartition("/")[2]
            # the old platform's shape; events have extensions
            if name not in ("TasksTemplate", "CloudEvent"):
                yield from open_objects(shapes[name], name)
            return
        if "properties" in shape and shape.get("additionalProperties") is not False:
            yield at
        inner = [*shape.get("properties", {}).values(), *shape.get("anyOf", [])]
        inner += [shape["items"]] if "items" in shape else []
        for each in inner:
            yield from open_objects(each, at)

    looked_at = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if not path.startswith("/api/v1/") or (method.upper(), path) in OLD | CAUSAL:
                continue
            for content in operation.get("requestBody", {}).get("content", {}).values():
                looked_at += 1
                assert list(open_objects(content["schema"], path)) == []
    assert looked_at > 20


def test_a_shape_that_would_ignore_fields_fails_loudly(rf):
    class Loose(BaseModel):
        name: str

    view = NativeView()
    view.json = {"name": "x"}
    assert not is_strict(Loose)
    with pytest.raises(TypeError, match="Loose ignores unknown fields"):
        view.body(Loose)
