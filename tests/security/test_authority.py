"""A run or job may only do what its party may do at that moment."""

import pytest
from django.contrib.auth.models import User

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.authority import scopes_now
from liftos.kernel.tenancy.models import Membership
from liftos.kernel.tenancy.types import ALL_SCOPES, GATEWAY_SCOPES, SYSTEM, Actor, ActorKind, Role, Scope
from memory.bulk.jobs import work_on_next_chunk
from memory.models import Memory
from tests.factories.flows import registered_functions, step
from tests.factories.keys import ENDS, change, revoke, with_key
from workflows.engine.reaper import make_due_ready
from workflows.engine.work import work
from workflows.errors import ScopeMissing
from workflows.models import Step
from workflows.runs import controls

RUNS = "/api/v1/workflows/runs"
TEXT = "written by a run"
STORE = step("keep", "memory.store", arguments={"content": TEXT})


@pytest.fixture(autouse=True)
def calls():
    with registered_functions() as made:
        yield made


def start(caller, *steps, name="flow", wait=False, **headers):
    made = caller.post("/api/v1/workflows/templates", {"name": name, "steps": list(steps)})
    assert made.status_code == 201, made.content
    assert caller.post(f"/api/v1/workflows/templates/{made.json()['id']}/publish", {}).status_code == 200
    response = caller.post(RUNS, {"template": name, "wait": wait}, **headers)
    assert response.status_code == 201, response.content
    return response.json()["id"]


def read(caller, run):
    return caller.get(f"{RUNS}/{run}").json()


def written(caller):
    with tenant_transaction(caller.organisation):
        return Memory.objects.filter(head=None).count()


def failure(caller, run, name="keep"):
    """Return the failed step's error code and message."""
    body = read(caller, run)
    assert body["status"] == "failed", body
    found = next(each for each in body["steps"] if each["name"] == name)
    assert found["status"] == "failed"
    return found["error"]["code"], found["error"]["message"]


@pytest.mark.parametrize("end", ENDS)
def test_run_stops_when_its_key_loses_a_scope(acme, end):
    starter, key = with_key(acme)
    run = start(starter, STORE)
    end(key)
    assert work(organisation=acme.organisation) == (1, False)
    code, message = failure(acme, run)
    assert code == "workflows.authority_lost"
    assert "keep" in message
    assert str(key.id) in message
    assert "the scope memory:propose" in message or "the scope workflows:run" in message
    assert written(acme) == 0


@pytest.mark.parametrize("end", ENDS)
def test_handed_over_child_is_checked(acme, calls, end):
    starter, key = with_key(acme)
    from liftos.kernel.functions import register, unregister

    @register("test.end", outside=True)
    def ends() -> None:
        end(key)

    run = start(starter, step("end", "test.end"), {**STORE, "depends_on": ["end"]})
    assert work(organisation=acme.organisation) == (2, False)
    unregister("test.end")
    assert failure(acme, run)[0] == "workflows.authority_lost"
    assert written(acme) == 0


def test_waited_run_is_checked(acme):
    starter, key = with_key(acme)
    from liftos.kernel.functions import register, unregister

    @register("test.end", outside=True)
    def ends() -> None:
        revoke(key)

    run = start(starter, step("end", "test.end"), {**STORE, "depends_on": ["end"]}, wait=True)
    unregister("test.end")
    assert failure(acme, run)[0] == "workflows.authority_lost"
    assert written(acme) == 0


@pytest.mark.parametrize("end", ENDS)
def test_map_items_are_checked_one_by_one(acme, end):
    starter, key = with_key(acme)
    keep = step(
        "keep", "memory.store", map=["one", "two", "three"], map_limit=1, arguments={"content": "{item}"}
    )
    run = start(starter, keep)
    assert work(organisation=acme.organisation, steps=2) == (2, True)
    assert written(acme) == 1
    end(key)
    work(organisation=acme.organisation)
    body = acme.get(f"{RUNS}/{run}?items=true").json()
    assert body["status"] == "failed"
    assert [each["status"] for each in body["steps"]] == ["failed", "done", "failed", "failed"]
    assert written(acme) == 1


def test_retry_is_checked_again(acme, calls):
    starter, key = with_key(acme)
    run = start(starter, step("a", "test.fail", max_retries=3, backoff_seconds=0))
    assert work(organisation=acme.organisation)[0] == 1
    revoke(key)
    with tenant_transaction(acme.organisation):
        Step.objects.update(run_at="2020-01-01T00:00:00Z")
        assert make_due_ready(organisation=acme.organisation) == 1
    work(organisation=acme.organisation)
    assert failure(acme, run, "a")[0] == "workflows.authority_lost"
    assert calls.count("fail") == 1


def test_extending_a_key_does_not_extend_its_runs(acme):
    starter, key = with_key(acme, Scope.WORKFLOWS_RUN, Scope.WORKFLOWS_WRITE, Scope.MEMORY_PROPOSE)
    run = start(starter, STORE)
    change(key, scopes=sorted(ALL_SCOPES))
    work(organisation=acme.organisation)
    assert read(acme, run)["status"] == "completed"
    with tenant_transaction(acme.organisation):
        assert Memory.objects.get(head=None).state == "candidate"


def test_narrowed_key_stores_candidates(acme):
    starter, key = with_key(acme)
    run = start(starter, STORE)
    change(key, scopes=[Scope.WORKFLOWS_RUN, Scope.MEMORY_PROPOSE])
    work(organisation=acme.organisation)
    assert read(acme, run)["status"] == "completed"
    with tenant_transaction(acme.organisation):
        assert Memory.objects.get(head=None).state == "candidate"


@pytest.mark.parametrize(("end", "again"), [("cancel", "rerun"), ("pause", "resume")])
def test_running_scope_alone_cannot_resume_others_runs(acme, end, again):
    run = start(acme, STORE)
    weak, _ = with_key(acme, Scope.WORKFLOWS_RUN)
    assert weak.post(f"{RUNS}/{run}/{end}", {}).status_code == 200
    refused = weak.post(f"{RUNS}/{run}/{again}", {})
    assert (refused.status_code, refused.json()["code"]) == (403, "workflows.scope_missing")
    assert "memory:propose" in refused.json()["detail"]
    work(organisation=acme.organisation)
    assert written(acme) == 0
    assert acme.post(f"{RUNS}/{run}/{again}", {}).status_code == 200
    work(organisation=acme.organisation)
    assert (read(acme, run)["status"], written(acme)) == ("completed", 1)


@pytest.mark.parametrize(("end", "again"), [("cancel", "rerun"), ("pause", "resume")])
def test_run_of_a_revoked_key_writes_nothing_whoever_resumes_it(acme, end, again):
    starter, key = with_key(acme)
    run = start(starter, STORE)
    assert acme.post(f"{RUNS}/{run}/{end}", {}).status_code == 200
    revoke(key)
    assert acme.post(f"{RUNS}/{run}/{again}", {}).status_code == 200
    work(organisation=acme.organisation)
    assert failure(acme, run)[0] == "workflows.authority_lost"
    assert written(acme) == 0


@pytest.mark.parametrize(("end", "again"), [("cancel", "rerun"), ("pause", "resume")])
def test_resumed_run_is_limited_to_the_resumers_authority(acme, end, again):
    run = start(acme, STORE)
    other, key = with_key(acme)
    assert acme.post(f"{RUNS}/{run}/{end}", {}).status_code == 200
    assert other.post(f"{RUNS}/{run}/{again}", {}).status_code == 200
    revoke(key)
    work(organisation=acme.organisation)
    assert str(key.id) in failure(acme, run)[1]
    assert written(acme) == 0
    # its starter takes it up again, and then counts alone
    assert acme.post(f"{RUNS}/{run}/rerun", {}).status_code == 200
    work(organisation=acme.organisation)
    assert (read(acme, run)["status"], written(acme)) == ("completed", 1)


def member(acme, role, username="ann"):
    user = User.objects.create_user(username, is_staff=True)
    Membership.objects.create(user=user, organisation_id=acme.organisation, role=role)
    return user


def test_staff_authority_is_their_current_role(acme):
    run, ann = start(acme, STORE), Actor(ActorKind.STAFF, "ann")
    user = member(acme, Role.CURATOR)
    controls.pause(organisation=acme.organisation, by=ann, run=run)
    controls.resume(organisation=acme.organisation, by=ann, run=run)
    Membership.objects.filter(user=user).update(role=Role.AUDITOR)
    work(organisation=acme.organisation)
    assert "staff ann" in failure(acme, run)[1]
    with pytest.raises(ScopeMissing):
        controls.rerun(organisation=acme.organisation, by=ann, run=run)


@pytest.mark.parametrize(
    ("role", "fields", "scopes"),
    [
        (Role.AUDITOR, {}, {Scope.MEMORY_READ, Scope.SPACES_READ, Scope.DECISIONS_READ}),
        (Role.OWNER, {}, ALL_SCOPES),
        (None, {}, set()),
        (None, {"is_superuser": True}, ALL_SCOPES),
        (Role.OWNER, {"is_active": False}, set()),
        (Role.OWNER, {"is_staff": False}, set()),
    ],
)
def test_current_authority_of_staff(acme, role, fields, scopes):
    user = User.objects.create_user("ann", **{"is_staff": True, **fields})
    if role is not None:
        Membership.objects.create(user=user, organisation_id=acme.organisation, role=role)
    assert scopes_now(organisation=acme.organisation, actor=Actor(ActorKind.STAFF, "ann")) == scopes


def test_current_authority_of_keys_gateways_and_system(acme, rival, settings):
    def now(kind, ident):
        return scopes_now(organisation=acme.organisation, actor=Actor(kind, ident))

    _, foreign = with_key(rival)
    assert now(ActorKind.SYSTEM, "liftos") == ALL_SCOPES
    settings.LIFTOS_TRUSTED_PROXIES = []
    assert now(ActorKind.GATEWAY, "ann") == set()
    settings.LIFTOS_TRUSTED_PROXIES = ["10.0.0.0/8"]
    assert now(ActorKind.GATEWAY, "ann") == GATEWAY_SCOPES
    assert now(ActorKind.API_KEY, str(foreign.id)) == set()
    assert now(ActorKind.API_KEY, "no id") == set()
    assert now(ActorKind.STAFF, "nobody") == set()


@pytest.mark.parametrize("end", ENDS)
def test_job_stops_when_its_key_loses_a_scope(acme, end):
    sender, key = with_key(acme)
    lines = b'{"content": "one"}\n\n{"content": "two"}\n'
    accepted = sender.send("/api/v1/memories/bulk?mode=async", lines, "application/x-ndjson")
    assert accepted.status_code == 202, accepted.content
    end(key)
    assert work_on_next_chunk(organisation=acme.organisation)
    body = acme.get(f"/api/v1/memories/bulk/{accepted.json()['id']}").json()
    assert body["status"] == "done"
    assert [(each["line"], each["status"], each["error"]["code"]) for each in body["results"]] == [
        (1, 403, "memory.no_longer_allowed"),
        (3, 403, "memory.no_longer_allowed"),
    ]
    assert written(acme) == 0


def test_a_job_of_a_narrowed_key_stores_candidates(acme):
    sender, key = with_key(acme)
    accepted = sender.send("/api/v1/memories/bulk?mode=async", b'{"content": "one"}', "application/x-ndjson")
    change(key, scopes=[Scope.MEMORY_PROPOSE])
    assert work_on_next_chunk(organisation=acme.organisation)
    assert accepted.status_code == 202
    with tenant_transaction(acme.organisation):
        assert Memory.objects.get(head=None).state == "candidate"


APPROVED = step("ask", approval=True)


def test_starter_cannot_approve_own_run(acme):
    starter, _ = with_key(acme)
    run = start(starter, APPROVED, wait=True, **{"x-user-id": "ann"})
    own = starter.post(f"{RUNS}/{run}/approve", {"step": "ask"}, **{"x-user-id": "ben"})
    same_person = acme.post(f"{RUNS}/{run}/approve", {"step": "ask"}, **{"x-user-id": "ann"})
    assert [each.status_code for each in (own, same_person)] == [403, 403]
    assert own.json()["code"] == "workflows.own_run"
    member(acme, Role.OWNER)
    with pytest.raises(Exception, match="can't approve its steps"):
        controls.approve(
            organisation=acme.organisation, by=Actor(ActorKind.STAFF, "ann"), run=run, step="ask"
        )
    assert read(acme, run)["steps"][0]["status"] == "awaiting_approval"
    approved = acme.post(f"{RUNS}/{run}/approve", {"step": "ask"}, **{"x-user-id": "ben"})
    assert approved.status_code == 200
    decision = next(
        each
        for each in acme.get("/api/v1/decisions?limit=50").json()["results"]
        if each["operation"] == "workflow.approve"
    )
    whole = acme.get(f"/api/v1/decisions/{decision['id']}").json()
    assert whole["outputs"]["second_person"] is True


@pytest.mark.parametrize(("end", "again"), [("cancel", "rerun"), ("pause", "resume")])
def test_resumer_cannot_approve_the_run(acme, end, again):
    run = start(acme, APPROVED)
    other, _ = with_key(acme)
    third, _ = with_key(acme)
    other.post(f"{RUNS}/{run}/{end}", {})
    assert other.post(f"{RUNS}/{run}/{again}", {}).status_code == 200
    work(organisation=acme.organisation)
    for party in (acme, other):
        assert party.post(f"{RUNS}/{run}/approve", {"step": "ask"}).status_code == 403
    assert third.post(f"{RUNS}/{run}/approve", {"step": "ask"}).status_code == 200
    work(organisation=acme.organisation)
    assert read(acme, run)["status"] == "completed"


def test_starter_may_reject_own_run(acme):
    run = start(acme, APPROVED, wait=True)
    assert acme.post(f"{RUNS}/{run}/approve", {"step": "ask", "approved": False}).status_code == 200
    assert read(acme, run)["status"] == "failed"


def test_approver_needs_the_runs_scopes(acme):
    run = start(acme, {**STORE, "approval": True}, wait=True)
    weak, _ = with_key(acme, Scope.ADMIN, Scope.WORKFLOWS_RUN)
    refused = weak.post(f"{RUNS}/{run}/approve", {"step": "keep"})
    assert (refused.status_code, refused.json()["code"]) == (403, "workflows.scope_missing")


def test_system_runs_may_do_everything(acme):
    assert scopes_now(organisation=acme.organisation, actor=SYSTEM) == ALL_SCOPES
