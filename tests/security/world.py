"""An organisation with canaries in memories and decisions, and a request for every documented route.

Add a request here for every new route: the tests compare with /openapi.json.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django.http import HttpResponse
from django.test import override_settings
from django.utils import timezone

from accountability.ledger.sequencer import drain
from accountability.search.indexing import add_missing, embed_next
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.telemetry.models import TraceRecord
from liftos.kernel.tenancy.types import SYSTEM, Scope
from memory.bulk.jobs import work_on_next_chunk
from memory.care.runs import care
from memory.care_types import Kind
from memory.documents.jobs import work_on_next_job
from memory.models import DeletionJob
from tests.factories.callers import Caller
from tests.factories.flows import step
from tests.factories.keys import with_key
from tests.factories.principals import group_of, principal_of

HOOKS = "http://127.0.0.1:9/hooks"
"""Nobody listens there; its host is allowed in tests of all routes."""
MEMORY = "canarymemory"
DECISION = "canarydecision"


@dataclass(frozen=True)
class World:
    """Ids for the routes' parameters, all of one organisation."""

    memory: str
    other: str
    job: str
    thread: str
    document: str
    document_job: str
    erasure: str
    decision: str
    trace: str
    space: str
    concept: str
    relation: str
    template: str
    draft: str
    run: str
    waiting: str
    failed: str
    paused: str
    workflow: str
    slug: str
    token: str
    size: int
    queued_job: str
    queued_document: str
    deletion: str
    rule: str
    hold: str
    principal: str
    group: str
    key: str
    glass: str
    webhook: str
    delivery: str
    trigger: str
    schedule: str
    queued_deletion: str
    message: str
    entry: str
    proposal: str
    experiment: str
    model: str


def make_world(caller: Caller) -> World:
    def make(path: str, body: Any, key: str = "id") -> str:
        response = caller.post(path, body)
        assert response.status_code < 300, (path, response.content)
        return response.json()[key]

    memory = caller.store(
        f"Boots sell when it rains {MEMORY}", metadata={"note": MEMORY, "price": 0.5}, tags=[MEMORY]
    )
    other = caller.store(f"Umbrellas sell when it rains {MEMORY}")
    message = caller.store(f"Rain, says Ann {MEMORY}", source="mem0", metadata={"user_id": "ann"})
    make(f"/api/v1/memories/{memory}/links", {"kind": "about", "target": other}, key="memory_id")
    make("/api/v1/memories", {"content": f"Of Ann {MEMORY}", "user_id": "ann"})
    rule = make("/api/v1/retention", {"name": "logs", "ttl_seconds": 1e8, "source": "logs"})
    hold = make("/api/v1/retention/holds", {"name": "court", "source": "court"})
    gone = caller.store(f"To be erased {MEMORY}")
    make("/api/v1/marketing/ingest/causal", CAUSAL | {"treatment_group": MEMORY}, key="success")
    erasure = caller.delete(f"/api/v1/memories/{gone}").json()["erasure_id"]
    lines = json.dumps({"content": f"line {MEMORY}"}) + "\n" + json.dumps({"content": 5, "source": MEMORY})
    job = caller.send("/api/v1/memories/bulk?mode=async", lines, "application/x-ndjson").json()["id"]
    work_on_next_chunk(organisation=caller.organisation)
    thread = f"call-{caller.slug}"
    turn = {"role": "user", "name": MEMORY, "content": f"It rains {MEMORY}", "metadata": {"a": MEMORY}}
    assert caller.post(f"/api/v1/conversations/{thread}/turns", turn).status_code == 201
    path = "/api/v1/documents?keep_original=true&title=" + MEMORY
    document = caller.send(path, f"# Rain\n\nBoots {MEMORY}", "text/markdown").json()["id"]
    document_job = caller.send(f"{path}&mode=async", f"Later {MEMORY}", "text/plain").json()["id"]
    work_on_next_job(organisation=caller.organisation)
    # these wait: only such jobs can be cancelled
    queued_job = caller.send("/api/v1/memories/bulk?mode=async", lines, "application/x-ndjson").json()["id"]
    queued_document = caller.send(f"{path}&mode=async", f"Later {MEMORY}", "text/plain").json()["id"]
    decided = {
        "operation": "budget.move", "reasoning": f"because {DECISION}", "inputs": {"a": DECISION}, "outputs": {"b": DECISION},
        "alternatives": [{"option": DECISION, "reason": DECISION}], "risk_class": "high", "confidence": 0.2,
    }  # fmt: skip
    decision = make("/api/v1/decisions", decided)
    caller.post(f"/api/v1/decisions/{decision}/reviews", {"verdict": "information", "reason": DECISION})
    caller.post(f"/api/v1/decisions/{decision}/outcomes", {"value": DECISION, "note": DECISION})
    for name in ("Ann Smith", "Bob Jones"):
        caller.store(f"The CEO of {MEMORY} is {name}.")
    care(organisation=caller.organisation, by=SYSTEM, now=timezone.now(), kinds=[Kind.SUPERSESSION])
    proposal = caller.get("/api/v1/proposals").json()["results"][0]["id"]
    sum(add_missing(organisation=caller.organisation))
    embed_next(organisation=caller.organisation)
    dimension = {"name": "price", "low": ["cheap", {"memory_id": memory}], "high": ["expensive"]}
    space = make("/api/v1/spaces", {"name": "offers", "dimensions": [dimension]})
    for each in (memory, other):
        make(f"/api/v1/spaces/{space}/members", {"memory_id": each, "coordinates": {"price": 0.4}})
    concept = make(f"/api/v1/spaces/{space}/concepts", {"name": "bargain", "examples": [memory]})
    make(f"/api/v1/spaces/{space}/concepts", {"name": "luxury", "prototype": {"price": 0.9}})
    relation = make(
        f"/api/v1/spaces/{space}/relations", {"source": "bargain", "kind": "opposite", "target": "luxury"}
    )
    steps = [
        step("find", "memory.search", arguments={"query": "boots rain", "limit": 5}),
        step(
            "decide", "decisions.record", depends_on=["find"],
            arguments={"operation": "budget.move", "reasoning": "{why} {steps.find.result.count}"},
        ),
        step("echo", depends_on=["find"], arguments={"value": "{steps.find.result}"}),
    ]  # fmt: skip
    parameters = {"type": "object", "properties": {"why": {"type": "string"}}}
    template = publish_template(caller, "flow", steps, parameters=parameters)
    draft = make("/api/v1/workflows/templates", {"name": "draft", "steps": [step("a")]})
    asked = {"template": "flow", "parameters": {"why": DECISION}, "metadata": {"note": MEMORY}}
    ended = caller.post("/api/v1/workflows/runs", asked | {"wait": True}).json()
    assert ended["status"] == "completed", ended
    publish_template(caller, "asks", [step("ask", approval=True)])
    waiting = caller.post("/api/v1/workflows/runs", {"template": "asks", "wait": True}).json()["id"]
    failed, paused = (make("/api/v1/workflows/runs", asked) for _ in range(2))
    caller.post(f"/api/v1/workflows/runs/{failed}/cancel", {"reason": "not yet"})
    caller.post(f"/api/v1/workflows/runs/{paused}/pause", {"reason": "wait"})
    drain(organisation=caller.organisation)
    follower, _ = with_key(caller, Scope.LEDGER_FOLLOW)
    head = caller.client.get(f"/api/v1/ledger/{follower.token}/checkpoint").content.decode()
    trace = uuid4().hex
    with tenant_transaction(caller.organisation):
        deletion = DeletionJob.objects.create(
            organisation_id=caller.organisation, actor_kind="system", actor_id="a", memories=[uuid4()], count=1,
            done=1, finished_at=timezone.now(),
        )  # fmt: skip
        queued_deletion = DeletionJob.objects.create(
            organisation_id=caller.organisation, actor_kind="system", actor_id="a", memories=[uuid4()], count=1,
        )  # fmt: skip
        TraceRecord.objects.create(
            organisation_id=caller.organisation, trace_id=trace, correlation_id="c", name="POST /api/v1/search",
            started_at=timezone.now(), duration_ms=1.0, status="ok", spans=[],
        )  # fmt: skip
    return World(
        memory, other, job, thread, document, document_job, erasure, decision, trace, space, concept, relation, template, draft, ended["id"], waiting, failed,
        paused, ended["workflow_id"], caller.slug, follower.token, int(head.split("\n")[1]),
        queued_job, queued_document, str(deletion.id), rule, hold, *make_directory(caller), *make_webhook(caller),
        make("/api/v1/triggers", {"name": "rain", "event": "liftos.memory.stored", "template": "flow", "parameters": {"why": "x"}}),
        make("/api/v1/schedules", SCHEDULE),
        str(queued_deletion.id), message, make_entry(caller), proposal,
        make("/api/v1/marketing/experiments", EXPERIMENT | {"name": MEMORY}), make("/api/v1/marketing/models", MODEL | {"name": MEMORY}),
    )  # fmt: skip


def make_directory(caller: Caller) -> tuple[str, str, str, str]:
    """Return the ids of a principal, a group to which nothing is visible, a key, and a break-glass."""
    principal = principal_of(caller, "ann", group_of(caller, "field"))
    key = with_key(caller, Scope.ADMIN)[1]
    opened = caller.post("/api/v1/break_glass", {"principal": "ann", "reason": "A request of the law"})
    assert opened.status_code == 201, opened.content
    return str(principal.id), str(group_of(caller, "empty").id), str(key.id), opened.json()["id"]


def make_entry(caller: Caller) -> str:
    """Return the id of a marketing entry."""
    days = {"date_from": "2024-01-01", "date_to": "2024-01-31"}
    entries = [{"id": "world", "spend": 1, "campaign_name": MEMORY}]
    answer = caller.post("/api/v1/marketing/entries", {"data_source": "manual", "entries": entries} | days)
    assert answer.status_code == 200, answer.content
    return str(answer.json()["results"][0]["id"])


def make_webhook(caller: Caller) -> tuple[str, str]:
    """Return the ids of a webhook and its delivery of a ping."""
    body = {"url": HOOKS, "events": ["liftos.memory.*"]}
    with override_settings(LIFTOS_HTTP_PRIVATE_HOSTS=["127.0.0.1:9"]):
        made = caller.post("/api/v1/webhooks", body)
    assert made.status_code == 201, made.content
    webhook = str(made.json()["id"])
    return webhook, str(caller.post(f"/api/v1/webhooks/{webhook}/ping", {}).json()["id"])


def publish_template(caller: Caller, name: str, steps: list[Any], **fields: Any) -> str:
    answer = caller.post("/api/v1/workflows/templates", {"name": name, "steps": steps} | fields)
    assert answer.status_code == 201, answer.content
    made = str(answer.json()["id"])
    assert caller.post(f"/api/v1/workflows/templates/{made}/publish", {}).status_code == 200
    return made


Request = tuple[str, Any]
Requests = Callable[[World], list[Request]]


def at(path: str, *bodies: Any) -> Requests:
    """Return requests of a path filled with the world's ids, one per body."""

    def requests(world: World) -> list[Request]:
        filled = path.format(**vars(world))
        return [(filled, _filled(body, world)) for body in bodies or (None,)]

    return requests


def _filled(body: Any, world: World) -> Any:
    if isinstance(body, dict):
        return {name: _filled(value, world) for name, value in body.items()}
    if isinstance(body, list):
        return [_filled(each, world) for each in body]
    if isinstance(body, str) and body.startswith("$"):
        return vars(world)[body[1:]]
    return body


QUERY, TEXT = {"query": "boots rain"}, {"content": "new"}
WHY = {"reason": "because"}
V1 = "/api/v1"
JANUARY = {"date_range_start": "2024-01-01", "date_range_end": "2024-01-31"}
MARKETING = {"data_source": "manual", "data_entries": [{"id": "new", "spend": 1}], **JANUARY}
ENTRIES = {
    "data_source": "manual",
    "entries": [{"id": "own", "spend": 1}],
    "date_from": "2024-01-01",
    "date_to": "2024-01-31",
}
STUDY_DAYS = {"date_from": "2024-01-01", "date_to": "2024-01-31", "method": "holdout"}
EXPERIMENT = {
    "name": "new", "channel": "tv", "design": "holdout", "treatment": "off", "control": "on", "estimate": 1.5, "low": 1, "high": 2,
} | STUDY_DAYS  # fmt: skip
MODEL = {"name": "new", "estimates": [{"channel": "tv", "estimate": 1.5, "low": 1, "high": 2}]} | STUDY_DAYS
RESULTS = {
    "name": "new", "tool": "meridian", "rows": [{"channel": "tv", "mean": 1.5, "ci_lo": 1, "ci_hi": 2}],
} | STUDY_DAYS  # fmt: skip
CAUSAL = {"timestamp": "2024-01-01", "campaign_id": "new", "platform": "meta", "experiment_id": "lift"}
INSIGHTS = {"data_sources": ["manual"], **JANUARY}
SPACE, RUNS, TEMPLATES = f"{V1}/spaces/{{space}}", f"{V1}/workflows/runs", f"{V1}/workflows/templates"
PRICE = [{"name": "price", "low": ["cheap"], "high": ["expensive"]}]

HOOK = f"{V1}/webhooks/{{webhook}}"
SCHEDULE = {"name": "dawn", "cron": "0 6 * * *", "template": "flow", "parameters": {"why": "x"}}
OF_SCHEDULE = f"{V1}/schedules/{{schedule}}"
TRIGGER = f"{V1}/triggers/{{trigger}}"

MESSAGE = {"messages": "some words", "user_id": "ann"}
BATCH = {"memories": [{"memory_id": "$message", "text": "other words"}]}

ROUTES: dict[str, Requests] = {
    "GET /v1/ping/": at("/v1/ping/"),
    "GET /v1/entities/": at("/v1/entities/"),
    "DELETE /v2/entities/{kind}/{name}/": at("/v2/entities/user/ann/"),
    **{f"POST {path}": at(path, MESSAGE) for path in ("/v1/memories/", "/v3/memories/add/", "/mem0/memories")},
    **{f"{method} {path}": at(f"{path}?user_id=ann") for path in ("/v1/memories/", "/mem0/memories") for method in ("GET", "DELETE")},
    **{f"POST {path}": at(path, QUERY) for path in (
        "/v1/memories/search/", "/v2/memories/search/", "/v3/memories/search/", "/mem0/search", "/v2/memories/", "/v3/memories/",
    )},
    **{
        f"{method} {path.format('{memory}')}": at(path.format("{message}"), body)
        for path in ("/v1/memories/{}/", "/mem0/memories/{}")
        for method, body in (("GET", None), ("PUT", {"text": "other words"}), ("DELETE", None))
    },
    **{
        f"GET {path.format('{memory}')}": at(path.format("{message}"))
        for path in ("/v1/memories/{}/history/", "/mem0/memories/{}/history")
    },
    "PUT /v1/batch/": at("/v1/batch/", BATCH),
    "DELETE /v1/batch/": at("/v1/batch/", BATCH),
    "POST /mem0/reset": at("/mem0/reset", {}),
    "GET /v1/vector_stores": at("/v1/vector_stores"),
    "GET /v1/vector_stores/{store}": at("/v1/vector_stores/all"),
    "POST /v1/vector_stores/{store}/search": at("/v1/vector_stores/all/search", QUERY),
    "GET /api/v1/schedules": at(f"{V1}/schedules"),
    "POST /api/v1/schedules": at(f"{V1}/schedules", SCHEDULE | {"name": "noon"}),
    "GET /api/v1/schedules/{schedule}": at(OF_SCHEDULE),
    "PATCH /api/v1/schedules/{schedule}": at(OF_SCHEDULE, {"cron": "0 7 * * *"}),
    "DELETE /api/v1/schedules/{schedule}": at(OF_SCHEDULE),
    "POST /api/v1/schedules/{schedule}/pause": at(f"{OF_SCHEDULE}/pause", {}),
    "POST /api/v1/schedules/{schedule}/resume": at(f"{OF_SCHEDULE}/resume", {}),
    "POST /api/v1/schedules/{schedule}/backfill": at(f"{OF_SCHEDULE}/backfill", {"since": "2026-01-01", "until": "2026-01-03"}),
    "GET /api/v1/schedules/{schedule}/ticks": at(f"{OF_SCHEDULE}/ticks"),
    "GET /api/v1/triggers": at(f"{V1}/triggers"),
    "POST /api/v1/triggers": at(f"{V1}/triggers", {"name": "new", "event": "liftos.memory.*", "template": "flow"}),
    "GET /api/v1/triggers/{trigger}": at(TRIGGER),
    "PATCH /api/v1/triggers/{trigger}": at(TRIGGER, {"per_minute": 5}),
    "DELETE /api/v1/triggers/{trigger}": at(TRIGGER),
    "POST /api/v1/triggers/{trigger}/pause": at(f"{TRIGGER}/pause", {}),
    "POST /api/v1/triggers/{trigger}/resume": at(f"{TRIGGER}/resume", {}),
    "POST /api/v1/triggers/{trigger}/dry-run": at(f"{TRIGGER}/dry-run", {"last": 5}),
    "GET /api/v1/triggers/{trigger}/firings": at(f"{TRIGGER}/firings"),
    "POST /api/v1/events": at(
        f"{V1}/events", {"specversion": "1.0", "id": "new", "source": "/shop", "type": "shop.sold", "data": {"n": 1}}
    ),
    "GET /api/v1/events/stream": at(f"{V1}/events/stream?last_event_id=0"),
    "GET /api/v1/webhooks": at(f"{V1}/webhooks"),
    "POST /api/v1/webhooks": at(f"{V1}/webhooks", {"url": HOOKS, "events": ["*"], "filters": {"a": 1}}),
    "GET /api/v1/webhooks/{webhook}": at(HOOK),
    "PATCH /api/v1/webhooks/{webhook}": at(HOOK, {"description": "other"}),
    "DELETE /api/v1/webhooks/{webhook}": at(HOOK),
    "POST /api/v1/webhooks/{webhook}/rotate": at(f"{HOOK}/rotate", {"overlap_hours": 2}),
    "POST /api/v1/webhooks/{webhook}/pause": at(f"{HOOK}/pause", {}),
    "POST /api/v1/webhooks/{webhook}/resume": at(f"{HOOK}/resume", {}),
    "POST /api/v1/webhooks/{webhook}/ping": at(f"{HOOK}/ping", {}),
    "GET /api/v1/webhooks/{webhook}/deliveries": at(f"{HOOK}/deliveries"),
    "GET /api/v1/webhooks/{webhook}/deliveries/{delivery}": at(f"{HOOK}/deliveries/{{delivery}}"),
    "POST /api/v1/webhooks/{webhook}/deliveries/{delivery}/replay": at(f"{HOOK}/deliveries/{{delivery}}/replay", {}),
    **{f"GET {path}": at(path) for path in (
        "/", "/analytics", "/health", "/ready", "/performance/metrics", "/insights", "/context/stats", "/conceptual-spaces",
        f"{V1}/calibration", f"{V1}/decisions", f"{V1}/ledger/checkpoint", f"{V1}/memories",
        f"{V1}/memories/bulk", f"{V1}/documents/jobs", f"{V1}/quotas",
        f"{V1}/memories/derived-policy", f"{V1}/memories/rejection-policy", f"{V1}/memories/secrets-policy", f"{V1}/memory/insights", f"{V1}/metrics/operations", f"{V1}/recent", f"{V1}/reviews",
        f"{V1}/reviews/policy", f"{V1}/spaces", f"{V1}/spaces/templates", f"{V1}/workflows/functions", RUNS, TEMPLATES,
    )},
    "GET /api/v1/ledger/verification": at(f"{V1}/ledger/verification"),
    "GET /api/v1/ledger/verifier.py": at(f"{V1}/ledger/verifier.py"),
    "GET /api/v1/ledger/{token}/checkpoint": at(f"{V1}/ledger/{{token}}/checkpoint"),
    "GET /api/v1/ledger/{token}/tile/{tile}": at(f"{V1}/ledger/{{token}}/tile/entries/000.p/{{size}}"),
    "GET /api/v1/memories/erasure-policy": at(f"{V1}/memories/erasure-policy"),
    "PUT /api/v1/memories/erasure-policy": at(
        f"{V1}/memories/erasure-policy", {"scrub_quotes": True, "refuse_erased_ids": "always"}
    ),
    "GET /api/v1/decisions/export": at(f"{V1}/decisions/export"),
    "GET /api/v1/ledger/consistency": at(f"{V1}/ledger/consistency?from=1&to=2"),
    "GET /api/v1/search": at(f"{V1}/search?query=boots"),
    "GET /workflows/{workflow}/status": at("/workflows/{workflow}/status"),
    "GET /api/v1/decisions/{decision}": at(f"{V1}/decisions/{{decision}}"),
    "GET /api/v1/decisions/{decision}/chain": at(f"{V1}/decisions/{{decision}}/chain"),
    "GET /api/v1/decisions/{decision}/proof": at(f"{V1}/decisions/{{decision}}/proof?disclose=true"),
    "GET /api/v1/proposals": at(f"{V1}/proposals"),
    "GET /api/v1/decisions/{decision}/outcomes": at(f"{V1}/decisions/{{decision}}/outcomes"),
    "GET /api/v1/decisions/{decision}/reviews": at(f"{V1}/decisions/{{decision}}/reviews"),
    "GET /api/v1/erasures/{erasure}": at(f"{V1}/erasures/{{erasure}}"),
    "GET /api/v1/memories/{memory}": at(f"{V1}/memories/{{memory}}"),
    "GET /api/v1/memories/{memory}/history": at(f"{V1}/memories/{{memory}}/history"),
    "GET /api/v1/memories/{memory}/links": at(f"{V1}/memories/{{memory}}/links?direction=both"),
    "POST /api/v1/memories/{memory}/links": at(f"{V1}/memories/{{memory}}/links", {"kind": "explains", "target": "$other"}),
    "DELETE /api/v1/memories/{memory}/links": at(f"{V1}/memories/{{memory}}/links?kind=about&target={{other}}"),
    "GET /api/v1/memories/{memory}/graph": at(f"{V1}/memories/{{memory}}/graph?depth=2"),
    "PUT /api/v1/memories": at(f"{V1}/memories?external_id=put", {"content": "some words"}),
    "DELETE /api/v1/memories": at(f"{V1}/memories?source=none"),
    "POST /api/v1/memories/get": at(f"{V1}/memories/get", {"ids": ["019a0000-0000-7000-8000-000000000000"]}),
    "POST /api/v1/memories/batch": at(f"{V1}/memories/batch", {"memories": [{"content": "some words"}]}),
    "POST /api/v1/memories/delete": at(f"{V1}/memories/delete", {"ids": ["019a0000-0000-7000-8000-000000000000"]}),
    "GET /api/v1/memories/deletions/{deletion}": at(f"{V1}/memories/deletions/{{deletion}}"),
    "GET /api/v1/memories/deletions": at(f"{V1}/memories/deletions?status=done"),
    "POST /api/v1/memories/deletions/{deletion}/cancel": at(f"{V1}/memories/deletions/{{queued_deletion}}/cancel", WHY),
    "DELETE /api/v1/memories/deletions/{deletion}": at(f"{V1}/memories/deletions/{{queued_deletion}}", WHY),
    "POST /api/v1/memories/{memory}/restore": at(f"{V1}/memories/{{memory}}/restore", {"version": 1}),
    "POST /api/v1/memories/query": at(f"{V1}/memories/query", {"total": True}),
    "GET /api/v1/subjects/{kind}/{subject}/export": at(f"{V1}/subjects/user/ann/export"),
    "POST /api/v1/subjects/{kind}/{subject}/erase": at(f"{V1}/subjects/user/ann/erase", WHY),
    "GET /api/v1/retention": at(f"{V1}/retention"),
    "POST /api/v1/retention": at(f"{V1}/retention", {"name": "new", "ttl_seconds": 1e8}),
    "PUT /api/v1/retention/{rule}": at(f"{V1}/retention/{{rule}}", {"name": "changed", "ttl_seconds": 1e8}),
    "DELETE /api/v1/retention/{rule}": at(f"{V1}/retention/{{rule}}"),
    "GET /api/v1/retention/holds": at(f"{V1}/retention/holds"),
    "POST /api/v1/retention/holds": at(f"{V1}/retention/holds", {"name": "new"}),
    "DELETE /api/v1/retention/holds/{hold}": at(f"{V1}/retention/holds/{{hold}}", WHY),
    "GET /api/v1/principals": at(f"{V1}/principals?kind=person"),
    "POST /api/v1/principals": at(f"{V1}/principals", {"name": "carol", "kind": "agent", "groups": ["$group"]}),
    "GET /api/v1/principals/{principal}": at(f"{V1}/principals/{{principal}}"),
    "PATCH /api/v1/principals/{principal}": at(f"{V1}/principals/{{principal}}", {"name": "ann b."}),
    "DELETE /api/v1/principals/{principal}": at(f"{V1}/principals/{{principal}}?memories=erase"),
    "GET /api/v1/groups": at(f"{V1}/groups"),
    "POST /api/v1/groups": at(f"{V1}/groups", {"name": "legal team", "members": ["$principal"]}),
    "GET /api/v1/groups/{group}": at(f"{V1}/groups/{{group}}"),
    "PATCH /api/v1/groups/{group}": at(f"{V1}/groups/{{group}}", {"name": "field sales"}),
    "DELETE /api/v1/groups/{group}": at(f"{V1}/groups/{{group}}"),
    "POST /api/v1/groups/{group}/members": at(f"{V1}/groups/{{group}}/members", {"members": ["$principal"]}),
    "PUT /api/v1/groups/{group}/members/{principal}": at(f"{V1}/groups/{{group}}/members/{{principal}}"),
    "DELETE /api/v1/groups/{group}/members/{principal}": at(f"{V1}/groups/{{group}}/members/{{principal}}"),
    "GET /api/v1/break_glass": at(f"{V1}/break_glass"),
    "POST /api/v1/break_glass": at(
        f"{V1}/break_glass", {"principal": "$principal", "reason": "A request of the law", "minutes": 5}
    ),
    "GET /api/v1/break_glass/{glass}": at(f"{V1}/break_glass/{{glass}}"),
    "DELETE /api/v1/break_glass/{glass}": at(f"{V1}/break_glass/{{glass}}"),
    "GET /api/v1/keys": at(f"{V1}/keys"),
    "POST /api/v1/keys": at(f"{V1}/keys", {"name": "reader", "scopes": ["admin"], "principal": "$principal"}),
    "GET /api/v1/keys/{key}": at(f"{V1}/keys/{{key}}"),
    "DELETE /api/v1/keys/{key}": at(f"{V1}/keys/{{key}}"),
    "POST /api/v1/keys/{key}/rotate": at(f"{V1}/keys/{{key}}/rotate", {"overlap_seconds": 60}),
    "GET /api/v1/values": at(f"{V1}/values?field=tags"),
    "GET /api/v1/memories/bulk/{job}": at(f"{V1}/memories/bulk/{{job}}"),
    "DELETE /api/v1/memories/bulk/{job}": at(f"{V1}/memories/bulk/{{queued_job}}"),
    "POST /api/v1/memories/bulk/{job}/cancel": at(f"{V1}/memories/bulk/{{queued_job}}/cancel", WHY),
    "DELETE /api/v1/documents/jobs/{job}": at(f"{V1}/documents/jobs/{{queued_document}}"),
    "POST /api/v1/documents/jobs/{job}/cancel": at(f"{V1}/documents/jobs/{{queued_document}}/cancel", WHY),
    "GET /api/v1/conversations/{thread}/turns": at(f"{V1}/conversations/{{thread}}/turns"),
    "POST /api/v1/conversations/{thread}/turns": at(
        f"{V1}/conversations/own/turns", {"role": "user", "content": "some words"}
    ),
    "GET /api/v1/documents/{document}": at(f"{V1}/documents/{{document}}"),
    "GET /api/v1/documents/{document}/original": at(f"{V1}/documents/{{document}}/original"),
    "GET /api/v1/documents/{document}/passages": at(f"{V1}/documents/{{document}}/passages"),
    "GET /api/v1/documents/jobs/{job}": at(f"{V1}/documents/jobs/{{document_job}}"),
    "POST /api/v1/documents": at(f"{V1}/documents", "some words"),
    "GET /api/v1/traces/{trace_id}": at(f"{V1}/traces/{{trace}}"),
    "GET /api/v1/workflows/runs/{run}": at(f"{RUNS}/{{run}}?items=true"),
    "GET /api/v1/workflows/templates/{template}": at(f"{TEMPLATES}/{{template}}"),
    "GET /api/v1/spaces/{space}": at(SPACE),
    **{f"GET {V1}/spaces/{{space}}/{what}": at(f"{SPACE}/{what}") for what in (
        "clusters", "concepts", "dimensions", "relations", "report", "versions", "positions",
    )},
    "GET /api/v1/spaces/{space}/compare": at(f"{SPACE}/compare?first={{memory}}&second={{other}}"),
    "GET /api/v1/spaces/{space}/explain": at(f"{SPACE}/explain?memory={{memory}}&concept=bargain"),
    "GET /api/v1/spaces/{space}/neighbours": at(f"{SPACE}/neighbours?memory={{memory}}"),
    "GET /api/v1/spaces/{space}/concepts/{concept}": at(f"{SPACE}/concepts/{{concept}}"),
    **{f"POST {path}": at(path, QUERY) for path in (
        "/search", "/search/neural", "/search/knowledge", "/search/conceptual", "/memory/search", f"{V1}/memory/search",
        f"{V1}/search",
    )},
    "POST /search/batch": at("/search/batch", ["boots rain"]),
    "POST /api/v1/search/batch": at(f"{V1}/search/batch", {"queries": ["boots rain"]}),
    **{f"POST {path}": at(path, TEXT) for path in ("/store", f"{V1}/memories", f"{V1}/memories/bulk")},
    "POST /memory/store": at("/memory/store", {"value": "new"}),
    "POST /marketing/ingest": at("/marketing/ingest", MARKETING),
    "POST /marketing/search": at("/marketing/search", QUERY),
    "POST /marketing/insights": at("/marketing/insights", INSIGHTS),
    "POST /marketing/export/causal": at("/marketing/export/causal", INSIGHTS),
    "POST /marketing/transform": at("/marketing/transform", MARKETING),
    "POST /api/v1/marketing/entries": at(f"{V1}/marketing/entries", ENTRIES),
    "GET /api/v1/marketing/entries": at(f"{V1}/marketing/entries?data_sources=manual"),
    "GET /api/v1/marketing/entries/{entry}": at(f"{V1}/marketing/entries/{{entry}}"),
    "GET /api/v1/marketing/experiments": at(f"{V1}/marketing/experiments?channel=tv"),
    "POST /api/v1/marketing/experiments": at(f"{V1}/marketing/experiments", EXPERIMENT),
    "GET /api/v1/marketing/experiments/{study}": at(f"{V1}/marketing/experiments/{{experiment}}"),
    "PATCH /api/v1/marketing/experiments/{study}": at(f"{V1}/marketing/experiments/{{experiment}}", {"units": 5}),
    "GET /api/v1/marketing/experiments/lift-tests": at(f"{V1}/marketing/experiments/lift-tests"),
    "GET /api/v1/marketing/experiments/priors": at(f"{V1}/marketing/experiments/priors"),
    "GET /api/v1/marketing/models": at(f"{V1}/marketing/models"),
    "POST /api/v1/marketing/models": at(f"{V1}/marketing/models", MODEL),
    "POST /api/v1/marketing/models/results": at(f"{V1}/marketing/models/results", RESULTS),
    "GET /api/v1/marketing/models/{study}": at(f"{V1}/marketing/models/{{model}}"),
    "PATCH /api/v1/marketing/models/{study}": at(f"{V1}/marketing/models/{{model}}", {"tool": "robyn"}),
    "GET /api/v1/marketing/calibration": at(f"{V1}/marketing/calibration"),
    "GET /api/v1/marketing/table": at(f"{V1}/marketing/table?by=channel,campaign"),
    "GET /api/v1/marketing/insights": at(f"{V1}/marketing/insights?group_by=campaign"),
    "GET /marketing/data": at("/marketing/data?limit=5"),
    "POST /api/v1/data/ingest": at(f"{V1}/data/ingest", {"data": [{"id": "sync", "spend": 1}], "source": "manual"}),
    "GET /marketing/calendar/{year}": at("/marketing/calendar/2024"),
    "POST /api/v1/marketing/ingest/causal": at(f"{V1}/marketing/ingest/causal", CAUSAL),
    "GET /api/v1/marketing/causal/{experiment_id}": at(f"{V1}/marketing/causal/lift"),
    "GET /api/v1/marketing/confounders": at(
        f"{V1}/marketing/confounders?platform=meta&date_range_start=2024-01-01&date_range_end=2024-01-31"
    ),
    "POST /api/v1/marketing/causal/search": at(f"{V1}/marketing/causal/search", {"analysis_type": "lift"}),
    "POST /api/v1/memory/store": at(f"{V1}/memory/store", TEXT),
    "POST /api/v1/store": at(f"{V1}/store", TEXT),
    "PATCH /api/v1/memories/{memory}": at(f"{V1}/memories/{{memory}}", {"importance": 0.9}),
    "DELETE /api/v1/memories/{memory}": at(f"{V1}/memories/{{memory}}"),
    **{f"POST {V1}/memories/{{memory}}/{what}": at(f"{V1}/memories/{{memory}}/{what}", WHY)
       for what in ("confirm", "contest", "reject")},
    "POST /api/v1/memories/{memory}/supersede": at(f"{V1}/memories/{{memory}}/supersede", TEXT | WHY),
    "PUT /api/v1/memories/derived-policy": at(f"{V1}/memories/derived-policy", {"policy": "keep"}),
    "PUT /api/v1/memories/rejection-policy": at(f"{V1}/memories/rejection-policy", {"policy": "allow"}),
    "PUT /api/v1/quotas": at(f"{V1}/quotas", {"memories": 1_000_000}),
    "PUT /api/v1/memories/secrets-policy": at(f"{V1}/memories/secrets-policy", {"policy": "flag"}),
    "POST /api/v1/decisions": at(f"{V1}/decisions", {"operation": "budget.move", "reasoning": "r"}),
    "POST /api/v1/proposals/{proposal}/accept": at(f"{V1}/proposals/{{proposal}}/accept", {"reason": "r"}),
    "POST /api/v1/proposals/{proposal}/decline": at(f"{V1}/proposals/{{proposal}}/decline", {"reason": "r"}),
    "POST /api/v1/decisions/search": at(f"{V1}/decisions/search", {"query": DECISION}),
    "POST /api/v1/decisions/{decision}/outcomes": at(f"{V1}/decisions/{{decision}}/outcomes", {"value": 0.5}),
    "POST /api/v1/decisions/{decision}/reviews": at(f"{V1}/decisions/{{decision}}/reviews", {"verdict": "approve"}),
    "PUT /api/v1/reviews/policy": at(f"{V1}/reviews/policy", {}),
    "POST /api/v1/spaces": at(f"{V1}/spaces", {"name": "new", "dimensions": PRICE}),
    "DELETE /api/v1/spaces/{space}": at(SPACE),
    "PUT /api/v1/spaces/{space}/dimensions": at(f"{SPACE}/dimensions", {"dimensions": PRICE}),
    "POST /api/v1/spaces/{space}/members": at(f"{SPACE}/members", {"memory_id": "$memory"}),
    "DELETE /api/v1/spaces/{space}/members/{memory}": at(f"{SPACE}/members/{{memory}}"),
    "POST /api/v1/spaces/{space}/concepts": at(f"{SPACE}/concepts", {"name": "new", "examples": ["$memory"]}),
    "DELETE /api/v1/spaces/{space}/concepts/{concept}": at(f"{SPACE}/concepts/{{concept}}"),
    "POST /api/v1/spaces/{space}/relations": at(
        f"{SPACE}/relations", {"source": "bargain", "kind": "similar", "target": "luxury"}
    ),
    "DELETE /api/v1/spaces/{space}/relations/{relation}": at(f"{SPACE}/relations/{{relation}}"),
    "POST /conceptual-spaces/create": at("/conceptual-spaces/create?name=new", ["price"]),
    "DELETE /context/{org_id}": at("/context/{slug}"),
    "POST /context/initialize": at("/context/initialize?domain=a", {}),
    "POST /workflows/create": at("/workflows/create?name=asks", {"parameters": {}}),
    "POST /api/v1/workflows/runs": at(RUNS, {"template": "asks", "wait": True}, {"template": "flow", "parameters": {"why": "w"}, "wait": True}),
    "POST /api/v1/workflows/runs/{run}/approve": at(f"{RUNS}/{{waiting}}/approve", {"step": "ask"}),
    "POST /api/v1/workflows/runs/{run}/cancel": at(f"{RUNS}/{{paused}}/cancel", {}),
    "POST /api/v1/workflows/runs/{run}/pause": at(f"{RUNS}/{{waiting}}/pause", {}),
    "POST /api/v1/workflows/runs/{run}/rerun": at(f"{RUNS}/{{failed}}/rerun", {}),
    "POST /api/v1/workflows/runs/{run}/resume": at(f"{RUNS}/{{paused}}/resume", {}),
    "POST /api/v1/workflows/templates": at(TEMPLATES, {"name": "new", "steps": [step("a")]}),
    "PUT /api/v1/workflows/templates/{template}": at(
        f"{TEMPLATES}/{{template}}", {"name": "flow", "steps": [step("a")]}
    ),
    "POST /api/v1/workflows/templates/{template}/publish": at(f"{TEMPLATES}/{{draft}}/publish"),
    "POST /api/v1/workflows/templates/{template}/retire": at(f"{TEMPLATES}/{{template}}/retire"),
}  # fmt: skip


def ask(caller: Caller, route: str, path: str, body: Any) -> HttpResponse:
    """Send a request of a route."""
    method = route.partition(" ")[0].lower()
    headers = {"authorization": f"Bearer {caller.token}", "if-match": "*"}
    if body is None:
        return caller.client.generic(method.upper(), path, headers=headers)
    if path.endswith("/documents"):
        return caller.send(path, body, "text/plain")
    kind = "application/x-ndjson" if path.endswith("/bulk") else "application/json"
    with override_settings(LIFTOS_HTTP_PRIVATE_HOSTS=["127.0.0.1:9"]):
        return getattr(caller.client, method)(path, json.dumps(body), content_type=kind, headers=headers)


def text_of(response: HttpResponse) -> str:
    """Return a response's headers and body, streamed or not."""
    body = b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[attr-defined]
    return f"{dict(response.headers)} {body.decode(errors='replace')}"
