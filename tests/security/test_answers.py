"""Size of answers: bounded before reading, marked where cut, complete by another route."""

import pytest

from liftos.kernel.http.dump import dump_json

MEGABYTE = 1024 * 1024
LONG = "Rain lifts sales of boots within two days. "


@pytest.fixture
def stored(acme, settings):
    settings.LIFTOS_MAX_ANSWER_BYTES = MEGABYTE
    return {acme.store(f"Rain and boots, report {number}. " + LONG * 4000): number for number in range(10)}


def size(response):
    return len(response.content)


@pytest.mark.parametrize("search_type", ["hybrid", "neural", "knowledge"])
def test_a_search_cuts_long_texts_and_says_so(acme, stored, search_type):
    response = acme.post("/api/v1/search", {"query": "rain and boots", "search_type": search_type})
    body = response.json()
    assert size(response) < MEGABYTE
    assert body["truncated"] is True
    assert {hit["id"] for hit in body["results"]} == {str(each) for each in stored}
    for hit in body["results"]:
        assert hit["truncated"] is True
        whole = acme.get(f"/api/v1/memories/{hit['id']}").json()["content"]
        assert len(hit["content"]) > 10_000
        assert whole.startswith(hit["content"])


def test_answer_within_the_limit_is_complete(acme, settings):
    settings.LIFTOS_MAX_ANSWER_BYTES = MEGABYTE
    acme.store("Rain lifts sales of boots 🚀", metadata={"channel": "retail"})
    body = acme.post("/api/v1/search", {"query": "boots"}).json()
    assert "truncated" not in body
    assert "truncated" not in body["results"][0]
    assert body["results"][0]["content"] == "Rain lifts sales of boots 🚀"
    assert body["results"][0]["metadata"] == {"channel": "retail"}


def test_large_metadata_is_left_out_too(acme, settings):
    settings.LIFTOS_MAX_ANSWER_BYTES = MEGABYTE
    metadata = {"notes": ["x" * 1000] * 700}
    memory = acme.store("Rain lifts sales of boots", metadata=metadata)
    hit = acme.post("/api/v1/search", {"query": "boots"}).json()["results"][0]
    assert (hit["metadata"], hit["truncated"]) == ({}, True)
    assert acme.get(f"/api/v1/memories/{memory}").json()["metadata"] == metadata


def test_a_text_of_wide_characters_is_cut_between_them(acme, settings):
    settings.LIFTOS_MAX_ANSWER_BYTES = MEGABYTE
    acme.store("boots " + "🚀" * 200_000)
    response = acme.post("/api/v1/search", {"query": "boots"})
    content = response.json()["results"][0]["content"]
    assert content.startswith("boots 🚀")
    assert len(content.encode()) <= MEGABYTE // 2


def test_an_earlier_text_is_cut_as_the_present_one(acme, stored):
    memory = next(iter(stored))
    # when all of them were known
    known_at = acme.get(f"/api/v1/memories/{list(stored)[-1]}").json()["recorded_at"]
    etag = acme.get(f"/api/v1/memories/{memory}")["ETag"]
    changed = acme.client.patch(
        f"/api/v1/memories/{memory}", {"content": "Snow"}, content_type="application/json",
        headers={"authorization": f"Bearer {acme.token}", "if-match": etag},
    )  # fmt: skip
    assert changed.status_code == 200
    body = acme.post("/api/v1/search", {"query": "rain and boots", "known_at": known_at}).json()
    assert len(dump_json(body)) < MEGABYTE
    assert [hit["truncated"] for hit in body["results"] if hit["id"] == str(memory)] == [True]


def test_a_batch_holds_each_memory_once(acme, stored):
    queries = [f"rain and boots {number}" for number in range(12)]
    response = acme.post("/api/v1/search/batch", {"queries": queries})
    body = response.json()
    assert size(response) < MEGABYTE
    assert len(body["results"]) == 12
    assert set(body["memories"]) == {str(each) for each in stored}
    for hits in body["results"]:
        assert len(hits) == 10
        for hit in hits:
            assert list(hit) == ["id", "score", "collapsed", "terms", "passage"]
            assert abs(sum(hit["terms"].values()) - hit["score"]) < 1e-9
            assert body["memories"][hit["id"]]["content"].startswith("Rain and boots")
    assert body["truncated"] is True


def test_the_old_batch_keeps_its_shape_within_the_bound(acme, stored):
    response = acme.post("/search/batch?limit=10", [f"rain and boots {number}" for number in range(12)])
    assert response.status_code == 200
    assert size(response) < MEGABYTE
    hits = response.json()["data"]["results_list"]
    assert [len(each) for each in hits] == [10] * 12
    assert all(
        hit["truncated"] and hit["content"].startswith("Rain and boots") for each in hits for hit in each
    )


def test_a_list_ends_its_page_sooner(acme, stored):
    url, seen, pages = "/api/v1/memories?limit=100", [], 0
    while url:
        response = acme.get(url)
        assert size(response) < MEGABYTE
        body = response.json()
        assert body["results"]
        seen += [each["id"] for each in body["results"]]
        url, pages = body["next"], pages + 1
    assert sorted(seen) == sorted(map(str, stored))
    assert pages >= 4


def test_one_memory_larger_than_a_page_is_a_page(acme, settings):
    acme.store("first")
    acme.store(LONG * 4000)
    acme.store("last")
    settings.LIFTOS_MAX_ANSWER_BYTES = 300_000
    first = acme.get("/api/v1/memories").json()
    second = acme.get(first["next"]).json()
    third = acme.get(second["next"]).json()
    assert [len(each["results"]) for each in (first, second, third)] == [1, 1, 1]
    assert third["next"] is None


@pytest.mark.parametrize(("path", "key"), [("/api/v1/search", "code"), ("/search", "detail")])
def test_answer_still_too_large_is_413(acme, settings, path, key):
    acme.store("Rain lifts sales of boots")
    settings.LIFTOS_MAX_ANSWER_BYTES = 200
    response = acme.post(path, {"query": "boots"})
    assert response.status_code == 413
    assert response.json()[key] in {
        "liftos.answer_too_large",
        "The response would be too large; use a smaller limit or fewer queries.",
    }
