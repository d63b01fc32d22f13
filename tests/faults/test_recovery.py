"""A backup of a service in use, restored elsewhere: the log verifies and continues, and search answers the same."""

import json
import shutil
import subprocess
import threading
from copy import copy
from pathlib import Path

import pytest

from liftos.runtime import embedded
from tests.faults.service import Service, until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

TEXTS = ["Rain lifts sales of boots", "Search ads cost more in autumn", "Loyal customers buy jackets twice"]
QUERIES = ["weather and shoes", "paid search", "returning customers", "boots"]


@pytest.fixture
def places(tmp_path, monkeypatch):
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    made = []

    def make(name: str, **options) -> Service:
        made.append(Service(tmp_path / name, **options))
        return made[-1]

    yield make
    for service in made:
        service.close()


def answers(service):
    """Return a service's search results, scores included."""
    found = []
    for query in QUERIES:
        status, body = service.request("POST", "/api/v1/search", {"query": query, "limit": 5})
        assert status == 200, body
        found.append([(hit["id"], round(hit["score"], 6)) for hit in body["results"]])
    return found


def by_hand(service, *arguments: str) -> str:
    """Run a command as an operator would; it finds the embedded servers itself."""
    named = ("DATABASE_URL", "LIFTOS_OWNER_DATABASE_URL", "REDIS_URL")
    kept = service.environment
    service.environment = {name: value for name, value in kept.items() if name not in named}
    try:
        return service.manage(*arguments)
    finally:
        service.environment = kept


def test_backup_under_writes_restores_completely(places, tmp_path):
    first = places("first")
    web = first.start_web()
    for text in TEXTS:
        first.store(text)
    first.store("This was never true")
    _, listed = first.request("GET", "/api/v1/memories")
    wrong = next(each["id"] for each in listed["results"] if "never" in each["content"])
    assert first.request("POST", f"/api/v1/memories/{wrong}/reject", {})[0] == 200
    before = answers(first)
    other = copy(first)
    other.key = json.loads(first.manage("create_organisation", "Busy Ltd", "--json"))["api_key"]
    ended = threading.Event()

    def write() -> None:
        turn = 0
        while not ended.is_set():
            other.store(f"written meanwhile {turn}")
            turn += 1

    writer = threading.Thread(target=write)
    writer.start()
    backup = tmp_path / "backup"
    # as `make up` does: or the command would stop the servers that nobody else uses
    lease = embedded.hold(first.home)
    told = by_hand(first, "backup", str(backup), "--with-keys")
    ended.set()
    writer.join()
    lease.release()
    assert "tables" in told
    assert (backup / "database.dump").stat().st_mode & 0o077 == 0
    first.kill(web)

    second = places("second", migrate=False)
    told = by_hand(second, "restore", str(backup))
    assert "ok" in told
    assert "BAD" not in told
    second.key = first.key
    lease = embedded.hold(second.home)
    second.start_web()
    assert answers(second) == before
    # the keys came along: the value stays rejected, and the log is signed on
    assert second.request("POST", "/api/v1/memories", {"content": "this was NEVER true"})[0] == 409
    second.start_worker()
    _, made = second.request(
        "POST", "/api/v1/decisions", {"operation": "o", "reasoning": "r", "wait": "integrated"}
    )
    assert made["index"] is not None
    until(lambda: "ok" in second.manage("verify_ledger"))
    lease.release()


def test_incomplete_backup_is_refused(places, tmp_path):
    service = places("only")
    backup = tmp_path / "backup"
    by_hand(service, "backup", str(backup))
    assert not (backup / "keys").exists()

    def refused(*arguments: str) -> str:
        with pytest.raises(subprocess.CalledProcessError) as caught:
            by_hand(service, *arguments)
        return caught.value.stderr

    assert "is not empty" in refused("backup", str(backup))
    assert "already has tables" in refused("restore", str(backup))
    assert "is not a backup" in refused("restore", str(tmp_path / "nowhere"))
    dump = backup / "database.dump"
    broken = bytearray(dump.read_bytes())
    broken[len(broken) // 2] ^= 1
    dump.write_bytes(broken)
    assert "is damaged" in refused("restore", str(backup))
    manifest = json.loads((backup / "manifest.json").read_text())
    (backup / "manifest.json").write_text(json.dumps(manifest | {"format": "other/9"}))
    assert "unknown format other/9" in refused("restore", str(backup))
    shutil.rmtree(backup)
    assert not Path(f"{backup}.part").exists()
