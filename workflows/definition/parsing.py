"""Parsing of a caller's JSON into a definition; all faults are reported at once."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from liftos.kernel.db.jsonb import NotStorable, to_jsonb
from liftos.kernel.suggestions import unknown
from workflows.definition.fields import read_fields
from workflows.definition.graph import Reach, circles
from workflows.definition.old_shape import from_old_shape, is_old_shape
from workflows.definition.parameters import NOTHING, parameters_faults
from workflows.definition.sizes import deeper_than
from workflows.definition.types import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_DESCRIPTION,
    MAX_EDGES,
    MAX_STEPS,
    MAX_TEMPLATE_NAME,
    Definition,
    Fault,
    Faulty,
    FunctionLike,
    Step,
)
from workflows.definition.uses import use_faults

MAX_FAULTS: Final = 1_000
Functions = Callable[[str], FunctionLike | None]

_FIELDS: Final = ("name", "description", "parameters", "steps")
_PRINTABLE = re.compile(r"[^\x00-\x1f\x7f]+")


def parse(
    payload: Mapping[str, Any], *, functions: Functions, names: Callable[[], Sequence[str]] = tuple
) -> Definition:
    """Return a template's definition.

    Args:
        payload: `{name, description?, parameters?, steps: [...]}` or the old platform's `{name, tasks: [...]}`.
        functions: returns the registered function for a name, or None; `name@2` is a version, the bare name the newest.
        names: returns the names of the registered functions, for messages.

    Raises:
        Faulty: the template is invalid; with all faults (at most about `MAX_FAULTS`), in the order of the steps.
    """
    if not isinstance(payload, Mapping):
        raise Faulty([Fault(None, "", "A template must be an object.")])
    if faults := list(_bulk(payload)):
        raise Faulty(faults)
    if is_old_shape(payload):
        payload = from_old_shape(payload, functions)
    faults = [
        Fault(None, str(key), unknown("field", str(key), _FIELDS), unknown=True)
        for key in islice((key for key in payload if key not in _FIELDS), MAX_FAULTS)
    ]
    name, description, parameters = (
        payload.get("name"),
        payload.get("description", ""),
        payload.get("parameters"),
    )
    if parameters is None or parameters == {}:
        parameters = NOTHING
    faults += _named(name, description)
    faults += parameters_faults(parameters)
    steps, step_faults = _steps(payload.get("steps"))
    faults += step_faults
    if len(faults) >= MAX_FAULTS:
        raise Faulty(faults[:MAX_FAULTS])
    found = {step.name: _function(step, functions) for step in steps}
    faults += _graph(steps)
    if not any(fault.field.startswith("parameters") for fault in faults):
        used = use_faults(steps, parameters, found, Reach(_known_edges(steps)), names())
        faults += islice(used, MAX_FAULTS)
    if faults:
        raise Faulty(_in_order(faults, steps))
    return Definition(
        name=str(name), description=description, parameters=dict(parameters), steps=tuple(steps)
    )


def _bulk(payload: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield a fault if a payload is too large or deep to parse, or can't be stored."""
    if deeper_than(payload, MAX_DEPTH):
        yield Fault(None, "", f"It is nested deeper than {MAX_DEPTH} levels.")
        return
    try:
        size = len(to_jsonb(payload).encode())
    except NotStorable as error:
        yield Fault(None, "", f"It can't be stored: {error}.")
        return
    except (TypeError, ValueError):
        yield Fault(None, "", "It contains values that are not valid JSON.")
        return
    if size > MAX_BYTES:
        yield Fault(None, "", f"It is larger than {MAX_BYTES} bytes.")


def _named(name: Any, description: Any) -> Iterator[Fault]:
    if (
        not isinstance(name, str)
        or not _PRINTABLE.fullmatch(name)
        or not name.strip()
        or len(name) > MAX_TEMPLATE_NAME
    ):
        yield Fault(None, "name", f"It must be a string of 1 to {MAX_TEMPLATE_NAME} printable characters.")
    if not isinstance(description, str) or len(description) > MAX_DESCRIPTION or "\x00" in description:
        yield Fault(None, "description", f"It must be a string of at most {MAX_DESCRIPTION} characters.")


def _steps(written: Any) -> tuple[list[Step], list[Fault]]:
    if not isinstance(written, list) or not written:
        return [], [Fault(None, "steps", "It must be a list of at least one step.")]
    if len(written) > MAX_STEPS:
        return [], [Fault(None, "steps", f"At most {MAX_STEPS} steps.")]
    steps: list[Step] = []
    faults: list[Fault] = []
    seen: set[str] = set()
    for number, each in enumerate(written, 1):
        if len(faults) >= MAX_FAULTS:
            break
        step, wrong = read_fields(each, number)
        faults += wrong
        if step is None:
            continue
        if step.name in seen:
            faults.append(Fault(step.name, "name", "Another step has this name."))
            continue
        seen.add(step.name)
        steps.append(step)
    return steps, faults


def _function(step: Step, functions: Functions) -> FunctionLike | None:
    if step.version is None:
        return functions(step.function)
    pinned = functions(f"{step.function}@{step.version}") or functions(step.function)
    return pinned if pinned is not None and pinned.version == step.version else None


def _known_edges(steps: list[Step]) -> dict[str, list[str]]:
    names = {step.name for step in steps}
    return {step.name: [each for each in step.depends_on if each in names] for step in steps}


def _graph(steps: list[Step]) -> Iterator[Fault]:
    names = {step.name for step in steps}
    if sum(len(step.depends_on) for step in steps) > MAX_EDGES:
        yield Fault(None, "steps", f"At most {MAX_EDGES} dependencies in all.")
        return
    for step in steps:
        for each in step.depends_on:
            if each not in names:
                yield Fault(step.name, "depends_on", f"There is no step {each!r}.")
    for circle in circles(_known_edges(steps)):
        way = " → ".join([*circle, circle[0]])
        yield Fault(circle[0], "depends_on", f"It depends on itself: {way}.")


def _in_order(faults: list[Fault], steps: list[Step]) -> list[Fault]:
    """Return the distinct faults, those of the template first, then by step."""
    place = {step.name: number for number, step in enumerate(steps)}
    return sorted(
        dict.fromkeys(faults),
        key=lambda fault: -1 if fault.step is None else place.get(fault.step, len(place)),
    )
