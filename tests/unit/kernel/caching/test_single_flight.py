"""Single flight: computing, waiting, and errors for waiters."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from liftos.kernel.caching.single_flight import SingleFlight
from liftos.kernel.errors import InvalidInput

WAIT_S = 20


def nothing(key):
    del key


def test_keys_are_split_into_own_pending_and_found():
    flights = SingleFlight()
    first = flights.claim(["a", "b"], nothing)
    second = flights.claim(["b", "c", "d"], {"d": 4}.get)
    assert (first.flight.keys, first.others, first.found) == (["a", "b"], {}, {})
    assert (second.flight.keys, second.others, second.found) == (["c"], {"b": first.flight}, {"d": 4})


def test_a_landed_key_is_free_again():
    flights = SingleFlight()
    first = flights.claim(["a"], nothing)
    flights.land(first.flight, {"a": 1})
    assert flights.claim(["a"], nothing).flight.keys == ["a"]
    assert first.flight.wait("a", WAIT_S) == 1


def test_each_waiter_gets_its_own_exception():
    flights = SingleFlight()
    leader = flights.claim(["a"], nothing)
    others = [flights.claim(["a"], nothing).others["a"] for _ in range(2)]
    error = InvalidInput("no such model")
    flights.land(leader.flight, {}, error)
    raised = []
    for other in others:
        with pytest.raises(InvalidInput, match="no such model") as caught:
            other.wait("a", WAIT_S)
        raised.append(caught.value)
    assert raised[0] is not raised[1]
    assert error not in raised


def test_uncomputed_or_late_key_is_none():
    flights = SingleFlight()
    leader = flights.claim(["a"], nothing)
    assert leader.flight.wait("a", 0.01) is None
    flights.land(leader.flight, {})
    assert leader.flight.wait("a", WAIT_S) is None


def test_each_key_is_computed_once_among_threads():
    """The cache is read again under the lock, so a key that just landed is not computed again."""
    flights, cache, computed = SingleFlight(), {}, []
    start = threading.Barrier(8)

    def ask(number):
        start.wait(WAIT_S)
        answers = []
        for key in range(500):
            key = key if number % 2 else 499 - key
            claim = flights.claim([key], cache.get)
            if claim.flight.keys:
                computed.append(key)
                cache[key] = key * 2 + 1
                flights.land(claim.flight, {key: cache[key]})
                answers.append(cache[key])
            else:
                answers.append(claim.found.get(key) or claim.others[key].wait(key, WAIT_S))
        return sorted(answers)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert answers == [[key * 2 + 1 for key in range(500)]] * 8
    assert sorted(computed) == list(range(500))
