"""The reference of `bench workflows`: DBOS Transact, in an environment and a database of its own on the same Postgres."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.db import connections

from liftos.bench.types import BenchFailed

VERSION = "3.4.0"
PROGRAM = Path(__file__).with_name("workflows_dbos_program.py")
TIMEOUT_SECONDS = 600


class DbosUnavailable(BenchFailed):
    """The reference can't be had; the message says why."""


def installed(given: str, home: Path) -> Path:
    """Return a virtual environment that has DBOS, made on first use.

    Args:
        given: an environment that has it already; empty to have one made below `home`.
        home: where to make it.

    Raises:
        DbosUnavailable: there is none, and none could be made.
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
    """Return what DBOS needs: `one` and `ten` (ms of each chain of so many steps), and `steps_a_second` of many at once.

    Args:
        venv: as `installed` returns it.
        chains: of each length, one after the other.
        runs: of ten steps, at once.

    Raises:
        DbosUnavailable: it did not come to its end.
    """
    owner = connections["owner"].settings_dict
    name = f"{owner['NAME']}_dbos"
    with connections["owner"].cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
    place = f"host={owner['HOST']}&port={owner['PORT'] or 5432}"
    url = f"postgresql://{owner['USER']}:{owner['PASSWORD']}@/{name}?{place}"
    try:
        # -P: this directory's modules have names of the standard library's
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
