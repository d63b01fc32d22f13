"""No route shows, finds, changes or lets guess another organisation's rows."""

from uuid import UUID

import pytest

from liftos.kernel.http.pagination import encode_cursor
from tests.api.routes import NOBODYS_ID
from tests.conftest import make_caller

SEARCH_TYPES = ["neural", "knowledge", "hybrid", "conceptual"]


@pytest.fixture
def theirs(rival):
    """Five memories of the other organisation."""
    return [
        rival.store(
            f"Holiday campaign secret {number}",
            metadata={"a": 1, "team": "x"},
            memory_type="note",
            source="crm",
            external_id=f"e-{number}",
        )
        for number in range(5)
    ]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_anothers_memory_is_404_and_stays(acme, rival, theirs, method):
    response = acme.client.generic(
        method, f"/api/v1/memories/{theirs[0]}", headers={"authorization": f"Bearer {acme.token}"}
    )
    assert response.status_code == 404
    assert "secret" not in response.content.decode()
    assert rival.get(f"/api/v1/memories/{theirs[0]}").status_code == 200


def test_anothers_id_is_answered_as_one_that_never_was(acme, theirs):
    answers = [
        {
            key: value
            for key, value in acme.get(f"/api/v1/memories/{each}").json().items()
            if key != "correlation_id"
        }
        for each in (theirs[0], NOBODYS_ID)
    ]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("search_type", SEARCH_TYPES)
@pytest.mark.parametrize(
    "narrowed",
    [{}, {"filters": {"a": 1}}, {"filters": {"team": {"$ne": "y"}}}, {"memory_type": "note"}, {"limit": 100}],
)
def test_no_search_finds_anothers(acme, theirs, search_type, narrowed):
    mine = acme.store("Holiday campaign of mine", metadata={"a": 1, "team": "x"}, memory_type="note")
    found = {hit["id"] for hit in acme.search("holiday campaign secret", search_type=search_type, **narrowed)}
    assert found == {mine}


@pytest.mark.parametrize("path", ["/search", "/search/neural", "/search/knowledge"])
def test_no_old_route_finds_anothers(acme, theirs, path):
    body = acme.post(path, {"query": "Holiday campaign secret", "limit": 100}).json()
    assert body["data"]["results"] == []


def test_scores_do_not_tell_of_anothers_words(acme, rival):
    acme.store("zebra and lion")
    acme.store("lion and giraffe")
    [before] = acme.search("zebra", search_type="knowledge")
    for _ in range(5):
        rival.store("zebra zebra zebra")
    [after] = acme.search("zebra", search_type="knowledge")
    assert after["explanation"] == before["explanation"]


@pytest.mark.parametrize(
    "query",
    ["", "?memory_type=note", "?source=crm", "?external_id=e-1", "?source=crm&external_id=e-1", "?limit=200"],
)
def test_no_list_shows_anothers(acme, theirs, query):
    mine = acme.store("mine", memory_type="note", source="crm", external_id="e-1")
    assert [row["id"] for row in acme.get(f"/api/v1/memories{query}").json()["results"]] == [mine]


def test_anothers_cursor_shows_only_ones_own(acme, rival, theirs):
    mine = acme.store("mine, the newest")
    rival.store("newer still")
    cursor = encode_cursor(UUID(int=UUID(mine).int + 1))
    theirs_next = rival.get("/api/v1/memories?limit=1").json()["next"].replace("http://testserver", "")
    assert [row["id"] for row in acme.get(theirs_next).json()["results"]] == [mine]
    assert [row["id"] for row in acme.get(f"/api/v1/memories?cursor={cursor}").json()["results"]] == [mine]


def test_an_external_id_of_anothers_is_free(acme, theirs):
    response = acme.post("/api/v1/memories", {"content": "mine", "source": "crm", "external_id": "e-0"})
    assert response.status_code == 201
    assert response.json()["id"] not in theirs


def test_a_link_does_not_reach_anothers(acme, rival, theirs):
    links = [{"kind": "follows", "external_id": "e-0"}, {"kind": "about", "external_id": "e-late"}]
    memory = acme.store("mine", source="crm", links=links)
    rival.store("arrives late", source="crm", external_id="e-late")
    got = acme.get(f"/api/v1/memories/{memory}").json()["links"]
    assert [link["target"] for link in got] == [None, None]


def test_anothers_decisions_are_neither_listed_nor_read(acme, rival, theirs):
    rival.search("holiday")
    ids = [row["id"] for row in rival.get("/api/v1/decisions?limit=200").json()["results"]]
    assert len(ids) > 5
    for query in ("", "?operation=memory.search", "?operation=memory.store", f"?subject_id={theirs[0]}"):
        listed = [row["id"] for row in acme.get(f"/api/v1/decisions{query}").json()["results"]]
        assert not set(listed) & set(ids)
    assert {acme.get(f"/api/v1/decisions/{each}").status_code for each in ids} == {404}


def test_anothers_correlation_id_finds_nothing(acme, rival):
    rival.post("/store", {"content": "x"}, **{"x-correlation-id": "c-1"})
    assert acme.get("/api/v1/decisions?correlation_id=c-1").json()["results"] == []


def test_isolation_holds_over_one_pooled_connection(committed_db):
    """With real commits, where a setting left behind on the connection would show."""
    first, second = make_caller("First"), make_caller("Second")
    mine = first.store("secret of the first")
    for _ in range(3):
        assert second.get(f"/api/v1/memories/{mine}").status_code == 404
        assert second.search("secret") == []
        assert second.get("/api/v1/memories").json()["results"] == []
        assert [hit["id"] for hit in first.search("secret")] == [mine]
    assert second.delete(f"/api/v1/memories/{mine}").status_code == 404
    assert first.get(f"/api/v1/memories/{mine}").status_code == 200
