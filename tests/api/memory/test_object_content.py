"""An object as content: stored as JSON, returned as the object it was, searched by its text."""

import json
from io import BytesIO

import pytest
from django.core.management import call_command

from liftos.kernel.functions import Call, get_function
from liftos.kernel.tenancy.types import ALL_SCOPES, SYSTEM, Principal
from memory.policies import SECRETS_POLICY
from memory.policy_types import Secrets

ORDER = {
    "order": 17,
    "note": "The canary ferry to Korčula leaves at ten",
    "items": [{"sku": "B-9", "price": 1.50}],
    "paid": None,
}
SAID = "canary ferry to Korčula"


def stored(response, status=201):
    assert response.status_code == status, response.content
    return response.json()


def call(caller, name, arguments):
    principal = Principal(caller.organisation, caller.slug, SYSTEM, frozenset(ALL_SCOPES))
    function = get_function(name)
    given, made = function.parse(arguments), Call(principal, "k", 1e9)
    return function.call(function.ready(made, given), given)


def test_every_door_stores_an_object_and_every_answer_has_it(acme):
    body = {"content": ORDER}
    first = acme.store("Another memory altogether")
    ids = {
        "create": stored(acme.post("/api/v1/memories", body))["id"],
        "batch": stored(acme.post("/api/v1/memories/batch", {"memories": [body]}), 200)["results"][0]["id"],
        "upsert": stored(acme.put("/api/v1/memories?source=s&external_id=e", body))["id"],
        "bulk": stored(acme.send("/api/v1/memories/bulk", json.dumps(body), "application/x-ndjson"), 200)[
            "results"
        ][0]["id"],
        "supersede": stored(acme.post(f"/api/v1/memories/{first}/supersede", body))["superseded_by"],
        "turn": stored(acme.post("/api/v1/conversations/t/turns", {"role": "tool", "content": ORDER}))["ids"][
            0
        ],
        "store": call(acme, "memory.store", body)["id"],
        "store_many": call(acme, "memory.store_many", {"memories": [body]})["results"][0]["id"],
    }
    got = {door: acme.get(f"/api/v1/memories/{memory}").json()["content"] for door, memory in ids.items()}
    assert got == dict.fromkeys(ids, ORDER)
    listed = {each["id"]: each["content"] for each in acme.get("/api/v1/memories").json()["results"]}
    assert {listed[memory] == ORDER for memory in ids.values()} == {True}
    asked = stored(acme.post("/api/v1/memories/get", {"ids": list(ids.values())}), 200)["results"]
    assert all(each["memory"]["content"] == ORDER for each in asked)
    assert acme.get("/api/v1/conversations/t/turns").json()["results"][0]["content"] == ORDER
    hits = acme.search(SAID, limit=20)
    assert set(ids.values()) <= {each["id"] for each in hits}
    assert all(each["content"] == ORDER for each in hits if each["id"] in ids.values())
    batch = stored(acme.post("/api/v1/search/batch", {"queries": [SAID]}), 200)
    assert batch["memories"][batch["results"][0][0]["id"]]["content"] == ORDER
    assert call(acme, "memory.search", {"query": SAID})["results"][0]["content"] == ORDER
    assert call(acme, "memory.recent", {})["memories"][0]["content"] == ORDER
    assert acme.get("/api/v1/memories?text=B-9").json()["results"]
    prompt = acme.post("/api/v1/search", {"query": SAID, "format": "prompt"}).json()["prompt"]
    assert "Korčula leaves at ten" in prompt


def test_changes_versions_and_history_keep_objects_and_texts_apart(acme):
    memory = stored(acme.post("/api/v1/memories", {"content": ORDER}))["id"]
    then = acme.get(f"/api/v1/memories/{memory}").json()["recorded_at"].replace("+", "%2B")
    for number, content in enumerate(
        [json.dumps(ORDER, ensure_ascii=False, sort_keys=True), "plain", {"a": {"b": []}}, {}], start=1
    ):
        changed = acme.patch(
            f"/api/v1/memories/{memory}", {"content": content}, **{"if-match": f'"{number}"'}
        )
        assert stored(changed, 200)["version"] == number + 1
        assert acme.get(f"/api/v1/memories/{memory}").json()["content"] == content
    same = acme.patch(f"/api/v1/memories/{memory}", {"content": {}}, **{"if-match": '"5"'})
    assert stored(same, 200)["decision_id"] is None
    history = acme.get(f"/api/v1/memories/{memory}/history").json()["results"]
    assert next(each["after"]["content"] for each in history) == {}
    assert history[-1]["after"]["content"] == ORDER == history[-2]["before"]["content"]
    assert acme.get(f"/api/v1/memories?known_at={then}").json()["results"][0]["content"] == ORDER
    found = acme.search(SAID, known_at=then.replace("%2B", "+"))
    assert [each["content"] for each in found] == [ORDER]
    stored(acme.post(f"/api/v1/memories/{memory}/restore", {"version": 1}), 200)
    assert acme.get(f"/api/v1/memories/{memory}").json()["content"] == ORDER
    url = "/api/v1/memories?source=s&external_id=e"
    stored(acme.put(url, {"content": ORDER}))
    assert stored(acme.put(url, {"content": dict(reversed(ORDER.items()))}), 200)["outcome"] == "unchanged"
    assert stored(acme.put(url, {"content": ORDER | {"order": 18}}), 200)["outcome"] == "changed"


@pytest.mark.embeds_in_a_transaction
def test_exports_bring_objects_and_hidden_memories_back(acme, rival, tmp_path):
    memory = stored(acme.post("/api/v1/memories", {"content": ORDER, "index": False}))["id"]
    stored(acme.patch(f"/api/v1/memories/{memory}", {"content": {"order": 18}}, **{"if-match": '"1"'}), 200)
    file = tmp_path / "m.jsonl"
    call_command("export_memories", acme.slug, str(file))
    [line] = [json.loads(each) for each in file.read_text().splitlines()[1:]]
    assert (line["content"], line["index"], line["history"][0]["content"]) == ({"order": 18}, False, ORDER)
    call_command("import_memories", rival.slug, str(file))
    [listed] = rival.get("/api/v1/memories").json()["results"]
    assert (listed["content"], listed["index"], listed["version"]) == ({"order": 18}, False, 2)
    history = rival.get(f"/api/v1/memories/{listed['id']}/history").json()["results"]
    assert history[-1]["after"]["content"] == ORDER
    assert rival.search(SAID) == rival.search("order 18") == []
    subject = acme.get(f"/api/v1/subjects/principal/{line['actor']['id'].replace(':', '%3A')}/export")
    lines = [json.loads(each) for each in BytesIO(b"".join(subject.streaming_content)).read().splitlines()]
    assert [each["content"] for each in lines if each["type"] == "memory"] == [{"order": 18}]


def test_secrets_are_found_inside_objects(acme):
    SECRETS_POLICY.set(organisation=acme.organisation, by=SYSTEM, policy=Secrets.REDACT)
    body = {"content": {"login": {"password": "hunter2-Xy!9"}, "note": SAID}}
    answer = stored(acme.post("/api/v1/memories", body))
    assert answer["secrets"]["found"] == [{"field": "content.login.password", "kind": "password", "count": 1}]
    shown = acme.get(f"/api/v1/memories/{answer['id']}").json()["content"]
    assert shown == {"login": {"password": "[redacted: password]"}, "note": SAID}


@pytest.mark.parametrize("content", [[1], 7, True, None, {"a": "x" * 1_000_000}, [{"a": 1}]])
def test_what_is_neither_text_nor_object_is_refused(acme, content):
    response = acme.post("/api/v1/memories", {"content": content})
    assert (response.status_code, response.json()["errors"][0]["loc"]) == (422, ["body", "content"])


def test_old_routes_keep_their_shape(acme):
    stored(acme.post("/api/v1/memories", {"content": ORDER}))
    hit = acme.post("/search", {"query": SAID}).json()["data"]["results"][0]
    assert isinstance(hit["content"], str)
    assert json.loads(hit["content"]) == ORDER
