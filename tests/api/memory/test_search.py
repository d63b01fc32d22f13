"""POST /api/v1/search."""

import json

import pytest

from liftos.kernel.embedding import EmbedderUnavailable
from memory.search.types import MAX_LIMIT

TYPES = ["neural", "knowledge", "hybrid"]


@pytest.fixture
def stocked(acme):
    acme.store("Holiday campaign raised conversions", metadata={"channel": "email", "spend": 100})
    acme.store("Television reached saturation in March", metadata={"channel": "tv", "spend": 900})
    acme.store("Raising the price hurt the brand", metadata={"channel": "tv", "tags": ["price", "brand"]})
    return acme


@pytest.fixture
def labelled(acme):
    """Five memories of one text, told apart by their metadata alone."""
    for label, metadata in {
        "one": {"n": 1, "kind": "x", "nested": {"deep": {"value": 1}}, "flag": True},
        "two": {"n": 2.5, "kind": "y", "list": ["a", "b", 3], "none": None},
        "text": {"n": "1", "kind": "z", "flag": "true"},
        "date": {"when": "2025-03-01", "kind": "x", "items": [{"price": 5}, {"price": 7}]},
        "bare": {},
    }.items():
        acme.store("the same words", metadata={"label": label} | metadata)
    return acme


def labels(caller, filters, **fields):
    hits = caller.search("same words", filters=filters, **fields)
    return sorted(hit["metadata"]["label"] for hit in hits)


@pytest.mark.parametrize("search_type", TYPES)
def test_finds_by_each_type(stocked, search_type):
    found = stocked.search("campaign conversions", search_type=search_type)
    assert found[0]["content"] == "Holiday campaign raised conversions"


@pytest.mark.parametrize("search_type", TYPES)
def test_terms_sum_to_the_score(stocked, search_type):
    hits = stocked.search("television price campaign", search_type=search_type)
    assert hits
    for hit in hits:
        assert sum(hit["terms"].values()) == pytest.approx(hit["score"], abs=1e-6)


@pytest.mark.parametrize("search_type", TYPES)
def test_each_term_is_its_share_times_its_weight(stocked, search_type):
    for hit in stocked.search("television price campaign", search_type=search_type):
        for term in hit["explanation"]:
            assert list(term) == ["arm", "raw", "share", "weight", "value"]
            assert term["value"] == pytest.approx(term["share"] * term["weight"])
            assert 0 <= term["share"] <= 1
        assert hit["terms"] == {term["arm"]: term["value"] for term in hit["explanation"]}


def test_the_answer_explains_itself(stocked):
    response = stocked.post("/api/v1/search", {"query": "television"}, **{"x-correlation-id": "c-1"})
    body = response.json()
    assert list(body) == [
        "results", "next", "previous", "search_type", "candidates", "degraded", "abstained", "abstain_reason", "confidence", "collapsed", "plans",
        "decision_id", "correlation_id",
    ]  # fmt: skip
    assert (body["search_type"], body["candidates"], body["degraded"]) == ("hybrid", 3, [])
    assert body["plans"].keys() == {"meaning", "words"}
    assert body["correlation_id"] == "c-1"
    assert stocked.get(f"/api/v1/decisions/{body['decision_id']}").status_code == 200


def test_a_hit_has_all_its_fields(acme):
    memory = acme.store(
        "Holiday", source="crm", external_id="e-1", tags=["t"], memory_type="note", metadata={"a": 1}
    )
    [hit] = acme.search("holiday")
    assert list(hit) == [
        "id", "content", "score", "collapsed", "terms", "explanation", "path", "passage", "metadata", "memory_type", "source", "external_id", "tags",
        "recorded_at", "state", "version", "valid_from", "valid_to",
    ]  # fmt: skip
    assert hit["id"] == memory
    assert (hit["source"], hit["external_id"], hit["tags"], hit["memory_type"]) == (
        "crm",
        "e-1",
        ["t"],
        "note",
    )
    assert hit["metadata"] == {"a": 1}
    assert hit["passage"] == {"text": "Holiday", "start": 0, "end": 7}


def test_words_and_meaning_each_bring_what_the_other_misses(acme):
    acme.store("xq17 zulu")
    acme.store("A dog ran through the garden")
    words = acme.search("xq17", search_type="knowledge")
    meaning = acme.search("a puppy in the yard", search_type="neural", limit=1)
    assert [hit["content"] for hit in words] == ["xq17 zulu"]
    assert [hit["content"] for hit in meaning] == ["A dog ran through the garden"]
    assert len(acme.search("xq17 puppy")) == 2


@pytest.mark.parametrize("search_type", TYPES)
def test_a_limit_cuts_the_full_fusion(acme, search_type):
    subjects = ["price", "brand", "television", "holiday", "email", "campaign"]
    texts = [f"{first} and {second} in March" for first in subjects for second in subjects]
    raw = "\n".join(json.dumps({"content": text}) for text in texts)
    acme.send("/api/v1/memories/bulk", raw, "application/x-ndjson")
    full = acme.search("holiday price campaign", search_type=search_type, limit=100)
    scores = [hit["score"] for hit in full]
    assert scores == sorted(scores, reverse=True)
    assert len(full) > 10
    for limit in (1, 2, 10):
        cut = acme.search("holiday price campaign", search_type=search_type, limit=limit)
        assert [(hit["id"], hit["score"]) for hit in cut] == [
            (hit["id"], hit["score"]) for hit in full[:limit]
        ]


def test_a_search_repeats_itself(labelled):
    answers = [[hit["id"] for hit in labelled.search("same words")] for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"kind": "x"}, ["date", "one"]),
        ({"kind": ["x", "y"]}, ["date", "one", "two"]),
        ({"kind": []}, []),
        ({"kind": {"$eq": "y"}}, ["two"]),
        ({"kind": {"$in": ["y", "z"]}}, ["text", "two"]),
        ({"kind": {"$ne": "x"}}, ["bare", "text", "two"]),
        ({"kind": {"$nin": ["x", "y"]}}, ["bare", "text"]),
        ({"kind": {"$in": []}}, []),
        ({"kind": {"$nin": []}}, ["bare", "date", "one", "text", "two"]),
        ({"kind": {"$exists": True}}, ["date", "one", "text", "two"]),
        ({"kind": {"$exists": False}}, ["bare"]),
        ({"nested.deep.value": {"$exists": True}}, ["one"]),
        ({"nested.deep.value": 1}, ["one"]),
        ({"nested.deep.value": {"$gte": 1}}, ["one"]),
        ({"n": 1}, ["one"]),
        ({"n": 1.0}, ["one"]),
        ({"n": "1"}, ["text"]),
        ({"n": 2.5}, ["two"]),
        ({"n": {"$gt": 1}}, ["two"]),
        ({"n": {"$gte": 1}}, ["one", "two"]),
        ({"n": {"$lt": 2.5}}, ["one"]),
        ({"n": {"$lte": 2.5}}, ["one", "two"]),
        ({"n": {"$gt": 1, "$lt": 2}}, []),
        ({"n": {"$gte": 1, "$lte": 2}}, ["one"]),
        ({"n": {"$gte": "0"}}, ["text"]),
        ({"when": {"$gte": "2025-01-01", "$lt": "2025-04-01"}}, ["date"]),
        ({"when": {"$gt": "2025-03-01"}}, []),
        ({"list": "a"}, ["two"]),
        ({"list": 3}, ["two"]),
        ({"list": "3"}, []),
        ({"list": ["b", "q"]}, ["two"]),
        ({"list": {"$gt": 2}}, ["two"]),
        ({"list": {"$ne": "a"}}, ["bare", "date", "one", "text"]),
        ({"items.price": 7}, ["date"]),
        ({"flag": True}, ["one"]),
        ({"flag": "true"}, ["text"]),
        ({"flag": False}, []),
        ({"none": None}, ["two"]),
        ({"kind": "x", "n": 1}, ["one"]),
        ({"kind": "x", "n": 2.5}, []),
        ({"missing": 1}, []),
        ({"": 1}, []),
        ({"KIND": "x"}, []),
    ],
)
def test_a_filter_lets_through_exactly_these(labelled, filters, expected):
    assert {name: labels(labelled, filters, search_type=name) for name in TYPES} == dict.fromkeys(
        TYPES, expected
    )


@pytest.mark.parametrize("search_type", TYPES)
def test_filters_come_before_the_limit(acme, search_type):
    raw = b"\n".join(b'{"content": "holiday campaign"}' for _ in range(MAX_LIMIT + 20))
    acme.send("/api/v1/memories/bulk", raw, "application/x-ndjson")
    wanted = acme.store(
        "a holiday, seldom mentioned beside many other words", metadata={"a": 1}, memory_type="rare"
    )
    for narrowed in ({"filters": {"a": 1}}, {"memory_type": "rare"}):
        hits = acme.search("holiday campaign", search_type=search_type, limit=1, **narrowed)
        assert [hit["id"] for hit in hits] == [wanted]


@pytest.mark.parametrize("search_type", TYPES)
def test_memory_type_narrows(acme, search_type):
    note = acme.store("the same words", memory_type="note")
    acme.store("the same words", memory_type="Note")
    hits = acme.search("same words", search_type=search_type, memory_type="note")
    assert [hit["id"] for hit in hits] == [note]
    assert acme.search("same words", search_type=search_type, memory_type="") == []


def test_a_long_text_is_filtered_by_all_of_it(acme):
    acme.store("same words", metadata={"label": "one", "t": "x" * 500 + "1"})
    acme.store("same words", metadata={"label": "two", "t": "x" * 500 + "2"})
    assert labels(acme, {"t": "x" * 500 + "2"}) == ["two"]


@pytest.mark.parametrize(
    ("filters", "loc"),
    [
        ({"a": {"$near": 1}}, ["a", "$near"]),
        ({"a": {"gte": 1}}, ["a", "gte"]),
        ({"a": {"$": 1}}, ["a", "$"]),
        ({"a": {"$$gte": 1}}, ["a", "$$gte"]),
        ({"a": {"$gte": 1, "b": 2}}, ["a", "b"]),
        ({"a": {}}, ["a"]),
        ({"a": {"$in": 1}}, ["a", "$in"]),
        ({"a": {"$gte": [1]}}, ["a", "$gte"]),
        ({"a": {"$gte": None}}, ["a", "$gte"]),
        ({"a": {"$lt": True}}, ["a", "$lt"]),
        ({"a": {"$exists": 1}}, ["a", "$exists"]),
        ({"a": {"$eq": {"b": 1}}}, ["a", "$eq"]),
        ({"a": [[1]]}, ["a"]),
        ({"a": {"$nin": [{}]}}, ["a"]),
        ({"a": [1] * 1001}, ["a"]),
        ({f"k{number}": 1 for number in range(51)}, []),
    ],
)
def test_a_filter_that_says_nothing_is_422_and_named(acme, filters, loc):
    response = acme.post("/api/v1/search", {"query": "x", "filters": filters})
    assert response.status_code == 422
    assert response.json()["code"] == "memory.invalid_filter"
    assert response.json()["errors"][0]["loc"] == ["body", "filters", *loc]


def test_a_filter_key_is_a_value_not_sql(acme):
    acme.store("same words", metadata={"label": "one", "a') OR true --": 1})
    acme.store("same words", metadata={"label": "two"})
    assert labels(acme, {"a') OR true --": 1}) == ["one"]
    assert labels(acme, {"label": "' OR '1'='1"}) == []


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({}, ["body", "query"]),
        ({"query": None}, ["body", "query"]),
        ({"query": "x", "limit": 0}, ["body", "limit"]),
        ({"query": "x", "limit": MAX_LIMIT + 1}, ["body", "limit"]),
        ({"query": "x", "search_type": "psychic"}, ["body", "search_type"]),
        ({"query": "x", "filters": [1]}, ["body", "filters"]),
        ({"query": "x", "memory_type": 1}, ["body", "memory_type"]),
    ],
)
def test_a_field_at_fault_is_422_and_named(acme, body, loc):
    response = acme.post("/api/v1/search", body)
    assert response.status_code == 422
    assert response["Content-Type"] == "application/problem+json"
    assert isinstance(response.json()["detail"], str)
    assert response.json()["errors"][0]["loc"] == loc


def test_an_empty_organisation_has_no_results(acme):
    for search_type in [*TYPES, "conceptual"]:
        assert acme.search("anything", search_type=search_type) == []


@pytest.mark.parametrize("query", ["", " ", "...", "the", "\u202e", "42"])
def test_a_query_without_a_word_is_answered(stocked, query):
    assert len(stocked.search(query)) == 3


def test_a_search_goes_on_without_the_embedder(stocked, monkeypatch):
    def away(organisation):
        raise EmbedderUnavailable

    monkeypatch.setattr("memory.search.arms.meaning.arm.active_manager", away)
    body = stocked.post("/api/v1/search", {"query": "television"}).json()
    assert body["degraded"] == ["embedding"]
    assert [hit["content"] for hit in body["results"]] == ["Television reached saturation in March"]
