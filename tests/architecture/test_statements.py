"""SQL stands in the `statements.py` of its room, each statement described by a comment."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from liftos.runtime.embedded.paths import REPOSITORY

APPS = ("accountability", "memory", "spaces", "workflows")
SQL = re.compile(r"^\s*(SELECT|INSERT INTO|UPDATE \w+|DELETE FROM|COPY|WITH)\b")

# beside the function that puts them together
BUILT = {
    "accountability/decisions/chains.py": {"_REACH"},
    "accountability/ledger/raw_rows.py": {"_COPY"},
    "spaces/erasure.py": {"_BLANK"},
    "spaces/query/arm.py": {"_CHECK", "_PASSING"},
}


def sources() -> Iterator[Path]:
    for app in APPS:
        yield from (path for path in (REPOSITORY / app).rglob("*.py") if "migrations" not in path.parts)


def constants(text: str) -> Iterator[tuple[ast.Assign, str]]:
    """Yield the constants of a module that begin like a statement, however the text is put together."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            texts = (
                each.value
                for each in ast.walk(node.value)
                if isinstance(each, ast.Constant) and isinstance(each.value, str)
            )
            if any(SQL.match(each) for each in texts):
                yield node, node.targets[0].id


def stray(path: str, text: str) -> set[str]:
    return {name for _, name in constants(text)} - BUILT.get(path, set())


@pytest.mark.parametrize("app", APPS)
def test_sql_stands_in_statements(app):
    found = {
        str(path.relative_to(REPOSITORY)): stray(str(path.relative_to(REPOSITORY)), path.read_text())
        for path in sources()
        if path.name != "statements.py" and path.is_relative_to(REPOSITORY / app)
    }
    assert len(found) > 40
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "path", [each for each in sources() if each.name == "statements.py"], ids=lambda path: path.parent.name
)
def test_each_statement_is_described(path):
    lines = path.read_text().splitlines()
    found = list(constants(path.read_text()))
    assert found
    assert [name for node, name in found if not lines[node.lineno - 2].startswith("#")] == []


def test_sql_beside_its_function_is_found():
    assert stray("workflows/queries.py", '_X = """\nSELECT 1\n"""\n_Y = "select one"') == {"_X"}
