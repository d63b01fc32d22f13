"""What Postgres knows of the size of the tables of memories, on an installation that is new.

A connection keeps the plans that it made while a table was empty, until the table is analysed. Then any index seems as good as
another: a vector's foreign key was looked up through all of an organisation's memories, 600 us after 8,000 of them instead
of 20 (a bulk store of 12,000: 1,440 rows/s instead of 2,600). Autovacuum comes round after ten seconds, or a minute; a bulk store doesn't wait for it.
"""

from functools import partial

from django.db import connection, transaction

from liftos.kernel.db.transactions import raw_cursor

LEAST = 100
"""Memories in a batch from which on it is worth looking."""

_analysed: set[str] = set()


def analyse_if_new(stored: int) -> None:
    """Have the tables analysed if they have not been since they were empty, inside the transaction that stored so many."""
    database = str(connection.settings_dict["NAME"])
    if stored < LEAST or database in _analysed:
        return
    raw_cursor().execute("SELECT liftos_analyse_new_memories()")
    # undone with the transaction, it has to be done again
    transaction.on_commit(partial(_analysed.add, database))
