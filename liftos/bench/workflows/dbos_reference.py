"""The reference of `bench workflows`: DBOS Transact, in its own environment and database on the same Postgres."""

import json
from pathlib import Path
from typing import Any

from django.db import connections

from liftos.bench.venv import run_program

VERSION = "3.4.0"
PROGRAM = Path(__file__).with_name("dbos_program.py")


def measure(venv: Path, *, chains: int, runs: int) -> dict[str, Any]:
    """Return DBOS's figures: `one` and `ten` (ms per chain of one and ten steps), and `steps_a_second` of concurrent runs.

    Args:
        venv: a virtual environment with DBOS.
        chains: number per length, run sequentially.
        runs: concurrent runs of ten steps.

    Raises:
        ReferenceUnavailable: it did not finish.
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
        return json.loads(run_program(*command).splitlines()[-1])
    finally:
        with connections["owner"].cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
