"""Webhooks over HTTP, against receivers on this machine; signatures are verified by the specification's own library."""

import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.utils import timezone
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from accountability.models import DecisionRecord
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.db.viewers import EVERYTHING, viewing
from liftos.kernel.outbox.models import Delivery, Webhook
from liftos.kernel.outbox.relay import relay
from liftos.kernel.outbox.webhooks.sending import KEPT_BYTES, send_for
from liftos.kernel.tenancy.types import Scope
from tests.factories.keys import with_key
from tests.factories.principals import group_of, key_of, principal_of

pytestmark = pytest.mark.enable_socket
PATH = "/api/v1/webhooks"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((dict(self.headers), body))
        status, headers, chunks = self.server.answers(len(self.server.received))
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            for chunk in chunks:
                self.wfile.write(chunk)
        except OSError:
            self.server.hung_up += 1

    def log_message(self, *_args):
        pass


@pytest.fixture(scope="module")
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        made.daemon_threads = True
        made.url = f"http://127.0.0.1:{made.server_port}/hooks"
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def receiver(server, settings):
    settings.LIFTOS_HTTP_PRIVATE_HOSTS = [f"127.0.0.1:{server.server_port}"]
    server.received, server.hung_up, server.answers = [], 0, answering()
    return server


def answering(status=200, headers=None, body=b"ok"):
    return lambda _: (status, {"Content-Length": str(len(body))} | (headers or {}), [body])


def create(caller, receiver, *events, **more):
    body = {"url": receiver.url, "events": list(events) or ["liftos.memory.stored"]} | more
    response = caller.post(PATH, body)
    assert response.status_code == 201, response.content
    return response.json()


def send(caller, webhook):
    """Relay what happened, and send what waits for a webhook."""
    with viewing(EVERYTHING):
        relay(organisation=caller.organisation)
        return send_for(caller.organisation, webhook["id"])


def make_due(caller):
    with viewing(EVERYTHING), tenant_transaction(caller.organisation):
        Webhook.objects.update(due_at=timezone.now())
        Delivery.objects.update(due_at=timezone.now())


def deliveries(caller, webhook, query=""):
    response = caller.get(f"{PATH}/{webhook['id']}/deliveries{query}")
    assert response.status_code == 200, response.content
    return response.json()["results"]


def test_event_arrives_signed(acme, receiver):
    before = acme.store("before the webhook")
    with viewing(EVERYTHING):
        relay(organisation=acme.organisation)
    webhook = create(acme, receiver, "liftos.memory.*")
    assert webhook["secret"].startswith("whsec_")
    memory = acme.store("boots")
    assert send(acme, webhook) == 1
    ((headers, body),) = receiver.received
    event = Verifier(webhook["secret"]).verify(body, headers)
    assert event["subject"] == f"memories/{memory}" != f"memories/{before}"
    assert (event["type"], event["data"]["memory_id"], event["specversion"]) == (
        "liftos.memory.stored", memory, "1.0",
    )  # fmt: skip
    assert event["id"] == headers["webhook-id"]
    assert headers["Content-Type"].startswith("application/cloudevents+json")
    [delivery] = deliveries(acme, webhook)
    assert (delivery["state"], delivery["attempts"], delivery["status"], delivery["answer"]) == (
        "delivered", 1, 200, "ok",
    )  # fmt: skip
    assert send(acme, webhook) == 0
    with pytest.raises(WebhookVerificationError):
        Verifier(webhook["secret"]).verify(body + b" ", headers)


def test_secret_is_shown_once_and_rotated_without_a_gap(acme, receiver):
    key = {"idempotency-key": "k"}
    body = {"url": receiver.url, "events": ["*"]}
    webhook = acme.post(PATH, body, **key).json()
    again = acme.post(PATH, body, **key).json()
    assert again == webhook | {"secret": None}
    path = f"{PATH}/{webhook['id']}"
    assert acme.get(path).json()["secret"] is None
    rotated = acme.post(f"{path}/rotate", {"overlap_hours": 1}).json()
    assert rotated["secret"] != webhook["secret"]
    acme.store("boots")
    send(acme, webhook)
    headers, sent = receiver.received[0]
    for secret in (webhook["secret"], rotated["secret"]):
        assert Verifier(secret).verify(sent, headers)["type"]
    with viewing(EVERYTHING), tenant_transaction(acme.organisation):
        Webhook.objects.update(former_until=timezone.now())
    acme.store("more boots")
    receiver.received.clear()
    send(acme, webhook)
    headers, sent = receiver.received[0]
    assert Verifier(rotated["secret"]).verify(sent, headers)
    with pytest.raises(WebhookVerificationError):
        Verifier(webhook["secret"]).verify(sent, headers)


def test_types_and_filters_choose(acme, receiver):
    filtered = create(acme, receiver, "*", filters={"price": {"$gte": 5}})
    decisions = create(acme, receiver, "liftos.decision.recorded")
    acme.store("cheap", metadata={"price": 1})
    dear = acme.store("dear", metadata={"price": 9})
    acme.post("/api/v1/decisions", {"operation": "budget.move", "reasoning": "x"})
    send(acme, filtered)
    send(acme, decisions)
    shown = [json.loads(body) for _, body in receiver.received]
    assert [(each["type"], each["subject"]) for each in shown[:1]] == [
        ("liftos.memory.stored", f"memories/{dear}")
    ]
    assert [each["type"] for each in shown[1:]] == ["liftos.decision.recorded"]


def test_failure_is_retried_soon_and_holds_up_only_its_subject(acme, receiver):
    webhook = create(acme, receiver, "liftos.memory.*")
    first = acme.store("first", metadata={"a": 1})
    acme.delete(f"/api/v1/memories/{first}")
    second = acme.store("second")
    receiver.answers = answering(500, body=b"x" * 5_000)
    assert send(acme, webhook) == 1
    *_, failed = deliveries(acme, webhook)
    assert (failed["state"], failed["attempts"], failed["status"]) == ("pending", 1, 500)
    assert len(failed["answer"]) == KEPT_BYTES
    shown = acme.get(f"{PATH}/{webhook['id']}").json()
    waits = timezone.datetime.fromisoformat(shown["next_attempt_at"]) - timezone.now()
    assert timedelta(seconds=3) < waits < timedelta(seconds=10)
    assert send(acme, webhook) == 0
    receiver.answers = answering()
    with viewing(EVERYTHING), tenant_transaction(acme.organisation):
        # the receiver is asked again before the delivery that failed is due
        Webhook.objects.update(due_at=timezone.now())
    send(acme, webhook)
    make_due(acme)
    send(acme, webhook)
    subjects = [(json.loads(body)["type"], json.loads(body)["subject"]) for _, body in receiver.received]
    stored, erased = "liftos.memory.stored", "liftos.memory.erased"
    assert subjects == [
        (stored, f"memories/{first}"), (stored, f"memories/{second}"), (stored, f"memories/{first}"),
        (erased, f"memories/{first}"),
    ]  # fmt: skip
    assert receiver.received[0][0]["webhook-id"] == receiver.received[2][0]["webhook-id"]
    assert {each["state"] for each in deliveries(acme, webhook)} == {"delivered"}
    assert acme.get(f"{PATH}/{webhook['id']}").json()["failures"] == 0


def test_receiver_that_failed_for_days_is_given_up(acme, receiver, settings):
    webhook = create(acme, receiver)
    for number in range(3):
        acme.store(f"memory {number}")
    receiver.answers = answering(503, {"Retry-After": "99999999"})
    send(acme, webhook)
    waits = (
        timezone.datetime.fromisoformat(acme.get(f"{PATH}/{webhook['id']}").json()["next_attempt_at"])
        - timezone.now()
    )
    assert waits < timedelta(seconds=10)
    assert {each["state"] for each in deliveries(acme, webhook)} == {"pending"}
    settings.LIFTOS_WEBHOOK_RETRY_DAYS = 0
    make_due(acme)
    send(acme, webhook)
    assert {each["state"] for each in deliveries(acme, webhook)} == {"failed"}


def test_gone_disables_and_resuming_enables(acme, receiver):
    webhook = create(acme, receiver)
    acme.store("boots")
    receiver.answers = answering(410)
    send(acme, webhook)
    path = f"{PATH}/{webhook['id']}"
    assert acme.get(path).json()["disabled_at"] is not None
    acme.store("more boots")
    assert send(acme, webhook) == 0
    assert [each["state"] for each in deliveries(acme, webhook)] == ["failed"]
    receiver.answers = answering()
    assert acme.post(f"{path}/resume", {}).json()["disabled_at"] is None
    acme.store("boots again")
    assert send(acme, webhook) == 1


def test_paused_webhook_keeps_what_it_is_sent_later(acme, receiver):
    webhook = create(acme, receiver)
    path = f"{PATH}/{webhook['id']}"
    assert acme.post(f"{path}/pause", {}).json()["paused_at"] is not None
    acme.store("boots")
    assert send(acme, webhook) == 0
    assert [each["state"] for each in deliveries(acme, webhook, "?state=pending")] == ["pending"]
    acme.post(f"{path}/resume", {})
    assert send(acme, webhook) == 1


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        (answering(302, {"Location": "http://127.0.0.1:1/elsewhere"}), 302),
        (lambda _: (200, {"Content-Length": str(10**9)}, (b"x" * 65_536 for _ in range(16_000))), 200),
    ],
)
def test_hostile_answers_are_bounded(acme, receiver, answers, status):
    webhook = create(acme, receiver)
    acme.store("boots")
    receiver.answers = answers
    assert send(acme, webhook) == 1
    [delivery] = deliveries(acme, webhook)
    assert (delivery["status"], delivery["state"]) == (status, "delivered" if status == 200 else "pending")
    assert len(delivery["answer"]) <= KEPT_BYTES
    assert len(receiver.received) == 1


def test_hanging_receiver_costs_its_time_limit(acme, receiver, settings):
    settings.LIFTOS_WEBHOOK_TIMEOUT_SECONDS = 0.2
    webhook = create(acme, receiver)
    acme.store("boots")
    ends = threading.Event()
    receiver.answers = lambda _: (ends.wait(5), answering()(0))[1]
    assert send(acme, webhook) == 1
    ends.set()
    [delivery] = deliveries(acme, webhook)
    assert (delivery["status"], delivery["state"]) == (None, "pending")
    assert "timed out" in delivery["error"]
    assert delivery["duration_ms"] < 1_500


def test_webhook_receives_what_its_owner_may_see_now(acme, receiver):
    team = group_of(acme, "team")
    ann = key_of(acme, principal_of(acme, "ann", team))
    reader, _ = with_key(acme, Scope.WORKFLOWS_WRITE, Scope.DECISIONS_READ)
    webhooks = {
        name: create(caller, receiver, "*")
        for name, caller in (("ann", ann), ("acme", acme), ("reader", reader))
    }
    private = ann.post("/api/v1/memories", {"content": "x", "visible_to": {"groups": ["team"]}}).json()["id"]

    def got(name):
        receiver.received.clear()
        send(acme, webhooks[name])
        return {json.loads(body)["subject"] for _, body in receiver.received}

    assert f"memories/{private}" in got("ann")
    assert f"memories/{private}" not in got("acme")
    assert not any(each.startswith("memories/") for each in got("reader"))
    shown = [each["subject"] for each in deliveries(acme, webhooks["ann"])]
    assert f"memories/{private}" not in shown
    assert f"memories/{private}" in [each["subject"] for each in deliveries(ann, webhooks["ann"])]


def test_event_queued_before_a_right_was_lost_is_withheld(acme, receiver):
    weak, key = with_key(acme, Scope.WORKFLOWS_WRITE, Scope.MEMORY_READ)
    webhook = create(weak, receiver)
    acme.store("boots")
    with viewing(EVERYTHING):
        relay(organisation=acme.organisation)
    assert acme.delete(f"/api/v1/keys/{key.id}").status_code == 200
    assert send(acme, webhook) == 0
    [delivery] = deliveries(acme, webhook)
    assert (delivery["state"], receiver.received) == ("failed", [])
    assert "may no longer see" in delivery["error"]


def test_changing_a_webhook_gives_it_the_authority_of_whoever_did(acme, receiver):
    webhook = create(acme, receiver)
    weak, _ = with_key(acme, Scope.WORKFLOWS_WRITE)
    changed = weak.patch(f"{PATH}/{webhook['id']}", {"description": "mine"})
    assert (changed.status_code, changed.json()["description"]) == (200, "mine")
    acme.store("boots")
    assert send(acme, webhook) == 0
    assert deliveries(acme, webhook) == []


def test_ping_and_replay(acme, receiver):
    webhook = create(acme, receiver)
    path = f"{PATH}/{webhook['id']}"
    ping = acme.post(f"{path}/ping", {})
    assert ping.status_code == 201
    send(acme, webhook)
    headers, body = receiver.received[0]
    assert Verifier(webhook["secret"]).verify(body, headers)["type"] == "liftos.webhook.ping"
    shown = acme.get(f"{path}/deliveries/{ping.json()['id']}").json()
    assert shown["state"] == "delivered"
    acme.store("boots")
    send(acme, webhook)
    [delivery, _] = deliveries(acme, webhook)
    again = acme.post(f"{path}/deliveries/{delivery['id']}/replay", {})
    assert (again.status_code, again.json()["event_id"]) == (201, delivery["event_id"])
    send(acme, webhook)
    assert receiver.received[1][0]["webhook-id"] == receiver.received[2][0]["webhook-id"]
    with tenant_transaction(acme.organisation):
        recorded = set(DecisionRecord.objects.values_list("operation", flat=True))
    assert {"webhook.create", "webhook.ping", "webhook.replay"} <= recorded


def test_bad_input_names_the_field(acme, rival, receiver):
    good = {"url": receiver.url, "events": ["*"]}
    for change, loc in (
        ({"url": "http://169.254.169.254/latest"}, ["body", "url"]),
        ({"url": "https://not-allowed.example.com/"}, ["body", "url"]),
        ({"url": "ftp://127.0.0.1/"}, ["body", "url"]),
        ({"url": receiver.url.replace("http://", "http://user:pass@")}, ["body", "url"]),
        ({"events": []}, ["body", "events"]),
        ({"events": ["liftos.memory.stord"]}, ["body", "events", 0]),
        ({"events": ["a b"]}, ["body", "events", 0]),
        ({"filters": {"a": {"$nope": 1}}}, ["body", "filters", "a", "$nope"]),
        ({"filters": []}, ["body", "filters"]),
        ({"event": ["*"]}, ["body", "event"]),
    ):
        response = acme.post(PATH, good | change)
        assert response.status_code == 422, (change, response.content)
        assert response.json()["errors"][0]["loc"] == loc, (change, response.content)
    webhook = create(acme, receiver)
    path = f"{PATH}/{webhook['id']}"
    for body in ({}, {"url": None}, {"events": ["liftos.nope"]}, {"url": "http://10.0.0.1/"}):
        assert acme.patch(path, body).status_code == 422, body
    assert acme.post(f"{path}/rotate", {"overlap_hours": -1}).status_code == 422
    for call in (rival.get, rival.delete):
        assert call(path).status_code == 404
    assert rival.get(f"{path}/deliveries").status_code == 404
    assert acme.delete(path).status_code == 204
    assert acme.get(path).status_code == 404
    assert acme.get(PATH).json()["results"] == []
