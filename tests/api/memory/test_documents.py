"""POST /api/v1/documents, and what is read of documents afterwards."""

import json
from urllib.parse import quote

import pytest
from django.utils import timezone

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.embedding import get_manager
from liftos.kernel.files.models import StoredFile
from liftos.kernel.tenancy.operations import revoke_api_key
from liftos.kernel.tenancy.types import SYSTEM, Scope
from memory.documents import jobs
from memory.documents.parsing.types import Kind
from memory.documents.statements import LEASE_JOB
from memory.models import Document, DocumentJob, Memory
from tests.factories.files import make_docx, make_mail, make_pdf, make_xlsx
from tests.factories.keys import with_key

DOCUMENTS = "/api/v1/documents"
# says something else on each page, long enough for several passages
TOPICS = ["boots", "umbrellas", "turbines", "copper", "wages", "rent", "ferries", "tomatoes"]


def report(topics=TOPICS):
    return make_pdf(
        [
            [
                (f"Chapter on {topic}", 18),
                *(
                    f"Sentence {n} of this page says that {topic} were sold in week {n} of the year."
                    for n in range(14)
                ),
            ]
            for topic in topics
        ],
        title="Yearly report",
    )


@pytest.fixture(autouse=True)
def files(settings, tmp_path):
    settings.LIFTOS_FILES_URL = str(tmp_path / "files")
    return tmp_path / "files"


def stored(response, status=201):
    assert response.status_code == status, response.content
    return response.json()


def test_a_pdf_is_stored_with_its_pages_and_found_by_passage(acme):
    body = stored(acme.upload(report(), "report.pdf", "application/pdf"))
    assert body["title"] == "Yearly report"
    assert body["media_type"] == "application/pdf"
    assert (body["pages"], body["outcome"], body["original"]) == (8, "stored", False)
    assert body["passages"] > 3
    memory = acme.get(f"/api/v1/memories/{body['id']}").json()
    assert memory["memory_type"] == "document"
    assert len(memory["content"]) == body["characters"]
    assert memory["metadata"] == {
        "title": "Yearly report",
        "media_type": "application/pdf",
        "file_name": "report.pdf",
    }
    assert acme.search("how many ferries were sold")[0]["id"] == body["id"]
    passages = acme.get(f"{DOCUMENTS}/{body['id']}/passages").json()["results"]
    assert len(passages) == body["passages"]
    [first] = [each for each in passages if "ferries" in each["text"]][:1]
    assert (first["page"], first["heading"]) == (7, "Chapter on ferries")
    assert all(each["text"] == memory["content"][each["start"] : each["end"]] for each in passages)


def test_a_raw_body_is_a_document_of_its_media_type(acme):
    path = (
        f"{DOCUMENTS}?title=Notes&source=wiki&external_id=7&metadata={quote(json.dumps({'team': 'sales'}))}"
    )
    body = stored(acme.send(path, b"# Costs\n\nFive euros.", "text/markdown; charset=utf-8"))
    assert (body["title"], body["media_type"], body["pages"], body["passages"]) == (
        "Notes",
        "text/markdown",
        None,
        1,
    )
    shown = acme.get(f"{DOCUMENTS}/{body['id']}").json()
    assert (shown["source"], shown["external_id"], shown["metadata"]["team"]) == ("wiki", "7", "sales")
    [only] = acme.get(f"{DOCUMENTS}/{body['id']}/passages").json()["results"]
    assert only["text"] == "# Costs\n\nFive euros."


@pytest.mark.parametrize("media_type", ["application/octet-stream", "application/x-www-form-urlencoded"])
def test_unspecific_media_type_leaves_it_to_the_content(acme, media_type):
    assert stored(acme.send(DOCUMENTS, make_docx(["Boots sell."]), media_type))["media_type"] == str(
        Kind.DOCX
    )


def test_fields_may_be_parts(acme):
    fields = {
        "title": "T",
        "source": "s",
        "external_id": "e",
        "metadata": '{"a": 1}',
        "keep_original": "true",
    }
    body = stored(acme.upload(b"words", "a.txt", "text/plain", **fields))
    shown = acme.get(f"{DOCUMENTS}/{body['id']}").json()
    assert (shown["title"], shown["source"], shown["external_id"], shown["metadata"]["a"]) == (
        "T",
        "s",
        "e",
        1,
    )
    assert shown["original"] is True


def test_mail_says_who_wrote_it(acme):
    body = stored(acme.upload(make_mail("Offer", "the price is 5"), "a.eml"))
    metadata = acme.get(f"{DOCUMENTS}/{body['id']}").json()["metadata"]
    assert metadata["from"] == "Ada Lovelace <ada@example.com>"


def test_the_same_document_again_is_unchanged(acme):
    first = stored(acme.upload(report(), "r.pdf", query="?external_id=r"))
    again = stored(acme.upload(report(), "r.pdf", query="?external_id=r"), 200)
    assert (again["id"], again["outcome"], again["decision_id"], again["version"]) == (
        first["id"],
        "unchanged",
        None,
        1,
    )
    with tenant_transaction(acme.organisation):
        assert Document.objects.count() == 1


def test_a_changed_document_is_a_new_version_and_only_what_changed_is_embedded(acme, monkeypatch):
    first = stored(acme.upload(report(), "r.pdf", query="?external_id=r"))
    get_manager().clear()
    asked = []
    embed = type(get_manager()).embed_many

    def counted(self, texts, **kwargs):
        asked.extend(texts)
        return embed(self, texts, **kwargs)

    monkeypatch.setattr(type(get_manager()), "embed_many", counted)
    changed = stored(acme.upload(report([*TOPICS[:-1], "lemons"]), "r.pdf", query="?external_id=r"), 200)
    assert (changed["id"], changed["outcome"], changed["version"]) == (first["id"], "changed", 2)
    assert 0 < len(asked) < first["passages"] / 2
    assert all("lemons" in text or "ferries" in text for text in asked)
    history = acme.get(f"/api/v1/memories/{first['id']}/history").json()["results"]
    assert len(history) == 2
    assert acme.get(f"{DOCUMENTS}/{first['id']}").json()["version"] == 2
    assert any(
        "lemons" in each["text"]
        for each in acme.get(f"{DOCUMENTS}/{first['id']}/passages?limit=200").json()["results"]
    )


def test_external_id_of_another_memory_is_a_conflict(acme):
    taken = acme.store("a note", external_id="n")
    response = acme.upload(b"words", "a.txt", query="?external_id=n")
    assert (response.status_code, response.json()["memory_id"]) == (409, taken)


def test_who_may_only_propose_stores_candidates_and_changes_nothing(acme):
    weak, _ = with_key(acme, Scope.MEMORY_PROPOSE)
    body = stored(weak.upload(b"one", "a.txt", query="?external_id=a"))
    assert body["state"] == "candidate"
    assert weak.upload(b"two", "a.txt", query="?external_id=a").status_code == 403


def test_another_organisation_sees_nothing(acme, rival):
    body = stored(acme.upload(b"words", "a.txt", query="?keep_original=true&external_id=a"))
    for what in ("", "/original", "/passages"):
        assert rival.get(f"{DOCUMENTS}/{body['id']}{what}").status_code == 404
    assert stored(rival.upload(b"words", "a.txt", query="?external_id=a"))["id"] != body["id"]


UNREADABLE = {
    "encrypted": (make_pdf([["s"]], encrypted=True), "a.pdf", 422, "document.encrypted"),
    "broken": (make_pdf([["s"]])[:150], "a.pdf", 422, "document.broken"),
    "scanned": (make_pdf([[]]), "a.pdf", 422, "document.no_text"),
    "mislabelled": (b"words", "a.pdf", 422, "document.mislabelled"),
    "empty": (b"", "a.txt", 422, "document.empty"),
    "image": (b"\x89PNG\r\n\x1a\nxxxx", "a.png", 415, "document.unsupported"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_unreadable_file_is_an_error_that_names_it_and_stores_nothing(acme, case):
    content, name, status, code = UNREADABLE[case]
    response = acme.upload(content, name, query="?keep_original=true")
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.json()["errors"][0]["loc"] == ["body", "file"]
    with tenant_transaction(acme.organisation):
        assert not Memory.objects.exists()
        assert not StoredFile.objects.exists()


def test_too_large_a_file_is_413(acme, settings):
    settings.LIFTOS_DOCUMENT_BYTES = 1_000
    for response in (
        acme.upload(b"word " * 300, "a.txt"),
        acme.send(DOCUMENTS, b"word " * 300, "text/plain"),
    ):
        assert (response.status_code, response.json()["code"]) == (413, "liftos.body_too_large")


def is_invalid(response, *loc):
    """Return whether a request was refused and the place named."""
    places = [each["loc"][: len(loc)] for each in response.json().get("errors", [])]
    return response.status_code == 422 and list(loc) in places


def test_bad_fields_are_named(acme):
    assert is_invalid(acme.upload(b"w", "a.txt", query="?metadata=[1]"), "query", "metadata")
    assert is_invalid(acme.upload(b"w", "a.txt", query="?metadata={"), "query", "metadata")
    assert is_invalid(acme.upload(b"w", "a.txt", metadata="{"), "body", "metadata")
    assert is_invalid(acme.upload(b"w", "a.txt", metadata='{"a": NaN}'), "body", "metadata")
    assert is_invalid(acme.upload(b"w", "a.txt", metadata='{"a": "\\u0000"}'), "body", "metadata")
    assert is_invalid(acme.upload(b"w", "a.txt", title="x" * 301), "body", "title")
    assert is_invalid(acme.upload(b"w", "a.txt", titel="x"), "body", "titel")
    assert is_invalid(acme.upload(b"w", "a.txt", query="?titel=x"), "query", "titel")
    assert is_invalid(acme.upload(b"w", "a.txt", query="?mode=later"), "query", "mode")
    assert is_invalid(acme.upload(b"w", "a.txt", query="?keep_original=perhaps"), "query", "keep_original")
    assert is_invalid(acme.upload(b"w", "a.txt", query="?title=a", title="b"), "body", "title")
    assert is_invalid(acme.send(DOCUMENTS, b"", "text/plain"), "body", "file")
    assert is_invalid(acme.send(DOCUMENTS, b"nothing", "multipart/form-data; boundary=x"), "body", "file")
    assert is_invalid(acme.send(DOCUMENTS, b"nothing", "multipart/form-data"), "body")
    assert is_invalid(
        acme.client.post(DOCUMENTS, {"file": "no file"}, headers={"authorization": f"Bearer {acme.token}"}),
        "body",
        "file",
    )


def test_the_original_is_kept_on_request_and_never_shown_in_a_browser(acme, files):
    content = b"<html><script>alert(1)</script><p>words</p>"
    body = stored(acme.upload(content, '../../etc/"pass".html', "text/html", query="?keep_original=true"))
    response = acme.get(f"{DOCUMENTS}/{body['id']}/original")
    assert (response.status_code, response.content) == (200, content)
    assert response["Content-Disposition"].startswith("attachment")
    assert "/" not in response["Content-Disposition"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response["Content-Security-Policy"]
    [path] = [each for each in files.rglob("*") if each.is_file()]
    assert str(path.relative_to(files)).startswith(str(acme.organisation))
    assert "pass" not in str(path)


def test_original_that_was_not_kept_is_404(acme):
    body = stored(acme.upload(b"words", "a.txt"))
    response = acme.get(f"{DOCUMENTS}/{body['id']}/original")
    assert (response.status_code, response.json()["code"]) == (404, "document.no_original")


def test_original_may_be_kept_later(acme):
    body = stored(acme.upload(b"words", "a.txt", query="?external_id=a"))
    again = stored(acme.upload(b"words", "a.txt", query="?external_id=a&keep_original=true"), 200)
    assert (again["outcome"], again["original"]) == ("unchanged", True)
    assert acme.get(f"{DOCUMENTS}/{body['id']}/original").content == b"words"


def test_erasure_takes_the_original_and_says_so(acme, files, django_capture_on_commit_callbacks):
    body = stored(acme.upload(b"words", "a.txt", query="?keep_original=true"))
    with django_capture_on_commit_callbacks(execute=True):
        erasure = acme.delete(f"/api/v1/memories/{body['id']}").json()["erasure_id"]
    assert acme.get(f"/api/v1/erasures/{erasure}").json()["removed"]["originals"] == 1
    assert [each for each in files.rglob("*") if each.is_file()] == []
    assert acme.get(f"{DOCUMENTS}/{body['id']}/original").status_code == 404
    with tenant_transaction(acme.organisation):
        assert not StoredFile.objects.exists()
        assert not Document.objects.exists()


def test_receipt_says_that_waiting_documents_were_not_looked_at(acme):
    memory = acme.store("words")
    acme.upload(b"words again", "a.txt", query="?mode=async")
    erasure = acme.delete(f"/api/v1/memories/{memory}").json()["erasure_id"]
    assert acme.get(f"/api/v1/erasures/{erasure}").json()["kept"]["not_looked_at"] == ["memory_documentjob"]


def test_files_of_an_organisation_are_limited(acme, settings):
    settings.LIFTOS_FILES_BYTES = 8
    assert acme.upload(b"words", "a.txt", query="?keep_original=true").status_code == 201
    response = acme.upload(b"more words", "b.txt", query="?keep_original=true")
    assert (response.status_code, response.json()["code"]) == (413, "files.full")


def test_passages_are_paged(acme):
    body = stored(acme.upload(report(), "r.pdf"))
    seen, url = [], f"{DOCUMENTS}/{body['id']}/passages?limit=2"
    while url:
        page = acme.get(url).json()
        seen += [each["number"] for each in page["results"]]
        url = page["next"]
    assert seen == list(range(body["passages"]))
    assert acme.get(f"{DOCUMENTS}/{body['id']}/passages?limit=0").status_code == 422


def test_async_is_stored_by_a_worker(acme):
    accepted = acme.upload(report(), "r.pdf", query="?mode=async&external_id=r&keep_original=true")
    assert accepted.status_code == 202
    url = accepted.json()["url"]
    assert accepted["Location"] == url
    assert acme.get(url).json()["status"] == "queued"
    assert jobs.list_organisations_with_document_work() == [acme.organisation]
    assert jobs.work_on_next_job(organisation=acme.organisation) is True
    assert jobs.work_on_next_job(organisation=acme.organisation) is False
    done = acme.get(url).json()
    assert (done["status"], done["document"]["outcome"], done["document"]["pages"]) == ("stored", "stored", 8)
    assert acme.get(f"{DOCUMENTS}/{done['document']['id']}/original").content == report()
    with tenant_transaction(acme.organisation):
        assert bytes(DocumentJob.objects.get().file) == b""


def test_async_failure_is_told_by_the_job(acme):
    accepted = acme.upload(make_pdf([[]]), "r.pdf", query="?mode=async")
    jobs.work_on_next_job(organisation=acme.organisation)
    shown = acme.get(accepted.json()["url"]).json()
    assert (shown["status"], shown["error"]["status"], shown["error"]["code"]) == (
        "failed",
        422,
        "document.no_text",
    )
    assert shown["error"]["field"] == "file"


def test_a_job_is_one_workers_until_its_lease_ends(acme):
    accepted = acme.upload(b"words", "a.txt", query="?mode=async")
    values = {"organisation": acme.organisation, "seconds": 60}
    with tenant_transaction(acme.organisation):
        # a worker that is killed after this leaves the lease
        raw_cursor().execute(LEASE_JOB, values)
    assert jobs.work_on_next_job(organisation=acme.organisation) is False
    assert acme.get(accepted.json()["url"]).json()["status"] == "queued"
    with tenant_transaction(acme.organisation):
        DocumentJob.objects.update(leased_until=timezone.now())
    assert jobs.work_on_next_job(organisation=acme.organisation) is True
    assert acme.get(accepted.json()["url"]).json()["status"] == "stored"


def test_a_job_whose_worker_died_is_taken_up_again_and_given_up_in_the_end(acme):
    accepted = acme.upload(b"words", "a.txt", query="?mode=async")
    with tenant_transaction(acme.organisation):
        DocumentJob.objects.update(attempts=jobs.MAX_ATTEMPTS)
    jobs.work_on_next_job(organisation=acme.organisation)
    assert acme.get(accepted.json()["url"]).json()["error"]["code"] == "document.too_complex"


def test_async_jobs_of_a_revoked_key_fail(acme):
    weak, key = with_key(acme, Scope.MEMORY_PROPOSE)
    accepted = weak.upload(b"words", "a.txt", query="?mode=async")
    revoke_api_key(organisation=acme.organisation, by=SYSTEM, key=key.id, now=timezone.now())
    jobs.work_on_next_job(organisation=acme.organisation)
    assert acme.get(accepted.json()["url"]).json()["error"]["code"] == "memory.no_longer_allowed"


def test_repeated_request_with_a_key_stores_once_and_another_file_is_a_conflict(acme):
    key = {"Idempotency-Key": "k"}
    first = stored(acme.upload(b"one", "a.txt", headers=key))
    again = acme.upload(b"one", "a.txt", headers=key)
    assert (again.status_code, again["Idempotent-Replayed"]) == (201, "true")
    assert again.json() == first
    assert acme.upload(b"two", "a.txt", headers=key).status_code == 409


def test_repeated_async_request_has_the_same_job(acme):
    key = {"Idempotency-Key": "k"}
    first, again = (acme.upload(b"one", "a.txt", query="?mode=async", headers=key) for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()


def test_a_workbook_is_found_by_a_cell(acme):
    rows = [
        ["Region", "Manager"],
        *([f"Region {n}", f"Person {n}"] for n in range(300)),
        ["Alentejo", "Beatriz"],
    ]
    body = stored(acme.upload(make_xlsx({"Staff": rows}), "staff.xlsx"))
    assert body["passages"] > 5
    assert acme.search("who manages Alentejo", search_type="knowledge")[0]["id"] == body["id"]
