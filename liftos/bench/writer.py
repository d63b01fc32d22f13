"""One writer of `bench accountability`, in a process of its own: nothing of Django is imported before it is set up."""

import os
from time import perf_counter
from typing import Any
from uuid import UUID

START_SECONDS = 60


def write(name: str, organisation: UUID, count: int, together: Any, spans: Any) -> None:
    """Record `count` decisions, each durably in its own transaction, and report when that began and ended.

    Args:
        name: of the database.
        organisation: whose decisions.
        count: how many.
        together: a barrier that all writers wait at before they begin.
        spans: a queue for (start, end) in seconds of the system's monotonic clock, which processes share.
    """
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liftos.settings")
    django.setup()
    from django.db import connections

    from liftos.bench.decisions import decide
    from liftos.kernel.db.scratch import switch_database

    switch_database(name)
    decide(organisation, 0)
    together.wait(START_SECONDS)
    start = perf_counter()
    for number in range(count):
        decide(organisation, number)
    spans.put((start, perf_counter()))
    connections.close_all()
