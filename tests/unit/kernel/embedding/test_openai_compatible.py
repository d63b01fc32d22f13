"""An OpenAI-compatible endpoint, against a local server."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from liftos.kernel.embedding import DimensionMismatch, EmbedderUnavailable, OpenAiCompatibleEmbedder
from liftos.kernel.telemetry.tracing.tracer import TRACER

pytestmark = pytest.mark.enable_socket


class Endpoint(ThreadingHTTPServer):
    """A server with prepared answers (status, headers, body), repeating the last, that records requests."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = []
        self.requests = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.path, dict(self.headers), body))
        answers = self.server.answers
        status, headers, answer = (
            (answers.pop(0) if len(answers) > 1 else answers[0]) if answers else (200, {}, None)
        )
        if answer is None:
            items = [
                {"index": place, "embedding": [len(text), 1.0, 0.0]}
                for place, text in enumerate(body["input"])
            ]
            answer = json.dumps({"data": items[::-1]})
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.encode())

    do_GET = do_POST  # noqa: N815  http.server's name

    def log_message(self, *_args):
        pass


@pytest.fixture
def endpoint():
    with Endpoint() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def embedder(endpoint, **options):
    return OpenAiCompatibleEmbedder(
        **{"url": endpoint.url, "model": "m", "dimension": 3, "api_key": "hush", "timeout": 5.0} | options
    )


def test_texts_become_unit_vectors_in_the_order_of_the_texts(endpoint):
    vectors = embedder(endpoint).embed(["a", "bbb"])

    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(vectors[:, 0] / vectors[:, 1], [1, 3], rtol=1e-6)
    path, headers, body = endpoint.requests[0]
    assert path == "/v1/embeddings"
    assert headers["Authorization"] == "Bearer hush"
    assert body == {"model": "m", "input": ["a", "bbb"], "encoding_format": "float"}


def test_trace_is_propagated_to_the_endpoint(endpoint):
    with TRACER.span("caller") as span:
        embedder(endpoint).embed(["a"])
    assert endpoint.requests[0][1]["Traceparent"] == span.traceparent


def test_many_texts_go_in_batches_of_256(endpoint):
    vectors = embedder(endpoint).embed(["x" * (n % 50 + 1) for n in range(600)])

    assert [len(body["input"]) for _, _, body in endpoint.requests] == [256, 256, 88]
    np.testing.assert_allclose(vectors[:, 0] / vectors[:, 1], [n % 50 + 1 for n in range(600)], rtol=1e-5)


def test_unencodable_texts_are_cleaned(endpoint):
    embedder(endpoint, max_characters=5, send_dimension=True).embed(["", "\ud800", "123456789"])

    body = endpoint.requests[0][2]
    assert body["input"] == [" ", "?", "12345"]
    assert body["dimensions"] == 3


@pytest.mark.parametrize("status", [429, 500, 503])
def test_transient_failure_is_retried_once(endpoint, status):
    endpoint.answers = [(status, {"Retry-After": "0"}, ""), (200, {}, None)]

    assert embedder(endpoint).embed(["a"]).shape == (1, 3)
    assert len(endpoint.requests) == 2


@pytest.mark.parametrize(("status", "tries"), [(429, 2), (503, 2), (400, 1), (401, 1), (307, 1)])
def test_permanent_failure_is_unavailable_without_secrets(endpoint, caplog, status, tries):
    endpoint.answers = [(status, {"Retry-After": "0", "Location": endpoint.url}, "hush")]

    with pytest.raises(EmbedderUnavailable) as caught:
        embedder(endpoint).embed(["private text"])

    assert len(endpoint.requests) == tries
    for told in (str(caught.value), caplog.text):
        assert "hush" not in told
        assert "private" not in told


def test_retry_wait_is_bounded(endpoint, monkeypatch):
    waits = []
    monkeypatch.setattr("liftos.kernel.embedding.openai_compatible.time.sleep", waits.append)
    for header in ("86400", "-1", "Wed, 21 Oct 2026 07:28:00 GMT", "nonsense"):
        endpoint.answers = [(429, {"Retry-After": header}, ""), (200, {}, None)]
        embedder(endpoint).embed(["a"])

    assert waits == [5.0, 0.0, 0.5, 0.5]


def items(*vectors, indices=None):
    return json.dumps(
        {"data": [{"index": i, "embedding": v} for i, v in zip(indices or range(9), vectors, strict=False)]}
    )


@pytest.mark.parametrize("answer", [items([1, 2]), items([1, 2, 3, 4]), items([[1, 2, 3]])])
def test_wrong_dimension_is_a_mismatch(endpoint, answer):
    endpoint.answers = [(200, {}, answer)]

    with pytest.raises(DimensionMismatch):
        embedder(endpoint).embed(["a"])


@pytest.mark.parametrize(
    "answer",
    [
        "", "null", "[]", "{}", '{"data": 1}', '{"data": [1]}', "<html>",
        items([0, 0, 0]), items([1, float("nan"), 0]), items(["a", "b", "c"]), items([1, 2, 3], [1, 2, 3]),
        items([1, 2, 3], indices=[1]),
    ],
)  # fmt: skip
def test_malformed_answer_is_unavailable(endpoint, answer):
    endpoint.answers = [(200, {}, answer)]

    with pytest.raises(EmbedderUnavailable):
        embedder(endpoint).embed(["a"])


def test_unreachable_endpoint_is_unavailable(endpoint):
    gone = embedder(endpoint, url="http://127.0.0.1:1/v1")

    with pytest.raises(EmbedderUnavailable):
        gone.embed(["a"])


def test_empty_batch_sends_no_request(endpoint):
    assert embedder(endpoint).embed([]).shape == (0, 3)
    assert endpoint.requests == []
