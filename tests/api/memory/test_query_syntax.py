"""Quoted phrases, exclusions and codes in POST /api/v1/search."""

import json

import pytest

TYPES = ["neural", "knowledge", "hybrid"]


@pytest.fixture
def stocked(acme):
    for text in (
        "The launch plan moved to Friday",
        "The plan for the launch moved",
        "Launch: plan the party",
        "Who launched plans nobody wanted",
        "Our e-mail plan costs five euros",
        "Spam filters stop the e-mail",
        "Sales fell by -5 % in May",
    ):
        acme.store(text)
    return acme


def contents(caller, query, **fields):
    return {hit["content"] for hit in caller.search(query, **fields)}


@pytest.mark.parametrize("search_type", TYPES)
@pytest.mark.parametrize("quoted", ['"launch plan"', "“launch plan”", "„Launch Plan“", "«launch plan»"])
def test_a_phrase_is_its_words_adjacent_and_in_order_after_the_analyser(stocked, search_type, quoted):
    assert contents(stocked, f"what about the {quoted}", search_type=search_type) == {
        "The launch plan moved to Friday",
        "Launch: plan the party",
        "Who launched plans nobody wanted",
    }


@pytest.mark.parametrize("search_type", TYPES)
def test_every_phrase_must_be_contained(stocked, search_type):
    assert contents(stocked, '"launch plan" "to Friday"', search_type=search_type) == {
        "The launch plan moved to Friday"
    }
    assert contents(stocked, '"launch plan" "of Friday"', search_type=search_type) == set()


@pytest.mark.parametrize("search_type", TYPES)
def test_phrases_alone_stay_exact_even_if_nothing_contains_them(stocked, search_type):
    for query in (
        '"moved launch"',
        '"launch plan" "moved launch"',
        '"moved launch" -party',
        "«moved launch»?",
    ):
        body = stocked.post("/api/v1/search", {"query": query, "search_type": search_type}).json()
        assert body["results"] == []
        assert body["abstain_reason"] == "nothing_found"
        assert body["plans"]["phrases"] == "exact"


@pytest.mark.parametrize("search_type", TYPES)
@pytest.mark.parametrize(
    "quoted", ['"moved launch"', "“moved launch”", "«moved launch»", '"nobody" "moved launch party"']
)
def test_a_question_finds_something_although_no_memory_contains_its_phrase(stocked, search_type, quoted):
    query = f"what about the {quoted}"
    body = stocked.post("/api/v1/search", {"query": query, "search_type": search_type}).json()
    assert body["plans"]["phrases"] == ("partly" if "nobody" in quoted else "not_found")
    found = {hit["content"] for hit in body["results"]}
    if "nobody" in quoted:
        assert found == {"Who launched plans nobody wanted"}
    else:
        assert "The plan for the launch moved" in found
    decision = stocked.get(f"/api/v1/decisions/{body['decision_id']}").json()
    assert decision["outputs"]["plans"] == body["plans"]


def test_phrases_that_no_memory_has_together_are_words(stocked):
    body = stocked.post("/api/v1/search", {"query": 'is the "launch plan" about "spam filters"'}).json()
    assert body["plans"]["phrases"] == "not_found"
    assert {"The launch plan moved to Friday", "Spam filters stop the e-mail"} <= {
        hit["content"] for hit in body["results"]
    }


def test_a_phrase_that_only_filtered_or_excluded_memories_contain_is_words(stocked):
    stocked.store("A blue harbour", memory_type="place")
    body = stocked.post("/api/v1/search", {"query": 'plan a "blue harbour"', "memory_type": "place"}).json()
    assert [body["plans"]["phrases"], len(body["results"])] == ["exact", 1]
    found = contents(stocked, 'the plan "launch plan" -party -friday -wanted')
    assert "Our e-mail plan costs five euros" in found
    assert not any(word in text for text in found for word in ("party", "Friday", "wanted"))


def test_a_batch_falls_back_for_each_query_apart(stocked):
    queries = ['what "moved launch" is', '"moved launch"', 'what "launch plan" is']
    body = stocked.post("/api/v1/search/batch", {"queries": queries}).json()
    found = [{body["memories"][hit["id"]]["content"] for hit in hits} for hits in body["results"]]
    assert found == [contents(stocked, query) for query in queries]
    assert [len(found[0]) > 3, len(found[1]), len(found[2])] == [True, 0, 3]


@pytest.mark.parametrize("search_type", TYPES)
def test_a_phrase_is_found_however_low_it_ranks(acme, search_type):
    noise = "\n".join(
        json.dumps({"content": f"Harbour cranes: crane {number} of the harbour"}) for number in range(120)
    )
    acme.send("/api/v1/memories/bulk", noise, "application/x-ndjson")
    acme.store("At the end of a long report about something else, a blue harbour was mentioned once")
    found = contents(acme, 'harbour cranes "blue harbour"', search_type=search_type, limit=5)
    assert found == {"At the end of a long report about something else, a blue harbour was mentioned once"}


@pytest.mark.parametrize("search_type", TYPES)
def test_an_excluded_word_does_not_come(stocked, search_type):
    found = contents(stocked, "plan -launch", search_type=search_type)
    assert "Our e-mail plan costs five euros" in found
    assert not any("aunch" in text for text in found)


@pytest.mark.parametrize("search_type", TYPES)
def test_an_excluded_phrase_does_not_come(stocked, search_type):
    found = contents(stocked, 'plan -"launch plan"', search_type=search_type)
    assert "The plan for the launch moved" in found
    assert not found & {"The launch plan moved to Friday", "Launch: plan the party"}


@pytest.mark.parametrize("query", ["e-mail plan", "Sales -5 % in May", "plan - launch", "5-10 e-mail plan"])
def test_a_minus_elsewhere_excludes_nothing(stocked, query):
    assert contents(stocked, query, limit=100) == contents(stocked, "plan", limit=100)


@pytest.mark.parametrize(
    "query", ["what's the rest's plan", 'the 24" launch and 27" plan', '"launch plan', "'launch plan'"]
)
def test_apostrophes_and_unpaired_marks_quote_nothing(stocked, query):
    assert "The plan for the launch moved" in contents(stocked, query)


def test_an_unspaced_script_is_quoted(acme):
    acme.store("会議は東京タワーで行う")
    acme.store("東京の会議はタワーで行う")
    assert contents(acme, "「東京タワー」", search_type="knowledge") == {"会議は東京タワーで行う"}


def test_a_batch_applies_each_querys_operators_to_itself(stocked):
    queries = ["plan", '"launch plan"', "plan -launch", "plan"]
    body = stocked.post("/api/v1/search/batch", {"queries": queries}).json()
    found = [{body["memories"][hit["id"]]["content"] for hit in hits} for hits in body["results"]]
    assert found == [contents(stocked, query) for query in queries]
    assert found[0] == found[3]


def test_the_record_keeps_the_query_as_it_was_asked(stocked):
    body = stocked.post("/api/v1/search", {"query": 'plan "launch plan" -party'}).json()
    decision = stocked.get(f"/api/v1/decisions/{body['decision_id']}").json()
    assert decision["inputs"]["query"] == 'plan "launch plan" -party'


CODES = {
    "where is SKU-4431": "Stock of SKU-4431 is in Leipzig",
    "what does 2.3.1 change": "Release 2.3.1 mends the login",
    "who paid 4,711.00": "An invoice of 4,711.00 was paid by Ann",
    "ticket de-2024-118": "DE-2024-118: the parcel came late",
}


@pytest.mark.parametrize(("query", "expected"), CODES.items())
def test_an_exact_code_comes_first(acme, query, expected):
    for text in CODES.values():
        acme.store(text)
    for text in (
        "Where is SKU-4432? SKU-4432 is where it was",
        "SKU-44310 is where SKU-4430 is",
        "What does 2.3.10 change? It changes what 1.2.3.1 changed",
        "Release 2.1.3 changes what 3.2.1 does",
        "Who paid 4,711.50? Who paid 14,711.00? Ben paid",
        "Ticket de-2024-181, ticket de-2023-118",
    ):
        acme.store(text)
    first, *others = acme.search(query)
    assert first["content"] == expected
    assert first["terms"]["codes"] > 0
    assert all("codes" not in hit["terms"] for hit in others)
