"""Merge the postings of what a query's term is looked for as (memory/analysis/query_terms.py) into those of one term. Pure.

A memory that has several variants counts the best of them, so that a text in two languages, or with a word and its compound, gains
nothing from having both. A variant is worth its weight, and never more than it would be as a term of its own: the beginning of a
compound's part that many words share tells less than the word itself.
"""

from collections.abc import Collection, Iterable, Mapping

import numpy as np

from memory.search.arms.words.bm25 import Numbers, Postings, idf
from memory.search.query_analysis import QueryAnalysis

Variants = Mapping[str, float]
_SEPARATOR = "\x1f"


def keys_of(analysis: QueryAnalysis, ignored: Collection[str] = ()) -> dict[str, float]:
    """Return a query's terms with their counts, each by the key of its merged postings; those in `ignored` are left out."""
    return {
        _key(term, analysis.variants.get(term)): count
        for term, count in analysis.terms.items()
        if term not in ignored
    }


def read_terms(analyses: Iterable[QueryAnalysis]) -> set[str]:
    """Return all terms whose postings the queries need."""
    return {
        each
        for analysis in analyses
        for term in analysis.terms
        for each in (analysis.variants.get(term) or (term,))
    }


def merged(
    postings: Mapping[str, Postings], analyses: Iterable[QueryAnalysis], documents: int
) -> dict[str, Postings]:
    """Return the postings by the keys of `keys_of`.

    Args:
        postings: by term.
        analyses: of the queries.
        documents: number of documents of the organisation.
    """
    found = dict(postings)
    for analysis in analyses:
        for term, variants in analysis.variants.items():
            key = _key(term, variants)
            present = {each: weight for each, weight in variants.items() if each in postings}
            if present and key not in found:
                found[key] = _merge(postings, present, documents)
    return found


def _key(term: str, variants: Variants | None) -> str:
    if not variants:
        return term
    return _SEPARATOR.join([term, *(f"{each}={weight}" for each, weight in sorted(variants.items()))])


def _merge(postings: Mapping[str, Postings], variants: Variants, documents: int) -> Postings:
    parts = [postings[term] for term in variants]
    full = [postings[term] for term, weight in variants.items() if weight == 1.0] or parts
    holding = len(full[0].counts)
    if len(full) > 1:
        places = [np.column_stack([each.memories, _passages(each).astype(np.uint64)]) for each in full]
        holding = len(np.unique(np.concatenate(places), axis=0))
    whole = idf(holding, documents)
    weights = np.concatenate(
        [
            np.full(
                len(postings[term].counts),
                weight * min(1.0, idf(len(postings[term].counts), documents) / whole),
            )
            for term, weight in variants.items()
        ]
    )
    joined = Postings(
        np.concatenate([each.memories for each in parts]),
        np.concatenate([each.counts for each in parts]),
        np.concatenate([each.lengths for each in parts]),
        np.concatenate([each.threads for each in parts]),
        np.concatenate([each.passes for each in parts]),
    )
    numbers = np.concatenate([_passages(each) for each in parts])
    keys = (-weights, numbers, joined.memories[:, 1], joined.memories[:, 0])
    order = np.lexsort(keys)
    ids, of_memory = joined.memories[order], numbers[order]
    first = np.ones(len(order), bool)
    first[1:] = (ids[1:] != ids[:-1]).any(axis=1) | (of_memory[1:] != of_memory[:-1])
    best = order[first]
    return Postings(
        joined.memories[best],
        joined.counts[best],
        joined.lengths[best],
        joined.threads[best],
        joined.passes[best],
        passages=numbers[best] if numbers.any() else None,
        weights=weights[best],
        holding=holding,
    )


def _passages(postings: Postings) -> Numbers:
    return np.zeros(len(postings.counts), np.int64) if postings.passages is None else postings.passages
