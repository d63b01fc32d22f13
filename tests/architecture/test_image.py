"""The production image carries no benchmarks, and says so instead of failing for want of them."""

import ast
import os
import subprocess
import sys

from liftos.runtime.embedded.paths import REPOSITORY

WITHOUT_BENCH = """
import sys
sys.modules["liftos.bench"] = None  # Python's way to say that there is no such package
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", *sys.argv[1:]])
"""


def manage(*arguments):
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_BENCH, *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "liftos.settings"},
    )  # fmt: skip


def test_the_build_leaves_the_benchmarks_out():
    assert "liftos/bench" in (REPOSITORY / ".dockerignore").read_text().splitlines()
    copied = [line.split()[1] for line in (REPOSITORY / "deploy" / "Dockerfile").read_text().splitlines() if line.startswith("COPY ")]  # fmt: skip
    assert "liftos" in copied
    assert not {".", "liftos/bench", "tests"} & set(copied)


def test_nothing_else_of_the_product_imports_them():
    importing = set()
    for app in ("liftos", "accountability", "memory", "spaces", "workflows"):
        for path in (REPOSITORY / app).rglob("*.py"):
            name = path.relative_to(REPOSITORY).as_posix()
            for node in ast.walk(ast.parse(path.read_text())):
                names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
                module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
                if any(each.startswith("liftos.bench") for each in [module, *names]):
                    importing.add(name)
    outside = {name for name in importing if not name.startswith("liftos/bench/")}
    assert outside == {"liftos/management/commands/bench.py"}


def test_bench_without_the_benchmarks_says_so():
    for arguments in ([], ["http"], ["import", "--memories", "5", "--json"]):
        done = manage("bench", *arguments)
        assert done.returncode == 1
        assert done.stderr == "CommandError: benchmarks are not installed here; run them from a checkout of the repository\n"  # fmt: skip


def test_other_commands_work_without_the_benchmarks():
    done = manage("check")
    assert (done.returncode, done.stderr) == (0, "")
