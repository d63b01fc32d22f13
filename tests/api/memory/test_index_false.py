"""`index: false`: kept, listed and exported, never found by a search, in every way of storing."""

import json
from datetime import timedelta
from uuid import UUID

import pytest

from liftos.kernel.db.transactions import read_value, tenant_transaction
from liftos.kernel.functions import Call, get_function
from liftos.kernel.tenancy.types import ALL_SCOPES, SYSTEM, Principal
from memory.hygiene import check_health
from memory.index.stored import reindex
from memory.models import Memory
from memory.reembedding import heal_pending

CANARY = "The canary sings in the green mine"
INDEXED = ("memory_memoryvector", "memory_posting")


def stored(response, status=201):
    assert response.status_code == status, response.content
    return response.json()


def patch(caller, memory, **changes):
    version = caller.get(f"/api/v1/memories/{memory}").headers["ETag"]
    return stored(caller.patch(f"/api/v1/memories/{memory}", changes, **{"if-match": version}), 200)


def rows_of(caller, memory):
    """Return the number of vectors and postings of a memory and its earlier texts."""
    with tenant_transaction(caller.organisation):
        ids = [UUID(memory), *Memory.objects.filter(head=memory).values_list("id", flat=True)]
        return tuple(
            read_value(f"SELECT count(*) FROM {table} WHERE memory_id = ANY(%(ids)s)", {"ids": ids})
            for table in INDEXED
        )


def found(caller, memory, **fields):
    return {
        kind: memory
        in [each["id"] for each in caller.search("canary in the mine", search_type=kind, **fields)]
        for kind in ("hybrid", "neural", "knowledge", "conceptual")
    }


def is_hidden(caller, memory):
    """Return whether a memory is listed, filtered and got, but neither found nor indexed."""
    shown = caller.get(f"/api/v1/memories/{memory}").json()
    listed = [each["id"] for each in caller.get("/api/v1/memories?text=canary").json()["results"]]
    return (
        (shown["index"], shown["embedding"]) == (False, "none")
        and memory in listed
        and rows_of(caller, memory) == (0, 0)
        and not any(found(caller, memory).values())
    )


def call(caller, name, arguments):
    principal = Principal(caller.organisation, caller.slug, SYSTEM, frozenset(ALL_SCOPES))
    function = get_function(name)
    given, made = function.parse(arguments), Call(principal, "k", 1e9)
    return function.call(function.ready(made, given), given)


def test_every_door_that_stores_takes_it(acme):
    body = {"content": CANARY, "index": False}
    first = acme.store("Another memory altogether")
    lines = json.dumps(body) + "\n"
    ids = {
        "create": acme.store(CANARY, index=False),
        "batch": stored(acme.post("/api/v1/memories/batch", {"memories": [body]}), 200)["results"][0]["id"],
        "upsert": stored(acme.put("/api/v1/memories?source=s&external_id=e", body))["id"],
        "bulk": stored(acme.send("/api/v1/memories/bulk", lines, "application/x-ndjson"), 200)["results"][0][
            "id"
        ],
        "supersede": stored(acme.post(f"/api/v1/memories/{first}/supersede", body))["superseded_by"],
        "turn": stored(
            acme.post("/api/v1/conversations/t/turns", {"role": "user", "content": CANARY, "index": False})
        )["ids"][0],
        "turns": stored(
            acme.post(
                "/api/v1/conversations/u/turns",
                {"turns": [{"role": "user", "content": CANARY}], "index": False},
            )
        )["ids"][0],
        "document": stored(acme.upload(CANARY.encode(), "a.txt", "text/plain", index="false"))["id"],
        "document by query": stored(
            acme.send("/api/v1/documents?index=false&external_id=d", CANARY.encode(), "text/plain")
        )["id"],
        "store": call(acme, "memory.store", body)["id"],
        "store_many": call(acme, "memory.store_many", {"memories": [body]})["results"][0]["id"],
        "store_document": call(acme, "memory.store_document", {"text": CANARY, "index": False})["id"],
    }
    assert {door: is_hidden(acme, memory) for door, memory in ids.items()} == dict.fromkeys(ids, True)
    filtered = acme.post("/api/v1/memories/query", {"source": "s", "total": True}).json()
    assert ([each["id"] for each in filtered["results"]], filtered["total"]) == ([ids["upsert"]], 1)
    # neither do insights, spaces, statistics and the search for doubles count them
    insights = acme.get("/insights")
    assert (insights.status_code, "canary" in insights.content.decode().lower()) == (200, False)
    space = stored(
        acme.post(
            "/api/v1/spaces",
            {
                "name": "all",
                "holds_all": True,
                "dimensions": [{"name": "warm", "low": "cold", "high": "hot"}],
            },
        )
    )["id"]
    positions = acme.get(f"/api/v1/spaces/{space}/positions").json()["results"]
    assert not {each["memory_id"] for each in positions} & set(ids.values())
    with tenant_transaction(acme.organisation):
        assert read_value("SELECT coalesce(sum(words), 0) FROM memory_corpuscounter", {}) == 3
        health = check_health(
            organisation=acme.organisation,
            now=Memory.objects.latest("recorded_at").recorded_at,
            limit=9,
            contested_for=timedelta(days=1),
        )
    assert health.doubles == ()
    # a recomputed index leaves them out too
    with tenant_transaction(acme.organisation):
        reindex(acme.organisation, [UUID(each) for each in ids.values()])
    heal_pending(organisation=acme.organisation)
    assert all(is_hidden(acme, memory) for memory in ids.values())
    for memory in ids.values():
        assert acme.delete(f"/api/v1/memories/{memory}").status_code == 200


def test_patch_indexes_and_takes_out_again(acme):
    memory = acme.store(CANARY, index=False, metadata={"n": 1})
    assert patch(acme, memory, index=True)["embedding"] == "ready"
    assert (found(acme, memory)["neural"], found(acme, memory)["knowledge"]) == (True, True)
    assert acme.get(f"/api/v1/memories/{memory}").json()["index"] is True
    unchanged = patch(acme, memory, index=True)
    assert (unchanged["decision_id"], unchanged["version"]) == (None, 2)
    patch(acme, memory, content="Now it says that copper is dear", index=False)
    assert is_hidden(acme, memory) is False  # another text
    assert (rows_of(acme, memory), any(found(acme, memory).values())) == ((0, 0), False)
    patch(acme, memory, metadata={"n": 2})
    patch(acme, memory, content=CANARY)
    assert is_hidden(acme, memory)
    listed = acme.get('/api/v1/memories?filters={"n":2}').json()["results"]
    assert [each["id"] for each in listed] == [memory]


def test_earlier_texts_are_found_as_of_their_time_only_while_it_is_indexed(acme):
    memory = acme.store(CANARY)
    then = acme.get(f"/api/v1/memories/{memory}").json()["recorded_at"]
    patch(acme, memory, content="Copper is dear")
    assert found(acme, memory, known_at=then)["hybrid"]
    patch(acme, memory, index=False)
    assert (rows_of(acme, memory), any(found(acme, memory, known_at=then).values())) == ((0, 0), False)
    listed = acme.get(f"/api/v1/memories?known_at={then.replace('+', '%2B')}").json()["results"]
    assert [each["content"] for each in listed] == [CANARY]
    patch(acme, memory, index=True)
    heal_pending(organisation=acme.organisation)
    assert found(acme, memory, known_at=then)["hybrid"]
    # another version restored leaves it as it is
    patch(acme, memory, index=False)
    stored(acme.post(f"/api/v1/memories/{memory}/restore", {"version": 1}), 200)
    assert is_hidden(acme, memory)


def test_upsert_and_document_leave_it_unless_they_name_it(acme):
    url = "/api/v1/memories?source=s&external_id=e"
    memory = stored(acme.put(url, {"content": "Copper", "index": False}))["id"]
    stored(acme.put(url, {"content": CANARY}), 200)
    assert is_hidden(acme, memory)
    assert stored(acme.put(url, {"content": CANARY, "index": True}), 200)["outcome"] == "changed"
    assert found(acme, memory)["hybrid"]
    path = "/api/v1/documents?external_id=d"
    document = stored(acme.send(f"{path}&index=false", b"Copper", "text/plain"))["id"]
    stored(acme.send(path, CANARY.encode(), "text/plain"), 200)
    assert is_hidden(acme, document)
    assert stored(acme.send(f"{path}&index=true", CANARY.encode(), "text/plain"), 200)["outcome"] == "changed"
    assert found(acme, document)["hybrid"]
    # the same memory again, but for this, is another one
    again = acme.post(
        "/api/v1/memories", {"content": CANARY, "source": "s", "external_id": "e", "index": False}
    )
    assert again.status_code == 409


@pytest.mark.parametrize("body", [{"index": "maybe"}, {"index": None}, {"index": False, "embedding": [1.0]}])
def test_what_is_not_a_choice_is_refused(acme, body):
    response = acme.post("/api/v1/memories", {"content": CANARY} | body)
    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"][0] == "body"
