"""bge-small-en-v1.5, with its real weights."""

import subprocess
import sys

import numpy as np
import pytest

from liftos.kernel.embedding import BgeSmallEmbedder, EmbeddingManager, TextKind, bge

EMBEDDER = BgeSmallEmbedder()


def test_vectors_match_the_model_info():
    vectors = EMBEDDER.embed(["one", "two words", ""])

    assert vectors.shape == (3, EMBEDDER.model.dimension) == (3, 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_empty_batch_gives_no_vectors():
    assert EMBEDDER.embed([]).shape == (0, 384)


@pytest.mark.parametrize("text", ["", " ", "\x00", "\ud800", "a\udfffb", "😀" * 50, "[SEP] [MASK]", "\u202e"])
def test_any_text_has_a_finite_unit_vector(text):
    vector = EMBEDDER.embed([text])[0]

    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)


def test_vector_does_not_depend_on_the_batch():
    texts = [f"sentence number {number} about " + "rain " * (number % 7) for number in range(30)]
    alone = np.concatenate([EMBEDDER.embed([text]) for text in texts])

    together = EMBEDDER.embed([*texts, "a much longer text " * 100])[:-1]

    np.testing.assert_array_equal(together, alone)


def test_vector_does_not_depend_on_the_number_of_threads():
    texts = ["a text", "a longer text about something else, " * 20]

    np.testing.assert_allclose(BgeSmallEmbedder(threads=1).embed(texts), EMBEDDER.embed(texts), atol=1e-5)


def test_a_question_finds_the_passage_that_answers_it():
    manager = EmbeddingManager(embedder=EMBEDDER)
    passages = [
        "Nightly dumps of the database are copied to another data centre.",
        "The cafeteria serves vegetarian food on Fridays.",
        "Invoices are paid within thirty days.",
    ]
    documents = manager.embed_many(passages, kind=TextKind.DOCUMENT)

    for place, question in enumerate(
        ["how do we back up?", "what is for lunch?", "when do we settle bills?"]
    ):
        assert int(np.argmax(documents @ manager.embed(question, kind=TextKind.QUERY))) == place


def test_query_and_document_of_one_text_differ():
    manager = EmbeddingManager(embedder=EMBEDDER)

    query, document = manager.embed("backups", kind=TextKind.QUERY), manager.embed("backups")

    assert 0.5 < query @ document < 0.99


def test_case_and_text_beyond_512_word_pieces_are_ignored():
    long = "word " * 600
    vectors = EMBEDDER.embed(["A Dog", "a dog", long, long + "x" * 100_000, "word " * 400])

    np.testing.assert_array_equal(vectors[0], vectors[1])
    np.testing.assert_array_equal(vectors[2], vectors[3])
    assert not np.array_equal(vectors[2], vectors[4])


@pytest.mark.parametrize(("digest", "file"), [("WEIGHTS_SHA256", "onnx"), ("TOKENIZER_SHA256", "json")])
def test_modified_model_file_is_refused(monkeypatch, digest, file):
    monkeypatch.setattr(bge, digest, "0" * 64)

    with pytest.raises(RuntimeError, match=rf"\.{file} is not the file"):
        bge._Runtime(1)


def test_the_package_is_never_imported():
    program = (
        "import sys; from liftos.kernel.embedding import BgeSmallEmbedder as B; B().embed(['a text']); "
        "print({'compartment', 'mcp', 'nacl'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"


def test_forked_child_loads_its_own_model():
    program = (
        "import os, sys\n"
        "from liftos.kernel.embedding import BgeSmallEmbedder\n"
        "e = BgeSmallEmbedder()\n"
        "before = e.embed(['a text'])[0]\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    os._exit(0 if (e.embed(['a text'])[0] == before).all() else 1)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )

    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0
