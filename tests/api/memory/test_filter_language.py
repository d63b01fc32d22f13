"""The whole language of filters: each gives the right answer, or a 422 that names the place."""

import json

import pytest

LONG_KEY = "k" * 201
STORED = {
    "object": {"v": {"b": 1}},
    "deep": {"v": {"b": {"c": {}}}},
    "empty object": {"v": {}},
    "list": {"v": [1, "x"]},
    "empty list": {"v": []},
    "objects": {"v": [{"b": 1}, {"c": 2}]},
    "lists": {"v": [[]]},
    "null": {"v": None},
    "zero": {"v": 0},
    "one": {"v": 1},
    "false": {"v": False},
    "true": {"v": True},
    "text one": {"v": "1"},
    "text null": {"v": "null"},
    "long": {"v": "m" * 500},
    "huge": {"v": 10**300},
    "dotted": {"v.b": 1},
    "dollar": {"$or": 1, "v": {"$gte": 1}},
    "unnamed": {"": {"v": 1}},
    "none": {"w": 1},
}
ALL_WITH_V = set(STORED) - {"dotted", "unnamed", "none"}


@pytest.fixture
def stocked(acme):
    lines = "\n".join(
        json.dumps({"content": "same words", "metadata": {"label": label} | metadata})
        for label, metadata in STORED.items()
    )
    assert acme.send("/api/v1/memories/bulk", lines, "application/x-ndjson").status_code == 200
    return acme


def labels(caller, filters):
    hits = caller.search("same words", filters=filters, limit=100, search_type="knowledge")
    return {hit["metadata"]["label"] for hit in hits}


def test_right_answers(stocked):
    for wanted, expected in [
        ({"$exists": True}, ALL_WITH_V),
        ({"$exists": False}, {"dotted", "unnamed", "none"}),
        (None, {"null"}),
        ({"$eq": None}, {"null"}),
        ("null", {"text null"}),
        (0, {"zero"}),
        (0.0, {"zero"}),
        (-0.0, {"zero"}),
        (False, {"false"}),
        (1, {"one", "list"}),
        (True, {"true"}),
        ("1", {"text one"}),
        ([0, False, None], {"zero", "false", "null"}),
        ([], set()),
        ({"$in": []}, set()),
        ({"$nin": []}, set(STORED)),
        ({"$ne": 1}, set(STORED) - {"one", "list"}),
        ({"$nin": [1, True]}, set(STORED) - {"one", "list", "true"}),
        ({"$gt": 0}, {"one", "list", "huge"}),
        ({"$gte": 10**300}, {"huge"}),
        ({"$lt": 1e-300}, {"zero"}),
        ({"$gte": "m"}, {"long", "text null", "list"}),
        ({"$gt": "m" * 200}, {"long", "text null", "list"}),
        ({"$lt": "m" * 200}, {"text one"}),
        ({"$lt": "n"}, {"long", "text one"}),
        ("m" * 500, {"long"}),
        ("m" * 201, set()),
        ("o", set()),
        ({"$gte": 0, "$lt": 1}, {"zero"}),
    ]:
        assert labels(stocked, {"v": wanted}) == expected, wanted
    for filters, expected in [
        ({"v.b": 1}, {"object", "objects", "dotted"}),
        ({"v.b": {"$exists": True}}, {"object", "objects", "dotted", "deep"}),
        ({"v.b.c": {"$exists": True}}, {"deep"}),
        ({"v.$gte": 1}, {"dollar"}),
        ({".v": 1}, {"unnamed"}),
        ({"": {"$exists": True}}, {"unnamed"}),
        ({"k" * 200: 1}, set()),
    ]:
        assert labels(stocked, filters) == expected, filters


def test_filters_are_joined(stocked):
    everything = set(STORED)
    for filters, expected in [
        ({"$or": [{"v": 0}, {"v": True}]}, {"zero", "true"}),
        ({"OR": [{"v": 0}, {"w": 1}, {"v.b": 1}]}, {"zero", "none", "object", "objects", "dotted"}),
        ({"$and": [{"v": 1}, {"v": "x"}]}, {"list"}),
        ({"AND": [{"v": {"$gte": 1}}, {"v": {"$ne": "x"}}]}, {"one", "huge"}),
        ({"$not": {"v": {"$exists": True}}}, {"dotted", "unnamed", "none"}),
        ({"NOT": [{"v": {"$exists": True}}, {"w": 1}]}, {"dotted", "unnamed"}),
        ({"$not": [{"v": 1, "label": "one"}]}, everything - {"one"}),
        ({"$or": [{"v": 0}, {"$not": {"v": {"$exists": True}}}]}, {"zero", "dotted", "unnamed", "none"}),
        ({"$or": [{"v": {"$ne": 1}}, {"label": "one"}]}, everything - {"list"}),
        ({"$or": [{"v": {"$ne": 1}}, {"v": {"$ne": 0}}]}, everything),
        ({"v": {"$not": {"$gt": 0}}}, everything - {"one", "list", "huge"}),
        ({"v": {"$not": {"$gt": 0, "$lt": 2}}}, everything - {"one", "list"}),
        (
            {"$or": [{"$and": [{"v": 1}, {"label": "list"}]}, {"$not": {"$not": {"v": None}}}]},
            {"list", "null"},
        ),
    ]:
        assert labels(stocked, filters) == expected, filters


def test_and_or_not_are_metadata_keys_where_they_join_nothing(acme):
    acme.store("same words", metadata={"label": "a", "AND": "x", "NOT": 1})
    for filters in ({"AND": "x"}, {"AND": ["x", "y"]}, {"NOT": 1}, {"NOT": {"$gt": 0}}):
        assert labels(acme, filters) == {"a"}, filters


def test_parts_of_texts(acme):
    texts = {
        "plain": "Sommer_Kampagne 50%",
        "long": "x" * 300 + "Needle" + "y",
        "list": ["alpha", "Beta"],
        "number": 5,
        "umlaut": "ÄPFEL",
        "backslash": "a\\b",
    }
    for label, text in texts.items():
        acme.store("same words", metadata={"label": label, "t": text})
    for condition, expected in [
        ({"$contains": "mmer"}, {"plain"}),
        ({"$contains": "MMER"}, set()),
        ({"$icontains": "MMER_"}, {"plain"}),
        ({"$icontains": "MMERx"}, set()),
        ({"$contains": "0%"}, {"plain"}),
        ({"$contains": "%"}, {"plain"}),
        ({"$contains": "_"}, {"plain"}),
        ({"$contains": "\\"}, {"backslash"}),
        ({"$icontains": "äpf"}, {"umlaut"}),
        ({"$contains": "Needle"}, {"long"}),
        ({"$icontains": "needle"}, {"long"}),
        ({"$contains": "eta"}, {"list"}),
        ({"$startswith": "Be"}, {"list"}),
        ({"$startswith": "xxx"}, {"long"}),
        ({"$startswith": "omm"}, set()),
        ({"$like": "Sommer%"}, {"plain"}),
        ({"$like": "%Needle_"}, {"long"}),
        ({"$like": "Needle"}, set()),
        ({"$like": "_eta"}, {"list"}),
        ({"$like": "%50\\%"}, {"plain"}),
        ({"$contains": "5"}, {"plain"}),
        ({"$not": {"$contains": "e"}}, {"number", "umlaut", "backslash", "list"} - {"list"}),
    ]:
        assert labels(acme, {"t": condition}) == expected, condition


@pytest.mark.parametrize(
    ("filters", "loc"),
    [
        ({"$or": 1}, ["$or"]),
        ({"$and": []}, ["$and"]),
        ({"$or": [{}]}, ["$or"]),
        ({"AND": []}, ["AND"]),
        ({"$not": "a"}, ["$not"]),
        ({"$or": [{"a": 1}, {"b": {"$foo": 1}}]}, ["$or", 1, "b", "$foo"]),
        ({"NOT": {"b": {"$like": 1}}}, ["NOT", "b", "$like"]),
        ({"a": {"$like": "x\\"}}, ["a", "$like"]),
        ({"a": {"$contains": ""}}, ["a", "$contains"]),
        ({"a": {"$icontains": None}}, ["a", "$icontains"]),
        ({"a": {"$startswith": "m" * 201}}, ["a", "$startswith"]),
        ({"$gte": 1}, ["$gte"]),
        ({"$": 1}, ["$"]),
        ({"a": {"$or": [1]}}, ["a", "$or"]),
        ({"a": {"$not": 1}}, ["a", "$not"]),
        ({"a": {"$not": {}}}, ["a", "$not"]),
        ({"a": {"$and": []}}, ["a", "$and"]),
        ({"a": {"$eq": {"$gte": 1}}}, ["a", "$eq"]),
        ({"a": {"$exists": None}}, ["a", "$exists"]),
        ({"a": {"$exists": "true"}}, ["a", "$exists"]),
        ({"a": {"$exists": []}}, ["a", "$exists"]),
        ({"a": {"$in": {"b": 1}}}, ["a", "$in"]),
        ({"a": {"$in": None}}, ["a", "$in"]),
        ({"a": {"$gt": "m" * 201}}, ["a", "$gt"]),
        ({LONG_KEY: 1}, [LONG_KEY]),
        ({LONG_KEY: {"$exists": False}}, [LONG_KEY]),
    ],
)
@pytest.mark.parametrize("path", ["/search", "/api/v1/search", "/api/v1/search/batch", "/memory/search"])
def test_what_says_nothing_is_422_and_named(acme, path, filters, loc):
    asked = {"queries": ["x"]} if path.endswith("/batch") else {"query": "x"}
    response = acme.post(path, asked | {"filters": filters})
    assert response.status_code == 422
    errors = response.json().get("errors") or response.json()["detail"]
    assert errors[0]["loc"] == ["body", "filters", *loc]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e400"])
def test_invalid_number_is_422(acme, number):
    raw = f'{{"query": "x", "filters": {{"a": {{"$gt": {number}}}}}}}'
    assert acme.send("/api/v1/search", raw, "application/json").status_code == 422


@pytest.mark.parametrize(
    "metadata", [{LONG_KEY: 1}, {"a": {"k" * 199: 1}}, {"a": [{"k" * 199: {}}]}], ids=range(3)
)
def test_a_key_that_no_filter_can_name_is_422_and_not_stored(acme, metadata):
    memory = acme.store("x")
    sent = {"authorization": f"Bearer {acme.token}", "if-match": '"1"'}
    answers = [
        acme.post("/api/v1/memories", {"content": "y", "metadata": metadata}),
        acme.post(f"/api/v1/memories/{memory}/supersede", {"content": "y", "metadata": metadata}),
        acme.client.patch(
            f"/api/v1/memories/{memory}",
            {"metadata": metadata},
            content_type="application/json",
            headers=sent,
        ),
        acme.post("/store", {"content": "y", "metadata": metadata}),
        acme.post("/store", {"content": "y", "context": metadata}),
        acme.post("/api/v1/store", {"content": "y", "metadata": metadata}),
        acme.post("/memory/store", {"value": "y", "context": metadata}),
    ]
    for answer in answers:
        assert answer.status_code == 422, answer.content
        errors = answer.json().get("errors") or answer.json()["detail"]
        assert errors[0]["loc"] == ["body", "metadata"]
    lines = "\n".join(json.dumps(each) for each in ({"content": "y", "metadata": metadata}, {"content": "z"}))
    results = acme.send("/api/v1/memories/bulk", lines, "application/x-ndjson").json()["results"]
    assert [line["status"] for line in results] == [422, 201]
    assert {each["content"] for each in acme.get("/api/v1/memories").json()["results"]} == {"x", "z"}


def test_the_load_test_is_filtered(acme):
    kept = acme.post("/memory/store", {"key": "k", "value": "report", "context": {"c": 2}}).json()[
        "memory_id"
    ]
    acme.post("/memory/store", {"key": "l", "value": "report"})
    for filters in ({"key": "k"}, {"context.c": {"$gte": 2}}, {"context": {"$exists": True}}):
        found = acme.post("/memory/search", {"query": "report", "filters": filters}).json()["results"]
        assert [each["id"] for each in found] == [kept]
    assert len(acme.post("/memory/search", {"query": "report", "filters": None}).json()["results"]) == 2
    assert acme.post("/memory/search", {"query": "report", "filters": [1]}).status_code == 422
