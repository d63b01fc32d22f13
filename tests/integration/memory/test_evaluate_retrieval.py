"""`evaluate_retrieval` measures a set of every kind with the real search, and leaves nothing behind."""

import json
import os
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connections

pytestmark = pytest.mark.slow

NOTES = ("The ferry leaves at nine", "Bread is baked on Mondays", "The bridge is closed in winter")


@pytest.fixture
def paths(tmp_path):
    """One small set of each kind."""
    (tmp_path / "notes.tsv").write_text(
        "".join(
            f"{note}\t{question}\n"
            for note, question in zip(NOTES, ("ferry?", "bread?", "bridge?"), strict=True)
        )
        + "\tWho paints the boats?\n"
    )
    talk = {"session_1": [{"speaker": "An", "dia_id": f"D1:{n}", "text": t} for n, t in enumerate(NOTES)]}
    asked = [{"question": "When is bread baked?", "category": 1, "evidence": ["D1:1"]}]
    (tmp_path / "talk.json").write_text(json.dumps([{"sample_id": "one", "conversation": talk, "qa": asked}]))
    languages = tmp_path / "languages"
    languages.mkdir()
    for name, word in (("fr", "pont"), ("it", "ponte")):
        found = {"paragraphs": [f"{word} {n}" for n in NOTES], "questions": [[f"{word} bread", 1]]}
        (languages / f"{name}.json").write_text(json.dumps(found))
    beir = tmp_path / "beir"
    (beir / "qrels").mkdir(parents=True)
    (beir / "corpus.jsonl").write_text(
        "".join(json.dumps({"_id": f"d{n}", "text": note}) + "\n" for n, note in enumerate(NOTES))
    )
    (beir / "queries.jsonl").write_text('{"_id": "q", "text": "closed bridge"}\n')
    (beir / "qrels" / "test.tsv").write_text("q\td2\t1\n")
    documents = tmp_path / "documents"
    documents.mkdir()
    filler = "\n\n".join(
        f"Rope number {n} was coiled, weighed and hung up again by the crew." for n in range(200)
    )
    (documents / "harbour.txt").write_text("\n\n".join([filler, *NOTES, filler]))
    (documents / "mill.txt").write_text("The mill turns.")
    (documents / "questions.tsv").write_text("harbour\twhen does the ferry leave\tferry leaves at nine\n")
    return [tmp_path / name for name in ("notes.tsv", "talk.json", "languages", "beir", "documents")]


def evaluate(*args):
    out = StringIO()
    call_command("evaluate_retrieval", *map(str, args), stdout=out)
    return out.getvalue()


def databases():
    """The names of this process's databases; others run their tests at the same time."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"%\\_{os.getpid()}\\_%"])
        return {name for (name,) in cursor.fetchall()}


def test_a_set_of_every_kind_is_measured(committed_db, paths):
    before = databases()
    rows = [json.loads(line) for line in evaluate(*paths, "--json").splitlines()]
    assert databases() == before
    hybrid = {
        (row["kind"], row.get("haystack"), row.get("group")): row
        for row in rows
        if row["search_type"] == "hybrid" and "abstention" not in row
    }
    assert {place: row["questions"] for place, row in hybrid.items()} == {
        ("paraphrases", None, None): 3,
        ("locomo", None, None): 1,
        ("languages", "each alone", None): 2,
        ("languages", "each alone", "fr"): 1,
        ("languages", "each alone", "it"): 1,
        ("languages", "all together", None): 2,
        ("languages", "all together", "fr"): 1,
        ("languages", "all together", "it"): 1,
        ("beir", None, None): 1,
        ("documents", None, None): 1,
    }
    assert all(row["R@1"] == row["MRR"] == 1 for row in hybrid.values())
    assert hybrid["documents", None, None]["P@5"] == hybrid["documents", None, None]["prompt"] == 1
    silences = {row["kind"]: row for row in rows if "abstention" in row}
    # as many foreign questions as there are answerable ones, less the file's own
    assert (silences["paraphrases"]["questions"], silences["paraphrases"]["unanswerable"]) == (3, 3)
    assert set(silences["paraphrases"]["abstention"]) == {
        "precision",
        "recall",
        "recall own",
        "recall foreign",
    }
    assert silences["documents"]["abstention"]["recall own"] is None
    searches = {row["search_type"] for row in rows if row["kind"] == "paraphrases"}
    assert searches >= {
        "neural",
        "knowledge without relations",
        "hybrid without words",
        "hybrid without meaning",
    }


def test_tables_and_misses(committed_db, tmp_path):
    path = tmp_path / "notes.tsv"
    path.write_text(
        f"{NOTES[0]}\tWhen is bread baked on Mondays?\n{NOTES[1]}\tDoes the ferry leave at nine?\n"
    )
    found = evaluate(path, "--no-ablation", "--misses").splitlines()
    assert found[0] == "notes (paraphrases, 2 questions)"
    assert found[1].split() == ["search", "type", "R@1", "R@5", "R@10", "MRR", "nDCG@10"]
    assert found[-2:] == [
        "fact-1 at rank 2\tfact-2 first\tWhen is bread baked on Mondays?",
        "fact-2 at rank 2\tfact-1 first\tDoes the ferry leave at nine?",
    ]
