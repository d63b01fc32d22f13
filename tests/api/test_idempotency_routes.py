"""An Idempotency-Key on every POST that creates or acts: the URL configuration is walked, so a new route can't be forgotten."""

import json
from dataclasses import replace
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.embedding import EmbeddingManager
from liftos.kernel.tenancy.operations import create_api_key
from liftos.kernel.tenancy.types import SYSTEM
from memory.care.runs import care
from memory.care_types import Kind
from memory.erasure.operations import forget_many
from memory.models import DeletionJob, Memory
from tests.architecture.routes import routes
from tests.factories.flows import registered_functions, step
from tests.factories.keys import with_key
from tests.factories.principals import group_of, principal_of

MEMORY = "the vault opens by xyzzy-4711"
"""Said by the memories that the requests store or name."""
WORDS = "plugh"
"""Stands in reasons, names and descriptions that the requests send."""
EMBEDS = {
    "POST /store", "POST /memory/store", "POST /marketing/ingest", "POST /api/v1/data/ingest", "POST /api/v1/marketing/entries", "POST /api/v1/marketing/experiments", "POST /api/v1/marketing/models", "POST /api/v1/marketing/models/results", "POST /api/v1/marketing/ingest/causal", "POST /conceptual-spaces/create", "POST /api/v1/store", "POST /api/v1/memory/store",
    "POST /api/v1/memories", "POST /api/v1/memories/bulk", "POST /api/v1/memories/batch", "POST /api/v1/memories/{memory}/restore", "POST /api/v1/memories/{memory}/supersede", "POST /api/v1/spaces",
    "POST /api/v1/spaces/{space}/concepts", "POST /api/v1/documents",
    "POST /api/v1/conversations/{thread}/turns", "POST /v1/memories/", "POST /v3/memories/add/", "POST /mem0/memories",
}  # fmt: skip
SEARCHES = "a search: it is answered from what is stored now, and its record says who asked when"
READS = {
    "POST /search": SEARCHES,
    "POST /search/neural": SEARCHES,
    "POST /search/knowledge": SEARCHES,
    "POST /search/conceptual": SEARCHES,
    "POST /search/batch": f"{SEARCHES}; so does its run",
    "POST /memory/search": SEARCHES,
    "POST /marketing/search": SEARCHES,
    "POST /api/v1/marketing/causal/search": SEARCHES,
    "POST /marketing/insights": "sums",
    "POST /marketing/export/causal": "a table",
    "POST /marketing/transform": "stores nothing",
    "POST /v1/memories/search/": SEARCHES,
    "POST /v2/memories/search/": SEARCHES,
    "POST /v3/memories/search/": SEARCHES,
    "POST /mem0/search": SEARCHES,
    "POST /v2/memories/": "a list",
    "POST /v3/memories/": "a list",
    "POST /v1/vector_stores/{store}/search": SEARCHES,
    "POST /api/v1/search": SEARCHES,
    "POST /api/v1/search/batch": SEARCHES,
    "POST /api/v1/decisions/search": SEARCHES,
    "POST /api/v1/memories/query": "a list",
    "POST /api/v1/memories/get": "a read of several",
    "POST /api/v1/memory/search": SEARCHES,
    "POST /api/v1/triggers/{trigger}/dry-run": "starts nothing",
    "POST /api/v1/events": "an event arrives once by its source and id, whoever repeats it",
}
POSTS = [route for route in routes() if route.startswith("POST ")]


def plain(path, body, other):
    return lambda caller: (path, body, other)


def correction(what):
    return lambda caller: (
        f"/api/v1/memories/{caller.store(MEMORY)}/{what}", {"reason": f"{WORDS} a"}, {"reason": "b"},
    )  # fmt: skip


def supersede(caller):
    path = f"/api/v1/memories/{caller.store(f'{MEMORY} no more')}/supersede"
    return path, {"content": MEMORY, "reason": f"{WORDS} a"}, {"content": "eleven", "reason": "a"}


def subject(caller):
    caller.store(MEMORY, user_id="ann")
    return "/api/v1/subjects/user/ann/erase", {"reason": f"{WORDS} a"}, {"reason": "b"}


def members(caller):
    principal_of(caller, "ann", group_of(caller, WORDS))
    return f"/api/v1/groups/{WORDS}/members", {"members": ["ann"]}, {"members": ["ann", "ann"]}


def break_glass(caller):
    principal_of(caller, "ann")
    asked = {"principal": "ann", "reason": f"{WORDS}, so the law asks"}
    return "/api/v1/break_glass", asked, asked | {"minutes": 5}


def rotation(caller):
    key = with_key(caller)[1]
    return f"/api/v1/keys/{key.id}/rotate", {"overlap_seconds": 60}, {"overlap_seconds": 90}


def restoration(caller):
    memory = caller.store(MEMORY)
    path, sent = f"/api/v1/memories/{memory}", {"authorization": f"Bearer {caller.token}", "if-match": '"1"'}
    changed = caller.client.patch(path, {"content": "two"}, content_type="application/json", headers=sent)
    assert changed.status_code == 200
    return f"{path}/restore", {"version": 1, "reason": f"{WORDS} a"}, {"version": 2}


def deletion(caller):
    memory = caller.store(MEMORY)
    return (
        "/api/v1/memories/delete",
        {"ids": [memory], "reason": f"{WORDS} a"},
        {"ids": [memory], "reason": "b"},
    )


def link(caller):
    memory, target = caller.store(MEMORY), caller.store("two", external_id="t")
    body = {"kind": "about", "external_id": "t", "weight": 0.5, "properties": {"note": WORDS}}
    return f"/api/v1/memories/{memory}/links", body, {"kind": "about", "target": target}


def review(caller):
    made = caller.post("/api/v1/decisions", {"operation": "budget.move", "reasoning": "r"}).json()["id"]
    return (
        f"/api/v1/decisions/{made}/reviews",
        {"verdict": "approve", "reason": WORDS},
        {"verdict": "overturn", "reason": "b"},
    )


def outcome(caller):
    made = caller.post("/api/v1/decisions", {"operation": "budget.move", "reasoning": "r"}).json()["id"]
    return f"/api/v1/decisions/{made}/outcomes", {"value": True, "note": WORDS}, {"value": False}


def proposal(what):
    def request(caller):
        for text in ("The CEO of Acme is Ann Smith.", "The CEO of Acme is Bob Jones."):
            caller.store(text)
        care(organisation=caller.organisation, by=SYSTEM, now=timezone.now(), kinds=[Kind.SUPERSESSION])
        [made] = caller.get("/api/v1/proposals").json()["results"]
        return f"/api/v1/proposals/{made['id']}/{what}", {"reason": f"{WORDS} a"}, {"reason": "b"}

    return request


def make_space(caller):
    dimensions = [{"name": "price", "low": ["cheap"], "high": ["expensive"]}]
    return caller.post("/api/v1/spaces", {"name": "offers", "dimensions": dimensions}).json()["id"]


def member(caller):
    bodies = [{"memory_id": caller.store(text)} for text in (f"{MEMORY} one", "two")]
    return f"/api/v1/spaces/{make_space(caller)}/members", *bodies


def concept(caller):
    bodies = [
        {"name": name, "text": f"{WORDS} {name}", "prototype": {"price": 0.5}}
        for name in ("bargain", "luxury")
    ]
    return f"/api/v1/spaces/{make_space(caller)}/concepts", *bodies


def relation(caller):
    path, *concepts = concept(caller)
    for each in concepts:
        assert caller.post(path, each).status_code == 201
    bodies = [{"source": "bargain", "kind": kind, "target": "luxury"} for kind in ("opposite", "similar")]
    return path.replace("/concepts", "/relations"), *bodies


def template_body(name="flow", **fields):
    return {"name": name, "steps": [step("a", **fields)]}


def make_template(caller, *, publish=True, **fields):
    made = caller.post("/api/v1/workflows/templates", template_body(**fields)).json()["id"]
    if publish:
        assert caller.post(f"/api/v1/workflows/templates/{made}/publish", {}).status_code == 200
    return made


def template_act(what, *, publish):
    def ready(caller):
        one, two = (
            f"/api/v1/workflows/templates/{make_template(caller, publish=publish, name=name)}/{what}"
            for name in ("one", "two")
        )
        return one, {}, two  # they take no body: another template is another request

    return ready


def start(caller):
    make_template(caller)
    return "/api/v1/workflows/runs", {"template": "flow"}, {"template": "flow", "metadata": {"a": WORDS}}


def run_act(what, *before, bodies=({"reason": WORDS}, {"reason": "b"}), **fields):
    def ready(caller):
        make_template(caller, **fields)
        body = {"template": "flow", "wait": bool(fields)}
        run = f"/api/v1/workflows/runs/{caller.post('/api/v1/workflows/runs', body).json()['id']}"
        for each in before:
            assert caller.post(f"{run}/{each}", {}).status_code == 200
        return f"{run}/{what}", *bodies

    return ready


def messages(path):
    return plain(path, {"messages": MEMORY, "user_id": WORDS}, {"messages": "two", "user_id": "a"})


def reset(caller):
    caller.post("/mem0/memories", {"messages": MEMORY, "user_id": WORDS})
    return "/mem0/reset", {"reason": WORDS}, {"reason": "b"}


def store(path):
    return plain(path, {"content": MEMORY}, {"content": "two"})


def job_cancel(path, body, media_type):
    def ready(caller):
        accepted = caller.send(f"{path}?mode=async", body, media_type)
        where = accepted.json()["url"].partition("testserver")[2]
        return f"{where}/cancel", {"reason": WORDS}, {"reason": "b"}

    return ready


def deletion_cancel(caller):
    with tenant_transaction(caller.organisation):
        job = DeletionJob.objects.create(
            organisation_id=caller.organisation,
            actor_kind="system",
            actor_id="a",
            memories=[uuid4()],
            count=1,
        )
    return f"/api/v1/memories/deletions/{job.id}/cancel", {"reason": WORDS}, {"reason": "b"}


HOOK = {"url": "http://127.0.0.1:9/", "events": ["*"], "description": WORDS}


@pytest.fixture(autouse=True)
def receiver(settings):
    """Allow the webhooks' host, where nobody listens."""
    settings.LIFTOS_HTTP_PRIVATE_HOSTS = ["127.0.0.1:9"]


def hook(what, body, other=None):
    """Return a request of a webhook's route; by default another one's is the other request."""

    def made(caller):
        paths = [
            f"/api/v1/webhooks/{caller.post('/api/v1/webhooks', HOOK).json()['id']}/{what}" for _ in "ab"
        ]
        return paths[0], body, paths[1] if other is None else other

    return made


def delivery_again(caller):
    path = f"/api/v1/webhooks/{caller.post('/api/v1/webhooks', HOOK).json()['id']}"
    made = [caller.post(f"{path}/ping", {}).json()["id"] for _ in "ab"]
    return f"{path}/deliveries/{made[0]}/replay", {}, f"{path}/deliveries/{made[1]}/replay"


def entries(campaign):
    one = {"id": "1", "campaign_name": campaign, "spend": 1}
    return {
        "data_source": "manual",
        "date_range_start": "2024-01-01",
        "date_range_end": "2024-01-31",
        "data_entries": [one],
    }


DAYS = {"date_from": "2024-01-01", "date_to": "2024-01-31", "method": "m"}


def experiment(name):
    more = {"channel": "tv", "design": "holdout", "treatment": "off", "control": "on"}
    return {"name": name, "estimate": 1.5, "low": 1, "high": 2} | more | DAYS


def model(name):
    return {"name": name, "estimates": [{"channel": "tv", "estimate": 1.5, "low": 1, "high": 2}]} | DAYS


def results(name):
    return {
        "name": name,
        "tool": "meridian",
        "rows": [{"channel": "tv", "mean": 1.5, "ci_lo": 1, "ci_hi": 2}],
    } | DAYS


def native_entries(campaign):
    one = {"id": "1", "campaign_name": campaign, "spend": 1}
    return {
        "data_source": "manual",
        "date_from": "2024-01-01",
        "date_to": "2024-01-31",
        "entries": [one],
    }


def sync(campaign):
    row = {"id": "1", "campaign_name": campaign, "spend": 1, "date": "2024-01-01"}
    return {"data": [row], "source": "manual"}


def causal(campaign):
    return {"timestamp": "2024-01-01", "campaign_id": "c", "campaign_name": campaign, "platform": "meta"}


def made_trigger(caller, name):
    template = {"name": name, "steps": [step("a")]}
    made = caller.post("/api/v1/workflows/templates", template).json()["id"]
    caller.post(f"/api/v1/workflows/templates/{made}/publish", {})
    return {"name": name, "event": "a", "template": name}


def new_trigger(caller):
    body = made_trigger(caller, WORDS)
    return "/api/v1/triggers", body, body | {"name": "b"}


def trigger(what):
    def made(caller):
        paths = [
            f"/api/v1/triggers/{caller.post('/api/v1/triggers', made_trigger(caller, name)).json()['id']}/{what}"
            for name in "ab"
        ]
        return paths[0], {}, paths[1]

    return made


def made_schedule(caller, name):
    return {"name": name, "cron": "0 6 * * *", "template": made_trigger(caller, name)["template"]}


def new_schedule(caller):
    body = made_schedule(caller, WORDS)
    return "/api/v1/schedules", body, body | {"name": "b"}


def schedule(what, body=None, other=None):
    def made(caller):
        paths = [
            f"/api/v1/schedules/{caller.post('/api/v1/schedules', made_schedule(caller, name)).json()['id']}/{what}"
            for name in "ab"
        ]
        return paths[0], body or {}, other or paths[1]

    return made


ACTS = {
    "POST /v1/memories/": messages("/v1/memories/"),
    "POST /v3/memories/add/": messages("/v3/memories/add/"),
    "POST /mem0/memories": messages("/mem0/memories"),
    "POST /mem0/reset": reset,
    "POST /api/v1/schedules": new_schedule,
    "POST /api/v1/schedules/{schedule}/pause": schedule("pause"),
    "POST /api/v1/schedules/{schedule}/resume": schedule("resume"),
    "POST /api/v1/schedules/{schedule}/backfill": schedule(
        "backfill",
        {"since": "2026-01-01", "until": "2026-01-03"},
        {"since": "2026-01-01", "until": "2026-01-04"},
    ),
    "POST /api/v1/triggers": new_trigger,
    "POST /api/v1/triggers/{trigger}/pause": trigger("pause"),
    "POST /api/v1/triggers/{trigger}/resume": trigger("resume"),
    "POST /api/v1/webhooks": plain("/api/v1/webhooks", HOOK, HOOK | {"events": ["a"]}),
    "POST /api/v1/webhooks/{webhook}/rotate": hook("rotate", {"overlap_hours": 1}, {"overlap_hours": 2}),
    "POST /api/v1/webhooks/{webhook}/pause": hook("pause", {}),
    "POST /api/v1/webhooks/{webhook}/resume": hook("resume", {}),
    "POST /api/v1/webhooks/{webhook}/ping": hook("ping", {}),
    "POST /api/v1/webhooks/{webhook}/deliveries/{delivery}/replay": delivery_again,
    "POST /store": store("/store"),
    "POST /memory/store": plain("/memory/store", {"value": MEMORY}, {"value": "two"}),
    "POST /api/v1/marketing/entries": plain(
        "/api/v1/marketing/entries", native_entries(MEMORY), native_entries("two")
    ),
    "POST /api/v1/data/ingest": plain("/api/v1/data/ingest", sync(MEMORY), sync("two")),
    "POST /api/v1/marketing/experiments": plain(
        "/api/v1/marketing/experiments", experiment(MEMORY), experiment("two")
    ),
    "POST /api/v1/marketing/models": plain("/api/v1/marketing/models", model(MEMORY), model("two")),
    "POST /api/v1/marketing/models/results": plain(
        "/api/v1/marketing/models/results", results(MEMORY), results("two")
    ),
    "POST /marketing/ingest": plain("/marketing/ingest", entries(MEMORY), entries("two")),
    "POST /api/v1/marketing/ingest/causal": plain(
        "/api/v1/marketing/ingest/causal", causal(MEMORY), causal("two")
    ),
    "POST /context/initialize": plain("/context/initialize", {"domain": WORDS}, {"domain": "b"}),
    "POST /conceptual-spaces/create": plain(
        f"/conceptual-spaces/create?name={WORDS}", ["price", "size"], ["price"]
    ),
    "POST /workflows/create": plain(f"/workflows/create?name={WORDS}", {"a": 1}, {"a": 2}),
    "POST /api/v1/store": store("/api/v1/store"),
    "POST /api/v1/memory/store": store("/api/v1/memory/store"),
    "POST /api/v1/memories": store("/api/v1/memories"),
    "POST /api/v1/memories/bulk": store("/api/v1/memories/bulk"),
    "POST /api/v1/conversations/{thread}/turns": plain(
        "/api/v1/conversations/call/turns",
        {"role": "user", "content": MEMORY},
        {"role": "user", "content": "two"},
    ),
    "POST /api/v1/documents": plain("/api/v1/documents", MEMORY.encode(), b"two"),
    "POST /api/v1/memories/bulk/{job}/cancel": job_cancel(
        "/api/v1/memories/bulk", json.dumps({"content": MEMORY}), "application/x-ndjson"
    ),
    "POST /api/v1/memories/deletions/{deletion}/cancel": deletion_cancel,
    "POST /api/v1/documents/jobs/{job}/cancel": job_cancel(
        "/api/v1/documents", MEMORY.encode(), "text/plain"
    ),
    "POST /api/v1/memories/{memory}/confirm": correction("confirm"),
    "POST /api/v1/memories/{memory}/contest": correction("contest"),
    "POST /api/v1/memories/{memory}/reject": correction("reject"),
    "POST /api/v1/memories/{memory}/supersede": supersede,
    "POST /api/v1/memories/{memory}/links": link,
    "POST /api/v1/memories/{memory}/restore": restoration,
    "POST /api/v1/memories/batch": plain(
        "/api/v1/memories/batch", {"memories": [{"content": MEMORY}]}, {"memories": [{"content": "eleven"}]}
    ),
    "POST /api/v1/memories/delete": deletion,
    "POST /api/v1/subjects/{kind}/{subject}/erase": subject,
    "POST /api/v1/retention": plain(
        "/api/v1/retention", {"name": WORDS, "ttl_seconds": 1e8}, {"name": "b", "ttl_seconds": 1e8}
    ),
    "POST /api/v1/retention/holds": plain(
        "/api/v1/retention/holds", {"name": "a", "reason": WORDS, "source": "held"}, {"name": "b"}
    ),
    "POST /api/v1/principals": plain("/api/v1/principals", {"name": WORDS}, {"name": "b"}),
    "POST /api/v1/groups": plain("/api/v1/groups", {"name": WORDS}, {"name": "b"}),
    "POST /api/v1/groups/{group}/members": members,
    "POST /api/v1/break_glass": break_glass,
    "POST /api/v1/keys": plain(
        "/api/v1/keys", {"name": WORDS, "scopes": ["admin"]}, {"name": "b", "scopes": ["admin"]}
    ),
    "POST /api/v1/keys/{key}/rotate": rotation,
    "POST /api/v1/decisions": plain(
        "/api/v1/decisions",
        {"operation": "budget.move", "reasoning": WORDS},
        {"operation": "budget.move", "reasoning": "two"},
    ),
    "POST /api/v1/proposals/{proposal}/accept": proposal("accept"),
    "POST /api/v1/proposals/{proposal}/decline": proposal("decline"),
    "POST /api/v1/decisions/{decision}/outcomes": outcome,
    "POST /api/v1/decisions/{decision}/reviews": review,
    "POST /api/v1/spaces": plain(
        "/api/v1/spaces", {"name": WORDS, "template": "marketing"}, {"name": "two", "template": "marketing"}
    ),
    "POST /api/v1/spaces/{space}/members": member,
    "POST /api/v1/spaces/{space}/concepts": concept,
    "POST /api/v1/spaces/{space}/relations": relation,
    "POST /api/v1/workflows/templates": plain(
        "/api/v1/workflows/templates", template_body(WORDS), template_body("two")
    ),
    "POST /api/v1/workflows/templates/{template}/publish": template_act("publish", publish=False),
    "POST /api/v1/workflows/templates/{template}/retire": template_act("retire", publish=True),
    "POST /api/v1/workflows/runs": start,
    "POST /api/v1/workflows/runs/{run}/cancel": run_act("cancel"),
    "POST /api/v1/workflows/runs/{run}/pause": run_act("pause"),
    "POST /api/v1/workflows/runs/{run}/resume": run_act("resume", "pause"),
    "POST /api/v1/workflows/runs/{run}/rerun": run_act("rerun", "cancel"),
    "POST /api/v1/workflows/runs/{run}/approve": run_act(
        "approve", bodies=({"step": "a"}, {"step": "a", "approved": False, "reason": "no"}), approval=True
    ),
}


@pytest.fixture
def functions():
    with registered_functions() as made:
        yield made


def post(caller, path, body, **headers):
    """Send JSON, or a document."""
    if isinstance(body, bytes):
        return caller.send(path, body, "text/plain", **headers)
    return caller.post(path, body, **headers)


def other_key(caller):
    """A second key of the organisation: nobody reviews a decision of their own."""
    _, token = create_api_key(organisation=caller.organisation, by=SYSTEM, name="second")
    return replace(caller, token=token)


def records(caller):
    return sorted(each["id"] for each in caller.get("/api/v1/decisions?limit=200").json()["results"])


def without_correlation(answer):
    """Old routes say in the envelope which request is answered."""
    body = json.loads(answer.content)
    if isinstance(body.get("metadata"), dict):
        body["metadata"].pop("correlation_id", None)
    # a key's secret is shown once, and kept nowhere
    body.pop("token", None)
    body.pop("secret", None)
    return body


@pytest.mark.parametrize("route", POSTS)
def test_a_post_route_is_guarded_or_a_read(route):
    assert (route in ACTS) != (route in READS), "name it in ACTS and guard it with `once`, or in READS, why"


def test_the_document_names_the_key_on_the_routes_that_take_it(client, db):
    document = client.get("/openapi.json").json()
    named = {
        f"POST {path}"
        for path, item in document["paths"].items()
        for each in item.get("post", {}).get("parameters", [])
        if each["name"] == "Idempotency-Key"
    }
    assert named == set(ACTS)


def test_only_routes_that_exist_are_named():
    assert sorted((ACTS | READS).keys() - set(POSTS)) == []


def kept(caller):
    """Return all that keys have kept, as one text."""
    with tenant_transaction(caller.organisation), connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(body::text, ' ') FROM idempotency_idempotencykey")
        return cursor.fetchone()[0]


def ids(answer):
    body = answer.json()
    named = body["data"] if isinstance(body.get("data"), dict) else body
    # callers choose external ids, which keys don't keep
    return {
        name: value
        for name, value in named.items()
        if name == "id" or (name.endswith("_id") and name != "external_id")
    }


@pytest.fixture
def lookups(monkeypatch):
    """Count what the embedder is asked for. Asked inside a transaction it fails: see tests/conftest.py."""
    counted = []

    def counting(called):
        def count(self, *args, **kwargs):
            counted.append(args)
            return called(self, *args, **kwargs)

        return count

    for name in ("embed", "embed_many"):
        monkeypatch.setattr(EmbeddingManager, name, counting(getattr(EmbeddingManager, name)))
    return counted


@pytest.mark.parametrize("route", sorted(ACTS))
def test_idempotency_key_is_executed_once_on_every_route_that_writes(acme, functions, lookups, route):
    path, body, other = ACTS[route](acme)
    caller, headers = other_key(acme), {"idempotency-key": "one key"}
    lookups.clear()
    first = post(caller, path, body, **headers)
    assert first.status_code in {200, 201}, first.content
    assert "Idempotent-Replayed" not in first
    assert bool(lookups) == (route in EMBEDS), "name what embeds in EMBEDS"
    done = records(acme)

    lookups.clear()
    again = post(caller, path, body, **headers)
    assert again.status_code == first.status_code
    assert again["Idempotent-Replayed"] == "true"
    assert without_correlation(again) == without_correlation(first)
    assert list(again.json()) == list(first.json())
    assert again.get("ETag") == first.get("ETag")
    assert lookups == []

    refused = (
        post(caller, other, body, **headers)
        if isinstance(other, str)
        else post(caller, path, other, **headers)
    )
    assert refused.status_code == 409
    assert "Idempotency-Key" in refused.json()["detail"]
    assert lookups == []
    assert records(acme) == done


@pytest.mark.parametrize("route", sorted(ACTS))
def test_a_replay_after_an_erasure_answers_status_and_ids_and_no_text(acme, functions, route):
    path, body, _ = ACTS[route](acme)
    caller, headers = other_key(acme), {"idempotency-key": "one key"}
    first = post(caller, path, body, **headers)
    assert "xyzzy" not in kept(acme)
    assert WORDS not in kept(acme)
    with tenant_transaction(acme.organisation):
        memories = list(Memory.objects.values_list("id", flat=True))
    list(forget_many(organisation=acme.organisation, by=SYSTEM, memories=memories))

    again = post(caller, path, body, **headers)
    assert again.status_code == first.status_code
    assert again["Idempotent-Replayed"] == "true"
    assert ids(again) == ids(first)
    assert "xyzzy" not in again.content.decode()


@pytest.mark.parametrize("route", sorted(EMBEDS - {"POST /api/v1/memories/bulk"}))
def test_what_fails_while_it_is_prepared_leaves_no_key(acme, functions, monkeypatch, route):
    path, body, other = ACTS[route](acme)
    headers = {"idempotency-key": "k"}
    with monkeypatch.context() as away:

        def fail(self, *args, **kwargs):
            raise RuntimeError

        away.setattr(EmbeddingManager, "embed", fail)
        away.setattr(EmbeddingManager, "embed_many", fail)
        assert post(acme, path, body, **headers).status_code == 500
    answered = post(acme, path, other, **headers)
    assert answered.status_code in {200, 201}, answered.content
    assert "Idempotent-Replayed" not in answered


@pytest.mark.parametrize("wait", [{}, {"wait": "integrated"}])
def test_one_key_is_one_permanent_record(acme, wait):
    body = {"operation": "budget.move", "reasoning": "r"} | wait
    first, again = (acme.post("/api/v1/decisions", body, **{"idempotency-key": "k"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json()["id"] == first.json()["id"]
    assert (again.json()["index"] is not None) == bool(wait)
    assert len(acme.get("/api/v1/decisions?operation=budget.move").json()["results"]) == 1
