"""Index rows other than vectors: passages, postings, attributes, entities, threads.

Derived from the memory alone; written and removed with it inside the caller's tenant transaction.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from liftos.kernel.db.binary import IntArray, TextArray, UuidArray
from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.db.viewers import ORGANISATION_SCOPE
from liftos.kernel.precedence import giving_way
from memory.analysis.attributes import attributes_of, markers_of, tags_of
from memory.analysis.extraction import read_passage
from memory.analysis.passages import Passage
from memory.index.passage_rows import StoredPassage, delete_passages, insert_passages, read_passages
from memory.index.postings.removal import hold_segments, remove_documents, wipe_documents
from memory.index.postings.segments import AT_ONCE, Unpacked, insert_segment, pack_passages
from memory.index.statements import (
    COUNT_IN,
    COUNT_OUT,
    DELETE_ALL_POSTINGS,
    DELETE_ATTRIBUTES,
    DELETE_EMPTY_THREADS,
    DELETE_ENTITIES,
    DELETE_POSTINGS,
    HOLD_PART,
    INSERT_ATTRIBUTES,
    INSERT_ENTITIES,
    INSERT_POSTINGS,
    LEAVE_THREADS,
    LOCK_THREADS,
)

if TYPE_CHECKING:
    from memory.index.writes import Row

COUNTER_PARTS = 16
SCOPE_PARTS = 2
"""Parts of the counters of other scopes than the organisation's: few write to one at the same time, and there may be thousands."""

RowT = TypeVar("RowT")


@dataclass(frozen=True, slots=True)
class IndexRows:
    """Parameters of the statements that write the index rows of one scope's memories; `passages` as for `insert_passages`."""

    organisation: UUID
    scope: int
    passages: list[tuple[Any, ...]]
    counted: dict[str, Any]
    attributes: tuple[Any, ...]
    entities: tuple[Any, ...]
    postings: tuple[Any, ...] | Unpacked


def pack(organisation: UUID, rows: Sequence["Row"]) -> list[IndexRows]:
    """Return the index rows of memories as statement parameters, by scope."""
    by_scope = _by_scope(rows, lambda row: row.draft.scope)
    return [_pack(organisation, scope, some) for scope, some in by_scope.items()]


def _by_scope(rows: Sequence[RowT], scope_of: Callable[[RowT], int]) -> dict[int, list[RowT]]:
    """Return rows by scope, in one order for all writers, so that none waits for another's counters in a circle."""
    found: dict[int, list[RowT]] = {}
    for row in rows:
        found.setdefault(scope_of(row), []).append(row)
    return dict(sorted(found.items()))


def _pack(organisation: UUID, scope: int, rows: Sequence["Row"]) -> IndexRows:
    words = sum(row.reading.words for row in rows)
    searched = [row for row in rows if row.draft.index]
    documents = sum(len(row.reading.passages) for row in searched)
    threads = [row.reading.thread for row in rows]
    attributes = [
        (row.id.bytes, *each)
        for row in giving_way(rows)
        for each in chain(
            attributes_of(row.draft.metadata), markers_of(row.draft.metadata), tags_of(row.draft.tags)
        )
    ]
    entities = [(key, row.id.bytes, kind) for row in rows for key, kind in row.reading.entities.items()]
    ids, keys, texts, numbers = columns(attributes) if attributes else ([], [], [], [])
    decimals = (None if number is None else str(number) for number in numbers)
    names, owners, kinds = columns(entities) if entities else ([], [], [])
    return IndexRows(
        organisation,
        scope,
        _passages(rows),
        _counter_values(organisation, scope, len(searched), documents, words, threads),
        (organisation, scope, UuidArray(ids), TextArray(keys), TextArray(texts), TextArray(decimals)),
        (organisation, scope, TextArray(names), UuidArray(owners), TextArray(kinds)),
        _postings(organisation, scope, rows),
    )


def hold_part(organisation: UUID) -> None:
    """Wait until no other transaction writes to this connection's part of the counters; call this before anything is counted."""
    raw_cursor().execute(HOLD_PART, (organisation, COUNTER_PARTS))


def insert(packed: Sequence[IndexRows]) -> None:
    """Write the index rows of memories, and add them to the counters."""
    for rows in packed:
        insert_passages(rows.organisation, rows.scope, rows.passages)
        with raw_cursor() as cursor:
            cursor.execute(COUNT_IN, rows.counted)
            cursor.execute(INSERT_ATTRIBUTES, rows.attributes)
            cursor.execute(INSERT_ENTITIES, rows.entities)
            if not isinstance(rows.postings, Unpacked):
                cursor.execute(INSERT_POSTINGS, rows.postings)
                continue
        insert_segment(rows.organisation, rows.scope, rows.postings)


def _counter_values(
    organisation: UUID, scope: int, memories: int, documents: int, words: int, threads: Sequence[int | None]
) -> dict[str, Any]:
    """Return the parameters of COUNT_IN and COUNT_OUT for searched memories with these passages and words, and the threads of all."""
    members = Counter(thread for thread in threads if thread is not None)
    return {
        "organisation": organisation,
        "scope": scope,
        "parts": COUNTER_PARTS if scope == ORGANISATION_SCOPE else SCOPE_PARTS,
        "documents": documents,
        "memories": memories,
        "words": words,
        "threads": list(members),
        "members": list(members.values()),
    }


def _passages(rows: Sequence["Row"]) -> list[tuple[Any, ...]]:
    return [
        (row.id, number, each.place.start, each.place.end, each.place.page, each.place.heading, each.language)
        for row in rows
        if len(row.reading.passages) > 1
        for number, each in enumerate(row.reading.passages)
    ]


def _postings(organisation: UUID, scope: int, rows: Sequence["Row"]) -> tuple[Any, ...] | Unpacked:
    """Return the postings of a scope's memories: those of many as a segment, else the parameters of INSERT_POSTINGS."""
    passages = [
        (row.id.bytes, number, row.reading.thread, each)
        for row in rows
        for number, each in enumerate(row.reading.passages)
        if each.terms
    ]
    if sum(len(each.terms) for *_, each in passages) >= AT_ONCE:
        return pack_passages(passages)
    counts = [len(each.terms) for *_, each in passages]

    def repeated(values: Iterable[Any]) -> Iterator[Any]:
        return (
            value
            for one, count in giving_way(zip(values, counts, strict=True))
            for value in repeat(one, count)
        )

    # packed because each memory has dozens of rows
    return (
        organisation,
        scope,
        TextArray(term for *_, each in giving_way(passages) for term in each.terms),
        UuidArray(repeated(memory for memory, *_ in passages)),
        IntArray(repeated(number for _, number, *_ in passages)),
        IntArray(tf for *_, each in giving_way(passages) for tf in each.terms.values()),
        IntArray(repeated(each.words for *_, each in passages)),
        IntArray(repeated(thread for _, _, thread, _ in passages)),
    )


@dataclass(frozen=True, slots=True)
class Indexed:
    """What is needed to remove a memory's index rows."""

    memory: UUID
    content: str
    language: str
    passages: int
    word_count: int
    term_count: int
    thread: int | None
    scope: int = ORGANISATION_SCOPE
    is_searched: bool = True


def remove(*, organisation: UUID, rows: Sequence[Indexed], erases: bool = False) -> None:
    """Delete the index rows of memories, and subtract them from the counters.

    Args:
        organisation: the tenant.
        rows: the memories, and those of their earlier texts that are removed too.
        erases: leave no posting of any text that the memories had; otherwise a worker clears away what is in segments.
    """
    hold_part(organisation)
    hold_segments(organisation)
    ids = [row.memory for row in rows]
    stored = read_passages(organisation, [row.memory for row in rows if row.passages > 1])
    terms: list[str] = []
    owners: list[bytes] = []
    for row in giving_way(rows):
        if row.term_count:
            own = _terms(row, stored.get(row.memory, ()))
            terms += own
            owners += repeat(row.memory.bytes, len(own))
    with raw_cursor() as cursor:
        cursor.execute(DELETE_POSTINGS, (TextArray(terms), UuidArray(owners), organisation))
        deleted = Counter(row[0] for row in cursor.fetchall()) + remove_documents(organisation, ids)
        if erases:
            wipe_documents(organisation, ids, terms)
        incomplete = [row.memory for row in rows if deleted[row.memory] != row.term_count]
        if incomplete:
            # an earlier analyser produced other terms: scan the organisation's whole index for them
            cursor.execute(DELETE_ALL_POSTINGS, (organisation, incomplete))
        delete_passages(organisation, list(stored))
        cursor.execute(DELETE_ATTRIBUTES, (organisation, ids))
        cursor.execute(DELETE_ENTITIES, (organisation, ids))
    for scope, some in _by_scope(rows, lambda row: row.scope).items():
        _count_out(organisation, scope, some)


def _count_out(organisation: UUID, scope: int, rows: Sequence[Indexed]) -> None:
    searched = [row for row in rows if row.is_searched]
    values = _counter_values(
        organisation,
        scope,
        len(searched),
        sum(row.passages for row in searched),
        sum(row.word_count for row in rows),
        [row.thread for row in rows],
    )
    with raw_cursor() as cursor:
        ended = 0
        if values["threads"]:
            cursor.execute(LOCK_THREADS, values).fetchall()
            cursor.execute(LEAVE_THREADS, values)
            ended = cursor.execute(DELETE_EMPTY_THREADS, values).rowcount
        cursor.execute(COUNT_OUT, values | {"threads": ended})


def _terms(row: Indexed, stored: Sequence[StoredPassage]) -> set[str]:
    """Return the terms of all passages that a memory was indexed by."""
    passages = stored or [StoredPassage(Passage(0, len(row.content)), row.language)]
    return {term for each in passages for term in read_passage(row.content, each.place, each.language).terms}


def columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """Transpose rows into columns, the arguments of `unnest`."""
    return [list(column) for column in zip(*rows, strict=True)]
