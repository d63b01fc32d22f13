"""A temporary database: created and migrated by the owner, used through the normal connections, then dropped."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management import call_command
from django.db import connections

from liftos.kernel.embedding.catalogue import forget_model_numbers
from liftos.kernel.telemetry.tracing.tracer import TRACER

ALIASES = ("default", "owner")


@contextmanager
def scratch_database(purpose: str) -> Iterator[str]:
    """Point both connections at a fresh, migrated database for a block; yield its name.

    Args:
        purpose: part of the name, to identify left-over databases; lower-case letters and digits.
    """
    name = f"liftos_{purpose}_{os.getpid()}_{secrets.token_hex(3)}"
    earlier = connections["owner"].settings_dict["NAME"]
    with connections["owner"].cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
    # traces stored in the background would go to whichever database is open by then
    sink, TRACER.sink = TRACER.sink, None
    try:
        switch_database(name)
        call_command("migrate", verbosity=0)
        yield name
    finally:
        TRACER.sink = sink
        switch_database(earlier)
        with connections["owner"].cursor() as cursor:
            # without FORCE, which requires the right to end the application's sessions; Postgres waits 5 s for them
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')


def switch_database(name: str) -> None:
    """Close this thread's connections and the pool, and open new ones to another database."""
    for alias in ALIASES:
        connection: Any = connections[alias]
        connection.close()
        if alias == "default":
            connection.close_pool()
        connection.settings_dict["NAME"] = name
    forget_model_numbers()
