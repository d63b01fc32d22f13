"""kill -9 during imports and erasures: each batch and each erasure is complete or absent."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psycopg
import pytest

from tests.faults.service import ROOT, Service, until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
LINES = 6_000


@pytest.fixture(scope="module")
def service():
    with pytest.MonkeyPatch.context() as environment:
        for name in ("DATABASE_URL", "REDIS_URL"):
            environment.delenv(name, raising=False)
        home = Path(tempfile.mkdtemp(prefix="liftos-life-"))
        running = Service(home, LIFTOS_EMBEDDER="hashing", LIFTOS_EMBEDDER_OPTIONS='{"dimension": 384}')
        try:
            yield running
        finally:
            running.close()
            shutil.rmtree(home)


def everything(service, organisation):
    """Return the contents of all memories, by the export."""
    path = service.home / f"out-{time.monotonic_ns()}"
    service.manage("export_memories", organisation, str(path), "--without-vectors")
    return [json.loads(line)["content"] for line in path.read_text().splitlines()[1:]]


def stored(service, organisation):
    """Return how many memories an organisation has."""
    with psycopg.connect(service.environment["DATABASE_URL"]) as own:
        [(number,)] = own.execute(
            "SELECT id::text FROM tenancy_organisation WHERE slug = %s", [organisation]
        ).fetchall()
        own.execute("SELECT set_config('liftos.organisation', %s, true)", [number])
        return own.execute("SELECT count(*) FROM memory_memory").fetchone()[0]


def organisation(service, name):
    made = json.loads(service.manage("create_organisation", name, "--json"))
    service.key = made["api_key"]
    return made["org"]


def test_killed_import_resumes_and_stores_each_line_once(service):
    org = organisation(service, "Import Ltd")
    path = service.home / "plain.jsonl"
    path.write_text(
        "".join(json.dumps({"content": f"fact number {number}"}) + "\n" for number in range(LINES))
    )
    command = [sys.executable, "manage.py", "import_memories", org, str(path)]
    for _ in range(3):
        before = stored(service, org)
        process = subprocess.Popen(
            command, cwd=ROOT, env=service.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        # a kill before anything is stored would show nothing, nor one at the end
        until(lambda before=before: stored(service, org) > before, seconds=90)
        assert process.poll() is None
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert stored(service, org) < LINES
    counts = json.loads(service.manage("import_memories", org, str(path), "--json"))
    assert counts["stored"] + counts["skipped"] == LINES
    assert sorted(everything(service, org)) == sorted(f"fact number {number}" for number in range(LINES))
    service.manage("verify_ledger", org)


def test_killed_erasures_are_complete_or_absent(service):
    org = organisation(service, "Erase Ltd")
    web = service.start_web()
    ids = [service.store(f"secret number {number}")["memory_id"] for number in range(60)]
    answered, some_are_gone = [], threading.Event()

    def erase(some):
        for memory in some:
            try:
                status, body = service.request("DELETE", f"/api/v1/memories/{memory}")
            except (OSError, ValueError, EOFError):
                return
            if status == 200:
                answered.append((memory, body["erasure_id"]))
            if len(answered) >= 6:
                some_are_gone.set()

    threads = [threading.Thread(target=erase, args=(ids[start::3],)) for start in range(3)]
    for thread in threads:
        thread.start()
    assert some_are_gone.wait(60)
    service.kill(web)
    for thread in threads:
        thread.join()
    service.start_web()
    left = everything(service, org)
    for memory, receipt in answered:
        assert service.request("GET", f"/api/v1/erasures/{receipt}")[1]["memory_id"] == memory
        assert service.request("GET", f"/api/v1/memories/{memory}")[0] == 404
    still = [memory for memory in ids if service.request("GET", f"/api/v1/memories/{memory}")[0] == 200]
    assert len(left) == len(still)
    assert len(answered) < len(ids)
    # what is there is whole: each is found by its words
    found = {
        hit
        for number in range(60)
        for hit in service.found(f"secret number {number}", "knowledge")
        if hit == f"secret number {number}"
    }
    assert found == set(left)
    service.manage("verify_ledger", org)
