"""Import: invalid files are refused as a whole, invalid lines are named, and the exit status reports it."""

import gzip
import json
import os
import subprocess
import sys
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from liftos.kernel.db.transactions import tenant_transaction
from memory.models import Memory, MemoryLink, MemoryVersion
from memory.transfer import importing
from memory.transfer.format import VERSION

ID = "0199e1a0-7c1e-7000-8000-00000000000"


def run(caller, path, **options):
    """Return exit status, counts and output."""
    out = StringIO()
    try:
        call_command(
            "import_memories", caller.slug, path, json=True, stdout=out, stderr=StringIO(), **options
        )
    except CommandError as error:
        return error.returncode, json.loads(out.getvalue() or "{}"), str(error)
    return 0, json.loads(out.getvalue()), ""


def contents(caller):
    with tenant_transaction(caller.organisation):
        return sorted(Memory.objects.filter(head=None).values_list("content", flat=True))


def header(**fields):
    head = {"liftos": "liftos.memories", "version": VERSION, "organisation": str(uuid4())}
    return json.dumps(head | {"exported_at": "2026-01-01T00:00:00Z"} | fields)


def line(number, **fields):
    return json.dumps({"id": f"{ID}{number}", "content": f"fact {number}"} | fields)


def write(path, *lines, end="\n"):
    path.write_text("\n".join(lines) + end)
    return path


def exported(caller, path, *texts):
    for text in texts:
        caller.store(text)
    call_command("export_memories", caller.slug, path, stderr=StringIO())
    return path.read_bytes()


GOOD = b'{"content": "good"}\n'
REFUSED_WHOLE = {
    "empty": (b"", "the file is empty"),
    "only a BOM": (b"\xef\xbb\xbf", "line 1 is blank"),
    "blank first line": (b"\n" + GOOD, "line 1 is blank"),
    "white first line": (b" \t\r\n" + GOOD, "line 1 is blank"),
    "csv": (b"content,memory_type\nBoots sell,insight\n", "line 1 is not JSON"),
    "csv with quotes": (b'"content","tags"\n"Boots sell","a"\n', "line 1 is not JSON"),
    "csv of one column": (b'"content"\n"Boots sell"\n', "line 1 is not a JSON object"),
    "csv of numbers": (b"1\n2\n", "line 1 is not a JSON object"),
    "a JSON array": (b'[{"content": "good"}]\n', "line 1 is not a JSON object"),
    "JSON over many lines": (b'{\n  "content": "good"\n}\n', "line 1 is not JSON"),
    "gzip": (gzip.compress(GOOD), "compressed (gzip)"),
    "truncated gzip": (gzip.compress(GOOD)[:-6], "compressed (gzip)"),
    "zip": (b"PK\x03\x04rest", "compressed (zip)"),
    "UTF-16": (GOOD.decode().encode("utf-16"), "UTF-16"),
    "UTF-16 without a mark": (GOOD.decode().encode("utf-16-le"), "line 1 is not JSON"),
    "UTF-32": (GOOD.decode().encode("utf-32"), "UTF-32"),
    "latin-1": ('{"content": "Möbel"}\n'.encode("latin-1"), "line 1 is not UTF-8"),
    "rubbish": (bytes(range(128, 256)) * 100, "line 1 is not UTF-8"),
    "rubbish with zeros": (bytes(range(256)) * 100, "line 1 is not"),
    "cut in a line": (GOOD * 3 + b'{"content": "bro', "line 4, the last one, is incomplete"),
    "cut in a character": (GOOD + '{"content": "Mö'.encode()[:-1], "line 2, the last one, is incomplete"),
    "cut header": (header().encode()[:40], "line 1 is not JSON"),
    "a later format": ((header(version=VERSION + 1) + "\n").encode() + GOOD, "later version"),
    "a format that was never": ((header(version=0) + "\n").encode() + GOOD, "not an export"),
    "a format that is text": ((header(version="2") + "x\n").encode() + GOOD, "line 1 is not JSON"),
    "a header without its organisation": (b'{"liftos": "liftos.memories", "version": 1}\n' + GOOD, "not an export"),
    "another product's": (b'{"liftos": "something", "version": 1}\n' + GOOD, "not an export"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED_WHOLE)
def test_what_is_no_file_of_memories_is_refused_whole(acme, tmp_path, name):
    data, message = REFUSED_WHOLE[name]
    path = tmp_path / "file"
    path.write_bytes(data)
    status, counts, said = run(acme, path)
    assert (status, counts) == (1, {})
    assert message in said
    assert "Nothing was stored" in said
    assert contents(acme) == []


def test_a_directory_and_nothing_are_refused(acme, tmp_path):
    assert "is a directory" in run(acme, tmp_path)[2]
    assert "does not exist" in run(acme, tmp_path / "nowhere")[2]
    assert "does not exist" in run(acme, Path("/dev/null"))[2]


@pytest.mark.parametrize(
    "data",
    [
        GOOD, GOOD.rstrip(b"\n"), b"\xef\xbb\xbf" + GOOD, GOOD.replace(b"\n", b"\r\n"), GOOD + b"\n\n \n",
        b"\xef\xbb\xbf" + header().encode() + b"\r\n" + GOOD.replace(b"\n", b"\r\n"),
    ],
)  # fmt: skip
def test_marks_line_ends_and_blank_lines_further_down_are_no_faults(acme, tmp_path, data):
    path = tmp_path / "file"
    path.write_bytes(data)
    status, counts, _ = run(acme, path)
    assert (status, counts["stored"], counts["refused"]) == (0, 1, 0)
    assert contents(acme) == ["good"]


def test_standard_input_is_looked_at_as_a_whole_too(acme, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for data, stored in ((GOOD + b'{"content": "bro', 0), (gzip.compress(GOOD), 0), (GOOD, 1)):
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(data)))
        assert (run(acme, Path("-"))[0] == 0) is bool(stored)
        assert len(contents(acme)) == stored


def test_a_missing_header_has_each_line_of_an_export_refused(acme, rival, tmp_path):
    data = exported(acme, tmp_path / "all", "one", "two")
    path = tmp_path / "headless"
    path.write_bytes(b"".join(data.splitlines(keepends=True)[1:]))
    for caller in (acme, rival):
        before = contents(caller)
        status, counts, said = run(caller, path)
        assert (status, counts["stored"], counts["refused"]) == (1, 0, 2)
        assert "line 1: " in said
        assert "line 2: " in said
        assert "header" in said
        assert contents(caller) == before


def test_a_header_further_down_is_no_memory(acme, tmp_path):
    path = write(tmp_path / "two", header(), line(1), header(), line(2))
    status, counts, said = run(acme, path)
    assert (status, counts["stored"], counts["refused"]) == (1, 2, 1)
    assert "line 3: " in said


def test_ids_of_another_organisation_are_refused_without_a_word_about_it(acme, rival, tmp_path):
    data = exported(acme, tmp_path / "all", "one", "two").decode().splitlines()
    head = json.loads(data[0]) | {"organisation": str(rival.organisation)}
    path = write(tmp_path / "forged", json.dumps(head), *data[1:], '{"content": "mine"}')
    status, counts, said = run(rival, path)
    assert (status, counts["stored"], counts["refused"]) == (1, 1, 2)
    assert "line 2: This id can't be used here." in said
    errors = Path(f"{path}.errors").read_text()
    assert str(acme.organisation) not in errors + said
    assert acme.slug not in errors + said
    assert contents(rival) == ["mine"]
    assert contents(acme) == ["one", "two"]


def test_an_id_that_stands_twice_counts_once_however_far_apart(acme, tmp_path, monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 2)
    path = write(tmp_path / "twice", header(), line(1), line(1, content="other"), line(2), line(1), line(3))
    status, counts, said = run(acme, path)
    assert (status, counts["stored"], counts["refused"]) == (1, 3, 2)
    assert "line 3: An earlier line has the same id." in said
    assert "line 5: " in said
    assert contents(acme) == ["fact 1", "fact 2", "fact 3"]


def test_what_is_made_from_a_refused_memory_is_refused_and_nothing_else(acme, tmp_path):
    path = write(
        tmp_path / "chain",
        header(),
        line(1, importance=7),
        line(2, derived_from=[f"{ID}1"]),
        line(3, derived_from=[f"{ID}2"]),
        line(4, derived_from=[f"{ID}5"]),
        line(5),
        line(6, derived_from=[f"{ID}6"]),
        line(7, derived_from=[str(uuid4())]),
    )
    status, counts, said = run(acme, path)
    assert (status, counts["stored"], counts["refused"]) == (1, 2, 5)
    for number in (2, 3, 4, 7, 8):
        assert f"line {number}: " in said
    assert contents(acme) == ["fact 4", "fact 5"]


def test_a_source_may_come_later_and_in_another_batch(acme, tmp_path, monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 2)
    path = write(
        tmp_path / "late", header(), line(1, derived_from=[f"{ID}2"]), line(2, derived_from=[f"{ID}3"]), line(4), line(3)
    )  # fmt: skip
    assert run(acme, path, dry_run=True)[1] == {"stored": 4, "unchanged": 0, "skipped": 0, "refused": 0}
    assert contents(acme) == []
    assert run(acme, path)[1] == {"stored": 4, "unchanged": 0, "skipped": 0, "refused": 0}
    with tenant_transaction(acme.organisation):
        assert MemoryLink.objects.filter(kind="derived_from").count() == 2


def test_links_by_id_may_point_forward_and_in_circles(acme, tmp_path, monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 2)
    there = {"weight": 0.5, "properties": {"n": 1}, "valid_from": "2025-01-01T00:00:00Z"}
    path = write(
        tmp_path / "links",
        header(),
        line(1, links=[{"kind": "cites", "target": f"{ID}3"} | there, {"kind": "cites", "target": f"{ID}9"}]),
        line(2, derived_from=[f"{ID}3"], links=[{"kind": "about", "target": f"{ID}1"}]),
        line(3, links=[{"kind": "cites", "target": f"{ID}1"}, {"kind": "about", "target": f"{ID}2"}]),
    )
    assert run(acme, path)[1] == {"stored": 3, "unchanged": 0, "skipped": 0, "refused": 0}
    with tenant_transaction(acme.organisation):
        links = MemoryLink.objects.exclude(kind="derived_from").select_related("memory", "target")
        ends = {(each.kind, each.memory.content, each.target.content) for each in links}
        first = MemoryLink.objects.get(kind="cites", memory__content="fact 1")
    assert ends == {
        ("cites", "fact 1", "fact 3"), ("about", "fact 2", "fact 1"), ("cites", "fact 3", "fact 1"), ("about", "fact 3", "fact 2"),
    }  # fmt: skip
    assert (first.weight, first.properties, first.valid_from.year) == (0.5, {"n": 1}, 2025)


def test_a_source_that_is_here_under_another_id_is_linked(acme, tmp_path, monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 2)
    here = acme.store("known", source="s", external_id="k")
    acme.store("other content", source="s", external_id="c")
    path = write(
        tmp_path / "alias",
        header(),
        line(1, content="known", source="s", external_id="k"),
        line(2, derived_from=[f"{ID}1"]),
        line(3, derived_from=[f"{ID}1"]),
        line(4, source="s", external_id="c"),
        line(5, derived_from=[f"{ID}4"]),
    )
    status, counts, said = run(acme, path)
    assert (counts["stored"], counts["unchanged"], counts["refused"]) == (2, 1, 2)
    assert status == 1
    assert "line 5: " in said
    assert "line 6: " in said
    with tenant_transaction(acme.organisation):
        targets = [str(each.target_id) for each in MemoryLink.objects.filter(kind="derived_from")]
        assert targets == [here, here]


def test_refused_lines_are_told_again_by_the_same_command(acme, tmp_path):
    path = write(tmp_path / "some", '{"content": "good"}', '{"content": 5}', '{"content": "x", "tags": 5}')
    first, second = run(acme, path), run(acme, path)
    assert first[0] == second[0] == 1
    assert first[2] == second[2]
    assert second[1] == {"stored": 0, "unchanged": 0, "skipped": 1, "refused": 2}


def test_a_line_of_megabytes_is_refused_and_not_repeated(acme, tmp_path):
    path = write(tmp_path / "long", GOOD.decode().strip(), json.dumps({"content": "x" * 5_000_000}))
    status, counts, said = run(acme, path)
    assert (status, counts["stored"], counts["refused"]) == (1, 1, 1)
    assert "line 2: body.content" in said
    assert len(said) < 1_000
    assert Path(f"{path}.errors").stat().st_size < 2_000


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"version": 2}, "history"),
        ({"version": 0}, "version"),
        ({"version": 2.5}, "version"),
        ({"state": "erased"}, "state"),
        ({"state": "unheard"}, "state"),
        ({"changed_at": "2999-01-01T00:00:00Z"}, "changed_at"),
        ({"recorded_at": "2025-01-02T00:00:00Z", "changed_at": "2025-01-01T00:00:00Z"}, "changed_at"),
        ({"actor": {"kind": "god", "id": "x"}}, "actor"),
        ({"history": [{"version": 1}]}, "history"),
        ({"history": "none"}, "history"),
    ],
)
def test_a_past_that_cant_have_been_is_refused(acme, tmp_path, fields, where):
    path = write(tmp_path / "past", header(), line(1, **fields), line(2))
    status, counts, said = run(acme, path)
    assert (status, counts["stored"], counts["refused"]) == (1, 1, 1)
    assert f"line 2: body.{where}" in said
    assert contents(acme) == ["fact 2"]


def version(number, known_from, known_to, **fields):
    return {
        "version": number, "content": "was", "known_from": known_from, "known_to": known_to, "operation": "memory.revise",
        "actor": {"kind": "api_key", "id": "k"},
    } | fields  # fmt: skip


@pytest.mark.parametrize(
    ("history", "changed_at"),
    [
        ([version(1, "2025-01-02T00:00:00Z", "2025-01-01T00:00:00Z")], "2025-01-02T00:00:00Z"),
        ([version(2, "2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z")], "2025-01-02T00:00:00Z"),
        ([version(1, "2025-01-01T00:00:00Z", "2999-01-02T00:00:00Z")], "2025-01-02T00:00:00Z"),
        ([version(1, "2025-01-01T00:00:00Z", "2025-01-03T00:00:00Z")], "2025-01-02T00:00:00Z"),
        ([version(1, "2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z")], None),
        ([version(1, "2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z", state="erased")], "2025-01-02T00:00:00Z"),
        ([version(1, "2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z", content="x" * 1_000_001)], "2025-01-02T00:00:00Z"),
    ],
)  # fmt: skip
def test_versions_that_cant_have_been_are_refused(acme, tmp_path, history, changed_at):
    path = write(tmp_path / "past", header(), line(1, version=2, history=history, changed_at=changed_at))
    assert run(acme, path)[1]["refused"] == 1
    with tenant_transaction(acme.organisation):
        assert (Memory.objects.count(), MemoryVersion.objects.count()) == (0, 0)


def test_the_process_ends_with_a_status_and_without_a_traceback(committed_db, tmp_path):
    path = tmp_path / "csv"
    path.write_text("content\nBoots\n")
    done = subprocess.run(
        [sys.executable, "manage.py", "import_memories", "nobody", str(path)],
        cwd=Path(__file__).resolve().parents[4], capture_output=True, text=True, timeout=120, check=False, env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_interrupted_import_reports_progress_and_resumes(acme, tmp_path, monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 2)
    path = write(tmp_path / "five", *(json.dumps({"content": f"fact {number}"}) for number in range(5)))
    whole, calls = importing.commit, []

    def stops(*args, **kwargs):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return whole(*args, **kwargs)

    monkeypatch.setattr(importing, "commit", stops)
    status, _, said = run(acme, path)
    assert status == 130
    assert "2 memories stored" in said
    assert len(contents(acme)) == 2
    monkeypatch.setattr(importing, "commit", whole)
    assert run(acme, path)[1] == {"stored": 3, "unchanged": 0, "skipped": 2, "refused": 0}
