"""`manage.py import_documents`."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from liftos.kernel.db.transactions import tenant_transaction
from memory.documents import sandbox
from memory.models import Document, Memory
from tests.factories.files import make_docx, make_pdf


@pytest.fixture
def folder(tmp_path, settings):
    settings.LIFTOS_FILES_URL = str(tmp_path / "store")
    root = tmp_path / "in"
    (root / "reports").mkdir(parents=True)
    (root / "reports" / "a.pdf").write_bytes(make_pdf([["Boots sell when it rains."]]))
    (root / "b.docx").write_bytes(make_docx(["Umbrellas too."]))
    (root / "c.png").write_bytes(b"\x89PNG\r\n\x1a\nxx")
    (root / ".hidden.txt").write_text("hidden")
    (root / "link.txt").symlink_to(root / "b.docx")
    return root


def run(*arguments, **options):
    out, err = StringIO(), StringIO()
    try:
        call_command("import_documents", *map(str, arguments), json=True, stdout=out, stderr=err, **options)
        status = 0
    except SystemExit as error:
        status = error.code
    return status, json.loads(out.getvalue()), err.getvalue()


def test_files_are_stored_under_their_paths_and_refusals_are_listed(acme, folder, tmp_path):
    errors = tmp_path / "errors"
    status, counts, shown = run(acme.slug, folder, errors=errors, keep_originals=True)
    assert (status, counts) == (1, {"stored": 2, "changed": 0, "unchanged": 0, "refused": 1})
    assert "c.png" in shown
    [line] = [json.loads(each) for each in errors.read_text().splitlines()]
    assert (line["file"], line["code"]) == ("c.png", "document.unsupported")
    with tenant_transaction(acme.organisation):
        stored = dict(Memory.objects.values_list("external_id", "metadata__path"))
        assert all(Document.objects.values_list("file", flat=True))
    assert stored == {"reports/a.pdf": "reports/a.pdf", "b.docx": "b.docx"}


def test_repeated_import_parses_only_what_has_changed(acme, folder, monkeypatch):
    run(folder, organisation=acme.slug, glob=["*.pdf", "*.docx"])
    (folder / "b.docx").write_bytes(make_docx(["Umbrellas sell better."]))
    parsed = []
    parse = sandbox.parse
    monkeypatch.setattr(sandbox, "parse", lambda *args, **kw: parsed.append(kw["name"]) or parse(*args, **kw))
    status, counts, _ = run(folder, organisation=acme.slug, glob=["*.pdf", "*.docx"])
    assert (status, counts) == (0, {"stored": 0, "changed": 1, "unchanged": 1, "refused": 0})
    assert parsed == ["b.docx"]


def test_path_that_is_no_text_is_refused(acme, folder):
    (folder / "a\udcff.txt").write_text("words")
    status, counts, shown = run(acme.slug, folder, glob=["*.txt"])
    assert (status, counts["refused"]) == (1, 1)
    assert "not printable" in shown


def test_globs_choose_files(acme, folder):
    assert run(acme.slug, folder, glob=["reports/*"])[1]["stored"] == 1
    assert run(acme.slug, folder, glob=["*.docx"])[1]["stored"] == 1


@pytest.mark.parametrize(
    "arguments", [["nowhere"], ["no-such", "."], [".", ".", "."], ["acme", "/no/such/directory"]]
)
def test_bad_arguments_are_said(acme, arguments):
    with pytest.raises(CommandError):
        call_command("import_documents", *arguments)
