"""The work that tests/faults/test_packing.py kills."""

import os
import random
import signal
import sys
import time
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liftos.settings")
django.setup()

from liftos.kernel.tenancy.types import SYSTEM
from memory.erasure.operations import forget
from memory.index import index_rows
from memory.index.postings import packing
from memory.operations import remember_many
from memory.types import MemoryDraft
from tests.integration.memory.test_postings import WORDS, dangling, expected, read

packing.ROWS, packing.BATCH, packing.SMALL, packing.FAN_IN = 60, 20, 8, 3
index_rows.AT_ONCE = 200


def write(organisation: UUID) -> None:
    """Store and erase memories until killed."""
    chance = random.Random(1)
    mine: list[UUID] = []
    while True:
        texts = [" ".join(chance.choices(WORDS, k=6)) for _ in range(chance.randint(1, 40))]
        drafts = [MemoryDraft(text) for text in texts]
        mine += [each.id for each in remember_many(organisation=organisation, by=SYSTEM, drafts=drafts)]
        forget(organisation=organisation, by=SYSTEM, memory=mine.pop(chance.randrange(len(mine))), reason="x")


def pack(organisation: UUID, kills: int) -> None:
    """Pack in processes of their own, and kill each after a moment; print how many died at work."""
    chance, at_work = random.Random(2), 0
    for _ in range(kills):
        started = time.monotonic()
        worker = os.fork()
        if not worker:
            while time.monotonic() < started + 10:
                packing.pack_next(organisation)
            os._exit(0)
        time.sleep(chance.uniform(0.05, 0.6))
        os.kill(worker, signal.SIGKILL)
        at_work += os.WIFSIGNALED(os.waitpid(worker, 0)[1])
    print(at_work)  # noqa: T201


def check(organisation: UUID) -> None:
    """Pack the rest, and compare the index with the texts."""
    while packing.pack_next(organisation):
        pass
    found = expected(organisation)
    print(read(organisation) == found and not dangling(organisation), len(found))  # noqa: T201


if __name__ == "__main__":
    name, organisation, *rest = sys.argv[1:]
    {"write": write, "pack": pack, "check": check}[name](UUID(organisation), *map(int, rest))
