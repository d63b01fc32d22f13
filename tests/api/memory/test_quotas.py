"""Quotas of memories, bytes and searches, on every way in, and what answers say of them."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from liftos.kernel.tenancy.operations import create_api_key
from liftos.kernel.tenancy.types import SYSTEM
from memory.bulk.jobs import work_on_next_chunk
from memory.quotas.operations import list_quotas
from tests.factories.callers import Caller

QUOTAS = "/api/v1/quotas"
NO_LIMITS = {"memories": None, "bytes": None, "searches_per_day": None}


def put(caller, **body):
    sent = {"authorization": f"Bearer {caller.token}"}
    return caller.client.put(QUOTAS, json.dumps(body), content_type="application/json", headers=sent)


def limit(caller, **body):
    answer = put(caller, **body)
    assert answer.status_code == 200, answer.content
    return answer.json()


def other_key(caller):
    key, token = create_api_key(organisation=caller.organisation, by=SYSTEM, name="other")
    return Caller(caller.organisation, caller.slug, token, caller.client), f"api_key:{key.id}"


def usage(caller):
    return caller.get(QUOTAS).json()["results"][0]["usage"]


def store(caller, content="x", **fields):
    return caller.post("/api/v1/memories", {"content": content} | fields)


def bulk(caller, *contents, mode="sync"):
    body = "\n".join(json.dumps({"content": each}) for each in contents)
    return caller.send(f"/api/v1/memories/bulk?mode={mode}", body, "application/x-ndjson")


def test_without_quotas_nothing_is_limited_or_told(acme):
    assert acme.get(QUOTAS).json() == {
        "results": [{"whose": "organisation"} | NO_LIMITS | {"usage": {"memories": 0, "bytes": 0}}],
        "next": None,
    }
    answer = store(acme)
    assert answer.status_code == 201
    assert "RateLimit" not in answer


def test_usage_follows_stores_changes_and_erasures(acme):
    memory = acme.store("twelve bytes", metadata={"a": 1})
    assert usage(acme) == {"memories": 1, "bytes": 12 + len('{"a": 1}')}
    sent = {"authorization": f"Bearer {acme.token}", "if-match": '"1"'}
    changed = acme.client.patch(
        f"/api/v1/memories/{memory}", '{"content": "ü"}', content_type="application/json", headers=sent
    )
    assert changed.status_code == 200
    assert usage(acme) == {"memories": 1, "bytes": 2 + len('{"a": 1}')}
    bulk(acme, "one", "two")
    assert usage(acme)["memories"] == 3
    assert acme.delete(f"/api/v1/memories/{memory}").status_code == 200
    assert usage(acme) == {"memories": 2, "bytes": 6 + 2 * len("{}")}


def test_exhausted_memories_are_429_naming_the_quota(acme):
    limit(acme, memories=2)
    first, second, third = (store(acme, str(number)) for number in range(3))
    assert (first.status_code, second.status_code, third.status_code) == (201, 201, 429)
    assert first["RateLimit-Policy"] == '"memories-organisation";q=2'
    assert [each["RateLimit"] for each in (first, second, third)] == [
        f'"memories-organisation";r={left}' for left in (1, 0, 0)
    ]
    problem = third.json()
    assert problem["code"] == "memory.quota_exceeded"
    assert problem["quota"] == {"name": "memories", "whose": "organisation", "limit": 2, "used": 2}
    assert int(third["Retry-After"]) > 0
    assert len(acme.get("/api/v1/memories").json()["results"]) == 2


def test_erasing_makes_room(acme):
    limit(acme, memories=1)
    memory = acme.store("one")
    assert store(acme, "two").status_code == 429
    acme.delete(f"/api/v1/memories/{memory}")
    assert store(acme, "two").status_code == 201


def test_what_is_stored_already_needs_no_room(acme):
    limit(acme, memories=1)
    body = {"source": "s", "external_id": "e"}
    assert store(acme, "one", **body).status_code == 201
    assert store(acme, "one", **body).status_code == 200


def test_bytes_are_limited_in_stores_and_changes(acme):
    limit(acme, bytes=100)
    memory = acme.store("a" * 60)
    refused = store(acme, "b" * 60)
    assert refused.status_code == 429
    assert refused.json()["quota"]["name"] == "bytes"
    assert 'qu="content-bytes"' in refused["RateLimit-Policy"]
    for content, status in (("c" * 200, 429), ("c" * 90, 200), ("c", 200)):
        version = acme.get(f"/api/v1/memories/{memory}")["ETag"]
        sent = {"authorization": f"Bearer {acme.token}", "if-match": version}
        answer = acme.client.patch(
            f"/api/v1/memories/{memory}",
            json.dumps({"content": content}),
            content_type="application/json",
            headers=sent,
        )
        assert answer.status_code == status, answer.content


def test_lines_beyond_a_quota_are_refused_one_by_one(acme):
    limit(acme, memories=2)
    answer = bulk(acme, "a", "b", "c", "d")
    assert answer.status_code == 207
    assert [each["status"] for each in answer.json()["results"]] == [201, 201, 429, 429]
    assert answer.json()["results"][2]["error"]["code"] == "memory.quota_exceeded"
    assert "id" not in answer.json()["results"][2]


def test_queued_lines_documents_turns_and_old_routes_are_limited(acme):
    limit(acme, memories=0)
    job = bulk(acme, "a", mode="async").json()["url"]
    work_on_next_chunk(organisation=acme.organisation)
    assert acme.get(job).json()["results"][0]["status"] == 429
    assert acme.upload(b"words", "a.txt").status_code == 429
    assert acme.post("/api/v1/conversations/call/turns", {"role": "user", "content": "x"}).status_code == 429
    assert acme.post("/store", {"content": "x"}).status_code == 429
    assert usage(acme)["memories"] == 0


def test_a_callers_quota_is_its_own(acme):
    other, whose = other_key(acme)
    limit(acme, whose=whose, memories=1)
    assert (store(other, "a").status_code, store(other, "b").status_code) == (201, 429)
    assert store(acme, "c").status_code == 201
    assert [each["whose"] for each in acme.get(QUOTAS).json()["results"]] == ["organisation", whose]


def test_searches_are_counted_by_the_day_batches_by_their_queries(acme):
    limit(acme, searches_per_day=3)
    answer = acme.post("/api/v1/search", {"query": "x"})
    assert answer.status_code == 200
    assert answer["RateLimit-Policy"] == '"searches-organisation";q=3;w=86400'
    assert answer["RateLimit"].startswith('"searches-organisation";r=2;t=')
    assert acme.post("/api/v1/search/batch", {"queries": ["a", "b", "c"]}).status_code == 429
    assert acme.post("/api/v1/search/batch", {"queries": ["a", "b"]}).status_code == 200
    refused = acme.post("/search", {"query": "x"})
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 0
    problem = acme.post("/api/v1/search", {"query": "x"}).json()
    assert problem["quota"]["name"] == "searches_per_day"
    assert store(acme).status_code == 201


def test_another_organisation_is_not_limited(acme, rival):
    limit(acme, memories=0, searches_per_day=0)
    assert store(acme).status_code == 429
    assert acme.post("/api/v1/search", {"query": "x"}).status_code == 429
    assert store(rival).status_code == 201
    assert rival.post("/api/v1/search", {"query": "x"}).status_code == 200


def test_a_quota_is_set_on_record_and_removed_by_no_limits(acme):
    first = limit(acme, memories=5)
    decision = acme.get(f"/api/v1/decisions/{first['decision_id']}").json()
    assert (decision["operation"], decision["effect"]) == ("memory.set_quota", "write")
    assert decision["outputs"] == {"whose": "organisation"} | NO_LIMITS | {"memories": 5}
    assert limit(acme, memories=5)["decision_id"] is None
    assert limit(acme)["decision_id"] is not None
    assert store(acme).status_code == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"memories": -1}, "memories"),
        ({"bytes": "many"}, "bytes"),
        ({"searches_per_day": 1.5}, "searches_per_day"),
        ({"whose": "nobody"}, "whose"),
        ({"whose": "principal:nobody"}, "whose"),
        ({"whose": "api_key:"}, "whose"),
        ({"memory": 5}, "memory"),
    ],
)
def test_invalid_quota_is_422_naming_the_field(acme, body, field):
    answer = put(acme, **body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["body", field]
    assert list_quotas(organisation=acme.organisation)[0].quota.is_empty


def test_the_command_shows_and_sets(acme):
    out = StringIO()
    call_command("quotas", acme.slug, "--memories", "7", "--searches-per-day", "9", stdout=out)
    assert "organisation: memories=7 bytes=none searches_per_day=9" in out.getvalue()
    call_command("quotas", acme.slug, "--memories", "none", stdout=StringIO())
    assert acme.get(QUOTAS).json()["results"][0]["memories"] is None
    assert acme.get(QUOTAS).json()["results"][0]["searches_per_day"] == 9
    with pytest.raises(CommandError, match="principal"):
        call_command("quotas", acme.slug, "--whose", "x", "--memories", "1")
