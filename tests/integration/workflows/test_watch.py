"""Keeper, reaper and limits. Needs commits, because several connections read the same rows."""

import threading
import time

import pytest

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.functions import register, unregister
from liftos.kernel.tenancy.operations import create_organisation
from liftos.kernel.tenancy.types import SYSTEM
from tests.factories.flows import history, make_template, read_run, run_again, statuses, step, steps_of
from workflows.engine import reaper
from workflows.engine.claims import claim_next, renew
from workflows.engine.execution import execute
from workflows.engine.keeper import Keeper
from workflows.engine.runs import load_run
from workflows.engine.slots import stuck_threads, take_turn
from workflows.models import Policy
from workflows.queries import list_organisations_with_work
from workflows.runs.controls import cancel, pause, resume
from workflows.tasks import prune_runs

EXPIRE = "UPDATE workflows_step SET lease_until = clock_timestamp() - interval '1 second' WHERE organisation_id = %s AND token IS NOT NULL"


@pytest.fixture
def organisation(committed_db):
    return create_organisation(name="Solo", by=SYSTEM).id


@pytest.fixture
def hints(monkeypatch):
    sent = []
    for module in (
        "workflows.engine.reaper",
        "workflows.engine.slots",
        "workflows.operations",
        "workflows.engine.execution",
        "workflows.engine.endings",
    ):
        monkeypatch.setattr(f"{module}.send_hint", lambda task, organisation: sent.append(organisation))
    return sent


@pytest.fixture
def keeper():
    made = Keeper()
    yield made
    made.stop()


def expire(organisation):
    with tenant_transaction(organisation):
        raw_cursor().execute(EXPIRE, [organisation])


def claim(organisation):
    taken = claim_next(organisation=organisation)
    return taken, load_run(organisation=organisation, run=taken.run)


def test_a_lost_step_is_given_back_and_its_late_worker_fenced(organisation, calls, hints):
    make_template(organisation, step("a"))
    run = run_again(organisation, wait=0)
    taken, info = claim(organisation)
    assert list_organisations_with_work() == []
    expire(organisation)
    assert list_organisations_with_work() == [organisation]
    assert reaper.sweep() == 1
    assert hints[-1] == organisation
    again, _ = claim(organisation)
    assert (again.attempt, steps_of(run)["a"].lost) == (2, 1)
    # the first worker comes back to life
    assert execute(taken, info) is None
    assert (statuses(run)["a"], calls) == ("running", ["a"])
    execute(again, info)
    assert (read_run(organisation, run.id).status, calls) == ("completed", ["a", "a"])
    assert history(run, "a").count(("running", "done")) == 1


def test_a_renewed_lease_is_not_lost(organisation, calls, hints):
    make_template(organisation, step("a"))
    run_again(organisation, wait=0)
    taken, _ = claim(organisation)
    expire(organisation)
    assert renew(organisation=organisation, tokens=[taken.token]) == 1
    assert reaper.sweep_one(organisation=organisation) == 0


def test_a_step_that_takes_its_workers_down_is_given_up(organisation, calls, hints, settings):
    settings.LIFTOS_WORKFLOW_LOST_LIMIT = 2
    make_template(organisation, step("a"), step("b", depends_on=["a"]))
    run = run_again(organisation, wait=0)
    for _ in range(2):
        claim(organisation)
        expire(organisation)
        reaper.sweep()
    assert statuses(run) == {"a": "failed", "b": "skipped"}
    assert steps_of(run)["a"].error["type"] == "WorkerLost"
    assert read_run(organisation, run.id).status == "failed"


def test_a_retry_that_is_due_becomes_ready(organisation, calls, hints):
    make_template(organisation, step("a", "test.fail", arguments={"times": 1}, backoff_seconds=0.0))
    run = run_again(organisation, wait=0)
    execute(*claim(organisation))
    assert statuses(run) == {"a": "retry_wait"}
    assert reaper.sweep() == 1
    assert statuses(run) == {"a": "ready"}


def test_a_step_that_overruns_is_taken_from_its_thread(organisation, hints, keeper):
    release = threading.Event()
    register("test.stuck", outside=True)(lambda: release.wait(60))
    try:
        make_template(organisation, step("a", "test.stuck", timeout_seconds=0.1, max_retries=0, arguments={}))
        run = run_again(organisation, wait=0)
        stuck = stuck_threads()
        # it comes back although the step's thread does not
        assert take_turn(organisation, keeper=keeper) == -1
        assert stuck_threads() == stuck + 1
        found = steps_of(run)["a"]
        assert (found.status, found.error["message"]) == ("failed", "timed out after 0.1 s")
        release.set()
        for thread in threading.enumerate():
            if thread.name == "workflow-turn":
                thread.join()
        # its late end changed nothing
        assert (statuses(run), stuck_threads()) == ({"a": "failed"}, stuck)
    finally:
        release.set()
        unregister("test.stuck")


def test_a_statement_that_takes_too_long_is_ended_by_postgres(organisation, hints):
    @register("test.slow")
    def slow():
        raw_cursor().execute("SELECT pg_sleep(5)").fetchone()

    try:
        make_template(organisation, step("a", "test.slow", timeout_seconds=0.1, max_retries=0, arguments={}))
        run = run_again(organisation)
    finally:
        unregister("test.slow")
    assert steps_of(run)["a"].error["message"] == "timed out after 0.1 s"


def test_many_workers_never_carry_out_more_than_the_limit(organisation, hints, keeper):
    now, most, lock = set(), [], threading.Lock()

    @register("test.count", outside=True)
    def count(item: int):
        with lock:
            now.add(item)
            most.append(len(now))
        time.sleep(0.01)
        with lock:
            now.discard(item)

    with tenant_transaction(organisation):
        Policy.objects.create(organisation_id=organisation, concurrency=3)
    try:
        make_template(
            organisation,
            step("a", "test.count", map=list(range(40)), map_limit=100, arguments={"item": "{item}"}),
        )
        run = run_again(organisation, wait=0)
        take_turn(organisation, keeper=keeper)
        threads = [
            threading.Thread(target=take_turn, args=(organisation,), kwargs={"keeper": keeper})
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        unregister("test.count")
    while read_run(organisation, run.id).status == "running":
        take_turn(organisation, keeper=keeper)
    assert len(most) == 40
    assert max(most) <= 3


def test_siblings_that_end_together_ready_their_child_once(organisation, calls, hints, keeper):
    names = [f"p{number}" for number in range(8)]
    make_template(organisation, *[step(name) for name in names], step("child", depends_on=names))
    runs = [run_again(organisation, wait=0) for _ in range(5)]
    threads = [
        threading.Thread(target=take_turn, args=(organisation,), kwargs={"keeper": keeper}) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while any(read_run(organisation, run.id).status == "running" for run in runs):
        take_turn(organisation, keeper=keeper)
    assert [read_run(organisation, run.id).status for run in runs] == ["completed"] * 5
    assert calls.count("child") == 5
    for run in runs:
        assert history(run, "child") == [("waiting", "ready"), ("ready", "running"), ("running", "done")]


def test_a_cancelled_run_undoes_what_is_being_done(organisation, calls, hints):

    make_template(organisation, step("a", "memory.store", arguments={"content": "late"}))
    run = run_again(organisation, wait=0)
    taken, info = claim(organisation)
    cancel(organisation=organisation, by=SYSTEM, run=run.id)
    assert execute(taken, info) is None
    assert statuses(run) == {"a": "cancelled"}
    with tenant_transaction(organisation):
        row = raw_cursor().execute(
            "SELECT count(*) FROM memory_memory WHERE organisation_id = %s", [organisation]
        )
        assert row.fetchone() == (0,)


def test_a_function_that_this_process_does_not_know_is_left_alone(organisation, calls, hints):
    register("test.other")(lambda: 1)
    make_template(organisation, step("a", "test.other", arguments={}))
    run = run_again(organisation, wait=0)
    unregister("test.other")
    assert claim_next(organisation=organisation) is None
    assert statuses(run) == {"a": "ready"}


def test_what_a_paused_run_is_doing_ends_and_nothing_begins(organisation, calls, hints):

    make_template(organisation, step("a"), step("b", depends_on=["a"]))
    run = run_again(organisation, wait=0)
    taken, info = claim(organisation)
    pause(organisation=organisation, by=SYSTEM, run=run.id)
    assert execute(taken, info) is None
    assert statuses(run) == {"a": "done", "b": "waiting"}
    assert claim_next(organisation=organisation) is None
    resume(organisation=organisation, by=SYSTEM, run=run.id)
    execute(*claim(organisation))
    assert read_run(organisation, run.id).status == "completed"


def test_old_runs_are_removed(organisation, calls, hints, settings):

    make_template(organisation, step("a"))
    ended, going = run_again(organisation), run_again(organisation, wait=0)
    prune_runs()
    assert read_run(organisation, ended.id).status == "completed"
    settings.LIFTOS_WORKFLOW_RETENTION_DAYS = -1
    prune_runs()
    assert read_run(organisation, going.id).status == "running"
    with tenant_transaction(organisation):
        left = raw_cursor().execute(
            "SELECT count(*) FROM workflows_run WHERE organisation_id = %s", [organisation]
        )
        assert left.fetchone() == (1,)


def test_workers_are_woken_for_children_that_nobody_takes_along(organisation, calls, hints):
    make_template(
        organisation,
        step("a"),
        *[step(name, depends_on=["a"]) for name in "bcd"],
        step("e", depends_on=["b", "c", "d"]),
    )
    run = run_again(organisation, wait=0)
    hints.clear()
    handed = execute(*claim(organisation))
    assert (handed.name, len(hints)) == ("b", 2)
    assert statuses(run) == {"a": "done", "b": "running", "c": "ready", "d": "ready", "e": "waiting"}
