"""Where a lower layer calls upward, or a caller may hand something in: in the assembled project, none of it stays empty.

The hooks are found in the code, so that a new one can't be forgotten here: every module-level `fill_…` and `register_…`, and every
argument of a constructor that may be left out.
"""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

import pytest

from liftos.runtime.embedded.paths import REPOSITORY

APPS = ("liftos", "accountability", "memory", "spaces", "workflows")

# left out by all of the product's own calls, and why that is right
LEFT_TO_CALLERS = {
    (
        "UltraFastOrchestrator",
        "observability",
    ): "the seed's name, for code outside; the process's manager by default",
    (
        "WorkflowOrchestrator",
        "ultra_fast_orchestrator",
    ): "the seed's name, for code outside; its own by default",
    ("LiftosError", "message"): "its docstring is the default message; subclasses are called with others",
    (
        "EnhancedKSEIntegration",
        "embedding_manager",
    ): "the seed's name, for code outside; the installation's by default",
    ("MemoryInterface", "enhanced_kse"): "the seed's name, for code outside; the installation's by default",
}


@dataclass(frozen=True)
class Hook:
    """A function that installs something, and the names in its module that it puts it into."""

    module: str
    name: str
    slots: tuple[str, ...]


def modules() -> Iterator[tuple[str, ast.Module]]:
    for app in APPS:
        for path in sorted((REPOSITORY / app).rglob("*.py")):
            if "migrations" not in path.parts:
                name = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
                yield name.removesuffix(".__init__"), ast.parse(path.read_text())


TREES = dict(modules())


def slots_of(function: ast.FunctionDef, registries: set[str]) -> tuple[str, ...]:
    """Return the module-level names that a function assigns, or changes an entry of."""
    found: list[str] = []
    for node in ast.walk(function):
        if isinstance(node, ast.Global):
            found += node.names
        targets = node.targets if isinstance(node, ast.Assign) else []
        found += [
            each.value.id for each in targets if isinstance(each, ast.Subscript) and isinstance(each.value, ast.Name)
        ]  # fmt: skip
    return tuple(name for name in dict.fromkeys(found) if name in registries)


def hooks() -> list[Hook]:
    found = []
    for module, tree in TREES.items():
        names = {
            target.id
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }
        found += [
            Hook(module, node.name, slots_of(node, names))
            for node in tree.body
            if isinstance(node, ast.FunctionDef) and node.name.startswith(("fill_", "register_"))
        ]
    return [hook for hook in found if hook.slots]


HOOKS = hooks()
PORTS = [hook for hook in HOOKS if hook.name.startswith("fill_")]
REPORT = """
import json, sys, django
django.setup()
from importlib import import_module
held = [getattr(import_module(module), slot) for module, slot in json.loads(sys.argv[1])]
print(json.dumps([[bool(each) or callable(each), type(each).__module__] for each in held]))
"""


def test_the_hooks_are_found():
    assert {hook.name for hook in HOOKS} >= {
        "fill_decision_recorder", "fill_decision_figures", "fill_orchestration_figures", "fill_spaces", "fill_scope",
        "register_arm", "register_eraser", "register_follower", "register_reverser", "register_subjects",
    }  # fmt: skip


def test_every_hook_is_filled_in_the_assembled_project():
    """In a process of its own, so that nothing a test has installed counts."""
    asked = [(hook.module, slot) for hook in HOOKS for slot in hook.slots]
    done = subprocess.run(
        [sys.executable, "-c", REPORT, json.dumps(asked)],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    )  # fmt: skip
    held = json.loads(done.stdout.splitlines()[-1])
    empty = [
        f"{module}.{slot}"
        for (module, slot), (filled, of) in zip(asked, held, strict=True)
        # a stand-in that the port's own module brings along is as good as nothing
        if not filled or of == module
    ]
    assert empty == []


@pytest.mark.parametrize("port", PORTS, ids=lambda port: port.name)
def test_a_port_that_is_empty_refuses_to_be_used(port, monkeypatch):
    module = import_module(port.module)
    for slot in port.slots:
        monkeypatch.setattr(module, slot, None)
    with pytest.raises(RuntimeError, match=r"django\.setup"):
        getattr(module, port.name.removeprefix("fill_"))()


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


def is_given(of: str, argument: str, place: int) -> bool:
    """Say whether any code of the product gives a class this argument, or sets it afterwards."""
    for tree in TREES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == of:
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
