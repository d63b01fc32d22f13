"""Documents and turns are answered by their own routes after an export and import."""

import json

import pytest
from django.core.management import CommandError, call_command

from tests.factories.files import make_docx, paragraph
from tests.factories.principals import group_of, key_of, principal_of

pytestmark = [pytest.mark.django_db, pytest.mark.embeds_in_a_transaction]
TURNS = "/api/v1/conversations/call-7/turns"


def move(giver, taker, path):
    call_command("export_memories", giver.slug, str(path))
    call_command("import_memories", taker.slug, str(path))


def stored(response, status=201):
    assert response.status_code == status, response.content
    return response.json()


def only_document(caller):
    [memory] = caller.get("/api/v1/memories?memory_type=document").json()["results"]
    return caller.get(f"/api/v1/documents/{memory['id']}")


def test_documents_go_along_with_what_is_known_of_their_files(acme, rival, tmp_path):
    first = make_docx(paragraph("Boots sell in rain"))
    stored(acme.upload(first, "a.docx", query="?external_id=d&title=Report"))
    stored(
        acme.upload(make_docx(paragraph("Umbrellas too")), "b.docx", query="?external_id=d&title=Report"), 200
    )
    before = stored(only_document(acme), 200)
    move(acme, rival, tmp_path / "m.jsonl")
    after = stored(only_document(rival), 200)
    assert before | {"id": after["id"]} == after
    passages = stored(rival.get(f"/api/v1/documents/{after['id']}/passages"), 200)["results"]
    assert [each["text"] for each in passages] == ["Umbrellas too"]
    assert rival.get(f"/api/v1/documents/{after['id']}/original").status_code == 404
    # the file is known: sent again it is unchanged, and another one is a new version
    again = stored(
        rival.upload(make_docx(paragraph("Umbrellas too")), "b.docx", query="?external_id=d&title=Report"),
        200,
    )
    assert (again["id"], again["outcome"]) == (after["id"], "unchanged")
    changed = stored(rival.upload(first, "c.docx", query="?external_id=d"), 200)
    assert (changed["outcome"], changed["version"]) == ("changed", before["version"] + 1)


def test_turns_keep_their_places_in_their_scope(acme, rival, tmp_path):
    for caller in (acme, rival):
        principal_of(caller, "alice", group_of(caller, "sales"))
    alice = key_of(acme, principal_of(acme, "al"))
    said = [{"role": "user", "name": "Ada", "content": "When?"}, {"role": "assistant", "content": "At ten"}]
    stored(acme.post(TURNS, {"turns": said}))
    stored(acme.post(TURNS, {"role": "user", "content": "Thanks"}))
    erased = acme.get(TURNS).json()["results"][1]["id"]
    assert acme.delete(f"/api/v1/memories/{erased}").status_code == 200
    stored(alice.post(TURNS, {"role": "user", "content": "Hush", "visible_to": {"principal": "al"}}))
    other = key_of(rival, principal_of(rival, "al"))
    # the thread is not empty there: what comes takes its number if that is free
    stored(rival.post(TURNS, {"role": "user", "content": "Earlier"}))
    move(acme, rival, tmp_path / "m.jsonl")
    turns = [
        (each["number"], each["role"], each["name"], each["content"])
        for each in rival.get(TURNS).json()["results"]
    ]
    assert turns == [(1, "user", "", "Earlier"), (2, "user", "Ada", "When?"), (3, "user", "", "Thanks")]
    assert "Hush" in [each["content"] for each in other.get(TURNS).json()["results"]]
    # the conversation goes on
    assert stored(rival.post(TURNS, {"role": "user", "content": "And now?"}))["turns"][0]["number"] == 4
    # the file can be imported again; an invalid part refuses its line
    call_command("import_memories", rival.slug, str(tmp_path / "m.jsonl"), again=True)
    assert len(rival.get(TURNS).json()["results"]) == 4
    header, line, *_ = (tmp_path / "m.jsonl").read_text().splitlines()
    bad = tmp_path / "bad.jsonl"
    bad.write_text(header + "\n" + json.dumps(json.loads(line) | {"turn": {"number": 0, "role": "x"}}) + "\n")
    with pytest.raises(CommandError, match=r"turn\.number"):
        call_command("import_memories", rival.slug, str(bad))
