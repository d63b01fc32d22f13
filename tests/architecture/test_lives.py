"""docs/architecture.md names files and functions; each exists."""

import ast
import re

import pytest

from liftos.runtime.embedded.paths import REPOSITORY

NAMED = re.compile(r"`([\w./-]+\.py):([A-Za-z_][\w.]*)`")
STEPS = NAMED.findall((REPOSITORY / "docs" / "architecture.md").read_text())


def names_in(text: str) -> set[str]:
    """Return the top-level functions and classes of a module, and their methods as Class.method."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    names = set()
    for node in ast.parse(text).body:
        if isinstance(node, kinds):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{each.name}" for each in node.body if isinstance(each, kinds)}
    return names


def missing(path: str, name: str) -> str:
    """Return what is wrong with a step, empty if nothing is."""
    file = REPOSITORY / path
    if not file.is_file():
        return f"there is no file {path}"
    return "" if name in names_in(file.read_text()) else f"{path} has no {name}"


@pytest.mark.parametrize(("path", "name"), STEPS, ids=[":".join(step) for step in STEPS])
def test_a_named_step_exists(path, name):
    assert missing(path, name) == ""


@pytest.mark.parametrize(
    "step",
    [
        ("memory/operations.py", "commit"),
        ("memory/search/service.py", "search"),
        ("workflows/engine/execution.py", "execute"),
        ("accountability/reviews/operations.py", "review"),
    ],
    ids=["store", "search", "step", "verdict"],
)
def test_each_life_is_told(step):
    assert step in STEPS


@pytest.mark.parametrize(
    ("path", "name", "fault"),
    [
        ("memory/search/nowhere.py", "search", "there is no file memory/search/nowhere.py"),
        ("memory/search/service.py", "find", "memory/search/service.py has no find"),
        ("memory/api/search.py", "Search.put", "memory/api/search.py has no Search.put"),
        ("memory/api/search.py", "Search.post", ""),
    ],
)
def test_a_step_that_does_not_exist_is_told(path, name, fault):
    assert missing(path, name) == fault
