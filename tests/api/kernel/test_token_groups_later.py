"""Workers that act for a token's caller see the groups that the token stated, as far as its principal is still in them."""

import json
from time import time

import pytest

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.db.viewers import current_viewer
from liftos.kernel.functions import register, unregister
from liftos.kernel.outbox.models import Webhook
from liftos.kernel.outbox.webhooks.sight import sight_of_webhook
from liftos.kernel.tenancy.authority import viewer_now
from liftos.kernel.tenancy.scopes import scope_of_groups
from liftos.kernel.tenancy.types import Actor, ActorKind
from memory.bulk.jobs import work_on_next_chunk
from memory.documents.jobs import work_on_next_job
from memory.erasure import deletions
from tests.factories.flows import make_template, step
from tests.factories.issuer import holding
from tests.factories.principals import group_of, key_of, principal_of
from workflows.engine.work import work
from workflows.models import Run, Trigger
from workflows.triggers.queries import sight_of_trigger

BOTH = ["sales", "board"]


@pytest.fixture
def groups(acme):
    """The groups by name, each with its scope."""
    made = [group_of(acme, name) for name in BOTH]
    return {
        each.name: (each, scope_of_groups(organisation=acme.organisation, groups=[each.id])) for each in made
    }


@pytest.fixture
def states(acme, issuer):
    """Return a caller whose token states groups; the later of two tokens decides what is stored."""
    now = int(time())

    def caller(*names, age):
        made = holding(acme, issuer.token(roles="runners", groups=list(names), iat=now - age))
        assert made.get("/api/v1/memories").status_code == 200
        return made

    return caller


def shown(name):
    return {"visible_to": {"groups": [name]}}


def test_groups_of_later_work_are_the_tokens_that_are_still_stored(acme, groups):
    (sales, of_sales), (board, _) = groups.values()
    alice = principal_of(acme, "alice", sales)
    work = {
        "organisation": acme.organisation,
        "actor": Actor(ActorKind.PRINCIPAL, str(alice.id)),
        "principal": alice.id,
    }

    def sees(stated):
        viewer = viewer_now(**work, groups=stated)
        assert viewer.own in viewer.scopes
        return set(viewer.scopes) - {viewer.own}, viewer.groups

    assert sees(None) == ({of_sales}, None)
    assert sees([]) == (set(), ())
    assert sees([sales.id, board.id]) == ({of_sales}, (sales.id,))
    assert sees([board.id]) == (set(), ())
    both = scope_of_groups(organisation=acme.organisation, groups=[sales.id, board.id])
    assert sees([sales.id]) == ({of_sales, both}, (sales.id,))


@pytest.mark.parametrize(("stated", "latest"), [(["sales"], BOTH), (BOTH, ["sales"])])
def test_jobs_and_runs_see_no_other_group(acme, groups, states, stated, latest, monkeypatch):
    """Board is missing either in the token that starts the work, or in the latest."""
    owner = key_of(acme, principal_of(acme, "owner", *(group for group, _ in groups.values())))
    hidden = [owner.store(f"of the board {number}", **shown("board")) for number in range(2)]

    @register("test.sees")
    def sees() -> list[int]:
        return list(current_viewer().scopes)

    make_template(acme.organisation, step("a", "test.sees"), name="flow")
    monkeypatch.setattr(deletions, "TOGETHER", 1)
    early = states(*stated, age=20)
    try:
        run = early.post("/api/v1/workflows/runs", {"template": "flow"}).json()["id"]
        lines = [json.dumps({"content": f"line for {name}"} | shown(name)) for name in BOTH]
        sent = "\n".join(lines)
        job = early.send("/api/v1/memories/bulk?mode=async", sent, "application/x-ndjson").json()["url"]
        parts = {"visible_to": json.dumps(shown("board")["visible_to"])}
        document = early.upload(b"words of the board", "a.txt", query="?mode=async", **parts).json()
        kept = [early.store(f"of sales {number}", **shown("sales")) for number in range(2)]
        gone = early.post("/api/v1/memories/delete", {"states": ["active"]})
        states(*latest, age=0)

        assert work(organisation=acme.organisation)[0] == 1
        assert work_on_next_chunk(organisation=acme.organisation)
        assert work_on_next_job(organisation=acme.organisation)
        while deletions.work_on_next_thousand(organisation=acme.organisation):
            pass
    finally:
        unregister("test.sees")

    viewer = states(*latest, age=0)
    [result] = [each["result"] for each in viewer.get(f"/api/v1/workflows/runs/{run}").json()["steps"]]
    assert groups["sales"][1] in result
    assert groups["board"][1] not in result
    results = viewer.get(job).json()["results"]
    assert [each["status"] for each in results] == [201, 422]
    assert gone.status_code == 202, gone.content
    found = [owner.get(f"/api/v1/memories/{each}").status_code for each in hidden + kept]
    assert found == [200, 200, 404, 404]
    assert viewer.get(document["url"]).json()["status"] == "failed"


def test_webhooks_and_triggers_keep_their_tokens_groups(acme, groups, states, settings):
    settings.LIFTOS_HTTP_PRIVATE_HOSTS = ["127.0.0.1:9"]
    make_template(acme.organisation, step("a", "memory.health"), name="flow")
    early = states("sales", age=20)
    hook = {"url": "http://127.0.0.1:9/", "events": ["liftos.memory.*"]}
    assert early.post("/api/v1/webhooks", hook).status_code == 201
    trigger = {"name": "t", "event": "liftos.memory.stored", "template": "flow"}
    assert early.post("/api/v1/triggers", trigger).status_code == 201
    states(*BOTH, age=0)
    with tenant_transaction(acme.organisation):
        sights = [sight_of_webhook(Webhook.objects.get()), sight_of_trigger(Trigger.objects.get())]
    for sight in sights:
        assert groups["sales"][1] in sight.viewer.scopes
        assert groups["board"][1] not in sight.viewer.scopes


def test_keys_are_not_limited(acme, groups):
    key = key_of(acme, principal_of(acme, "alice", groups["sales"][0]))
    make_template(acme.organisation, step("a", "memory.health"), name="flow")
    assert key.post("/api/v1/workflows/runs", {"template": "flow", "wait": True}).status_code == 201
    with tenant_transaction(acme.organisation):
        assert list(Run.objects.values_list("groups", flat=True)) in ([None], [])
