"""Conversion of the old platform's templates, `{"name", "tasks": [{"name", "function", "priority", "timeout_seconds"}]}`.

A task without arguments takes them from the run: each of its function's parameters becomes one of the template's, with the same name,
type and default, and required if the function requires it. Undeclared parameters that a task refers to are declared. Unknown
fields are ignored, as the old platform's service did.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from workflows.definition.conditions import condition_references
from workflows.definition.references import references, whole
from workflows.definition.schemas import arguments_schema, written_out
from workflows.definition.types import FunctionLike, Json

_RENAMED: Final = {
    "dependencies": "depends_on",
    "parameters": "arguments",
    "kwargs": "arguments",
    "timeout": "timeout_seconds",
}
_KEPT: Final = (
    "name", "function", "version", "arguments", "depends_on", "priority", "timeout_seconds", "max_retries", "backoff_seconds",
    "when", "map", "map_limit", "approval",
)  # fmt: skip


def is_old_shape(payload: Mapping[str, Any]) -> bool:
    """Return whether a payload has the old shape."""
    return "tasks" in payload and "steps" not in payload


def from_old_shape(
    payload: Mapping[str, Any], functions: Callable[[str], FunctionLike | None]
) -> dict[str, Json]:
    """Return the template in the current shape; faults in it are left for the parser to report."""
    tasks = payload["tasks"]
    steps = [_step(task, functions) for task in tasks] if isinstance(tasks, list) else tasks
    converted: dict[str, Json] = {key: payload[key] for key in ("name", "description") if key in payload}
    converted["steps"] = steps
    if isinstance(payload.get("parameters"), Mapping):
        converted["parameters"] = payload["parameters"]
    elif isinstance(steps, list):
        converted["parameters"] = _declared(steps, functions)
    return converted


def _step(task: Any, functions: Callable[[str], FunctionLike | None]) -> Any:
    if not isinstance(task, Mapping):
        return task
    step = {key: task[key] for key in _KEPT if key in task}
    for theirs, ours in _RENAMED.items():
        if theirs in task and ours not in step:
            step[ours] = task[theirs]
    if "arguments" not in step:
        step["arguments"] = {name: f"{{{name}}}" for name in _properties(_function(step, functions))}
    return step


def _function(
    step: Mapping[str, Any], functions: Callable[[str], FunctionLike | None]
) -> FunctionLike | None:
    name = step.get("function")
    if not isinstance(name, str):
        return None
    return functions(name)


def _properties(function: FunctionLike | None) -> dict[str, Json]:
    return dict(arguments_schema(function).get("properties", {}))


def _declared(steps: list[Any], functions: Callable[[str], FunctionLike | None]) -> dict[str, Json]:
    """Return a schema for the parameters that steps refer to."""
    schemas: dict[str, list[Json]] = {}
    required: set[str] = set()
    for step in steps:
        if not isinstance(step, Mapping):
            continue
        function = _function(step, functions)
        schema = arguments_schema(function)
        properties, needed = _properties(function), set(schema.get("required", ()))
        for at, reference in references(step.get("arguments"), ()):
            if reference.kind != "parameter":
                continue
            known = schemas.setdefault(reference.name, [])
            arguments = step["arguments"]
            argument = at[0] if at else ""
            if len(at) == 1 and not reference.path and whole(arguments[argument]) and argument in properties:
                found = written_out(properties[argument], schema.get("$defs", {}))
                if found not in known:
                    known.append(found)
                if argument in needed:
                    required.add(reference.name)
            else:
                required.add(reference.name)
        for _, reference in (*references(step.get("map")), *condition_references(step.get("when"))):
            if reference.kind == "parameter":
                schemas.setdefault(reference.name, [])
                required.add(reference.name)
    properties = {name: _all_of(found) for name, found in schemas.items()}
    # a parameter with a default is optional, wherever else it is used
    required -= {name for name, schema in properties.items() if "default" in schema}
    return {"type": "object", "properties": properties, "required": sorted(required)}


def _all_of(schemas: list[Json]) -> Json:
    if len(schemas) > 1:
        return {"allOf": schemas}
    return schemas[0] if schemas else {}
