"""A bulk store that a worker carries out: accepted whole, stored by chunks, asked after."""

import json

import pytest

from memory.bulk import jobs
from memory.bulk.jobs import list_organisations_with_bulk_work, work_on_next_chunk
from memory.models import BulkChunk
from tests.api.routes import NOBODYS_ID

PATH = "/api/v1/memories/bulk?mode=async"


def send(caller, lines, **headers):
    return caller.send(PATH, "\n".join(lines) + "\n", "application/x-ndjson", **headers)


def work(caller):
    while work_on_next_chunk(organisation=caller.organisation):
        pass


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(jobs, "BATCH", 2)


def test_it_is_accepted_at_once_and_stored_by_a_worker(acme):
    lines = [json.dumps({"content": f"case {number}"}) for number in range(5)] + [
        "{",
        json.dumps({"content": 5}),
    ]
    accepted = send(acme, lines)
    assert accepted.status_code == 202
    job = accepted.json()["id"]
    assert accepted["Location"] == accepted.json()["url"]
    waiting = acme.get(accepted.json()["url"]).json()
    assert (waiting["status"], waiting["lines"], waiting["done"]) == ("queued", 7, 0)
    assert acme.search("case") == []
    assert list_organisations_with_bulk_work() == [acme.organisation]
    assert work_on_next_chunk(organisation=acme.organisation)
    assert acme.get(f"/api/v1/memories/bulk/{job}").json()["status"] == "running"
    work(acme)
    assert list_organisations_with_bulk_work() == []
    results, following = [], f"/api/v1/memories/bulk/{job}"
    while following:
        page = acme.get(following).json()
        results += page["results"]
        following = page["next"]
    assert (page["status"], page["stored"], page["unchanged"], page["failed"]) == ("done", 5, 0, 2)
    assert [(each["line"], each["status"]) for each in results] == [
        (1, 201), (2, 201), (3, 201), (4, 201), (5, 201), (6, 422), (7, 422),
    ]  # fmt: skip
    assert len(acme.search("case", limit=100)) == 5
    # the text is gone with the work
    assert set(BulkChunk.objects.values_list("text", flat=True)) <= {""}


def test_the_same_key_is_the_same_job(acme):
    lines = [json.dumps({"content": "once"})]
    first, again = (send(acme, lines, **{"idempotency-key": "k"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]
    work(acme)
    assert len(acme.search("once")) == 1
    assert send(acme, [json.dumps({"content": "other"})], **{"idempotency-key": "k"}).status_code == 409


def test_a_failure_leaves_its_chunk_for_another_try(acme, monkeypatch):
    send(acme, [json.dumps({"content": "kept"})])
    whole = jobs.store_batch

    def fail(*args, **kwargs):
        raise RuntimeError("away")

    monkeypatch.setattr(jobs, "store_batch", fail)
    with pytest.raises(RuntimeError):
        work_on_next_chunk(organisation=acme.organisation)
    monkeypatch.setattr(jobs, "store_batch", whole)
    work(acme)
    assert len(acme.search("kept")) == 1


def test_another_organisations_job_is_404(acme, rival):
    job = send(rival, [json.dumps({"content": "theirs"})]).json()["id"]
    assert acme.get(f"/api/v1/memories/bulk/{job}").status_code == 404
    assert acme.get(f"/api/v1/memories/bulk/{NOBODYS_ID}").status_code == 404
    assert not work_on_next_chunk(organisation=acme.organisation)
    assert rival.get(f"/api/v1/memories/bulk/{job}").json()["status"] == "queued"


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 422), (b"\n\n", 422), (b"\xff\xfe", 422), (b'{"content": "a\x00"}', 422)],
)
def test_what_can_not_be_kept_is_refused_whole(acme, body, status):
    assert acme.send(PATH, body, "application/x-ndjson").status_code == status
    assert list_organisations_with_bulk_work() == []


def test_too_many_lines_are_refused_whole(acme, monkeypatch):
    monkeypatch.setattr(jobs, "MAX_LINES", 2)
    assert send(acme, ["{}"] * 3).status_code == 413
    assert send(acme, ["{}"] * 2).status_code == 202


@pytest.mark.parametrize("query", ["?mode=later", "?mode="])
def test_invalid_mode_is_422(acme, query):
    assert acme.send(f"/api/v1/memories/bulk{query}", b"{}", "application/x-ndjson").status_code == 422


@pytest.mark.parametrize("cursor", ["-1", "x", "99999999"])
def test_invalid_cursor_is_422(acme, cursor):
    job = send(acme, ["{}"]).json()["id"]
    assert acme.get(f"/api/v1/memories/bulk/{job}?cursor={cursor}").status_code == 422


def test_proposing_key_stores_candidates_later_too(acme):
    from liftos.kernel.tenancy.operations import create_api_key
    from liftos.kernel.tenancy.types import SYSTEM, Scope
    from tests.factories.callers import Caller

    scopes = [Scope.MEMORY_PROPOSE]
    _, token = create_api_key(organisation=acme.organisation, by=SYSTEM, name="agent", scopes=scopes)
    send(Caller(acme.organisation, acme.slug, token, acme.client), [json.dumps({"content": "proposed"})])
    work(acme)
    assert acme.search("proposed") == []
    assert len(acme.search("proposed", states=["candidate"])) == 1
