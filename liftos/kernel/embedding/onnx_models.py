"""ONNX models from installed packages, which are read as data and never imported; one per process, and fork-safe."""

import ctypes
import hashlib
import os
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Generic, TypeVar

from liftos.kernel.embedding.errors import EmbedderUnavailable
from liftos.kernel.embedding.text import clean_text
from liftos.kernel.embedding.types import Extent

UNKNOWN = "[UNK]"
MAX_WORD = 100  # longer words are unknown to BERT's tokeniser
# above this share of characters in unknown words, texts of one script can't be told apart (docs/decisions/0027)
MAX_UNKNOWN = 0.5

Loaded = TypeVar("Loaded")


def package_file(package: str, name: str, sha256: str, install: str) -> Path:
    """Return the path of an installed package's data file after verifying its digest, without importing the package.

    Args:
        package: its import name.
        name: the file's path in it.
        sha256: of the tested file.
        install: how to install the package, for the error.

    Raises:
        EmbedderUnavailable: the package is not installed.
        RuntimeError: the file is missing or another one.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EmbedderUnavailable(
            f"The configured embedder needs the package {package}, which is not installed: {install}"
        )
    path = Path(spec.submodule_search_locations[0]) / name
    if not path.is_file():
        raise RuntimeError(f"{path} is missing: install the tested release of {package} ({install})")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise RuntimeError(f"{path} is not the file tested with this release (sha256 {found})")
    return path


def open_session(weights: Path, threads: int) -> Any:
    """Return an onnxruntime session that leaves memory and idle cores to others.

    Args:
        weights: the ONNX file.
        threads: cores used per call.
    """
    # read by onnxruntime at import; otherwise it writes a device id to the user's cache directory and reports home
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    # imported late, to save 40 MB in processes that never embed
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # the arena never releases memory: 850 MB after a batch of long texts
    options.enable_cpu_mem_arena = False
    # spinning threads are 10% faster but take a core from Postgres
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
    return_free_memory()
    return session


def extent_of(tokenizer: Any, text: str, limit: int) -> Extent:
    """Return how much of a text a BERT model reads.

    It reads nothing of a text most of whose letters are in words unknown to the vocabulary: that text would have the same
    vector as any other such text.

    Args:
        tokenizer: of the package tokenizers, truncating at `limit`.
        text: any string.
        limit: tokens that the model reads, including the first and last.
    """
    if text.isascii() and len(text) <= limit - 2 and max(map(len, text.split()), default=0) <= MAX_WORD:
        # at most one token per character, all in the vocabulary; saves 60 us
        return Extent.WHOLE
    cleaned = clean_text(text)
    # not encode_batch: it starts a thread pool that does not survive a fork
    encoding = tokenizer.encode(cleaned)
    if UNKNOWN in encoding.tokens:
        spans = list(zip(encoding.tokens, encoding.offsets, strict=True))
        sizes = [_size(cleaned[start:end]) for _, (start, end) in spans]
        unknown = sum(size for (token, _), size in zip(spans, sizes, strict=True) if token == UNKNOWN)
        if unknown > MAX_UNKNOWN * sum(sizes):
            return Extent.NOTHING
    return Extent.PART if encoding.overflowing or len(cleaned) < len(text) else Extent.WHOLE


def _size(word: str) -> int:
    """Return the number of characters, without ASCII digits and punctuation, which occur in every script."""
    return sum(not each.isspace() and (each.isalpha() or not each.isascii()) for each in word)


def return_free_memory() -> None:
    """Return free heap memory to the system, 60 MB after loading a model; glibc only."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError):
        return


class PerProcess(Generic[Loaded]):
    """Models loaded once per process and number of threads, for all embedders and threads of a kind."""

    def __init__(self, load: Callable[[int], Loaded]) -> None:
        """Create an empty collection; `load` gets the number of threads."""
        self._load = load
        self._loaded: dict[int, Loaded] = {}
        self._loading = threading.Lock()
        os.register_at_fork(after_in_child=self._after_fork)

    def get(self, threads: int) -> Loaded:
        """Return the model, loaded on first use."""
        model = self._loaded.get(threads)
        if model is None:
            with self._loading:
                model = self._loaded.get(threads)
                if model is None:
                    model = self._loaded[threads] = self._load(threads)
        return model

    def _after_fork(self) -> None:
        """Start without a model in a child: the session's threads do not exist there, and the lock may have been held."""
        # Leak it: the destructor would wait forever for those threads. (onnxruntime also aborts if a child that inherited
        # a session ends with exit() instead of _exit(). Fork before the first embedding, as gunicorn and Celery do.)
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._loaded))
        self._loaded = {}
        self._loading = threading.Lock()
