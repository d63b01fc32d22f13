"""`diversity`, `min_score` and abstention in POST /api/v1/search, its batch, and the workflow functions."""

import json

import pytest

TYPES = ["neural", "knowledge", "hybrid"]
OTHERS = [
    "The courier lost two parcels in March",
    "Parcels to Norway need a customs form",
    "A parcel above 30 kg goes by freight",
    "Customers ask where their parcel is on Mondays",
    "Late parcels cost us four refunds",
]


def lines(texts):
    return "\n".join(json.dumps({"content": text}) for text in texts)


@pytest.fixture
def flooded(acme):
    """150 near-doubles of one memory, and five others about parcels."""
    texts = [f"The parcel is late{'!' * (number % 5)}" for number in range(50)]
    texts += ["the  PARCEL is late", "The parcel is late"] * 50
    acme.send("/api/v1/memories/bulk", lines([*texts, *OTHERS]), "application/x-ndjson")
    return acme


def ask(caller, path="/api/v1/search", **fields):
    response = caller.post(path, fields)
    assert response.status_code == 200, response.content
    return response.json()


@pytest.mark.parametrize("search_type", TYPES)
def test_near_doubles_do_not_fill_the_answer(flooded, search_type):
    body = ask(flooded, query="parcel is late", search_type=search_type, limit=5, diversity=0.3)
    contents = [hit["content"] for hit in body["results"]]
    assert len(contents) == 5
    assert len({text.lower().rstrip("!").replace("  ", " ") for text in contents}) == 5
    assert body["results"][0]["collapsed"] == body["collapsed"] == 149


@pytest.mark.parametrize("search_type", TYPES)
def test_without_diversity_nothing_is_collapsed(flooded, search_type):
    body = ask(flooded, query="parcel is late", search_type=search_type, limit=5)
    assert [hit["collapsed"] for hit in body["results"]] == [0] * 5
    assert body["collapsed"] == 0
    assert all("is late" in hit["content"].lower().replace("  ", " ") for hit in body["results"])


def test_scores_are_those_without_diversity(flooded):
    plain = {hit["id"]: hit["score"] for hit in ask(flooded, query="late parcels", limit=100)["results"]}
    varied = ask(flooded, query="late parcels", limit=3, diversity=1)["results"]
    for hit in varied:
        assert sum(hit["terms"].values()) == pytest.approx(hit["score"])
        if hit["id"] in plain:
            assert hit["score"] == pytest.approx(plain[hit["id"]])


def test_collapsing_does_not_hide_a_different_figure(acme):
    for figure in (12, 14):
        acme.store(f"Revenue rose {figure}% in the third quarter")
    body = ask(acme, query="revenue in the third quarter", diversity=0.5)
    assert len(body["results"]) == 2


def test_the_record_counts_the_collapsed(flooded):
    body = ask(flooded, query="parcel is late", limit=5, diversity=0.3)
    decision = flooded.get(f"/api/v1/decisions/{body['decision_id']}").json()
    assert decision["inputs"]["diversity"] == 0.3
    assert decision["outputs"]["collapsed"] == 149
    assert "149 near-doubles were collapsed" in decision["reasoning"]


def test_batch_collapses_each_answer(flooded):
    body = ask(flooded, "/api/v1/search/batch", queries=["parcel is late", "customs"], limit=3, diversity=0.3)
    assert [len(hits) for hits in body["results"]] == [3, 3]
    assert body["collapsed"][0] == body["results"][0][0]["collapsed"] == 149
    assert body["abstained"] == [False, False]


@pytest.mark.parametrize("search_type", TYPES)
def test_min_score_leaves_lower_scores_out(flooded, search_type):
    query = {"query": "customs form for Norway", "search_type": search_type, "limit": 100}
    scores = [hit["score"] for hit in ask(flooded, **query)["results"]]
    middle = (scores[0] + scores[-1]) / 2
    body = ask(flooded, **query, min_score=middle)
    kept = [hit["score"] for hit in body["results"]]
    assert kept == pytest.approx([score for score in scores if score >= middle])
    decision = flooded.get(f"/api/v1/decisions/{body['decision_id']}").json()
    assert decision["inputs"]["min_score"] == pytest.approx(middle)
    assert decision["outputs"]["below_min_score"] >= len(scores) - len(kept)


def test_an_answer_without_hits_abstains_with_the_reason(flooded):
    body = ask(flooded, query="customs form for Norway", min_score=1)
    assert (body["results"], body["abstained"], body["abstain_reason"]) == ([], True, "below_min_score")
    body = ask(flooded, query="customs", filters={"nowhere": 1})
    assert (body["results"], body["abstained"], body["abstain_reason"]) == ([], True, "nothing_found")
    decision = flooded.get(f"/api/v1/decisions/{body['decision_id']}").json()
    assert decision["outputs"]["abstain_reason"] == "nothing_found"


def test_an_empty_organisation_abstains(acme):
    body = ask(acme, query="anything")
    assert (body["abstained"], body["abstain_reason"]) == (True, "nothing_found")
    batch = ask(acme, "/api/v1/search/batch", queries=["anything", "else"])
    assert batch["abstained"] == [True, True]
    assert batch["abstain_reason"] == ["nothing_found", "nothing_found"]


@pytest.mark.parametrize("field", ["min_score", "diversity"])
@pytest.mark.parametrize("value", [-0.1, 1.1, "much", "nan"])
def test_a_share_outside_0_to_1_is_refused(acme, field, value):
    for path, query in (("/api/v1/search", {"query": "x"}), ("/api/v1/search/batch", {"queries": ["x"]})):
        response = acme.post(path, query | {field: value})
        assert response.status_code == 422
        assert response.json()["errors"][0]["loc"][-1] == field
