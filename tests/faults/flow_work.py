"""The processes of tests/faults/test_workflows.py.

`publish ORG TEMPLATE STEPS FUNCTION ARGUMENTS`: a chain of steps. `start ORG TEMPLATE COUNT SECONDS`: start runs, evenly over
so long a time. `feed ORG TEMPLATE`: keep some runs going until standard input ends. `kill KILLS SEED`: fork a Celery worker, kill it
with SIGKILL a random while after it has begun a step, and so on KILLS times.
"""

import json
import os
import random
import select
import signal
import sys
import time
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liftos.settings")
django.setup()

import tests.faults.flow_functions  # noqa: F401  registers them
from liftos.celery import app
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.types import ALL_SCOPES, SYSTEM, Principal
from workflows.models import Run
from workflows.operations import start
from workflows.publishing.templates import publish, save_draft

GOING = 20


def publish_chain(organisation: UUID, name: str, count: int, function: str, arguments: str) -> None:
    steps = [
        {
            "name": f"s{number}",
            "function": function,
            "arguments": json.loads(arguments),
            "depends_on": [f"s{number - 1}"] if number else [],
        }
        for number in range(count)
    ]
    draft = save_draft(organisation=organisation, by=SYSTEM, payload={"name": name, "steps": steps})
    publish(organisation=organisation, by=SYSTEM, template=draft.template_id)


def start_runs(organisation: UUID, name: str, count: int, seconds: float) -> None:
    principal = Principal(organisation, "fault-ltd", SYSTEM, frozenset(ALL_SCOPES))
    began = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, began + seconds * number / count - time.monotonic()))
        print(start(principal=principal, template=name, parameters=None), flush=True)  # noqa: T201


def feed_runs(organisation: UUID, name: str) -> None:
    principal = Principal(organisation, "fault-ltd", SYSTEM, frozenset(ALL_SCOPES))
    while not select.select([sys.stdin], [], [], 0.1)[0]:
        with tenant_transaction(organisation):
            going = Run.objects.filter(organisation_id=organisation, status="running").count()
        for _ in range(GOING - going):
            start(principal=principal, template=name, parameters=None)


def kill_workers(kills: int, seed: int) -> None:
    # no connection is open here: each child makes its own
    chance = random.Random(seed)
    for _ in range(kills):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.setpgrp()
                os.environ["FAULT_BEGUN_FD"] = str(writing)
                worker = app.Worker(
                    pool="threads", concurrency=4, loglevel="WARNING", without_gossip=True, without_mingle=True,
                    without_heartbeat=True, quiet=True, optimization="fair", hostname=f"w{os.getpid()}@fault",
                )  # fmt: skip
                worker.start()
            finally:
                os._exit(1)
        os.close(writing)
        begun, _, _ = select.select([reading], [], [], 60)
        time.sleep(chance.uniform(0.0, 0.4))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        os.close(reading)
        assert os.WTERMSIG(status) == signal.SIGKILL, "the worker ended by itself"
        assert begun, "the worker began no step"


if __name__ == "__main__":
    verb, *rest = sys.argv[1:]
    if verb == "publish":
        publish_chain(UUID(rest[0]), rest[1], int(rest[2]), rest[3], rest[4])
    elif verb == "start":
        start_runs(UUID(rest[0]), rest[1], int(rest[2]), float(rest[3]))
    elif verb == "feed":
        feed_runs(UUID(rest[0]), rest[1])
    else:
        kill_workers(int(rest[0]), int(rest[1]))
