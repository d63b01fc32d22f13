"""No circle of modules: what a module imports never imports it back, not even late, inside a function.

Imports for types alone (TYPE_CHECKING) do not run and do not count.
"""

import ast
from collections.abc import Iterator

import grimp
import pytest

from liftos.runtime.embedded.paths import REPOSITORY

APPS = ("liftos", "accountability", "memory", "spaces", "workflows")


def circles(graph: grimp.ImportGraph) -> Iterator[frozenset[str]]:
    """Yield the strongly connected components of more than one module (Tarjan 1972)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    for start in sorted(graph.modules):
        if start in number:
            continue
        number[start] = lowest[start] = len(number)
        path.append(start)
        work = [(start, iter(sorted(graph.find_modules_directly_imported_by(start))))]
        while work:
            module, imports = work[-1]
            for imported in imports:
                if imported not in number:
                    number[imported] = lowest[imported] = len(number)
                    path.append(imported)
                    work.append((imported, iter(sorted(graph.find_modules_directly_imported_by(imported)))))
                    break
                if imported in path:
                    lowest[module] = min(lowest[module], number[imported])
            else:
                work.pop()
                if work:
                    lowest[work[-1][0]] = min(lowest[work[-1][0]], lowest[module])
                if lowest[module] == number[module]:
                    first = path.index(module)
                    found = frozenset(path[first:])
                    del path[first:]
                    if len(found) > 1:
                        yield found


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph(*APPS, exclude_type_checking_imports=True, cache_dir=None)


def test_there_is_no_circle(graph):
    assert len(graph.modules) > 400
    assert [sorted(circle) for circle in circles(graph)] == []


def test_a_circle_would_be_found():
    graph = grimp.ImportGraph()
    for importer, imported in [("a", "b"), ("b", "c"), ("c", "b"), ("c", "d"), ("d", "e"), ("e", "c"), ("f", "a"), ("g", "f")]:  # fmt: skip
        graph.add_module(importer)
        graph.add_module(imported)
        graph.add_import(importer=importer, imported=imported)
    assert set(circles(graph)) == {frozenset("bcde")}


def test_no_package_imports_a_name_that_a_module_of_its_own_would_replace():
    """A submodule becomes an attribute of its package when it is imported, over whatever had the name before."""
    replaced = []
    for init in (path for app in APPS for path in (REPOSITORY / app).rglob("__init__.py")):
        modules = {path.stem for path in init.parent.glob("*.py")}
        for node in ast.walk(ast.parse(init.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                names = {each.asname or each.name for each in node.names} & modules
                package = ".".join(init.parent.relative_to(REPOSITORY).parts)
                replaced += [
                    f"{package}.{name}"
                    for name in names
                    # imported from the module itself, the name is set after it
                    if node.module != f"{package}.{name}" and node.module != package
                ]
    assert replaced == []
