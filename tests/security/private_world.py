"""An organisation whose member bob has canaries in everything private, beside what everybody sees."""

import json
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from accountability.ledger.sequencer import drain
from accountability.search.indexing import add_missing, embed_next
from liftos.kernel.db.transactions import tenant_transaction, whole_tenant
from liftos.kernel.db.viewers import seeing_everything
from liftos.kernel.telemetry.models import TraceRecord
from liftos.kernel.tenancy.types import SYSTEM, Scope
from memory.bulk.jobs import work_on_next_chunk
from memory.care.runs import care
from memory.care_types import Kind
from memory.documents.jobs import work_on_next_job
from memory.models import DeletionJob, Memory
from tests.factories.callers import Caller
from tests.factories.flows import step
from tests.factories.keys import with_key
from tests.security.world import (
    EXPERIMENT,
    MODEL,
    SCHEDULE,
    World,
    make_directory,
    make_webhook,
    publish_template,
)

CANARY = "quetzalcoatlus"
PRIVATE = {"visible_to": {"principal": "bob"}}


def post(caller: Caller, path: str, body: Any, key: str = "id") -> str:
    response = caller.post(path, body)
    assert response.status_code < 300, (path, response.content)
    return response.json()[key]


def make_shared(acme: Caller) -> dict[str, str]:
    """Make what everybody in the organisation sees; return its ids."""
    for number in range(6):
        acme.store(
            f"Boots sell when it rains, report {number}", tags=["rain"], metadata={"price": number / 10}
        )
    public = acme.store("Umbrellas sell when it rains", thread="weather", source="crm")
    dimension = {"name": "price", "low": ["cheap"], "high": ["expensive"]}
    space = post(acme, "/api/v1/spaces", {"name": "offers", "dimensions": [dimension]})
    for share in (0.2, 0.8):
        member = acme.store(f"An offer at {share}")
        post(acme, f"/api/v1/spaces/{space}/members", {"memory_id": member, "coordinates": {"price": share}})
    concept = post(acme, f"/api/v1/spaces/{space}/concepts", {"name": "bargain", "prototype": {"price": 0.1}})
    post(acme, f"/api/v1/spaces/{space}/concepts", {"name": "luxury", "prototype": {"price": 0.9}})
    relation = post(
        acme,
        f"/api/v1/spaces/{space}/relations",
        {"source": "bargain", "kind": "opposite", "target": "luxury"},
    )
    steps = [
        step("find", "memory.search", arguments={"query": "{why}", "limit": 5}),
        step("echo", depends_on=["find"], arguments={"value": ["{steps.find.result}", "{why}"]}),
        step("each", depends_on=["find"], map="{steps.find.result.results}", arguments={"value": "{item.content}"}),
    ]  # fmt: skip
    parameters = {"type": "object", "properties": {"why": {"type": "string"}}, "required": ["why"]}
    template = publish_template(acme, "flow", steps, parameters=parameters)
    publish_template(acme, "asks", [step("ask", approval=True)])
    draft = post(acme, "/api/v1/workflows/templates", {"name": "draft", "steps": [step("a")]})
    post(acme, "/api/v1/workflows/runs", {"template": "flow", "parameters": {"why": "rain"}, "wait": True})
    risky = {"operation": "budget.move", "reasoning": "because", "risk_class": "high", "confidence": 0.2}
    post(acme, "/api/v1/decisions", risky)
    # makes the default space
    acme.post("/search/conceptual", {"query": "boots"})
    follower, _ = with_key(acme, Scope.LEDGER_FOLLOW)
    rule = post(acme, "/api/v1/retention", {"name": "logs", "ttl_seconds": 1e8, "source": "logs"})
    hold = post(acme, "/api/v1/retention/holds", {"name": "court", "source": "court"})
    principal, group, key, glass = make_directory(acme)
    webhook, delivery = make_webhook(acme)
    fires = {"name": "rain", "event": "liftos.memory.stored", "template": "flow", "parameters": {"why": "x"}}
    trigger = post(acme, "/api/v1/triggers", fires)
    schedule = post(acme, "/api/v1/schedules", SCHEDULE)
    drain(organisation=acme.organisation)
    return {
        "public": public, "space": space, "concept": concept, "relation": relation, "template": template, "draft": draft,
        "token": follower.token, "rule": rule, "hold": hold, "principal": principal, "group": group, "key": key, "glass": glass,
        "webhook": webhook, "delivery": delivery, "trigger": trigger, "schedule": schedule,
    }  # fmt: skip


def make_private(bob: Caller, shared: dict[str, str]) -> World:
    """Have bob put the canary wherever a principal's own can hold text."""
    space = shared["space"]
    memory, other, gone = (
        bob.store(
            f"Boots sell when it rains {CANARY} {number}", metadata={"note": CANARY, "price": 0.5}, tags=[CANARY], source=CANARY,
            external_id=f"{CANARY}-{number}", thread=CANARY, **PRIVATE,
        )
        for number in range(3)
    )  # fmt: skip
    message = bob.store(f"Rain, says Ann {CANARY}", source="mem0", metadata={"user_id": CANARY}, **PRIVATE)
    erasure = bob.delete(f"/api/v1/memories/{gone}").json()["erasure_id"]
    patched = bob.client.patch(
        f"/api/v1/memories/{other}", json.dumps({"content": f"Umbrellas sell {CANARY}"}), content_type="application/json",
        headers={"authorization": f"Bearer {bob.token}", "if-match": "*"},
    )  # fmt: skip
    assert patched.status_code == 200, patched.content
    lines = "\n".join(json.dumps({"content": f"line {number} {CANARY}", **PRIVATE}) for number in range(3))
    lines += "\n" + json.dumps({"content": 5, "source": CANARY, **PRIVATE})
    job = bob.send("/api/v1/memories/bulk?mode=async", lines, "application/x-ndjson").json()["id"]
    work_on_next_chunk(organisation=bob.organisation)
    turn = {"role": "user", "name": CANARY, "content": f"It rains {CANARY}", "metadata": {"a": CANARY}}
    answer = bob.post("/api/v1/conversations/call/turns", turn | PRIVATE)
    assert answer.status_code == 201, answer.content
    path = "/api/v1/documents?keep_original=true"
    fields = {"title": CANARY, "visible_to": json.dumps(PRIVATE["visible_to"])}
    sent = bob.upload(
        f"# Rain\n\nBoots {CANARY}".encode(),
        f"{CANARY}.md",
        "text/markdown",
        query="?keep_original=true",
        **fields,
    )
    assert sent.status_code == 201, sent.content
    document = sent.json()["id"]
    sent = bob.upload(
        f"Later {CANARY}".encode(), f"{CANARY}.txt", "text/plain", query="?mode=async", **fields
    )
    assert sent.status_code == 202, (path, sent.content)
    document_job = sent.json()["id"]
    work_on_next_job(organisation=bob.organisation)
    queued_job = bob.send("/api/v1/memories/bulk?mode=async", lines, "application/x-ndjson").json()["id"]
    sent = bob.upload(
        f"Queued {CANARY}".encode(), f"{CANARY}.txt", "text/plain", query="?mode=async", **fields
    )
    queued_document = sent.json()["id"]
    decided = {
        "operation": "budget.move", "reasoning": f"because {CANARY}", "inputs": {"a": CANARY}, "outputs": {"b": CANARY},
        "alternatives": [{"option": CANARY}], "risk_class": "high", "confidence": 0.2, "memories": [memory],
    }  # fmt: skip
    decision = post(bob, "/api/v1/decisions", decided)
    bob.post(f"/api/v1/decisions/{decision}/outcomes", {"value": CANARY, "note": CANARY})
    for name in ("Ann Smith", "Bob Jones"):
        bob.store(f"The CEO of {CANARY} is {name}.", **PRIVATE)
    with seeing_everything():
        care(organisation=bob.organisation, by=SYSTEM, now=timezone.now(), kinds=[Kind.SUPERSESSION])
    proposal = bob.get("/api/v1/proposals").json()["results"][0]["id"]
    sum(add_missing(organisation=bob.organisation))
    embed_next(organisation=bob.organisation)
    for each in (memory, other):
        post(bob, f"/api/v1/spaces/{space}/members", {"memory_id": each, "coordinates": {"price": 0.4}})
    asked = {"template": "flow", "parameters": {"why": CANARY}, "metadata": {"note": CANARY}}
    ended = bob.post("/api/v1/workflows/runs", asked | {"wait": True}).json()
    assert (ended["status"], CANARY in json.dumps(ended["steps"])) == ("completed", True), ended
    waiting = post(bob, "/api/v1/workflows/runs", {"template": "asks", "wait": True})
    failed, paused = (post(bob, "/api/v1/workflows/runs", asked) for _ in range(2))
    bob.post(f"/api/v1/workflows/runs/{failed}/cancel", {"reason": CANARY})
    bob.post(f"/api/v1/workflows/runs/{paused}/pause", {"reason": CANARY})
    for kind in ("hybrid", "neural", "knowledge", "conceptual"):
        bob.post("/api/v1/search", {"query": f"boots {CANARY}", "search_type": kind})
    bob.post("/api/v1/search/batch", {"queries": [CANARY, f"rain {CANARY}"]})
    bob.post("/search/batch", [CANARY])
    contest = bob.post(f"/api/v1/memories/{other}/contest", {"reason": CANARY})
    assert contest.status_code == 200, contest.content
    drain(organisation=bob.organisation)
    head = bob.client.get(f"/api/v1/ledger/{shared['token']}/checkpoint").content.decode()
    trace = uuid4().hex
    with whole_tenant(bob.organisation):
        own = {
            "organisation_id": bob.organisation, "scope_id": Memory.objects.get(id=memory).scope_id,
            "actor_kind": "system", "actor_id": "a", "memories": [uuid4()], "count": 1,
        }  # fmt: skip
        deletion = DeletionJob.objects.create(**own, done=1, finished_at=timezone.now())
        queued_deletion = DeletionJob.objects.create(**own)
    with tenant_transaction(bob.organisation):
        TraceRecord.objects.create(
            organisation_id=bob.organisation, trace_id=trace, correlation_id="c", name="POST /api/v1/search",
            started_at=timezone.now(), duration_ms=1.0, status="ok", spans=[],
        )  # fmt: skip
    entry = str(uuid4())
    days = {"date_range_start": "2024-01-01", "date_range_end": "2024-01-31"}
    fields = {
        "data_source": "manual",
        "source_id": "1",
        "entry_id": entry,
        "campaign_name": CANARY,
        "spend": 1,
    } | days
    post(
        bob,
        "/api/v1/memories",
        {"content": CANARY, "memory_type": "marketing_data", "metadata": fields} | PRIVATE,
    )
    experiment = post(
        bob, "/api/v1/marketing/experiments", EXPERIMENT | {"name": CANARY, "channel": CANARY} | PRIVATE
    )
    model = post(bob, "/api/v1/marketing/models", MODEL | {"name": CANARY} | PRIVATE)
    return World(
        memory=memory, other=other, job=job, thread="call", document=document, document_job=document_job, erasure=erasure,
        decision=decision, trace=trace, space=space, concept=shared["concept"], relation=shared["relation"],
        template=shared["template"], draft=shared["draft"], run=ended["id"], waiting=waiting, failed=failed, paused=paused,
        workflow=ended["workflow_id"], slug=bob.slug, token=shared["token"], size=int(head.split("\n")[1]),
        queued_job=queued_job, queued_document=queued_document, deletion=str(deletion.id),
        rule=shared["rule"], hold=shared["hold"], principal=shared["principal"], group=shared["group"], key=shared["key"], glass=shared["glass"],
        webhook=shared["webhook"], delivery=shared["delivery"], trigger=shared["trigger"], schedule=shared["schedule"],
        queued_deletion=str(queued_deletion.id), message=message, entry=entry, proposal=proposal, experiment=experiment, model=model,
    )  # fmt: skip


def ids_of(world: World) -> set[UUID]:
    """Return the ids of what is bob's alone."""
    named = ("memory", "other", "document", "erasure", "decision", "run", "waiting", "failed", "paused", "job", "document_job", "queued_job",
        "queued_document", "deletion", "queued_deletion", "message", "proposal",
    )  # fmt: skip
    return {UUID(getattr(world, name)) for name in named}
