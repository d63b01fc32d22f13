"""The reference: a Chroma server in its own virtual environment, with the same vectors in one collection."""

import base64
import http.client
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from liftos.bench.child import running
from liftos.bench.http.client import request_bytes
from liftos.bench.http.service import HOST, answers, free_port, wait_for
from liftos.bench.search.loading import Loaded
from liftos.bench.venv import ReferenceUnavailable, installed
from liftos.kernel.embedding.types import Vector

VERSION = "1.5.9"
BATCH = 2_000
_COLLECTIONS = "/api/v2/tenants/default_tenant/databases/default_database/collections"


class Chroma:
    """A running Chroma server with one collection."""

    def __init__(self, port: int) -> None:
        self.port = port
        # cosine, like ours; otherwise defaults
        made = self._post(_COLLECTIONS, {"name": "bench", "configuration": {"hnsw": {"space": "cosine"}}})
        self._collection = f"{_COLLECTIONS}/{made['id']}"

    def load(self, organisations: Sequence[Loaded]) -> None:
        """Add every organisation's memories, interleaved as in our table."""
        rows = [(place, row) for place, each in enumerate(organisations) for row in range(len(each.ids))]
        rows.sort(key=lambda at: (at[1] / len(organisations[at[0]].ids), at[0]))
        for start in tqdm(range(0, len(rows), BATCH), desc="Chroma", unit="batch", disable=None):
            batch = [(organisations[place], row) for place, row in rows[start : start + BATCH]]
            self._post(
                f"{self._collection}/add",
                {
                    "ids": [str(each.ids[row]) for each, row in batch],
                    "embeddings": [_base64(each.material.vectors[row]) for each, row in batch],
                    "documents": [each.material.contents[row] for each, row in batch],
                    "metadatas": [{"organisation": str(each.id)} for each, _ in batch],
                },
            )

    def request(self, vector: Vector, limit: int, *, organisation: object = None) -> str:
        """Return a query in the load generator's form, filtered by the organisation if given."""
        asked: dict[str, Any] = {"query_embeddings": [[float(value) for value in vector]], "n_results": limit}
        if organisation is not None:
            asked["where"] = {"organisation": str(organisation)}
        return request_bytes(
            "POST",
            f"{self._collection}/query",
            host=HOST,
            headers={"Content-Type": "application/json"},
            body=json.dumps(asked, separators=(",", ":")).encode(),
        )

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=300)
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            said = response.read()
        finally:
            connection.close()
        if response.status not in (200, 201):
            raise ReferenceUnavailable(f"Chroma answered {response.status}: {said[:300]!r}")
        return json.loads(said)


@contextmanager
def chroma(venv: Path, data: Path) -> Iterator[Chroma]:
    """Run a Chroma server for the duration of a block.

    Args:
        venv: from `chroma_venv`.
        data: directory for its data; created here, removed by the caller.
    """
    data.mkdir()
    port = free_port()
    command = [str(venv / "bin" / "chroma"), "run", "--path", str(data / "data"), "--host", HOST]
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(data),
        "ANONYMIZED_TELEMETRY": "False",
    }
    with running([*command, "--port", str(port)], log=data / "chroma.log", environment=environment) as child:
        wait_for(child, lambda: answers(port, "/api/v2/heartbeat"))
        yield Chroma(port)


def chroma_venv(given: str, home: Path) -> Path:
    """Return a virtual environment with Chroma. See `installed`."""
    return installed("chromadb", VERSION, program="chroma", given=given, home=home)


def _base64(vector: Vector) -> str:
    return base64.b64encode(np.asarray(vector, "<f4").tobytes()).decode()
