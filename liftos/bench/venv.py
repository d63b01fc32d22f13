"""Virtual environments of the systems that benchmarks compare with."""

import shutil
import subprocess
import sys
from pathlib import Path

from liftos.bench.types import BenchFailed

TIMEOUT_SECONDS = 600


class ReferenceUnavailable(BenchFailed):
    """The reference system is not available; the message says why."""


def installed(package: str, version: str, *, program: str, given: str, home: Path) -> Path:
    """Return a virtual environment with a package, created on first use.

    Args:
        package: its name on the package index.
        version: to install.
        program: one of its scripts, by which an environment is recognised.
        given: an existing environment; empty to create one below `home`.
        home: directory for a new environment.

    Raises:
        ReferenceUnavailable: it lacks the program, or could not be created.
    """
    if given:
        if not (Path(given) / "bin" / program).exists():
            raise ReferenceUnavailable(f"no bin/{program} in {given}")
        return Path(given).resolve()
    venv = home / "bench" / f"{program}-{version}"
    if (venv / "bin" / program).exists():
        return venv
    sys.stderr.write(f"Installing {package} {version} into {venv} ...\n")
    # a virtual environment's scripts contain its path, so create it in place, and remove it if that fails
    shutil.rmtree(venv, ignore_errors=True)
    try:
        run_program(sys.executable, "-m", "venv", str(venv))
        pip = (str(venv / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check")
        run_program(*pip, f"{package}=={version}")
    except BaseException:
        shutil.rmtree(venv, ignore_errors=True)
        raise
    return venv


def run_program(*command: str) -> str:
    """Run a program to its end and return its stdout.

    Raises:
        ReferenceUnavailable: it failed.
    """
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
        raise ReferenceUnavailable(f"{' '.join(command[1:4])} failed: {last}")
    return done.stdout
