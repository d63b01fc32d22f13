"""Concepts and clusters, checked by hand."""

import numpy as np

from memory.insights.clusters import cluster
from memory.insights.concepts import dominant_concepts


def around(axis, count, rng):
    rows = np.eye(8, dtype=np.float32)[axis] + 0.05 * rng.standard_normal((count, 8)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_separated_clusters_are_found_deterministically():
    rng = np.random.default_rng(3)
    vectors = np.concatenate([around(0, 20, rng), around(1, 10, rng), around(2, 5, rng)])
    first, again = cluster(vectors), cluster(vectors)
    assert first == again
    groups = [set(each.members) for each in first]
    for own in (range(20), range(20, 30), range(30, 35)):
        assert sum(bool(group & set(own)) for group in groups) >= 1
        # nobody is put with strangers
        assert all(group <= set(own) for group in groups if group & set(own))
    assert all(0.9 < each.cohesion <= 1.0001 for each in first)
    assert [len(each.members) for each in first] == sorted(
        (len(each.members) for each in first), reverse=True
    )


def test_few_or_equal_vectors_are_clustered():
    one = np.ones((1, 8), dtype=np.float32) / np.sqrt(8)
    assert cluster(one) == []
    assert cluster(np.empty((0, 8), dtype=np.float32)) == []
    [all_of_them] = cluster(np.repeat(one, 6, axis=0))
    assert sorted(all_of_them.members) == list(range(6))


def test_concepts_are_shared_words_in_their_usual_form():
    texts = [
        "Boots sell in the rain",
        "Rain sells boots",
        "The rain and the boots",
        "A salary is paid in the spring",
    ]
    found = dominant_concepts(texts, 3)
    assert set(found[:2]) == {"boots", "rain"}
    assert "the" not in dominant_concepts(texts, 50)
    assert dominant_concepts([], 5) == []
    assert dominant_concepts(["12 34 --", "\u200b"], 5) == []
