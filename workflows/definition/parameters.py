"""What a run is given."""

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from itertools import islice
from typing import Any

from liftos.kernel.db.jsonb import to_jsonb
from liftos.kernel.suggestions import did_you_mean, unknown
from workflows.definition.keywords import schema_faults
from workflows.definition.references import RESERVED
from workflows.definition.schemas import MAX_FAULTS, value_faults
from workflows.definition.sizes import deeper_than
from workflows.definition.types import MAX_VALUE_DEPTH, Definition, Fault, Faulty, Json

NOTHING: dict[str, Json] = {"type": "object", "properties": {}}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)  # what a reference can say
_OUTDATED = (
    "The template's schema of its parameters is no longer taken: publish a version without what is at fault."
)


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
        Fault(None, ".".join(place), message)
        for place, message in islice(schema_faults(schema, ("parameters",)), MAX_FAULTS)
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
    yield from islice(_object_faults(schema, ("parameters",), whole=True), MAX_FAULTS)


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
            message = (
                f"{name!r} is required and not declared under properties{did_you_mean(name, properties)}"
            )
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
        Faulty: what is missing, surplus or of the wrong kind, each as field `parameters.NAME`; or the schema is one of an earlier
            version, with keywords that are no longer taken.
    """
    if given is not None and not isinstance(given, Mapping):
        raise Faulty([Fault(None, "parameters", "It must be an object.")])
    schema, values = definition.parameters, dict(given or {})
    if deeper_than(values, MAX_VALUE_DEPTH):
        raise Faulty([Fault(None, "parameters", f"It is nested more than {MAX_VALUE_DEPTH} deep.")])
    try:
        to_jsonb(values)
    except (TypeError, ValueError) as error:
        raise Faulty([Fault(None, "parameters", f"It can't be kept: {error}.")]) from error
    if outdated := next(schema_faults(schema, (), published=True), None):
        place, message = outdated
        raise Faulty([Fault(None, "parameters", f"{_OUTDATED} At {'.'.join(place) or 'its top'}: {message}")])
    faults: list[Fault] = []
    if "additionalProperties" not in schema:
        known = properties_of(schema)
        faults += islice(
            (
                Fault(None, f"parameters.{name}", _undeclared(name, known))
                for name in values
                if name not in known
            ),
            MAX_FAULTS,
        )
    bound = _filled(schema, values)
    faults += (
        Fault(None, ".".join(("parameters", *place)), message)
        for place, message in value_faults(schema, bound)
    )
    if faults:
        raise Faulty(faults)
    return bound


def _undeclared(name: Any, known: Mapping[str, Json]) -> str:
    return unknown("parameter", str(name), known) if known else "The template takes no parameters."


def _filled(schema: Mapping[str, Json], value: Json) -> Json:
    """Return a copy of a value in which members that are missing have their schema's default, objects within too."""
    if not isinstance(value, dict):
        return deepcopy(value)
    properties = {name: each for name, each in properties_of(schema).items() if isinstance(each, dict)}
    filled = {
        name: _filled(properties[name], member) if name in properties else deepcopy(member)
        for name, member in value.items()
    }
    for name, each in properties.items():
        if name not in filled and "default" in each:
            filled[name] = deepcopy(each["default"])
    return filled
