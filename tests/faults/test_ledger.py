"""Killing the sequencer at any point keeps the log valid."""

import json
import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest

from accountability import merkle
from accountability.ledger.checkpoint import open_signed, parse_vkey
from tests.faults.service import ROOT, Service, until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

KILLS, WRITERS = 60, 2
WORK = Path(__file__).with_name("ledger_work.py")


@pytest.fixture
def service(tmp_path, monkeypatch):
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    made = Service(tmp_path / "home")
    yield made
    made.close()


def rows(service, organisation, query):
    with psycopg.connect(service.environment["DATABASE_URL"]) as own:
        own.execute("SELECT set_config('liftos.organisation', %s, true)", [organisation])
        return own.execute(query).fetchall()


def start(service, *arguments, **options):
    environment = service.environment | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, str(WORK), *arguments], cwd=ROOT, env=environment, **options)


def test_sixty_kills_of_the_sequencer_under_load_leave_every_record_in_the_log_once(service, tmp_path):
    with psycopg.connect(service.environment["DATABASE_URL"]) as own:
        [(organisation,)] = own.execute("SELECT id::text FROM tenancy_organisation").fetchall()
    files = [tmp_path / f"answered-{number}" for number in range(WRITERS)]
    writers = [start(service, "write", organisation, str(file)) for file in files]
    try:
        until(lambda: all(file.exists() and file.stat().st_size for file in files))
        killer = start(service, "sequence", organisation, str(KILLS), "7", stdout=subprocess.PIPE, text=True)
        said, _ = killer.communicate(timeout=200)
        assert killer.returncode == 0
        # the load went on to the last kill
        assert [writer.poll() for writer in writers] == [None] * WRITERS
    finally:
        for writer in writers:
            os.kill(writer.pid, signal.SIGKILL)
            writer.wait()
    # a kill between two runs would show nothing
    assert int(said) >= KILLS // 2

    worker = service.start_worker()
    waiting = "SELECT count(*) FROM accountability_ledgerpending"
    until(lambda: rows(service, organisation, waiting) == [(0,)])
    service.kill(worker)

    leaves = rows(
        service,
        organisation,
        "SELECT index, decision_id::text, leaf_hash FROM accountability_ledgerleaf ORDER BY 1",
    )
    records = rows(service, organisation, "SELECT id::text FROM accountability_decisionrecord")
    assert [index for index, _, _ in leaves] == list(range(len(records)))
    assert sorted(decision for _, decision, _ in leaves) == sorted(record for (record,) in records)
    # every record that was answered for (a line cut short was not) is there
    answered = {line for file in files for line in file.read_text().split("\n")[:-1]}
    assert len(answered) > 10 * KILLS
    assert answered <= {decision for _, decision, _ in leaves}

    hashes = [bytes(digest) for _, _, digest in leaves]
    key = parse_vkey(json.loads(service.manage("shell", "-c", _PRINT_KEY).splitlines()[-1]))
    checkpoints = rows(
        service, organisation, "SELECT size, text FROM accountability_ledgercheckpoint ORDER BY size"
    )
    assert len(checkpoints) >= KILLS // 2
    assert checkpoints[-1][0] == len(hashes)
    heads = [open_signed(text, key) for _, text in checkpoints]
    for older, newer in pairwise(heads):
        proof = merkle.consistency_proof(hashes, older.size, newer.size)
        assert merkle.verify_consistency(older.size, newer.size, proof, older.root, newer.root)
    assert heads[-1].root == merkle.root_hash(hashes)
    assert "ok:" in service.manage("verify_ledger")


_PRINT_KEY = (
    "import json; from accountability.ledger.signing import verifier_key; print(json.dumps(verifier_key()))"
)
