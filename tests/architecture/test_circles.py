"""No file imports one that leads back to it, imports inside of functions included: import-linter's layers don't look inside a room."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from liftos.runtime.embedded.paths import REPOSITORY


def modules(app: str) -> dict[str, Path]:
    paths = [path for path in (REPOSITORY / app).rglob("*.py") if "migrations" not in path.parts]
    dotted = {".".join(path.relative_to(REPOSITORY).with_suffix("").parts): path for path in paths}
    return {name.removesuffix(".__init__"): path for name, path in dotted.items()}


def imported(source: str, known: set[str]) -> Iterator[str]:
    """Yield the known modules that a file imports, wherever the import stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in known else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def circle_in(graph: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


@pytest.mark.parametrize("app", ["accountability", "spaces", "workflows"])
def test_no_circle_of_files(app):
    files = modules(app)
    graph = {
        name: {each for each in imported(path.read_text(), set(files)) if each in files and each != name}
        for name, path in files.items()
    }
    assert sum(map(len, graph.values())) > 50  # the imports were found
    assert circle_in(graph) == []


def test_a_circle_is_found():
    sources = {
        "a": "def late():\n    from b import x",
        "b": "import c",
        "c": "from a import late",
    }
    assert set(circle_in({name: set(imported(text, set(sources))) for name, text in sources.items()})) == {
        "a",
        "b",
        "c",
    }
