"""The cache of function results, with a state controlled by the test."""

import threading
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liftos.kernel.caching.change_tokens.queries import Generation
from liftos.kernel.caching.results import FunctionCache, UnkeyableArguments
from liftos.kernel.caching.results.cache import MAX_ENTRY_BYTES
from liftos.kernel.caching.results.keys import canonical
from tests.factories.results import InMemoryResults

ONE, OTHER = UUID(int=1), UUID(int=2)


@dataclass(frozen=True)
class Function:
    name: str = "memory.search"
    version: int = 1
    cacheable: bool = True
    reads: tuple[str, ...] = ("memories",)


class State:
    """A controllable state; `own` as if the reader had written."""

    def __init__(self):
        self.name, self.own, self.asked = "a", False, []

    def __call__(self, *, organisation, things):
        self.asked.append((organisation, tuple(things)))
        return Generation(self.name, is_own=self.own)


@dataclass
class Counted:
    """A function that counts its computations."""

    value: object = field(default_factory=lambda: {"results": [1, 2.0, None, "x"]})
    times: int = 0

    def __call__(self):
        self.times += 1
        return self.value


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def state():
    return State()


def make(state, **more):
    return FunctionCache(**{"secret": b"secret", "generation": state} | more)


def test_a_result_is_computed_once(state):
    cache, compute = make(state), Counted()
    assert cache.call(Function(), ONE, {"q": 1}, compute) == (compute.value, False)
    assert cache.call(Function(), ONE, {"q": 1}, compute) == (compute.value, True)
    assert compute.times == 1
    assert state.asked == [(ONE, ("memories",))] * 2
    assert cache.stats() == {
        "cache_hits": 1, "cache_misses": 1, "cache_hit_rate": 0.5, "cache_size": 1, "max_cache_size": 10_000,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("function", "organisation", "arguments"),
    [
        (Function(name="memory.find"), ONE, {"q": 1}),
        (Function(version=2), ONE, {"q": 1}),
        (Function(), OTHER, {"q": 1}),
        (Function(), ONE, {"q": 1.0}),
        (Function(), ONE, {"q": "1"}),
        (Function(), ONE, {"q": True}),
        (Function(), ONE, {"q": None}),
        (Function(), ONE, {"q": [1]}),
        (Function(), ONE, {}),
        (Function(), ONE, {"q": 1, "r": None}),
    ],
)
def test_any_difference_in_the_call_gives_a_separate_result(state, function, organisation, arguments):
    cache, compute = make(state), Counted()
    cache.call(Function(), ONE, {"q": 1}, compute)
    assert cache.call(function, organisation, arguments, compute)[1] is False
    assert compute.times == 2


def test_the_order_of_members_does_not_matter(state):
    cache, compute = make(state), Counted()
    cache.call(Function(), ONE, {"a": 1, "b": {"c": 2, "d": 3}}, compute)
    assert cache.call(Function(), ONE, {"b": {"d": 3, "c": 2}, "a": 1}, compute)[1] is True


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def typed(value):
    if isinstance(value, dict):
        return ("dict", frozenset((key, typed(member)) for key, member in value.items()))
    if isinstance(value, list):
        return ("list", tuple(typed(member) for member in value))
    return (type(value).__name__, repr(value))


@given(st.dictionaries(st.text(), _JSON, max_size=3), st.dictionaries(st.text(), _JSON, max_size=3))
def test_keys_are_equal_only_for_equal_values_and_types(one, other):
    assert (canonical(one) == canonical(other)) == (typed(one) == typed(other))


@pytest.mark.parametrize("arguments", [{"q": object()}, {"q": float("nan")}, {"q": {1, 2}}])
def test_non_json_arguments_have_no_key(state, arguments):
    with pytest.raises(UnkeyableArguments):
        make(state).call(Function(), ONE, arguments, Counted())


def test_unencodable_text_has_a_key(state):
    cache = make(state)
    cache.call(Function(), ONE, {"q": "\ud800"}, Counted())
    assert cache.call(Function(), ONE, {"q": "\ud800"}, Counted())[1] is True


def test_side_effects_are_never_cached(state):
    cache, compute = make(state), Counted()
    for _ in range(3):
        assert cache.call(Function(cacheable=False), ONE, {}, compute)[1] is False
    assert compute.times == 3
    assert cache.stats()["cache_misses"] == 0


def test_write_to_a_dependency_invalidates_the_result(state):
    cache, compute = make(state), Counted("before")
    cache.call(Function(), ONE, {}, compute)
    state.name, compute.value = "b", "after"
    assert cache.call(Function(), ONE, {}, compute) == ("after", False)
    assert cache.call(Function(), ONE, {}, compute) == ("after", True)


def test_result_after_an_own_uncommitted_write_is_not_shared(state):
    cache, compute = make(state), Counted()
    state.own = True
    assert [cache.call(Function(), ONE, {}, compute)[1] for _ in range(2)] == [False, False]
    state.own = False
    assert cache.call(Function(), ONE, {}, compute)[1] is False
    assert cache.detailed_stats()["uncached"] == 2


def test_failures_are_not_cached(state):
    cache = make(state)

    def fail():
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            cache.call(Function(), ONE, {}, fail)
    assert cache.call(Function(), ONE, {}, Counted())[1] is False
    assert cache.stats()["cache_misses"] == 3


def test_cached_results_are_copies_equal_to_the_computed_one(state):
    cache, compute = make(state), Counted({"id": uuid4(), "list": [1]})
    first, _ = cache.call(Function(), ONE, {}, compute)
    assert first == {"id": str(compute.value["id"]), "list": [1]}
    first["list"].append(2)
    second, found = cache.call(Function(), ONE, {}, compute)
    assert found
    assert second == {"id": str(compute.value["id"]), "list": [1]}


def test_the_least_recently_used_goes_first_and_capacity_holds(state):
    cache = make(state, size=3)
    compute = Counted()
    for q in (1, 2, 3, 1, 4):
        cache.call(Function(), ONE, {"q": q}, compute)
    assert cache.stats()["cache_size"] == 3
    assert [cache.call(Function(), ONE, {"q": q}, compute)[1] for q in (1, 3, 4, 2)] == [
        True,
        True,
        True,
        False,
    ]


def test_a_result_lives_an_hour(state):
    clock = Clock()
    cache = make(state, clock=clock)
    cache.call(Function(), ONE, {}, Counted())
    clock.now = 3599
    assert cache.call(Function(), ONE, {}, Counted())[1] is True
    clock.now = 3600
    assert cache.call(Function(), ONE, {}, Counted())[1] is False


def test_bytes_are_bounded_too(state):
    cache = make(state, max_bytes=1_000)
    for q in range(20):
        cache.call(Function(), ONE, {"q": q}, Counted("x" * 98))
        assert cache.detailed_stats()["cache_bytes"] <= 1_000
    assert cache.stats()["cache_size"] == 10
    cache.call(Function(), ONE, {"q": "large"}, Counted("x" * 2_000))
    assert cache.stats()["cache_size"] == 10


def test_oversized_result_is_not_cached(state):
    cache = make(state, shared=InMemoryResults())
    value = "x" * MAX_ENTRY_BYTES
    assert [cache.call(Function(), ONE, {}, Counted(value))[1] for _ in range(2)] == [False, False]


def test_processes_share_results(state):
    shared, compute = InMemoryResults(), Counted()
    first, second, stranger = (
        make(state, shared=shared), make(state, shared=shared), make(state, shared=shared, secret=b"other"),
    )  # fmt: skip
    first.call(Function(), ONE, {}, compute)
    assert second.call(Function(), ONE, {}, compute) == (compute.value, True)
    assert second.detailed_stats()["shared_hits"] == 1
    assert stranger.call(Function(), ONE, {}, compute)[1] is False


def test_forget_clears_local_and_shared_cache(state):
    shared = InMemoryResults()
    first, second = make(state, shared=shared), make(state, shared=shared)
    first.call(Function(), ONE, {}, Counted())
    first.call(Function(), OTHER, {}, Counted())
    assert first.forget(ONE) is True
    assert second.call(Function(), ONE, {}, Counted())[1] is False
    assert second.call(Function(), OTHER, {}, Counted())[1] is True


def test_concurrent_calls_compute_once(state):
    cache, release, asking = make(state), threading.Event(), threading.Barrier(21)
    compute = Counted()

    def slow():
        release.wait(20)
        return compute()

    answers = []

    def ask():
        asking.wait(20)
        answers.append(cache.call(Function(), ONE, {}, slow))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    asking.wait(20)
    release.set()
    for thread in threads:
        thread.join(20)
    assert compute.times == 1
    assert sorted(found for _, found in answers) == [False] + [True] * 19
    assert all(value == compute.value for value, _ in answers)
    stats = cache.stats()
    assert (stats["cache_hits"], stats["cache_misses"]) == (19, 1)


def test_waiter_of_a_failed_computation_computes_itself(state):
    cache, begun, release = make(state), threading.Event(), threading.Event()

    def fail():
        begun.set()
        release.wait(20)
        raise ValueError

    def lead():
        with pytest.raises(ValueError):
            cache.call(Function(), ONE, {}, fail)

    leader = threading.Thread(target=lead)
    leader.start()
    assert begun.wait(20)
    answers = []
    follower = threading.Thread(
        target=lambda: answers.append(cache.call(Function(), ONE, {}, Counted("mine")))
    )
    follower.start()
    release.set()
    leader.join(20)
    follower.join(20)
    assert answers == [("mine", False)]


def test_counts_are_exact_under_threads(state):
    cache = make(state, size=20)

    def work(seed):
        for number in range(2_000):
            q = (number * seed) % 37
            assert cache.call(Function(), ONE, {"q": q}, lambda q=q: q)[0] == q

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 5, 7, 11)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    stats = cache.stats()
    assert stats["cache_hits"] + stats["cache_misses"] == 8_000
    assert stats["cache_size"] <= 20


def test_forged_shared_result_is_ignored(state):
    class Tampered(InMemoryResults):
        def get(self, key):
            sealed = super().get(key)
            return None if sealed is None else sealed[:-1] + b"7"

    shared = Tampered()
    make(state, shared=shared).call(Function(), ONE, {}, Counted(1))
    assert make(state, shared=shared).call(Function(), ONE, {}, Counted(2)) == (2, False)


def test_sealed_result_opens_only_with_its_key(state):
    cache = make(state)
    key, other = b"k" * 32, b"l" * 32
    sealed = cache._seal(key, b"1")
    assert (cache._open(key, sealed), cache._open(other, sealed), cache._open(key, b"1")) == (
        b"1",
        None,
        None,
    )
