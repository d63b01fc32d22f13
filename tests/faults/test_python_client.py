"""The Python client as its users get it: built, installed into a fresh environment, its README run against a service."""

import json
import os
import signal
import subprocess
import sys
import threading
import venv

import pytest
from liftos_client import Client, Retries, Unreachable, local

from tests.faults.service import ROOT, Service

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
CLIENT = ROOT / "clients" / "python"


@pytest.fixture
def service(tmp_path, monkeypatch):
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    made = Service(tmp_path / "home")
    yield made
    made.close()


def run(*command, **environment):
    done = subprocess.run(
        command,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]} | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_installs_and_its_readme_is_true(service, tmp_path):
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tmp_path / "dist"), str(CLIENT))
    (wheel,) = (tmp_path / "dist").glob("liftos_client-*.whl")
    fresh = tmp_path / "fresh"
    venv.create(fresh, with_pip=True)
    python = str(fresh / "bin" / "python")
    run(python, "-m", "pip", "install", "-q", str(wheel))
    assert "py.typed" in run(
        python, "-c", "import liftos_client, os; print(os.listdir(liftos_client.__path__[0]))"
    )
    service.start_web()
    reached = {"LIFTOS_URL": f"http://127.0.0.1:{service.port}", "LIFTOS_API_KEY": service.key}
    run(python, "-m", "doctest", str(CLIENT / "README.md"), **reached)
    command = str(fresh / "bin" / "liftos")
    assert json.loads(run(command, "status", **reached))["ready"] is True
    assert json.loads(run(command, "remember", "said in a shell", **reached))["outcome"] == "stored"
    assert (
        json.loads(run(command, "recall", "shell", "--limit", "1", **reached))["content"] == "said in a shell"
    )


def test_tail_follows_decisions_until_interrupted(service):
    service.start_web()
    # its relay puts the events in order
    service.start_worker()
    environment = service.environment | {
        "LIFTOS_URL": f"http://127.0.0.1:{service.port}", "LIFTOS_API_KEY": service.key,
        "PYTHONPATH": str(CLIENT / "src"), "PYTHONUNBUFFERED": "1",
    }  # fmt: skip
    command = [
        sys.executable,
        "-m",
        "liftos_client.cli",
        "tail",
        "--operation",
        "memory.store",
    ]
    process = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        # a shell starts its background commands, such as this run of tests, with interrupts ignored, and children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  one thread here
    )
    stop = threading.Event()
    try:
        # the command looks from its start on, which this can only wait for by storing until it has seen something
        def store():
            number = 0
            while not stop.wait(0.3):
                number += 1
                service.store(f"told {number}")

        writer = threading.Thread(target=store)
        writer.start()
        seen = [json.loads(process.stdout.readline()) for _ in range(4)]
        stop.set()
        writer.join()
        assert [each["operation"] for each in seen] == ["memory.store"] * 4
        assert len({each["id"] for each in seen}) == 4
        assert [each["recorded_at"] for each in seen] == sorted(each["recorded_at"] for each in seen)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    finally:
        stop.set()
        process.kill()


def test_local_starts_a_service_and_stops_it(tmp_path):
    with local(ROOT, home=tmp_path / "own", python=sys.executable) as liftos:
        stored = liftos.remember("a fact of one's own")
        assert stored.id in [hit.id for hit in liftos.recall("fact of one's own")]
        url = liftos.base_url
    with pytest.raises(Unreachable, match="gave no answer"):
        Client(url, "liftos_x", retries=Retries(most=0)).recall("x")
