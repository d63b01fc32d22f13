"""Documents in the admin: upload, pages, passages."""

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from liftos.kernel.db.transactions import tenant_transaction
from memory.models import Document
from tests.factories.files import make_pdf

LIST = "/admin/memory/document/"


@pytest.fixture
def staff(acme, settings, tmp_path):
    settings.LIFTOS_FILES_URL = str(tmp_path / "files")
    user = User.objects.create_superuser("root", password="x")
    client = Client()
    client.force_login(user)
    client.get(f"/admin/?_organisation={acme.slug}")
    return client


def upload(staff, content, name="a.pdf", **fields):
    return staff.post(f"{LIST}upload/", {"file": SimpleUploadedFile(name, content)} | fields, follow=True)


def test_upload_leads_to_the_documents_page_with_pages_and_passages(staff, acme):
    assert "Upload" in staff.get(LIST).content.decode()
    pages = [
        [(f"Chapter {n}", 18), *(f"Line {k} of chapter {n} says that boots sell well." for k in range(30))]
        for n in (1, 2)
    ]
    shown = upload(staff, make_pdf(pages), title="My report", keep_original="on").content.decode()
    assert "My report" in shown
    assert 'aria-label="Passages"' in shown
    assert "Chapter 2" in shown
    with tenant_transaction(acme.organisation):
        document = Document.objects.get()
    assert f"/admin/memory/memory/{document.memory_id}/change/" in shown
    original = staff.get(f"{LIST}{document.pk}/original/")
    assert original.content == make_pdf(pages)
    assert original["Content-Disposition"].startswith("attachment")
    assert "My report" in staff.get(f"{LIST}?q=My+rep").content.decode()


def test_refused_upload_says_why_and_stores_nothing(staff, acme):
    shown = upload(staff, make_pdf([["secret"]], encrypted=True)).content.decode()
    assert "encrypted" in shown
    assert "The file is larger" not in shown
    missing = staff.post(f"{LIST}upload/", {}, follow=True).content.decode()
    assert "Field required" in missing
    with tenant_transaction(acme.organisation):
        assert not Document.objects.exists()


def test_upload_needs_the_right_to_change_memories(acme, db):
    user = User.objects.create_user("ann", password="x", is_staff=True)
    client = Client()
    client.force_login(user)
    assert client.post(f"{LIST}upload/", {"file": SimpleUploadedFile("a.txt", b"w")}).status_code in {
        302,
        403,
    }
    with tenant_transaction(acme.organisation):
        assert not Document.objects.exists()


def test_another_organisations_document_is_not_shown(staff, acme, rival):
    rival.upload(b"words", "a.txt", query="?keep_original=true")
    with tenant_transaction(rival.organisation):
        document = Document.objects.get()
    assert staff.get(f"{LIST}{document.pk}/change/").status_code == 302
    assert staff.get(f"{LIST}{document.pk}/original/").status_code == 302
