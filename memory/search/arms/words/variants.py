"""Merge the postings of what a query's term is looked for as (memory/analysis/query_terms.py) into those of one term. Pure.

A memory that has several variants counts the best of them, so that a text in two languages, or with a word and its compound, gains
nothing from having both. A variant is worth its weight, and never more than it would be as a term of its own: the beginning of a
compound's part that many words share tells less than the word itself.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

import numpy as np

from memory.index.postings.reading import Postings
from memory.search.arms.words.bm25 import idf
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
    if len(variants) == 1:
        ((term, weight),) = variants.items()
        own = postings[term]
        return own if weight == 1.0 else replace(own, weights=np.full(len(own.counts), weight))
    parts = [postings[term] for term in variants]
    full = [postings[term] for term, weight in variants.items() if weight == 1.0] or parts
    holding = len(full[0].counts)
    if len(full) > 1:
        holding = len(np.unique(np.concatenate([each.documents for each in full])))
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
    found = np.concatenate([each.documents for each in parts])
    # of those with one document the first with the highest weight
    order = np.lexsort((-weights, found))
    first = np.ones(len(order), bool)
    first[1:] = found[order][1:] != found[order][:-1]
    best = order[first]
    threads = [each.threads for each in parts if each.threads is not None]
    return Postings(
        found[best],
        np.concatenate([each.counts for each in parts])[best],
        np.concatenate([each.lengths for each in parts])[best],
        np.concatenate(threads)[best] if threads else None,
        weights=weights[best],
        holding=holding,
    )
