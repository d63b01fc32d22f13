"""Export, import and re-embedding keep memories findable, without duplicates."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.embedding import get_manager, reset_manager
from memory.index.collection_statistics import clear_counts
from memory.index.embeddings import clear_choices
from memory.models import Memory, MemoryVector
from memory.transfer import importing
from tests.conftest import make_caller

TEXTS = [
    "Boots sell in rain", "Rain lifts sales of rubber boots", "Television is dear", "The Nordlicht campaign paid off",
    "Salaries rise in spring", "The warehouse in Bonn is full", "Ann runs the warehouse", "Nobody reads the newsletter",
]  # fmt: skip
QUERIES = ["when do boots sell", "did nordlicht pay off", "who runs the warehouse", "newsletter", "spring"]


def fill(caller):
    ids = [
        caller.store(
            text, source="s", external_id=str(number), metadata={"n": number, "session": number % 2}, tags=["t"],
            links=[{"kind": "follows", "external_id": str(number - 1)}] if number else [],
        )
        for number, text in enumerate(TEXTS)
    ]  # fmt: skip
    caller.store("What was made of the first", derived_from=[ids[0]])
    caller.post(f"/api/v1/memories/{ids[2]}/contest", {})
    caller.post(f"/api/v1/memories/{ids[7]}/reject", {})
    caller.post(f"/api/v1/memories/{ids[5]}/supersede", {"content": "The warehouse in Bonn is empty"})
    return ids


def export(caller, path, **options):
    call_command("export_memories", caller.slug, path, stderr=StringIO(), **options)


def load(caller, path, **options):
    """Import; with refused lines it prints its counts and then fails."""
    out, refusal = StringIO(), ""
    try:
        call_command(
            "import_memories", caller.slug, path, json=True, stdout=out, stderr=StringIO(), **options
        )
    except CommandError as error:
        if not out.getvalue():
            raise
        refusal = str(error)
    clear_counts()
    counts = json.loads(out.getvalue())
    assert bool(counts["refused"]) is ("lines refused" in refusal)
    return counts


def answers(caller):
    return {
        (query, search_type): [
            (hit["content"], round(hit["score"], 5), hit["state"])
            for hit in caller.search(query, search_type=search_type)
        ]
        for query in QUERIES
        for search_type in ("neural", "knowledge", "hybrid")
    }


def shown(caller):
    """Return all memories without their ids."""
    rows = caller.get("/api/v1/memories?limit=200&states=active,contested,rejected,superseded").json()[
        "results"
    ]
    names = {row["id"]: row["content"] for row in rows}
    for row in rows:
        row["superseded_by"] = names.get(row["superseded_by"])
        for link in row["links"]:
            link["target"] = names.get(link["target"])
        for name in ("id", "embedding"):
            row.pop(name)
    return rows


def test_an_export_in_an_empty_organisation_is_found_as_before(acme, rival, tmp_path):
    fill(acme)
    export(acme, tmp_path / "all")
    assert load(rival, tmp_path / "all") == {"stored": 10, "unchanged": 0, "skipped": 0, "refused": 0}
    assert answers(rival) == answers(acme)
    assert any(answers(acme).values())
    assert shown(rival) == shown(acme)
    assert rival.post("/api/v1/memories", {"content": "nobody READS the newsletter"}).status_code == 409


def test_without_vectors_it_is_the_same_and_smaller(acme, rival, tmp_path):
    fill(acme)
    export(acme, tmp_path / "with")
    export(acme, tmp_path / "without", without_vectors=True)
    assert (tmp_path / "without").stat().st_size < (tmp_path / "with").stat().st_size / 2
    load(rival, tmp_path / "without")
    assert [hit["content"] for hit in rival.search("boots rain", search_type="neural", limit=2)] == [
        hit["content"] for hit in acme.search("boots rain", search_type="neural", limit=2)
    ]


def test_the_same_file_again_changes_nothing(acme, rival, tmp_path):
    fill(acme)
    export(acme, tmp_path / "all")
    load(rival, tmp_path / "all")
    before = shown(rival)
    assert load(rival, tmp_path / "all")["skipped"] == 10
    assert load(rival, tmp_path / "all", again=True) == {
        "stored": 0,
        "unchanged": 10,
        "skipped": 0,
        "refused": 0,
    }
    assert load(acme, tmp_path / "all", again=True)["stored"] == 0
    assert shown(rival) == before


def test_a_broken_off_import_goes_on_where_it_was(acme, tmp_path, monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 3)
    path = tmp_path / "plain"
    path.write_text("".join(json.dumps({"content": f"case {number}"}) + "\n" for number in range(10)))
    whole = importing.commit
    calls = []

    def breaks(*args, **kwargs):
        calls.append(1)
        if len(calls) == 3:
            raise RuntimeError("killed")
        return whole(*args, **kwargs)

    monkeypatch.setattr(importing, "commit", breaks)
    with pytest.raises(RuntimeError):
        load(acme, path)
    monkeypatch.setattr(importing, "commit", whole)
    assert load(acme, path) == {"stored": 4, "unchanged": 0, "skipped": 6, "refused": 0}
    with tenant_transaction(acme.organisation):
        assert sorted(Memory.objects.values_list("content", flat=True)) == [
            f"case {number}" for number in range(10)
        ]
    path.write_text(path.read_text().replace("case 7", "case x"))
    with pytest.raises(CommandError, match="has changed"):
        load(acme, path)


def test_a_bad_line_loses_only_itself_and_stands_in_the_errors(acme, tmp_path):
    path = tmp_path / "some"
    bad = ["{", '{"content": 5}', '{"content": "x", "vector": 5}', '{"content": "a", "id": "no"}', "[]",
           '{"content": "x", "state": "unheard"}', '{"content": "x", "recorded_at": "2999-01-01T00:00:00Z"}']  # fmt: skip
    path.write_text("\n".join(['{"content": "good"}', *bad, "", '{"content": "good too"}']) + "\n")
    assert load(acme, path) == {"stored": 2, "unchanged": 0, "skipped": 0, "refused": len(bad)}
    errors = [json.loads(line) for line in Path(f"{path}.errors").read_text().splitlines()]
    assert [each["line"] for each in errors] == list(range(2, 2 + len(bad)))
    assert {each["status"] for each in errors} == {422}


def test_a_dry_run_tells_all_and_stores_nothing(acme, tmp_path):
    memory = acme.store("Refused value")
    acme.post(f"/api/v1/memories/{memory}/reject", {})
    path = tmp_path / "some"
    path.write_text('{"content": "good"}\n{"content": "REFUSED value"}\n')
    assert load(acme, path, dry_run=True) == {"stored": 1, "unchanged": 0, "skipped": 0, "refused": 1}
    assert acme.search("good", search_type="knowledge") == []
    assert load(acme, path)["stored"] == 1
    # the errors are those of the last run, not of both
    assert len(Path(f"{path}.errors").read_text().splitlines()) == 1


def test_an_import_raises_no_trust_and_brings_back_nothing_erased(acme, rival, tmp_path):
    ids = fill(acme)
    export(acme, tmp_path / "all")
    acme.delete(f"/api/v1/memories/{ids[0]}")
    acme.post(f"/api/v1/memories/{ids[1]}/reject", {})
    counts = load(acme, tmp_path / "all")
    # the erased one, the rejected one, and what was derived from the erased one is there already
    assert (counts["stored"], counts["refused"]) == (0, 2)
    errors = [
        json.loads(line)["error"]["code"] for line in Path(f"{tmp_path}/all.errors").read_text().splitlines()
    ]
    assert sorted(errors) == ["memory.erased", "memory.value_rejected"]
    assert acme.get(f"/api/v1/memories/{ids[0]}").status_code == 404
    assert acme.get(f"/api/v1/memories/{ids[1]}").json()["state"] == "rejected"


def test_an_export_goes_on_after_its_last_whole_line(acme, tmp_path):
    fill(acme)
    export(acme, tmp_path / "whole")
    whole = (tmp_path / "whole").read_bytes()
    (tmp_path / "part").write_bytes(whole[: len(whole) // 2])
    export(acme, tmp_path / "part", resume=True)
    assert [json.loads(line).get("id") for line in (tmp_path / "part").read_text().splitlines()] == [
        json.loads(line).get("id") for line in whole.decode().splitlines()
    ]
    with pytest.raises(CommandError, match="already exists"):
        export(acme, tmp_path / "part")


def test_what_is_no_export_of_ours_is_said(acme, tmp_path):
    path = tmp_path / "other"
    path.write_text('{"liftos": "something else", "version": 9}\n')
    with pytest.raises(CommandError, match="not an export"):
        load(acme, path)
    with pytest.raises(CommandError, match="does not exist"):
        load(acme, tmp_path / "nowhere")
    with pytest.raises(CommandError):
        call_command("import_memories", "nobody", path)


@pytest.fixture
def movers(committed_db):
    """Two callers whose transactions commit, because a move waits for other transactions to end."""
    return make_caller("Acme"), make_caller("Rival")


@pytest.fixture
def two_models(settings):
    settings.LIFTOS_EMBEDDERS = {"small": {"embedder": "hashing", "options": {"dimension": 64}}}
    reset_manager()
    clear_choices()
    yield
    reset_manager()
    clear_choices()


def reembed(caller, **options):
    out = StringIO()
    call_command("reembed", caller.slug, without_index=True, stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


def test_an_organisation_moves_to_another_model_and_back(movers, two_models):
    acme, rival = movers
    fill(acme)
    fill(rival)
    before = answers(acme)
    assert "vectors computed" in reembed(acme, to="small")
    small, default = get_manager("small").model, get_manager().model
    assert small.dimension == 64 != default.dimension
    for query in ("boots", "warehouse"):
        found = acme.search(query, search_type="neural")
        assert len(found) == len(acme.search(query, search_type="neural", limit=100)) > 5
    assert answers(rival) == before
    stored = acme.store("Stored after the move")
    with tenant_transaction(acme.organisation):
        [vector] = MemoryVector.objects.filter(memory_id=stored)
        assert len(vector.embedding) == 64
    assert acme.search("Stored after the move", search_type="neural")[0]["id"] == stored
    acme.delete(f"/api/v1/memories/{stored}")
    reembed(acme, drop=True)
    assert answers(acme) == before
    with tenant_transaction(acme.organisation):
        assert {len(each.embedding) for each in MemoryVector.objects.all()} == {default.dimension}


def test_a_store_that_was_embedded_before_the_flip_is_healed_after_it(movers, two_models):
    acme, _ = movers
    from liftos.kernel.tenancy.types import SYSTEM
    from memory.operations import commit_one, prepare
    from memory.reembedding import flip, heal_pending
    from memory.types import EmbeddingState, MemoryDraft

    prepared = prepare(acme.organisation, [MemoryDraft("Between two models")])
    flip(organisation=acme.organisation, by=SYSTEM, manager=get_manager("small"))
    stored = commit_one(organisation=acme.organisation, by=SYSTEM, prepared=prepared)
    assert stored.embedding is EmbeddingState.PENDING
    assert [hit["id"] for hit in acme.search("between models", search_type="knowledge")] == [str(stored.id)]
    assert heal_pending(organisation=acme.organisation) == 1
    assert [hit["id"] for hit in acme.search("between models", search_type="neural")] == [str(stored.id)]


def test_a_model_nobody_gives_leaves_words_and_says_so(movers, two_models, settings):
    acme, _ = movers
    acme.store("Boots sell in rain")
    reembed(acme, to="small")
    settings.LIFTOS_EMBEDDERS = {}
    reset_manager()
    clear_choices()
    answer = acme.post("/api/v1/search", {"query": "boots"}).json()
    assert answer["degraded"] == ["embedding"]
    assert len(answer["results"]) == 1
    assert acme.post("/api/v1/memories", {"content": "More boots"}).json()["embedding"] == "pending"


def test_an_embedder_that_is_not_configured_is_an_error(acme, two_models):
    with pytest.raises(CommandError, match="has no"):
        reembed(acme, to="unheard")
    with pytest.raises(CommandError, match="No organisation"):
        call_command("reembed", "nobody", to="small")
    with pytest.raises(CommandError, match="--all"):
        call_command("reembed", to="small")
