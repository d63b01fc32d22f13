"""`/api/v1/conversations/{thread}/turns`."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from django.db import connections

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.types import Scope
from memory.models import ConversationTurn, Memory, MemoryLink
from tests.conftest import make_caller
from tests.factories.keys import with_key

TURNS = "/api/v1/conversations/call-7/turns"
ASK = {"role": "user", "name": "Ada", "content": "When does the ferry to Korcula leave?"}
TELL = {"role": "assistant", "content": "At ten past nine, from the old pier."}


def stored(response, status=201):
    assert response.status_code == status, response.content
    return response.json()


def chain(caller):
    """Return (memory, the one it follows) for every follows link."""
    with tenant_transaction(caller.organisation):
        return {
            (str(memory), str(target))
            for memory, target in MemoryLink.objects.filter(kind="follows").values_list(
                "memory_id", "target_id"
            )
        }


def test_one_turn_is_a_memory_in_its_thread_with_its_speaker(acme):
    body = stored(acme.post(TURNS, ASK | {"at": "2026-05-04T10:00:00Z"}))
    assert (body["stored"], body["unchanged"], body["skipped"], body["turns"][0]["number"]) == (1, 0, 0, 1)
    memory = acme.get(f"/api/v1/memories/{body['ids'][0]}").json()
    assert memory["content"] == ASK["content"]
    assert memory["metadata"] == {"speaker": "Ada", "role": "user"}
    assert (memory["thread"], memory["memory_type"], memory["valid_from"]) == (
        "call-7",
        "turn",
        "2026-05-04T10:00:00Z",
    )
    assert memory["links"] == []


def test_turns_follow_each_other_and_the_one_stored_last(acme):
    first = stored(acme.post(TURNS, {"turns": [ASK, TELL]}))["ids"]
    second = stored(acme.post(TURNS, ASK))
    assert second["turns"][0]["number"] == 3
    ids = [*first, *second["ids"]]
    assert chain(acme) == {(ids[1], ids[0]), (ids[2], ids[1])}


def test_chat_completions_messages_are_turns(acme):
    messages = [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "The ferry?"}, {"type": "text", "text": "To Korcula."}],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "09:10", "annotations": []},
        {"role": "assistant", "content": None, "refusal": "I can't say."},
    ]
    body = stored(acme.post(TURNS, {"messages": messages}))
    assert (body["stored"], body["skipped"]) == (4, 1)
    shown = acme.get(TURNS).json()["results"]
    assert [(each["role"], each["content"]) for each in shown] == [
        ("system", "Be brief."), ("user", "The ferry?\nTo Korcula."), ("tool", "09:10"), ("assistant", "I can't say."),
    ]  # fmt: skip


def test_speaker_is_found_by_name(acme):
    stored(
        acme.post(
            TURNS, {"turns": [ASK, {"role": "user", "name": "Grace", "content": "I like the late ferry."}]}
        )
    )
    hit = acme.search("what does Grace like")[0]
    assert hit["content"] == "I like the late ferry."
    assert "actor" in str(hit["terms"]) or hit["metadata"]["speaker"] == "Grace"


def test_turns_are_paged_in_order(acme):
    stored(acme.post(TURNS, {"turns": [{"role": "user", "content": f"word {n}"} for n in range(5)]}))
    seen, url = [], f"{TURNS}?limit=2"
    while url:
        page = acme.get(url).json()
        seen += [(each["number"], each["content"]) for each in page["results"]]
        url = page["next"]
    assert seen == [(n + 1, f"word {n}") for n in range(5)]


def test_turn_with_an_id_is_stored_once_and_keeps_its_place(acme):
    one, two, three = (TELL | {"id": str(n), "content": f"number {n}"} for n in range(3))
    first = stored(acme.post(TURNS, {"turns": [one, two]}))
    again = stored(acme.post(TURNS, {"turns": [one, two]}), 200)
    assert (again["ids"], again["unchanged"], again["decision_id"]) == (first["ids"], 2, None)
    more = stored(acme.post(TURNS, {"turns": [two, three]}))
    assert [each["number"] for each in more["turns"]] == [2, 3]
    assert chain(acme) == {(first["ids"][1], first["ids"][0]), (more["ids"][1], first["ids"][1])}


def test_other_words_under_an_id_are_a_conflict_and_nothing_is_stored(acme):
    stored(acme.post(TURNS, ASK | {"id": "1"}))
    response = acme.post(TURNS, {"turns": [TELL | {"id": "2"}, TELL | {"id": "1"}]})
    assert (response.status_code, response.json()["code"]) == (409, "memory.external_id_taken")
    with tenant_transaction(acme.organisation):
        assert Memory.objects.count() == ConversationTurn.objects.count() == 1


def test_names_with_colons_are_not_mixed_up(acme):
    for thread, turn in (("a", "b:c"), ("a:b", "c")):
        response = acme.post(f"/api/v1/conversations/{thread}/turns", TELL | {"id": turn})
        assert response.status_code == 201, response.content


def test_threads_have_chains_of_their_own(acme, rival):
    for caller in (acme, rival):
        stored(caller.post(TURNS, ASK))
        stored(caller.post("/api/v1/conversations/other%20call/turns", ASK))
        assert chain(caller) == set()
    assert rival.get(TURNS).json()["results"][0]["number"] == 1
    assert acme.get("/api/v1/conversations/other%20call/turns").status_code == 200


def test_unknown_thread_is_404(acme, rival):
    stored(rival.post(TURNS, ASK))
    response = acme.get(TURNS)
    assert (response.status_code, response.json()["code"]) == (404, "conversation.not_found")


def test_erased_turn_leaves_the_others(acme):
    ids = stored(acme.post(TURNS, {"turns": [ASK, TELL, ASK]}))["ids"]
    assert acme.delete(f"/api/v1/memories/{ids[2]}").status_code == 200
    assert [each["id"] for each in acme.get(TURNS).json()["results"]] == ids[:2]
    after = stored(acme.post(TURNS, TELL))["ids"][0]
    assert (after, ids[1]) in chain(acme)


def test_who_may_only_propose_stores_candidates(acme):
    weak, _ = with_key(acme, Scope.MEMORY_PROPOSE)
    assert stored(weak.post(TURNS, ASK))["turns"][0]["state"] == "candidate"


BAD = {
    "nothing": ({}, ("body",)),
    "no role": ({"content": "x"}, ("body", "role")),
    "blank": ({"role": "user", "content": "  "}, ("body", "content")),
    "blank role": ({"role": " ", "content": "x"}, ("body", "role")),
    "unknown field": (ASK | {"rôle": "x"}, ("body", "rôle")),
    "unknown field of a turn": ({"turns": [ASK | {"contnt": "x"}]}, ("body", "turns", 0, "contnt")),
    "picture": ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}, ("body",)),
    "no turns": ({"turns": []}, ("body",)),
    "too many": ({"turns": [ASK] * 501}, ("body",)),
    "the same id twice": ({"turns": [ASK | {"id": "1"}, TELL | {"id": "1"}]}, ("body", "turns", 1, "id")),
    "no date": (ASK | {"at": "yesterday"}, ("body",)),
    "long id": (ASK | {"id": "x" * 91}, ("body",)),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_turns_are_named_and_nothing_is_stored(acme, case):
    body, loc = BAD[case]
    response = acme.post(TURNS, body)
    assert response.status_code == 422, response.content
    assert loc in [tuple(each["loc"][: len(loc)]) for each in response.json()["errors"]], response.content
    with tenant_transaction(acme.organisation):
        assert not Memory.objects.exists()


@pytest.mark.parametrize("thread", ["x" * 201, "%20", "a%0Ab", "%00"])
def test_bad_thread_names_are_422(acme, thread):
    for response in (
        acme.post(f"/api/v1/conversations/{thread}/turns", ASK),
        acme.get(f"/api/v1/conversations/{thread}/turns"),
    ):
        assert response.status_code == 422
        assert response.json()["errors"][0]["loc"] == ["path", "thread"]


def test_concurrent_writers_make_one_chain(committed_db):
    caller = make_caller("Talkative")

    def write(number):
        turns = [{"role": "user", "content": f"{number}.{n}"} for n in range(3)]
        try:
            return stored(caller.post(TURNS, {"turns": turns}))["ids"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        written = list(pool.map(write, range(8)))
    shown = caller.get(f"{TURNS}?limit=200").json()["results"]
    ids = [each["id"] for each in shown]
    assert sorted(ids) == sorted(each for some in written for each in some)
    assert [each["number"] for each in shown] == list(range(1, 25))
    assert chain(caller) == {(after, before) for before, after in pairwise(ids)}
