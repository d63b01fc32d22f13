"""/openapi.json, /docs and /redoc."""

import json
import re

import pytest
from django.urls import get_resolver
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

UNDOCUMENTED = ("sign-in/", "admin/", "docs", "redoc", "metrics", "openapi.json", "favicon.ico", "llms.txt")
CONVERTER = re.compile(r"<(?:\w+:)?(\w+)>")
BODIES = [
    "/search", "/search/neural", "/search/knowledge", "/store", "/api/v1/search", "/api/v1/memories",
    "/api/v1/memories/bulk",
]  # fmt: skip


@pytest.fixture
def document(db, client):
    response = client.get("/openapi.json")
    assert response.status_code == 200
    return json.loads(response.content)


def routes(patterns=None, prefix=""):
    for pattern in patterns if patterns is not None else get_resolver().url_patterns:
        path = prefix + str(pattern.pattern)
        if path.startswith(UNDOCUMENTED):
            continue
        if hasattr(pattern, "url_patterns"):
            yield from routes(pattern.url_patterns, path)
        else:
            yield "/" + CONVERTER.sub(r"{\1}", path), pattern.callback.cls


def test_the_document_is_valid(document):
    validate(document)  # raises
    assert document["openapi"].startswith("3.1")


def test_it_has_the_contracts_title_and_version(document):
    assert document["info"]["title"] == "Lift OS Core - Memory Service"
    assert document["info"]["version"] == "2.0.0"


def test_it_lists_every_route_and_method(document):
    expected = {
        path: {method for method in ("get", "post", "put", "patch", "delete") if hasattr(view, method)}
        for path, view in routes()
    }
    listed = {path: set(operations) for path, operations in document["paths"].items()}
    assert len(expected) >= 13
    assert listed == expected


def test_every_operation_has_its_own_id(document):
    ids = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("path", BODIES)
def test_a_body_is_described(document, path):
    content = document["paths"][path]["post"]["requestBody"]["content"]
    assert list(content) == ["application/x-ndjson" if path.endswith("bulk") else "application/json"]


def test_credentials_are_named_where_they_are_needed(document):
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if path in {"/", "/health", "/ready"}:
                assert "security" not in operation
            else:
                assert operation["security"] == [{"bearer": []}, {"jwt": []}, {"apiKey": []}]
                assert {"401", "422"} <= set(operation["responses"])
    assert set(document["components"]["securitySchemes"]) == {"bearer", "jwt", "apiKey"}


@pytest.mark.parametrize("path", ["/api/v1/memories", "/api/v1/decisions"])
def test_query_parameters_are_described(document, path):
    named = {each["name"]: each for each in document["paths"][path]["get"]["parameters"]}
    assert {"limit", "cursor"} <= set(named)
    assert named["limit"]["schema"]["type"] == "integer"
    assert not named["limit"].get("required")


def test_building_it_warns_of_nothing(db, client, capsys):
    client.get("/openapi.json")
    assert "Warning" not in capsys.readouterr().err


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_documentation_asks_no_other_host(db, client, path):
    page = client.get(path).content.decode()
    assert re.findall(r"(?:https?:)?//[\w.-]+\.\w+", page) == []


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_documentation_and_its_assets_are_served(db, client, path):
    response = client.get(path)
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/html")
    assets = re.findall(r'(?:src|href)="(/static/[^"]+)"', response.content.decode())
    assert assets
    assert {client.get(asset).status_code for asset in assets} == {200}


def test_old_shapes_keep_the_names_that_generated_clients_know(document):
    known = {"SeedStore", "SeedSearch", "SeedQueries", "SeedDimensions", "SeedMetadata"}
    assert known <= document["components"]["schemas"].keys()
    assert document["paths"]["/store"]["post"]["tags"] == ["seed contract"]
    sent = document["paths"]["/store"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert sent == {"$ref": "#/components/schemas/SeedStore"}


def test_query_parameters_state_their_types_choices_and_bounds(document):
    of = {
        (path, method): {each["name"]: each["schema"] for each in operation.get("parameters", [])}
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }
    search = of["/api/v1/search", "post"]
    assert search["token_budget"] == {"type": "integer", "minimum": 1, "maximum": 1_000_000}
    assert search["format"] == {"type": "string", "enum": ["results", "prompt"]}
    assert of["/api/v1/decisions", "get"]["since"] == {"type": "string", "format": "date-time"}
    assert of["/api/v1/memories", "get"]["limit"] == {
        "type": "integer",
        "default": 50,
        "minimum": 1,
        "maximum": 200,
    }


def conforming(document, method, path, response):
    """Return the response's body, which is valid under its schema in the document."""
    described = document["paths"][path][method]["responses"][str(response.status_code)]
    schema = described["content"]["application/json"]["schema"]
    Draft202012Validator({**schema, "components": document["components"]}).validate(response.json())
    return response.json()


def test_answers_about_short_and_object_memories_conform(document, acme):
    memories = "/api/v1/memories"
    for content in ("cocoa", {}):
        conforming(document, "post", memories, acme.post(memories, {"content": content}))
    hits = conforming(document, "post", "/api/v1/search", acme.post("/api/v1/search", {"query": ""}))
    assert sorted(hit["passage"]["text"] for hit in hits["results"]) == ["cocoa", "{}"]
    assert {} in [hit["content"] for hit in hits["results"]]
    batch = conforming(
        document,
        "post",
        "/api/v1/search/batch",
        acme.post("/api/v1/search/batch", {"queries": ["cocoa", ""]}),
    )
    assert {} in [memory["content"] for memory in batch["memories"].values()]
    assert batch["results"][0][0]["passage"] == {"text": "cocoa", "start": 0, "end": 5}
    principals = "/api/v1/principals"
    sent = {"name": "alice", "kind": "agent"}
    assert conforming(document, "post", principals, acme.post(principals, sent))["kind"] == "agent"
    body = document["paths"][principals]["post"]["requestBody"]["content"]["application/json"]["schema"]
    Draft202012Validator({**body, "components": document["components"]}).validate(sent)
