"""Killing those who pack words, and those who write, loses and repeats no posting."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.faults.service import ROOT, Service

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

KILLS = 30
WORK = Path(__file__).with_name("packing_work.py")


@pytest.fixture
def service(tmp_path, monkeypatch):
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    made = Service(tmp_path / "home")
    yield made
    made.close()


def start(service, *arguments):
    environment = service.environment | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(WORK), *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def said_by(process):
    said, _ = process.communicate(timeout=200)
    assert process.returncode == 0
    return said.split()


def test_thirty_kills_of_the_packer_under_load_lose_and_repeat_no_posting(service):
    with psycopg.connect(service.environment["DATABASE_URL"]) as own:
        [(organisation,)] = own.execute("SELECT id::text FROM tenancy_organisation").fetchall()
    writer = start(service, "write", organisation)
    try:
        [at_work] = said_by(start(service, "pack", organisation, str(KILLS)))
        assert writer.poll() is None
    finally:
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
    assert int(at_work) == KILLS
    same, terms = said_by(start(service, "check", organisation))
    assert same == "True"
    assert int(terms) > 10
