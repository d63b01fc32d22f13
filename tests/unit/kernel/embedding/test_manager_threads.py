"""The embedding manager in threads: one computation per text, exact counters, no deadlocks."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from liftos.kernel.caching import single_flight
from liftos.kernel.embedding import EmbedderUnavailable, EmbeddingManager, HashingEmbedder, ModelInfo
from liftos.kernel.embedding import manager as manager_module

WAIT_S = 20  # far more than anything here takes: only a hang reaches it


class Gated:
    """An embedder that blocks until released, and may then fail."""

    model = ModelInfo("gated", "1", 8)

    def __init__(self, *, error=None):
        self.entered = threading.Event()
        self.go = threading.Event()
        self.error = error
        self.batches = []

    def embed(self, texts):
        self.batches.append(list(texts))
        self.entered.set()
        assert self.go.wait(WAIT_S)
        if self.error is not None:
            raise self.error
        return HashingEmbedder(dimension=8).embed(texts)


class Watched(single_flight.Flight):
    """A lock that counts its waiters."""

    waiting = threading.Semaphore(0)

    def wait(self, key, timeout):
        self.waiting.release()
        return super().wait(key, timeout)


@pytest.fixture
def waiting(monkeypatch):
    monkeypatch.setattr(Watched, "waiting", threading.Semaphore(0))
    monkeypatch.setattr(single_flight, "Flight", Watched)
    return Watched.waiting


def await_followers(waiting, count):
    for _ in range(count):
        assert waiting.acquire(timeout=WAIT_S)


def test_twenty_concurrent_misses_compute_once(waiting):
    embedder = Gated()
    manager = EmbeddingManager(embedder=embedder)
    with ThreadPoolExecutor(20) as pool:
        asked = [
            pool.submit(manager.embed, "a") if number % 2 else pool.submit(manager.embed_many, ["a", "a"])
            for number in range(20)
        ]
        await_followers(waiting, 19)

        embedder.go.set()

        vectors = [np.atleast_2d(future.result(WAIT_S))[0] for future in asked]
    assert embedder.batches == [["a"]]
    assert all(np.array_equal(vector, vectors[0]) for vector in vectors)
    stats = manager.stats()
    assert (stats["cache_hits"], stats["cache_misses"], stats["total_operations"]) == (29, 1, 30)


def test_mutually_waiting_batches_do_not_deadlock(waiting):
    embedder = Gated()
    manager = EmbeddingManager(embedder=embedder)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(manager.embed_many, ["a", "b"])
        assert embedder.entered.wait(WAIT_S)
        embedder.entered.clear()
        second = pool.submit(manager.embed_many, ["b", "c"])
        assert embedder.entered.wait(WAIT_S)
        third = pool.submit(manager.embed_many, ["c", "a"])
        await_followers(waiting, 1)

        embedder.go.set()

        results = [future.result(WAIT_S) for future in (first, second, third)]
    assert sorted(map(sorted, embedder.batches)) == [["a", "b"], ["c"]]
    for texts, vectors in zip(["ab", "bc", "ca"], results, strict=True):
        np.testing.assert_array_equal(vectors, HashingEmbedder(dimension=8).embed(list(texts)))


@pytest.mark.parametrize("error", [OSError("down"), SystemExit()], ids=["failure", "end of the thread"])
def test_waiters_see_a_failed_computation(waiting, error):
    embedder = Gated(error=error)
    manager = EmbeddingManager(embedder=embedder)
    outcomes = []

    def ask():
        try:
            manager.embed("a")
        except BaseException as caught:
            outcomes.append(type(caught))

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    await_followers(waiting, 4)

    embedder.go.set()

    for thread in threads:
        thread.join(WAIT_S)
    leader = SystemExit if isinstance(error, SystemExit) else EmbedderUnavailable
    assert sorted(map(repr, outcomes)) == sorted(map(repr, [leader] + [EmbedderUnavailable] * 4))
    assert manager.stats()["cache_misses"] == 5
    embedder.error = None
    assert manager.embed("a").shape == (8,)


def test_waiter_times_out(monkeypatch, waiting):
    monkeypatch.setattr(manager_module, "FOLLOW_TIMEOUT_S", 0.01)
    embedder = Gated()
    manager = EmbeddingManager(embedder=embedder)
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(manager.embed, "a")
        assert embedder.entered.wait(WAIT_S)

        with pytest.raises(EmbedderUnavailable):
            manager.embed("a")

        embedder.go.set()
        leader.result(WAIT_S)


def test_counters_are_exact_over_100_000_mixed_calls():
    embedder = HashingEmbedder(dimension=4)
    manager = EmbeddingManager(190, embedder=embedder)
    expected = {str(n): HashingEmbedder(dimension=4).embed([str(n)])[0] for n in range(200)}

    def work(seed):
        numbers = np.random.default_rng(seed).integers(0, 200, size=(12_500, 3)).astype(str).tolist()
        asked = 0
        for turn, texts in enumerate(numbers):
            vectors = [manager.embed(texts[0])] if turn % 4 else manager.embed_many(texts)
            asked += len(vectors)
            assert all((vector == expected[text]).all() for text, vector in zip(texts, vectors, strict=False))
            if turn % 1_000 == 0:
                manager.clear()
        return asked

    with ThreadPoolExecutor(8) as pool:
        asked = sum(pool.map(work, range(8)))

    stats = manager.stats()
    assert stats["total_operations"] == asked
    assert stats["cache_misses"] == embedder.texts
    assert stats["cache_size"] <= 190
