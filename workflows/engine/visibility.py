"""What of a run a reader may see: what its steps read, and what was made of that, needs the scopes that reading it needs.

A step's result and error need the scopes of its function, and of the functions of all steps whose results it was made of. The run's
parameters and metadata went to any of its steps, and need the scopes of all of them. What a reader may not see is left out, and the
missing scopes are named in its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from liftos.kernel.functions import find_function
from liftos.kernel.tenancy.authority import missing_scopes
from liftos.kernel.tenancy.types import Principal, Scope
from workflows.definition.plan import Plan
from workflows.engine.runs import plan_of
from workflows.models import Run, Step

# what a function that this process does not know may have read
_ANYTHING = frozenset({Scope.MEMORY_READ, Scope.SPACES_READ, Scope.DECISIONS_READ})


@dataclass(frozen=True)
class Withheld:
    """The scopes that a reader lacks, sorted: for each step by its name, and for the run's parameters and metadata."""

    steps: dict[str, list[Scope]]
    run: list[Scope]


def withheld_from(principal: Principal, run: Run, steps: Sequence[Step]) -> Withheld:
    """Return what of a run a reader may not see."""
    # what is wanted is asked by the step's name: an item needs what its step does
    functions = {step.name: step.function for step in steps}
    plan = None if run.version_id is None else plan_of(run.organisation_id, run.version_id)
    wanted = {name: scopes_to_read(function) for name, function in functions.items()}
    if plan is not None:
        wanted |= {name: scopes_behind(plan, name) for name in plan.steps}
    lacks = {name: missing_scopes(scopes, principal.scopes) for name, scopes in wanted.items()}
    every: frozenset[Scope] = frozenset().union(*wanted.values()) if wanted else frozenset()
    return Withheld(lacks, missing_scopes(every, principal.scopes))


def scopes_behind(plan: Plan, name: str) -> frozenset[Scope]:
    """Return the scopes that a step's result needs, with those of all results that it was made of."""
    return frozenset().union(*(scopes_to_read(_key(plan, each)) for each in {name, *plan.behind(name)}))


def scopes_to_read(function: str) -> frozenset[Scope]:
    """Return the scopes that a result of a function needs; `function` is its name with version, empty for none."""
    if not function:
        return frozenset()
    found = find_function(function)
    if found is None:
        return _ANYTHING
    quotes = {Scope.MEMORY_READ} if found.mentions is not None else set()
    return frozenset(found.scopes) | quotes


def withheld_text(lacks: Sequence[Scope]) -> str:
    """Return what stands in place of a text that is withheld."""
    return f"withheld: needs {', '.join(lacks)}"


def _key(plan: Plan, name: str) -> str:
    step = plan.steps[name]
    return f"{step.function}@{step.version}" if step.function and step.version else step.function
