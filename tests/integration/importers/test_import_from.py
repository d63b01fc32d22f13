"""`manage.py import_from`: what other products exported is here, once, with its ids."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from liftos.importers.registry import READERS
from tests.integration.importers import samples


def run(kind, path, org, *options):
    out = StringIO()
    call_command("import_from", kind, str(path), "--org", org, "--json", *options, stdout=out)
    return json.loads(out.getvalue())


def stored(acme):
    found = acme.post("/api/v1/memories/query", {"limit": 200}).json()["results"]
    return {each["external_id"]: each for each in found}


EXPECTED = {
    "mem0": (2, {"memories without id or text": 1, "relations of the graph": 1}),
    "zep": (5, {"the section communities": 1}),
    "letta": (
        3,
        {
            "empty blocks": 1,
            "messages of the system and of tools, or without text": 1,
            "the section tools": 1,
        },
    ),
    "chatgpt": (2, {"images, audio and files": 1, "messages of other branches": 1}),
    "claude": (5, {"files without text": 1, "thoughts and uses of tools": 1, "instructions of projects": 1}),
    "mcp-memory": (3, {"lines that are neither entities nor relations": 1}),
    "obsidian": (2, {"files that are not notes": 1, "empty notes": 1}),
    "jsonl": (3, {"lines that are not objects with a text": 2}),
}


STRANGE = json.dumps(
    [
        {
            "id": 1, "mapping": {"a": {"message": {"author": "me", "content": 7}}}, "current_node": "a", "agents": [{"messages": 3}],
            "chat_messages": [{"uuid": [], "content": 3, "files": 7, "attachments": "x"}], "memory": {"a": 1}, "categories": 3,
        }
    ]
).encode()  # fmt: skip


def test_every_kind_has_a_sample():
    assert EXPECTED.keys() == READERS.keys()


@pytest.mark.parametrize("kind", list(EXPECTED))
def test_an_export_is_imported_once(acme, tmp_path, kind):
    path = getattr(samples, kind.replace("-", "_"))(tmp_path)
    count, left_out = EXPECTED[kind]
    dry = run(kind, path, acme.slug, "--dry-run")
    assert (dry["stored"], stored(acme)) == (count, {})
    first = run(kind, path, acme.slug)
    assert first == {"stored": count, "unchanged": 0, "refused": 0, "left_out": left_out, "refusals": []}
    again = run(kind, path, acme.slug)
    assert (again["stored"], again["unchanged"], len(stored(acme))) == (0, count, count)
    assert all(each["source"] for each in stored(acme).values())


def test_ids_times_threads_and_links_are_kept(acme, tmp_path):
    for kind in EXPECTED:
        run(kind, getattr(samples, kind.replace("-", "_"))(tmp_path), acme.slug)
    found = stored(acme)
    seat = found["4f1a"]
    assert (seat["source"], seat["thread"], seat["tags"]) == ("mem0", "trip-1", ["travel"])
    assert seat["metadata"] == {
        "user_id": "alice",
        "created_at": "2026-03-01T10:00:00-08:00",
        "channel": "chat",
    }
    fact = found["e-1"]
    assert (fact["valid_from"][:10], fact["valid_to"][:10]) == ("2020-01-01", "2024-01-01")
    assert {each["target"] for each in fact["links"]} == {found["n-1"]["id"], found["n-2"]["id"]}
    reply = found["msg-d"]
    assert (reply["thread"], reply["metadata"]["title"]) == ("chatgpt:conv-1", "Boots in the rain")
    assert reply["links"][0]["target"] == found["msg-b"]["id"]
    assert reply["metadata"]["created_at"].startswith("2026-03-01T08:00:00.5")
    assert found["m-1/1"]["content"] == "The budget is 7 million."
    assert found["memory:a-1"]["content"] == "Works in media."
    boots = found["Boots.md"]
    assert boots["metadata"] == {"title": "Boots", "rating": 4.5, "done": True, "aliases": ["Shoes"]}
    assert boots["tags"] == ["weather", "retail", "sales/shoes"]
    assert [each["external_id"] for each in boots["links"]] == ["People/Ada.md", "Missing note.md"]
    assert boots["links"][0]["target"] == found["People/Ada.md"]["id"]
    assert found["7"]["metadata"] == {"score": 3, "lang": "en"}
    assert found["x"]["source"] == "crm"
    assert (
        acme.search("who says that rain sells boots", filters={"rating": 4.5})[0]["external_id"] == "Boots.md"
    )


def test_refusals_are_named_and_do_not_stop_the_rest(acme, tmp_path):
    path = tmp_path / "lines.jsonl"
    path.write_text(
        '{"id": "a", "text": "one"}\n{"id": "b", "text": "two", "importance": 7}\n{"id": "c", "text": "three"}\n'
    )
    out = StringIO()
    with pytest.raises(CommandError, match="1 memories were refused"):
        call_command("import_from", "jsonl", str(path), "--org", acme.slug, stdout=out)
    assert "2 stored, 0 unchanged, 1 refused" in out.getvalue()
    assert "refused: b:" in out.getvalue()
    assert stored(acme).keys() == {"a", "c"}


@pytest.mark.parametrize("kind", list(EXPECTED))
def test_what_is_no_export_is_refused_with_the_reason(acme, tmp_path, kind):
    path = tmp_path / "other"
    for content in (
        b"\xff\xfe\x00",
        b"",
        b"{}",
        b'{"results": 7}',
        b"[1, null]",
        b'[{"mapping": {"a": 3}, "id": "x"}]',
    ):
        path.write_bytes(content)
        reason = ""
        try:
            assert run(kind, path, acme.slug)["stored"] == 0, content
        except CommandError as error:
            reason = str(error)
        assert not reason or "0 memories are stored" in reason, content
    with pytest.raises(CommandError, match="There is no"):
        run(kind, tmp_path / "missing", acme.slug)
    assert stored(acme) == {}


def test_hidden_instructions_of_paths_do_not_leave_the_vault(acme, tmp_path):
    vault = samples.obsidian(tmp_path)
    (tmp_path / "secret.md").write_text("outside")
    (vault / "linked.md").symlink_to(tmp_path / "secret.md")
    (vault / "note.md").write_text("[[../secret]] stays a name")
    run("obsidian", vault, acme.slug)
    found = stored(acme)
    assert "outside" not in [each["content"] for each in found.values()]
    assert [each["target"] for each in found["note.md"]["links"]] == [None]
