"""The embedding manager: computation, counters, results."""

import subprocess
import sys
import uuid
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liftos.kernel.embedding import (
    DimensionMismatch,
    EmbedderUnavailable,
    EmbeddingManager,
    HashingEmbedder,
    InMemorySharedCache,
    ModelInfo,
)

SECRET = b"a secret for tests"
ONE, OTHER = uuid.uuid4(), uuid.uuid4()


@pytest.fixture
def embedder():
    return HashingEmbedder(dimension=16)


@pytest.fixture
def manager(embedder):
    return EmbeddingManager(cache_size=10_000, cache_ttl=3600, embedder=embedder)


class Failing:
    """An embedder that fails until told otherwise."""

    model = ModelInfo("failing", "1", 16)

    def __init__(self, error):
        self.error = error

    def embed(self, texts):
        if self.error is not None:
            raise self.error
        return HashingEmbedder(dimension=16).embed(texts)


class Answering:
    """An embedder with one prepared answer."""

    model = ModelInfo("answering", "1", 3)

    def __init__(self, answer):
        self.answer = answer

    def embed(self, texts):
        return self.answer


def test_second_lookup_is_cached(manager, embedder):
    first = manager.embed("a text")
    second = manager.embed("a text")

    assert embedder.calls == 1
    np.testing.assert_array_equal(first, second)
    assert first.shape == (16,)
    assert first.dtype == np.float32


def test_size_and_lifetime_may_be_positional():
    assert EmbeddingManager(50, 60).stats()["max_cache_size"] == 50


@pytest.mark.parametrize("batch", [False, True])
def test_least_recently_used_text_is_evicted(manager, embedder, batch):
    manager.embed_many([f"text {number}" for number in range(10_000)])

    if batch:
        manager.embed_many(["text 0"])
    else:
        manager.embed("text 0")
    manager.embed("one more")

    computed = embedder.texts
    manager.embed("text 0")
    assert embedder.texts == computed
    manager.embed("text 1")
    assert embedder.texts == computed + 1


def test_capacity_is_never_exceeded():
    manager = EmbeddingManager(50, embedder=HashingEmbedder(dimension=2))
    generator = np.random.default_rng(1)

    for _ in range(2_000):
        manager.embed_many([str(n) for n in generator.integers(0, 120, size=generator.integers(1, 40))])
        assert manager.stats()["cache_size"] <= 50


def test_a_text_is_computed_again_at_exactly_its_lifetime(embedder):
    now = 0.0
    manager = EmbeddingManager(10, 3600, embedder, clock=lambda: now)
    manager.embed("a text")

    now = 3599.0
    manager.embed("a text")
    assert embedder.calls == 1
    now = 3600.0
    assert manager.stats()["cache_size"] == 0
    manager.embed("a text")
    assert embedder.calls == 2


class EqualHash(str):
    __slots__ = ()

    def __hash__(self):
        return 1

    def __eq__(self, other):
        return True


def test_texts_of_equal_hash_have_their_own_vectors(manager):
    first, second = manager.embed_many([EqualHash("cat"), EqualHash("dog")])

    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(manager.embed("dog"), second)


@pytest.mark.parametrize("other", ["a text ", "A text", "a\u00a0text", "a text\x00", "a text\ud800"])
def test_the_key_is_content_exact(manager, other):
    assert manager.cache_key("a text") != manager.cache_key(other)


def test_the_key_is_equal_in_two_processes(embedder):
    program = (
        "from liftos.kernel.embedding import EmbeddingManager, HashingEmbedder\n"
        f"m = EmbeddingManager(embedder=HashingEmbedder(dimension=16), secret={SECRET!r})\n"
        f"print(m.cache_key('a text', organisation={str(ONE)!r}).hex())"
    )
    here = EmbeddingManager(embedder=embedder, secret=SECRET).cache_key("a text", organisation=ONE)

    there = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert there.stdout.strip() == here.hex()


def test_the_key_depends_on_the_secret(embedder):
    keys = {
        EmbeddingManager(embedder=embedder, secret=secret).cache_key("a text")
        for secret in (b"one", b"other")
    }

    assert len(keys) == 2


def test_organisations_do_not_share_cache_entries(embedder):
    shared = InMemorySharedCache()
    manager = EmbeddingManager(embedder=embedder, shared_cache=shared, secret=SECRET)

    for organisation in (ONE, OTHER, None):
        manager.embed("a text", organisation=organisation)

    assert embedder.calls == 3
    manager.embed("a text", organisation=str(ONE))  # the same one, written otherwise
    assert embedder.calls == 3


def test_key_separates_id_and_text(manager):
    with pytest.raises(ValueError, match="NUL"):
        manager.embed("b", organisation="org\x00a")


def test_the_model_is_part_of_the_key():
    shared = InMemorySharedCache()
    managers = [
        EmbeddingManager(
            embedder=HashingEmbedder(dimension=16, name=name), shared_cache=shared, secret=SECRET
        )
        for name in ("one", "other")
    ]

    one, other = (manager.embed("a text") for manager in managers)

    assert not np.array_equal(one, other)
    assert len(shared._entries) == 2


def test_mutating_a_result_does_not_change_the_cache(manager):
    expected = manager.embed("a text").copy()
    manager.embed("a text")[:] = 0
    batch = manager.embed_many(["a text", "a text"])
    batch[0] = 0

    np.testing.assert_array_equal(batch[1], expected)
    np.testing.assert_array_equal(manager.embed("a text"), expected)


def test_a_batch_of_hits_misses_and_repeats_keeps_its_order(manager, embedder):
    manager.embed("known")
    texts = ["new", "known", "newer", "new", "known", "newest", "new"]

    vectors = manager.embed_many(texts)

    assert embedder.calls == 2
    assert embedder.texts == 4
    np.testing.assert_array_equal(vectors, HashingEmbedder(dimension=16).embed(texts))


def test_an_empty_batch_has_the_models_width(manager, embedder):
    assert manager.embed_many([]).shape == (0, 16)
    assert embedder.calls == 0


def test_string_is_not_accepted_as_a_batch(manager):
    with pytest.raises(TypeError):
        manager.embed_many("a text")


def test_batch_larger_than_the_cache_is_complete():
    texts = [f"text {number}" for number in range(20)]
    manager = EmbeddingManager(5, embedder=HashingEmbedder(dimension=16))

    vectors = manager.embed_many(texts + texts)

    np.testing.assert_array_equal(vectors, HashingEmbedder(dimension=16).embed(texts + texts))


def test_clear_empties_the_cache_and_keeps_the_counters(manager, embedder):
    manager.embed_many(["a", "b", "a"])

    manager.clear()

    stats = manager.stats()
    assert stats["cache_size"] == 0
    assert (stats["cache_hits"], stats["cache_misses"]) == (1, 2)
    manager.embed("a")
    assert embedder.texts == 3
    assert manager.stats()["total_operations"] == 4


def test_statistics_are_the_seven_of_the_contract(manager):
    assert manager.stats()["hit_rate"] == 0.0

    manager.embed("a")
    manager.embed("a")
    manager.embed_many(["a", "b"])

    assert manager.stats() == {
        "cache_size": 2,
        "max_cache_size": 10_000,
        "cache_hits": 2,
        "cache_misses": 2,
        "total_operations": 4,
        "hit_rate": 0.5,
        "cache_utilization": 0.0002,
    }


def test_detailed_statistics_split_the_hits(embedder):
    shared = InMemorySharedCache()
    EmbeddingManager(embedder=embedder, shared_cache=shared, secret=SECRET).embed("elsewhere")
    manager = EmbeddingManager(embedder=embedder, shared_cache=shared, secret=SECRET)

    manager.embed_many(["elsewhere", "elsewhere", "new", "new", "new"])
    manager.embed_many(["elsewhere", "new"])

    details = manager.detailed_stats()
    assert (details["l1_hits"], details["l2_hits"], details["coalesced_hits"]) == (2, 1, 3)
    assert (details["cache_hits"], details["cache_misses"]) == (6, 1)
    assert (details["model"], details["model_version"], details["dimension"]) == ("hashing", "1-16d", 16)
    assert (details["model_calls"], details["model_errors"], details["l2_errors"]) == (1, 0, 0)


calls = st.lists(st.lists(st.integers(0, 12).map(str), min_size=1, max_size=10), max_size=25)


@settings(deadline=None)
@given(calls=calls, capacity=st.integers(1, 15), single=st.booleans())
def test_counters_agree_with_an_independent_count(calls, capacity, single):
    embedder = HashingEmbedder(dimension=2)
    manager = EmbeddingManager(capacity, embedder=embedder)
    for texts in calls:
        if single:
            for text in texts:
                manager.embed(text)
        else:
            manager.embed_many(texts)

        stats = manager.stats()
        assert stats["cache_misses"] == embedder.texts
        assert stats["cache_size"] <= capacity
    assert stats["total_operations"] == sum(map(len, calls)) if calls else True
    assert 0 <= manager.stats()["hit_rate"] <= 1


def test_a_skewed_replay_reaches_95_percent_and_counts_as_a_plain_simulation_does():
    # Zipf(1.1) over 5,000 texts, 200,000 look-ups: what search boxes and agents ask of an organisation
    weights = 1 / np.arange(1, 5_001) ** 1.1
    trace = np.random.default_rng(7).choice(5_000, size=200_000, p=weights / weights.sum()).tolist()
    embedder = HashingEmbedder(dimension=2)
    manager = EmbeddingManager(1_000 * 10, embedder=embedder)
    plain: OrderedDict[int, None] = OrderedDict()
    hits = 0

    for number in trace:
        manager.embed(f"text {number}")
        hits += number in plain
        plain[number] = None
        plain.move_to_end(number)
        if len(plain) > 10_000:
            plain.popitem(last=False)

    stats = manager.stats()
    assert (stats["cache_hits"], stats["cache_misses"]) == (hits, len(trace) - hits)
    assert embedder.texts == stats["cache_misses"]
    assert stats["hit_rate"] > 0.95


def test_a_second_process_does_not_compute_again(embedder):
    shared = InMemorySharedCache()
    first = EmbeddingManager(embedder=embedder, shared_cache=shared, secret=SECRET)
    expected = first.embed_many(["a", "b"], organisation=ONE)
    second = EmbeddingManager(embedder=embedder, shared_cache=shared, secret=SECRET)

    vectors = second.embed_many(["a", "b"], organisation=ONE)

    assert embedder.calls == 1
    np.testing.assert_array_equal(vectors, expected)
    second.embed("a", organisation=ONE)
    assert second.detailed_stats()["l1_hits"] == 1


@pytest.mark.parametrize("value", [b"", b"\x00" * 63, np.full(16, np.nan, "<f4").tobytes()])
def test_invalid_shared_entry_is_a_miss(embedder, value):
    shared = InMemorySharedCache()
    manager = EmbeddingManager(embedder=embedder, shared_cache=shared, secret=SECRET)
    shared.set_many({manager.cache_key("a"): value})

    vector = manager.embed("a")

    np.testing.assert_array_equal(vector, HashingEmbedder(dimension=16).embed(["a"])[0])
    assert manager.stats()["cache_misses"] == 1


def test_a_forgotten_text_is_in_neither_cache(embedder):
    shared = InMemorySharedCache()
    manager = EmbeddingManager(embedder=embedder, shared_cache=shared, secret=SECRET)
    manager.embed_many(["a", "b"], organisation=ONE)

    assert manager.forget(["a", "never seen"], organisation=ONE) is True

    manager.embed_many(["a", "b"], organisation=ONE)
    assert embedder.texts == 3


def test_model_failure_is_unavailable_without_details_and_recovers(caplog):
    failing = Failing(OSError("secret address"))
    manager = EmbeddingManager(embedder=failing)

    with pytest.raises(EmbedderUnavailable) as caught:
        manager.embed_many(["a", "b", "a"])

    assert "secret" not in str(caught.value)
    assert caught.value.code == "embedding.unavailable"
    assert "secret address" in caplog.text
    assert manager.stats()["cache_misses"] == 3
    assert manager.detailed_stats()["model_errors"] == 1
    failing.error = None
    assert manager.embed("a").shape == (16,)


def test_ended_thread_leaves_no_pending_computation():
    failing = Failing(KeyboardInterrupt())
    manager = EmbeddingManager(embedder=failing)

    with pytest.raises(KeyboardInterrupt):
        manager.embed("a")

    failing.error = None
    assert manager.embed("a").shape == (16,)


@pytest.mark.parametrize("shape", [(1, 4), (2, 3), (3,), (0, 3)])
def test_wrong_shape_is_a_mismatch(shape):
    manager = EmbeddingManager(embedder=Answering(np.ones(shape, np.float32)))

    with pytest.raises(DimensionMismatch) as caught:
        manager.embed("a")

    assert caught.value.code == "embedding.dimension_mismatch"


def test_non_finite_values_are_refused():
    manager = EmbeddingManager(embedder=Answering([[1.0, np.inf, 0.0]]))

    with pytest.raises(EmbedderUnavailable):
        manager.embed("a")
