"""Embeddings from any endpoint compatible with OpenAI's /v1/embeddings."""

import contextlib
import json
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from liftos.kernel.deadlines import check_deadline
from liftos.kernel.embedding.errors import DimensionMismatch, EmbedderUnavailable
from liftos.kernel.embedding.text import MAX_CHARACTERS, clean_text, unit_rows
from liftos.kernel.embedding.types import ModelInfo, Profile, Vectors
from liftos.kernel.http import client
from liftos.kernel.telemetry.tracing.tracer import TRACER

logger = logging.getLogger("liftos.kernel.embedding")

BATCH_TEXTS = 256
MAX_RESPONSE_BYTES = 64 * 1024 * 1024  # 256 vectors of 4,096 numbers in JSON are 23 MB
MAX_RETRY_WAIT_S = 5.0
RETRIED = frozenset({429, 500, 502, 503, 504})


class OpenAiCompatibleEmbedder:
    """A hosted or local model behind `POST {url}` with `{"model", "input"}`.

    Retries once after 429 and 5xx, after Retry-After but at most 5 s. Failures reach callers as `EmbedderUnavailable`
    without details; the log contains the status, never the key or a text.
    """

    def __init__(
        self,
        *,
        url: str,
        model: str,
        dimension: int,
        api_key: str = "",
        timeout: float = 10.0,
        version: str = "",
        send_dimension: bool = False,
        max_characters: int = MAX_CHARACTERS,
        **profile: Any,
    ) -> None:
        """Describe the endpoint; nothing is sent.

        Args:
            url: http or https, either complete or the base to which "/embeddings" is appended (".../v1").
            model: name known to the endpoint.
            dimension: of the vectors; others are rejected.
            api_key: sent as a bearer token unless empty.
            timeout: seconds per request, including connecting and reading.
            version: moves when the model behind the name does; by default the dimension.
            send_dimension: ask the endpoint for `dimension` numbers (models that can be shortened).
            max_characters: of a text, the rest is dropped.
            profile: fields of `Profile`, such as query_prefix.

        Raises:
            TypeError: an unknown option.
            ValueError: url is not http or https, dimension or timeout is not positive, or the profile is invalid.
        """
        if urlsplit(url).scheme not in {"http", "https"}:
            raise ValueError("the embedding endpoint's url must begin with http:// or https://")
        if dimension < 1 or timeout <= 0:
            raise ValueError("dimension and timeout must be positive")
        self.profile = Profile(**profile)
        self.model = ModelInfo(
            name=model, version=self.profile.marked(version or f"{dimension}d"), dimension=dimension
        )
        self._url = url if url.rstrip("/").endswith("/embeddings") else url.rstrip("/") + "/embeddings"
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._timeout = timeout
        self._send_dimension = send_dimension
        self._max_characters = max_characters

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one vector for each text, 256 texts per request. See `Embedder.embed`."""
        vectors = np.empty((len(texts), self.model.dimension), dtype=np.float32)
        for start in range(0, len(texts), BATCH_TEXTS):
            check_deadline()
            part = texts[start : start + BATCH_TEXTS]
            vectors[start : start + len(part)] = self._embed_part(part)
        return vectors

    def _embed_part(self, texts: Sequence[str]) -> Vectors:
        body: dict[str, Any] = {
            "model": self.model.name,
            # an empty input is a 400 for the whole batch
            "input": [clean_text(text, self._max_characters) or " " for text in texts],
            "encoding_format": "float",
        }
        if self._send_dimension:
            body["dimensions"] = self.model.dimension
        answer = self._post(json.dumps(body).encode())
        try:
            rows = _rows(answer, len(texts))
            wrong = [row.shape for row in rows if row.shape != (self.model.dimension,)]
            if not wrong:
                return unit_rows(np.stack(rows))
        except (ValueError, KeyError, TypeError) as error:
            logger.warning("invalid answer from the embedding endpoint: %s", type(error).__name__)
            raise EmbedderUnavailable from None
        raise DimensionMismatch(
            f"The embedding endpoint returned shape {wrong[0]}, not {self.model.dimension} numbers."
        )

    def _post(self, body: bytes) -> bytes:
        """Send a request, retrying once after a transient failure."""
        traceparent = TRACER.traceparent()
        headers = self._headers | {"Traceparent": traceparent} if traceparent else self._headers
        for last in (False, True):
            try:
                answer = client.post(
                    self._url, body, headers=headers, timeout=self._timeout, max_bytes=MAX_RESPONSE_BYTES
                )
            except client.NoAnswer as error:
                logger.warning("the embedding endpoint can't be reached: %s", error)
                break
            if answer.is_success:
                return answer.body
            logger.warning("the embedding endpoint answered %d", answer.status)
            if last or answer.status not in RETRIED:
                break
            time.sleep(_retry_after(answer.headers))
        raise EmbedderUnavailable


def _rows(answer: bytes, count: int) -> list[NDArray[np.float64]]:
    """Return an answer's vectors in the order of the input, which is given by `index`."""
    items = sorted(json.loads(answer)["data"], key=lambda item: item["index"])
    if [item["index"] for item in items] != list(range(count)):
        raise ValueError("an index is missing or repeated")
    return [np.asarray(item["embedding"], dtype=np.float64) for item in items]


def _retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds to wait; a date in Retry-After, which RFC 9110 also allows, is ignored."""
    seconds = 0.5
    with contextlib.suppress(ValueError):
        seconds = float(headers.get("Retry-After") or seconds)
    return min(max(seconds, 0.0), MAX_RETRY_WAIT_S)
