"""GET /api/v1/subjects/{kind}/{id}/export and POST …/erase."""

import json

import pytest
from django.contrib.auth.models import User
from django.db import connection

from accountability.ledger.sequencer import drain
from accountability.ledger.verification import verify_within
from accountability.models import DecisionPayload, DecisionRecord
from liftos.kernel.db.transactions import tenant_transaction, whole_tenant
from liftos.kernel.tenancy.models import Membership
from liftos.kernel.tenancy.types import Actor, ActorKind
from memory.models import BulkJob, Erasure, Memory, MemoryVersion
from memory.operations import remember
from memory.types import MemoryDraft
from tests.factories.flows import make_template, registered_functions, step
from tests.factories.keys import with_key
from tests.factories.principals import key_of, principal_of
from workflows.models import Run


def export(caller, kind, subject):
    response = caller.get(f"/api/v1/subjects/{kind}/{subject}/export")
    assert response.status_code == 200, response.content
    assert response["Content-Type"] == "application/x-ndjson"
    return [json.loads(line) for line in b"".join(response.streaming_content).splitlines()]


def of_type(lines, name):
    return [each for each in lines if each["type"] == name]


def erase(caller, kind, subject, **body):
    return caller.post(f"/api/v1/subjects/{kind}/{subject}/erase", body)


def revise(caller, memory, content, user=""):
    headers = {"authorization": f"Bearer {caller.token}", "if-match": "*"} | (
        {"x-user-id": user} if user else {}
    )
    response = caller.client.patch(
        f"/api/v1/memories/{memory}", {"content": content}, content_type="application/json", headers=headers
    )
    assert response.status_code == 200, response.content


def said_anywhere(caller, word):
    """Return the columns of the organisation that contain a word."""
    found = []
    with tenant_transaction(caller.organisation), connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' "
            "AND data_type IN ('text', 'character varying', 'jsonb', 'ARRAY')"
        )
        for table, column in cursor.fetchall():
            cursor.execute(f'SELECT count(*) FROM "{table}" WHERE "{column}"::text ILIKE %s', [f"%{word}%"])
            if cursor.fetchone()[0]:
                found.append(f"{table}.{column}")
    return sorted(found)


def assert_verified(caller):
    drain(organisation=caller.organisation)
    _, verdict = verify_within(caller.organisation, most=1_000)
    assert verdict.holds, verdict


@pytest.fixture(autouse=True)
def functions():
    with registered_functions() as made:
        yield made


@pytest.fixture
def ann(acme):
    """Memories, a decision and a run of Ann and of others: ids by name."""
    ids = {
        "by": acme.post("/api/v1/memories", {"content": "Ann likes quokkas"}, **{"x-user-id": "ann"}).json()[
            "id"
        ],
        "field": acme.store("The quokka invoice is paid", user_id="ann"),
        "about": acme.store("Prefers quokka tea", metadata={"user_id": "ann"}),
        "number": acme.store("Number five", metadata={"user_id": 5}),
        "others": acme.store("Bob prefers coffee", user_id="bob"),
    }
    revise(acme, ids["about"], "Prefers quokka tea with milk")
    revise(acme, ids["others"], "Bob prefers cold coffee", user="ann")
    decision = {"operation": "budget.move", "reasoning": "Because of the quokka"}
    ids["decision"] = acme.post("/api/v1/decisions", decision, **{"x-user-id": "ann"}).json()["id"]
    make_template(acme.organisation, step("one"))
    run = {"template": "flow", "metadata": {"why": "quokka"}}
    ids["run"] = acme.post("/api/v1/workflows/runs", run, **{"x-user-id": "ann"}).json()["id"]
    return ids


def test_an_export_has_everything_by_or_about_a_user(acme, rival, ann):
    rival.store("Theirs", user_id="ann")
    lines = export(acme, "user", "ann")
    assert [lines[0]["type"], lines[0]["subject"], lines[-1]["type"]] == [
        "header",
        {"kind": "user", "id": "ann"},
        "end",
    ]
    memories = {each["id"]: each for each in of_type(lines, "memory")}
    assert set(memories) == {ann["by"], ann["field"], ann["about"]}
    assert [each["content"] for each in memories[ann["about"]]["history"]] == ["Prefers quokka tea"]
    decisions = {each["id"] for each in of_type(lines, "decision")}
    assert ann["decision"] in decisions
    with tenant_transaction(acme.organisation):
        stored = {
            str(each) for each in Memory.objects.filter(id__in=memories).values_list("stored_by", flat=True)
        }
    assert stored <= decisions
    assert [each["memory_id"] for each in of_type(lines, "change")] == [ann["others"]]
    [run] = of_type(lines, "run")
    assert (run["id"], run["metadata"]) == (ann["run"], {"why": "quokka"})
    counts = {name: len(of_type(lines, name)) for name in ("memory", "change", "decision", "run")}
    assert (lines[-1]["counts"], lines[-1]["withheld_memories"]) == (counts, 0)
    assert "Bob prefers coffee" not in json.dumps(lines)
    assert [each["id"] for each in of_type(export(acme, "user", "5"), "memory")] == [ann["number"]]
    assert export(acme, "user", "nobody")[-1]["counts"] == {}


def test_an_erasure_leaves_one_receipt_one_entry_and_a_tree_that_verifies(acme, ann):
    drain(organisation=acme.organisation)
    with tenant_transaction(acme.organisation):
        before = DecisionRecord.objects.count()
    response = erase(acme, "user", "ann", reason="Asked for on paper")
    body = response.json()
    assert (response.status_code, body["memories"], body["removed"]["workflow_runs"]) == (200, 3, 1)
    assert (body["kept"]["changes to other memories by the person"], body["removed"]["jobs"]) == (1, 0)
    with tenant_transaction(acme.organisation):
        assert DecisionRecord.objects.count() == before + 1
        record = DecisionRecord.objects.get(id=body["decision_id"])
        receipts = list(Erasure.objects.filter(part_of=None))
        assert not DecisionPayload.objects.filter(decision_id=ann["decision"]).exists()
        payload = DecisionPayload.objects.get(decision=record).body
        run = Run.objects.get(id=ann["run"])
        assert set(Memory.objects.filter(head=None).values_list("content", flat=True)) == {
            "Number five", "Bob prefers cold coffee",
        }  # fmt: skip
        assert MemoryVersion.objects.filter(memory_id=ann["others"]).count() == 1
    assert [str(each.id) for each in receipts] == [body["erasure_id"]]
    assert (record.operation, record.effect) == ("memory.delete", "delete")
    assert '"ann"' not in payload
    assert (run.metadata, run.on_behalf_of) == ({}, "")
    assert_verified(acme)
    assert said_anywhere(acme, "quokka") == []
    receipt = acme.get(f"/api/v1/erasures/{body['erasure_id']}").json()
    assert receipt["removed"] == body["removed"]
    lines = export(acme, "user", "ann")
    assert of_type(lines, "memory") == of_type(lines, "run") == []
    again = erase(acme, "user", "ann")
    assert (again.status_code, again.json()["code"]) == (404, "memory.subject_not_found")
    assert acme.get(f"/api/v1/memories/{ann['others']}").status_code == 200


def test_a_user_without_memories_is_erased_too(acme):
    made = acme.post(
        "/api/v1/decisions", {"operation": "budget.move", "reasoning": "quokka"}, **{"x-user-id": "ann"}
    ).json()["id"]
    line = json.dumps({"content": "a quokka line"})
    job = acme.send("/api/v1/memories/bulk?mode=async", line, "application/x-ndjson", **{"x-user-id": "ann"})
    assert job.status_code == 202
    body = erase(acme, "user", "ann").json()
    assert (body["memories"], body["removed"]["jobs"], body["removed"]["decision_payloads"]) == (0, 1, 1)
    with tenant_transaction(acme.organisation):
        assert not DecisionPayload.objects.filter(decision_id=made).exists()
        assert not BulkJob.objects.exists()
    assert said_anywhere(acme, "quokka") == []
    assert acme.get(f"/api/v1/erasures/{body['erasure_id']}").json()["memory_id"] == body["erasure_id"]
    assert_verified(acme)


def test_an_entity_is_what_memories_mention(acme):
    one = acme.store("We heard that Anna Schmidt called about the boots")
    two = acme.store("Campaign report", metadata={"campaign": "anna  SCHMIDT"})
    other = acme.store("We heard that Anna Meyer called")
    assert {each["id"] for each in of_type(export(acme, "entity", "Anna Schmidt"), "memory")} == {one, two}
    assert erase(acme, "entity", "anna schmidt").json()["memories"] == 2
    assert acme.get(f"/api/v1/memories/{other}").status_code == 200
    assert acme.get(f"/api/v1/memories/{one}").status_code == 404


def test_a_principal_is_its_keys_or_an_actor(acme):
    worker, key = with_key(acme, "memory:write", "memory:read")
    mine, theirs = acme.store("Mine"), worker.store("Theirs")
    assert [each["id"] for each in of_type(export(acme, "principal", str(key.id)), "memory")] == [theirs]
    assert erase(acme, "principal", str(key.id)).json()["memories"] == 1
    assert acme.get(f"/api/v1/memories/{mine}").status_code == 200


def test_what_only_a_principal_sees_is_erased_but_not_exported_to_others(acme):
    ann = principal_of(acme, "ann")
    hers = key_of(acme, ann)
    hers.store("Her secret quokka", visible_to={"principal": "ann"})
    hers.store("Her public note")
    lines = export(acme, "principal", "ann")
    assert ([each["content"] for each in of_type(lines, "memory")], lines[-1]["withheld_memories"]) == (
        ["Her public note"],
        1,
    )
    assert len(of_type(export(hers, "principal", str(ann.id)), "memory")) == 2
    body = erase(acme, "principal", "ann").json()
    assert body["memories"] == 2
    assert acme.get(f"/api/v1/erasures/{body['erasure_id']}").status_code == 200
    with whole_tenant(acme.organisation):
        assert not Memory.objects.exists()
    assert_verified(acme)


def test_another_organisations_user_stays(acme, rival):
    acme.store("ours", user_id="ann")
    theirs = rival.store("theirs", user_id="ann")
    assert erase(acme, "user", "ann").json()["memories"] == 1
    assert rival.get(f"/api/v1/memories/{theirs}").status_code == 200
    assert erase(acme, "user", "ann").status_code == 404


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("usr/ann", "kind"),
        ("user/%20", "subject"),
        (f"user/{'a' * 301}", "subject"),
        ("user/a%00b", "subject"),
    ],
)
def test_bad_paths_are_422_and_named(acme, path, field):
    for response in (
        acme.get(f"/api/v1/subjects/{path}/export"),
        acme.post(f"/api/v1/subjects/{path}/erase", {}),
    ):
        assert response.status_code == 422, response.content
        assert response.json()["errors"][0]["loc"] == ["path", field]
    assert acme.post("/api/v1/subjects/user/ann/erase", {"reasn": "x"}).status_code == 422


def test_an_id_may_contain_slashes(acme):
    memory = acme.store("x", user_id="team/ann@example.org")
    assert [each["id"] for each in of_type(export(acme, "user", "team/ann@example.org"), "memory")] == [
        memory
    ]


def test_only_administrators_may(acme):
    weak, _ = with_key(acme, "memory:write", "memory:read", "decisions:read")
    assert weak.get("/api/v1/subjects/user/ann/export").status_code == 403
    assert erase(weak, "user", "ann").status_code == 403
    # an export shows memories and decisions
    admin, _ = with_key(acme, "admin", "memory:read")
    assert admin.get("/api/v1/subjects/user/ann/export").status_code == 403


def test_acts_as_a_member_of_staff_are_the_principals(acme):
    ann = principal_of(acme, "ann")
    user = User.objects.create_user("ann.staff", is_staff=True)
    Membership.objects.create(user=user, organisation_id=acme.organisation, role="curator", principal=ann)
    by = Actor(ActorKind.STAFF, "ann.staff")
    theirs = remember(organisation=acme.organisation, by=by, draft=MemoryDraft("Stored in the admin"))
    # a gateway's user may have the same name
    other = remember(
        organisation=acme.organisation,
        by=Actor(ActorKind.GATEWAY, "ann.staff"),
        draft=MemoryDraft("Not hers"),
    )
    lines = export(acme, "principal", "ann")
    assert [each["id"] for each in of_type(lines, "memory")] == [str(theirs.id)]
    assert "memory.store" in {each["operation"] for each in of_type(lines, "decision")}
    assert erase(acme, "principal", "ann").json()["memories"] == 1
    assert acme.get(f"/api/v1/memories/{other.id}").status_code == 200


def test_triggers_schedules_and_webhooks_that_quote_a_subject_are_stripped_and_paused(acme, settings):
    settings.LIFTOS_HTTP_PRIVATE_HOSTS = ["127.0.0.1:9"]
    said = "Quetzalcoatlus lives in Ulm at 47 Mill Lane"
    acme.store(said, metadata={"user_id": "ann"})
    with registered_functions():
        make_template(acme.organisation, step("a"), name="flow")
        declared = {name: {"type": "string"} for name in ("note", "other")}
        make_template(
            acme.organisation, step("a"), name="noted", parameters={"type": "object", "properties": declared}
        )
    trigger = {
        "name": "t", "event": "liftos.memory.stored", "template": "flow",
        "parameters": {"note": f"Known: {said}", "other": "kept"}, "conditions": {"memory_type": "complaint"},
    }  # fmt: skip
    made = acme.post("/api/v1/triggers", trigger)
    assert made.status_code == 201, made.content
    times = {"cron": "0 6 * * *", "template": "noted", "parameters": trigger["parameters"]}
    schedule = acme.post("/api/v1/schedules", {"name": said, **times})
    assert schedule.status_code == 201, schedule.content
    hooks = [
        acme.post(
            "/api/v1/webhooks",
            {"url": "http://127.0.0.1:9/", "events": ["liftos.memory.*"], "description": text},
        )
        for text in (said, "plain")
    ]
    removed = erase(acme, "user", "ann").json()["removed"]
    assert (removed["triggers"], removed["schedules"], removed["webhooks"]) == (1, 1, 1)
    stripped = acme.get(f"/api/v1/schedules/{schedule.json()['id']}").json()
    assert (stripped["parameters"], stripped["next"], stripped["name"][:7]) == (
        {"other": "kept"},
        [],
        "erased ",
    )
    left = acme.get(f"/api/v1/triggers/{made.json()['id']}").json()
    assert (left["parameters"], left["conditions"]["memory_type"]) == ({"other": "kept"}, "complaint")
    assert left["paused_at"] is not None
    quoting, plain = (acme.get(f"/api/v1/webhooks/{each.json()['id']}").json() for each in hooks)
    assert (quoting["description"], quoting["paused_at"] is None) == ("", False)
    assert (plain["description"], plain["paused_at"] is None) == ("plain", True)
    assert said_anywhere(acme, "quetzalcoatlus") == []
