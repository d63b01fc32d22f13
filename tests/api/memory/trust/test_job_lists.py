"""Bulk and document jobs: listed with their states, cancelled on record."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from liftos.kernel.tenancy.operations import create_api_key
from liftos.kernel.tenancy.types import SYSTEM, Scope
from memory.bulk import jobs
from memory.bulk.jobs import list_organisations_with_bulk_work, work_on_next_chunk
from memory.documents import jobs as document_jobs
from tests.api.routes import NOBODYS_ID
from tests.factories.callers import Caller

BULK = "/api/v1/memories/bulk"
DOCUMENTS = "/api/v1/documents/jobs"


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(jobs, "BATCH", 2)


def send(caller, count=5, word="case"):
    lines = "\n".join(json.dumps({"content": f"{word} {number}"}) for number in range(count))
    accepted = caller.send(f"{BULK}?mode=async", lines, "application/x-ndjson")
    assert accepted.status_code == 202, accepted.content
    return accepted.json()["id"]


def upload(caller, text=b"words"):
    accepted = caller.upload(text, "a.txt", query="?mode=async")
    assert accepted.status_code == 202, accepted.content
    return accepted.json()["id"]


def work(caller):
    while work_on_next_chunk(organisation=caller.organisation):
        pass


def with_key(caller, *scopes):
    _, token = create_api_key(
        organisation=caller.organisation, by=SYSTEM, name=str(scopes), scopes=list(scopes)
    )
    return Caller(caller.organisation, caller.slug, token, caller.client)


def listed(caller, path, query=""):
    answer = caller.get(f"{path}{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def test_bulk_jobs_are_listed_newest_first_with_their_states(acme, rival):
    done = send(acme)
    work(acme)
    running, queued, cancelled = send(acme), send(acme), send(acme)
    assert work_on_next_chunk(organisation=acme.organisation)
    assert acme.post(f"{BULK}/{cancelled}/cancel", {}).status_code == 200
    theirs = send(rival)
    found = listed(acme, BULK)
    assert [(each["id"], each["status"], each["lines"], each["done"], each["cancelled"]) for each in found] == [
        (cancelled, "cancelled", 5, 0, 5),
        (queued, "queued", 5, 0, 0),
        (running, "running", 5, 2, 0),
        (done, "done", 5, 5, 0),
    ]  # fmt: skip
    assert {each["actor_kind"] for each in found} == {"api_key"}
    for status, ids in {
        "done": [done], "running": [running], "queued": [queued], "cancelled": [cancelled],
    }.items():  # fmt: skip
        assert [each["id"] for each in listed(acme, BULK, f"?status={status}")] == ids
    assert [each["id"] for each in listed(rival, BULK)] == [theirs]


@pytest.mark.parametrize(("path", "make"), [(BULK, send), (DOCUMENTS, upload)])
def test_pages_cover_the_jobs_once(acme, path, make):
    made = [make(acme) for _ in range(5)]
    seen, following = [], f"{path}?limit=2&status=queued"
    while following:
        page = acme.get(following).json()
        assert len(page["results"]) <= 2
        seen += [each["id"] for each in page["results"]]
        following = page["next"]
    assert seen == made[::-1]


def test_a_list_takes_the_same_queries_for_any_number_of_jobs(acme):
    counts = []
    listed(acme, BULK)  # reads the key
    for _ in range(2):
        send(acme)
        with CaptureQueriesContext(connection) as queries:
            listed(acme, BULK)
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("path", [BULK, DOCUMENTS])
@pytest.mark.parametrize("query", ["status=lost", "cursor=x", "limit=0", "stat=done"])
def test_invalid_query_is_422(acme, path, query):
    answer = acme.get(f"{path}?{query}")
    assert answer.status_code == 422
    assert query.partition("=")[0] in json.dumps(answer.json()["errors"])


def test_cancelled_lines_are_never_stored_and_stored_ones_stay(acme):
    job = send(acme)
    assert work_on_next_chunk(organisation=acme.organisation)
    answer = acme.post(f"{BULK}/{job}/cancel", {"reason": "wrong file"})
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["done"], answer.json()["cancelled"]) == ("cancelled", 2, 3)
    assert answer.json()["cancelled_at"]
    assert list_organisations_with_bulk_work() == []
    work(acme)
    assert len(acme.search("case", limit=100)) == 2
    shown = acme.get(f"{BULK}/{job}").json()
    assert (shown["status"], shown["stored"], shown["cancelled"], shown["failed"]) == ("cancelled", 2, 3, 0)
    assert [each["line"] for each in shown["results"]] == [1, 2]
    [decision] = acme.get(f"/api/v1/decisions?subject_id={job}").json()["results"]
    assert decision["operation"] == "memory.cancel_bulk_job"
    assert decision["outputs"] == {"cancelled": 3, "done": 2}
    assert "wrong file" in decision["reasoning"]


def test_delete_cancels_too(acme):
    job, document = send(acme), upload(acme)
    assert acme.delete(f"{BULK}/{job}").json()["status"] == "cancelled"
    assert acme.delete(f"{DOCUMENTS}/{document}").json()["status"] == "cancelled"


def test_a_chunk_cancelled_while_it_is_embedded_is_not_stored(acme, monkeypatch):
    job, whole = send(acme, 2), jobs.embed_rows

    def cancel_meanwhile(organisation, rows):
        assert acme.post(f"{BULK}/{job}/cancel", {}).status_code == 200
        return whole(organisation, rows)

    monkeypatch.setattr(jobs, "embed_rows", cancel_meanwhile)
    work(acme)
    assert acme.search("case") == []
    assert acme.get(f"{BULK}/{job}").json()["cancelled"] == 2


def test_a_document_cancelled_while_it_is_parsed_is_not_stored(acme, monkeypatch):
    job, whole = upload(acme, b"an odd word: serendipity"), document_jobs.prepare_document

    def cancel_meanwhile(*args):
        assert acme.post(f"{DOCUMENTS}/{job}/cancel", {}).status_code == 200
        return whole(*args)

    monkeypatch.setattr(document_jobs, "prepare_document", cancel_meanwhile)
    document_jobs.work_on_next_job(organisation=acme.organisation)
    assert acme.search("serendipity") == []
    assert acme.get(f"{DOCUMENTS}/{job}").json()["status"] == "cancelled"


def test_a_document_that_fails_after_it_was_cancelled_stays_cancelled(acme, monkeypatch):
    job, whole = upload(acme, b"\x00\x01\x02 not text"), document_jobs.prepare_document

    def cancel_meanwhile(*args):
        assert acme.post(f"{DOCUMENTS}/{job}/cancel", {}).status_code == 200
        return whole(*args)

    monkeypatch.setattr(document_jobs, "prepare_document", cancel_meanwhile)
    document_jobs.work_on_next_job(organisation=acme.organisation)
    shown = acme.get(f"{DOCUMENTS}/{job}").json()
    assert (shown["status"], shown["document"], shown["error"]) == ("cancelled", None, None)


def test_document_jobs_are_listed_with_their_states(acme, rival):
    stored, failed = upload(acme, b"words"), upload(acme, b"")
    for _ in range(2):
        document_jobs.work_on_next_job(organisation=acme.organisation)
    cancelled, queued = upload(acme), upload(acme)
    assert acme.post(f"{DOCUMENTS}/{cancelled}/cancel", {}).status_code == 200
    upload(rival)
    expected = {"queued": queued, "cancelled": cancelled, "failed": failed, "stored": stored}
    assert {each["status"]: each["id"] for each in listed(acme, DOCUMENTS)} == expected
    for status, job in expected.items():
        assert [each["id"] for each in listed(acme, DOCUMENTS, f"?status={status}")] == [job]
    [decision] = acme.get(f"/api/v1/decisions?subject_id={cancelled}").json()["results"]
    assert decision["operation"] == "memory.cancel_document_job"


def test_what_has_ended_can_not_be_cancelled(acme):
    bulk, document = send(acme), upload(acme)
    work(acme)
    document_jobs.work_on_next_job(organisation=acme.organisation)
    cancelled = send(acme)
    acme.post(f"{BULK}/{cancelled}/cancel", {})
    for path in (f"{BULK}/{bulk}", f"{DOCUMENTS}/{document}", f"{BULK}/{cancelled}"):
        answer = acme.post(f"{path}/cancel", {})
        assert (answer.status_code, answer.json()["code"]) == (409, "memory.job_ended")


def test_a_proposing_key_cancels_its_own_jobs_only(acme):
    agent = with_key(acme, Scope.MEMORY_PROPOSE)
    for make, path in ((send, BULK), (upload, DOCUMENTS)):
        mine, theirs = make(agent), make(acme)
        refused = agent.post(f"{path}/{theirs}/cancel", {})
        assert (refused.status_code, refused.json()["code"]) == (403, "memory.not_your_job")
        assert acme.get(f"{path}/{theirs}").json()["status"] == "queued"
        assert agent.post(f"{path}/{mine}/cancel", {}).status_code == 200


@pytest.mark.parametrize(("path", "make"), [(BULK, send), (DOCUMENTS, upload)])
def test_another_organisations_job_can_not_be_cancelled(acme, rival, path, make):
    job = make(rival)
    for ident in (job, NOBODYS_ID):
        assert acme.post(f"{path}/{ident}/cancel", {}).status_code == 404
        assert acme.delete(f"{path}/{ident}").status_code == 404
    assert rival.get(f"{path}/{job}").json()["status"] == "queued"


def test_unknown_field_of_a_cancellation_is_422(acme):
    job = send(acme)
    assert acme.post(f"{BULK}/{job}/cancel", {"reson": "x"}).status_code == 422
    assert acme.post(f"{BULK}/{job}/cancel", {"reason": 5}).status_code == 422
    assert acme.get(f"{BULK}/{job}").json()["status"] == "queued"
