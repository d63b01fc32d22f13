"""Callers' view of failing parts of the service."""

import json
import os
import signal
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from liftos.kernel.embedding import HashingEmbedder
from liftos.runtime import embedded
from liftos.runtime.embedded.postgres import Postgres
from liftos.runtime.embedded.redis import Redis
from tests.faults.service import Service, free_port, until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


@pytest.fixture
def service(tmp_path, monkeypatch):
    # the tests' own process must be able to start and stop the embedded servers of this home
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    made = Service(tmp_path / "home")
    yield made
    made.close()


def test_kill_9_right_after_an_answer_loses_nothing(service):
    for turn in range(5):
        web = service.start_web()
        service.store(f"fact number {turn}")
        service.kill(web)
    service.start_web()
    assert sorted(service.found("fact number")) == [f"fact number {turn}" for turn in range(5)]
    _, decisions = service.request("GET", "/api/v1/decisions?operation=memory.store")
    assert len(decisions["results"]) == 5


def test_kill_9_under_load_leaves_every_answered_memory_once_with_its_decision(service):
    answered: list[str] = []
    web = service.start_web()

    def write(writer: int) -> None:
        for turn in range(1_000):
            try:
                answered.append(service.store(f"load {writer} {turn}")["memory_id"])
            except OSError:
                return

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    until(lambda: len(answered) > 50)
    service.kill(web)
    for thread in threads:
        thread.join()
    service.start_web()
    assert len(set(answered)) == len(answered)
    for memory in answered:
        assert service.request("GET", f"/api/v1/memories/{memory}")[0] == 200
        _, decisions = service.request("GET", f"/api/v1/decisions?subject_id={memory}")
        assert len(decisions["results"]) == 1


def test_redis_stopped_is_slower_and_says_so(service):
    service.start_web()
    assert service.health() == "healthy"
    service.server(Redis).stop()
    service.store("kept without redis")
    assert service.found("kept without redis") == ["kept without redis"]
    assert service.health() == "degraded"
    assert service.answers()
    embedded.ensure_running(service.home)
    until(lambda: service.health() == "healthy")


def test_redis_hanging_is_like_redis_stopped(service):
    service.start_web()
    pid = service.server(Redis).pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        service.store("kept while redis hangs")
        assert service.found("kept while redis hangs") == ["kept while redis hangs"]
        assert service.health() == "degraded"
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: service.health() == "healthy")


def test_postgres_stopped_fails_cleanly_and_recovers_without_a_restart(service):
    web = service.start_web()
    service.store("before the stop")
    service.server(Postgres).stop()
    assert service.request("GET", "/ready") == (503, {"detail": "Service memory not ready"})
    status, body = service.request("POST", "/store", {"content": "lost in the open"})
    assert (status, body) == (503, {"detail": "The database is not available."})
    status, body = service.request("POST", "/api/v1/search", {"query": "x"})
    assert (status, body["code"]) == (503, "liftos.unavailable")
    assert service.request("GET", "/health")[1]["status"] == "degraded"

    embedded.ensure_running(service.home)
    until(service.answers)
    assert service.found("before the stop") == ["before the stop"]
    assert web.poll() is None


def test_a_restart_of_postgres_between_requests_is_not_noticed(service):
    service.start_web()
    service.store("one")
    for _ in range(3):
        service.server(Postgres).stop()
        embedded.ensure_running(service.home)
        assert service.found("one") == ["one"]


def test_a_broken_embedder_costs_only_meaning_until_it_is_back(tmp_path, monkeypatch):
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    port = free_port()
    options = {"url": f"http://127.0.0.1:{port}/v1", "model": "remote", "dimension": 64}
    service = Service(
        tmp_path / "home", LIFTOS_EMBEDDER="openai", LIFTOS_EMBEDDER_OPTIONS=json.dumps(options)
    )
    try:
        service.start_web()
        stored = service.store("autumn boots in the rain")
        assert stored["enhanced_features"]["embedding_generated"] is False
        assert service.found("rain boots") == ["autumn boots in the rain"]
        assert service.found("rain boots", "neural") == []
        memory = f"/api/v1/memories/{stored['memory_id']}"
        assert service.request("GET", memory)[1]["embedding"] == "pending"
        assert service.health() == "degraded"

        with endpoint(port):
            service.start_worker()
            until(lambda: service.request("GET", memory)[1]["embedding"] == "ready")
            until(lambda: service.found("rain boots", "neural") == ["autumn boots in the rain"])
            assert service.health() == "healthy"
    finally:
        service.close()


class endpoint:  # noqa: N801  reads as what it does
    """An OpenAI-compatible embedding endpoint over the hashing embedder."""

    def __init__(self, port: int) -> None:
        model = HashingEmbedder(dimension=64)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
                vectors = model.embed(asked)
                data = [{"index": i, "embedding": row.tolist()} for i, row in enumerate(vectors)]
                body = json.dumps({"data": data}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", port), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *exc: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def test_a_full_disk_under_the_log_costs_only_the_log(service):
    with open("/dev/full", "wb") as full:  # noqa: PTH123  a device
        service.start_web(output=full)
    service.store("kept without a log")
    assert service.found("kept without a log") == ["kept without a log"]
    assert service.request("GET", "/health")[1]["status"] == "healthy"


def test_without_a_worker_decisions_wait_and_are_sequenced_later(service):
    service.start_web()
    service.store("recorded without a sequencer")
    _, page = service.request("GET", "/api/v1/decisions?operation=memory.store")
    [decision] = page["results"]
    proof = f"/api/v1/decisions/{decision['id']}/proof"
    assert service.request("GET", proof)[0] == 409
    service.start_worker()
    until(lambda: service.request("GET", proof)[0] == 200)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /api/v1/memories?q=" + b"x" * 9_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\nno header\r\n\r\n", 400),
        (b"\x16\x03\x01 rubbish\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431),
    ],
)
def test_malformed_request_is_answered_in_the_apis_form(service, request_bytes, status):
    service.start_web()
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as raw:
        raw.sendall(request_bytes)
        answer = b""
        while part := raw.recv(65_536):
            answer += part
    head, body = answer.split(b"\r\n\r\n", 1)
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"application/problem+json" in head
    assert json.loads(body)["correlation_id"].encode() in head
    assert b"rubbish" not in body
    assert service.answers()
