"""A definition prepared for execution: each step's dependents and references. No Django here."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from workflows.definition import Definition, Step, load
from workflows.definition.conditions import condition_references
from workflows.definition.references import references


@dataclass(frozen=True)
class Plan:
    """A definition with cached lookups."""

    definition: Definition

    @cached_property
    def steps(self) -> dict[str, Step]:
        """The steps by name, in the template's order."""
        return {step.name: step for step in self.definition.steps}

    @cached_property
    def children(self) -> dict[str, list[str]]:
        """Each step's direct dependents, the most urgent first."""
        found: dict[str, list[str]] = {name: [] for name in self.steps}
        for step in sorted(self.definition.steps, key=lambda each: each.priority):
            for needed in dict.fromkeys(step.depends_on):
                found[needed].append(step.name)
        return found

    @cached_property
    def heirs(self) -> dict[str, str]:
        """For each step, the child without other dependencies, if any: it is handed over to the worker that ends the step."""
        return {
            name: heir
            for name, children in self.children.items()
            if (heir := next((each for each in children if len(set(self.steps[each].depends_on)) == 1), ""))
        }

    @cached_property
    def needs(self) -> dict[str, frozenset[str]]:
        """For each step, the steps whose results its arguments, condition or map refer to."""
        return {name: frozenset(_referred(step)) for name, step in self.steps.items()}

    def behind(self, name: str) -> set[str]:
        """Return the steps whose results a step refers to, directly or through other steps."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            new = self.needs[waiting.pop()] - found
            found |= new
            waiting += new
        return found

    def descendants(self, name: str) -> list[str]:
        """Return a step's transitive dependents."""
        seen: dict[str, None] = {}
        waiting = [name]
        while waiting:
            for each in self.children[waiting.pop()]:
                if each not in seen:
                    seen[each] = None
                    waiting.append(each)
        return list(seen)


def plan_from(stored: dict[str, Any]) -> Plan:
    """Return the plan of a stored definition."""
    return Plan(load(stored))


def _referred(step: Step) -> Iterable[str]:
    found = [*references(step.arguments), *condition_references(step.when), *references(step.map)]
    return (reference.name for _, reference in found if reference.kind == "step")
