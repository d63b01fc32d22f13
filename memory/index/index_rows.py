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

if TYPE_CHECKING:
    from memory.index.writes import Row

COUNTER_PARTS = 16

_POSTINGS = """
INSERT INTO memory_posting (organisation_id, term, memory_id, tf, length, thread_id)
SELECT %s, * FROM unnest(%s::text[], %s::uuid[], %s::bigint[], %s::bigint[], %s::bigint[])
"""
_ATTRIBUTES = """
INSERT INTO memory_attribute (organisation_id, memory_id, key, text_value, number_value)
SELECT %s, id, key, text, number::numeric
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[]) AS a(id, key, text, number)
"""
_ENTITIES = """
INSERT INTO memory_entity (organisation_id, key, memory_id, kind)
SELECT %s, * FROM unnest(%s::text[], %s::uuid[], %s::text[])
"""
# in the order of their ids, as writers take them
_LOCK_THREADS = """
SELECT id FROM memory_thread WHERE organisation_id = %(organisation)s AND id = ANY(%(threads)s::bigint[]) ORDER BY id FOR UPDATE
"""
_LEAVE_THREADS = """
UPDATE memory_thread AS t SET members = t.members - w.members
FROM unnest(%(threads)s::bigint[], %(members)s::int[]) AS w(id, members) WHERE t.organisation_id = %(organisation)s AND t.id = w.id
"""
_END_THREADS = """
DELETE FROM memory_thread WHERE organisation_id = %(organisation)s AND id = ANY(%(threads)s::bigint[]) AND members = 0
"""
# The part is the connection's, so that writers side by side rarely wait for one another's commit. xmax is 0 in a row that the
# statement inserted: the thread is new.
_ADDED = """
ON CONFLICT (organisation_id, part) DO UPDATE SET documents = memory_corpuscounter.documents + excluded.documents,
    words = memory_corpuscounter.words + excluded.words, threads = memory_corpuscounter.threads + excluded.threads
"""
_COUNT_IN = f"""
WITH joined AS (
    INSERT INTO memory_thread (organisation_id, id, members)
    SELECT %(organisation)s, * FROM unnest(%(threads)s::bigint[], %(members)s::int[]) AS t(id, members) ORDER BY id
    ON CONFLICT (organisation_id, id) DO UPDATE SET members = memory_thread.members + excluded.members
    RETURNING xmax = 0 AS is_new
)
INSERT INTO memory_corpuscounter (organisation_id, part, documents, words, threads)
SELECT %(organisation)s, pg_backend_pid() %% %(parts)s, %(documents)s, %(words)s, count(*) FILTER (WHERE is_new) FROM joined
{_ADDED}
"""  # noqa: S608  put together from texts of our own
_COUNT_OUT = f"""
INSERT INTO memory_corpuscounter (organisation_id, part, documents, words, threads)
VALUES (%(organisation)s, pg_backend_pid() %% %(parts)s, -%(documents)s, -%(words)s, -%(threads)s)
{_ADDED}
"""  # noqa: S608
_REMOVE_POSTINGS = """
DELETE FROM memory_posting AS p USING unnest(%s::text[], %s::uuid[]) AS w(term, memory_id)
WHERE p.organisation_id = %s AND p.term = w.term AND p.memory_id = w.memory_id RETURNING p.memory_id
"""
_REMOVE_ALL_POSTINGS = "DELETE FROM memory_posting WHERE organisation_id = %s AND memory_id = ANY(%s)"
_REMOVE_ATTRIBUTES = "DELETE FROM memory_attribute WHERE organisation_id = %s AND memory_id = ANY(%s)"
_REMOVE_ENTITIES = "DELETE FROM memory_entity WHERE organisation_id = %s AND memory_id = ANY(%s)"


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
        cursor.execute(_COUNT_IN, rows.counted)
        cursor.execute(_ATTRIBUTES, rows.attributes)
        cursor.execute(_ENTITIES, rows.entities)
        cursor.execute(_POSTINGS, rows.postings)


def _postings(
    rows: Sequence["Row"], words: Sequence[int]
) -> tuple[TextArray, UuidArray, IntArray, IntArray, IntArray]:
    """Return the columns of _POSTINGS: some tens of rows for each memory, so they go packed."""
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
        cursor.execute(_REMOVE_POSTINGS, (TextArray(terms), UuidArray(owners), organisation))
        gone = Counter(row[0] for row in cursor.fetchall())
        earlier = [row.memory for row in rows if gone[row.memory] != row.term_count]
        if earlier:
            # stored by an earlier analyser: their terms are not today's, so read the organisation's whole index
            cursor.execute(_REMOVE_ALL_POSTINGS, (organisation, earlier))
        cursor.execute(_REMOVE_ATTRIBUTES, (organisation, ids))
        cursor.execute(_REMOVE_ENTITIES, (organisation, ids))
        ended = 0
        if threads:
            cursor.execute(_LOCK_THREADS, values).fetchall()
            cursor.execute(_LEAVE_THREADS, values)
            ended = cursor.execute(_END_THREADS, values).rowcount
        cursor.execute(_COUNT_OUT, values | {"threads": ended})


def columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """Return rows as columns, which is how `unnest` takes them."""
    return [list(column) for column in zip(*rows, strict=True)]
