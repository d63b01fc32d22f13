"""Definitions as JSON, for storage."""

from dataclasses import asdict, fields
from typing import Any, Final

from workflows.definition.types import Definition, Json, Step

_STEP_FIELDS: Final = frozenset(each.name for each in fields(Step))


def dump(definition: Definition) -> dict[str, Json]:
    """Return a definition as JSON, for `parse` and `load`."""
    steps = [_dumped(step) for step in definition.steps]
    return {
        "name": definition.name,
        "description": definition.description,
        "parameters": definition.parameters,
        "steps": steps,
    }


def _dumped(step: Step) -> dict[str, Json]:
    values = asdict(step) | {"depends_on": list(step.depends_on), "child_scopes": list(step.child_scopes)}
    if not step.child_scopes:
        del values["child_scopes"]
    return values


def load(stored: dict[str, Any]) -> Definition:
    """Return a definition dumped by `dump`, without validation: published versions do not depend on today's functions."""
    steps = tuple(
        Step(
            **{key: value for key, value in step.items() if key in _STEP_FIELDS}
            | {name: tuple(step.get(name, ())) for name in ("depends_on", "child_scopes")}
        )
        for step in stored["steps"]
    )
    return Definition(stored["name"], stored["description"], stored["parameters"], steps)
