"""The rows by which memories are found apart from their vectors: postings, attributes, entities, threads.

Derived from the memory alone, written and removed with it, inside the caller's tenant transaction.
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
    """The rows of some memories, as the parameters of the statements that write them."""

    counted: dict[str, Any]
    attributes: tuple[Any, ...]
    entities: tuple[Any, ...]
    postings: tuple[Any, ...]


def pack(organisation: UUID, rows: Sequence["Row"]) -> IndexRows:
    """Return the index rows of memories, ready to be written."""
    words = [row.reading.words for row in rows]
    threads = Counter(row.reading.thread for row in rows if row.reading.thread is not None)
    attributes = [
        (row.id.bytes, *each)
        for row in giving_way(rows)
        for each in chain(attributes_of(row.draft.metadata), markers_of(row.draft.metadata))
    ]
    entities = [(key, row.id.bytes, kind) for row in rows for key, kind in row.reading.entities.items()]
    ids, keys, texts, numbers = columns(attributes) if attributes else ([], [], [], [])
    written = (None if number is None else str(number) for number in numbers)
    names, about, kinds = columns(entities) if entities else ([], [], [])
    return IndexRows(
        {
            "organisation": organisation,
            "parts": COUNTER_PARTS,
            "documents": len(rows),
            "words": sum(words),
            "threads": list(threads),
            "members": list(threads.values()),
        },
        (organisation, UuidArray(ids), TextArray(keys), TextArray(texts), TextArray(written)),
        (organisation, TextArray(names), UuidArray(about), TextArray(kinds)),
        (organisation, *_postings(rows, words)),
    )


def insert(rows: IndexRows) -> None:
    """Write the index rows of memories, and count them in."""
    with raw_cursor() as cursor:
        cursor.execute(COUNT_IN, rows.counted)
        cursor.execute(INSERT_ATTRIBUTES, rows.attributes)
        cursor.execute(INSERT_ENTITIES, rows.entities)
        cursor.execute(INSERT_POSTINGS, rows.postings)


def _postings(
    rows: Sequence["Row"], words: Sequence[int]
) -> tuple[TextArray, UuidArray, IntArray, IntArray, IntArray]:
    """Return the columns of INSERT_POSTINGS: some tens of rows for each memory, so they go packed."""
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
    """A memory as its index rows know it."""

    memory: UUID
    content: str
    word_count: int
    term_count: int
    thread: int | None


def remove(*, organisation: UUID, rows: Sequence[Indexed]) -> None:
    """Delete every index row made from memories, and count them out."""
    ids = [row.memory for row in rows]
    pairs = [(term, row.memory.bytes) for row in rows for term in count_terms(row.content)]
    terms, owners = columns(pairs) if pairs else ([], [])
    threads = Counter(row.thread for row in rows if row.thread is not None)
    values = {
        "organisation": organisation,
        "parts": COUNTER_PARTS,
        "documents": len(rows),
        "words": sum(row.word_count for row in rows),
        "threads": list(threads),
        "members": list(threads.values()),
    }
    with raw_cursor() as cursor:
        cursor.execute(DELETE_POSTINGS, (TextArray(terms), UuidArray(owners), organisation))
        gone = Counter(row[0] for row in cursor.fetchall())
        earlier = [row.memory for row in rows if gone[row.memory] != row.term_count]
        if earlier:
            # stored by an earlier analyser: their terms are not today's, so read the organisation's whole index
            cursor.execute(DELETE_ALL_POSTINGS, (organisation, earlier))
        cursor.execute(DELETE_ATTRIBUTES, (organisation, ids))
        cursor.execute(DELETE_ENTITIES, (organisation, ids))
        ended = 0
        if threads:
            cursor.execute(LOCK_THREADS, values).fetchall()
            cursor.execute(LEAVE_THREADS, values)
            ended = cursor.execute(DELETE_EMPTY_THREADS, values).rowcount
        cursor.execute(COUNT_OUT, values | {"threads": ended})


def columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """Return rows as columns, which is how `unnest` takes them."""
    return [list(column) for column in zip(*rows, strict=True)]
