import json
from math import log2

import pytest

from memory.evaluation.beir import read_beir
from memory.evaluation.locomo import read_locomo
from memory.evaluation.measures import ndcg_at, precision_of, recall_at, reciprocal_rank, share_of
from memory.evaluation.types import UnreadableSet

SAMPLE = {
    "sample_id": "s",
    "conversation": {
        "session_2": [{"speaker": "Bo", "dia_id": "D2:1", "text": "Later", "blip_caption": "a boat"}],
        "session_2_date_time": "May",
        "session_1": [
            {"speaker": "An", "dia_id": "D1:1", "text": "Hi"},
            {"speaker": "Bo", "dia_id": "D1:2", "text": "Ho"},
        ],
        "session_1_date_time": "April",
    },
    "qa": [
        {"question": "Who?", "category": 1, "evidence": ["D1:2", "nowhere"]},
        {"question": "Trick", "category": 5, "evidence": ["D1:1"]},
        {"question": "Without", "category": 2, "evidence": []},
        {"question": "Malformed", "category": 2, "evidence": ["D:1"]},
    ],
}


@pytest.fixture
def conversation(tmp_path):
    path = tmp_path / "locomo.json"
    path.write_text(json.dumps([SAMPLE]))
    (found,) = read_locomo(path)
    return found


@pytest.fixture
def folder(tmp_path):
    """Write a BEIR folder."""

    def write(corpus, queries=({"_id": "q", "text": "?"},), qrels="query-id\tcorpus-id\tscore\nq\td1\t1\n"):
        lines = {"corpus.jsonl": corpus, "queries.jsonl": queries}
        for name, rows in lines.items():
            (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
        (tmp_path / "qrels").mkdir(exist_ok=True)
        (tmp_path / "qrels" / "test.tsv").write_text(qrels)
        return tmp_path

    return write


def links(collection):
    return [[link.external_id for link in draft.links] for draft in collection.drafts]


def test_turns_become_memories_in_session_order(conversation):
    assert [draft.external_id for draft in conversation.drafts] == ["D1:1", "D1:2", "D2:1"]
    last = conversation.drafts[-1]
    assert last.content == "Bo: Later [shares a boat]"
    assert last.metadata == {"speaker": "Bo", "session": 2, "date": "May", "dia_id": "D2:1"}


def test_links_follow_within_a_session_only(conversation):
    assert links(conversation) == [[], ["D1:1"], []]


def test_only_answerable_questions_are_asked(conversation):
    assert [(each.text, each.relevant) for each in conversation.questions] == [("Who?", {"D1:2": 1})]


@pytest.mark.parametrize("text", ["not json", '{"a": 1}', "[1]", '[{"conversation": {}}]'])
def test_invalid_locomo_file_is_reported(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(UnreadableSet, match=r"x\.json"):
        read_locomo(path)


def test_a_beir_folder(folder):
    corpus = [{"_id": "d1", "title": "Boots", "text": "are warm"}, {"_id": "d2", "title": "", "text": "no"}]
    queries = [{"_id": "q", "text": "warm?"}, {"_id": "unjudged", "text": "x"}]
    found = read_beir(folder(corpus, queries, "query-id\tcorpus-id\tscore\nq\td1\t2\nq\td2\t0\nq\tgone\t1\n"))
    assert [(draft.external_id, draft.content) for draft in found.drafts] == [
        ("d1", "Boots\nare warm"),
        ("d2", "no"),
    ]
    assert [(each.text, each.relevant) for each in found.questions] == [("warm?", {"d1": 2})]
    assert links(found) == [[], []]


def test_documents_of_one_session_follow_each_other(folder):
    corpus = [
        {"_id": name, "text": name, "metadata": {"meeting": meeting}}
        for name, meeting in (("d1", "a"), ("d2", "b"), ("d3", "a"))
    ]
    assert links(read_beir(folder(corpus))) == [[], [], ["d1"]]


def test_a_shared_title_makes_a_thread_and_stands_last(folder):
    corpus = [{"_id": name, "title": "Minutes", "text": f"Ann: {name}"} for name in ("d1", "d2")]
    found = read_beir(folder(corpus))
    assert found.drafts[1].content == "Ann: d2\nMinutes"
    assert (found.drafts[1].thread, links(found)) == ("Minutes", [[], ["d1"]])


def test_consecutive_ids_make_a_thread(folder):
    counted = [{"_id": f"{name}-{number}", "text": "x"} for name in "ab" for number in range(1, 6)]
    assert links(read_beir(folder(counted)))[:6] == [[], ["a-1"], ["a-2"], ["a-3"], ["a-4"], []]
    gaps = [{"_id": f"MED-{number}", "text": "x"} for number in (10, 14, 118, 301)]
    assert links(read_beir(folder(gaps))) == [[], [], [], []]
    numbered = [{"_id": f"doc-{number}", "text": "x"} for number in range(1, 5)]
    assert links(read_beir(folder(numbered))) == [[], [], [], []]


def test_a_bad_line_is_named(folder):
    path = folder([{"_id": "d1"}])
    with pytest.raises(UnreadableSet, match=r"corpus\.jsonl line 1"):
        read_beir(path)
    path = folder([{"_id": "d1", "text": "x"}], qrels="h\th\th\nq d1 1\n")
    with pytest.raises(UnreadableSet, match=r"test\.tsv line 2"):
        read_beir(path)


def test_measures():
    assert recall_at(["a", "b", "c"], {"b": 1, "z": 1}, 2) == 0.5
    assert recall_at(["a", "b", "c"], {"c": 1}, 2) == 0
    assert reciprocal_rank(["a", "b"], {"b": 1}) == 0.5
    assert reciprocal_rank(["a"], {"b": 1}) == 0
    assert ndcg_at(["a", "b"], {"a": 1}, 10) == 1
    assert ndcg_at(["a", "b"], {"b": 2, "z": 1}, 10) == pytest.approx((2 / log2(3)) / (2 + 1 / log2(3)))
    assert ndcg_at(["a", "b", "c"], {"c": 1}, 2) == 0


def test_abstention_is_measured_by_precision_and_recall():
    assert precision_of([True, True, False], [True, False, False]) == pytest.approx(2 / 3)
    assert precision_of([False], [False]) is None
    assert share_of([True, True, False]) == pytest.approx(2 / 3)
    assert share_of([]) is None
