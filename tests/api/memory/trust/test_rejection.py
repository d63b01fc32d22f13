"""A rejected value does not come back, however it is written and whichever way it is sent; another value is taken."""

import json

import pytest

from tests.api.memory.trust.conftest import Life

VALUE = "The Price of Holiday Inn is 10 euros"
SAME = {
    "itself": VALUE,
    "case": VALUE.upper(),
    "white space": f"  {VALUE.replace(' ', '  ')}\n",
    "width": "\uff34\uff48\uff45 Price of Holiday Inn is \uff11\uff10 euros",
    "invisible": "The\u200b Pri\u00adce\ufe0f of Holi\ufeffday Inn is 10 euros",
    "a full stop": f"{VALUE}.",
    "quotes": f"\u201c{VALUE}!\u201d",
    "a list and emphasis": f"1. **{VALUE}**\u2026",
    "brackets": f"[{VALUE}]",
    "look-alikes": "\u0422h\u0435 \u0420ri\u0441\u0435 \u043ef \u041d\u043elid\u0430\u0443 Inn is 10 euros",
}
OTHER = [
    "Holiday Inn costs ten euros",
    "The Price of Holiday Inn is 11 euros",
    "The Price of Holiday Inn was 10 euros",
]


@pytest.fixture
def rejected(acme, life):
    memory = acme.store(VALUE, source="crm", external_id="e-1")
    return life.correct(memory, "reject", reason="an old price")


def assert_refused(response, rejected):
    assert response.status_code == 409
    assert response.json()["code"] == "memory.value_rejected"
    assert response.json()["rejection"]["decision_id"] == rejected["decision_id"]
    assert rejected["decision_id"] in response.json()["detail"]
    assert response.json()["errors"][0]["loc"] == ["body", "content"]


def content_for(how):
    return {"content": "Another"} if how == "supersede" else {}


@pytest.mark.parametrize("written", SAME.values(), ids=SAME)
def test_no_way_to_store_takes_it(acme, life, rejected, written):
    assert_refused(acme.post("/api/v1/memories", {"content": written}), rejected)
    old = acme.post("/store", {"content": written})
    assert old.status_code == 409
    assert rejected["decision_id"] in old.json()["detail"]
    lines = "\n".join(json.dumps({"content": each}) for each in ("Something else", written))
    bulk = acme.send("/api/v1/memories/bulk", lines, "application/x-ndjson").json()
    assert [line["status"] for line in bulk["results"]] == [201, 409]
    assert bulk["results"][1]["error"]["rejection"]["decision_id"] == rejected["decision_id"]
    other = acme.store("The hotel is open")
    assert_refused(life.patch(other, 1, content=written), rejected)
    assert_refused(acme.post(f"/api/v1/memories/{other}/supersede", {"content": written}), rejected)
    assert acme.get(f"/api/v1/memories/{other}").json()["state"] == "active"
    assert rejected["id"] not in life.found("price of holiday inn")


@pytest.mark.parametrize("written", OTHER)
def test_a_paraphrase_and_another_value_are_taken(acme, rejected, written):
    assert acme.post("/api/v1/memories", {"content": written}).status_code == 201


def test_another_organisation_may_believe_it(rejected, rival):
    assert rival.post("/api/v1/memories", {"content": VALUE}).status_code == 201


def test_rejection_comes_before_the_external_id(acme, rejected):
    again = acme.post("/api/v1/memories", {"content": VALUE, "source": "crm", "external_id": "e-1"})
    assert_refused(again, rejected)


def test_all_memories_of_the_value_are_rejected_together(acme, life):
    first, second = acme.store(VALUE), acme.store(VALUE.upper())
    kept = acme.store(OTHER[0])
    answer = life.correct(first, "reject")
    assert answer["others"] == [second]
    assert life.found("price of holiday inn") == [kept]
    assert [change["operation"] for change in life.history(second)] == ["memory.reject", "memory.store"]


def test_it_survives_supersession_expiry_and_erasure_of_the_memory(acme, life):
    one, two, three = (acme.store(f"Value number {number}") for number in ("one", "two", "three"))
    life.correct(one, "supersede", content="Another value")
    for memory in (one, two, three):
        life.correct(memory, "reject")
    life.erase(three)
    for number in ("one", "two", "three"):
        assert acme.post("/api/v1/memories", {"content": f"value number {number}"}).status_code == 409


def test_who_runs_the_organisation_can_take_it_back(acme, life, rejected):
    assert life.correct(rejected["id"], "confirm", reason="it holds again")["state"] == "active"
    assert life.found("price of holiday inn") == [rejected["id"]]
    assert acme.post("/api/v1/memories", {"content": VALUE}).status_code == 201


def test_a_key_without_the_scope_admin_can_not(acme, rejected):
    from liftos.kernel.tenancy.operations import create_api_key
    from liftos.kernel.tenancy.types import SYSTEM, Scope
    from tests.factories.callers import Caller

    scopes = [Scope.MEMORY_WRITE, Scope.MEMORY_READ]
    _, token = create_api_key(organisation=acme.organisation, by=SYSTEM, name="agent", scopes=scopes)
    writer = Caller(acme.organisation, acme.slug, token, acme.client)
    response = writer.post(f"/api/v1/memories/{rejected['id']}/confirm", {})
    assert (response.status_code, response.json()["code"]) == (409, "memory.state_forbids")
    assert acme.post("/api/v1/memories", {"content": VALUE}).status_code == 409


def test_rejected_blank_memory_does_not_refuse_other_blank_ones(acme, life):
    stored = acme.post("/store", {"content": " \u200b "}).json()["data"]["memory_id"]
    life.correct(stored, "reject")
    assert acme.post("/store", {"content": ""}).status_code == 200


@pytest.mark.parametrize("how", ["confirm", "contest", "reject", "supersede"])
def test_anothers_memory_is_404_and_stays_as_it_is(rival, life, how):
    theirs = rival.store("Their fact")
    response = life.caller.post(f"/api/v1/memories/{theirs}/{how}", content_for(how))
    assert response.status_code == 404
    assert rival.get(f"/api/v1/memories/{theirs}").json()["version"] == 1
    assert Life(rival).found("fact") == [theirs]


@pytest.mark.parametrize(
    ("first", "then", "status"),
    [("reject", "contest", 409), ("reject", "supersede", 409), ("reject", "reject", 409), ("contest", "contest", 409),
     ("contest", "confirm", 200), ("contest", "reject", 200), ("confirm", "confirm", 200)],
)  # fmt: skip
def test_what_follows_what(acme, life, first, then, status):
    memory = acme.store("A fact")
    life.correct(memory, first)
    assert acme.post(f"/api/v1/memories/{memory}/{then}", content_for(then)).status_code == status


@pytest.mark.parametrize("body", [{"reason": 5}, {"reason": "x" * 2_001}, [], "text", {"reason": None}])
def test_invalid_reason_is_422(acme, body):
    memory = acme.store("A fact")
    for how in ("confirm", "contest", "reject"):
        assert acme.post(f"/api/v1/memories/{memory}/{how}", body).status_code == 422
    assert acme.get(f"/api/v1/memories/{memory}").json()["version"] == 1


@pytest.mark.parametrize(
    ("one", "other"), [(VALUE, f"- {VALUE}."), (f"\u00ab{VALUE}.\u00bb", VALUE), (f"{VALUE}.", f"* {VALUE}!")]
)
def test_rejection_covers_the_value_with_other_punctuation(acme, life, one, other):
    first, second = acme.store(one), acme.store(other)
    assert life.correct(first, "reject")["others"] == [second]
    for written in (one, other, VALUE, f"({VALUE})"):
        assert acme.post("/api/v1/memories", {"content": written}).status_code == 409
    life.correct(first, "confirm")
    assert acme.post("/api/v1/memories", {"content": VALUE}).status_code == 201
