"""`bench workflows`: the engine beside DBOS Transact on the same Postgres, in the same run.

Short chains run in this process, as in a waiting request; DBOS runs its own in its process too.
Many runs at once are measured with Celery workers as `make up` starts them.
"""

import os
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import accumulate, pairwise
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connections
from psycopg.conninfo import make_conninfo
from redis import Redis

import liftos.bench.workflows.functions  # noqa: F401  registers them here; workers import it themselves
from liftos.bench.child import Child, running
from liftos.bench.timing import elapsed_ms
from liftos.bench.types import Bench, BenchFailed, Figure, Options, Target
from liftos.bench.venv import installed
from liftos.bench.workflows.dbos_reference import VERSION, measure
from liftos.kernel.db.scratch import scratch_database
from liftos.kernel.db.transactions import raw_cursor, read_value, tenant_transaction
from liftos.kernel.tenancy.operations import create_organisation
from liftos.kernel.tenancy.types import ALL_SCOPES, SYSTEM, Principal
from liftos.runtime import embedded
from workflows.models import Policy
from workflows.operations import start
from workflows.publishing.templates import publish, save_draft

CHAINS, RUNS, CHAIN = 100, 200, 10
THREADS = 10
LIMIT = 10
DBOS = f"DBOS Transact, same Postgres, p50 of {CHAINS}"

_PENDING = "SELECT count(*) FROM workflows_run WHERE organisation_id = %s AND status = 'running'"
_TOOK = """
SELECT extract(epoch FROM max(finished_at) - min(created_at)) FROM workflows_run
WHERE organisation_id = %(organisation)s AND name = %(name)s AND (NOT %(newest)s OR created_at = (
    SELECT max(created_at) FROM workflows_run WHERE organisation_id = %(organisation)s AND name = %(name)s
))
"""
_SPANS = """
SELECT extract(epoch FROM started_at), extract(epoch FROM finished_at) FROM workflows_step
WHERE organisation_id = %s AND run_id IN (SELECT id FROM workflows_run WHERE organisation_id = %s AND name = %s)
"""


def run(options: Options) -> Generator[Figure]:
    """Yield the cost of steps beside DBOS's, throughput of many runs, parallelism and limits."""
    reference: dict[str, Any] | None = None
    if options.dbos != "none":
        venv = installed("dbos", VERSION, program="dbos", given=options.dbos, home=embedded.home())
    with scratch_database("bench"):
        principal = _organisation("Bench")
        # within seconds of each other, so that other load is much the same for both
        ours = _chains(principal)
        if options.dbos != "none":
            reference = measure(venv, chains=CHAINS, runs=RUNS)
        yield from _beside(ours, reference)
        yield from _scheduling(principal)
        with ExitStack() as stack:
            workers = _workers(stack, 1)
            yield _throughput(principal, workers, reference, 1)
            yield from _parallel(principal, workers)
        with ExitStack() as stack:
            workers = _workers(stack, 2)
            yield _throughput(principal, workers, reference, 2)
            yield _limit(_organisation("Limited"), workers)


def _organisation(name: str) -> Principal:
    row = create_organisation(name=name, by=SYSTEM)
    return Principal(row.id, row.slug, SYSTEM, ALL_SCOPES)


def _publish(principal: Principal, name: str, steps: list[dict[str, Any]]) -> None:
    draft = save_draft(organisation=principal.organisation, by=SYSTEM, payload={"name": name, "steps": steps})
    publish(organisation=principal.organisation, by=SYSTEM, template=draft.template_id)


def _chain(length: int) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = [
        {"name": f"s{number}", "function": "bench.nothing"} for number in range(length)
    ]
    for before, step in pairwise(steps):
        step["depends_on"] = [before["name"]]
    return steps


def _many(count: int, ms: float) -> list[dict[str, Any]]:
    return [
        {"name": f"s{number}", "function": "bench.sleep", "arguments": {"ms": ms}} for number in range(count)
    ]


def _carry_out(principal: Principal, name: str) -> float:
    return elapsed_ms(partial(start, principal=principal, template=name, parameters=None, wait=120.0))


def _chains(principal: Principal) -> dict[str, list[float]]:
    _publish(principal, "one", _chain(1))
    _publish(principal, "ten", _chain(CHAIN))
    for _ in range(20):
        _carry_out(principal, "ten")
    return {name: [_carry_out(principal, name) for _ in range(CHAINS)] for name in ("one", "ten")}


def _beside(ours: dict[str, list[float]], theirs: dict[str, Any] | None) -> Iterator[Figure]:
    def per_step(figures: dict[str, Any]) -> float:
        return (median(figures["ten"]) - median(figures["one"])) / (CHAIN - 1)

    for metric, value, is_target in (
        ("a step, nothing in it: p50", per_step, True),
        ("chain of 10 steps, started and waited for: p50", lambda figures: median(figures["ten"]), True),
        ("run of 1 step, started and waited for: p50", lambda figures: median(figures["one"]), False),
    ):
        if theirs:
            target = Target("<=", round(value(theirs), 3)) if is_target else None
            yield Figure(metric, value(ours), "ms", DBOS, value(theirs), target)
        else:
            yield Figure(metric, value(ours), "ms")


def _scheduling(principal: Principal) -> Iterator[Figure]:
    lengths = (100, 1_000)
    cost: dict[int, list[float]] = {length: [] for length in lengths}
    for length in lengths:
        _publish(principal, f"chain{length}", _chain(length))
    for _ in range(3):
        # alternately, taking the best of each, because other load varies
        cost[1_000].append(_carry_out(principal, "chain1000") / 1_000)
        cost[100] += [_carry_out(principal, "chain100") / 100 for _ in range(4)]
    metric, short = "cost of a step in a chain of 1,000: best of 3", min(cost[100])
    most = Target("<=", round(1.5 * short, 3))
    yield Figure(metric, min(cost[1_000]), "ms", "in a chain of 100, best of 12", short, most)


def _throughput(
    principal: Principal, workers: list[Child], reference: dict[str, Any] | None, count: int
) -> Figure:
    name = f"many{count}"
    _publish(principal, name, _chain(CHAIN))
    for _ in range(RUNS):
        start(principal=principal, template=name, parameters=None)
    took = _until_done(principal.organisation, name, workers)
    workers_of = f"{count} worker{'s' if count > 1 else ''} of {THREADS} threads"
    metric, rate = f"{RUNS} runs of {CHAIN} steps at once, {workers_of}", RUNS * CHAIN / took
    if not reference:
        return Figure(metric, rate, "steps/s")
    theirs = reference["steps_a_second"]
    title = "DBOS Transact, same Postgres, one process"
    return Figure(metric, rate, "steps/s", title, theirs, Target(">=", round(theirs, 1)))


def _parallel(principal: Principal, workers: list[Child]) -> Iterator[Figure]:
    for count, ms, target in ((10, 100, 0.25), (100, 50, 2.0)):
        name = f"parallel{count}"
        _publish(principal, name, _many(count, ms))
        took = []
        for _ in range(5):
            start(principal=principal, template=name, parameters=None)
            took.append(_until_done(principal.organisation, name, workers, newest=True))
        metric, apart = f"{count} tasks of {ms} ms, {THREADS} threads: p50 of 5", count * ms / 1e3
        yield Figure(metric, median(took), "s", "one after the other", apart, Target("<=", target))


def _limit(principal: Principal, workers: list[Child]) -> Figure:
    with tenant_transaction(principal.organisation):
        Policy.objects.create(organisation_id=principal.organisation, concurrency=LIMIT)
    _publish(principal, "limited", _many(200, 20))
    start(principal=principal, template="limited", parameters=None)
    _until_done(principal.organisation, "limited", workers)
    with tenant_transaction(principal.organisation):
        values = (principal.organisation, principal.organisation, "limited")
        spans = raw_cursor().execute(_SPANS, values).fetchall()
    # at equal times, ends come before starts: the one took the other's slot
    changes = sorted(change for began, ended in spans for change in ((ended, -1), (began, 1)))
    most = max(accumulate(step for _, step in changes))
    metric = f"most of 200 tasks in flight at once, limit {LIMIT}, 2 workers of {THREADS} threads"
    return Figure(metric, most, "tasks", target=Target("<=", LIMIT))


def _until_done(organisation: UUID, name: str, workers: list[Child], *, newest: bool = False) -> float:
    """Wait until an organisation's runs have ended; return the seconds from the first creation to the last end."""
    deadline = time.monotonic() + 300
    while True:
        with tenant_transaction(organisation):
            if read_value(_PENDING, [organisation]) == 0:
                break
        for worker in workers:
            worker.check()
        if time.monotonic() > deadline:
            raise BenchFailed("the runs did not end")
        time.sleep(0.02)
    with tenant_transaction(organisation):
        return float(read_value(_TOOK, {"organisation": organisation, "name": name, "newest": newest}))


@contextmanager
def _broker() -> Iterator[str]:
    """Yield the URL of an unused, empty Redis database, and empty it afterwards."""
    url = settings.REDIS_URL
    bare = url.split("?")[0]
    client = Redis.from_url(f"{bare}?db=9" if bare.startswith("unix") else f"{bare.rstrip('/0')}/9")
    client.flushdb()
    try:
        yield f"{bare.replace('unix://', 'redis+socket://', 1)}?virtual_host=9"
    finally:
        client.flushdb()
        client.close()


def _workers(stack: ExitStack, count: int) -> list[Child]:
    """Start Celery workers on this database, and wait until each has executed something."""
    home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="liftos-bench-")))
    broker = stack.enter_context(_broker())
    environment = dict(os.environ) | {
        "DATABASE_URL": _url("default"),
        "LIFTOS_OWNER_DATABASE_URL": _url("owner"),
        "REDIS_URL": settings.REDIS_URL,
        "LIFTOS_BROKER_URL": broker,
        "LIFTOS_TRACE_PERSIST": "0",
    }
    command = [
        sys.executable, "-m", "celery", "--quiet", "-A", "liftos.celery", "worker", "--pool", "threads", "--concurrency",
        str(THREADS), "-I", "liftos.bench.workflows.functions", "--without-gossip", "--without-mingle", "--loglevel", "warning",
    ]  # fmt: skip
    _send_to(stack, broker)
    workers = [
        stack.enter_context(
            running(
                [*command, "-n", f"bench{number}@%h"],
                log=home / f"worker{number}.log",
                environment=environment,
            )
        )
        for number in range(count)
    ]
    _wait_for(broker, workers)
    return workers


def _send_to(stack: ExitStack, broker: str) -> None:
    """Send this process's hints to a broker while the stack is open."""
    from liftos.celery import app

    earlier = app.conf.broker_url

    def switch(url: str) -> None:
        app.conf.broker_url = app.conf.broker_read_url = app.conf.broker_write_url = url
        app.close()
        app._pool = None
        app.amqp._producer_pool = None

    switch(broker)
    stack.callback(switch, earlier)


def _wait_for(broker: str, workers: list[Child]) -> None:
    from liftos.celery import app

    deadline = time.monotonic() + 120
    while len(app.control.ping(timeout=1.0)) < len(workers):
        for worker in workers:
            worker.check()
        if time.monotonic() > deadline:
            raise BenchFailed(f"no worker answers at {broker}")


def _url(alias: str) -> str:
    entry = connections[alias].settings_dict
    parts = {name: entry[name.upper()] for name in ("host", "port", "user", "password")}
    return make_conninfo("", dbname=entry["NAME"], **{key: value for key, value in parts.items() if value})


BENCH = Bench("workflows", "steps and runs of workflows, beside DBOS Transact on the same Postgres", run)
