"""Arbitrary JSON at every route that takes a body: never a failure of ours."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.routes import POSTS

BULK = "/api/v1/memories/bulk"
FIELDS = [
    "query", "content", "metadata", "memory_type", "search_type", "limit", "filters", "source", "external_id", "tags",
    "importance", "links", "valid_from", "valid_to", "embedding",
]  # fmt: skip
WORDS = [
    "$gte", "$in", "$exists", "$ne", "$nin", "kind", "follows", "hybrid", "2025-01-01T00:00:00Z", "nan", "1e400", "-1",
    "\x00", "\ud800", "",
]  # fmt: skip

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats()
    | st.sampled_from(WORDS)
    # surrogates too: json.dumps escapes them
    | st.text(st.characters(), max_size=20)
)
KEYS = st.sampled_from(FIELDS + WORDS) | st.text(st.characters(), max_size=5)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6)
BOUNDED = settings(
    max_examples=60,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def assert_answered(response):
    assert response.status_code < 500, response.content
    assert response["X-Correlation-Id"]
    # an answer is JSON in the strict sense, whatever went in
    json.loads(response.content, parse_constant=pytest.fail)


@pytest.mark.parametrize(("path", "field"), POSTS)
@BOUNDED
@given(body=JSON)
def test_any_json_is_answered(acme, path, field, body):
    assert_answered(acme.send(path, json.dumps(body), "application/json"))


@pytest.mark.parametrize(("path", "field"), POSTS)
@BOUNDED
@given(fields=OBJECTS)
def test_unknown_fields_beside_a_valid_one_are_answered(acme, path, field, fields):
    assert_answered(acme.send(path, json.dumps(fields | {field: "x"}), "application/json"))


@BOUNDED
@given(lines=st.lists(OBJECTS.map(lambda fields: {"content": "x"} | fields) | JSON, min_size=1, max_size=4))
def test_any_lines_are_answered_one_by_one(acme, lines):
    raw = "\n".join(json.dumps(line) for line in lines)
    response = acme.send(BULK, raw, "application/x-ndjson")
    assert_answered(response)
    assert [line["line"] for line in response.json()["results"]] == list(range(1, len(lines) + 1))


@pytest.mark.parametrize("path", [*(path for path, _ in POSTS), BULK])
@BOUNDED
@given(raw=st.binary(max_size=200))
def test_any_bytes_are_answered(acme, path, raw):
    assert_answered(acme.send(path, raw, "application/json"))


@pytest.mark.parametrize("path", ["/api/v1/memories", "/api/v1/decisions"])
@BOUNDED
@given(
    name=st.sampled_from(["limit", "cursor", "memory_type", "source", "operation", "subject_id", "x"]),
    value=st.binary(max_size=40),
)
def test_any_query_string_is_answered(acme, path, name, value):
    encoded = "".join(f"%{byte:02x}" for byte in value)
    assert_answered(acme.get(f"{path}?{name}={encoded}"))


@BOUNDED
@given(place=st.binary(min_size=1, max_size=40))
def test_any_path_is_answered(acme, place):
    encoded = "".join(f"%{byte:02x}" for byte in place)
    response = acme.client.get(f"/api/v1/memories/{encoded}")
    assert response.status_code in {307, 401, 404}
