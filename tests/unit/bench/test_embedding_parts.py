import numpy as np

from liftos.bench.embedding.before import ListLruCache
from liftos.bench.embedding.data import MOST_TEXTS, short_texts, zipf


def test_the_reference_forgets_the_least_recently_used():
    computed = []

    def compute(text):
        computed.append(text)
        return np.array([float(len(text))])

    cache = ListLruCache(2, compute)
    for text in ("a", "bb", "a", "ccc", "a", "bb"):
        assert cache.embed(text) == [len(text)]
    assert computed == ["a", "bb", "ccc", "bb"]


def test_texts_are_distinct_and_short():
    texts = short_texts(MOST_TEXTS)
    assert len(set(texts)) == MOST_TEXTS
    lengths = {len(text.split()) for text in texts}
    assert (min(lengths) >= 5, max(lengths) <= 16) == (True, True)
    assert short_texts(10) == texts[:10]


def test_lookups_follow_zipfs_law():
    texts = short_texts(1_000)
    trace = zipf(texts, 50_000, seed=3)
    counts = [trace.count(text) for text in texts[:4]]
    harmonic = sum(1 / rank for rank in range(1, 1_001))
    for rank, count in enumerate(counts, 1):
        expected = 50_000 / rank / harmonic
        assert abs(count - expected) < 5 * expected**0.5
