"""POST /api/v1/search: the conditions of lists, pages, counts, and the empty query."""

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
        ({"total": True, "space": "offers"}, []),
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
