"""A search that says when nothing is likely to answer; its hits still come."""

import json

import pytest

FACTS = [
    "The pharmacy closes at eight in the evening",
    "Insulin pens are thrown away 28 days after first use",
    "Morphine ampoules are counted at every change of shift",
    "Chemotherapy is mixed at the university clinic and comes by courier",
    "Theatre 2 has no laminar airflow, so hips are replaced in theatre 3",
    "Patients over 75 are weighed on arrival and every Sunday",
    "Visitors may stay until seven",
    "The flu vaccine is offered in the canteen in October",
    "Soiled linen goes into the blue bags",
    "Meals are ordered on the tablet by ten",
    "Ticket DE-2024-118 is about a broken lift",
    "Passwords expire after 180 days",
]
FOREIGN = [
    "Where is the best beach of Portugal?",
    "How do I bake a rye bread?",
    "asdf qwer zxcv",
    "🚀🚀",
    "これは何ですか",
]


@pytest.fixture
def stocked(acme):
    lines = "\n".join(json.dumps({"content": text}) for text in FACTS)
    acme.send("/api/v1/memories/bulk", lines, "application/x-ndjson")
    return acme


def ask(caller, query, **fields):
    response = caller.post("/api/v1/search", {"query": query} | fields)
    assert response.status_code == 200, response.content
    return response.json()


@pytest.mark.parametrize("query", FOREIGN)
def test_a_question_that_nothing_answers_abstains(stocked, query):
    body = ask(stocked, query)
    assert body["abstained"] is True
    assert body["abstain_reason"] in {"weak_evidence", "nothing_found"}
    assert body["confidence"] is None or body["confidence"] < 0.4
    decision = stocked.get(f"/api/v1/decisions/{body['decision_id']}").json()
    assert decision["outputs"]["abstain_reason"] == body["abstain_reason"]


GERMAN = [
    "Die Apotheke schließt abends um acht",
    "Insulinpens werden 28 Tage nach dem Anbruch entsorgt",
    "Besucher dürfen bis sieben Uhr bleiben",
    "Die Grippeimpfung gibt es im Oktober in der Kantine",
    "Schmutzwäsche kommt in die blauen Säcke",
    "Das Essen wird bis zehn Uhr am Tablet bestellt",
]


def test_words_decide_in_a_language_that_the_model_was_not_made_for(acme):
    for text in GERMAN:
        acme.store(text)
    body = ask(acme, "Wann schließt am Abend die Apotheke?")
    assert body["results"][0]["content"] == GERMAN[0]
    assert body["abstained"] is False
    body = ask(acme, "Wer repariert im Haus die kaputten Aufzüge?")
    assert body["abstain_reason"] == "weak_evidence"
    assert body["results"]


@pytest.mark.parametrize("search_type", ["hybrid", "neural", "knowledge"])
@pytest.mark.parametrize("query", ["", "  ", "-pharmacy", '-"flu vaccine"', "-pharmacy -vaccine"])
def test_a_query_that_asks_nothing_says_so(stocked, query, search_type):
    body = ask(stocked, query, search_type=search_type, limit=20)
    assert (body["abstained"], body["abstain_reason"]) == (True, "nothing_asked")
    found = {hit["content"] for hit in body["results"]}
    excluded = {FACTS[0]} if "pharmacy" in query else set()
    excluded |= {FACTS[7]} if "vaccine" in query else set()
    # without a word left beside what it excludes, the words arm has nothing to look up; an empty query is a list
    finds_nothing = search_type == "knowledge" and query.strip()
    assert found == (set() if finds_nothing else set(FACTS) - excluded)
    decision = stocked.get(f"/api/v1/decisions/{body['decision_id']}").json()
    assert decision["outputs"]["abstain_reason"] == "nothing_asked"


def test_the_hits_still_come(stocked):
    body = ask(stocked, "How do I bake a rye bread?")
    assert body["abstain_reason"] == "weak_evidence"
    assert len(body["results"]) == 10


@pytest.mark.parametrize("search_type", ["hybrid", "neural", "knowledge"])
def test_an_answered_question_does_not_abstain(stocked, search_type):
    body = ask(stocked, "When does the pharmacy close in the evening?", search_type=search_type)
    assert body["results"][0]["content"] == FACTS[0]
    assert (body["abstained"], body["abstain_reason"]) == (False, None)
    decision = stocked.get(f"/api/v1/decisions/{body['decision_id']}").json()
    assert decision["confidence"] == pytest.approx(body["confidence"])
    assert body["confidence"] > ask(stocked, "How do I bake a rye bread?")["confidence"]


def test_a_code_that_no_memory_has_abstains(stocked):
    assert ask(stocked, "what is ticket DE-2024-118 about")["abstained"] is False
    body = ask(stocked, "what is ticket DE-2024-119 about")
    assert (body["abstained"], body["abstain_reason"]) == (True, "code_not_found")
    assert body["results"]


def test_a_batch_abstains_query_by_query(stocked):
    queries = ["When does the pharmacy close in the evening?", "How do I bake a rye bread?"]
    body = stocked.post("/api/v1/search/batch", {"queries": queries}).json()
    assert body["abstained"] == [False, True]
    assert body["abstain_reason"] == [None, "weak_evidence"]
    singles = [ask(stocked, query)["confidence"] for query in queries]
    assert body["confidence"] == pytest.approx(singles, abs=1e-3)


def test_a_question_about_a_period_is_answered_by_its_memories(stocked):
    assert ask(stocked, "what happened in March 2026")["abstained"] is True
    stocked.store("The lift was repaired", metadata={"date": "2026-03-09"})
    body = ask(stocked, "what happened in March 2026")
    assert (body["abstained"], body["results"][0]["content"]) == (False, "The lift was repaired")
