"""The parameters of templates and runs."""

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
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)  # the syntax of references
_OUTDATED = "The template's parameter schema is no longer supported: publish a corrected version."


def properties_of(schema: Mapping[str, Json]) -> dict[str, Json]:
    """Return the declared parameters with their schemas."""
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def parameters_faults(schema: Json) -> Iterator[Fault]:
    """Yield the faults of a template's parameters."""
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
            message = "A parameter's name is letters, digits, - and _, not starting with a digit or -."
            yield Fault(None, f"parameters.properties.{name}", message)
        if name in RESERVED:
            yield Fault(None, f"parameters.properties.{name}", f"{name} is reserved in references.")
    if found:
        return
    yield from islice(_object_faults(schema, ("parameters",), whole=True), MAX_FAULTS)


def _object_faults(
    schema: Mapping[str, Json], at: tuple[str, ...], *, whole: bool = False
) -> Iterator[Fault]:
    """Yield faults for defaults and required members that contradict the schema, including nested objects.

    Args:
        schema: otherwise valid.
        at: its path.
        whole: whether it is the schema of all parameters, where undeclared members are refused by default.
    """
    properties = properties_of(schema)
    closed = schema.get("additionalProperties", not whole) is False
    required = schema.get("required", [])
    for name in required if isinstance(required, list) else []:
        declared = properties.get(name)
        if name not in properties and closed:
            message = (
                f"{name!r} is required but not declared under properties{did_you_mean(name, properties)}"
            )
            yield Fault(None, ".".join((*at, "required")), message)
        elif isinstance(declared, dict) and "default" in declared:
            message = f"{name!r} is required and has a default: remove one of the two."
            yield Fault(None, ".".join((*at, "required")), message)
    for name, each in properties.items():
        if not isinstance(each, dict):
            continue
        place = (*at, "properties", name)
        if "default" in each:
            # as a run would receive it: with nested defaults
            for within, message in value_faults(each, _filled(each, each["default"])):
                yield Fault(None, ".".join((*place, "default", *within)), message)
        yield from _object_faults(each, place)


def bind_parameters(definition: Definition, given: Mapping[str, Any] | None) -> dict[str, Json]:
    """Return a run's parameters: the given ones, without type conversion, and the defaults of the others.

    Args:
        definition: of the template.
        given: by the caller; None for none.

    Returns:
        A new dictionary, without optional parameters that were not given and have no default.

    Raises:
        Faulty: parameters are missing, unknown or of the wrong type, each as field `parameters.NAME`; or the published schema has
            keywords that are no longer supported.
    """
    if given is not None and not isinstance(given, Mapping):
        raise Faulty([Fault(None, "parameters", "It must be an object.")])
    schema, values = definition.parameters, dict(given or {})
    if deeper_than(values, MAX_VALUE_DEPTH):
        raise Faulty([Fault(None, "parameters", f"It is nested deeper than {MAX_VALUE_DEPTH} levels.")])
    try:
        to_jsonb(values)
    except (TypeError, ValueError) as error:
        raise Faulty([Fault(None, "parameters", f"It can't be stored: {error}.")]) from error
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
    """Return a copy of a value with the schema's defaults for missing members, including nested objects."""
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
