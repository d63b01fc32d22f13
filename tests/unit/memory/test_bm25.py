from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.index.collection_statistics import Corpus
from memory.search.arms.words.bm25 import K1, MAX_THREADS, THREAD_K, B, Scorer
from tests.unit.memory.postings import index

A, M, Z = (bytes([number]) * 16 for number in (1, 2, 3))
CORPUS = Corpus(documents=10, words=50, threads=4)


def postings(memories, counts=None, lengths=None, threads=None):
    some = len(memories)
    return memories, counts or [1] * some, lengths or [5] * some, threads or [0] * some


def scorer_of(terms, corpus=CORPUS, **options):
    return Scorer(*index(terms), corpus, **options)


def best(scorer, terms, most=10):
    return scorer.best(scorer.memories(scorer.score(terms)), most)


def test_the_formula():
    scorer = scorer_of({"x": postings([A], [3], [20])})
    idf = log(1 + (10 - 1 + 0.5) / 1.5)
    expected = idf * 3 * (K1 + 1) / (3 + K1 * (1 - B + B * 20 / 5))
    assert best(scorer, {"x": 1}) == {A: pytest.approx(expected)}


def test_single_word_in_an_average_memory_has_share_one():
    scorer = scorer_of({"x": postings([A])})
    assert best(scorer, {"x": 1})[A] == pytest.approx(scorer.attainable({"x": 1}))


def test_thread_is_scored_as_one_document():
    scorer = scorer_of({"x": postings([A, M, Z], [1, 2, 5], threads=[-7, -7, 0])})
    assert scorer.threads({"x": 1}) == {-7: pytest.approx(log(1 + (4 - 1 + 0.5) / 1.5) * 3 / (3 + THREAD_K))}


def test_a_thread_adds_its_terms_up_each_by_its_own_rarity():
    both = scorer_of({"x": postings([A, M], threads=[1, 2]), "y": postings([A], [4], threads=[1])})
    alone = {
        term: scorer_of({term: found}).threads({term: 1})[1]
        for term, found in (("x", postings([A, M], threads=[1, 2])), ("y", postings([A], [4], threads=[1])))
    }
    assert both.threads({"x": 2, "y": 1, "nowhere": 1})[1] == pytest.approx(2 * alone["x"] + alone["y"])


def test_of_many_threads_the_best_take_part():
    ids = [bytes([number % 256, number // 256]) * 8 for number in range(1, 301)]
    scorer = scorer_of({"x": postings(ids, list(range(1, 301)), threads=list(range(1, 301)))})
    assert sorted(scorer.threads({"x": 1})) == list(range(301 - MAX_THREADS, 301))


def test_a_query_adds_its_terms_up():
    scorer = scorer_of({"x": postings([A, M]), "y": postings([M])})
    found = best(scorer, {"x": 1, "y": 1, "nowhere": 1})
    assert list(found) == [M, A]
    assert found[M] == pytest.approx(found[A] + best(scorer, {"y": 1})[M])
    assert best(scorer, {"x": 2})[A] == pytest.approx(2 * best(scorer, {"x": 1})[A])


def test_the_best_come_first_and_ties_by_id():
    scorer = scorer_of({"x": postings([Z, M, A]), "y": postings([Z])})
    assert list(best(scorer, {"x": 1, "y": 1})) == [Z, A, M]
    # those that tie with the last come too: filters may take any of them
    assert list(best(scorer, {"x": 1, "y": 1}, most=1)) == [Z]
    assert list(best(scorer, {"x": 1, "y": 1}, most=2)) == [Z, A, M]


def test_given_memories_are_looked_up():
    scorer = scorer_of({"x": postings([A, M]), "y": postings([Z])})
    scores = scorer.score({"x": 1})
    elsewhere = [b"\0" * 16, b"\xff" * 16, A[:8] + M[8:]]
    assert scorer.look_up(scores, [M, Z, *elsewhere]) == {M: best(scorer, {"x": 1})[M]}
    assert scorer.look_up(scores, []) == {}


def test_ids_that_end_alike_are_not_confused():
    twin = M[:8] + A[8:]
    scorer = scorer_of({"x": postings([A, twin, Z], counts=[1, 2, 1]), "y": postings([twin])})
    scores = scorer.score({"x": 1})
    found = scorer.best(scorer.memories(scores), 10)
    assert set(found) == {A, twin, Z}
    assert scorer.look_up(scores, [twin, A]) == {each: found[each] for each in (twin, A)}
    assert set(best(scorer, {"y": 1})) == {twin}


def test_a_capped_document_frequency():
    scorer = scorer_of({"x": postings([A, M, Z])}, most_documents=2)
    assert best(scorer, {"x": 1})[A] == pytest.approx(log(1 + (10 - 2 + 0.5) / 2.5))


def test_memory_with_every_query_word_has_share_one():
    scorer = scorer_of({"x": postings([A, M]), "y": postings([A])})
    assert best(scorer, {"x": 1, "y": 1})[A] == pytest.approx(scorer.attainable({"x": 1, "y": 1}))
    # a word that stands nowhere is worth most, so a query for something else is matched in part only
    assert scorer.attainable({"x": 1, "else": 1}) > 2 * scorer.attainable({"x": 1})
    assert scorer.attainable({}) > 0


def test_a_memory_scores_as_its_best_passage():
    scorer = Scorer(*index({"x": ([A, A, M], [1, 3, 2], [5] * 3, [0] * 3)}, passages=[0, 7, 0]), CORPUS)
    alone = scorer_of({"x": postings([A, M, Z], [3, 2, 1])})
    assert list(best(scorer, {"x": 1})) == [A, M]
    assert best(scorer, {"x": 1})[A] == pytest.approx(best(alone, {"x": 1})[A])
    scores = scorer.score({"x": 1})
    assert scorer.look_up(scores, [A, Z]) == {A: best(scorer, {"x": 1})[A]}
    assert list(scorer.passages(scores, [A])[A]) == [0, 7]


def test_no_matching_word_finds_nothing():
    scorer = scorer_of({})
    scores = scorer.score({"x": 1})
    assert best(scorer, {"x": 1}) == scorer.look_up(scores, [A]) == scorer.threads({"x": 1}) == {}
    assert scorer.attainable({"x": 1}) > 0


@given(st.integers(0, 50), st.integers(0, 200), st.integers(0, 5))
def test_extreme_counts_are_handled(documents, words, threads):
    scorer = scorer_of({"x": postings([A, M, Z], threads=[1, 2, 3])}, Corpus(documents, words, threads))
    assert len(best(scorer, {"x": 1})) == len(scorer.threads({"x": 1})) == 3
    assert scorer.attainable({"x": 1, "y": 2}) > 0
