"""Posting lists as bytes. Pure.

A list's places are 16-bit numbers in segments of up to 65,536 documents, else 32-bit; its counts take no bytes if all are 1, one byte
each if all are below 256, else four. All are little-endian.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]

_SHORT = 1 << 16


def place_type(documents: int) -> str:
    """Return the type of the places in a segment of so many documents."""
    return "<u2" if documents <= _SHORT else "<u4"


def pack(places: Numbers, counts: Numbers, ends: Sequence[int], documents: int) -> list[tuple[bytes, bytes]]:
    """Pack lists that stand one after the other.

    Args:
        places: the documents that have the term, ascending within each list; shape (n,).
        counts: how often each has it; shape (n,).
        ends: where each list ends; the last is n.
        documents: size of the segment.

    Returns:
        The places and counts of each list.
    """
    packed = places.astype(place_type(documents)).tobytes()
    width = np.dtype(place_type(documents)).itemsize
    narrow, wide = counts.clip(max=255).astype(np.uint8).tobytes(), None
    if not len(ends):
        return []
    starts = np.concatenate([[0], np.asarray(ends[:-1], np.int64)])
    most = np.maximum.reduceat(counts, starts).tolist()
    lists = []
    for start, end, largest in zip(starts.tolist(), ends, most, strict=True):
        if largest == 1:
            own = b""
        elif largest < 256:
            own = narrow[start:end]
        else:
            wide = wide or counts.astype("<u4").tobytes()
            own = wide[4 * start : 4 * end]
        lists.append((packed[width * start : width * end], own))
    return lists


def unpack(places: bytes, counts: bytes, size: int) -> tuple[Numbers, Numbers]:
    """Return the places and counts of a list of `size` postings, each of shape (size,)."""
    found = np.frombuffer(places, "<u2" if len(places) == 2 * size else "<u4").astype(np.int64)
    return found, _counts(counts, size)


def unpack_lists(
    places: Sequence[bytes], counts: Sequence[bytes], sizes: NDArray[np.int64]
) -> tuple[Numbers, Numbers]:
    """Return the places and counts of lists one after the other, given those and the number of postings of each."""
    narrow = [len(own) == 2 * size for own, size in zip(places, sizes.tolist(), strict=True)]
    if all(narrow):
        found = np.frombuffer(b"".join(places), "<u2").astype(np.int64)
    else:
        types = ("<u2" if each else "<u4" for each in narrow)
        found = np.concatenate(
            [np.frombuffer(own, each).astype(np.int64) for own, each in zip(places, types, strict=True)]
        )
    widths = np.array([len(own) for own in counts]) // sizes
    return found, unpack_counts(b"".join(counts), sizes, widths)


def unpack_counts(counts: bytes, sizes: NDArray[np.int64], widths: NDArray[np.int64]) -> Numbers:
    """Return the counts of lists one after the other, given their number of postings and bytes per count."""
    per_posting = np.repeat(widths, sizes)
    starts = np.cumsum(per_posting) - per_posting
    sent = np.frombuffer(counts, np.uint8)
    numbers = np.ones(len(per_posting), np.int64)
    one = per_posting == 1
    numbers[one] = sent[starts[one]]
    if (widths == 4).any():
        four = starts[per_posting == 4]
        numbers[per_posting == 4] = sum(sent[four + part].astype(np.int64) << 8 * part for part in range(4))
    return numbers


def _counts(counts: bytes, size: int) -> Numbers:
    if not counts:
        return np.ones(size, np.int64)
    return np.frombuffer(counts, np.uint8 if len(counts) == size else "<u4").astype(np.int64)
