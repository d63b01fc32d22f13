from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.search.bm25 import K1, THREAD_K, B, Postings, add_up, attainable, weigh
from memory.search.corpus import Corpus

A, M, Z = (bytes([number]) * 16 for number in (1, 2, 3))
CORPUS = Corpus(documents=10, words=50, threads=4)


def postings(memories, counts=None, lengths=None, threads=None, passes=None):
    some = len(memories)
    return Postings(
        memories,
        counts or [1] * some,
        lengths or [5] * some,
        threads or [None] * some,
        passes or [True] * some,
    )


def test_the_formula():
    found = weigh(postings([A], [3], [20]), CORPUS)
    idf = log(1 + (10 - 1 + 0.5) / 1.5)
    assert found.memories == [(A, pytest.approx(idf * 3 * (K1 + 1) / (3 + K1 * (1 - B + B * 20 / 5))))]


def test_one_word_once_in_an_average_memory_is_its_idf():
    found = weigh(postings([A]), CORPUS)
    assert found.memories[0][1] == pytest.approx(found.idf)


def test_filters_take_memories_away_but_not_from_the_statistics():
    some = weigh(postings([A, M], passes=[False, True]), CORPUS)
    every = weigh(postings([A, M]), CORPUS)
    assert some.memories == every.memories[1:]
    assert some.idf == every.idf


def test_a_thread_is_weighed_as_a_whole():
    found = weigh(postings([A, M, Z], [1, 2, 5], threads=[7, 7, None]), CORPUS)
    assert found.threads == {7: pytest.approx(log(1 + (4 - 1 + 0.5) / 1.5) * 3 / (3 + THREAD_K))}


def test_a_query_adds_its_terms_up():
    weighed = {"x": weigh(postings([A, M]), CORPUS), "y": weigh(postings([M]), CORPUS)}
    scores, _ = add_up({"x": 1, "y": 1, "nowhere": 1}, weighed)
    assert scores[M] == pytest.approx(scores[A] + weighed["y"].memories[0][1])
    doubled, _ = add_up({"x": 2}, weighed)
    assert doubled[A] == pytest.approx(2 * scores[A])


def test_what_says_all_that_is_asked_has_all_that_can_be_had():
    weighed = {"x": weigh(postings([A, M]), CORPUS), "y": weigh(postings([A]), CORPUS)}
    scores, _ = add_up({"x": 1, "y": 1}, weighed)
    assert scores[A] == pytest.approx(attainable({"x": 1, "y": 1}, weighed, CORPUS))
    # a word that stands nowhere is worth most, so a query for something else is matched in part only
    assert attainable({"x": 1, "else": 1}, weighed, CORPUS) > 2 * attainable({"x": 1}, weighed, CORPUS)
    assert attainable({}, weighed, CORPUS) > 0


@given(st.integers(0, 50), st.integers(0, 200), st.integers(0, 5))
def test_no_count_is_too_odd(documents, words, threads):
    corpus = Corpus(documents, words, threads)
    found = weigh(postings([A, M, Z], threads=[1, 2, 3]), corpus)
    assert all(score > 0 for _, score in found.memories)
    assert attainable({"x": 1, "y": 2}, {"x": found}, corpus) > 0
