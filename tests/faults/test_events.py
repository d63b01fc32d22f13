"""The worker, with relay, senders and triggers, is killed under load, and Redis emptied: nothing is lost, nothing fires twice."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from liftos.runtime import embedded
from liftos.runtime.embedded.redis import Redis
from tests.faults.service import Service, until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
STORES = 45


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.events.append(event)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_args):
        pass


@pytest.fixture
def receiver():
    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as made:
        made.daemon_threads, made.events = True, []
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def service(tmp_path, monkeypatch, receiver):
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    host = f"127.0.0.1:{receiver.server_port}"
    made = Service(tmp_path / "home", LIFTOS_HTTP_PRIVATE_HOSTS=host, LIFTOS_WEBHOOK_TIMEOUT_SECONDS="1")
    yield made
    made.close()


def test_events_survive_kill_9_and_an_empty_redis(service, receiver):
    service.start_web()
    worker = service.start_worker()

    def make(path, body):
        status, made = service.request("POST", path, body)
        assert status in (200, 201), made
        return made["id"]

    url = f"http://127.0.0.1:{receiver.server_port}/"
    make("/api/v1/webhooks", {"url": url, "events": ["liftos.memory.*"]})
    find = {"name": "find", "function": "memory.search", "arguments": {"query": "load"}}
    template = make("/api/v1/workflows/templates", {"name": "find", "steps": [find]})
    make(f"/api/v1/workflows/templates/{template}/publish", {})
    rule = {"name": "t", "event": "liftos.memory.stored", "template": "find", "per_minute": 1_000}
    trigger = make("/api/v1/triggers", rule)
    stored = []
    for number in range(STORES):
        stored.append(service.store(f"load {number}")["memory_id"])
        if number in (15, 30):
            service.kill(worker)
            if number == 30:
                service.server(Redis).stop()
                embedded.ensure_running(service.home)
            worker = service.start_worker()
    wanted = [f"memories/{each}" for each in stored]

    def fired():
        _, found = service.request("GET", f"/api/v1/triggers/{trigger}/firings?limit=200")
        return found["results"]

    until(lambda: set(wanted) <= {each["subject"] for each in receiver.events}, 90)
    until(lambda: [each["state"] for each in fired()] == ["fired"] * STORES, 60)
    assert sorted(each["subject"] for each in fired()) == sorted(wanted)
    _, runs = service.request("GET", "/api/v1/workflows/runs?template=find&limit=200")
    assert len(runs["results"]) == STORES
    # in order; only what was being sent when the worker was killed is repeated
    first = list(dict.fromkeys(each["subject"] for each in receiver.events))
    assert first == wanted
    assert len(receiver.events) - STORES <= 2
