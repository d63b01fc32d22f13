"""Postings of a term's variants, merged into one."""

from datetime import UTC, datetime
from math import log

import pytest

from memory.index.collection_statistics import Corpus
from memory.search.arms.words.bm25 import Scorer
from memory.search.arms.words.variants import keys_of, merged, read_terms
from memory.search.query_analysis import QueryAnalysis, analyse
from tests.unit.memory.postings import index

A, M, Z = (bytes([number]) * 16 for number in (1, 2, 3))
CORPUS = Corpus(documents=10, words=50, threads=0)


def postings(memories):
    return memories, [1] * len(memories), [5] * len(memories), [0] * len(memories)


def analysis(terms, variants):
    return QueryAnalysis(terms, [], [], asks=False, asks_when=False, variants=variants)


def scores(held, terms, variants):
    asked = analysis(terms, variants)
    scorer = scorer_of(held, [asked])
    keys = keys_of(asked)
    return best(scorer, keys), scorer.attainable(keys)


def scorer_of(held, asked):
    found, documents = index(held)
    return Scorer(merged(found, asked, CORPUS.documents), documents, CORPUS)


def best(scorer, keys):
    return scorer.best(scorer.memories(scorer.score(keys)), 10)


def test_a_memory_counts_its_best_variant_once():
    held = {"x": postings([A, M]), "y": postings([M, Z])}
    found, attainable = scores(held, {"x": 1}, {"x": {"x": 1.0, "y": 1.0}})
    # all three memories have the word in some language, at the rarity of a word that three have
    assert found == {key: pytest.approx(log(1 + 7.5 / 3.5)) for key in (A, M, Z)}
    assert attainable == pytest.approx(log(1 + 7.5 / 3.5))


def test_a_weaker_variant_counts_its_weight_of_the_words_rarity():
    found, _ = scores({"x": postings([A]), "_y": postings([A, M])}, {"x": 1}, {"x": {"x": 1.0, "_y": 0.5}})
    word, common = log(1 + 9.5 / 1.5), log(1 + 8.5 / 2.5)
    assert found == {A: pytest.approx(word), M: pytest.approx(0.5 * common)}


def test_a_weaker_variant_alone_is_as_rare_as_it_is():
    found, attainable = scores({"_y": postings([A, M])}, {"x": 1}, {"x": {"x": 1.0, "_y": 0.5}})
    assert found[A] == pytest.approx(0.5 * log(1 + 8.5 / 2.5))
    assert attainable == pytest.approx(log(1 + 8.5 / 2.5))


def test_queries_with_other_variants_of_a_term_are_scored_apart():
    one, other = analysis({"x": 1}, {}), analysis({"x": 1}, {"x": {"x": 1.0, "y": 1.0}})
    assert read_terms([one, other]) == {"x", "y"}
    scorer = scorer_of({"x": postings([A]), "y": postings([M])}, [one, other])
    assert set(best(scorer, keys_of(one))) == {A}
    assert set(best(scorer, keys_of(other))) == {A, M}


def test_plain_english_has_no_variants():
    read = analyse("What did the board decide about the warehouse?", datetime(2026, 11, 28, tzinfo=UTC))
    assert read.variants == {}
    assert keys_of(read) == read.terms
