"""Postgres's planner statistics on a new installation.

Connections keep plans made while a table was empty, when all indexes look equally cheap, until the table is analysed. After
8,000 memories a vector's foreign key check took 600 us instead of 20, because it scanned the organisation's memories; a bulk store of
12,000 ran at 1,440 rows/s instead of 2,600. Autovacuum runs every 10 to 60 seconds, too late for the first bulk store.
"""

from functools import partial

from django.db import connection, transaction

from liftos.kernel.db.transactions import raw_cursor

LEAST = 100
"""Smallest batch that triggers the check."""

_analysed: set[str] = set()


def analyse_if_new(stored: int) -> None:
    """Analyse the memory tables if this is their first large batch, inside the transaction that stored it."""
    database = str(connection.settings_dict["NAME"])
    if stored < LEAST or database in _analysed:
        return
    raw_cursor().execute("SELECT liftos_analyse_new_memories()")
    # a rollback also undoes the analysis
    transaction.on_commit(partial(_analysed.add, database))
