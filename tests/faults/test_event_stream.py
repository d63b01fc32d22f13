"""Events under load while worker, receiver, web process and Postgres are killed or restarted in turn: by webhook, trigger and stream."""

import json
import socket
import subprocess
import sys
import threading
import time

import pytest
from liftos_client import Client, LiftosError, Retries

from liftos.runtime import embedded
from liftos.runtime.embedded.postgres import Postgres
from tests.faults.service import Service, free_port, until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]
STORES = 60
END = b"\r\n0\r\n\r\n"
RECEIVER = """
import json, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with open(sys.argv[2], "a") as log:
            log.write(json.dumps([event["id"], event["type"], event["subject"], int(event["sequence"])]) + "\\n")
        self.send_response(204)
        self.end_headers()
    def log_message(self, *_args):
        pass

ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
"""


@pytest.fixture
def receiver(tmp_path):
    class Process:
        port, log = free_port(), tmp_path / "received"

        def start(self):
            command = [sys.executable, "-c", RECEIVER, str(self.port), str(self.log)]
            self.process = subprocess.Popen(command)

        def kill(self):
            self.process.kill()
            self.process.wait()

        def received(self):
            return (
                [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []
            )

    made = Process()
    made.start()
    yield made
    made.kill()


@pytest.fixture
def service(tmp_path, monkeypatch, receiver):
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    made = Service(
        tmp_path / "home", LIFTOS_HTTP_PRIVATE_HOSTS=f"127.0.0.1:{receiver.port}", LIFTOS_WEBHOOK_TIMEOUT_SECONDS="1",
        LIFTOS_STREAM_HEARTBEAT_SECONDS="1", LIFTOS_STREAM_READER_SECONDS="2", LIFTOS_STREAMS_PER_KEY="3",
    )  # fmt: skip
    yield made
    made.close()


def client_of(service):
    return Client(f"http://127.0.0.1:{service.port}", service.key, retries=Retries(most=60, longest=1.0))


def test_no_event_is_lost_whatever_is_killed(service, receiver):
    web, worker = service.start_web(), service.start_worker()

    def make(path, body):
        status, made = service.request("POST", path, body)
        assert status in (200, 201), made
        return made["id"]

    make("/api/v1/webhooks", {"url": f"http://127.0.0.1:{receiver.port}/", "events": ["liftos.memory.*"]})
    find = {"name": "find", "function": "memory.recent", "arguments": {"limit": 1}}
    template = make("/api/v1/workflows/templates", {"name": "find", "steps": [find]})
    make(f"/api/v1/workflows/templates/{template}/publish", {})
    rule = {"name": "t", "event": "liftos.memory.stored", "template": "find", "per_minute": 1_000}
    trigger = make("/api/v1/triggers", rule)

    streamed = []

    def listen():
        with client_of(service) as client:
            for event in client.events("liftos.memory.*", after=0):
                streamed.append(event)
                if event.type == "liftos.memory.erased":
                    return

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    stored = []
    with client_of(service) as client:
        for number in range(STORES):
            told = client.put("load", str(number), f"load {number}")
            stored.append(told.id)
            client.correct(told.id, importance=0.9)
            if number == 12:
                service.kill(worker)
                worker = service.start_worker()
            if number == 24:
                receiver.kill()
            if number == 30:
                receiver.start()
            if number == 36:
                # as fast as an administrator's restart; callers and workers meet a database that is gone
                service.server(Postgres).stop()
                embedded.ensure_running(service.home)
            if number == 48:
                service.kill(web)
                web = service.start_web()
        last = client.remember("the end")
        client.forget(last.id)
    wanted = [f"memories/{each}" for each in stored]
    listener.join(60)
    assert not listener.is_alive()
    numbers = [int(event.sequence) for event in streamed]
    assert numbers == sorted(set(numbers)), "in order, and nothing twice"
    for kind in ("liftos.memory.stored", "liftos.memory.changed"):
        assert [each.subject for each in streamed if each.type == kind][:STORES] == wanted

    def delivered():
        return {(kind, subject) for _, kind, subject, _ in receiver.received()}

    everything = {(event.type, event.subject) for event in streamed}
    until(lambda: everything <= delivered(), 120)
    for subject in wanted:
        places = dict.fromkeys(place for _, _, of, place in receiver.received() if of == subject)
        assert list(places) == sorted(places), "of one subject, in order"

    def fired():
        _, found = service.request("GET", f"/api/v1/triggers/{trigger}/firings?limit=200")
        return found["results"]

    until(lambda: {each["state"] for each in fired()} == {"fired"} and len(fired()) == STORES + 1, 90)
    subjects = [each["subject"] for each in fired()]
    assert sorted(subjects) == sorted({*wanted, f"memories/{last.id}"})
    _, runs = service.request("GET", "/api/v1/workflows/runs?template=find&limit=200")
    assert len(runs["results"]) == STORES + 1


def open_stream(service, query=""):
    made = socket.create_connection(("127.0.0.1", service.port), timeout=20)
    made.sendall(
        f"GET /api/v1/events/stream{query} HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: {service.key}\r\n\r\n".encode()
    )
    return made


def ended(stream):
    """Return whether a stream's end arrives, reading what came before; the connection may be kept for other requests."""
    stream.settimeout(20)
    tail = b""
    try:
        while data := stream.recv(65_536):
            tail = (tail + data)[-len(END) :]
            if tail == END:
                return True
    except TimeoutError:
        return False
    return True


def open_streams(service):
    text = service.text("/metrics")
    return sum(
        float(line.split()[-1]) for line in text.splitlines() if line.startswith("liftos_event_streams")
    )


def test_streams_hold_no_thread_and_end(service):
    web = service.start_web()
    service.start_worker()
    streams = [open_stream(service) for _ in range(3)]
    until(lambda: open_streams(service) == 3)
    assert service.request("GET", "/api/v1/events/stream")[0] == 429
    # one leaves: its place is free at once
    streams.pop().close()
    until(lambda: open_streams(service) == 2)
    # one takes nothing: it is cut
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    slow.connect(("127.0.0.1", service.port))
    slow.sendall(
        f"GET /api/v1/events/stream?last_event_id=0 HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: {service.key}\r\n\r\n".encode()
    )
    until(lambda: open_streams(service) == 3)
    big = [
        {"specversion": "1.0", "id": str(number), "source": "/load", "type": "load.big", "data": "x" * 60_000}
        for number in range(50)
    ]
    for number in range(4):
        batch = [each | {"id": f"{number}-{each['id']}"} for each in big]
        assert service.request("POST", "/api/v1/events", batch)[0] == 202
    until(lambda: open_streams(service) <= 2, 60)
    slow.close()
    for stream in streams:
        threading.Thread(target=ended, args=(stream,), daemon=True).start()
    began = time.monotonic()
    web.terminate()
    web.wait(30)
    assert time.monotonic() - began < 8
    service.processes.remove(web)


def test_a_stream_ends_when_its_key_is_revoked(service):
    service.start_web()
    _, key = service.request("POST", "/api/v1/keys", {"name": "listener", "scopes": ["memory:read"]})
    admin, service.key = service.key, key["token"] if "token" in key else key["key"]
    stream = open_stream(service)
    service.key = admin
    until(lambda: open_streams(service) == 1)
    with client_of(service) as client:
        try:
            client.request("DELETE", f"keys/{key['id']}")
        except LiftosError as error:
            pytest.fail(str(error))
    assert ended(stream)
    until(lambda: open_streams(service) == 0)
