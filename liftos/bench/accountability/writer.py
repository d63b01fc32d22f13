"""One writer process of `bench accountability`. Imports nothing of Django before setup."""

import os
from time import perf_counter
from typing import Any
from uuid import UUID

START_SECONDS = 60


def write(name: str, organisation: UUID, count: int, together: Any, spans: Any) -> None:
    """Record `count` decisions, each durably in its own transaction, and report the start and end times.

    Args:
        name: the database's.
        organisation: that records them.
        count: number of decisions.
        together: a barrier at which all writers wait before they start.
        spans: a queue for (start, end) in seconds of the monotonic clock, which processes share.
    """
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liftos.settings")
    django.setup()
    from django.db import connections

    from liftos.bench.accountability.decisions import decide
    from liftos.kernel.db.scratch import switch_database

    switch_database(name)
    decide(organisation, 0)
    together.wait(START_SECONDS)
    start = perf_counter()
    for number in range(count):
        decide(organisation, number)
    spans.put((start, perf_counter()))
    connections.close_all()
