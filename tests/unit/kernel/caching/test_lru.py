"""The in-process cache: capacity, order of eviction, lifetime."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liftos.kernel.caching.lru import LruTtlCache


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def filled(capacity, clock):
    cache = LruTtlCache(capacity, 3600, clock)
    for number in range(capacity):
        cache.put(number, f"value {number}")
    return cache


@pytest.mark.parametrize(
    "touch", [lambda cache: cache.get(0), lambda cache: cache.get_many([0])], ids=["get", "get_many"]
)
def test_reading_an_entry_protects_it_from_eviction(clock, touch):
    cache = filled(10_000, clock)

    touch(cache)
    cache.put("new", "value")

    assert len(cache) == 10_000
    assert cache.get(0) == "value 0"
    assert cache.get(1) is None
    assert cache.get(2) == "value 2"


def test_rewriting_makes_an_entry_the_newest_and_renews_its_life(clock):
    cache = filled(3, clock)
    clock.now = 10

    cache.put(0, "again")
    cache.put("new", "value")
    clock.now = 3605

    assert cache.get(0) == "again"
    assert cache.get(1) is None


def test_an_entry_lives_until_exactly_its_lifetime(clock):
    cache = LruTtlCache(10, 3600, clock)
    cache.put("a", "value")

    clock.now = 3599
    assert cache.get("a") == "value"
    clock.now = 3600
    assert cache.get("a") is None


def test_reading_does_not_lengthen_a_life(clock):
    cache = LruTtlCache(10, 3600, clock)
    cache.put("a", "value")
    for clock.now in (1000, 2000, 3000):
        cache.get("a")

    clock.now = 3600

    assert cache.get("a") is None


@pytest.mark.parametrize("how", ["read", "counted", "written beside"])
def test_an_expired_entry_leaves_no_trace(clock, how):
    cache = LruTtlCache(10, 3600, clock)
    cache.put("a", "value")
    clock.now = 3600

    if how == "read":
        cache.get("a")
    elif how == "counted":
        assert len(cache) == 0
    else:
        cache.put("b", "value")

    assert "a" not in cache._by_use
    assert "a" not in cache._by_age


def test_expired_entries_are_evicted_first(clock):
    cache = LruTtlCache(2, 100, clock)
    cache.put("old", "value")
    clock.now = 50
    cache.put("young", "value")
    cache.get("old")  # the most recently used, and soon dead
    clock.now = 100

    cache.put("new", "value")

    assert cache.get("young") == "value"


def test_capacity_zero_keeps_nothing(clock):
    cache = LruTtlCache(0, 100, clock)

    cache.put("a", "value")

    assert cache.get("a") is None
    assert len(cache) == 0


@pytest.mark.parametrize(("capacity", "ttl"), [(-1, 1), (1, 0), (1, -1), (1, float("nan"))])
def test_invalid_limits_are_refused(capacity, ttl):
    with pytest.raises(ValueError, match="capacity"):
        LruTtlCache(capacity, ttl)


class Same:
    """A key with a constant hash."""

    def __init__(self, name):
        self.name = name

    def __hash__(self):
        return 1

    def __eq__(self, other):
        return self.name == other.name


def test_keys_of_equal_hash_have_their_own_entries(clock):
    cache = LruTtlCache(10, 100, clock)

    cache.put(Same("a"), "value a")
    cache.put(Same("b"), "value b")

    assert cache.get_many([Same("a"), Same("b")]) == ["value a", "value b"]


operations = st.lists(
    st.tuples(
        st.sampled_from(["put", "get", "wait", "drop"]), st.lists(st.integers(0, 9), min_size=1, max_size=8)
    ),
    max_size=40,
)


@given(capacity=st.integers(1, 6), operations=operations)
def test_cache_matches_a_reference_implementation(capacity, operations):
    clock = Clock()
    cache = LruTtlCache(capacity, 10, clock)
    plain: dict[int, float] = {}  # when each was written, in order of use
    for name, keys in operations:
        if name == "wait":
            clock.now += keys[0]
        plain = {key: born for key, born in plain.items() if clock.now - born < 10}
        if name == "put":
            cache.put_many(dict.fromkeys(keys, "value"))
            for key in dict.fromkeys(keys):
                if key not in plain and len(plain) == capacity:
                    del plain[next(iter(plain))]
                plain.pop(key, None)
                plain[key] = clock.now
        elif name == "get":
            found = cache.get_many(keys)
            for key, value in zip(keys, found, strict=True):
                assert (value is not None) == (key in plain)
                if key in plain:
                    plain[key] = plain.pop(key)
        elif name == "drop":
            cache.drop_many(keys)
            for key in keys:
                plain.pop(key, None)
        assert len(cache) == len(plain)
        assert list(cache._by_use) == list(plain)
        assert len(cache) <= capacity
        assert cache._by_use.keys() == cache._by_age.keys()


def test_fetch_computes_missing_values_and_does_not_cache_none(clock):
    cache, made = LruTtlCache(2, 10, clock), []

    def make(value):
        return lambda: made.append(value) or value

    assert [cache.fetch("a", make(None)), cache.fetch("a", make(1)), cache.fetch("b", make(2))] == [
        None,
        None,
        2,
    ]
    clock.now += 10
    assert cache.fetch("a", make(3)) == 3
    assert made == [None, 2, 3]


def test_an_entry_without_a_lifetime_stays(clock):
    cache = LruTtlCache(2, math.inf, clock)
    cache.put("a", 1)
    clock.now += 1e12
    assert cache.get("a") == 1
    cache.put_many({"b": 2, "c": 3})
    assert cache.get_many("abc") == [None, 2, 3]


def test_failed_fetch_leaves_no_entry(clock):
    cache = LruTtlCache(2, 10, clock)
    with pytest.raises(ZeroDivisionError):
        cache.fetch("a", lambda: 1 // 0)
    assert (len(cache), cache.fetch("a", lambda: 1)) == (0, 1)
