"""A failing Redis does not affect callers and is not retried at once."""

import pytest

from liftos.kernel.embedding import EmbeddingManager, HashingEmbedder, NullSharedCache, RedisSharedCache

KEY = b"k" * 32


class Down:
    """A client whose server is down until told otherwise."""

    def __init__(self):
        self.tries = 0
        self.down = True

    def __call__(self):
        return self

    def get(self, _name):
        self.tries += 1
        if self.down:
            raise ConnectionError("redis://:hush@host")
        return b"value"

    mget = unlink = get

    def pipeline(self, **_options):
        return self.get("")


@pytest.fixture
def client():
    return Down()


def test_every_failure_is_a_miss_and_counted(client, caplog):
    cache = RedisSharedCache("", ttl=10, pause_s=0, connect=client)

    assert cache.get_many([KEY]) == [None]
    assert cache.get_many([KEY, KEY]) == [None, None]
    cache.set_many({KEY: b"value"})
    assert cache.delete_many([KEY]) is False

    assert cache.errors == 4
    assert "hush" not in caplog.text


def test_after_a_failure_redis_is_skipped_for_a_while(client):
    now = 0.0
    cache = RedisSharedCache("", ttl=10, pause_s=5, clock=lambda: now, connect=client)
    cache.get_many([KEY])

    now = 4.9
    cache.get_many([KEY])
    assert client.tries == 1

    now = 5.0
    cache.get_many([KEY])
    cache.get_many([KEY])
    assert client.tries == 2

    now, client.down = 10.0, False
    assert cache.get_many([KEY]) == [b"value"]
    assert cache.get_many([KEY]) == [b"value"]
    assert (client.tries, cache.errors) == (4, 2)


def test_only_one_caller_probes_for_recovery(client):
    now = 0.0
    cache = RedisSharedCache("", ttl=10, pause_s=5, clock=lambda: now, connect=client)
    cache.get_many([KEY])
    now, client.down = 5.0, False
    others = []

    class Meanwhile(Down):
        def get(self, _name):
            others.append(cache.get_many([KEY]))
            return b"value"

    cache._connect = Meanwhile()

    assert cache.get_many([KEY]) == [b"value"]
    assert others == [[None]]


def test_redis_failure_does_not_affect_embedding(client):
    embedder = HashingEmbedder(dimension=4)
    cache = RedisSharedCache("", ttl=10, connect=client)
    manager = EmbeddingManager(embedder=embedder, shared_cache=cache, secret=b"secret")

    manager.embed("a")
    manager.embed("a")

    assert embedder.calls == 1
    assert manager.detailed_stats()["l2_errors"] == 1


def test_empty_lookup_sends_nothing(client):
    cache = RedisSharedCache("", ttl=10, connect=client)

    assert cache.get_many([]) == []
    cache.set_many({})
    assert cache.delete_many([]) is True

    assert client.tries == 0


def test_the_null_cache_keeps_nothing():
    cache = NullSharedCache()
    cache.set_many({KEY: b"value"})

    assert cache.get_many([KEY]) == [None]
    assert cache.delete_many([KEY]) is True
