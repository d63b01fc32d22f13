"""The Python client against the real API, and against failures on the way."""

import asyncio
import base64
import dataclasses
import hashlib
import hmac
import inspect
import io
import json
import time
from typing import get_type_hints
from uuid import uuid4

import httpx2
import liftos_client
import pytest
from liftos_client import (
    AsyncClient,
    Client,
    InvalidSignature,
    Retries,
    calls,
    cli,
    fields,
    models,
    retries,
    verify_webhook,
)

from liftos.asgi import application
from liftos.wsgi import application as wsgi
from tests.conftest import clone, make_caller

QUICK = Retries(first=0.001)


@pytest.fixture(scope="module")
def committed(template_database, django_db_setup, django_db_blocker):
    """One database for all tests here: requests over WSGI end with their connections."""
    with django_db_blocker.unblock(), clone(template_database, "client"):
        yield


@pytest.fixture
def acme(committed, request):
    return make_caller(request.node.name)


@pytest.fixture
def client(acme):
    with Client("http://testserver", acme.token, transport=httpx2.WSGITransport(app=wsgi)) as made:
        yield made


def answering(*answers, key="liftos_x", **options):
    """Return a client whose requests get these answers in turn, and the requests."""
    sent, left = [], list(answers)

    def answer(request):
        sent.append(request)
        following = left.pop(0) if left else httpx2.Response(200, json={})
        if isinstance(following, Exception):
            raise following
        return following

    made = Client("http://x", key, retries=QUICK, transport=httpx2.MockTransport(answer), **options)
    return made, sent


def test_memories_are_stored_found_changed_and_erased(client):
    stored = client.remember("Rain lifts sales of boots", tags=["weather"], metadata={"channel": "retail"})
    assert stored.outcome == "stored"
    hits = client.recall("wet weather and shoes", filters={"channel": "retail"})
    assert (hits[0].id, hits[0].content, len(hits)) == (stored.id, "Rain lifts sales of boots", 1)
    assert hits[0].recorded_at.tzinfo
    assert client.decision(hits.decision_id).operation == "memory.search"
    assert client.prompt("boots").memories == [stored.id]
    assert client.correct(stored.id, content="Rain lifts sales", reason="slip").version == 2
    assert client.get(stored.id).content == "Rain lifts sales"
    with pytest.raises(liftos_client.PreconditionFailed):
        client.correct(stored.id, content="late", version=1)
    other = client.put("crm", "1", {"name": "Ada"})
    assert (other.outcome, client.put("crm", "1", {"name": "Bob"}).outcome) == ("stored", "changed")
    client.link(stored.id, kind="about", target=other.id)
    assert [each.other for each in client.links(stored.id)] == [other.id]
    assert [each.direction for each in client.links(other.id, direction="in")] == ["in"]
    assert next(each["version"] for each in client.history(stored.id)) == 2
    assert client.contest(stored.id, reason="doubt").state == "contested"
    assert [each and each.id for each in client.get_many([other.id, str(uuid4())])] == [other.id, None]
    decided = client.decide("x.y", "because", memories=[stored.id])
    assert [each.id for each in client.decisions(operation="x.y")] == [decided.id]
    ids = client.say("talk", {"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi"})
    assert [turn["id"] for turn in client.turns("talk")] == ids
    assert client.forget(stored.id, reason="wrong")
    with pytest.raises(liftos_client.NotFound) as refused:
        client.get(stored.id)
    assert (refused.value.code, bool(refused.value.correlation_id)) == ("memory.not_found", True)
    with pytest.raises(liftos_client.InvalidRequest) as refused:
        client.remember("x", contnt="y")
    assert "did you mean 'content'" in str(refused.value)


def test_long_lists_and_streams_are_read_as_they_are_used(client, monkeypatch):
    monkeypatch.setattr(calls, "BULK_LINES", 2)
    monkeypatch.setattr(liftos_client.clients, "PAGE", 2)
    taken = []

    def memories():
        for number in range(5):
            taken.append(number)
            yield {"content": f"fact {number}"} if number != 3 else {"content": ""}

    results = client.bulk(memories())
    assert next(results).number == 1
    assert len(taken) == 3
    rest = list(results)
    assert [(each.number, each.stored) for each in rest] == [(2, True), (3, True), (4, False), (5, True)]
    assert rest[2].error
    assert [memory.content for memory in client.list(order="recorded_at")] == [
        f"fact {n}" for n in (0, 1, 2, 4)
    ]
    assert client.count() == 4
    assert [each.status for each in client.remember_many(["a", {"content": "b"}])] == [201, 201]


def test_the_asynchronous_client_does_the_same(acme):
    async def work(token):
        transport = httpx2.ASGITransport(application)
        async with AsyncClient("http://testserver", token, transport=transport) as client:
            stored = await client.remember("an asynchronous fact")
            assert [hit.id for hit in await client.recall("asynchronous")] == [stored.id]
            assert [each.status async for each in client.bulk(["one", "two"])] == [201, 201]
            assert sorted([each.content async for each in client.list()]) == [
                "an asynchronous fact",
                "one",
                "two",
            ]
            assert (await client.correct(stored.id, tags=["x"])).version == 2
            assert len([each async for each in client.decisions()]) > 3
            with pytest.raises(liftos_client.NotFound):
                await client.get(str(uuid4()))

    asyncio.run(work(acme.token))


def test_both_clients_have_the_same_methods():
    def methods(kind):
        return {
            name: list(inspect.signature(each).parameters)
            for name, each in vars(kind).items()
            if not name.startswith("_") and callable(each)
        }

    assert methods(Client) == methods(AsyncClient)


def test_what_failed_on_the_way_is_sent_again_with_the_same_key():
    stored = {"id": "1", "outcome": "stored", "embedding": "ready", "state": "active", "decision_id": "2"}
    busy = httpx2.Response(503, headers={"retry-after": "0"})
    client, sent = answering(
        httpx2.ReadTimeout("late"), httpx2.ConnectError("gone"), busy, httpx2.Response(201, json=stored)
    )
    assert client.remember("x").id == "1"
    assert len({request.headers["idempotency-key"] for request in sent}) == 1
    assert len(sent) == 4
    client, sent = answering(*[httpx2.Response(429, json={"detail": "slow down"})] * 9)
    with pytest.raises(liftos_client.TooManyRequests, match="slow down"):
        client.recall("x")
    assert len(sent) == 5
    # too long to wait for
    client, sent = answering(httpx2.Response(429, headers={"retry-after": "3600"}))
    with pytest.raises(liftos_client.TooManyRequests):
        client.recall("x")
    assert len(sent) == 1


def test_what_may_have_been_done_is_not_sent_again():
    for failed in (httpx2.ReadTimeout("late"), httpx2.Response(502), httpx2.Response(504)):
        client, sent = answering(failed)
        with pytest.raises(liftos_client.LiftosError):
            client.forget("1")
        assert len(sent) == 1
    client, sent = answering(httpx2.ConnectError("refused"), httpx2.Response(200, json={"erasure_id": "e"}))
    assert client.forget("1") == "e"
    client, sent = answering(*[httpx2.ReadTimeout("late")] * 9)
    with pytest.raises(liftos_client.Unreachable) as unreachable:
        client.get("1")
    assert (unreachable.value.status, len(sent)) == (0, 5)


def test_pauses_grow_at_random_up_to_a_bound():
    rule = Retries(most=20, first=0.5, longest=4)
    pauses = [[rule.pause(tries) for _ in range(200)] for tries in range(1, 8)]
    for most, found in zip([0.5, 1, 2, 4, 4, 4, 4], pauses, strict=True):
        assert max(found) <= most
        assert min(found) < most / 2 < max(found)
    assert rule.pause(21) is None
    assert 2 <= rule.pause(1, retry_after="2") <= 2.5
    assert rule.pause(1, retry_after="Wed, 21 Oct 2015 07:28:00 GMT") <= 0.5
    assert rule.pause(1, retry_after="soon") <= 0.5
    assert retries.may_repeat(503, repeatable=False)
    assert not retries.may_repeat(500, repeatable=True)


def signed(body, key, stamp, identifier="msg_1"):
    digest = hmac.new(key, f"{identifier}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "Webhook-Id": identifier, "webhook-timestamp": str(stamp), "webhook-signature": f"v1,bm8= v1,{base64.b64encode(digest).decode()}"
    }  # fmt: skip


def test_webhooks_are_verified():
    key, body, now = b"k" * 32, b'{"type": "memory.stored"}', int(time.time())
    secret = "whsec_" + base64.b64encode(key).decode()
    assert verify_webhook(body, signed(body, key, now), secret) == {"type": "memory.stored"}
    # the example of the standard
    example = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }  # fmt: skip
    assert verify_webhook(
        '{"test": 2432232314}', example, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", now=1614265330
    )
    refused = [
        (body + b" ", signed(body, key, now), secret),
        (body, signed(body, b"other", now), secret),
        (body, signed(body, key, now - 301), secret),
        (body, signed(body, key, now + 301), secret),
        (body, signed(body, key, now) | {"Webhook-Id": "msg_2"}, secret),
        (body, {}, secret),
        (body, signed(body, key, now) | {"webhook-timestamp": "soon"}, secret),
        (body, signed(body, key, now) | {"webhook-signature": "v2,AAAA"}, secret),
        (body, signed(body, key, now), "whsec_?"),
    ]
    for case in refused:
        with pytest.raises(InvalidSignature):
            verify_webhook(*case)


def run_cli(client, monkeypatch, *arguments, stdin=""):
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", err)
    monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
    code = cli.main(arguments, client=client)
    return code, [json.loads(line) for line in out.getvalue().splitlines()], err.getvalue()


def test_the_command_writes_json_lines_into_pipes(acme, monkeypatch):
    def run(*arguments, stdin="", token=acme.token):
        made = Client("http://testserver", token, transport=httpx2.WSGITransport(app=wsgi))
        return run_cli(made, monkeypatch, *arguments, stdin=stdin)

    code, (stored,), _ = run(
        "remember", "Boots", "sell", "in", "rain", "--tag", "weather", "--metadata", '{"a": 1}'
    )
    assert (code, stored["outcome"]) == (0, "stored")
    lines = 'plain text\n\n{"content": "an object", "tags": ["t"]}\n{"not": "a memory"}\n{"content": ""}\n'
    code, results, _ = run("remember", "--source", "shell", stdin=lines)
    assert (code, [each["status"] for each in results]) == (1, [201, 201, 201, 422])
    code, (hit,), _ = run("recall", "rain", "--limit", "1", "--tag", "weather")
    assert (code, hit["id"], hit["metadata"]) == (0, stored["id"], {"a": 1})
    code, (memory,), _ = run("open", stored["id"])
    assert (code, memory["content"]) == (0, "Boots sell in rain")
    code, (decision,), _ = run("open", stored["decision_id"])
    assert decision["operation"] == "memory.store"
    code, (found,), _ = run("status")
    assert (code, found["ready"], found["memories"]) == (0, True, 4)
    assert run("recall", "x", "--filters", '{"a": 2}')[:2] == (1, [])
    code, _, error = run("open", str(uuid4()))
    assert code == 2
    assert error.startswith("error: ")
    assert run("status", token="liftos_nobody")[0] == 2


def test_texts_cannot_steer_a_terminal(client, monkeypatch):
    client.remember("safe \x1b[2J\x07 text\nsecond line")
    out = io.StringIO()
    out.isatty = lambda: True
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setenv("NO_COLOR", "1")
    assert cli.main(["recall", "safe text"], client=client) == 0
    assert "\x1b" not in out.getvalue()
    assert "\x07" not in out.getvalue()
    assert "safe \ufffd[2J\ufffd text\nsecond line" in out.getvalue()


def resolve(document, schema):
    if "$ref" in schema:
        return document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def test_the_client_cannot_drift_from_the_api(acme):
    """Every route that it calls exists, its fields are the route's, and the route has none that it lacks."""
    document = acme.get("/openapi.json").json()

    def operation(path, method):
        return document["paths"][f"/api/v1/{path}"][method]

    def body(path, method="post"):
        content = operation(path, method)["requestBody"]["content"]["application/json"]
        return set(resolve(document, content["schema"])["properties"])

    made = [
        calls.remember("x", {}, None), calls.put("s", "1", "x", {}), calls.remember_many([], None), calls.bulk(b"", 0),
        calls.recall("x", {}), calls.get("1"), calls.get_many([]), calls.query({}, 1, None), calls.correct("1", {}, 1),
        calls.forget("1", ""), calls.judge("1", "confirm", ""), calls.judge("1", "contest", ""), calls.judge("1", "reject", ""),
        calls.link("1", {}), calls.links("1", "out", None), calls.history("1", None), calls.say("t", [], None),
        calls.turns("t", None), calls.decide("o", "r", {}, None), calls.decision("1"), calls.decisions({}, 1, None),
        calls.start_run("t", None, True, {}, None), calls.get_run("1"),
    ]  # fmt: skip
    named = {
        each.__name__
        for each in vars(calls).values()
        if inspect.isfunction(each) and not each.__name__.startswith("_")
    }
    helpers = {"dump", "in_chunks", "as_link", "prompt", "count", "field", "quote", "dataclass"}
    called = {call.route for call in made}
    assert len(named - helpers) <= len(made)
    for call in made:
        parameters = {
            each["name"] for each in operation(call.route, call.method.lower()).get("parameters", [])
        }
        assert set(call.query) | set(call.parts) <= parameters, call.route
    assert len(called) == 17

    def keys(shape):
        return set(get_type_hints(shape))

    # `trust` and `content_type` are the old platform's names
    old = {"trust", "content_type"}
    assert keys(fields.MemoryFields) | {"content"} == body("memories") - old
    assert (
        keys(fields.PutFields) | {"content", "source", "external_id", "reason"}
        == body("memories", "put") - old
    )
    assert keys(fields.MemoryChanges) == body("memories/{memory}", "patch") - old
    assert keys(fields.SearchFields) | {"query", "format", "token_budget"} == body("search")
    assert keys(fields.ListFields) | {"limit", "cursor", "total"} == body("memories/query")
    assert keys(fields.LinkFields) == body("memories/{memory}/links")
    assert keys(fields.DecisionFields) | {"operation", "reasoning"} == body("decisions")
    assert keys(fields.RunFields) | {"template", "parameters", "wait"} == body("workflows/runs")
    asked = {each["name"] for each in operation("decisions", "get")["parameters"]}
    assert keys(fields.DecisionQuery) | {"limit", "cursor", "total"} == asked

    def answer(path, method, status="200"):
        content = operation(path, method)["responses"][status]["content"]["application/json"]
        return resolve(document, content["schema"])["properties"]

    hits = resolve(document, answer("search", "post")["results"]["items"])["properties"]
    shapes = [
        (models.Memory, answer("memories/{memory}", "get")), (models.Hit, hits), (models.Stored, answer("memories", "post", "201")),
        (models.Revised, answer("memories/{memory}", "patch")), (models.Decision, answer("decisions/{decision}", "get")),
        (models.Recorded, answer("decisions", "post", "201")), (models.Run, answer("workflows/runs/{run}", "get")),
        (models.Prompt, answer("search", "post")),
        (models.Link, resolve(document, answer("memories/{memory}/links", "get")["results"]["items"])["properties"]),
    ]  # fmt: skip
    for shape, found in shapes:
        assert {each.name for each in dataclasses.fields(shape)} - {"raw"} <= set(found), shape
