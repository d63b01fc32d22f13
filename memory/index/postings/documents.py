"""The passages of memories as numbered documents, in which posting lists count. Pure.

A segment numbers the passages of some memories from 0, in order of memory id and passage. `Documents` puts segments one after the
other, so that a number stands for one passage among all that a search reads. A memory's passages are all in one segment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memory.index.postings.codec import Numbers

Key = bytes  # a memory id as 16 bytes
_KEY = "S16"


@dataclass(frozen=True)
class Segment:
    """The documents of a segment, each array of shape (n,).

    Attributes:
        ids: memory ids as 16 bytes, ascending.
        passages: numbers of the passages in their memories.
        lengths: the passages' lengths in words.
        threads: the memories' thread ids; 0 for none.
    """

    ids: NDArray[np.bytes_]
    passages: Numbers
    lengths: Numbers
    threads: Numbers

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def has_passages(self) -> bool:
        """True if a memory has several passages."""
        return bool(self.passages.any())

    @cached_property
    def has_threads(self) -> bool:
        """True if a memory is in a thread."""
        return bool(self.threads.any())

    @cached_property
    def heads(self) -> Numbers:
        """The first document of each document's memory."""
        is_first = np.ones(len(self), bool)
        is_first[1:] = self.ids[1:] != self.ids[:-1]
        return np.flatnonzero(is_first)[np.cumsum(is_first) - 1]

    @cached_property
    def prefixes(self) -> NDArray[np.uint64]:
        """The first halves of the ids, faster to search than the whole."""
        return np.frombuffer(self.ids.tobytes(), ">u8").reshape(-1, 2)[:, 0].astype(np.uint64)


def sort_documents(ids: bytes, passages: Numbers) -> tuple[NDArray[np.bytes_], Numbers, Numbers, Numbers]:
    """Find the documents of postings.

    Args:
        ids: the memory id of each of n postings, concatenated.
        passages: the passage of each; shape (n,).

    Returns:
        The memory ids and passages of the documents in order; the index of a posting of each; the document of each posting, shape (n,).
    """
    rows = np.empty((len(passages), 20), np.uint8)
    rows[:, :16] = np.frombuffer(ids, np.uint8).reshape(-1, 16)
    rows[:, 16:] = passages.astype(">u4").view(np.uint8).reshape(-1, 4)
    _, first, document_of = np.unique(rows.view("S20").ravel(), return_index=True, return_inverse=True)
    own = np.ascontiguousarray(rows[first, :16]).view(_KEY).ravel()
    return own, passages[first], first, document_of


def as_ids(joined: bytes) -> NDArray[np.bytes_]:
    """Return concatenated ids as an array of them."""
    return np.frombuffer(joined, _KEY)


class Documents:
    """Segments one after the other."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._segments = segments
        self.bases: list[int] = np.cumsum([0, *(len(each) for each in segments)]).tolist()
        self.has_passages = any(each.has_passages for each in segments)
        self.has_threads = any(each.has_threads for each in segments)

    def __len__(self) -> int:
        return self.bases[-1]

    def keys(self, documents: Numbers) -> list[Key]:
        """Return the memory ids of documents."""
        joined = self._gather(documents, "ids", _KEY).tobytes()
        return [joined[start : start + 16] for start in range(0, len(joined), 16)]

    def lengths(self, documents: Numbers) -> Numbers:
        """Return the lengths of documents in words."""
        return self._gather(documents, "lengths", np.int64)

    def threads(self, documents: Numbers) -> Numbers:
        """Return the thread ids of documents, 0 for none."""
        return self._gather(documents, "threads", np.int64)

    def passages(self, documents: Numbers) -> Numbers:
        """Return the passage numbers of documents."""
        return self._gather(documents, "passages", np.int64)

    def _gather(self, documents: Numbers, name: str, kind: Any, *, is_number: bool = False) -> NDArray[Any]:
        """Return an array's values at documents; `is_number` for an array of documents, which each segment numbers from 0."""
        if not is_number and len(self) <= 4 * len(documents):
            return np.concatenate([getattr(each, name) for each in self._segments])[documents]
        found = np.zeros(len(documents), kind)
        owners = np.searchsorted(self.bases, documents, side="right") - 1
        for owner in np.unique(owners).tolist():
            here, base = owners == owner, self.bases[owner]
            found[here] = getattr(self._segments[owner], name)[documents[here] - base]
            if is_number:
                found[here] += base
        return found

    def heads(self, documents: Numbers) -> Numbers:
        """Return the first document of each document's memory."""
        if not self.has_passages:
            return documents
        return self._gather(documents, "heads", np.int64, is_number=True)

    def find(self, memories: Sequence[Key]) -> list[tuple[Key, int, int]]:
        """Return the documents of memories that have any: id, first document and the one after the last.

        A memory has two entries if an earlier text of it was removed but not yet cleared away.
        """
        if not memories:
            return []
        keys = np.frombuffer(b"".join(memories), _KEY)
        prefixes = np.frombuffer(b"".join(memories), ">u8").reshape(-1, 2)[:, 0].astype(np.uint64)
        found = []
        for segment, base in zip(self._segments, self.bases, strict=False):
            if not len(segment):
                continue
            firsts = np.searchsorted(segment.prefixes, prefixes)
            known = np.flatnonzero(segment.prefixes[np.minimum(firsts, len(segment) - 1)] == prefixes)
            # ids in order of time differ in their first half: only those of imports may not
            firsts = np.searchsorted(segment.ids, keys[known])
            ends = np.searchsorted(segment.ids, keys[known], side="right")
            found += [
                (memories[number], base + first, base + end)
                for number, first, end in zip(known.tolist(), firsts.tolist(), ends.tolist(), strict=True)
                if end > first
            ]
        return found
