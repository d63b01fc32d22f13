"""A memory that shows nothing: refused by native routes, kept by the old ones, found by nobody."""

import json

import pytest

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.embedding import get_manager
from liftos.kernel.functions import Call, get_function
from liftos.kernel.http.parsing import InvalidRequest
from liftos.kernel.tenancy.types import ALL_SCOPES, SYSTEM, Principal
from liftos.spine import EnhancedKSEIntegration
from memory.models import Memory, MemoryVector
from memory.reembedding import heal_pending

BLANK = ["", " ", "\t\r\n ", "\u00a0\u2003\u3000\u2028", "\u200b\u200d\ufeff\u2060", "\u00ad \u180e\ufe0f", "\u2800\u3164\U000e0041"]  # fmt: skip
TYPES = ["neural", "knowledge", "conceptual", "hybrid"]


def kept(caller, content="", **fields):
    answer = caller.post("/store", {"content": content} | fields)
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]["memory_id"]


@pytest.mark.parametrize("content", BLANK, ids=range(len(BLANK)))
def test_native_routes_refuse_it(acme, content):
    memory = acme.store("x")
    sent = {"authorization": f"Bearer {acme.token}", "if-match": '"1"'}
    path = f"/api/v1/memories/{memory}"
    answers = [
        acme.post("/api/v1/memories", {"content": content}),
        acme.post(f"{path}/supersede", {"content": content}),
        acme.client.patch(path, {"content": content}, content_type="application/json", headers=sent),
    ]
    for answer in answers:
        assert answer.status_code == 422
        [error] = answer.json()["errors"]
        assert (error["type"], error["loc"]) == ("string_blank", ["body", "content"])
    lines = f"{json.dumps({'content': content})}\n{json.dumps({'content': 'y'})}"
    bulk = acme.send("/api/v1/memories/bulk", lines, "application/x-ndjson").json()
    assert [line["status"] for line in bulk["results"]] == [422, 201]
    assert acme.get(path).json()["content"] == "x"


@pytest.mark.parametrize(
    ("name", "arguments", "loc"),
    [
        ("memory.store", {"content": " \u200b"}, ("content",)),
        ("memory.store_many", {"memories": [{"content": "x"}, {"content": ""}]}, ("memories", 1, "content")),
    ],
)
def test_functions_of_workflows_refuse_it(name, arguments, loc):
    with pytest.raises(InvalidRequest) as caught:
        get_function(name).parse(arguments)
    assert tuple(caught.value.items[0]["loc"])[-len(loc) :] == loc


def test_text_with_little_to_show_is_not_blank(acme):
    for content in ("?", ".", "\u200bx", "\u0301", "0"):
        memory = acme.store(content)
        assert acme.get(f"/api/v1/memories/{memory}").json()["content"] == content


@pytest.mark.parametrize("search_type", TYPES)
@pytest.mark.parametrize("content", ["", " \u200b\u2003"])
def test_nothing_finds_what_the_old_route_keeps(acme, content, search_type):
    metadata = {"conversation": "c", "person": "Anna Berg", "date": "2024-02-01", "n": 1}
    blank = kept(acme, content, metadata=metadata)
    seen = acme.store("Anna Berg plans the budget", metadata=metadata)
    for query in ("?", "", " ", "Anna Berg", "what happened on 2024-02-01?", "budget"):
        answer = acme.post("/search", {"query": query, "search_type": search_type}).json()["data"]
        assert blank not in [hit["id"] for hit in answer["results"]]
        for fields in (
            {},
            {"filters": {"n": 1}},
            {"states": ["active"]},
            {"as_of": "2999-01-01"},
            {"known_at": "2999-01-01"},
        ):
            assert blank not in [hit["id"] for hit in acme.search(query, search_type=search_type, **fields)]
    batch = acme.post(
        "/api/v1/search/batch", {"queries": ["?", "Anna Berg"], "search_type": search_type}
    ).json()
    assert {hit["id"] for hits in batch["results"] for hit in hits} <= {seen}
    assert acme.get(f"/api/v1/memories/{blank}").json()["content"] == content


def test_it_raises_no_confidence(acme):
    acme.store("Anna Berg plans the budget")
    asked = acme.post("/api/v1/search", {"query": "?"}).json()["decision_id"]
    before = acme.get(f"/api/v1/decisions/{asked}").json()["confidence"]
    kept(acme)
    asked = acme.post("/api/v1/search", {"query": "?"}).json()["decision_id"]
    assert acme.get(f"/api/v1/decisions/{asked}").json()["confidence"] == before


def test_it_has_no_vector_and_waits_for_none(acme):
    answer = acme.post("/store", {"content": "\u200b"}).json()["data"]
    assert answer["enhanced_features"]["embedding_generated"] is False
    assert acme.get(f"/api/v1/memories/{answer['memory_id']}").json()["embedding"] == "none"
    assert heal_pending(organisation=acme.organisation) == 0
    with tenant_transaction(acme.organisation):
        assert not MemoryVector.objects.exists()


def test_lists_have_it_and_insights_have_not(acme):
    blank = kept(acme)
    listed = acme.get("/api/v1/memories").json()["results"]
    assert [each["id"] for each in listed] == [blank]
    assert acme.get("/insights").json()["data"]["total_memories"] == 0
    for number in range(6):
        acme.store(f"Boots sell in rain {number}")
    clusters = acme.get("/insights").json()["data"]["semantic_clusters"]
    assert blank not in [each for cluster in clusters for each in cluster["memory_ids"]]


def test_it_can_be_given_a_text_and_was_not_to_be_found_before(acme):
    blank = kept(acme)
    then = acme.get(f"/api/v1/memories/{blank}").json()["recorded_at"]
    sent = {"authorization": f"Bearer {acme.token}", "if-match": '"1"'}
    changed = acme.client.patch(
        f"/api/v1/memories/{blank}", {"content": "Boots"}, content_type="application/json", headers=sent
    )
    assert changed.status_code == 200, changed.content
    assert [hit["id"] for hit in acme.search("boots")] == [blank]
    assert acme.search("?", known_at=then) == []


@pytest.mark.parametrize("path", ["/api/v1/memory/store", "/api/v1/store"])
def test_other_old_routes_keep_it_too(acme, path):
    assert acme.post(path, {"content": " "}).status_code == 200
    assert acme.post("/memory/store", {"value": ""}).status_code == 200
    for search_type in TYPES:
        assert acme.search("?", search_type=search_type) == []


def test_the_python_spine_keeps_it_and_finds_it_not(acme):
    spine = EnhancedKSEIntegration(get_manager())
    memory = spine.store(acme.slug, "")
    with tenant_transaction(acme.organisation):
        assert Memory.objects.get().id.hex == memory.replace("-", "")
    assert spine.search(acme.slug, "?") == []


def test_recent_memories_leave_blank_ones_out(acme):
    kept(acme)
    acme.store("Boots")
    function = get_function("memory.recent")
    principal = Principal(acme.organisation, acme.slug, SYSTEM, ALL_SCOPES)
    found = function.call(Call(principal, key="k", deadline=0), function.parse({}))
    assert [each["content"] for each in found["memories"]] == ["Boots"]
