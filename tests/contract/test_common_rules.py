"""Rules of every old route: order of checks, content types, 307, 401, 404, 405, CORS."""

import json

import pytest

from tests.api.routes import COMPAT_POSTS

PATHS = [path for path, _ in COMPAT_POSTS]
CONTEXT_REQUIRED = {"detail": "User context required"}
ORIGIN = "http://localhost:3000"


def bare_post(caller, path, raw, content_type="application/json", **headers):
    return caller.client.post(path, raw, content_type=content_type, headers=headers)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("raw", ["{", "{'a': 1}", "nul", '{"a": 1} x', '{"a": NaN}', b"\xff"])
def test_malformed_json_is_422_even_without_a_credential(acme, path, raw):
    response = bare_post(acme, path, raw)
    assert response.status_code == 422
    [item] = response.json()["detail"]
    assert item["type"] == "json_invalid"
    assert item["loc"][0] == "body"
    assert isinstance(item["loc"][1], int)
    assert item["msg"] == "JSON decode error"
    assert item["input"] == {}
    assert isinstance(item["ctx"]["error"], str)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("body", [{}, {"query": 5, "content": 5}, []])
def test_missing_credential_is_401_before_fields_are_checked(acme, path, body):
    response = bare_post(acme, path, json.dumps(body))
    assert response.status_code == 401
    assert response.json() == CONTEXT_REQUIRED
    assert response["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", PATHS)
def test_fields_are_422_for_somebody(acme, path):
    response = acme.post(path, {})
    assert response.status_code == 422
    assert response.json()["detail"][0]["type"] == "missing"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-user-id": "", "x-org-id": ""},
        {"x-user-id": "u1"},
        {"x-org-id": "acme"},
        {"authorization": "Bearer "},
    ],
)
def test_missing_or_empty_context_is_401(acme, path, headers):
    response = bare_post(acme, path, '{"query": "x", "content": "x"}', **headers)
    assert response.status_code == 401
    assert response.json() == CONTEXT_REQUIRED


@pytest.mark.parametrize("path", PATHS)
def test_an_absent_body_is_a_missing_field(acme, path):
    response = acme.send(path, "", "application/json")
    assert response.status_code == 422
    assert response.json()["detail"] == [
        {"type": "missing", "loc": ["body"], "msg": "Field required", "input": None}
    ]


@pytest.mark.parametrize(("path", "field"), COMPAT_POSTS)
@pytest.mark.parametrize(
    "content_type",
    ["", "application/json", "application/json; charset=utf-8", "APPLICATION/JSON", "application/x+json"],
)
def test_json_is_read_with_a_json_type_or_none(acme, path, field, content_type):
    response = acme.client.generic(
        "POST",
        path,
        json.dumps({field: "x"}),
        content_type=content_type,
        headers={"authorization": f"Bearer {acme.token}"},
    )
    assert response.status_code == 200


@pytest.mark.parametrize(("path", "field"), COMPAT_POSTS)
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
def test_another_content_type_is_422(acme, path, field, content_type):
    raw = json.dumps({field: "x"})
    response = acme.send(path, raw, content_type)
    assert response.status_code == 422
    [item] = response.json()["detail"]
    assert (item["type"], item["loc"], item["input"]) == ("model_attributes_type", ["body"], raw)


@pytest.mark.parametrize("path", ["/health", "/ready", *PATHS])
def test_a_trailing_slash_is_pointed_away_with_307(acme, path):
    response = acme.client.generic("GET" if path in {"/health", "/ready"} else "POST", f"{path}/?a=1&b=%20")
    assert response.status_code == 307
    assert response["Location"] == f"{path}?a=1&b=%20"


def test_307_keeps_method_and_body(acme):
    response = acme.client.post(
        "/store/",
        '{"content": "x"}',
        content_type="application/json",
        headers={"authorization": f"Bearer {acme.token}"},
        follow=True,
    )
    assert response.status_code == 200
    assert response.json()["data"]["content_length"] == 1


@pytest.mark.parametrize("path", ["//evil.example/", "//search/", "/nowhere/", "/search//"])
def test_only_known_paths_are_pointed_anywhere(acme, path):
    response = acme.client.generic("GET", "/", PATH_INFO=path)
    assert response.status_code == 404
    assert response.json() == {"detail": "Not Found"}


@pytest.mark.parametrize("path", PATHS)
def test_a_wrong_method_is_405_before_anything_else(acme, path):
    for method in ("GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"):
        response = acme.client.generic(method, path, "{")
        assert response.status_code == 405
        assert response["Allow"] == "POST"
        if method != "HEAD":
            assert response.json() == {"detail": "Method Not Allowed"}


@pytest.mark.parametrize("path", ["/", "/health", "/ready"])
def test_posting_to_a_public_route_is_405(acme, path):
    response = acme.client.post(path)
    assert response.status_code == 405
    assert response.json() == {"detail": "Method Not Allowed"}
    assert "GET" in response["Allow"]


@pytest.mark.parametrize("path", ["/nowhere", "/search/psychic", "/Search", "/store/x"])
def test_an_unknown_path_is_404(acme, path):
    response = acme.client.get(path)
    assert response.status_code == 404
    assert response["Content-Type"] == "application/json"
    assert response.json() == {"detail": "Not Found"}


@pytest.mark.parametrize("path", ["/health", *PATHS])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT"])
def test_preflight_is_allowed_from_the_ui_shell(acme, path, method):
    response = acme.client.options(
        path,
        headers={
            "origin": ORIGIN,
            "access-control-request-method": method,
            "access-control-request-headers": "content-type,x-org-id,x-user-id",
        },
    )
    assert response.status_code == 200
    assert response["Access-Control-Allow-Origin"] == ORIGIN
    assert response["Access-Control-Allow-Credentials"] == "true"
    assert method in response["Access-Control-Allow-Methods"]
    allowed = response["Access-Control-Allow-Headers"].replace(" ", "").split(",")
    assert {"content-type", "x-org-id", "x-user-id", "authorization"} <= set(allowed)


def test_preflight_allows_any_header(acme):
    response = acme.client.options(
        "/search",
        headers={
            "origin": ORIGIN,
            "access-control-request-method": "POST",
            "access-control-request-headers": "x-anything",
        },
    )
    assert "x-anything" in response["Access-Control-Allow-Headers"]


def test_an_answer_to_the_ui_shell_names_its_origin(acme):
    response = acme.post("/search", {"query": "x"}, origin=ORIGIN)
    assert response["Access-Control-Allow-Origin"] == ORIGIN
    assert response["Access-Control-Allow-Credentials"] == "true"


def test_another_origin_is_not_allowed(acme):
    response = acme.client.options(
        "/search", headers={"origin": "http://evil.example", "access-control-request-method": "POST"}
    )
    assert "Access-Control-Allow-Origin" not in response
