"""Runs of principals: their own, with what they see; absent for everybody else in the organisation."""

import pytest

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.db.viewers import EVERYBODY, Viewer, current_viewer, seeing_everything, viewing
from liftos.kernel.functions import register, unregister
from liftos.kernel.outbox.models import OutboxEvent
from liftos.kernel.tenancy.principals import add_member, remove_member
from liftos.kernel.tenancy.scopes import scope_of_groups
from liftos.kernel.tenancy.types import SYSTEM
from tests.factories.flows import step
from tests.factories.principals import group_of, key_of, principal_of, seen_by
from workflows.engine import authority
from workflows.engine.runs import run_viewer
from workflows.engine.work import work
from workflows.models import Run, Step, Transition

RUNS = "/api/v1/workflows/runs"
CANARY = "quetzalcoatlus"


@pytest.fixture
def bob(acme):
    row = principal_of(acme, "bob")
    return row, key_of(acme, row)


@pytest.fixture
def alice(acme):
    return key_of(acme, principal_of(acme, "alice"))


@pytest.fixture
def views():
    """Register functions that return what their step sees, one inside the step's transaction, one cached."""
    seen = []

    @register("test.sees")
    def sees() -> list[int]:
        seen.append(current_viewer())
        return list(current_viewer().scopes)

    @register("test.cached", cacheable=True)
    def cached() -> list[int]:
        seen.append(current_viewer())
        return list(current_viewer().scopes)

    yield seen
    for name in ("sees", "cached"):
        unregister(f"test.{name}")


def start(caller, **fields):
    body = {"template": "flow", "wait": True} | fields
    answer = caller.post(RUNS, body)
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_run_of_a_principal_is_its_own(acme, flow, alice, bob):
    flow(step("a", arguments={"value": CANARY}))
    row, owner = bob
    run = start(owner, metadata={"note": CANARY})
    assert run["status"] == "completed"
    assert owner.get(f"{RUNS}/{run['id']}").json()["steps"][0]["result"] == CANARY
    for other in (alice, acme):
        assert other.get(f"{RUNS}/{run['id']}").status_code == 404
        assert other.get(RUNS).json()["results"] == []
        for control in ("cancel", "pause", "resume", "rerun"):
            assert other.post(f"{RUNS}/{run['id']}/{control}", {}).status_code == 404
        approval = {"step": "a", "approved": True}
        assert other.post(f"{RUNS}/{run['id']}/approve", approval).status_code == 404
        decisions = other.get("/api/v1/decisions?limit=200").json()["results"]
        assert run["id"] not in {each["subject_id"] for each in decisions}
    own = seen_by(acme, row).own
    with seeing_everything(), tenant_transaction(acme.organisation):
        for model in (Run, Step, Transition):
            assert set(model.objects.values_list("scope_id", flat=True)) == {own}, model
        events = OutboxEvent.objects.filter(subject=f"workflows/runs/{run['id']}")
        assert set(events.values_list("scope_id", flat=True)) == {own}
    with viewing(EVERYBODY), tenant_transaction(acme.organisation):
        for model in (Run, Step, Transition):
            assert not model.objects.exists()


def test_run_of_a_key_without_principal_is_everybodys(acme, flow, alice):
    flow(step("a"))
    run = start(acme)
    assert alice.get(f"{RUNS}/{run['id']}").json()["steps"][0]["result"] == "a"


def test_history_of_every_kind_has_the_runs_scope(acme, flow, bob):
    row, owner = bob
    flow(
        step("items", map=["x", "y", "z"], map_limit=1, arguments={"value": "{item}"}),
        step("fails", "test.fail", max_retries=1, backoff_seconds=0.01),
        step("after", depends_on=["fails"]),
        step("waits", approval=True),
    )
    run = start(owner)
    path = f"{RUNS}/{run['id']}"
    assert owner.post(f"{path}/pause", {"reason": CANARY}).status_code == 200
    assert owner.post(f"{path}/resume", {"reason": CANARY}).status_code == 200
    assert owner.post(f"{path}/approve", {"step": "waits", "approved": False}).status_code == 200
    assert owner.post(f"{path}/rerun", {"reason": CANARY}).status_code == 200
    assert owner.post(f"{path}/cancel", {"reason": CANARY}).status_code == 200
    own = seen_by(acme, row).own
    with seeing_everything(), tenant_transaction(acme.organisation):
        for model in (Run, Step, Transition):
            assert set(model.objects.values_list("scope_id", flat=True)) == {own}, model


def test_step_sees_what_its_starter_sees_now(acme, flow, bob, views, monkeypatch):
    row, owner = bob
    sales = group_of(acme, "sales")
    shared = scope_of_groups(organisation=acme.organisation, groups=[sales.id])
    flow(step("a", "test.sees"), step("b", "test.cached", depends_on=["a"]))
    own = seen_by(acme, row).own
    assert [each["result"] for each in start(owner)["steps"]] == [[own], [own]]
    add_member(organisation=acme.organisation, by=SYSTEM, group=sales, principal=row)
    both = sorted([own, shared])
    assert [each["result"] for each in start(owner)["steps"]] == [both, both]
    run = start(owner, wait=False)
    remove_member(organisation=acme.organisation, by=SYSTEM, group=sales, principal=row)
    assert work(organisation=acme.organisation)[0] == 2
    done = owner.get(f"{RUNS}/{run['id']}").json()
    assert [each["result"] for each in done["steps"]] == [[own], [own]]
    assert all(each.principal == row.id for each in views)


def test_group_lost_during_a_run_is_lost_to_its_next_step(acme, flow, bob, views, monkeypatch):
    row, owner = bob
    sales = group_of(acme, "sales")
    scope_of_groups(organisation=acme.organisation, groups=[sales.id])
    add_member(organisation=acme.organisation, by=SYSTEM, group=sales, principal=row)
    monkeypatch.setattr(authority, "KEEP_SECONDS", 0)

    @register("test.leave")
    def leave() -> None:
        remove_member(organisation=acme.organisation, by=SYSTEM, group=sales, principal=row)

    try:
        flow(step("a", "test.leave"), step("b", "test.sees", depends_on=["a"]))
        run = start(owner)
    finally:
        unregister("test.leave")
    assert run["steps"][1]["result"] == [seen_by(acme, row).own]


def test_cached_result_is_for_those_who_see_the_same(acme, flow, alice, bob, views):
    flow(step("a", "test.cached"))
    _, owner = bob
    first, again, others, everybodys = (
        start(each)["steps"][0]["result"] for each in (owner, owner, alice, acme)
    )
    assert first == again
    assert others not in (first, [])
    assert everybodys == []
    assert len(views) == 3


def test_run_that_others_read_sees_no_more_than_they(acme):
    starter = Viewer((3, 17, 20), None, 20)
    assert run_viewer(starter, 20) == starter
    assert run_viewer(starter, 17) == Viewer((17,), None, 17)
    assert run_viewer(starter, 0) == Viewer()
    assert run_viewer(starter, 99) == Viewer()


def test_opened_run_and_batch_are_the_principals_own(acme, alice, bob):
    _, owner = bob
    assert owner.post(f"/workflows/create?name={CANARY}", {"a": CANARY}).status_code in (200, 201)
    assert CANARY not in alice.get(RUNS).content.decode()
    assert CANARY in owner.get(RUNS).content.decode()


def test_run_shared_with_a_group_is_read_by_it_and_sees_no_more(acme, flow, alice, bob, views):
    row, owner = bob
    sales, legal = group_of(acme, "sales"), group_of(acme, "legal")
    carol = key_of(acme, principal_of(acme, "carol", sales))
    for group in (sales, legal):
        add_member(organisation=acme.organisation, by=SYSTEM, group=group, principal=row)
    scope_of_groups(organisation=acme.organisation, groups=[legal.id])
    flow(step("a", "test.sees"))
    # makes the group's scope
    run = start(owner, visible_to={"groups": ["sales"]})
    shared = scope_of_groups(organisation=acme.organisation, groups=[sales.id])
    assert (run["visible_to"], run["steps"][0]["result"]) == ({"groups": ["sales"]}, [shared])
    assert carol.get(f"{RUNS}/{run['id']}").json()["steps"][0]["result"] == [shared]
    assert alice.get(f"{RUNS}/{run['id']}").status_code == 404
    run = start(owner, visible_to="organisation")
    assert (run["visible_to"], run["steps"][0]["result"]) == ("organisation", [])
    assert alice.get(f"{RUNS}/{run['id']}").status_code == 200
    assert start(owner)["visible_to"] == {"principal": "bob"}


@pytest.mark.parametrize(
    "to", [{"groups": ["sales"]}, {"groups": ["nobody"]}, {"principal": "alice"}, "me", {}]
)
def test_run_can_not_be_hidden_from_its_starter(acme, flow, alice, bob, to):
    group_of(acme, "sales")
    flow(step("a"))
    answer = bob[1].post(RUNS, {"template": "flow", "visible_to": to})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"][:2] == ["body", "visible_to"]
    with seeing_everything(), tenant_transaction(acme.organisation):
        assert not Run.objects.exists()
