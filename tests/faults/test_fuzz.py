"""Property tests of the whole API from its schema, as two organisations alternately."""

import json
import os
import subprocess
import sys
import uuid

import pytest

from tests.faults.service import ROOT, Service

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

CHECKS = (
    "not_a_server_error,response_schema_conformance,status_code_conformance,content_type_conformance,"
    "no_foreign_data,no_inner_text"
)


@pytest.fixture
def service(tmp_path, monkeypatch):
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    made = Service(tmp_path / "home")
    yield made
    made.close()


def fuzz(service, key, *, foreign="", ids=(), seed, only=()):
    """Run schemathesis; return its exit code and the start of its findings."""
    done = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{service.port}/openapi.json",
            "--header", f"X-Api-Key: {key}", "--checks", CHECKS, "--phases", "examples,coverage,fuzzing",
            "--max-examples", "15", "--seed", str(seed), "--no-color", "--continue-on-failure",
            # it never ends
            "--exclude-path", "/api/v1/events/stream",
            *only,
        ],
        # it leaves notes of what it found where it runs
        cwd=service.home,
        env=os.environ
        | {
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": "tests.faults.fuzz_hooks",
            "LIFTOS_FUZZ_FOREIGN": foreign,
            "LIFTOS_FUZZ_IDS": ",".join(ids),
        },
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    shown = "\n".join(line[:300] for line in done.stdout.splitlines())[:8_000]
    # a run in which everything was skipped would prove nothing
    assert "Test cases:" in done.stdout, shown
    return done.returncode, shown


def test_no_500_and_no_data_of_the_other_organisation(service):
    service.start_web()
    service.start_worker()
    secret = f"secret-{uuid.uuid4().hex}"
    other = json.loads(service.manage("create_organisation", "Other Ltd", "--json"))["api_key"]
    ids = [service.store(f"{secret} {turn}")["memory_id"] for turn in range(5)]
    _, decisions = service.request("GET", "/api/v1/decisions?limit=5")
    ids += [each["id"] for each in decisions["results"]]
    listing = ("--include-path", "/api/v1/memories", "--include-method", "GET")
    code, shown = fuzz(service, service.key, foreign=secret, ids=ids, seed=0, only=listing)
    assert code != 0, "it would not notice"
    assert "another organisation's data" in shown
    for key, foreign in ((service.key, ""), (other, secret)):
        code, shown = fuzz(service, key, foreign=foreign, ids=ids if foreign else (), seed=1)
        assert code == 0, shown
    # and the first one's memories are as they were
    assert {service.request("GET", f"/api/v1/memories/{each}")[0] for each in ids[:5]} <= {200, 404}
    assert "ok" in service.manage("verify_ledger")
