"""What a run is given."""

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from liftos.jsonb import to_jsonb
from liftos.nearest import unknown
from workflows.definition.references import RESERVED
from workflows.definition.schemas import schema_faults, value_faults
from workflows.definition.types import Definition, Fault, Faulty, Json

NOTHING: dict[str, Json] = {"type": "object", "properties": {}}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)  # what a reference can say


def properties_of(schema: Mapping[str, Json]) -> dict[str, Json]:
    """Return the declared parameters with their schemas."""
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def parameters_faults(schema: Json) -> Iterator[Fault]:
    """Yield what is wrong with the parameters of a template."""
    if not isinstance(schema, dict):
        yield Fault(None, "parameters", 'It must be a JSON Schema: {"type": "object", "properties": {…}}.')
        return
    if schema.get("type") != "object":
        yield Fault(
            None,
            "parameters.type",
            'It must be the schema of an object: {"type": "object", "properties": {…}}.',
        )
        return
    found = [
        Fault(None, ".".join(place), message) for place, message in schema_faults(schema, ("parameters",))
    ]
    yield from found
    for name in properties_of(schema):
        if not _NAME.fullmatch(name):
            message = "A parameter's name is letters, digits, - and _, not beginning with a digit or -."
            yield Fault(None, f"parameters.properties.{name}", message)
        if name in RESERVED:
            yield Fault(
                None, f"parameters.properties.{name}", f"{name} has a meaning of its own in references."
            )
    if found:
        return
    yield from _object_faults(schema, ("parameters",), whole=True)


def _object_faults(
    schema: Mapping[str, Json], at: tuple[str, ...], *, whole: bool = False
) -> Iterator[Fault]:
    """Yield defaults and required members of an object that contradict its schema, those of objects within too.

    Args:
        schema: sound by itself.
        at: its place.
        whole: it is that of all parameters, where members that are not declared are refused unless it says otherwise.
    """
    properties = properties_of(schema)
    closed = schema.get("additionalProperties", not whole) is False
    required = schema.get("required", [])
    for name in required if isinstance(required, list) else []:
        declared = properties.get(name)
        if name not in properties and closed:
            known = f"; declared: {', '.join(properties)}" if properties else ""
            message = f"{name!r} is required and not declared under properties{known}."
            yield Fault(None, ".".join((*at, "required")), message)
        elif isinstance(declared, dict) and "default" in declared:
            message = (
                f"{name!r} is required and has a default, so it can't be missing: leave out one of the two."
            )
            yield Fault(None, ".".join((*at, "required")), message)
    for name, each in properties.items():
        if not isinstance(each, dict):
            continue
        place = (*at, "properties", name)
        if "default" in each:
            # as a run is given it: with the defaults of what is within
            for within, message in value_faults(each, _filled(each, each["default"])):
                yield Fault(None, ".".join((*place, "default", *within)), message)
        yield from _object_faults(each, place)


def bind_parameters(definition: Definition, given: Mapping[str, Any] | None) -> dict[str, Json]:
    """Return a run's parameters: what was given, types as they came, and the defaults of what was not.

    Args:
        definition: whose parameters.
        given: by the caller; None for none.

    Returns:
        A new dictionary. A parameter that need not be given, was not, and has no default is not in it.

    Raises:
        Faulty: everything that is missing, surplus or of the wrong kind, each as field `parameters.NAME`.
    """
    if given is not None and not isinstance(given, Mapping):
        raise Faulty([Fault(None, "parameters", "It must be an object.")])
    schema, values = definition.parameters, dict(given or {})
    try:
        to_jsonb(values)
    except (TypeError, ValueError) as error:
        raise Faulty([Fault(None, "parameters", f"It can't be kept: {error}.")]) from error
    faults: list[Fault] = []
    if "additionalProperties" not in schema:
        known = properties_of(schema)
        faults += (
            Fault(
                None,
                f"parameters.{name}",
                unknown("parameter", str(name), known) if known else "The template takes no parameters.",
            )
            for name in values
            if name not in known
        )
    bound = _filled(schema, values)
    faults += (
        Fault(None, ".".join(("parameters", *place)), message)
        for place, message in value_faults(schema, bound)
    )
    if faults:
        raise Faulty(faults)
    return bound


def _filled(schema: Mapping[str, Json], value: Json) -> Json:
    """Return a copy of a value in which members that are missing have their schema's default, objects within too."""
    if not isinstance(value, dict):
        return deepcopy(value)
    filled = {name: deepcopy(member) for name, member in value.items()}
    for name, each in properties_of(schema).items():
        if not isinstance(each, dict):
            continue
        if name in filled:
            filled[name] = _filled(each, filled[name])
        elif "default" in each:
            filled[name] = deepcopy(each["default"])
    return filled
