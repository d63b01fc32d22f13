"""`bench http` starts a whole service and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.service import ROOT, until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

COMMAND = [sys.executable, "manage.py", "bench", "http", "--json", "--chroma=none"]
TINY = ["--memories=300", "--organisations=12", "--queries=4"]


def bench(home, *options):
    environment = os.environ | {"LIFTOS_HOME": str(home)}
    return subprocess.Popen(
        [*COMMAND, *options],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # a shell's background jobs, this test perhaps among them, are started deaf to Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  one thread here
    )


def processes_below(home) -> list[str]:
    """Return the command lines of all processes whose environment or arguments name a directory below a home."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                said = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if f"{home}/bench/http-".encode() in said:
                found.append(said.decode("utf-8", "replace")[-200:])
    return found


def test_a_small_run_measures_the_service_and_leaves_nothing(tmp_path):
    process = bench(tmp_path, *TINY)
    out, _ = process.communicate(timeout=280)
    assert process.returncode == 0
    figures = {line["metric"]: line for line in map(json.loads, out.splitlines())}
    assert figures["neural over HTTP, 150 memories: recall@10"]["value"] == 1.0
    assert figures["cached query, 150 memories, 1 in flight: p50"]["value"] > 0
    assert "our throughput over Chroma's without any filter, 8 in flight" not in figures
    assert list((tmp_path / "bench").iterdir()) == []
    assert processes_below(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_that_it_started(tmp_path, number):
    process = bench(tmp_path, "--memories=20000", "--organisations=12")
    until(lambda: any((tmp_path / "bench").glob("http-*/credentials.json")), seconds=90)
    time.sleep(1)  # somewhere in the middle of loading

    process.send_signal(number)

    assert process.wait(90) != 0
    assert list((tmp_path / "bench").iterdir()) == []
    assert processes_below(tmp_path) == []
    process.stdout.close()
