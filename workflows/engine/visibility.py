"""Visibility of a run: data that a step read needs the same scopes to be read from the run.

A step's result and error need the scopes of its function and of all steps whose results it used. The run's parameters and metadata
need the scopes of all steps. Withheld data is left out, and the missing scopes are listed instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from liftos.kernel.tenancy.authority import missing_scopes
from liftos.kernel.tenancy.types import Principal, Scope
from workflows.definition.plan import Plan
from workflows.engine.runs import load_plan
from workflows.models import Run, Step
from workflows.step_scopes import child_scopes, key_of, scopes_to_read


@dataclass(frozen=True)
class Withheld:
    """The scopes that a reader lacks, sorted: by step name, and for the run's parameters and metadata."""

    steps: dict[str, list[Scope]]
    run: list[Scope]


def withheld_from(principal: Principal, run: Run, steps: Sequence[Step]) -> Withheld:
    """Return the scopes that a reader lacks for a run and its steps."""
    # by step name, since an item needs the same scopes as its step
    functions = {step.name: step.function for step in steps}
    plan = None if run.version_id is None else load_plan(run.organisation_id, run.version_id)
    wanted = {name: scopes_to_read(function) for name, function in functions.items()}
    if plan is not None:
        wanted |= {name: scopes_behind(plan, name) for name in plan.steps}
    lacks = {name: missing_scopes(scopes, principal.scopes) for name, scopes in wanted.items()}
    every: frozenset[Scope] = frozenset().union(*wanted.values()) if wanted else frozenset()
    return Withheld(lacks, missing_scopes(every, principal.scopes))


def scopes_behind(plan: Plan, name: str) -> frozenset[Scope]:
    """Return the scopes that a step's result needs, including those of all results it used."""
    steps = [plan.steps[each] for each in {name, *plan.behind(name)}]
    return frozenset().union(*(scopes_to_read(key_of(each)) | child_scopes(each) for each in steps))


def withheld_text(lacks: Sequence[Scope]) -> str:
    """Return the placeholder for a withheld text."""
    return f"withheld: needs {', '.join(lacks)}"
