"""The policy for secrets on every way in: allow, flag, redact, refuse."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.embedding import EmbeddingManager
from liftos.kernel.tenancy.types import SYSTEM
from memory.bulk.jobs import work_on_next_chunk
from memory.documents.jobs import work_on_next_job
from memory.models import BulkChunk
from memory.policies import SECRETS_POLICY
from memory.policy_types import Secrets
from memory.transfer.importing import import_lines
from tests.factories.flows import step

POLICY = "/api/v1/memories/secrets-policy"
SECRET = "AKIA" + "IOSFODNN7QXAMPLE"
KIND = "aws_access_key"
TEXT = f"the deployment key is {SECRET}"
MARK = f"[redacted: {KIND}]"
FOUND = [{"field": "content", "kind": KIND, "count": 1}]


def choose(caller, policy):
    SECRETS_POLICY.set(organisation=caller.organisation, by=SYSTEM, policy=Secrets(policy))


def database(caller):
    """Everything that any table holds for the organisation, as one text."""
    parts = []
    with tenant_transaction(caller.organisation), connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'django%%'"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT string_agg(t::text, chr(10)) FROM "{table}" AS t')
            parts.append(cursor.fetchone()[0] or "")
    return "\n".join(parts)


@pytest.fixture
def embedded(monkeypatch):
    """The texts that the embedder is given."""
    texts = []

    def watching(called):
        def watch(self, given, *args, **kwargs):
            texts.extend([given] if isinstance(given, str) else given)
            return called(self, given, *args, **kwargs)

        return watch

    for name in ("embed", "embed_many"):
        monkeypatch.setattr(EmbeddingManager, name, watching(getattr(EmbeddingManager, name)))
    return texts


def store(caller):
    return caller.post("/api/v1/memories", {"content": TEXT})


def store_in_metadata(caller):
    return caller.post("/api/v1/memories", {"content": "plain", "metadata": {"note": {"keys": [SECRET]}}})


def old_route(caller):
    return caller.post("/store", {"content": TEXT})


def bulk(caller):
    return caller.send("/api/v1/memories/bulk", json.dumps({"content": TEXT}), "application/x-ndjson")


def bulk_later(caller):
    accepted = caller.send(
        "/api/v1/memories/bulk?mode=async", json.dumps({"content": TEXT}), "application/x-ndjson"
    )
    assert (SECRET in database(caller)) == (policy_of(caller) in ("allow", "flag"))
    assert work_on_next_chunk(organisation=caller.organisation)
    return caller.get(accepted.json()["url"])


def document(caller):
    return caller.upload(TEXT.encode(), f"{SECRET}.txt", query="?keep_original=true")


def document_later(caller):
    accepted = caller.upload(TEXT.encode(), "a.txt", query="?mode=async")
    work_on_next_job(organisation=caller.organisation)
    return caller.get(accepted.json()["url"])


def turn(caller):
    return caller.post("/api/v1/conversations/call/turns", {"role": "user", "content": TEXT})


def workflow(caller):
    steps = [step("a", "memory.store", arguments={"content": "{text}"})]
    body = {
        "name": "w",
        "steps": steps,
        "parameters": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    }
    answer = caller.post("/api/v1/workflows/templates", body)
    assert answer.status_code == 201, answer.content
    made = answer.json()["id"]
    assert caller.post(f"/api/v1/workflows/templates/{made}/publish", {}).status_code == 200
    return caller.post(
        "/api/v1/workflows/runs", {"template": "w", "parameters": {"text": TEXT}, "wait": True}
    )


def patch(caller):
    memory = caller.store("plain")
    sent = {"authorization": f"Bearer {caller.token}", "if-match": '"1"'}
    return caller.client.patch(
        f"/api/v1/memories/{memory}",
        json.dumps({"content": TEXT}),
        content_type="application/json",
        headers=sent,
    )


def supersede(caller):
    return caller.post(f"/api/v1/memories/{caller.store('plain')}/supersede", {"content": TEXT})


def imported(caller):
    given = None
    for _ in import_lines(
        organisation=caller.organisation,
        name="f",
        lines=[json.dumps({"content": TEXT}).encode()],
        given=given,
    ):
        pass


WAYS = [
    store,
    store_in_metadata,
    old_route,
    bulk,
    bulk_later,
    document,
    document_later,
    turn,
    patch,
    supersede,
    imported,
]


def policy_of(caller):
    return caller.get(POLICY).json()["policy"]


def texts(caller):
    rows = caller.get("/api/v1/memories?states=candidate,active,contested&limit=100").json()["results"]
    return json.dumps(rows)


@pytest.mark.parametrize("way", WAYS)
def test_redacted_everywhere_before_anything_is_written_or_embedded(acme, embedded, way):
    choose(acme, "redact")
    way(acme)
    assert MARK in texts(acme)
    assert SECRET not in database(acme)
    assert not [text for text in embedded if SECRET in text]


@pytest.mark.parametrize("way", WAYS)
def test_refused_everywhere_and_kept_nowhere(acme, embedded, way):
    choose(acme, "refuse")
    before = texts(acme).count('"id"')
    way(acme)
    assert KIND not in texts(acme)
    assert texts(acme).count('"id"') - before == (way in (patch, supersede))
    assert SECRET not in database(acme)
    assert not [text for text in embedded if SECRET in text]
    assert KIND in json.dumps(acme.get("/api/v1/decisions?limit=10").json())


@pytest.mark.parametrize("way", WAYS)
def test_flagged_everywhere_as_a_candidate(acme, way):
    choose(acme, "flag")
    way(acme)
    [found] = [row for row in json.loads(texts(acme)) if SECRET in json.dumps(row)]
    assert found["state"] == "candidate"
    decisions = json.dumps(acme.get("/api/v1/decisions?limit=20").json())
    assert KIND in decisions
    assert SECRET not in decisions


@pytest.mark.parametrize("way", WAYS)
def test_allowed_by_default(acme, way):
    assert acme.get(POLICY).json() == {"policy": "allow", "decision_id": None}
    way(acme)
    [found] = [row for row in json.loads(texts(acme)) if SECRET in json.dumps(row)]
    assert found["state"] == "active"


@pytest.mark.parametrize("headers", [{}, {"idempotency-key": "k"}])
def test_refusal_is_422_naming_field_and_kind_and_is_on_record(acme, headers):
    choose(acme, "refuse")
    body = {"content": "plain", "metadata": {"note": {"key": SECRET}}}
    answers = [acme.post("/api/v1/memories", body, **headers) for _ in range(2)]
    for answer in answers:
        assert answer.status_code == 422
        assert answer.json()["code"] == "memory.secret_refused"
        assert answer.json()["errors"][0]["loc"] == ["body", "metadata", "note", "key"]
        assert answer.json()["secrets"] == [{"field": "metadata.note.key", "kind": KIND, "count": 1}]
        assert SECRET not in answer.content.decode()
    decisions = acme.get("/api/v1/decisions?operation=memory.refuse_secrets").json()["results"]
    assert len(decisions) == 2
    assert decisions[0]["outputs"] == {"secrets": answers[0].json()["secrets"]}
    assert "metadata.note.key (aws_access_key)" in decisions[0]["reasoning"]


def test_redaction_is_told_by_answer_and_decision(acme):
    choose(acme, "redact")
    answer = store(acme)
    assert answer.status_code == 201
    assert answer.json()["secrets"] == {"policy": "redact", "found": FOUND}
    assert answer.json()["state"] == "active"
    shown = acme.get(f"/api/v1/memories/{answer.json()['id']}").json()
    assert shown["content"] == f"the deployment key is {MARK}"
    decision = acme.get(f"/api/v1/decisions/{answer.json()['decision_id']}").json()
    assert decision["outputs"]["secrets"] == {"redact": {KIND: 1}}
    assert decision["memories"] == [{"id": answer.json()["id"], "secrets": FOUND}]
    assert "replaced by marks" in decision["reasoning"]


def test_a_plain_memory_is_answered_as_before(acme):
    choose(acme, "redact")
    answer = acme.post("/api/v1/memories", {"content": "plain"}).json()
    assert set(answer) == {"id", "memory_id", "outcome", "embedding", "state", "decision_id"}


def test_stored_twice_under_an_external_id_is_unchanged(acme):
    choose(acme, "redact")
    body = {"content": TEXT, "source": "s", "external_id": "e"}
    first, again = (acme.post("/api/v1/memories", body) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["secrets"]["found"] == FOUND


def test_a_line_with_a_secret_does_not_affect_the_others(acme):
    choose(acme, "refuse")
    lines = [
        {"content": "one"},
        {"content": TEXT, "external_id": "x"},
        {"content": 5, "tags": [SECRET]},
        {"content": "two"},
    ]
    body = "\n".join(map(json.dumps, lines))
    answer = acme.send("/api/v1/memories/bulk", body, "application/x-ndjson", **{"idempotency-key": "k"})
    assert answer.status_code == 207
    assert [each["status"] for each in answer.json()["results"]] == [201, 422, 422, 201]
    refused = answer.json()["results"][1]
    assert refused["error"]["code"] == "memory.secret_refused"
    assert refused["secrets"] == {"policy": "refuse", "found": FOUND}
    assert "id" not in refused
    assert SECRET not in answer.content.decode()
    assert SECRET not in database(acme)


def test_queued_lines_keep_what_was_found(acme):
    choose(acme, "redact")
    lines = [{"content": "one"}, {"content": TEXT}, {"content": f"k {SECRET}", "external_id": SECRET}]
    body = "\n".join(map(json.dumps, lines)) + f"\nnot JSON {SECRET}"
    accepted = acme.send("/api/v1/memories/bulk?mode=async", body, "application/x-ndjson")
    with tenant_transaction(acme.organisation):
        assert SECRET not in BulkChunk.objects.get().text
    work_on_next_chunk(organisation=acme.organisation)
    results = acme.get(accepted.json()["url"]).json()["results"]
    assert [each["status"] for each in results] == [201, 201, 422, 422]
    assert results[1]["secrets"] == {"policy": "redact", "found": FOUND}
    assert results[2]["secrets"]["policy"] == "refuse"
    assert SECRET not in database(acme)


def test_the_original_of_a_document_with_secrets_is_not_kept(acme):
    choose(acme, "redact")
    answer = document(acme).json()
    assert (answer["original"], answer["secrets"]["policy"]) == (False, "redact")
    assert SECRET not in json.dumps(acme.get(f"/api/v1/documents/{answer['id']}").json())
    choose(acme, "flag")
    assert (
        acme.upload(f"other {SECRET}".encode(), "b.txt", query="?keep_original=true").json()["original"]
        is True
    )


def test_earlier_secrets_do_not_hinder_other_changes(acme):
    memory = acme.store(TEXT)
    choose(acme, "refuse")
    sent = {"authorization": f"Bearer {acme.token}", "if-match": '"1"'}
    answer = acme.client.patch(
        f"/api/v1/memories/{memory}", '{"importance": 0.9}', content_type="application/json", headers=sent
    )
    assert answer.status_code == 200


def test_flagged_change_makes_a_candidate_even_if_active_is_asked_for(acme):
    choose(acme, "flag")
    memory = acme.store("plain")
    sent = {"authorization": f"Bearer {acme.token}", "if-match": '"1"'}
    body = json.dumps({"content": TEXT, "state": "active"})
    answer = acme.client.patch(
        f"/api/v1/memories/{memory}", body, content_type="application/json", headers=sent
    )
    assert (answer.json()["state"], answer.json()["secrets"]["found"]) == ("candidate", FOUND)


def test_parameters_of_a_run_that_stores_a_secret(acme):
    choose(acme, "refuse")
    refused = workflow(acme)
    assert (refused.status_code, refused.json()["code"]) == (422, "memory.secret_refused")
    assert refused.json()["errors"][0]["loc"] == ["body", "parameters", "text"]
    choose(acme, "redact")
    assert (
        acme.post(
            "/api/v1/workflows/runs", {"template": "w", "parameters": {"text": TEXT}, "wait": True}
        ).json()["status"]
        == "completed"
    )
    assert MARK in texts(acme)
    assert SECRET not in texts(acme)


@pytest.mark.parametrize("policy", [None, "", "hide", 5])
def test_invalid_policy_is_422(acme, policy):
    sent = {"authorization": f"Bearer {acme.token}"}
    answer = acme.client.put(
        POLICY, json.dumps({"policy": policy}), content_type="application/json", headers=sent
    )
    assert answer.status_code == 422
    assert policy_of(acme) == "allow"


def test_the_policy_is_set_by_api_and_command_on_record(acme, rival):
    sent = {"authorization": f"Bearer {acme.token}"}
    answer = acme.client.put(POLICY, '{"policy": "redact"}', content_type="application/json", headers=sent)
    assert answer.json()["policy"] == "redact"
    decision = acme.get(f"/api/v1/decisions/{answer.json()['decision_id']}").json()
    assert (decision["operation"], decision["outputs"]) == ("memory.secrets_policy", {"policy": "redact"})
    assert policy_of(rival) == "allow"
    out = StringIO()
    call_command("secrets_policy", acme.slug, "refuse", stdout=out)
    assert policy_of(acme) == "refuse"
