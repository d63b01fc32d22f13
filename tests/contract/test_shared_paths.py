"""`/api/v1/search`, which the old Streamlit page asks by GET and native callers by POST."""

import pytest

PATH = "/api/v1/search"


@pytest.fixture
def stored(acme):
    acme.post("/api/v1/memories", {"content": "Holiday campaign raised conversions"})


def test_get_answers_the_page_and_post_a_native_caller(acme, stored):
    page = acme.get(f"{PATH}?query=holiday").json()
    assert set(page) == {"results", "summary", "total_count", "query", "data"}
    assert set(page["results"][0]) == {
        "id", "title", "content", "score", "type", "date", "tags", "metadata",
    }  # fmt: skip
    native = acme.post(PATH, {"query": "holiday"}).json()
    assert {"results", "next", "decision_id", "plans"} <= set(native)
    assert native["results"][0]["id"] == page["results"][0]["id"]


def test_page_ignores_unknown_parameters_and_native_search_names_them(acme, stored):
    assert acme.get(f"{PATH}?query=holiday&zebra=1").status_code == 200
    refused = acme.post(f"{PATH}?zebra=1", {"query": "holiday", "lion": 1})
    assert refused.status_code == 422
    assert {tuple(each["loc"]) for each in refused.json()["errors"]} == {("query", "zebra"), ("body", "lion")}


def test_errors_of_both_are_problem_details(acme):
    for response in (acme.get(PATH), acme.post(PATH, {})):
        assert response.status_code == 422
        assert response["Content-Type"] == "application/problem+json"
        assert response.json()["code"] == "liftos.invalid_request"


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_another_method_is_405(acme, method):
    response = getattr(acme.client, method)(PATH, headers={"authorization": f"Bearer {acme.token}"})
    assert response.status_code == 405
    assert response["Allow"] == "GET, POST, HEAD"
