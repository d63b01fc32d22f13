"""Write a segment: the postings of some memories' passages, by term."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from liftos.kernel.db.binary import BytesArray, IntArray, TextArray, UuidArray
from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.precedence import giving_way
from memory.analysis.extraction import ReadPassage
from memory.index.postings.codec import Numbers, pack
from memory.index.postings.documents import sort_documents
from memory.index.postings.statements import INSERT_SEGMENT

# Postings of one write from which they are packed at once: about 200 memories.
AT_ONCE = 6_000


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The postings of a new segment, in order of term and document.

    Attributes:
        terms: distinct, in order.
        ends: where the postings of each term end; shape (len(terms),).
        documents, counts: of each of n postings; shape (n,).
        ids: the memory of each document as 16 bytes.
        passages, lengths, threads: of each document.
    """

    terms: Sequence[str]
    ends: Numbers
    documents: Numbers
    counts: Numbers
    ids: np.ndarray
    passages: Numbers
    lengths: Numbers
    threads: Numbers


def unpacked(
    terms: Sequence[str],
    sizes: Sequence[int],
    memories: bytes,
    passages: Numbers,
    counts: Numbers,
    lengths: Numbers,
    threads: Numbers,
) -> Unpacked:
    """Number the documents of postings, which are grouped by term; `memories` are their concatenated ids."""
    ids, of_document, first, documents = sort_documents(memories, passages)
    term_of = np.repeat(np.arange(len(sizes)), sizes)
    order = np.lexsort((documents, term_of))
    return Unpacked(
        terms,
        np.cumsum(np.asarray(sizes, np.int64)),
        documents[order],
        counts[order],
        ids,
        of_document,
        lengths[first],
        threads[first],
    )


def pack_passages(passages: Sequence[tuple[bytes, int, int | None, ReadPassage]]) -> Unpacked:
    """Return the postings of passages, given as memory id, number, thread and what search indexes of them."""
    by_term: dict[str, list[tuple[int, int]]] = {}
    for place, (_, _, _, passage) in enumerate(giving_way(passages)):
        for term, count in passage.terms.items():
            by_term.setdefault(term, []).append((place, count))
    ids, numbers, first, places = sort_documents(
        b"".join(memory for memory, *_ in passages), np.array([number for _, number, *_ in passages])
    )
    terms = sorted(by_term)
    sizes = np.array([len(by_term[term]) for term in terms])
    pairs = np.array([pair for term in terms for pair in by_term[term]], np.int64)
    documents = places[pairs[:, 0]]
    order = np.lexsort((documents, np.repeat(np.arange(len(terms)), sizes)))
    return Unpacked(
        terms,
        np.cumsum(sizes),
        documents[order],
        pairs[order, 1],
        ids,
        numbers,
        np.array([passage.words for *_, passage in passages])[first],
        np.array([thread or 0 for _, _, thread, _ in passages])[first],
    )


def insert_segment(organisation: UUID, scope: int, new: Unpacked) -> None:
    """Write a segment of a scope."""
    size = len(new.ids)
    lists = pack(new.documents, new.counts, new.ends.tolist(), size)
    joined = new.ids.tobytes()
    values = {
        "organisation": organisation,
        "scope": scope,
        "documents": size,
        "places": IntArray(range(size)),
        "memories": UuidArray(joined[start : start + 16] for start in range(0, len(joined), 16)),
        "passages": IntArray(new.passages.tolist()),
        "lengths": IntArray(new.lengths.tolist()),
        "threads": IntArray(new.threads.tolist()),
        "numbers": IntArray(np.bincount(new.documents, minlength=size).tolist()),
        "terms": TextArray(new.terms),
        "sizes": IntArray(np.diff(new.ends, prepend=0).tolist()),
        "lists": BytesArray(places for places, _ in lists),
        "counts": BytesArray(counts for _, counts in lists),
    }
    raw_cursor().execute(INSERT_SEGMENT, values)
