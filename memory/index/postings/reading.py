"""Read the postings of terms: from rows, where each write puts them, and from the lists of segments, where a worker packs them.

One statement reads both, so that a memory that is packed meanwhile is read once. The documents of a segment never change, only
disappear, so each process keeps them.
"""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np

from liftos.kernel.caching.lru import LruTtlCache
from liftos.kernel.db.binary import IntArray, TextArray, unpack_array
from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.db.viewers import current_viewer
from liftos.kernel.precedence import giving_way
from memory.index.collection_statistics import Corpus, visible_scopes
from memory.index.postings.codec import Numbers, unpack_lists
from memory.index.postings.documents import Documents, Segment, as_ids, sort_documents
from memory.index.postings.statements import POSTINGS

# Above this many memories, terms found in more than a tenth of them are ignored if the query has rarer ones: they discriminate
# least and cost most (p95 at 50,000 memories: 25 ms with, 9 ms without).
DENSE_FROM = 5_000
DENSE_SHARE = 10
# Terms in more memories than this are always ignored.
DENSE_MOST = 200_000
# Documents of 50 bytes that a process keeps.
MOST_KEPT = 4_000_000

_segments: LruTtlCache[tuple[UUID, int], Segment] = LruTtlCache(
    100_000, math.inf, weigh=lambda segment: len(segment) + 100, max_weight=MOST_KEPT
)
_ANYBODY = (-1,)
# the segments last seen, by organisation and the viewer's scopes
_seen_before: LruTtlCache[tuple[UUID, tuple[int, ...] | None], tuple[int, ...]] = LruTtlCache(
    10_000, math.inf
)


@dataclass(frozen=True, slots=True)
class Postings:
    """A term's postings, one for each of the n documents that contain it; each array of shape (n,).

    Attributes:
        documents: ascending numbers in `Documents`.
        counts: term frequencies.
        lengths: the documents' lengths in words.
        threads: the memories' thread ids, 0 for none; None if no memory read has one.
        weights: what each posting counts; None if 1.
        holding: the number of documents to rate the term's rarity by; None for n.
    """

    documents: Numbers
    counts: Numbers
    lengths: Numbers
    threads: Numbers | None = None
    weights: np.ndarray | None = None
    holding: int | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """The postings of terms.

    Attributes:
        postings: by term; a term in no document is missing, as is a dense one.
        documents: what the postings count in.
        corpus: the organisation's counts.
        dense: terms in more than `cap` documents.
        cap: the number of documents above which a term is dense.
    """

    postings: dict[str, Postings]
    documents: Documents
    corpus: Corpus
    dense: frozenset[str]
    cap: int


def read_postings(organisation: UUID, terms: Collection[str], most: int | None = None) -> Callable[[], Read]:
    """Request the postings of terms; return a function that waits for them.

    Args:
        organisation: the tenant.
        terms: at least one.
        most: about the number of postings of each term to read, dense or not; by default those of dense terms are not read.
    """
    known = _kept(organisation)
    visible, scopes = visible_scopes()
    values = {
        "organisation": organisation,
        "terms": TextArray(terms),
        "most": most,
        "dense_from": DENSE_FROM,
        "dense_share": DENSE_SHARE,
        "dense_most": DENSE_MOST,
        "known": IntArray(known),
    }
    if visible:
        values["scopes"] = scopes
    cursor = raw_cursor().execute(POSTINGS.format(visible=visible), values, binary=True)
    return lambda: _read(organisation, cursor.fetchall(), known, most)


def _read(
    organisation: UUID, rows: list[tuple[Any, ...]], known: Mapping[int, Segment], most: int | None
) -> Read:
    found: dict[str, list[tuple[Any, ...]]] = {"rows": [], "list": [], "segment": [], "removed": []}
    for kind, *row in rows:
        found[kind].append(tuple(row))
    segments = _segments_of(organisation, found["segment"], known)
    in_rows = _Rows(found["rows"])
    documents = Documents([*segments.values(), in_rows.segment])
    parts: dict[str, list[Postings]] = {}
    for term, each in giving_way(_from_lists(found["list"], found["removed"], segments, documents)):
        parts.setdefault(term, []).append(each)
    cap, *totals = found["rows"][0][2:6]
    dense = set()
    for number, (term, held, *_) in enumerate(found["rows"]):
        rest = in_rows.postings(number, documents.bases[-2], threads=documents.has_threads)
        if rest is not None:
            parts.setdefault(term, []).append(rest)
        if held + (0 if rest is None else len(rest.documents)) > cap:
            dense.add(term)
    postings = {term: _joined(some) for term, some in parts.items() if most is not None or term not in dense}
    return Read(postings, documents, Corpus(*totals), frozenset(dense), cap)


def _from_lists(
    lists: list[tuple[Any, ...]],
    removed: list[tuple[Any, ...]],
    segments: Mapping[int, Segment],
    documents: Documents,
) -> Iterator[tuple[str, Postings]]:
    """Yield the postings of terms that segments have."""
    if not lists:
        return
    lists.sort(key=lambda row: (row[0], row[2]))
    bases = dict(zip(segments, documents.bases, strict=False))
    sizes = np.array([row[1] for row in lists])
    places, counts = unpack_lists([row[6] for row in lists], [row[7] for row in lists], sizes)
    found = places + np.repeat([bases[row[2]] for row in lists], sizes)
    ends = np.cumsum(sizes)
    if removed:
        is_removed = np.zeros(len(documents), bool)
        for _, segment, *_, sent, _, _, _ in removed:
            is_removed[unpack_array(sent, "int8").astype(np.int64) + bases[segment]] = True
        stay = ~is_removed[found]
        found, counts = found[stay], counts[stay]
        ends = np.cumsum(stay)[ends - 1]
    lengths = documents.lengths(found)
    threads = documents.threads(found) if documents.has_threads else None
    start = 0
    for number, (row, end) in enumerate(zip(lists, ends.tolist(), strict=True)):
        if number + 1 < len(lists) and lists[number + 1][0] == row[0]:
            continue
        if end > start:
            here = slice(start, end)
            yield (
                row[0],
                Postings(
                    found[here], counts[here], lengths[here], None if threads is None else threads[here]
                ),
            )
        start = end


def _joined(parts: list[Postings]) -> Postings:
    if len(parts) == 1:
        return parts[0]
    return Postings(
        np.concatenate([each.documents for each in parts]),
        np.concatenate([each.counts for each in parts]),
        np.concatenate([each.lengths for each in parts]),
        None if parts[0].threads is None else np.concatenate([each.threads for each in parts]),
    )


class _Rows:
    """Postings in rows: their documents as a segment, and those of each term."""

    def __init__(self, rows: list[tuple[Any, ...]]) -> None:
        memories = [b"" if row[6] is None else unpack_array(row[6], "uuid").tobytes() for row in rows]
        sizes = [len(each) // 16 for each in memories]
        numbers = _concatenated([row[7] for row in rows])
        threads = _concatenated([row[8] for row in rows])
        ids, passages, first, found = sort_documents(b"".join(memories), numbers >> 47)
        self.segment = Segment(ids, passages, ((numbers >> 23) & 0xFFFFFF)[first], threads[first])
        order = np.lexsort((found, np.repeat(np.arange(len(sizes)), sizes)))
        self._ends = np.cumsum([0, *sizes]).tolist()
        self._documents = found[order]
        self._counts = (numbers & 0x7FFFFF)[order]
        self._lengths = self.segment.lengths[self._documents]
        self._threads = self.segment.threads[self._documents]

    def postings(self, number: int, base: int, *, threads: bool) -> Postings | None:
        """Return the postings of a term by its row, counted from a first document; None if it has none."""
        here = slice(self._ends[number], self._ends[number + 1])
        if here.start == here.stop:
            return None
        return Postings(
            self._documents[here] + base,
            self._counts[here],
            self._lengths[here],
            self._threads[here] if threads else None,
        )


def _concatenated(sent: Iterable[bytes | None]) -> Numbers:
    arrays = [unpack_array(each, "int8") for each in sent if each is not None]
    return np.concatenate(arrays).astype(np.int64) if arrays else np.zeros(0, np.int64)


def _kept(organisation: UUID) -> dict[int, Segment]:
    """Return those segments that this process keeps of the ones that the viewer, or else anybody, last saw."""
    numbers = (
        _seen_before.get((organisation, current_viewer().sight))
        or _seen_before.get((organisation, _ANYBODY))
        or ()
    )
    kept = _segments.get_many((organisation, number) for number in numbers)
    return {number: each for number, each in zip(numbers, kept, strict=True) if each is not None}


def _segments_of(
    organisation: UUID, rows: list[tuple[Any, ...]], known: Mapping[int, Segment]
) -> dict[int, Segment]:
    """Return the visible segments by id, in order, and keep those that were not known."""
    found, new = {}, {}
    for _, size, number, _, _, _, *sent in sorted(rows, key=lambda row: row[2]):
        segment = known.get(number)
        if segment is None:
            segment = new[organisation, number] = _unpacked(size, *sent)
        found[number] = segment
    if new:
        _segments.put_many(new)
    if found.keys() != known.keys():
        _seen_before.put_many(
            {
                (organisation, current_viewer().sight): tuple(found),
                (organisation, _ANYBODY): tuple(found.keys() | known.keys()),
            }
        )
    return found


def _unpacked(size: int, memories: bytes, numbers: bytes, threads: bytes, places: bytes | None) -> Segment:
    """Return a segment of `size` documents; one that was erased has the id of the one before it, and no postings."""
    if places is None:
        return Segment(as_ids(bytes(16 * size)), *(np.zeros(size, np.int64) for _ in range(3)))
    at = unpack_array(places, "int8").astype(np.int64)
    order = np.argsort(at)
    at = at[order]
    ids = np.frombuffer(unpack_array(memories, "uuid").tobytes(), np.uint8).reshape(-1, 16)[order]
    sent = unpack_array(numbers, "int8").astype(np.int64)[order]
    # the last place up to each that still has a document; before the first, the first
    filled = np.searchsorted(at, np.arange(size), side="right") - 1
    whole = np.maximum(filled, 0)
    is_there = np.zeros(size, bool)
    is_there[at] = True
    return Segment(
        as_ids(ids[whole].tobytes()),
        np.where(is_there, sent[whole] >> 24, 0),
        np.where(is_there, sent[whole] & 0xFFFFFF, 0),
        np.where(is_there, unpack_array(threads, "int8").astype(np.int64)[order][whole], 0),
    )


def forget_segments() -> None:
    """Drop what is kept of segments, for tests and benchmarks."""
    _segments.clear()
    _seen_before.clear()
