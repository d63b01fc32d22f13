"""The scopes that a step needs, and those that reading its result needs."""

from liftos.kernel.functions import find_function
from liftos.kernel.tenancy.types import Scope
from workflows.definition import Step

# required for functions that this process does not know
_ANYTHING = frozenset({Scope.MEMORY_READ, Scope.SPACES_READ, Scope.DECISIONS_READ})


def scopes_to_read(function: str) -> frozenset[Scope]:
    """Return the scopes needed to read a function's result; `function` is its name with version, empty for none."""
    if not function:
        return frozenset()
    found = find_function(function)
    if found is None:
        return _ANYTHING
    quotes = {Scope.MEMORY_READ} if found.mentions is not None else set()
    return frozenset(found.scopes) | quotes


def child_scopes(step: Step) -> frozenset[Scope]:
    """Return the scopes that the steps of the run need that a step starts."""
    return frozenset(map(Scope, step.child_scopes))


def key_of(step: Step) -> str:
    """Return a step's function with its version, empty for none."""
    return f"{step.function}@{step.version}" if step.function and step.version else step.function
