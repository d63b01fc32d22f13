"""Remove memories from segments: at once from what searches find, and, for an erasure, from the bytes.

A revision only marks the documents: the postings go when the segment is merged. An erasure rewrites the lists in its own transaction.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from uuid import UUID

import numpy as np

from liftos.kernel.db.binary import BytesArray, IntArray, TextArray
from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.precedence import giving_way
from memory.index.postings.codec import pack, unpack
from memory.index.postings.statements import (
    DELETE_LISTS,
    FORGET_DOCUMENTS,
    HOLD_SEGMENTS,
    LOCK_LISTS,
    PLACES_OF,
    REMOVE_DOCUMENTS,
    REWRITE_LISTS,
)


def hold_segments(organisation: UUID) -> None:
    """Keep the postings of an organisation where they are until the transaction ends."""
    raw_cursor().execute(HOLD_SEGMENTS, [organisation])


def remove_documents(organisation: UUID, memories: Sequence[UUID]) -> Counter[UUID]:
    """Have searches no longer find memories in segments; return how many postings each had there. Call `hold_segments` before."""
    removed: Counter[UUID] = Counter()
    with raw_cursor() as cursor:
        for memory, terms in cursor.execute(REMOVE_DOCUMENTS, (organisation, list(memories))).fetchall():
            removed[memory] += terms
    return removed


def wipe_documents(organisation: UUID, memories: Sequence[UUID], terms: Iterable[str]) -> None:
    """Rewrite the lists of segments without any document of memories, removed earlier or now. Call `hold_segments` before.

    Args:
        organisation: the tenant.
        memories: their ids.
        terms: of all their texts. Where a document had others, all lists of its segment are read.
    """
    with raw_cursor() as cursor:
        found = cursor.execute(PLACES_OF, (organisation, list(memories))).fetchall()
        if not found:
            return
        places = {segment: np.asarray(own, np.int64) for segment, own, _ in found}
        wiped = _wipe(organisation, places, sorted(set(terms)))
        incomplete = {
            segment: places[segment] for segment, _, postings in found if wiped[segment] != postings
        }
        if incomplete:
            _wipe(organisation, incomplete, None)
        cursor.execute(FORGET_DOCUMENTS, (organisation, list(memories)))


def _wipe(organisation: UUID, places: dict[int, np.ndarray], terms: Sequence[str] | None) -> Counter[int]:
    """Remove documents from the lists of terms, or of all; return how many postings that were, by segment."""
    values = {
        "organisation": organisation,
        "segments": IntArray(places),
        "terms": None if terms is None else TextArray(terms),
    }
    # a flag for each place up to the last, and False for those beyond
    gone = {segment: np.zeros(own.max() + 2, bool) for segment, own in places.items()}
    for segment, own in places.items():
        gone[segment][own] = True
    wiped: Counter[int] = Counter()
    emptied, rewritten = [], []
    with raw_cursor() as cursor:
        for segment, term, size, packed, counted in giving_way(
            cursor.execute(LOCK_LISTS, values, binary=True).fetchall()
        ):
            own, counts = unpack(packed, counted, size)
            flags = gone[segment]
            stay = ~flags[np.minimum(own, len(flags) - 1)]
            left = int(stay.sum())
            wiped[segment] += size - left
            if not left:
                emptied.append((segment, term))
            elif left < size:
                width = len(packed) // size
                rewritten.append(
                    (segment, term, left, *pack(own[stay], counts[stay], [left], 1 << 8 * width)[0])
                )
        if rewritten:
            segments, of, sizes, new, numbers = zip(*rewritten, strict=True)
            arrays = (
                IntArray(segments),
                TextArray(of),
                IntArray(sizes),
                BytesArray(new),
                BytesArray(numbers),
            )
            cursor.execute(REWRITE_LISTS, (*arrays, organisation))
        if emptied:
            segments, of = zip(*emptied, strict=True)
            cursor.execute(DELETE_LISTS, (IntArray(segments), TextArray(of), organisation))
    return wiped
