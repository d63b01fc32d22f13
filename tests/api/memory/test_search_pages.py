"""POST /api/v1/search: the conditions of lists, pages, counts, and the empty query."""

import base64
import json

import pytest


@pytest.fixture
def stocked(acme, rival):
    for number in range(7):
        acme.store(
            f"boots number {number}", tags=["even" if number % 2 == 0 else "odd"], source=f"crm/{number}"
        )
    rival.store("boots of a rival", tags=["even"])
    return acme


def found(caller, **asked):
    response = caller.post("/api/v1/search", {"query": "boots"} | asked)
    assert response.status_code == 200, response.content
    return response.json()


@pytest.mark.parametrize("search_type", ["hybrid", "neural", "knowledge"])
def test_pages_of_a_search(stocked, search_type):
    whole = [each["id"] for each in found(stocked, search_type=search_type)["results"]]
    assert len(whole) == 7
    pages, cursor = [], ""
    while cursor is not None:
        page = found(stocked, search_type=search_type, limit=3, cursor=cursor, total=True)
        assert page["total"] == 7
        pages.append([each["id"] for each in page["results"]])
        last, cursor = page, page["next"]
    assert [name for each in pages for name in each] == whole
    assert [len(each) for each in pages] == [3, 3, 1]
    before = found(stocked, search_type=search_type, limit=3, cursor=last["previous"])
    assert [each["id"] for each in before["results"]] == pages[1]


def test_an_empty_query_is_a_list(stocked):
    page = found(stocked, query="", limit=4, tags=["even"], total=True)
    assert [each["content"][-1] for each in page["results"]] == ["6", "4", "2", "0"]
    assert (page["total"], page["next"], page["previous"]) == (4, None, None)
    second = found(stocked, query=" ", limit=2, cursor=found(stocked, query=" ", limit=2)["next"])
    assert [each["content"][-1] for each in second["results"]] == ["4", "3"]


def test_a_search_is_narrowed_as_a_list(stocked):
    for asked, count in (
        ({"tags": {"any": ["odd"]}}, 3),
        ({"source": {"prefix": "crm/1"}}, 1),
        ({"text": "UMBER 5"}, 1),
        ({"recorded_at": {"$lt": "2020-01-01"}}, 0),
    ):
        assert len(found(stocked, **asked)["results"]) == count, asked


@pytest.mark.parametrize(
    ("asked", "loc"),
    [
        ({"cursor": "x"}, ["cursor"]),
        ({"cursor": 1}, ["cursor"]),
        ({"total": "perhaps"}, ["total"]),
        ({"tags": {}}, ["tags"]),
    ],
)
def test_invalid_input_is_422_and_named(acme, asked, loc):
    response = acme.post("/api/v1/search", {"query": "boots"} | asked)
    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"] == ["body", *loc]


def test_a_cursor_of_another_search_is_422(stocked):
    cursor = found(stocked, limit=2)["next"]
    response = stocked.post("/api/v1/search", {"query": "shoes", "limit": 2, "cursor": cursor})
    assert response.json()["errors"][0]["loc"] == ["body", "cursor"]


@pytest.mark.parametrize("search_type", ["hybrid", "neural", "knowledge"])
def test_pages_beyond_the_first_candidates_neither_repeat_nor_skip(acme, search_type):
    contents = [f"boots for {'the long walk ' * (number % 7)}day {number}" for number in range(140)]
    lines = "\n".join(json.dumps({"content": each}) for each in contents)
    stored = acme.send("/api/v1/memories/bulk", lines, "application/x-ndjson")
    assert stored.status_code == 200, stored.content
    seen, cursor = [], ""
    while cursor is not None:
        page = found(acme, query="boots for a walk", search_type=search_type, limit=20, cursor=cursor)
        seen.append([each["id"] for each in page["results"]])
        last, cursor = page, page["next"]
    every = [name for each in seen for name in each]
    assert len(every) == len(set(every)) == 140
    # backwards, to the first page
    back = []
    while (cursor := last["previous"]) is not None:
        last = found(acme, query="boots for a walk", search_type=search_type, limit=20, cursor=cursor)
        back.append([each["id"] for each in last["results"]])
    assert back[::-1] == seen[:-1]


def test_a_search_without_text_lists_a_space_and_an_earlier_time(stocked):
    space = stocked.post("/api/v1/spaces", {"name": "Offers", "dimensions": [{"name": "cost"}]}).json()
    members = [each["id"] for each in found(stocked, tags=["odd"])["results"]]
    for member in members:
        path = f"/api/v1/spaces/{space['id']}/members"
        assert stocked.post(path, {"memory_id": member}).status_code in {200, 201}
    page = found(stocked, query="", space="Offers", total=True)
    assert ({each["id"] for each in page["results"]}, page["total"]) == (set(members), 3)
    assert found(stocked, query="boots", search_type="neural", space="Offers", total=True)["total"] == 3
    [odd] = found(stocked, query="", source="crm/5")["results"]
    before = stocked.get(f"/api/v1/memories/{odd['id']}").json()
    then = before["recorded_at"]
    path = f"/api/v1/memories/{odd['id']}"
    changed = stocked.patch(path, {"content": "sandals"}, **{"if-match": f'"{before["version"]}"'})
    assert changed.status_code == 200, changed.content
    listed = found(stocked, query="", known_at=then, total=True)
    assert [each["content"][-1] for each in listed["results"]] == ["5", "4", "3", "2", "1", "0"]
    assert listed["total"] == 6


def test_total_leaves_out_what_a_search_never_finds(stocked):
    assert stocked.post("/store", {"content": " "}).status_code == 200
    assert found(stocked, total=True)["total"] == 7
    listed = found(stocked, query="", total=True)
    assert (listed["total"], len(listed["results"])) == (7, 7)


def test_an_empty_query_of_a_batch_is_a_list(stocked):
    asked = {"queries": ["", "boots number 3", " "], "limit": 2}
    body = stocked.post("/api/v1/search/batch", asked).json()
    newest = [
        [body["memories"][each["id"]]["content"][-1] for each in body["results"][number]] for number in (0, 2)
    ]
    assert newest == [["6", "5"], ["6", "5"]]
    assert body["memories"][body["results"][1][0]["id"]]["content"] == "boots number 3"


def test_the_old_routes_rank_an_empty_query(stocked):
    listed = stocked.post("/search", {"query": ""}).json()["data"]["results"]
    assert len(listed) == 7
    assert all(each["score"] != 0 for each in listed)
    assert stocked.post("/search/knowledge", {"query": ""}).json()["data"]["results"] == []


def test_a_page_beyond_the_deepest_is_422(stocked):
    cursor = found(stocked, limit=2)["next"]
    decoded = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    deep = base64.urlsafe_b64encode(decoded.replace("2:", "999:", 1).encode()).decode()
    response = stocked.post("/api/v1/search", {"query": "boots", "limit": 2, "cursor": deep})
    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"] == ["body", "cursor"]
