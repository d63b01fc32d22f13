"""A query that the model can't read is searched by words alone, and the answer says so."""

import pytest

THAI = "ห้องประชุมใหญ่ปิดซ่อมในเดือนมีนาคม"


def store(caller, *texts):
    return [str(caller.store(text)) for text in texts]


def search(caller, query, **options):
    answer = caller.post("/api/v1/search", {"query": query, **options})
    assert answer.status_code == 200, answer.json()
    return answer.json()


@pytest.mark.parametrize("query", ["🚀", "🚀🎉", THAI, "ខ្មែរ ភាសា"])
def test_meaning_does_not_take_part(acme, query):
    store(acme, "The rocket launch is on Monday.", "Lunch is at noon.")

    answer = search(acme, query)

    assert answer["plans"]["meaning"] == "unreadable"
    assert answer["degraded"] == []
    assert all("meaning" not in hit["terms"] for hit in answer["results"])


def test_a_neural_search_for_it_finds_nothing_without_an_error(acme):
    store(acme, "The rocket launch is on Monday.")

    answer = search(acme, "🚀", search_type="neural")

    assert (answer["results"], answer["degraded"]) == ([], [])
    assert answer["plans"] == {"meaning": "unreadable"}


def test_an_emoji_does_not_find_texts_in_an_unknown_script(acme):
    store(acme, THAI)

    assert search(acme, "🚀")["results"] == []
    assert search(acme, "🚀", search_type="neural")["results"] == []


def test_the_record_says_so(acme):
    store(acme, "Lunch is at noon.")
    decision = search(acme, THAI)["decision_id"]

    record = acme.get(f"/api/v1/decisions/{decision}").json()

    assert "Not by meaning (unreadable query)." in record["reasoning"]
    assert record["outputs"]["plans"]["meaning"] == "unreadable"


def test_readable_queries_of_the_same_batch_are_searched_by_meaning(acme):
    [lunch] = store(acme, "Lunch is at noon.")

    body = {"queries": ["🚀", "When do we eat?", THAI], "search_type": "neural"}
    answer = acme.post("/api/v1/search/batch", body)

    assert answer.status_code == 200
    found = answer.json()["results"]
    assert [len(hits) for hits in found] == [0, 1, 0]
    assert found[1][0]["id"] == lunch


def test_a_readable_query_is_searched_by_meaning(acme):
    store(acme, "Lunch is at noon.")

    assert search(acme, "When do we eat?")["plans"]["meaning"] == "exact"
