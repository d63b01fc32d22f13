"""Runs with `wait` follow a worker's rules: concurrency, leases, timeouts and limits."""

import threading
import time

import pytest
from django.db import connections

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.functions import register, unregister
from liftos.kernel.tenancy.operations import create_organisation
from liftos.kernel.tenancy.types import SYSTEM
from tests.factories.flows import (
    make_template,
    read_run,
    registered_functions,
    run_again,
    run_steps,
    statuses,
    step,
    steps_of,
)
from workflows.engine import carriers
from workflows.engine.reaper import sweep_one
from workflows.models import Policy


@pytest.fixture
def organisation(committed_db):
    yield create_organisation(name="Solo", by=SYSTEM).id
    # the database goes with the test: nobody may still be at work in it
    _eventually(lambda: not carriers.CARRIERS._reserved)


@pytest.fixture
def calls():
    with registered_functions() as made:
        yield made


@pytest.fixture(autouse=True)
def hints(monkeypatch):
    """Discard hints, as without a worker."""
    sent = []
    for module in ("operations", "engine.waiting", "engine.execution", "engine.endings", "engine.reaper"):
        monkeypatch.setattr(
            f"workflows.{module}.send_hint", lambda task, organisation: sent.append(organisation)
        )
    return sent


@pytest.fixture
def slow():
    """A slow function outside the database, with a log of its calls and their concurrency."""
    begun, at_once, now, lock = [], [], set(), threading.Lock()

    def call(seconds: float = 0.1, number: int = 0):
        with lock:
            begun.append(number)
            now.add(len(begun))
            mine = len(begun)
            at_once.append(len(now))
        time.sleep(seconds)
        with lock:
            now.discard(mine)
        return number

    register("test.slow", outside=True)(call)
    yield begun, at_once
    unregister("test.slow")


def _eventually(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def closing(act):
    """Wrap a function to close its thread's connections."""

    def close():
        try:
            act()
        finally:
            connections.close_all()

    return close


def _many(count, **arguments):
    return [
        step(f"s{number}", "test.slow", arguments={"number": number} | arguments) for number in range(count)
    ]


def test_steps_run_beside_one_another(organisation, slow):
    begun, at_once = slow
    started = time.monotonic()
    run = run_steps(organisation, *_many(24, seconds=0.2))
    took = time.monotonic() - started
    assert (run.status, sorted(begun)) == ("completed", list(range(24)))
    assert max(at_once) == 8
    assert took < 24 * 0.2 / 2


def test_items_of_a_map_run_beside_one_another_up_to_its_limit(organisation, slow):
    begun, at_once = slow
    run = run_steps(
        organisation,
        step(
            "m",
            "test.slow",
            map=list(range(12)),
            map_limit=3,
            arguments={"number": "{item}", "seconds": 0.05},
        ),
    )
    assert steps_of(run)["m"].result == list(range(12))
    assert (sorted(begun), max(at_once)) == (list(range(12)), 3)


def test_children_that_become_ready_together_run_beside_one_another(organisation, slow):
    _, at_once = slow
    children = [each | {"depends_on": ["first"]} for each in _many(4, seconds=0.3)]
    run = run_steps(organisation, step("first", "test.slow", arguments={"seconds": 0}), *children)
    assert run.status == "completed"
    assert max(at_once) == 4


def test_the_organisations_limit_holds(organisation, slow):
    begun, at_once = slow
    with tenant_transaction(organisation):
        Policy.objects.create(organisation_id=organisation, concurrency=2)
    run = run_steps(organisation, *_many(10, seconds=0.02))
    assert (run.status, len(begun), max(at_once)) == ("completed", 10, 2)


@pytest.mark.parametrize("retries", [0, 1])
def test_a_step_that_takes_too_long_times_out_and_nobody_waits_for_it(organisation, slow, retries):
    begun, _ = slow
    started = time.monotonic()
    run = run_steps(
        organisation,
        step(
            "s", "test.slow", arguments={"seconds": 4}, timeout_seconds=0.2, max_retries=retries,
            backoff_seconds=0,
        ),
        step("after", "test.slow", arguments={"seconds": 0}, depends_on=["s"]),
    )  # fmt: skip
    assert time.monotonic() - started < 3
    assert (run.status, statuses(run)) == ("failed", {"s": "failed", "after": "skipped"})
    assert steps_of(run)["s"].error["message"] == "timed out after 0.2 s"
    assert len(begun) == 1 + retries


def test_a_statement_that_takes_too_long_times_out(organisation):
    register("test.sleep")(lambda: raw_cursor().execute("SELECT pg_sleep(5)").fetchone())
    try:
        run = run_steps(
            organisation, step("s", "test.sleep", arguments={}, timeout_seconds=0.2, max_retries=0)
        )
    finally:
        unregister("test.sleep")
    assert steps_of(run)["s"].error["message"] == "timed out after 0.2 s"


def test_a_long_step_keeps_its_lease_and_is_begun_once(organisation, slow, settings):
    settings.LIFTOS_WORKFLOW_LEASE_SECONDS = 0.6
    begun, _ = slow
    over = threading.Event()

    @closing
    def sweep():
        while not over.wait(0.05):
            sweep_one(organisation=organisation)

    thread = threading.Thread(target=sweep)
    thread.start()
    try:
        run = run_steps(organisation, step("s", "test.slow", arguments={"seconds": 2.5}, max_retries=0))
    finally:
        over.set()
        thread.join()
    assert (run.status, len(begun), steps_of(run)["s"].attempt) == ("completed", 1, 1)


def test_when_time_is_up_the_run_is_told_as_it_stands_and_left_to_workers(organisation, slow, hints):
    begun, _ = slow
    first = step("s", "test.slow", arguments={"seconds": 2})
    make_template(
        organisation,
        first,
        step("t", "test.slow", depends_on=["s"]),
        step("u", "test.slow", depends_on=["t"]),
    )
    started = time.monotonic()
    run = run_again(organisation, wait=0.2)
    assert time.monotonic() - started < 1.5
    assert (run.status, statuses(run)) == ("running", {"s": "running", "t": "waiting", "u": "waiting"})
    # what is being done is done to its end, with what it hands over; the rest is not begun here
    _eventually(lambda: not carriers.CARRIERS._reserved)
    assert (statuses(run), len(begun)) == ({"s": "done", "t": "done", "u": "ready"}, 2)
    assert hints


def test_a_program_without_workers_goes_on_when_time_is_up(organisation, slow):
    first = step("s", "test.slow", arguments={"seconds": 0.4})
    make_template(organisation, first, step("t", "test.slow", depends_on=["s"]), name="other")
    run = run_again(organisation, name="other", wait=0.1, keep_executing=True)
    assert run.status == "running"
    _eventually(lambda: read_run(organisation, run.id).status == "completed")


def test_more_runs_than_threads_all_end(organisation, slow, settings):
    settings.LIFTOS_WORKFLOW_WAIT_THREADS = 3
    _, at_once = slow
    make_template(organisation, *_many(4, seconds=0.02))
    ended = []
    again = closing(lambda: ended.append(run_again(organisation).status))
    threads = [threading.Thread(target=again) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended == ["completed"] * 10
    assert max(at_once) <= 3


def test_a_run_with_several_threads_leaves_one_to_a_newcomer(organisation, slow, settings):
    settings.LIFTOS_WORKFLOW_WAIT_THREADS = 2
    make_template(organisation, *_many(30, seconds=0.1))
    make_template(organisation, step("s", "test.slow", arguments={"seconds": 0}), name="short")
    long = threading.Thread(target=closing(lambda: run_again(organisation, wait=0.8)))
    long.start()
    time.sleep(0.15)
    started = time.monotonic()
    assert run_again(organisation, name="short").status == "completed"
    assert time.monotonic() - started < 0.6
    long.join()


def test_stuck_threads_are_replaced(organisation, slow, settings):
    settings.LIFTOS_WORKFLOW_WAIT_THREADS = 1
    stuck = step("s", "test.slow", arguments={"seconds": 2}, timeout_seconds=0.1, max_retries=0)
    assert run_steps(organisation, stuck).status == "failed"
    make_template(organisation, step("s", "test.slow", arguments={"seconds": 0}), name="short")
    started = time.monotonic()
    assert run_again(organisation, name="short").status == "completed"
    assert time.monotonic() - started < 1


def test_retries_that_are_due_are_made_without_a_worker(organisation, calls):
    run = run_steps(
        organisation, step("s", "test.fail", arguments={"times": 2}, max_retries=2, backoff_seconds=0.05)
    )
    assert (run.status, steps_of(run)["s"].result) == ("completed", "mended")


def test_a_run_that_waits_for_a_person_is_not_waited_for(organisation, calls):
    started = time.monotonic()
    run = run_steps(organisation, step("s", approval=True))
    assert (run.status, statuses(run)) == ("running", {"s": "awaiting_approval"})
    assert time.monotonic() - started < 5


def test_without_threads_of_its_own_a_process_leaves_all_to_workers(organisation, calls, hints, settings):
    settings.LIFTOS_WORKFLOW_WAIT_THREADS = 0
    run = run_steps(organisation, step("s"), wait=0.2)
    assert (run.status, statuses(run), calls) == ("running", {"s": "ready"}, [])
    assert hints


def test_a_start_that_is_refused_gives_its_thread_back(organisation, calls, settings):
    settings.LIFTOS_WORKFLOW_WAIT_THREADS = 1
    pool = carriers.CARRIERS
    for _ in range(3):
        with pytest.raises(Exception, match="There is no template"):
            run_again(organisation, name="nothing")
    make_template(organisation, step("s"))
    assert run_again(organisation).status == "completed"
    _eventually(lambda: not pool._reserved)
