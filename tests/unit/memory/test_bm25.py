from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.index.collection_statistics import Corpus
from memory.search.arms.words.bm25 import K1, MAX_THREADS, THREAD_K, B, Postings, Scorer
from memory.search.keys import ids_of

A, M, Z = (bytes([number]) * 16 for number in (1, 2, 3))
CORPUS = Corpus(documents=10, words=50, threads=4)


def postings(memories, counts=None, lengths=None, threads=None, passes=None):
    some = len(memories)
    return Postings(
        ids_of(memories),
        np.array(counts or [1] * some),
        np.array(lengths or [5] * some),
        np.array(threads or [0] * some),
        np.array(passes or [True] * some),
    )


def best(scorer, terms, most=10):
    return scorer.best(scorer.score(terms), most)


def test_the_formula():
    scorer = Scorer({"x": postings([A], [3], [20])}, CORPUS)
    idf = log(1 + (10 - 1 + 0.5) / 1.5)
    expected = idf * 3 * (K1 + 1) / (3 + K1 * (1 - B + B * 20 / 5))
    assert best(scorer, {"x": 1}) == {A: pytest.approx(expected)}


def test_single_word_in_an_average_memory_has_share_one():
    scorer = Scorer({"x": postings([A])}, CORPUS)
    assert best(scorer, {"x": 1})[A] == pytest.approx(scorer.attainable({"x": 1}))


def test_filters_do_not_change_the_statistics():
    some = Scorer({"x": postings([A, M], passes=[False, True])}, CORPUS)
    every = Scorer({"x": postings([A, M])}, CORPUS)
    assert best(some, {"x": 1}) == {M: best(every, {"x": 1})[M]}
    assert some.attainable({"x": 1}) == every.attainable({"x": 1})


def test_thread_is_scored_as_one_document():
    scorer = Scorer({"x": postings([A, M, Z], [1, 2, 5], threads=[-7, -7, 0])}, CORPUS)
    assert scorer.threads({"x": 1}) == {-7: pytest.approx(log(1 + (4 - 1 + 0.5) / 1.5) * 3 / (3 + THREAD_K))}


def test_a_thread_adds_its_terms_up_each_by_its_own_rarity():
    both = Scorer({"x": postings([A, M], threads=[1, 2]), "y": postings([A], [4], threads=[1])}, CORPUS)
    alone = {
        term: Scorer({term: found}, CORPUS).threads({term: 1})[1]
        for term, found in (("x", postings([A, M], threads=[1, 2])), ("y", postings([A], [4], threads=[1])))
    }
    assert both.threads({"x": 2, "y": 1, "nowhere": 1})[1] == pytest.approx(2 * alone["x"] + alone["y"])


def test_of_many_threads_the_best_take_part():
    ids = [bytes([number % 256, number // 256]) * 8 for number in range(1, 301)]
    scorer = Scorer({"x": postings(ids, list(range(1, 301)), threads=list(range(1, 301)))}, CORPUS)
    assert sorted(scorer.threads({"x": 1})) == list(range(301 - MAX_THREADS, 301))


def test_a_query_adds_its_terms_up():
    scorer = Scorer({"x": postings([A, M]), "y": postings([M])}, CORPUS)
    found = best(scorer, {"x": 1, "y": 1, "nowhere": 1})
    assert list(found) == [M, A]
    assert found[M] == pytest.approx(found[A] + best(scorer, {"y": 1})[M])
    assert best(scorer, {"x": 2})[A] == pytest.approx(2 * best(scorer, {"x": 1})[A])


def test_the_best_come_first_and_ties_by_id():
    scorer = Scorer({"x": postings([Z, M, A]), "y": postings([Z])}, CORPUS)
    assert list(best(scorer, {"x": 1, "y": 1})) == [Z, A, M]
    assert list(best(scorer, {"x": 1, "y": 1}, most=2)) == [Z, A]


def test_given_memories_are_looked_up():
    scorer = Scorer({"x": postings([A, M]), "y": postings([Z])}, CORPUS)
    scores = scorer.score({"x": 1})
    elsewhere = [b"\0" * 16, b"\xff" * 16, A[:8] + M[8:]]
    assert scorer.look_up(scores, [M, Z, *elsewhere]) == {M: best(scorer, {"x": 1})[M]}
    assert scorer.look_up(scores, []) == {}


def test_ids_that_end_alike_are_not_confused():
    twin = M[:8] + A[8:]
    scorer = Scorer({"x": postings([A, twin, Z], counts=[1, 2, 1]), "y": postings([twin])}, CORPUS)
    scores = scorer.score({"x": 1})
    assert set(scorer.best(scores, 10)) == {A, twin, Z}
    assert scorer.look_up(scores, [twin, A]) == {each: scorer.best(scores, 10)[each] for each in (twin, A)}
    assert set(best(scorer, {"y": 1})) == {twin}


def test_a_capped_document_frequency():
    scorer = Scorer({"x": postings([A, M, Z])}, CORPUS, most_documents=2)
    assert best(scorer, {"x": 1})[A] == pytest.approx(log(1 + (10 - 2 + 0.5) / 2.5))


def test_memory_with_every_query_word_has_share_one():
    scorer = Scorer({"x": postings([A, M]), "y": postings([A])}, CORPUS)
    assert best(scorer, {"x": 1, "y": 1})[A] == pytest.approx(scorer.attainable({"x": 1, "y": 1}))
    # a word that stands nowhere is worth most, so a query for something else is matched in part only
    assert scorer.attainable({"x": 1, "else": 1}) > 2 * scorer.attainable({"x": 1})
    assert scorer.attainable({}) > 0


def test_no_matching_word_finds_nothing():
    scorer = Scorer({}, CORPUS)
    scores = scorer.score({"x": 1})
    assert scorer.best(scores, 10) == scorer.look_up(scores, [A]) == scorer.threads({"x": 1}) == {}
    assert scorer.attainable({"x": 1}) > 0


@given(st.integers(0, 50), st.integers(0, 200), st.integers(0, 5))
def test_extreme_counts_are_handled(documents, words, threads):
    scorer = Scorer({"x": postings([A, M, Z], threads=[1, 2, 3])}, Corpus(documents, words, threads))
    assert len(best(scorer, {"x": 1})) == len(scorer.threads({"x": 1})) == 3
    assert scorer.attainable({"x": 1, "y": 2}) > 0
