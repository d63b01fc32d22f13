"""Checkpoints are published in order, each at least once, without blocking on the receiver."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.db import connections

from accountability.ledger import publishing
from accountability.ledger.publishing import Undelivered, deliver, deliver_all
from accountability.ledger.sequencer import drain, wait_until_integrated
from accountability.models import LedgerCheckpoint
from accountability.operations import record
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.operations import create_organisation
from liftos.kernel.tenancy.types import SYSTEM


def put(organisation):
    with tenant_transaction(organisation):
        return record(organisation=organisation, by=SYSTEM, operation="test", reasoning="because")


def grow(organisation, times):
    for _ in range(times):
        put(organisation)
        drain(organisation=organisation)


def texts(organisation):
    with tenant_transaction(organisation):
        return list(LedgerCheckpoint.objects.order_by("size").values_list("text", flat=True))


@pytest.fixture
def logs(committed_db):
    made = [create_organisation(name=name, by=SYSTEM).id for name in ("One", "Two")]
    for organisation in made:
        grow(organisation, 3)
    return made


class Receiver:
    """A server that records what is posted to it; `hang` blocks its answers until released."""

    def __init__(self):
        self.bodies, self.status, self.hang = [], 200, threading.Event()
        self.hang.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.hang.wait(20)
                if receiver.status == 200:
                    receiver.bodies.append(body.decode())
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self):
        self.hang.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def receiver(settings):
    made = Receiver()
    settings.LIFTOS_CHECKPOINT_URL = made.url
    yield made
    made.close()


def test_every_checkpoint_is_appended_to_the_file_in_order_once(logs, settings, tmp_path):
    settings.LIFTOS_CHECKPOINT_FILE = str(tmp_path / "checkpoints")
    assert deliver_all() == 6
    grow(logs[0], 1)
    assert deliver_all() == 1
    assert deliver_all() == 0
    written = (tmp_path / "checkpoints").read_text()
    for organisation in logs:
        places = [written.index(f"{text}\n") for text in texts(organisation)]
        assert places == sorted(places)
    assert written.count("liftos.local/ledger/") == 7


def test_every_checkpoint_is_posted_in_order(logs, receiver):
    assert deliver_all() == 6
    for organisation in logs:
        assert [body for body in receiver.bodies if str(organisation) in body] == texts(organisation)


def test_rejected_checkpoint_is_resent(logs, receiver, caplog):
    receiver.status = 503
    assert deliver_all() == 0
    assert "checkpoint not delivered" in caplog.text
    receiver.status = 200
    assert deliver_all() == 6
    assert len(receiver.bodies) == 6


def test_a_failing_receiver_does_not_hold_up_the_file(logs, receiver, settings, tmp_path):
    receiver.status = 500
    settings.LIFTOS_CHECKPOINT_FILE = str(tmp_path / "checkpoints")
    assert deliver_all() == 6
    assert receiver.bodies == []


def test_failed_delivery_resumes_where_it_stopped(logs):
    taken = []

    def send(text):
        if len(taken) == 1:
            taken.append("refused")
            raise Undelivered("no")
        taken.append(text)

    with pytest.raises(Undelivered):
        deliver(organisation=logs[0], destination="url", send=send)
    assert deliver(organisation=logs[0], destination="url", send=send) == 2
    assert [each for each in taken if each != "refused"] == texts(logs[0])


def test_backlog_is_sent_in_bounded_parts(logs, monkeypatch):
    monkeypatch.setattr(publishing, "BATCH", 2)
    sent = []
    assert deliver(organisation=logs[0], destination="url", send=sent.append) == 2
    assert deliver(organisation=logs[0], destination="url", send=sent.append) == 1
    assert sent == texts(logs[0])


def test_waiting_for_integration_does_not_wait_for_the_receiver(logs, receiver):
    receiver.hang.clear()
    decision = put(logs[0])
    wait_until_integrated(organisation=logs[0], decision=decision)
    assert len(texts(logs[0])) == 4
    assert receiver.bodies == []


def test_hanging_receiver_blocks_only_one_thread(logs, receiver):
    receiver.hang.clear()
    done = []

    def run():
        try:
            done.append(deliver_all())
        finally:
            connections.close_all()

    first = threading.Thread(target=run)
    first.start()
    while not publishing._running.locked():
        pass
    assert deliver_all() == 0
    receiver.hang.set()
    first.join()
    assert done == [6]


@pytest.mark.parametrize("url", ["ftp://example.com/", "file:///etc/passwd", "example.com"])
def test_only_http_urls_are_posted_to(logs, settings, url, caplog):
    settings.LIFTOS_CHECKPOINT_URL = url
    assert deliver_all() == 0
    assert "is not http(s)" in next(getattr(line, "reason", "") for line in caplog.records)
