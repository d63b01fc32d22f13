"""Postings made by hand."""

import numpy as np

from memory.index.postings.documents import Documents, Segment, sort_documents
from memory.index.postings.reading import Postings


def index(terms, passages=None):
    """Return postings and documents of terms given as (memory ids, counts, lengths, thread ids), each posting in a passage."""
    columns = [
        np.concatenate([each[part] for each in terms.values()]).astype(int) if terms else np.zeros(0, int)
        for part in (1, 2, 3)
    ]
    numbers = np.zeros(len(columns[0]), int) if passages is None else np.array(passages)
    memories = b"".join(memory for each in terms.values() for memory in each[0])
    ids, own, first, documents = sort_documents(memories, numbers)
    segment = Segment(ids, own, columns[1][first], columns[2][first])
    ends = np.cumsum([0, *(len(each[0]) for each in terms.values())])
    found = {}
    for term, start, end in zip(terms, ends, ends[1:], strict=False):
        order = np.argsort(documents[start:end])
        of_threads = columns[2][start:end][order] if segment.has_threads else None
        found[term] = Postings(
            documents[start:end][order],
            columns[0][start:end][order],
            columns[1][start:end][order],
            of_threads,
        )
    return found, Documents([segment])
