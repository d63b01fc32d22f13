"""After export and import, both organisations answer alike, now and as of any time in between."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import groupby
from operator import itemgetter
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from liftos.kernel.db.transactions import tenant_transaction
from memory.index.collection_statistics import clear_counts
from memory.models import Memory, MemoryVersion
from memory.transfer import importing
from tests.conftest import make_caller

ALL = "candidate,active,contested,rejected,superseded,expired"
WORDS = ["boots", "rain", "cocoa", "winter", "warehouse", "Bonn", "Ann", "newsletter"]


def move(giver, taker, path, **options):
    call_command("export_memories", giver.slug, path, stderr=StringIO(), **options)
    out = StringIO()
    call_command("import_memories", taker.slug, path, json=True, stdout=out, stderr=StringIO())
    clear_counts()
    return json.loads(out.getvalue())


def now():
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def names(caller):
    """Return a name for each memory that is the same in both: its place in the order of ids."""
    with tenant_transaction(caller.organisation):
        ids = Memory.objects.filter(head=None).order_by("id").values_list("id", flat=True)
        return {str(id_): place for place, id_ in enumerate(ids)}


def renamed(value, known):
    """Return JSON with ids replaced by names, without decision ids, which differ."""
    if isinstance(value, dict):
        return {
            key: renamed(each, known)
            for key, each in value.items()
            if key not in ("decision_id", "next") and not (key == "id" and each not in known)
        }
    if isinstance(value, list):
        return [renamed(each, known) for each in value]
    return known.get(value, value) if isinstance(value, str) else value


def ranked(hits, known):
    """Return hits by name in order; ties are sorted, because their order is unspecified."""
    told = [
        (round(hit["score"], 4), known[hit["id"]], hit["content"], hit["state"], hit["version"])
        for hit in hits
    ]
    return [sorted(equals) for _, equals in groupby(told, key=itemgetter(0))]


def everything(caller, instants):
    """Return a caller's view: lists, gets, histories and searches, now and at each instant."""
    known = names(caller)
    told = {}
    for at in ["", *instants]:
        then = f"&known_at={at}" if at else ""
        for states in (ALL, ""):
            listed = caller.get(f"/api/v1/memories?limit=200&states={states}{then}").json()["results"]
            told["list", at, states] = renamed(listed, known)
        for as_of in instants[::4]:
            truth = caller.get(f"/api/v1/memories?limit=200&as_of={as_of}{then}").json()["results"]
            told["truth", at, as_of] = renamed(truth, known)
        for word in WORDS[:4]:
            for search_type in ("neural", "knowledge"):
                asked = {"search_type": search_type, "limit": 50} | ({"known_at": at} if at else {})
                told["search", at, word, search_type] = ranked(caller.search(word, **asked), known)
    for memory in known:
        told["get", known[memory]] = renamed(caller.get(f"/api/v1/memories/{memory}").json(), known)
        history = caller.get(f"/api/v1/memories/{memory}/history?limit=100").json()["results"]
        # when a database wrote a version down is its own to say
        told["history", known[memory]] = renamed([each | {"written_at": None} for each in history], known)
    return told


def live(caller, steps):
    """Apply steps to an organisation's memories; return the instants between them."""
    ids, instants = [], [now()]
    for kind, which, word in steps:
        memory = ids[which % len(ids)] if ids else None
        path = f"/api/v1/memories/{memory}"
        if kind == "store" or memory is None:
            body = {
                "content": f"{WORDS[word]} number {len(instants)}",
                "tags": [WORDS[word]],
                "metadata": {"n": which},
            }
            if which % 3 == 0 and ids:
                body["derived_from"] = [memory]
            ids.append(caller.post("/api/v1/memories", body).json()["id"])
        elif kind == "revise":
            body = {"content": f"{WORDS[word]} said anew {len(instants)}", "reason": f"because {word}"}
            caller.client.patch(
                path, json.dumps(body), content_type="application/json",
                headers={"authorization": f"Bearer {caller.token}", "if-match": caller.get(path)["ETag"]},
            )  # fmt: skip
        elif kind == "tag":
            caller.client.patch(
                path, json.dumps({"importance": word / 10, "valid_to": now()}), content_type="application/json",
                headers={"authorization": f"Bearer {caller.token}", "if-match": caller.get(path)["ETag"]},
            )  # fmt: skip
        elif kind == "supersede":
            answer = caller.post(f"{path}/supersede", {"content": f"{WORDS[word]} instead {len(instants)}"})
            if answer.status_code == 201:
                ids.append(answer.json()["superseded_by"])
        elif kind == "erase":
            caller.delete(path)
            ids.remove(memory)
        else:
            caller.post(f"{path}/{kind}", {"reason": f"as {word} says"})
        instants.append(now())
    return instants


KINDS = ["store", "store", "store", "revise", "tag", "contest", "confirm", "reject", "supersede", "erase"]
STEPS = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 8), st.integers(0, len(WORDS) - 1)),
    min_size=6,
    max_size=10,
)


# no shrinking: an example takes seconds, and the question that failed is named
@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(steps=STEPS)
def test_both_organisations_answer_alike_at_every_time(db, tmp_path_factory, steps):
    # the database is one for all examples
    giver, taker = (make_caller(f"{name} {uuid4().hex[:8]}") for name in ("Giver", "Taker"))
    instants = live(giver, steps)
    counts = move(giver, taker, tmp_path_factory.mktemp("moved") / "all")
    assert counts["stored"] == len(names(giver))
    given_, taken = everything(giver, instants), everything(taker, instants)
    assert given_.keys() == taken.keys()
    for question, answer in given_.items():
        assert taken[question] == answer, question


LONG_LIFE = [
    ("store", 1, 0), ("store", 1, 1), ("revise", 0, 2), ("contest", 0, 0), ("revise", 0, 0), ("confirm", 0, 0), ("tag", 0, 3),
    ("store", 3, 4), ("supersede", 1, 5), ("reject", 2, 0), ("revise", 0, 6),
]  # fmt: skip


@pytest.mark.parametrize(("batch", "without_vectors"), [(1, True), (3, False)])
def test_a_long_life_goes_along_whatever_the_batch(
    acme, rival, tmp_path, monkeypatch, batch, without_vectors
):
    monkeypatch.setattr(importing, "BATCH", batch)
    instants = live(acme, LONG_LIFE)
    move(acme, rival, tmp_path / "all", without_vectors=without_vectors)
    assert everything(rival, instants) == everything(acme, instants)
    with tenant_transaction(rival.organisation):
        assert max(Memory.objects.filter(head=None).values_list("version", flat=True)) == 7
        assert MemoryVersion.objects.count() > 6


def test_on_to_a_third_and_again_it_is_still_the_same(acme, rival, tmp_path):
    third = make_caller("Third")
    instants = live(acme, LONG_LIFE)
    move(acme, rival, tmp_path / "first")
    move(rival, third, tmp_path / "second")
    assert everything(third, instants) == everything(acme, instants)
    assert move(acme, rival, tmp_path / "again") == {
        "stored": 0, "unchanged": len(names(acme)), "skipped": 0, "refused": 0,
    }  # fmt: skip
    assert everything(rival, instants) == everything(acme, instants)


def test_versions_lead_to_the_import_and_its_decision_is_in_the_log(acme, rival, tmp_path):
    live(acme, LONG_LIFE)
    move(acme, rival, tmp_path / "all")
    memory = min(names(rival))
    history = rival.get(f"/api/v1/memories/{memory}/history").json()["results"]
    assert len(history) == 7
    decisions = {each["decision_id"] for each in history}
    assert len(decisions) == 1
    assert rival.get(f"/api/v1/decisions/{decisions.pop()}").json()["operation"] == "memory.import"


def test_a_change_after_the_import_goes_on_from_the_version_that_came(acme, rival, tmp_path):
    live(acme, LONG_LIFE)
    move(acme, rival, tmp_path / "all")
    memory = min(names(rival))
    before = rival.get(f"/api/v1/memories/{memory}").json()["version"]
    assert rival.post(f"/api/v1/memories/{memory}/contest", {}).json()["version"] == before + 1
    history = rival.get(f"/api/v1/memories/{memory}/history").json()["results"]
    assert [each["version"] for each in history] == list(range(before + 1, 0, -1))
    assert rival.delete(f"/api/v1/memories/{memory}").status_code == 200
    with tenant_transaction(rival.organisation):
        assert not MemoryVersion.objects.filter(memory_id=UUID(memory)).exists()
        assert not Memory.objects.filter(head=UUID(memory)).exists()


def test_two_memories_of_one_rejected_value_both_go_along(acme, rival, tmp_path, monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 1)
    first = acme.store("Nobody reads the newsletter")
    acme.store("nobody reads the NEWSLETTER")
    instant = now()
    acme.post(f"/api/v1/memories/{first}/reject", {})
    assert move(acme, rival, tmp_path / "all")["stored"] == 2
    assert everything(rival, [instant]) == everything(acme, [instant])
    assert rival.post("/api/v1/memories", {"content": "Nobody reads the newsletter"}).status_code == 409


def test_a_file_of_the_first_format_is_read_as_before(acme, tmp_path):
    header = {"liftos": "liftos.memories", "version": 1, "organisation": str(acme.organisation)}
    earlier = (datetime.now(UTC) - timedelta(days=30)).isoformat()
    line = {"id": "0199e1a0-7c1e-7000-8000-000000000001", "content": "Boots sell", "recorded_at": earlier}
    path = tmp_path / "first"
    path.write_text(json.dumps(header | {"exported_at": earlier}) + "\n" + json.dumps(line) + "\n")
    call_command("import_memories", acme.slug, path, stdout=StringIO(), stderr=StringIO())
    [row] = acme.get("/api/v1/memories").json()["results"]
    assert (row["version"], row["recorded_at"], row["changed_at"]) == (
        1,
        row["changed_at"],
        row["recorded_at"],
    )
    between = (datetime.now(UTC) - timedelta(days=1)).isoformat().replace("+00:00", "Z")
    assert len(acme.get(f"/api/v1/memories?known_at={between}").json()["results"]) == 1


def test_a_memory_that_shows_nothing_goes_along_but_is_not_brought_in_alone(acme, rival, tmp_path):
    assert acme.post("/store", {"content": " \u200b "}).status_code == 200
    assert move(acme, rival, tmp_path / "all") == {"stored": 1, "unchanged": 0, "skipped": 0, "refused": 0}
    assert rival.get("/api/v1/memories").json()["results"][0]["embedding"] == "none"
    (tmp_path / "plain").write_text('{"content": "x"}\n{"content": " \u200b "}\n')
    with pytest.raises(CommandError, match=r"line 2: body\.content"):
        call_command("import_memories", acme.slug, tmp_path / "plain", stdout=StringIO(), stderr=StringIO())
