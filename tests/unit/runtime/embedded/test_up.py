"""The message of `make up` about the running Redis."""

import pytest

from liftos.runtime.embedded import up
from liftos.runtime.embedded.postgres import Postgres
from liftos.runtime.embedded.redis import Redis


@pytest.mark.parametrize(
    ("running", "shown"),
    [
        (("Valkey", (9, 1, 2)), ["Redis: Valkey 9.1.2"]),
        (
            ("Redis", (6, 2, 14)),
            [
                "Redis: Redis 6.2.14",
                "warning: Redis 6.2.14 is older than the security fixes of 2024 and 2025",
            ],
        ),
        (None, []),
    ],
)
def test_outdated_server_gives_one_warning(tmp_path, monkeypatch, running, shown):
    monkeypatch.setattr(Redis, "running", lambda self: running)
    monkeypatch.setattr(up, "wanted_servers", lambda home: [kind(home, None) for kind in (Postgres, Redis)])
    lines = []

    class Console:
        show = lines.append

    up._tell_redis(Console, tmp_path)

    assert len(lines) == len(shown)
    assert all(line.startswith(start) for line, start in zip(lines, shown, strict=True))
    assert not any("\n" in line for line in lines)
