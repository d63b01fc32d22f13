"""Index rows other than vectors: postings, attributes, entities, threads.

Derived from the memory alone; written and removed with it inside the caller's tenant transaction.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any
from uuid import UUID

from liftos.kernel.db.binary import IntArray, TextArray, UuidArray
from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.precedence import giving_way
from memory.analysis.attributes import attributes_of, markers_of
from memory.analysis.words import count_terms
from memory.index.statements import (
    COUNT_IN,
    COUNT_OUT,
    DELETE_ALL_POSTINGS,
    DELETE_ATTRIBUTES,
    DELETE_EMPTY_THREADS,
    DELETE_ENTITIES,
    DELETE_POSTINGS,
    INSERT_ATTRIBUTES,
    INSERT_ENTITIES,
    INSERT_POSTINGS,
    LEAVE_THREADS,
    LOCK_THREADS,
)

if TYPE_CHECKING:
    from memory.index.writes import Row

COUNTER_PARTS = 16


@dataclass(frozen=True, slots=True)
class IndexRows:
    """Parameters of the statements that write memories' index rows."""

    counted: dict[str, Any]
    attributes: tuple[Any, ...]
    entities: tuple[Any, ...]
    postings: tuple[Any, ...]


def pack(organisation: UUID, rows: Sequence["Row"]) -> IndexRows:
    """Return the index rows of memories as statement parameters."""
    words = [row.reading.words for row in rows]
    threads = [row.reading.thread for row in rows]
    attributes = [
        (row.id.bytes, *each)
        for row in giving_way(rows)
        for each in chain(attributes_of(row.draft.metadata), markers_of(row.draft.metadata))
    ]
    entities = [(key, row.id.bytes, kind) for row in rows for key, kind in row.reading.entities.items()]
    ids, keys, texts, numbers = columns(attributes) if attributes else ([], [], [], [])
    decimals = (None if number is None else str(number) for number in numbers)
    names, owners, kinds = columns(entities) if entities else ([], [], [])
    return IndexRows(
        _counter_values(organisation, words, threads),
        (organisation, UuidArray(ids), TextArray(keys), TextArray(texts), TextArray(decimals)),
        (organisation, TextArray(names), UuidArray(owners), TextArray(kinds)),
        (organisation, *_postings(rows, words)),
    )


def insert(rows: IndexRows) -> None:
    """Write the index rows of memories, and add them to the counters."""
    with raw_cursor() as cursor:
        cursor.execute(COUNT_IN, rows.counted)
        cursor.execute(INSERT_ATTRIBUTES, rows.attributes)
        cursor.execute(INSERT_ENTITIES, rows.entities)
        cursor.execute(INSERT_POSTINGS, rows.postings)


def _counter_values(
    organisation: UUID, words: Sequence[int], threads: Sequence[int | None]
) -> dict[str, Any]:
    """Return the parameters of COUNT_IN and COUNT_OUT for memories with these word counts and threads."""
    members = Counter(thread for thread in threads if thread is not None)
    return {
        "organisation": organisation,
        "parts": COUNTER_PARTS,
        "documents": len(words),
        "words": sum(words),
        "threads": list(members),
        "members": list(members.values()),
    }


def _postings(
    rows: Sequence["Row"], words: Sequence[int]
) -> tuple[TextArray, UuidArray, IntArray, IntArray, IntArray]:
    """Return the columns of INSERT_POSTINGS, packed because each memory has dozens of rows."""
    counts = [len(row.reading.terms) for row in rows]
    return (
        TextArray(term for row in giving_way(rows) for term in row.reading.terms),
        UuidArray(
            id_
            for row, count in giving_way(zip(rows, counts, strict=True))
            for id_ in repeat(row.id.bytes, count)
        ),
        IntArray(tf for row in giving_way(rows) for tf in row.reading.terms.values()),
        IntArray(
            length for length, count in zip(words, counts, strict=True) for length in repeat(length, count)
        ),
        IntArray(
            each
            for row, count in zip(rows, counts, strict=True)
            for each in repeat(row.reading.thread, count)
        ),
    )


@dataclass(frozen=True, slots=True)
class Indexed:
    """What is needed to remove a memory's index rows."""

    memory: UUID
    content: str
    word_count: int
    term_count: int
    thread: int | None


def remove(*, organisation: UUID, rows: Sequence[Indexed]) -> None:
    """Delete the index rows of memories, and subtract them from the counters."""
    ids = [row.memory for row in rows]
    pairs = [(term, row.memory.bytes) for row in rows for term in count_terms(row.content)]
    terms, owners = columns(pairs) if pairs else ([], [])
    values = _counter_values(organisation, [row.word_count for row in rows], [row.thread for row in rows])
    with raw_cursor() as cursor:
        cursor.execute(DELETE_POSTINGS, (TextArray(terms), UuidArray(owners), organisation))
        deleted = Counter(row[0] for row in cursor.fetchall())
        incomplete = [row.memory for row in rows if deleted[row.memory] != row.term_count]
        if incomplete:
            # an earlier analyser produced other terms: scan the organisation's whole index for them
            cursor.execute(DELETE_ALL_POSTINGS, (organisation, incomplete))
        cursor.execute(DELETE_ATTRIBUTES, (organisation, ids))
        cursor.execute(DELETE_ENTITIES, (organisation, ids))
        ended = 0
        if values["threads"]:
            cursor.execute(LOCK_THREADS, values).fetchall()
            cursor.execute(LEAVE_THREADS, values)
            ended = cursor.execute(DELETE_EMPTY_THREADS, values).rowcount
        cursor.execute(COUNT_OUT, values | {"threads": ended})


def columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """Transpose rows into columns, the arguments of `unnest`."""
    return [list(column) for column in zip(*rows, strict=True)]
