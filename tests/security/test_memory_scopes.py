"""One principal of an organisation learns nothing of what another keeps to itself, by any of memory's routes."""

import json

import pytest

from tests.factories.principals import group_of, key_of, principal_of

pytestmark = pytest.mark.django_db

CANARY = "zanzibarquetzal"
PRIVATE = {"visible_to": {"principal": "bob"}}


@pytest.fixture
def alice(acme):
    return key_of(acme, principal_of(acme, "alice", group_of(acme, "sales")))


@pytest.fixture
def bob(acme):
    return key_of(acme, principal_of(acme, "bob"))


@pytest.fixture
def private(bob):
    """A private memory with its canary in every field that a route could tell."""
    return bob.store(
        f"The {CANARY} sleeps in the vault", metadata={"animal": CANARY}, memory_type=CANARY, source=CANARY, tags=[CANARY],
        external_id=CANARY, thread=CANARY, links=[{"kind": "about", "external_id": "x"}], **PRIVATE,
    )  # fmt: skip


def told(response):
    """Return a response's text without what the request itself said, which validation errors repeat."""
    return f"{response.content.decode()} {dict(response.headers)}"


LISTS = (
    "/api/v1/memories", "/api/v1/memories?source={canary}", "/api/v1/memories?external_id={canary}",
    "/api/v1/values?field=source", "/api/v1/values?field=tags", "/api/v1/values?field=memory_type", "/api/v1/values?field=thread",
    "/api/v1/values?field=metadata.animal",
)  # fmt: skip


@pytest.mark.parametrize("path", LISTS)
def test_lists_and_values_leave_it_out(alice, bob, private, path):
    asked = path.format(canary=CANARY)
    answer = alice.get(asked)
    assert answer.status_code == 200, answer.content
    own = bob.get(asked).content.decode()
    assert CANARY in own or private in own, "the owner's answer has what the test looks for"
    body = answer.json()
    assert private not in answer.content.decode()
    assert body.get("results") == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None), ("DELETE", "", None), ("GET", "/history", None), ("GET", "/links", None), ("GET", "/graph", None),
        ("POST", "/confirm", {}), ("POST", "/contest", {}), ("POST", "/reject", {}), ("POST", "/supersede", {"content": "x"}),
        ("POST", "/links", {"kind": "about", "external_id": "y"}), ("PATCH", "", {"content": "x"}),
        ("PATCH", "", {"visible_to": {"principal": "alice"}}),
    ],
)  # fmt: skip
def test_routes_of_the_memory_say_that_there_is_none(alice, bob, private, method, path, body):
    headers = {"authorization": f"Bearer {alice.token}", "if-match": '"1"'}
    asked = {"content_type": "application/json", "headers": headers}
    answer = alice.client.generic(
        method, f"/api/v1/memories/{private}{path}", "" if body is None else json.dumps(body), **asked
    )
    assert answer.status_code == 404, answer.content
    assert CANARY not in told(answer)
    kept = bob.get(f"/api/v1/memories/{private}").json()
    assert (kept["version"], kept["state"]) == (1, "active")


@pytest.mark.parametrize("search_type", ["hybrid", "neural", "knowledge"])
def test_searches_do_not_find_it_and_score_as_if_it_were_not_there(acme, alice, bob, search_type):
    for number in range(5):
        alice.store(f"Note {number} about the vault of the bank")
    before = alice.search(f"{CANARY} vault", search_type=search_type)
    for _ in range(3):
        bob.store(f"The {CANARY} sleeps in the vault", **PRIVATE)
    after = alice.search(f"{CANARY} vault", search_type=search_type)
    # scores too: a document frequency would tell that the word is there
    assert [(each["id"], each["score"]) for each in after] == [(each["id"], each["score"]) for each in before]
    assert CANARY in bob.search(f"{CANARY} vault", search_type=search_type)[0]["content"]


def test_links_to_it_are_refused_as_to_nothing(alice, private):
    response = alice.post("/api/v1/memories", {"content": "x", "derived_from": [private]})
    assert response.status_code == 422
    linked = alice.post("/api/v1/memories", {"content": "x", "links": [{"kind": "about", "target": private}]})
    assert linked.status_code == 422
    assert CANARY not in told(response) + told(linked)


def test_external_id_and_rejection_of_another_scope_are_free(alice, bob, private):
    assert bob.post(f"/api/v1/memories/{private}/reject", {"reason": CANARY}).status_code == 200
    stored = alice.post(
        "/api/v1/memories",
        {"content": f"The {CANARY} sleeps in the vault", "external_id": CANARY, "source": CANARY},
    )
    assert stored.status_code == 201, stored.content
    assert stored.json()["id"] != private
    assert stored.json()["state"] == "active"
    assert private not in stored.content.decode()


def test_erasure_reaches_private_copies_and_tells_nothing_of_them(alice, bob):
    public = alice.store("The bank's vault is empty")
    copy = bob.store("The bank's vault is empty", derived_from=[public], **PRIVATE)
    answer = alice.delete(f"/api/v1/memories/{public}")
    assert answer.status_code == 200, answer.content
    receipt = alice.get(f"/api/v1/erasures/{answer.json()['erasure_id']}")
    assert bob.get(f"/api/v1/memories/{copy}").status_code == 404
    assert copy not in told(answer) + told(receipt)


def test_rejection_contests_private_derived_memories(alice, bob):
    public = alice.store("The bank's vault is empty")
    derived = bob.store("So somebody has robbed the bank", derived_from=[public], **PRIVATE)
    answer = alice.post(f"/api/v1/memories/{public}/reject", {"reason": "wrong"})
    assert answer.status_code == 200, answer.content
    assert derived not in told(answer)
    assert bob.get(f"/api/v1/memories/{derived}").json()["state"] == "contested"
