"""The fake store of results against the real one: both keep the same contract."""

import os
from uuid import uuid4

import pytest

from liftos.kernel.caching.results import RedisResults
from liftos.kernel.caching.results.shared import PREFIX
from tests.factories.results import InMemoryResults

pytestmark = pytest.mark.enable_socket


@pytest.fixture(params=["memory", "redis"])
def results(request):
    return (
        InMemoryResults(capacity=3)
        if request.param == "memory"
        else RedisResults("default", ttl=60, capacity=3)
    )


@pytest.fixture
def organisations():
    return uuid4(), uuid4()


def new_key():
    return os.urandom(32)


def test_stored_value_is_found(results, organisations):
    key = new_key()
    results.put(organisations[0], key, b"\x00\xff not text")
    assert (results.get(key), results.get(new_key())) == (b"\x00\xff not text", None)
    results.put(organisations[0], key, b"")
    assert results.get(key) == b""
    assert results.errors == 0


def test_number_per_organisation_is_bounded_oldest_first(results, organisations):
    keys = [new_key() for _ in range(5)]
    others = new_key()
    results.put(organisations[1], others, b"other")
    for key in keys:
        results.put(organisations[0], key, b"v")
    assert [results.get(key) for key in keys] == [None, None, b"v", b"v", b"v"]
    assert results.get(others) == b"other"


def test_forget_removes_only_the_organisations_results(results, organisations):
    keys = [new_key() for _ in range(3)]
    results.put(organisations[0], keys[0], b"a")
    results.put(organisations[0], keys[1], b"b")
    results.put(organisations[1], keys[2], b"c")
    assert results.forget(organisations[0]) is True
    assert [results.get(key) for key in keys] == [None, None, b"c"]
    assert results.forget(organisations[0]) is True


def test_redis_forgets_at_the_end_of_the_lifetime(organisations):
    from django_redis import get_redis_connection

    key = new_key()
    RedisResults("default", ttl=60).put(organisations[0], key, b"v")
    client = get_redis_connection("default")
    assert 0 < client.ttl(PREFIX + key.hex()) <= 60
    # the list of keys outlives every key in it, so that an erasure finds them
    assert 60 < client.ttl(f"{PREFIX}of:{organisations[0]}") <= 120


def test_unavailable_redis_is_a_miss(organisations):
    def connect():
        raise ConnectionError

    results = RedisResults("default", ttl=60, connect=connect)
    results.put(organisations[0], b"k" * 32, b"v")
    assert results.get(b"k" * 32) is None
    assert results.forget(organisations[0]) is False
    assert results.errors == 1  # left alone after the first


def test_the_process_has_one_cache_made_from_the_settings(settings, organisations):
    from liftos.kernel.caching.results import get_function_cache, reset_function_cache

    settings.LIFTOS_FUNCTION_CACHE_SIZE = 50
    reset_function_cache()
    try:
        assert get_function_cache() is get_function_cache()
        assert get_function_cache().stats()["max_cache_size"] == 50
    finally:
        reset_function_cache()
