"""The reference of `bench workflows`: DBOS Transact, in its own environment and database on the same Postgres."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.db import connections

from liftos.bench.types import BenchFailed

VERSION = "3.4.0"
PROGRAM = Path(__file__).with_name("dbos_program.py")
TIMEOUT_SECONDS = 600


class DbosUnavailable(BenchFailed):
    """DBOS is not available; the message says why."""


def installed(given: str, home: Path) -> Path:
    """Return a virtual environment with DBOS, created on first use.

    Args:
        given: an existing environment; empty to create one below `home`.
        home: directory for a new environment.

    Raises:
        DbosUnavailable: it has no DBOS, or could not be created.
    """
    if given:
        if not (Path(given) / "bin" / "dbos").exists():
            raise DbosUnavailable(f"no bin/dbos in {given}")
        return Path(given).resolve()
    venv = home / "bench" / f"dbos-{VERSION}"
    if (venv / "bin" / "dbos").exists():
        return venv
    sys.stderr.write(f"Installing dbos {VERSION} into {venv} ...\n")
    shutil.rmtree(venv, ignore_errors=True)
    try:
        _run([sys.executable, "-m", "venv", str(venv)])
        pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        _run([*pip, f"dbos=={VERSION}"])
    except BaseException:
        shutil.rmtree(venv, ignore_errors=True)
        raise
    return venv


def measure(venv: Path, *, chains: int, runs: int) -> dict[str, Any]:
    """Return DBOS's figures: `one` and `ten` (ms per chain of one and ten steps), and `steps_a_second` of concurrent runs.

    Args:
        venv: from `installed`.
        chains: number per length, run sequentially.
        runs: concurrent runs of ten steps.

    Raises:
        DbosUnavailable: it did not finish.
    """
    owner = connections["owner"].settings_dict
    name = f"{owner['NAME']}_dbos"
    with connections["owner"].cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
    place = f"host={owner['HOST']}&port={owner['PORT'] or 5432}"
    url = f"postgresql://{owner['USER']}:{owner['PASSWORD']}@/{name}?{place}"
    try:
        # -P: modules in this directory have names of standard library modules
        command = [str(venv / "bin" / "python"), "-P", str(PROGRAM), url, str(chains), str(runs)]
        return json.loads(_run(command).splitlines()[-1])
    finally:
        with connections["owner"].cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _run(command: list[str]) -> str:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=TIMEOUT_SECONDS,
    )
    if done.returncode:
        last = (done.stderr.splitlines() or ["?"])[-1]
        raise DbosUnavailable(f"{Path(command[0]).name} {command[1]} failed: {last}")
    return done.stdout
