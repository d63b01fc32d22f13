"""The fake shared cache against the real one: both keep the same contract."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from django.conf import settings
from django_redis import get_redis_connection

from liftos.kernel.embedding import (
    EmbeddingManager,
    HashingEmbedder,
    InMemorySharedCache,
    RedisSharedCache,
    get_manager,
    reset_manager,
    shared_cache,
)

pytestmark = pytest.mark.enable_socket


@pytest.fixture(params=["memory", "redis"])
def cache(request):
    if request.param == "memory":
        return InMemorySharedCache(ttl=60)
    return RedisSharedCache(settings.LIFTOS_EMBEDDING_CACHE_ALIAS, ttl=60)


@pytest.fixture
def key():
    # never the other key that a test makes of it
    return b"\x00" + os.urandom(31)


def test_stored_value_is_found(cache, key):
    cache.set_many({key: b"\x00\xff not text", b"\x01" + key[1:]: b""})

    assert cache.get_many([key]) == [b"\x00\xff not text"]
    assert cache.get_many([b"\x01" + key[1:], bytes(32), key]) == [b"", None, b"\x00\xff not text"]
    assert cache.errors == 0


def test_last_value_wins(cache, key):
    cache.set_many({key: b"old"})
    cache.set_many({key: b"new"})

    assert cache.get_many([key]) == [b"new"]


def test_deleted_value_is_gone(cache, key):
    cache.set_many({key: b"value"})

    assert cache.delete_many([key, bytes(32)]) is True
    assert cache.get_many([key]) == [None]


def test_more_than_one_round_trip_keeps_the_order(cache, key):
    keys = [key[:30] + number.to_bytes(2, "big") for number in range(shared_cache.CHUNK * 2 + 7)]
    cache.set_many({one: one for one in keys[::2]})

    assert cache.get_many(keys) == [one if place % 2 == 0 else None for place, one in enumerate(keys)]
    assert cache.delete_many(keys) is True


def test_vectors_survive_to_the_bit(cache, key):
    vector = HashingEmbedder(dimension=384).embed(["a text"])[0]

    shared_cache.write_vectors(cache, {key: vector})

    np.testing.assert_array_equal(shared_cache.read_vectors(cache, [key], 384)[key], vector)


def test_redis_forgets_at_the_end_of_the_lifetime(key):
    alias = settings.LIFTOS_EMBEDDING_CACHE_ALIAS
    RedisSharedCache(alias, ttl=60).set_many({key: b"value"})

    remaining = get_redis_connection(alias).ttl(shared_cache.KEY_PREFIX + key.hex().encode())

    assert 0 < remaining <= 60


def test_a_second_process_finds_what_the_first_embedded(key):
    program = """
import sys
from django.conf import settings
import json
settings.configure(CACHES=json.loads(sys.argv[1]))
from liftos.kernel.embedding import EmbeddingManager, HashingEmbedder, RedisSharedCache
embedder = HashingEmbedder(dimension=8)
manager = EmbeddingManager(embedder=embedder, shared_cache=RedisSharedCache("embeddings", ttl=60),
                           secret=bytes.fromhex(sys.argv[2]))
manager.embed_many(["a", "b"], organisation="one")
print(embedder.texts)
"""
    alias = settings.LIFTOS_EMBEDDING_CACHE_ALIAS
    caches = json.dumps({"default": settings.CACHES[alias], "embeddings": settings.CACHES[alias]})

    def run():
        arguments = [sys.executable, "-c", program, caches, key.hex()]
        return subprocess.run(arguments, capture_output=True, text=True, check=True).stdout.strip()

    assert [run(), run()] == ["2", "0"]
    embedder = HashingEmbedder(dimension=8)
    here = EmbeddingManager(embedder=embedder, shared_cache=RedisSharedCache(alias, ttl=60), secret=key)
    here.embed("a", organisation="one")
    assert embedder.texts == 0


@pytest.fixture
def fresh_manager():
    reset_manager()
    yield
    reset_manager()


@pytest.mark.usefixtures("fresh_manager")
def test_the_process_has_one_manager_made_from_the_settings(settings):
    settings.LIFTOS_EMBEDDER = "hashing"
    settings.LIFTOS_EMBEDDER_OPTIONS = {"dimension": 12}
    settings.LIFTOS_EMBEDDING_CACHE_SIZE = 50
    settings.LIFTOS_EMBEDDING_CACHE_TTL = 7

    manager = get_manager()

    assert manager is get_manager()
    assert manager.model.dimension == 12
    assert manager.stats()["max_cache_size"] == 50
    assert manager.detailed_stats()["cache_ttl_s"] == 7
    manager.embed("a text")
    assert manager.detailed_stats()["l2_errors"] == 0
    other = EmbeddingManager(50, 7)
    other.embed("a text")
    assert other.detailed_stats()["l2_hits"] == 1
