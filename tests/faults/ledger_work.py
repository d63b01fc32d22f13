"""The processes of tests/faults/test_ledger.py: one that records, and one whose sequencers are killed.

`write ORG FILE`: record decisions, each in its own transaction, and append each one's id to FILE once it is committed; until
killed. `sequence ORG KILLS SEED`: fork a sequencer, kill it with SIGKILL after a random while, and so on KILLS times;
print how many of them were inside of a run.
"""

import os
import random
import signal
import sys
import time
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liftos.settings")
django.setup()

from accountability.ledger.sequencer import sequence
from accountability.operations import record
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.types import SYSTEM


def write(organisation: UUID, path: str) -> None:
    with open(path, "a", buffering=1) as answered:  # noqa: PTH123
        number = 0
        while True:
            number += 1
            with tenant_transaction(organisation):
                made = record(
                    organisation=organisation, by=SYSTEM, operation="load", reasoning=f"because {number}"
                )
            answered.write(f"{made}\n")


def sequence_for_ever(organisation: UUID, busy: int) -> None:
    while True:
        os.write(busy, b"1")
        sequence(organisation=organisation, limit=40)
        os.write(busy, b"0")


def kill_sequencers(organisation: UUID, kills: int, seed: int) -> None:
    # no connection is open here: each child makes its own
    chance, inside = random.Random(seed), 0
    for _ in range(kills):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            try:
                sequence_for_ever(organisation, writing)
            finally:
                os._exit(1)
        os.close(writing)
        os.read(reading, 1)  # it has begun
        time.sleep(chance.uniform(0.02, 0.2))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WTERMSIG(status) == signal.SIGKILL, "the sequencer ended by itself"
        said = b""
        while more := os.read(reading, 65_536):
            said += more
        os.close(reading)
        inside += not said.endswith(b"0")
    sys.stdout.write(f"{inside}\n")


if __name__ == "__main__":
    organisation = UUID(sys.argv[2])
    if sys.argv[1] == "write":
        write(organisation, sys.argv[3])
    else:
        kill_sequencers(organisation, int(sys.argv[3]), int(sys.argv[4]))
