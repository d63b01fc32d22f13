import threading
from dataclasses import replace
from uuid import uuid4

import pytest

from liftos.kernel.tenancy import known_keys
from liftos.kernel.tenancy.known_keys import KEEP_SECONDS, KnownKeys
from liftos.kernel.tenancy.queries import KeyRecord


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def database(monkeypatch):
    """A fake get_key_record by prefix that counts its calls."""
    rows: dict[str, KeyRecord] = {}
    asked = []

    def get(prefix):
        asked.append(prefix)
        return rows.get(prefix)

    monkeypatch.setattr(known_keys, "get_key_record", get)
    rows["a"] = KeyRecord(uuid4(), uuid4(), "acme", b"", [], None, None, None)
    return rows, asked


def test_key_is_looked_up_once_a_second(database):
    rows, asked = database
    clock = Clock()
    keys = KnownKeys(clock)
    assert keys.get("a") is keys.get("a") is rows["a"]
    assert asked == ["a"]
    clock.now += KEEP_SECONDS
    keys.get("a")
    assert asked == ["a", "a"]


def test_unknown_key_is_looked_up_every_time(database):
    rows, _asked = database
    keys = KnownKeys(Clock())
    assert keys.get("new") is None
    rows["new"] = rows["a"]
    assert keys.get("new") is rows["a"]


def test_forgotten_key_is_looked_up_again(database):
    rows, _asked = database
    keys = KnownKeys(Clock())
    keys.get("a")
    rows["a"] = replace(rows["a"], slug="changed")
    keys.forget("a")
    assert keys.get("a").slug == "changed"


def test_stale_read_is_not_cached_after_a_change(database, monkeypatch):
    rows, _ = database
    keys = KnownKeys(Clock())
    reading, changed = threading.Event(), threading.Event()
    before = rows["a"]

    def slow(prefix):
        reading.set()
        changed.wait(10)
        return before

    monkeypatch.setattr(known_keys, "get_key_record", slow)
    reader = threading.Thread(target=keys.get, args=("a",))
    reader.start()
    reading.wait(10)
    keys.forget("a")
    changed.set()
    reader.join()
    after = replace(before, slug="changed")
    monkeypatch.setattr(known_keys, "get_key_record", lambda prefix: after)
    assert keys.get("a").slug == "changed"
