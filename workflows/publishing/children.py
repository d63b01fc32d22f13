"""Steps that start runs of other templates: checked, and pinned to a version, when their template is published."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

from liftos.kernel.errors import LiftosError
from liftos.kernel.suggestions import did_you_mean
from workflows.definition import Definition, Fault, Faulty, Step, load
from workflows.definition.parameters import properties_of
from workflows.definition.references import references
from workflows.definition.schemas import value_faults
from workflows.definition.uses import partly_known
from workflows.models import TemplateVersion
from workflows.queries import find_version
from workflows.step_scopes import child_scopes, key_of, scopes_to_read

CHILD = "workflow.run"
"""The function that starts a run and waits for it."""


def pin_children(*, organisation: UUID, definition: Definition) -> Definition:
    """Return a definition whose steps name the version of each template that they run, and the scopes that it needs.

    Inside a tenant transaction.

    Raises:
        Faulty: a template is unknown, not published, or runs this one; or its parameters don't fit. With all faults.
    """
    faults: list[Fault] = []
    steps = [
        _pinned(organisation, definition, step, faults) if step.function == CHILD else step
        for step in definition.steps
    ]
    if faults:
        raise Faulty(faults)
    return replace(definition, steps=tuple(steps))


def _pinned(organisation: UUID, definition: Definition, step: Step, faults: list[Fault]) -> Step:
    name, number = step.arguments.get("template"), step.arguments.get("version")
    for field, value in (("template", name), ("version", number)):
        if any(references(value)):
            faults.append(Fault(step.name, f"arguments.{field}", "It can't be a reference."))
            return step
    try:
        version, number = find_version(organisation=organisation, name=str(name), number=number)
    except LiftosError as error:
        field = "version" if error.loc[:1] == ("version",) else "template"
        faults.append(Fault(step.name, f"arguments.{field}", error.message))
        return step
    child = _read(organisation, version)
    way = _way_back(organisation, definition.name, child, [definition.name])
    if way:
        faults.append(Fault(step.name, "arguments.template", f"It would run itself: {' → '.join(way)}."))
        return step
    faults += _parameter_faults(definition, step, child)
    scopes = frozenset().union(*(scopes_to_read(key_of(each)) | child_scopes(each) for each in child.steps))
    return replace(
        step, arguments=step.arguments | {"version": number}, child_scopes=tuple(sorted(map(str, scopes)))
    )


def _read(organisation: UUID, version: UUID) -> Definition:
    return load(TemplateVersion.objects.get(organisation_id=organisation, id=version).definition)


def _way_back(organisation: UUID, name: str, child: Definition, way: list[str]) -> list[str]:
    """Return the names from a template through its children back to it; empty if none leads there."""
    way = [*way, child.name]
    if child.name == name:
        return way
    for step in child.steps:
        if step.function != CHILD:
            continue
        found = find_version(
            organisation=organisation, name=step.arguments["template"], number=step.arguments["version"]
        )
        if back := _way_back(organisation, name, _read(organisation, found[0]), way):
            return back
    return []


def _parameter_faults(definition: Definition, step: Step, child: Definition) -> Iterator[Fault]:
    given = step.arguments.get("parameters") or {}
    if not isinstance(given, dict):
        return  # reported by the function's schema
    known = properties_of(child.parameters)
    if "additionalProperties" not in child.parameters:
        for each in given:
            if each not in known:
                message = f"Template {child.name} has no parameter {each[:100]!r}{did_you_mean(each, known)}"
                yield Fault(step.name, f"arguments.parameters.{each}", message)
    for place, message in value_faults(
        child.parameters, partly_known(given, definition.parameters), partly=True
    ):
        yield Fault(step.name, ".".join(("arguments", "parameters", *place)), message)
