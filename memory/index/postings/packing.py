"""Pack the postings of an organisation into segments, and small segments into larger ones, as a log-structured merge tree.

A write puts postings into rows, one for each word of a passage: 100 bytes and more. A worker moves them into a segment when there
are many: one row for each word, with the documents that have it as a list of numbers, 3 bytes each. Eight segments of one size become
one, so that a search reads few lists, and each posting is rewritten a few times only. (O'Neil et al. 1996, "The Log-Structured
Merge-Tree"; Lucene's merge policies.)

Stores wait for none of this. What removes documents from segments waits while postings change places: about 0.1 s for a thousand memories.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from uuid import UUID

import numpy as np
from django.db import connection

from liftos.kernel.db.binary import unpack_array
from liftos.kernel.db.transactions import raw_cursor, whole_tenant
from liftos.kernel.precedence import giving_way
from liftos.kernel.telemetry.tracing.tracer import TRACER
from memory.index.postings.codec import Numbers, place_type, unpack_counts
from memory.index.postings.documents import as_ids, sort_documents
from memory.index.postings.segments import Unpacked, insert_segment, unpacked
from memory.index.postings.statements import (
    COUNT_DOCUMENTS,
    DROP_DOCUMENTS,
    DROP_LISTS,
    DROP_SEGMENTS,
    HAS_ROWS,
    LOCK_PACKING,
    NEXT_IN_ROWS,
    REPLACE_SEGMENTS,
    SEGMENTS,
    STORED,
    TAKE_ROWS,
)

# Postings in rows from which they are packed: about a thousand memories.
ROWS = 30_000
# memories packed at once
BATCH = 1_000
# segments of one size that become one
FAN_IN = 8
# The size up to which segments are small, the one from which a scope may have MANY of them, and the one from which they are left alone. An
# erasure rewrites lists, which are as long as segments are large; a search reads as many as there are segments.
SMALL, LARGE, LARGEST, MANY = 1_024, 4_000, 32_768, 64
# the share of removed documents from which a segment is rewritten
REMOVED_SHARE = 1 / 16


class SegmentsChanged(Exception):
    """Documents were removed from segments while they were merged."""


def pack_next(organisation: UUID) -> bool:
    """Pack a batch of memories, or else merge segments; return whether there was something to do.

    Each call is one transaction, so that it can be interrupted. One worker works on an organisation at a time.
    """
    try:
        return _pack_next(organisation, at_once=False)
    except SegmentsChanged:
        return _pack_next(organisation, at_once=True)


def _pack_next(organisation: UUID, *, at_once: bool) -> bool:
    with TRACER.span("memory.pack", organisation=str(organisation)), whole_tenant(organisation):
        with raw_cursor() as cursor:
            locked = cursor.execute(LOCK_PACKING, [organisation]).fetchone()
            if locked is None or not locked[0]:
                return False
            crowded = cursor.execute(HAS_ROWS, [organisation, ROWS - 1]).fetchone()
        if crowded is not None and crowded[0]:
            return pack_rows(organisation) > 0
        return _merge_next(organisation, at_once=at_once)


def list_organisations_to_pack() -> list[UUID]:
    """Return the organisations with something to pack or merge. Spans tenants through a definer function."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT organisation_id FROM liftos_organisations_to_pack(%s, %s, %s)", [ROWS - 1, FAN_IN, SMALL]
        )
        return [row[0] for row in cursor.fetchall()]


def pack_rows(organisation: UUID, most: int = BATCH) -> int:
    """Move the postings of up to `most` memories from rows into segments, one of each scope; return the number of memories."""
    with raw_cursor() as cursor:
        ids = [row[0] for row in cursor.execute(NEXT_IN_ROWS, (organisation, most)).fetchall()]
        if not ids:
            return 0
        cursor.execute(REPLACE_SEGMENTS, [organisation])
        rows = cursor.execute(TAKE_ROWS, (organisation, ids), binary=True).fetchall()
    by_scope: dict[int, list[tuple[str, bytes, bytes, bytes]]] = {}
    for scope, *row in rows:
        by_scope.setdefault(scope, []).append(tuple(row))
    for scope, own in by_scope.items():
        insert_segment(organisation, scope, _from_rows(own))
    return len(ids)


def _from_rows(rows: Sequence[tuple[str, bytes, bytes, bytes]]) -> Unpacked:
    """Return the postings of terms given as (term, memory ids, counts, thread ids)."""
    sizes = []
    memories, numbers, threads = [], [], []
    for _, ids, counts, of_threads in rows:
        memories.append(unpack_array(ids, "uuid").tobytes())
        numbers.append(unpack_array(counts, "int8"))
        threads.append(unpack_array(of_threads, "int8"))
        sizes.append(len(numbers[-1]))
    packed = np.concatenate(numbers).astype(np.int64)
    return unpacked(
        [term for term, *_ in rows],
        sizes,
        b"".join(memories),
        packed >> 47,
        packed & 0x7FFFFF,
        (packed >> 23) & 0xFFFFFF,
        np.concatenate(threads).astype(np.int64),
    )


def _merge_next(organisation: UUID, *, at_once: bool) -> bool:
    """Merge the segments that are due in one scope; return whether any were."""
    with raw_cursor() as cursor:
        rows = cursor.execute(SEGMENTS, [organisation]).fetchall()
    due = segments_to_merge(rows)
    if due:
        scope = next(scope for segment, scope, *_ in rows if segment == due[0])
        merge(organisation, scope, due, at_once=at_once)
    return bool(due)


def segments_to_merge(sizes: Sequence[tuple[int, int, int, int]]) -> list[int]:
    """Return the segments of one scope to merge next, given all as (id, scope, documents, removed documents).

    Either as many of one size as `FAN_IN`, or one of which much was removed. Large ones are merged where there are many.
    """
    tiers: dict[tuple[int, int], list[int]] = {}
    large = Counter(scope for _, scope, documents, _ in sizes if documents >= LARGE)
    for segment, scope, documents, removed in sizes:
        if removed > documents * REMOVED_SHARE:
            return [segment]
        if documents < (LARGEST if large[scope] > MANY else LARGE):
            tier = 0 if documents < SMALL else 1 + int(log(documents / SMALL, FAN_IN))
            tiers.setdefault((scope, tier), []).append(segment)
    return next((some[:FAN_IN] for some in tiers.values() if len(some) >= FAN_IN), [])


def merge(organisation: UUID, scope: int, segments: Sequence[int], *, at_once: bool = False) -> None:
    """Replace segments of a scope by one without their removed documents.

    Args:
        organisation: the tenant.
        scope: that of the segments.
        segments: their ids.
        at_once: have those who remove documents wait from the beginning; by default only while the segments are replaced.

    Raises:
        SegmentsChanged: documents were removed meanwhile; the transaction must be rolled back.
    """
    values = (organisation, list(segments))
    with raw_cursor() as cursor:
        if at_once:
            cursor.execute(REPLACE_SEGMENTS, [organisation])
        merged = _merged([_read_stored(organisation, each) for each in segments])
        if merged is not None:
            insert_segment(organisation, scope, merged)
        cursor.execute(REPLACE_SEGMENTS, [organisation])
        left = cursor.execute(COUNT_DOCUMENTS, values).fetchone()
        if left is None or left[0] != (0 if merged is None else len(merged.ids)):
            raise SegmentsChanged
        cursor.execute(DROP_LISTS, values)
        cursor.execute(DROP_DOCUMENTS, values)
        cursor.execute(DROP_SEGMENTS, values)


@dataclass(frozen=True, slots=True)
class _Stored:
    """The contents of a segment: postings as `Unpacked`, and its n documents, with their place in the segment."""

    terms: Sequence[str]
    sizes: Sequence[int]
    postings: Numbers
    counts: Numbers
    places: Numbers
    ids: np.ndarray
    numbers: Numbers
    threads: Numbers


def _read_stored(organisation: UUID, segment: int) -> _Stored:
    """Read the lists of a segment, and those of its documents that are not removed."""
    values = {"organisation": organisation, "segment": segment}
    with raw_cursor() as cursor:
        row = cursor.execute(STORED, values, binary=True).fetchone()
    assert row is not None  # noqa: S101  the worker's lock keeps the segment
    size, memories, numbers, threads, places, terms, sizes, widths, packed, counts = row
    postings, found = (
        (np.zeros(0, np.int64), np.zeros(0, np.int64))
        if terms is None
        else (
            np.frombuffer(packed, place_type(size)).astype(np.int64),
            unpack_counts(counts, np.asarray(sizes), np.asarray(widths)),
        )
    )
    none = np.zeros(0, np.int64)
    return _Stored(
        terms or (),
        sizes or (),
        postings,
        found,
        none if places is None else unpack_array(places, "int8").astype(np.int64),
        as_ids(b"" if memories is None else unpack_array(memories, "uuid").tobytes()),
        none if numbers is None else unpack_array(numbers, "int8").astype(np.int64),
        none if threads is None else unpack_array(threads, "int8").astype(np.int64),
    )


def _merged(segments: Sequence[_Stored]) -> Unpacked | None:
    """Return the postings of segments as those of one; None without documents."""
    ids = np.concatenate([each.ids for each in segments])
    if not len(ids):
        return None
    numbers = np.concatenate([each.numbers for each in segments])
    own, passages, first, places = sort_documents(ids.tobytes(), numbers >> 24)
    terms = sorted({term for each in segments for term in each.terms})
    number_of = {term: number for number, term in enumerate(terms)}
    documents, of_term = [], []
    start = 0
    for each in giving_way(segments):
        new = np.full(1 + max(each.places.max(initial=0), each.postings.max(initial=0)), -1, np.int64)
        new[each.places] = places[start : start + len(each.places)]
        start += len(each.places)
        documents.append(new[each.postings])
        of_term.append(np.repeat([number_of[term] for term in each.terms], each.sizes))
    document, term = np.concatenate(documents), np.concatenate(of_term).astype(np.int64)
    order = np.lexsort((document, term))
    order = order[document[order] >= 0]
    sizes = np.bincount(term[order], minlength=len(terms))
    return Unpacked(
        [each for each, size in zip(terms, sizes.tolist(), strict=True) if size],
        np.cumsum(sizes[sizes > 0]),
        document[order],
        np.concatenate([each.counts for each in segments])[order],
        own,
        passages,
        (numbers & 0xFFFFFF)[first],
        np.concatenate([each.threads for each in segments])[first],
    )
