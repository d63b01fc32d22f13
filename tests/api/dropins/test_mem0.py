"""mem0's routes, request by request; tests/adapters runs its own client."""

import pytest

from liftos.kernel.tenancy.types import Scope
from tests.factories.keys import with_key

NOBODY = "019a0000-0000-7000-8000-000000000000"


def add(caller, content, **fields):
    body = {"messages": [{"role": "user", "content": content}], "infer": False} | fields
    response = caller.post("/v3/memories/add/", body)
    assert response.status_code == 200, response.content
    return response.json()["results"][0]["id"]


def listed(caller, filters=None, **fields):
    response = caller.post("/v3/memories/", {"filters": filters} | fields)
    assert response.status_code == 200, response.content
    return response.json()


def texts(page):
    return [each["memory"] for each in page["results"]]


def test_a_memory_lives_from_add_to_delete(acme):
    messages = [
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": "I am allergic to nuts", "name": "Alex"},
        {"role": "assistant", "content": [{"type": "text", "text": "Noted"}]},
    ]
    asked = {
        "messages": messages, "user_id": "alex", "run_id": 7, "infer": False, "metadata": {"topic": "food"}, "expiration_date": "2999-01-01",
    }  # fmt: skip
    added = acme.post("/v3/memories/add/", asked).json()
    assert [(each["memory"], each["event"], each["role"]) for each in added["results"]] == [
        ("I am allergic to nuts", "ADD", "user"),
        ("Noted", "ADD", "assistant"),
    ]
    memory = added["results"][0]["id"]
    shown = acme.get(f"/v1/memories/{memory}/").json()
    assert (shown["user_id"], shown["run_id"], shown["actor_id"]) == ("alex", "7", "Alex")
    assert shown["metadata"] == {"topic": "food"}
    assert shown["expiration_date"].startswith("2999-01-01T23:59:59")
    native = acme.get(f"/api/v1/memories/{memory}").json()
    assert (native["source"], native["thread"], native["visible_to"]) == ("mem0", "7", "organisation")
    decision = acme.get(f"/api/v1/decisions/{added['event_id']}").json()
    assert decision["on_behalf_of"] == "alex"

    changed = acme.put(f"/v1/memories/{memory}/", {"text": "I am allergic to peanuts", "metadata": {"a": 1}})
    assert (changed.json()["memory"], changed.json()["user_id"]) == ("I am allergic to peanuts", "alex")
    assert changed.json()["metadata"] == {"a": 1}
    history = acme.get(f"/v1/memories/{memory}/history/").json()
    assert [(each["event"], each["old_memory"], each["new_memory"]) for each in history] == [
        ("ADD", None, "I am allergic to nuts"),
        ("UPDATE", "I am allergic to nuts", "I am allergic to peanuts"),
    ]
    cleared = acme.put(f"/v1/memories/{memory}/", {"expiration_date": None})
    assert "expiration_date" not in cleared.json()
    found = acme.post("/v3/memories/search/", {"query": "peanuts allergy", "filters": {"user_id": "alex"}})
    assert found.json()["results"][0]["id"] == memory
    assert 0 < found.json()["results"][0]["score"] <= 1
    assert acme.delete(f"/v1/memories/{memory}/").json()["message"] == "Memory deleted successfully!"
    assert acme.get(f"/v1/memories/{memory}/").status_code == 404
    assert acme.get(f"/v1/memories/{memory}/history/").status_code == 404


def test_add_needs_whose_it_is_and_refuses_extraction(acme):
    message = {"messages": "I like tea"}
    assert acme.post("/v3/memories/add/", message | {"user_id": "alex"}).status_code == 200
    refused = acme.post("/v3/memories/add/", message | {"user_id": "alex", "infer": True})
    assert refused.status_code == 422
    assert "infer needs a language model" in refused.json()["detail"]
    for body in (
        message, message | {"user_id": ""}, {"messages": [], "user_id": "a"}, {"messages": " ", "user_id": "a"}, {"user_id": "a"},
        {"messages": [{"role": "system", "content": "x"}], "user_id": "a"}, {"messages": [{"content": [{"type": "image_url"}]}], "user_id": "a"},
    ):  # fmt: skip
        refused = acme.post("/v3/memories/add/", body)
        assert refused.status_code == 422, body
        assert refused.json()["errors"][0]["loc"][0] == "body"
    assert listed(acme)["count"] == 1


def test_messages_are_stored_all_or_none(acme):
    rejected = acme.store("the launch is on Monday")
    assert acme.post(f"/api/v1/memories/{rejected}/reject", {"reason": "wrong"}).status_code == 200
    both = [{"content": "We met"}, {"content": "the launch is on Monday"}]
    refused = acme.post("/v3/memories/add/", {"messages": both, "user_id": "alex"})
    assert refused.status_code == 409, refused.content
    assert listed(acme)["count"] == 0


def test_filters_narrow_lists_searches_and_deletions(acme):
    for number, user in enumerate(["alex", "alex", "bea"]):
        add(acme, f"note {number} about tea", user_id=user, metadata={"number": number, "deep": {"er": user}})
    acme.store("note of somebody else about tea", metadata={"user_id": "alex"})
    cases = [
        ({"user_id": "alex"}, {0, 1}),
        ({"AND": [{"user_id": "alex"}, {"number": {"gte": 1}}]}, {1}),
        ({"OR": [{"user_id": "bea"}, {"metadata": {"number": 0}}]}, {0, 2}),
        ({"NOT": [{"user_id": "alex"}]}, {2}),
        ({"user_id": "*"}, {0, 1, 2}),
        ({"agent_id": "*"}, set()),
        ({"user_id": {"in": ["bea", "carl"]}}, {2}),
        ({"metadata": {"deep": {"er": "bea"}}}, {2}),
        ({"created_at": {"gte": "2020-01-01", "lt": "2021-01-01"}}, set()),
        ({"AND": [{"created_at": {"gte": "2020-01-01"}}, {"user_id": "bea"}]}, {2}),
        ({"keywords": {"contains": "NOTE 1"}}, {1}),
        ({"categories": ["none"]}, set()),
    ]
    for filters, expected in cases:
        assert {each["metadata"]["number"] for each in listed(acme, filters)["results"]} == expected, filters
        found = acme.post("/v3/memories/search/", {"query": "note about tea", "filters": filters})
        assert {each["metadata"]["number"] for each in found.json()["results"]} == expected, filters
    for filters, at in [
        ({"OR": [{"created_at": {"gte": "2020-01-01"}}]}, "created_at"), ({"number": {"above": 1}}, "above"), ({"AND": []}, "AND"),
        ({"created_at": {"gte": "soon"}}, "created_at"), ({"metadata": "x"}, "metadata"), ({"categories": {"gt": "x"}}, "gt"),
    ]:  # fmt: skip
        refused = acme.post("/v3/memories/", {"filters": filters})
        assert refused.status_code == 422, filters
        assert at in refused.json()["errors"][0]["loc"], refused.content
    assert acme.delete("/v1/memories/").status_code == 422
    assert acme.delete("/v1/memories/?user_id=alex").status_code == 200
    assert texts(listed(acme)) == ["note 2 about tea"]
    # as mem0's client sends the filters of its options
    assert acme.delete("/v1/memories/?filters=%7B%27user_id%27%3A+%27bea%27%7D").status_code == 200
    assert listed(acme)["count"] == 0
    # what others stored is out of reach
    assert acme.get("/api/v1/memories").json()["results"] != []


def test_lists_come_in_numbered_pages(acme):
    for number in range(5):
        add(acme, f"note {number}", user_id="alex")
    pages = [
        acme.post(f"/v3/memories/?page={page}&page_size=2", {"filters": {}}).json() for page in (1, 2, 3, 4)
    ]
    assert [texts(page) for page in pages] == [["note 4", "note 3"], ["note 2", "note 1"], ["note 0"], []]
    assert {page["count"] for page in pages} == {5}
    assert [bool(page["next"]) for page in pages] == [True, True, False, False]
    assert pages[1]["previous"].endswith("/v3/memories/?page=1&page_size=2")
    assert acme.post("/v3/memories/?page=10000&page_size=2", {}).status_code == 422
    assert acme.post("/v3/memories/?page=0", {}).status_code == 422
    # earlier clients
    assert [each["memory"] for each in acme.get("/v1/memories/?user_id=alex&page_size=1").json()] == [
        "note 4"
    ]
    assert (
        acme.post("/v2/memories/", {"filters": {"user_id": "alex"}, "page_size": 1}).json()[0]["memory"]
        == "note 4"
    )
    assert acme.post("/v1/memories/", {"messages": "x", "user_id": "y"}).status_code == 200
    old = {"query": "note", "user_id": "alex"}
    for path in ("/v1/memories/search/", "/v2/memories/search/"):
        assert len(acme.post(path, old).json()) == 5
        assert len(acme.post(path, old | {"output_format": "v1.1"}).json()["results"]) == 5
    one = acme.post("/v3/memories/search/", old | {"top_k": 1, "fields": ["memory"]}).json()["results"]
    assert [sorted(each) for each in one] == [["id", "memory"]]


def test_entities_are_counted_and_deleted(acme):
    add(acme, "one", user_id="alex")
    add(acme, "two", user_id="alex", agent_id="helper")
    shown = acme.get("/v1/entities/").json()
    assert [(each["type"], each["name"], each["total_memories"]) for each in shown["results"]] == [
        ("user", "alex", 2),
        ("agent", "helper", 1),
    ]
    assert acme.delete("/v2/entities/agent/helper/").status_code == 200
    assert texts(listed(acme)) == ["one"]
    assert acme.delete("/v2/entities/agent/helper/").status_code == 200
    assert acme.delete("/v2/entities/planet/mars/").status_code == 422


def test_batches_change_or_erase_all_or_none(acme):
    one, two = add(acme, "one", user_id="alex"), add(acme, "two", user_id="alex")
    other = acme.store("of others")
    for gone in (NOBODY, other):
        refused = acme.put(
            "/v1/batch/", {"memories": [{"memory_id": one, "text": "1"}, {"memory_id": gone, "text": "2"}]}
        )
        assert refused.status_code == 404
    assert set(texts(listed(acme))) == {"one", "two"}
    changes = [{"memory_id": one, "text": "1"}, {"memory_id": two, "metadata": {"a": 1}}]
    assert (
        acme.put("/v1/batch/", {"memories": changes}).json()["message"] == "Successfully updated 2 memories"
    )
    assert set(texts(listed(acme))) == {"1", "two"}
    ids = {"memories": [{"memory_id": one}, {"memory_id": two}]}
    headers = {"authorization": f"Bearer {acme.token}"}
    refused = acme.client.delete(
        "/v1/batch/", {"memories": [{"memory_id": other}]}, "application/json", headers=headers
    )
    assert refused.status_code == 404
    assert acme.client.delete("/v1/batch/", ids, "application/json", headers=headers).status_code == 200
    assert listed(acme)["count"] == 0


def test_the_self_hosted_servers_routes(acme):
    body = {"messages": [{"role": "user", "content": "I like tea"}], "user_id": "alex", "infer": False}
    memory = acme.post("/mem0/memories", body).json()["results"][0]["id"]
    assert acme.get(f"/mem0/memories/{memory}").json()["memory"] == "I like tea"
    assert acme.get("/mem0/memories?user_id=alex").json()["results"][0]["id"] == memory
    assert acme.get("/mem0/memories?user_id=bea").json() == {"results": []}
    found = acme.post("/mem0/search", {"query": "tea", "user_id": "alex"}).json()
    assert found["results"][0]["id"] == memory
    assert acme.put(f"/mem0/memories/{memory}", {"text": "I like mate"}).json() == {
        "message": "Memory updated successfully!"
    }
    assert len(acme.get(f"/mem0/memories/{memory}/history").json()) == 2
    assert acme.delete("/mem0/memories?user_id=bea").json() == {"message": "All relevant memories deleted"}
    kept = acme.store("of others")
    assert acme.post("/mem0/reset", {}).json() == {"message": "All memories reset"}
    assert listed(acme)["count"] == 0
    assert acme.get(f"/api/v1/memories/{kept}").status_code == 200
    again = acme.post("/mem0/memories", body).json()["results"][0]["id"]
    assert acme.delete(f"/mem0/memories/{again}").json() == {"message": "Memory deleted successfully"}


def test_memories_of_others_are_not_found(acme, rival):
    mine, native = add(acme, "mine", user_id="alex"), acme.store("not of mem0")
    for caller, memory in ((rival, mine), (acme, native)):
        assert caller.get(f"/v1/memories/{memory}/").status_code == 404
        assert caller.put(f"/v1/memories/{memory}/", {"text": "x"}).status_code == 404
        assert caller.delete(f"/v1/memories/{memory}/").status_code == 404
        assert caller.get(f"/v1/memories/{memory}/history/").status_code == 404
    assert listed(rival)["count"] == 0


def test_keys_are_tokens_and_have_their_scopes(acme, client):
    def ping(scheme, key):
        return client.get("/v1/ping/", headers={"authorization": f"{scheme} {key}"})

    assert ping("Token", acme.token).json() == {
        "status": "ok", "org_id": str(acme.organisation), "project_id": acme.slug, "user_email": None,
    }  # fmt: skip
    assert ping("Token", "m0-x").status_code == 401
    assert ping("Basic", acme.token).status_code == 401
    reader, _ = with_key(acme, Scope.MEMORY_READ)
    refused = reader.post("/v3/memories/add/", {"messages": "x", "user_id": "alex"})
    assert refused.status_code == 403
    assert "memory:propose" in refused.json()["detail"]
    assert reader.post("/mem0/reset", {}).status_code == 403


def test_a_repeated_add_stores_nothing_more(acme):
    body = {"messages": "I like tea", "user_id": "alex"}
    first, again = (acme.post("/v3/memories/add/", body, **{"idempotency-key": "k"}) for _ in range(2))
    assert first.json() == again.json()
    assert again["Idempotent-Replayed"] == "true"
    assert listed(acme)["count"] == 1


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        5,
        "x",
        {"query": 5},
        {"query": ""},
        {"query": "x", "top_k": 0},
        {"query": "x", "filters": []},
    ],
)
def test_bad_searches_name_the_field(acme, body):
    refused = acme.post("/v3/memories/search/", body)
    assert refused.status_code == 422, refused.content
    assert refused.json()["errors"][0]["loc"][0] in {"body", "filters"}
