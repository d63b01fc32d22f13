"""Test which of some memories pass a question's filters."""

from collections.abc import Iterable

from liftos.kernel.db.binary import UuidArray
from liftos.kernel.db.transactions import raw_cursor
from memory.search.filter_sql import where
from memory.search.keys import keys_of
from memory.search.statements import PASSING
from memory.search.types import Key, Question

# From this many, what is hidden is read once and hashed, not looked up for each.
MANY = 2_000


def passing_filters(question: Question, memories: Iterable[Key]) -> list[Key]:
    """Return those of the memories that pass a question's filters, in any order."""
    ids = list(memories)
    if not ids:
        return []
    condition, values = where(question.request, "m.id", of_many=len(ids) >= MANY)
    values |= {"organisation": question.organisation, "ids": UuidArray(ids)}
    row = raw_cursor().execute(PASSING.format(where=condition), values, binary=True).fetchone()
    return keys_of(row[0]) if row and row[0] else []
