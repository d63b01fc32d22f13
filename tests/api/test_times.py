"""Times that callers send, wherever a route takes one."""

from datetime import UTC, datetime
from urllib.parse import quote

import pytest

BEYOND = ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00", "0000-01-01", "2024-13-01", "2024", "1706745600", "1e20"]  # fmt: skip
DECISION = {"operation": "o", "reasoning": "r"}
BODIES = [
    ("/api/v1/memories", {"content": "x"}, "valid_from"),
    ("/api/v1/memories", {"content": "x"}, "valid_to"),
    ("/api/v1/memories", {"content": "x"}, "expires_at"),
    ("/api/v1/search", {"query": "x"}, "as_of"),
    ("/api/v1/search", {"query": "x"}, "known_at"),
    ("/api/v1/search/batch", {"queries": ["x"]}, "as_of"),
    ("/api/v1/search/batch", {"queries": ["x"]}, "known_at"),
    ("/api/v1/decisions", DECISION, "started_at"),
]
QUERIES = [
    ("/api/v1/search?query=x", "start_date"),
    ("/api/v1/search?query=x", "end_date"),
    ("/api/v1/memories?limit=1", "as_of"),
    ("/api/v1/memories?limit=1", "known_at"),
    ("/api/v1/metrics/operations?step=hour", "since"),
    ("/api/v1/metrics/operations?step=hour", "until"),
]


@pytest.mark.parametrize("written", [*BEYOND, 1e20, -1e20, 20_301_231, True, "", [], {"a": 1}], ids=str)
@pytest.mark.parametrize(("path", "body", "field"), BODIES)
def test_invalid_time_in_a_body_is_422_and_names_the_field(acme, path, body, field, written):
    response = acme.post(path, body | {field: written})
    assert response.status_code == 422, response.content
    assert response.json()["errors"][0]["loc"] == ["body", field]


@pytest.mark.parametrize("written", BEYOND)
@pytest.mark.parametrize(("path", "field"), QUERIES)
def test_invalid_time_in_a_query_is_422_and_names_the_field(acme, path, field, written):
    response = acme.get(f"{path}&{field}={quote(written)}")
    assert response.status_code == 422, response.content
    assert response.json()["errors"][0]["loc"] == ["query", field]


def test_a_decision_does_not_begin_after_it_is_recorded(acme):
    response = acme.post("/api/v1/decisions", DECISION | {"started_at": "9999-12-31T23:59:59Z"})
    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"] == ["body", "started_at"]


@pytest.mark.parametrize("started", ["0001-01-01T00:00:00Z", "20240101", "2024-01-01T05:00:00+05:00"])
def test_the_start_of_a_decision_comes_back(acme, started):
    made = acme.post("/api/v1/decisions", DECISION | {"started_at": started})
    assert made.status_code == 201
    got = acme.get(f"/api/v1/decisions/{made.json()['id']}").json()["started_at"]
    assert got == ("0001-01-01T00:00:00Z" if started.startswith("0001") else "2024-01-01T00:00:00Z")


def test_a_compact_date_is_that_day(acme):
    memory = acme.store("x", valid_from="20240101", expires_at="20301231")
    got = acme.get(f"/api/v1/memories/{memory}").json()
    assert (got["valid_from"], got["expires_at"]) == ("2024-01-01T00:00:00Z", "2030-12-31T00:00:00Z")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("/api/v1/search?query=x&start_date=2025-01-02&end_date=2025-01-01", "end_date"),
        ("/api/v1/search?query=x&start_date=2025-01-01T12:00:00Z&end_date=2025-01-01T11:59:59Z", "end_date"),
        ("/api/v1/metrics/operations?since=2025-01-02&until=2025-01-01", "until"),
    ],
)
def test_a_reversed_window_is_422(acme, query, field):
    response = acme.get(query)
    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"] == ["query", field]


@pytest.mark.parametrize(
    "window",
    [
        "start_date=2025-01-01&end_date=2025-01-01",
        "start_date=2025-01-01T12:00:00Z&end_date=2025-01-01T12:00:00Z",
        "start_date=2025-01-01T14:00:00+02:00&end_date=2025-01-01",
        "start_date=20250101&end_date=",
    ],
)
def test_window_of_a_day_or_a_moment_finds_its_memories(acme, window):
    memory = acme.store("report", valid_from="2025-01-01T12:00:00Z")
    results = acme.get(f"/api/v1/search?query=report&{window}").json()["results"]
    assert [result["id"] for result in results] == [memory]


@pytest.mark.parametrize(
    "metadata",
    [
        {"timestamp": 1_706_745_600},
        {"timestamp": 1_706_745_600_000},
        {"timestamp": 1_706_745_600.0},
        {"date": ["2024-03-05", "2024-02-01"]},
        {"date": "1 February 2024"},
        {"date": "20240201"},
    ],
)
def test_the_page_shows_the_date_that_it_filters_by(acme, metadata):
    memory = acme.store("report", metadata=metadata)
    [result] = acme.get("/api/v1/search?query=report&start_date=2024-02-01&end_date=2024-02-01").json()[
        "results"
    ]
    assert (result["id"], result["date"]) == (memory, "2024-02-01")
    assert acme.get("/api/v1/search?query=report&start_date=2024-02-02").json()["results"] == []


def test_a_memory_without_a_time_has_the_day_it_was_recorded(acme):
    acme.store("report")
    today = datetime.now(UTC).date().isoformat()
    [result] = acme.get(f"/api/v1/search?query=report&start_date={today}").json()["results"]
    assert result["date"] == today


def test_a_change_of_when_it_held_moves_the_memory(acme):
    memory = acme.store("report", valid_from="2024-02-01")
    sent = {"authorization": f"Bearer {acme.token}", "if-match": '"1"'}
    changed = acme.client.patch(
        f"/api/v1/memories/{memory}",
        {"valid_from": "2024-05-01"},
        content_type="application/json",
        headers=sent,
    )
    assert changed.status_code == 200, changed.content
    [result] = acme.get("/api/v1/search?query=report&start_date=2024-05-01").json()["results"]
    assert (result["id"], result["date"]) == (memory, "2024-05-01")
    assert acme.get("/api/v1/search?query=report&end_date=2024-04-30").json()["results"] == []


def test_the_first_and_the_last_moment_are_searched(acme):
    first = acme.store("report one", metadata={"date": "0001-01-01"})
    last = acme.store("report two", metadata={"date": "9999-12-31T23:59:59.999999Z"})
    for query in (
        "report of 2024",
        "report on 9999-12-30",
        "report on 9999-12-31",
        "report in January",
        "report of year 0001",
    ):
        assert {hit["id"] for hit in acme.search(query, recency=1)} == {first, last}


def test_a_lifetime_is_a_number_of_seconds(acme):
    for seconds in (1e300, -1, 0, "NaN", float(864_000_001)):
        response = acme.post("/api/v1/memories", {"content": "x", "ttl_seconds": seconds})
        assert response.status_code == 422, seconds
        assert response.json()["errors"][0]["loc"] == ["body", "ttl_seconds"]
