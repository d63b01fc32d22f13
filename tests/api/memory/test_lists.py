"""GET /api/v1/memories and POST /api/v1/memories/query: what narrows a list, its orders, pages and counts."""

import json
from urllib.parse import urlencode

import pytest

NAMES = ["one", "two", "three", "four", "five"]


@pytest.fixture
def stocked(acme, rival):
    rows = [
        {
            "content": "then Anna buys the bicycle",
            "tags": ["a", "b"],
            "source": "crm/eu",
            "thread": "t-1",
            "importance": 0.9,
        },
        {
            "content": "a BICYCLE shed",
            "tags": ["a"],
            "source": "crm/us",
            "valid_from": "2025-01-01",
            "importance": 0.1,
        },
        {"content": "nothing at all", "tags": ["b", "c"], "source": "crm", "valid_from": "2025-06-01"},
        {
            "content": "50% off",
            "metadata": {"conversation": "t-1", "channel": "tv"},
            "valid_to": "2030-01-01",
        },
        {
            "content": "It is Anna again",
            "metadata": {"speaker": "Bob", "channel": "tv"},
            "source": "erp",
            "external_id": "e",
        },
    ]
    for name, row in zip(NAMES, rows, strict=True):
        acme.store(row.pop("content"), **row | {"metadata": row.get("metadata", {}) | {"name": name}})
    rival.store("then Anna buys the bicycle", tags=["a"], source="crm/eu", thread="t-1")
    return acme


def listed(caller, body):
    response = caller.post("/api/v1/memories/query", body)
    assert response.status_code == 200, response.content
    return [each["metadata"]["name"] for each in response.json()["results"]]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ["five", "four", "three", "two", "one"]),
        ({"tags": ["a", "b"]}, ["one"]),
        ({"tags": "a"}, ["two", "one"]),
        ({"tags": {"any": ["a", "c"]}}, ["three", "two", "one"]),
        ({"tags": {"all": ["a"], "any": ["b", "c"]}}, ["one"]),
        ({"tags": {"exact": ["b", "a"]}}, ["one"]),
        ({"tags": {"exact": ["a"]}}, ["two"]),
        ({"tags": {"exact": []}}, ["five", "four"]),
        ({"tags": {"any": ["nowhere"]}}, []),
        ({"source": "crm"}, ["three"]),
        ({"source": {"prefix": "crm"}}, ["three", "two", "one"]),
        ({"source": {"prefix": "crm/"}}, ["two", "one"]),
        ({"source": ""}, ["four"]),
        ({"source": "erp", "external_id": "e"}, ["five"]),
        ({"external_id": "e"}, ["five"]),
        ({"thread": "t-1"}, ["four", "one"]),
        ({"thread": ""}, ["five", "three", "two"]),
        ({"entity": "anna"}, ["five", "one"]),
        ({"entity": "BOB"}, ["five"]),
        ({"text": "icycl"}, ["two", "one"]),
        ({"text": "0% o"}, ["four"]),
        ({"text": "%"}, ["four"]),
        ({"filters": {"channel": "tv"}}, ["five", "four"]),
        ({"filters": {"OR": [{"name": "one"}, {"name": "two"}]}, "text": "shed"}, ["two"]),
        ({"valid_from": {"$gte": "2025-01-01", "$lt": "2025-02-01"}}, ["two"]),
        ({"valid_from": "2025-06-01"}, ["three"]),
        ({"valid_from": None}, ["five", "four", "one"]),
        ({"valid_from": {"$ne": None}}, ["three", "two"]),
        ({"valid_to": {"$exists": True}}, ["four"]),
        ({"happened_at": {"$lte": "2025-06-01"}}, ["three", "two"]),
        ({"happened_at": {"$lt": "2025-06-01"}}, ["two"]),
        ({"recorded_at": {"$gt": "2000-01-01"}, "states": ["active"]}, ["five", "four", "three", "two", "one"]),
        ({"changed_at": {"$lt": "2000-01-01"}}, []),
        ({"states": ["candidate"]}, []),
        ({"order": "importance"}, ["two", "three", "four", "five", "one"]),
        ({"order": "-importance"}, ["one", "five", "four", "three", "two"]),
        ({"order": "valid_from"}, ["two", "three", "one", "four", "five"]),
        ({"order": "-valid_from"}, ["three", "two", "five", "four", "one"]),
        ({"order": "recorded_at"}, NAMES),
        ({"order": "happened_at", "tags": ["b"]}, ["three", "one"]),
        ({"order": "changed_at", "limit": 2}, ["one", "two"]),
    ],
)  # fmt: skip
def test_narrowed_and_ordered(stocked, asked, expected):
    assert listed(stocked, asked) == expected
    query = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in asked.items()
        if name not in ("source", "states") and value != "" and not isinstance(value, str | int)
    } | {name: value for name, value in asked.items() if isinstance(value, str | int) and value != ""}
    if isinstance(asked.get("source"), dict):
        query["source_prefix"] = asked["source"]["prefix"]
    if "states" in asked:
        query["states"] = ",".join(asked["states"])
    if "" in asked.values():
        return  # in a query string, an empty value narrows nothing
    response = stocked.get(f"/api/v1/memories?{urlencode(query)}")
    assert response.status_code == 200, response.content
    assert [each["metadata"]["name"] for each in response.json()["results"]] == expected


@pytest.mark.parametrize(
    "order",
    [None, "recorded_at", "-changed_at", "happened_at", "valid_from", "-valid_from", "valid_to", "-expires_at", "-importance"],
)  # fmt: skip
def test_pages_both_ways(stocked, order):
    asked = {"limit": 2, "total": True} | ({"order": order} if order else {})
    whole = listed(stocked, asked | {"limit": 200})
    pages, cursor = [], ""
    while cursor is not None:
        page = stocked.post("/api/v1/memories/query", asked | {"cursor": cursor}).json()
        assert page["total"] == 5
        pages.append([each["metadata"]["name"] for each in page["results"]])
        last, cursor = page, page["next"]
    assert [name for each in pages for name in each] == whole
    assert [len(each) for each in pages] == [2, 2, 1]
    back, cursor = [], last["previous"]
    while cursor is not None:
        page = stocked.post("/api/v1/memories/query", asked | {"cursor": cursor}).json()
        back.append([each["metadata"]["name"] for each in page["results"]])
        cursor = page["previous"]
        assert page["next"] is not None
    assert back == pages[-2::-1]


def test_urls_of_pages_keep_what_narrows(stocked):
    first = stocked.get("/api/v1/memories?source_prefix=crm&limit=2&order=valid_from&total=true").json()
    assert (first["previous"], first["total"]) == (None, 3)
    second = stocked.get(first["next"]).json()
    assert [each["metadata"]["name"] for each in second["results"]] == ["one"]
    assert second["next"] is None
    assert stocked.get(second["previous"]).json()["results"] == first["results"]
    assert "total" not in stocked.get("/api/v1/memories").json()


def test_only_of_the_organisation(stocked, rival):
    page = rival.post("/api/v1/memories/query", {"tags": ["a"], "total": True}).json()
    assert (len(page["results"]), page["total"]) == (1, 1)


def test_tags_follow_a_change(stocked):
    [memory] = stocked.post("/api/v1/memories/query", {"tags": {"exact": ["a"]}}).json()["results"]
    sent = {"authorization": f"Bearer {stocked.token}", "if-match": '"1"'}
    changed = stocked.client.patch(
        f"/api/v1/memories/{memory['id']}", {"tags": ["z"]}, content_type="application/json", headers=sent
    )
    assert changed.status_code == 200
    assert listed(stocked, {"tags": ["z"]}) == ["two"]
    assert listed(stocked, {"tags": ["a"]}) == ["one"]
    assert listed(stocked, {"tags": ["a"], "known_at": memory["recorded_at"]}) == ["two", "one"]


def test_a_metadata_key_is_no_tag(acme):
    acme.store("x", metadata={"name": "x", "$tag": "a"})
    assert listed(acme, {"tags": ["a"]}) == []


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({"tags": {}}, ["tags"]),
        ({"tags": {"some": ["a"]}}, ["tags", "some"]),
        ({"tags": {"any": []}}, ["tags", "any"]),
        ({"tags": ["x" * 101]}, ["tags", "all", 0]),
        ({"tags": 1}, ["tags"]),
        ({"source": {"suffix": "x"}}, ["source", "suffix"]),
        ({"source": {}}, ["source"]),
        ({"source": 1}, ["source"]),
        ({"thread": 1}, ["thread"]),
        ({"entity": ""}, ["entity"]),
        ({"text": ""}, ["text"]),
        ({"text": "x" * 1001}, ["text"]),
        ({"recorded_at": "yesterday"}, ["recorded_at", "$eq"]),
        ({"recorded_at": {}}, ["recorded_at"]),
        ({"recorded_at": {"$gt": None}}, ["recorded_at", "$gt"]),
        ({"recorded_at": {"gt": "2025-01-01"}}, ["recorded_at", "gt"]),
        ({"valid_to": {"$gte": "2025-02-01", "$lt": "2025-01-01"}}, ["valid_to"]),
        ({"states": ["lost"]}, ["states", 0]),
        ({"states": []}, ["states"]),
        ({"order": "content"}, ["order"]),
        ({"cursor": "nonsense!"}, ["cursor"]),
        ({"cursor": "WyJ4Il0"}, ["cursor"]),
        ({"cursor": 1}, ["cursor"]),
        ({"limit": 0}, ["limit"]),
        ({"total": "perhaps"}, ["total"]),
        ({"filters": {"$nor": []}}, ["filters", "$nor"]),
        ({"colour": 1}, ["colour"]),
    ],
)
def test_invalid_input_is_422_and_named(acme, body, loc):
    response = acme.post("/api/v1/memories/query", body)
    assert response.status_code == 422, response.content
    assert response.json()["errors"][0]["loc"] == ["body", *loc]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("filters={", "filters"),
        ("filters=1", "filters"),
        ("filters=" + '{"a":{"$x":1}}', "filters"),
        ("tags={}", "tags"),
        ("recorded_at=soon", "recorded_at"),
        ("valid_from=" + '{"$gt":null}', "valid_from"),
        ("order=id", "order"),
        ("total=2", "total"),
        ("cursor=x", "cursor"),
        ("states=lost", "states"),
        ("limit=201", "limit"),
    ],
)
def test_invalid_parameter_is_422_and_named(acme, query, name):
    response = acme.get(f"/api/v1/memories?{query}")
    assert response.status_code == 422, response.content
    assert response.json()["errors"][0]["loc"][:2] == ["query", name]


def test_a_cursor_of_another_order_is_422(stocked):
    cursor = stocked.post("/api/v1/memories/query", {"limit": 1}).json()["next"]
    response = stocked.post("/api/v1/memories/query", {"limit": 1, "cursor": cursor, "order": "importance"})
    assert response.json()["errors"][0]["loc"] == ["body", "cursor"]


def test_constant_number_of_queries(stocked, django_assert_max_num_queries):
    with django_assert_max_num_queries(12):
        stocked.post("/api/v1/memories/query", {"total": True, "order": "-valid_from", "tags": ["a"]})
