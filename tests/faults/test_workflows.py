"""Through kills, freezes, restarts and losses, each workflow effect happens once, in order, and every run ends."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from liftos.runtime.embedded.postgres import Postgres
from tests.faults.service import ROOT, Service, until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

WORK = Path(__file__).with_name("flow_work.py")
KILLS, STEPS = 200, 10
LEASE = 2.0


def once(runs, steps=STEPS):
    """Return the counts of runs whose every step happened exactly once, in order."""
    total = runs * steps
    return {
        "runs": {"completed": runs},
        "steps": {"done": total},
        "effects": (total, total),
        "ends": (total, total),
        "records": total,
        "out_of_order": [],
    }


class Flows:
    """A service without a web process, with an organisation that runs workflows."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.url = service.environment["DATABASE_URL"]
        self.environment = service.environment | {"PYTHONPATH": str(ROOT)}
        with psycopg.connect(self.url) as own:
            [(self.organisation,)] = own.execute("SELECT id::text FROM tenancy_organisation").fetchall()
        self.workers: list[subprocess.Popen] = []

    def rows(self, query, *values):
        with psycopg.connect(self.url) as own:
            own.execute("SELECT set_config('liftos.organisation', %s, true)", [self.organisation])
            return own.execute(query, values).fetchall()

    def work(self, *arguments, **options):
        return subprocess.Popen(
            [sys.executable, str(WORK), *map(str, arguments)], cwd=ROOT, env=self.environment, **options
        )

    def publish(self, name, steps=STEPS, function="fault.effect", arguments="{}"):
        assert self.work("publish", self.organisation, name, steps, function, arguments).wait(60) == 0

    def start(self, name, count, seconds=0.0):
        """Start runs and wait until all are started."""
        done = self.work("start", self.organisation, name, count, seconds, stdout=subprocess.PIPE, text=True)
        said, _ = done.communicate(timeout=300)
        assert done.returncode == 0
        return said.split()

    def worker(self, *, root=ROOT, threads=4, before=(), **environment):
        log = (self.service.home / f"worker{len(self.workers)}.log").open("ab")
        command = [
            sys.executable, *before, "-m", "celery", "--quiet", "-A", "liftos.celery", "worker", "--pool", "threads", "-c", str(threads),
            "-I", "tests.faults.flow_functions", "--without-gossip", "--without-mingle", "-n", f"w{len(self.workers)}@fault",
        ]  # fmt: skip
        with log:
            process = subprocess.Popen(
                command,
                cwd=root,
                env=self.environment | {"PYTHONPATH": str(root)} | environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.workers.append(process)
        return process

    def ended(self, count):
        return self.rows("SELECT count(*) FROM workflows_run WHERE status = 'completed'") == [(count,)]

    def counts(self):
        """Return what happened how often: runs and steps by status, effects, ends, records, and steps out of order.

        Effects and ends are (all, distinct); a step is out of order if it first started before its predecessor ended. The history's
        ids follow the run's row lock.
        """
        [effects] = self.rows(
            "SELECT count(*), count(DISTINCT subject) FROM events_outboxevent WHERE type = 'fault.effect'"
        )
        [ends] = self.rows(
            "SELECT count(*), count(DISTINCT step_id) FROM workflows_transition WHERE after = 'done'"
        )
        [(records,)] = self.rows(
            "SELECT count(*) FROM accountability_decisionrecord WHERE decision_point = 'workflow.step.done'"
        )
        return {
            "runs": dict(self.rows("SELECT status, count(*) FROM workflows_run GROUP BY 1")),
            "steps": dict(self.rows("SELECT status, count(*) FROM workflows_step GROUP BY 1")),
            "effects": effects,
            "ends": ends,
            "records": records,
            "out_of_order": self.rows(
                """
                SELECT s.run_id, s.name FROM workflows_step AS s
                JOIN workflows_step AS p ON p.run_id = s.run_id AND p.position = s.position - 1
                WHERE (SELECT min(t.at) FROM workflows_transition AS t WHERE t.step_id = s.id AND t.after = 'running')
                    < (SELECT max(t.at) FROM workflows_transition AS t WHERE t.step_id = p.id AND t.after = 'done')
                """
            ),
        }

    def lost(self):
        return self.rows("SELECT coalesce(sum(lost), 0) FROM workflows_step")[0][0]

    def kill(self, worker):
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        self.workers.remove(worker)

    def close(self):
        for worker in list(self.workers):
            os.killpg(worker.pid, signal.SIGCONT)
            self.kill(worker)


@pytest.fixture
def flows(tmp_path, monkeypatch):
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    service = Service(
        tmp_path / "home",
        LIFTOS_WORKFLOW_LEASE_SECONDS=str(LEASE),
        LIFTOS_WORKFLOW_SWEEP_SECONDS="0.25",
        LIFTOS_TRACE_PERSIST="0",
    )
    made = Flows(service)
    yield made
    made.close()
    service.close()


def test_two_hundred_worker_kills_under_load_lose_and_repeat_nothing(flows):
    flows.publish("chain", arguments='{"ms": 10}')
    # there is work for as long as the killing lasts, however slow the machine
    feeder = flows.work("feed", flows.organisation, "chain", stdin=subprocess.PIPE)
    try:
        killers = [flows.work("kill", KILLS // 2, seed) for seed in (1, 2)]
        assert [killer.wait(400) for killer in killers] == [0, 0]
        feeder.stdin.close()
        assert feeder.wait(60) == 0
    finally:
        feeder.kill()
    [(started,)] = flows.rows("SELECT count(*) FROM workflows_run")
    # a kill between two steps would show nothing
    assert flows.lost() >= KILLS // 4
    flows.worker(threads=10)
    until(lambda: flows.ended(started), seconds=120)
    assert flows.counts() == once(started)


def test_worker_frozen_past_its_lease_undoes_and_repeats_nothing(flows):
    flows.publish("chain", steps=3, arguments='{"ms": 300}')
    frozen = flows.worker()
    flows.start("chain", 4)
    until(lambda: flows.rows("SELECT count(*) FROM workflows_step WHERE token IS NOT NULL") == [(4,)])
    os.killpg(frozen.pid, signal.SIGSTOP)
    other = flows.worker()
    # it holds its steps' transactions open: Postgres ends them when they have been idle for too long
    until(lambda: flows.lost() >= 1)
    os.killpg(frozen.pid, signal.SIGCONT)
    until(lambda: flows.ended(4), seconds=120)
    assert [frozen.poll(), other.poll()] == [None, None]
    assert flows.counts() == once(4, 3)


def test_flushed_broker_only_delays_runs(flows):
    flows.publish("chain", arguments='{"ms": 20}')
    # no worker yet: what the runs' hints are is in the broker alone
    flows.start("chain", 20)
    flush = (
        "import redis; from django.conf import settings; redis.Redis.from_url(settings.REDIS_URL).flushall()"
    )
    flows.service.manage("shell", "-c", flush)
    flows.worker()
    for _ in range(3):
        time.sleep(0.5)
        flows.service.manage("shell", "-c", flush)
    until(lambda: flows.ended(20), seconds=60)
    assert flows.counts() == once(20)


def test_duplicate_hints_execute_nothing_twice(flows):
    flows.publish("chain", arguments='{"ms": 5}')
    flows.worker()
    flows.worker()
    flows.start("chain", 20)
    send = f"from liftos.kernel.jobs import send_hint\nfor _ in range(300): send_hint('workflows.work', '{flows.organisation}')"
    flows.service.manage("shell", "-c", send)
    until(lambda: flows.ended(20), seconds=60)
    assert flows.counts() == once(20)


def test_runs_survive_a_postgres_restart(flows):
    flows.publish("chain", arguments='{"ms": 50}')
    workers = [flows.worker(), flows.worker()]
    flows.start("chain", 20)
    server = flows.service.server(Postgres)
    until(lambda: flows.rows("SELECT count(*) FROM workflows_step WHERE status = 'done'")[0][0] >= 20)
    server.stop()
    time.sleep(1)
    server.ensure()
    until(lambda: flows.ended(20), seconds=90)
    assert [worker.poll() for worker in workers] == [None, None]
    assert flows.counts() == once(20)


def test_a_commit_whose_answer_was_lost_is_not_repeated(flows):
    flows.publish("chain", steps=5)
    # the first ten commits of this worker's ends succeed, and it is told that they did not
    flows.worker(threads=2, before=("-c", _LOSES_ANSWERS))
    flows.start("chain", 6)
    until(lambda: flows.ended(6), seconds=90)
    assert (flows.service.home / "lost_answers").read_text().count("x") == 10
    assert flows.counts() == once(6, 5)


def test_wrong_worker_clock_has_no_effect(flows):
    flows.publish("chain", arguments='{"ms": 20}')
    for offset in (3_600, -3_600):
        flows.worker(before=("-c", _WRONG_CLOCK.format(offset=offset)))
    flows.worker()
    flows.start("chain", 20)
    until(lambda: flows.ended(20), seconds=90)
    assert flows.lost() == 0
    assert flows.counts() == once(20)


def test_running_workflows_keep_the_versions_they_began_with(flows):
    flows.publish("chain", arguments='{"ms": 100}')
    old = flows.worker()
    flows.start("chain", 10)
    until(lambda: flows.rows("SELECT count(*) FROM workflows_step WHERE status = 'done'")[0][0] >= 10)
    # the new code knows both versions; what is published from now on takes the new one
    flows.environment["FAULT_VERSION"] = "2"
    new = flows.worker()
    flows.publish("newer", arguments="{}")
    flows.start("newer", 5)
    until(lambda: flows.ended(15), seconds=60)
    assert [old.poll(), new.poll()] == [None, None]
    assert flows.counts() == once(15)
    ran = flows.rows(
        "SELECT r.name, s.function, count(*) FROM workflows_step AS s JOIN workflows_run AS r ON r.id = s.run_id GROUP BY 1, 2 ORDER BY 1"
    )
    assert ran == [("chain", "fault.effect@1", 100), ("newer", "fault.effect@2", 50)]
    # the old code never touched what it does not know
    wrong = """
        SELECT count(*) FROM events_outboxevent AS e JOIN workflows_run AS r ON split_part(e.subject, '/', 1) = r.id::text
        WHERE r.name = 'newer' AND e.data ->> 'version' = '1'
        """
    assert flows.rows(wrong) == [(0,)]


def test_workers_from_two_checkouts_share_the_work(flows, tmp_path):
    other = tmp_path / "other"
    for package in ("liftos", "accountability", "memory", "spaces", "workflows", "tests/faults"):
        shutil.copytree(ROOT / package, other / package, ignore=shutil.ignore_patterns("__pycache__"))
    (other / "tests" / "__init__.py").touch()
    flows.publish("chain", arguments='{"ms": 20}')
    here, there = flows.worker(threads=2), flows.worker(root=other, threads=2)

    def both_worked():
        return len(flows.rows("SELECT DISTINCT worker FROM workflows_step WHERE worker <> ''")) == 2

    # the first to be up does alone what there is until the other is
    runs, deadline = 0, time.monotonic() + 120
    while not both_worked():
        assert time.monotonic() < deadline, "one of them does nothing"
        flows.start("chain", 10)
        runs += 10
    until(lambda: flows.ended(runs), seconds=60)
    assert [here.poll(), there.poll()] == [None, None]
    assert flows.counts() == once(runs)


_RUN_CELERY = """
import sys, runpy
sys.argv = ["celery", *sys.argv[3:]]
runpy.run_module("celery", run_name="__main__", alter_sys=True)
"""
# the answer to a COMMIT is thrown away, and the connection with it, as a network does
_LOSES_ANSWERS = (
    """
import os, threading
from pathlib import Path
import django
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liftos.settings")
from liftos.kernel.db.backend.base import DatabaseWrapper
commit, lock, lost = DatabaseWrapper._commit, threading.Lock(), [0]
def losing(self):
    commit(self)
    if threading.current_thread().name != "workflow-turn" or self.alias != "default":
        return
    with lock:
        if lost[0] >= 10 or not getattr(self, "_ends_a_step", False):
            return
        lost[0] += 1
        with open(Path(os.environ["LIFTOS_HOME"]) / "lost_answers", "a") as file:
            file.write("x")
    self.connection.close()
    raise django.db.OperationalError("server closed the connection unexpectedly")
DatabaseWrapper._commit = losing
django.setup()
from workflows.engine import attempts
from django.db import connection
complete = attempts.complete
def marked(*arguments, **options):
    connection._ends_a_step = True
    return complete(*arguments, **options)
attempts.complete = marked
"""
    + _RUN_CELERY
)
# all the ways in which this code asks for the time of day
_WRONG_CLOCK = """
import time, datetime
true_time, true_datetime = time.time, datetime.datetime
time.time = lambda: true_time() + {offset}
time.time_ns = lambda: int(time.time() * 1e9)
import django.utils.timezone
django.utils.timezone.now = lambda: true_datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds={offset})
""" + _RUN_CELERY.replace("{", "{{").replace("}", "}}")
