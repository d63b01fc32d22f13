"""A rejected value inside a longer text: found on every way in, and dealt with as the organisation's policy says."""

import json
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from liftos.compat.names.memory import EnhancedKSEIntegration
from liftos.kernel.db.transactions import tenant_transaction
from memory.bulk.jobs import work_on_next_chunk
from memory.models import Memory, Tombstone

POLICY = "/api/v1/memories/rejection-policy"
VALUE = "The price of Holiday Inn is 10 euros"
TEXTS = [
    f"He says: {VALUE}, and it is clean.", f"# Hotels\n\n- **{VALUE.upper()}**\n- Another one", f"{VALUE}. I was there.", f"I know \u201c{VALUE}\u201d",
    json.dumps({"note": VALUE, "n": 1}), "So \u0422h\u0435 \u0420ri\u0441\u0435 \u043ef \u041d\u043elid\u0430\u0443 Inn is 10 euros, he says", "The price of\n  Holiday\u200b Inn is 10 euros, he says",
]  # fmt: skip
OTHERS = ["He says: The price of Holiday Inn is 11 euros, and it is clean.", "Holiday Inn is clean", "Is the price 10 euros?"]  # fmt: skip


def put(caller, policy):
    return caller.client.put(
        POLICY, json.dumps({"policy": policy}), content_type="application/json", headers={"authorization": f"Bearer {caller.token}"}
    )  # fmt: skip


@pytest.fixture
def rejected(acme, life):
    memory = acme.store(VALUE)
    return life.correct(memory, "reject", reason="an old price")


def assert_names(named, rejected):
    assert named["decision_id"] == rejected["decision_id"]
    assert named["memory_id"] == rejected["id"]
    assert set(named) == {"decision_id", "memory_id", "rejected_at"}


def assert_candidate(caller, memory, rejected):
    assert caller.get(f"/api/v1/memories/{memory}").json()["state"] == "candidate"
    newest = caller.get(f"/api/v1/memories/{memory}/history").json()["results"][0]
    assert newest["after"]["state"] == "candidate"
    assert rejected["decision_id"] in newest["reason"]
    decision = caller.get(f"/api/v1/decisions/{newest['decision_id']}").json()
    assert rejected["decision_id"] in decision["reasoning"]
    [named] = [each for each in decision["memories"] if each["id"] == memory]
    assert named["rejection"] == rejected["decision_id"]


@pytest.mark.parametrize("text", TEXTS)
def test_by_default_it_is_a_candidate_that_names_the_rejection(acme, life, rejected, text):
    response = acme.post("/api/v1/memories", {"content": text, "state": "active"})
    assert (response.status_code, response.json()["state"]) == (201, "candidate")
    assert_names(response.json()["rejection"], rejected)
    assert_candidate(acme, response.json()["id"], rejected)
    assert life.found("price of holiday inn") == []


@pytest.mark.parametrize("text", OTHERS)
def test_another_text_is_stored_as_before(acme, rejected, text):
    answer = acme.post("/api/v1/memories", {"content": text}).json()
    assert answer["state"] == "active"
    assert "rejection" not in answer


def test_the_value_itself_is_refused_as_before(acme, rejected):
    assert acme.post("/api/v1/memories", {"content": f"- {VALUE}."}).status_code == 409


def stores(caller):
    """Return, by name, each way in: it takes a text, and returns the status and the answer's part about it."""

    def post(path, body):
        def send(text):
            answer = caller.post(path, body(text))
            return answer.status_code, answer.json()

        return send

    def bulk(text):
        lines = "\n".join(json.dumps({"content": each}) for each in ("Something else", text))
        answer = caller.send("/api/v1/memories/bulk", lines, "application/x-ndjson").json()
        assert answer["results"][0].keys() == {"line", "status", "id"}
        line = answer["results"][1]
        return line["status"], line

    def later(text):
        job = caller.send(
            "/api/v1/memories/bulk?mode=async", json.dumps({"content": text}), "application/x-ndjson"
        ).json()
        assert work_on_next_chunk(organisation=caller.organisation)
        [line] = caller.get(f"/api/v1/memories/bulk/{job['id']}").json()["results"]
        return line["status"], line

    def supersede(text):
        answer = caller.post(f"/api/v1/memories/{caller.store('It was so')}/supersede", {"content": text})
        body = answer.json()
        if answer.status_code == 201:
            body |= {
                "id": body["superseded_by"],
                "state": body.get("successor_state"),
                "rejection": body.get("successor_rejection"),
            }
        return answer.status_code, body

    def change(text):
        memory = caller.store("It was so")
        answer = caller.client.patch(
            f"/api/v1/memories/{memory}", json.dumps({"content": text, "reason": "news"}), content_type="application/json",
            headers={"authorization": f"Bearer {caller.token}", "if-match": '"1"'},
        )  # fmt: skip
        return answer.status_code, answer.json()

    def old(text):
        answer = caller.post("/store", {"content": text})
        body = answer.json()
        return answer.status_code, (
            body["data"] | {"id": body["data"]["memory_id"]}
        ) if answer.status_code == 200 else body

    return {
        "store": post("/api/v1/memories", lambda text: {"content": text}),
        "bulk": bulk,
        "async": later,
        "supersede": supersede,
        "patch": change,
        "old": old,
        "loose": post("/api/v1/store", lambda text: {"data": {"content": text}}),
        "value": post("/memory/store", lambda text: {"key": "k", "value": text}),
        "shell": lambda text: stored_as_shell_does(caller, text),
    }


def stored_as_shell_does(caller, text):
    answer = caller.post("/api/v1/memory/store", {"content": text})
    body = answer.json()
    return answer.status_code, (
        body["data"] | {"id": body["data"]["memory_id"]}
    ) if answer.status_code == 200 else body


WAYS = ["store", "bulk", "async", "supersede", "patch", "old", "loose", "value", "shell"]


@pytest.mark.parametrize("way", WAYS)
def test_every_way_in_flags_refuses_and_allows(acme, rejected, way):
    send = stores(acme)[way]
    status, told = send(TEXTS[0])
    assert status in (200, 201)
    assert told["state"] == "candidate"
    assert_names(told["rejection"], rejected)
    assert_candidate(acme, told["id"], rejected)
    put(acme, "refuse")
    status, told = send(TEXTS[1])
    assert status == 409
    assert rejected["decision_id"] in json.dumps(told)
    with tenant_transaction(acme.organisation):
        assert not Memory.objects.filter(content=TEXTS[1]).exists()
    put(acme, "allow")
    status, told = send(TEXTS[2])
    assert status in (200, 201)
    assert not told.get("rejection")
    assert acme.get(f"/api/v1/memories/{told['id']}").json()["state"] == "active"


def test_an_import_flags_and_refuses(acme, rejected, tmp_path):
    path = tmp_path / "lines"
    path.write_text("\n".join(json.dumps({"content": each}) for each in (TEXTS[0], "Something else")))

    def run(*arguments):
        out = StringIO()
        call_command("import_memories", acme.slug, path, *arguments, json=True, stdout=out, stderr=StringIO())
        return json.loads(out.getvalue())

    assert run()["stored"] == 2
    states = {
        each["content"]: each
        for each in acme.get("/api/v1/memories?states=candidate,active").json()["results"]
    }
    assert states["Something else"]["state"] == "active"
    assert_candidate(acme, states[TEXTS[0]]["id"], rejected)
    put(acme, "refuse")
    with pytest.raises(CommandError):
        run("--again")


def test_a_rejection_that_was_imported_is_found_inside_texts(acme, rival, rejected, tmp_path):
    call_command("export_memories", acme.slug, tmp_path / "all", stderr=StringIO())
    call_command("import_memories", rival.slug, tmp_path / "all", stdout=StringIO(), stderr=StringIO())
    answer = rival.post("/api/v1/memories", {"content": TEXTS[0]}).json()
    assert answer["state"] == "candidate"
    assert answer["rejection"]["decision_id"] != rejected["decision_id"]


def test_the_spine_flags_too(acme, rejected):
    memory = EnhancedKSEIntegration().store(acme.slug, TEXTS[0])
    assert_candidate(acme, memory, rejected)


def test_a_wish_can_not_lift_it_and_a_confirmation_can(acme, life, rejected):
    memory = acme.store("It was so")
    answer = life.patch(memory, 1, content=TEXTS[0], state="active").json()
    assert (answer["state"], answer["version"]) == ("candidate", 2)
    assert life.correct(memory, "confirm")["state"] == "active"
    assert life.patch(memory, 3, importance=0.9).json()["state"] == "active"
    assert life.found("price of holiday inn") == [memory]


def test_withdrawn_rejection_frees_the_texts(acme, life, rejected):
    life.correct(rejected["id"], "confirm")
    assert acme.post("/api/v1/memories", {"content": TEXTS[0]}).json()["state"] == "active"


def test_it_outlives_the_rejected_memory(acme, life, rejected):
    life.erase(rejected["id"])
    answer = acme.post("/api/v1/memories", {"content": TEXTS[0]}).json()
    assert_names(answer["rejection"], rejected)


def test_another_organisation_is_not_asked(rejected, rival):
    assert rival.post("/api/v1/memories", {"content": TEXTS[0]}).json()["state"] == "active"
    assert rival.get(POLICY).json()["policy"] == "flag"


def test_a_key_answers_again_what_it_answered(acme, rejected):
    def send():
        return acme.client.post(
            "/api/v1/memories", json.dumps({"content": TEXTS[0]}), content_type="application/json",
            headers={"authorization": f"Bearer {acme.token}", "idempotency-key": "k-1"},
        )  # fmt: skip

    first, again = send(), send()
    assert again["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()


def test_same_external_id_again_returns_the_first_memory(acme, life, rejected):
    body = {"content": TEXTS[0], "source": "crm", "external_id": "e-1"}
    first = acme.post("/api/v1/memories", body).json()
    life.correct(first["id"], "confirm")
    again = acme.post("/api/v1/memories", body)
    assert (again.status_code, again.json()["id"], again.json()["state"]) == (200, first["id"], "active")
    assert "rejection" not in again.json()


def test_a_tombstone_from_before_is_not_looked_for_inside(acme, rejected):
    with tenant_transaction(acme.organisation):
        before = list(
            Tombstone.objects.values("organisation_id", "value", "memory_id", "decision_id", "recorded_at")
        )
        Tombstone.objects.all().delete()
        Tombstone.objects.bulk_create(Tombstone(**each) for each in before)
    assert acme.post("/api/v1/memories", {"content": TEXTS[0]}).json()["state"] == "active"
    assert acme.post("/api/v1/memories", {"content": VALUE}).status_code == 409


def test_the_policy_is_set_on_record(acme):
    assert acme.get(POLICY).json() == {"policy": "flag", "decision_id": None}
    set_ = put(acme, "refuse").json()
    assert set_["policy"] == "refuse"
    decision = acme.get(f"/api/v1/decisions/{set_['decision_id']}").json()
    assert (decision["operation"], decision["inputs"], decision["outputs"]) == (
        "memory.rejection_policy", {"before": "flag"}, {"policy": "refuse"},
    )  # fmt: skip
    assert put(acme, "refuse").json()["decision_id"] is None
    for wrong in ("burn", None, 5, "FLAG"):
        assert put(acme, wrong).status_code == 422
    assert acme.get(POLICY).json()["policy"] == "refuse"


def test_the_command_shows_and_sets_it(acme):
    def run(*arguments):
        out = StringIO()
        call_command("rejection_policy", acme.slug, *arguments, stdout=out)
        return out.getvalue().strip()

    assert (run(), run("allow"), run()) == ("flag", "allow", "allow")
    [decision] = acme.get("/api/v1/decisions?operation=memory.rejection_policy").json()["results"]
    assert decision["actor_id"] == "rejection_policy"
    with pytest.raises(CommandError, match="No organisation called"):
        call_command("rejection_policy", str(uuid4()))
