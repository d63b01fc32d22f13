"""Ports: each is declared in a `ports.py`, says who fills it, is filled in the assembled project, and raises where it is not.

The ports are found in the code, so that a new one cannot be forgotten here. So are the arguments that may be left out: one that the
product never gives is a port in disguise.
"""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module

import pytest

from liftos.kernel.ports import NamedPort, Port, UnfilledPort
from liftos.runtime.embedded.paths import REPOSITORY

APPS = ("liftos", "accountability", "memory", "spaces", "workflows")

# left out by all of the product's own calls, and why that is right
LEFT_TO_CALLERS = {
    (
        "UltraFastOrchestrator",
        "observability",
    ): "the old platform's name, for code outside; the process's manager by default",
    (
        "WorkflowOrchestrator",
        "ultra_fast_orchestrator",
    ): "the old platform's name, for code outside; its own by default",
    ("LiftosError", "message"): "its docstring is the default message; subclasses are called with others",
    (
        "EnhancedKSEIntegration",
        "embedding_manager",
    ): "the old platform's name, for code outside; the installation's by default",
    (
        "MemoryInterface",
        "enhanced_kse",
    ): "the old platform's name, for code outside; the installation's by default",
}

# functions that install something and are no ports: registries of the layer that asks them
REGISTRIES = {
    "memory.search.arms.interface.register_arm": "arms, memory's own and those of apps above",
    "liftos.kernel.functions.register": "functions of workflows, by decorator",
}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for app in APPS:
        for path in sorted((REPOSITORY / app).rglob("*.py")):
            if "migrations" not in path.parts:
                name = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
                yield name.removesuffix(".__init__"), ast.parse(path.read_text())


TREES = dict(modules())


def declared_ports() -> Iterator[tuple[str, str, str]]:
    """Yield (module, name, docstring) of every port that the code makes at the top of a module."""
    for module, tree in TREES.items():
        for node, after in zip(tree.body, [*tree.body[1:], ast.Pass()], strict=False):
            value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
            if isinstance(value, ast.Call) and ast.unparse(value.func) in {"Port", "NamedPort"}:
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
                yield module, ast.unparse(target), str(after.value.value) if is_text else ""


PORTS = list(declared_ports())
REPORT = """
import json, sys, django
django.setup()
from importlib import import_module
from inspect import unwrap
def of(each):
    return getattr(each, "__module__", None) or type(each).__module__
for module, name in json.loads(sys.argv[1]):
    port = getattr(import_module(module), name)
    fillers = list(port.fillers.values()) if hasattr(port, "fillers") else [port.filler]
    print(json.dumps([name, [None if each is None else of(each) for each in fillers]]))
"""


def test_the_ports_are_found():
    assert {f"{module}.{name}" for module, name, _ in PORTS} == {
        "liftos.kernel.ports.decision_recorder",
        "liftos.kernel.ports.memory_filters",
        "liftos.kernel.ports.private_memories",
        "liftos.kernel.ports.text_screener",
        "liftos.kernel.ports.decision_figures",
        "liftos.kernel.ports.orchestration_figures",
        "accountability.ports.reversers",
        "accountability.ports.subject_readers",
        "accountability.ports.decision_finders",
        "accountability.ports.scope_readers",
        "memory.ports.spaces",
        "memory.ports.scope",
        "memory.ports.erasers",
        "memory.ports.exporters",
        "memory.ports.followers",
    }


def test_a_port_has_no_other_shape():
    """A function that installs what it is given is a port that this test would not see."""
    installers = {
        f"{module}.{node.name}"
        for module, tree in TREES.items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith(("fill_", "register", "install_"))
        and {target for each in ast.walk(node) if isinstance(each, ast.Assign) for target in map(ast.unparse, each.targets)}
        and (any(isinstance(each, ast.Global) for each in ast.walk(node))
             or any(isinstance(target, ast.Subscript) for each in ast.walk(node) if isinstance(each, ast.Assign) for target in each.targets))
    }  # fmt: skip
    assert installers == REGISTRIES.keys()


@pytest.mark.parametrize(("module", "name", "text"), PORTS, ids=lambda each: each[:40])
def test_a_port_says_what_it_is_for_and_who_fills_it(module, name, text):
    port = getattr(import_module(module), name)
    assert module.endswith(".ports")
    assert port.name == name
    assert text.rstrip().count(f"Filled by {port.filled_by}.") == 1


def test_every_port_is_filled_by_the_app_it_names():
    """Run in a separate process, so that ports filled by tests don't count."""
    asked = json.dumps([(module, name) for module, name, _ in PORTS])
    done = subprocess.run(
        [sys.executable, "-c", REPORT, asked], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    filled = dict(json.loads(line) for line in done.stdout.splitlines() if line.startswith("["))
    for module, name, _ in PORTS:
        port = getattr(import_module(module), name)
        apps = {filler and filler.split(".")[0] for filler in filled[name]}
        assert apps == set(port.filled_by.split(" and ")), name


@pytest.mark.parametrize(("module", "name", "text"), PORTS, ids=lambda each: each[:40])
def test_an_unfilled_port_raises(module, name, text, monkeypatch):
    port = getattr(import_module(module), name)
    if isinstance(port, Port):
        monkeypatch.setattr(port, "filler", None)
    else:
        monkeypatch.setattr(port, "fillers", {})
    with pytest.raises(UnfilledPort, match=rf"port {name} is not filled: .*django\.setup.*{port.filled_by}"):
        port()


def test_a_later_filler_replaces_the_first():
    one, many = Port[int]("one", filled_by="a"), NamedPort[int]("many", filled_by="a")
    one.fill(1)
    one.fill(2)
    many.fill("x", 1)
    many.fill("x", 2)
    many.fill("y", 3)
    assert (one(), dict(many())) == (2, {"x": 2, "y": 3})


def optional_arguments() -> Iterator[tuple[str, str, int]]:
    """Yield (class, argument, its place or -1) of every constructor's argument that is None when it is left out."""
    for tree in TREES.values():
        for node in ast.walk(tree):
            if not isinstance(node, ast.ClassDef):
                continue
            for function in node.body:
                if isinstance(function, ast.FunctionDef) and function.name == "__init__":
                    yield from ((node.name, *each) for each in _optional(function.args))


def _optional(arguments: ast.arguments) -> Iterator[tuple[str, int]]:
    placed, defaults = arguments.args[1:], arguments.defaults
    first = len(placed) - len(defaults)
    for place, default in enumerate(defaults, first):
        if ast.unparse(default) == "None":
            yield placed[place].arg, place
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is not None and ast.unparse(default) == "None":
            yield argument.arg, -1


def subclasses(of: str) -> set[str]:
    """Return the names of the product's classes that directly inherit from one."""
    return {
        node.name
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and of in {ast.unparse(base) for base in node.bases}
    }


def is_given(of: str, argument: str, place: int) -> bool:
    """Return whether any product code passes a class or its subclasses this argument, or sets it afterwards."""
    classes = {of} | subclasses(of)
    for tree in TREES.values():
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", getattr(node.func, "attr", "")) in classes
            ):
                if any(each.arg == argument for each in node.keywords) or 0 <= place < len(node.args):
                    return True
            elif isinstance(node, ast.Assign) and any(
                isinstance(target, ast.Attribute)
                and target.attr == argument
                and ast.unparse(target.value) != "self"
                for target in node.targets
            ):
                return True
    return False


def test_what_a_constructor_may_do_without_is_given_to_it_somewhere():
    never = {
        (of, argument) for of, argument, place in optional_arguments() if not is_given(of, argument, place)
    }
    assert never - LEFT_TO_CALLERS.keys() == set()
