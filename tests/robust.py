"""`make test-robust`: run the tests in any order, each file alone, and on a busy machine.

    python -m tests.robust [order] [alone] [load] [--seed N] [paths ...]

`order` runs everything twice in random order, with two seeds; `alone` runs each file in a fresh process; `load` runs
everything in random order while every core is busy. All three when none is named. Test servers are started once for the whole
command, and the files' processes share one migrated template database: a file alone costs Django's start and its own tests.
Failures' output is under $LIFTOS_HOME/robust, in one file for each run.
"""

import argparse
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import tests.bootstrap  # noqa: F401  first of all: names the tests' own home, and holds their servers until the end

ROOT = Path(__file__).parent.parent
KINDS = ("order", "alone", "load")
LEFT_OUT = ("not", "faults", "and", "not", "browser")
NO_TESTS = 5
FILE_SECONDS = 900
BURN_SECONDS = 4 * 3600

# ends with the process that started it, however that ended, and after a time in any case
BURNER = """
import os, sys, time
parent, deadline = os.getppid(), time.monotonic() + float(sys.argv[1])
while os.getppid() == parent and time.monotonic() < deadline:
    for _ in range(1_000_000):
        pass
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of pytest: its name, whether it passed, its last line, its output file."""

    name: str
    passed: bool
    seconds: float
    said: str
    output: Path


def pytest_run(name: str, output: Path, *arguments: str, **environment: str) -> Run:
    """Run pytest in a separate process, with its output in a file."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", " ".join(LEFT_OUT), *arguments]
    began = time.monotonic()
    with output.open("w", encoding="utf-8") as file:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        )
    lines = output.read_text(encoding="utf-8", errors="replace").splitlines() or ["no output"]
    return Run(name, done.returncode in {0, NO_TESTS}, time.monotonic() - began, " ".join(lines[-2:]), output)


def in_order(paths: list[str], folder: Path, seeds: list[int], kind: str = "order") -> Iterator[Run]:
    """Run everything once for each seed."""
    for seed in seeds:
        name = f"{kind}-{seed}"
        yield pytest_run(name, folder / f"{name}.txt", "-n", "2", f"--randomly-seed={seed}", *paths)


def each_alone(paths: list[str], folder: Path, seed: int) -> Iterator[Run]:
    """Run each file in a fresh process, two at once, on clones of one template."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liftos.settings")
    django.setup()
    from liftos.kernel.db.scratch import scratch_database, switch_database

    def alone(file: Path) -> Run:
        name = str(file.relative_to(ROOT))
        output = folder / f"alone-{name.replace('/', '.')}.txt"
        return pytest_run(
            name,
            output,
            f"--randomly-seed={seed}",
            f"--timeout={FILE_SECONDS}",
            name,
            LIFTOS_TEST_TEMPLATE=template,
        )

    with scratch_database("template") as template, ThreadPoolExecutor(2) as pool:
        # a database can be copied only while nobody is in it
        switch_database("postgres")
        yield from pool.map(alone, files_of(paths))


def files_of(paths: list[str]) -> list[Path]:
    """Return the test files of some directories or files, except those excluded by marker."""
    found: set[Path] = set()
    for path in map(Path, paths):
        whole = ROOT / path
        found.update([whole] if whole.is_file() else whole.rglob("test_*.py"))
    left_out = (ROOT / "tests" / "faults", ROOT / "tests" / "browser")
    return sorted(file for file in found if not any(file.is_relative_to(each) for each in left_out))


@contextmanager
def busy_cores() -> Iterator[None]:
    """Keep every core busy for a block."""
    burners = [
        subprocess.Popen([sys.executable, "-c", BURNER, str(BURN_SECONDS)])
        for _ in range(os.cpu_count() or 1)
    ]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def main() -> int:
    """Run the chosen kinds; print a line per run, then the failures; return the exit code."""
    parser = argparse.ArgumentParser(prog="tests.robust", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    parser.add_argument("what", nargs="*", metavar="order | alone | load | path")
    options = parser.parse_args()
    kinds = [each for each in options.what if each in KINDS] or list(KINDS)
    paths = [each for each in options.what if each not in KINDS] or ["tests"]
    folder = Path(os.environ["LIFTOS_HOME"]) / "robust"
    folder.mkdir(parents=True, exist_ok=True)

    failed: list[Run] = []
    sys.stdout.write(f"seed {options.seed}: repeat with --seed {options.seed}\n")
    for kind in kinds:
        with busy_cores() if kind == "load" else nullcontext():
            runs = {
                "order": lambda: in_order(paths, folder, [options.seed, options.seed + 1]),
                "alone": lambda: each_alone(paths, folder, options.seed),
                "load": lambda: in_order(paths, folder, [options.seed + 2], "load"),
            }[kind]()
            for run in runs:
                sys.stdout.write(
                    f"{'ok    ' if run.passed else 'FAILED'} {run.seconds:6.1f} s  {run.name}: {run.said}\n"
                )
                sys.stdout.flush()
                if run.passed:
                    run.output.unlink()
                else:
                    failed.append(run)
    for run in failed:
        sys.stdout.write(f"FAILED {run.name}: see {run.output}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
