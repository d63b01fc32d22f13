"""JSON Schema (2020-12) for parameters and arguments, and for arguments of which a part is not known yet.

Templates are written by callers, so what could fetch, loop or take for ever is refused in their schemas: references to other
schemas, and patterns (a regular expression can take exponential time on a hostile value). Functions' own schemas may use both.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from json import dumps, loads
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from referencing import Registry

from liftos.nearest import unknown
from workflows.definition.types import FunctionLike, Json

Place = tuple[str, ...]

REFUSED_KEYWORDS: Final = frozenset(
    {"$ref", "$dynamicRef", "$recursiveRef", "$id", "$schema", "pattern", "patternProperties", "$vocabulary"}
)
_INLINE_DEPTH = 8
_NOWHERE: Final = Registry()
"""Retrieves nothing: jsonschema's own default would fetch what a schema names."""


class Unknown:
    """Stands in an argument for a value that a run will bring.

    Attributes:
        types: JSON Schema type names that it can have; None for any.
        schema: what is known of it, or empty.
    """

    def __init__(self, types: frozenset[str] | None = None) -> None:
        """Make a stand-in."""
        self.types = types

    def __repr__(self) -> str:
        """Return what messages show."""
        return "what the reference brings"


def types_of(schema: Json) -> frozenset[str] | None:
    """Return the types that a schema's `type` allows, or None where it says nothing."""
    named = schema.get("type") if isinstance(schema, Mapping) else None
    if isinstance(named, str):
        return frozenset({named})
    return frozenset(named) if isinstance(named, list) else None


def _has_unknown(value: Json) -> bool:
    if isinstance(value, Unknown):
        return True
    if isinstance(value, dict):
        return any(_has_unknown(member) for member in value.values())
    return isinstance(value, list) and any(_has_unknown(member) for member in value)


Keyword = Callable[[Validator, Any, Any, Any], Iterator[ValidationError] | None]

# what compares whole values, or fails by something else passing: nothing can be said while a part is unknown
_WHOLE_VALUE: Final = frozenset(
    {
        "const",
        "enum",
        "uniqueItems",
        "contains",
        "oneOf",
        "not",
        "if",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)


def _known_only(name: str, check: Keyword) -> Keyword:
    def checked(validator: Validator, wanted: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if name in _WHOLE_VALUE and _has_unknown(instance):
            return
        if isinstance(instance, Unknown):
            if name == "type":
                yield from _type(wanted, instance)
            elif name in ("anyOf", "allOf", "$ref"):
                yield from check(validator, wanted, instance, schema) or ()
            return
        yield from check(validator, wanted, instance, schema) or ()

    return checked


def _type(wanted: Any, instance: Unknown) -> Iterator[ValidationError]:
    allowed = {wanted} if isinstance(wanted, str) else set(wanted)
    if "number" in allowed:
        allowed.add("integer")
    possible = instance.types
    # a number may turn out to be an integer
    if possible is not None and "number" in possible:
        possible |= {"integer"}
    if possible is not None and not allowed & possible:
        yield ValidationError(
            f"the reference brings {' or '.join(sorted(instance.types or ()))}, not {_listed(wanted)}"
        )


def _listed(wanted: Any) -> str:
    return wanted if isinstance(wanted, str) else " or ".join(wanted)


_PartlyKnown = extend(
    Draft202012Validator,
    {name: _known_only(name, check) for name, check in Draft202012Validator.VALIDATORS.items()},
)


@lru_cache(maxsize=512)
def _validator(text: str, *, partly: bool) -> Validator:
    kind = _PartlyKnown if partly else Draft202012Validator
    return kind(loads(text), registry=_NOWHERE, format_checker=Draft202012Validator.FORMAT_CHECKER)


def validator_of(schema: Mapping[str, Json], *, partly: bool = False) -> Validator:
    """Return the validator of a schema; it fetches nothing.

    Args:
        schema: as `schema_faults` found nothing wrong with, or a function's own.
        partly: values may contain `Unknown`.
    """
    return _validator(dumps(schema, sort_keys=True), partly=partly)


def value_faults(schema: Mapping[str, Json], value: Json, *, partly: bool = False) -> list[tuple[Place, str]]:
    """Return what is wrong with a value: places within it and sentences, in a fixed order.

    Args:
        schema: JSON Schema.
        value: JSON; with `partly` it may contain `Unknown`.
        partly: see above.
    """
    if not schema:
        return []
    found = (_leaf(error) for error in validator_of(schema, partly=partly).iter_errors(value))
    return sorted({told for error in found for told in _told(error)})


def _leaf(error: ValidationError) -> ValidationError:
    """Return the most telling part of an error of `anyOf` and the like: a value of the right type that failed otherwise."""
    while error.context:
        inner = [each for each in error.context if each.validator != "type"] or []
        if len(inner) != 1:
            break
        error = inner[0]
    return error


def _told(error: ValidationError) -> Iterator[tuple[Place, str]]:
    """Yield what an error tells, one for each member that is at fault."""
    place = tuple(str(part) for part in error.absolute_path)
    if error.validator == "required" and isinstance(error.instance, dict):
        # jsonschema yields as many errors as members are missing, and does not say which is whose
        for name in error.validator_value:
            if name not in error.instance:
                yield (*place, name), "It is required."
        return
    if error.validator == "additionalProperties" and error.validator_value is False:
        known = set(error.schema.get("properties", {})) if isinstance(error.schema, Mapping) else set()
        for name in sorted(set(error.instance) - known):
            yield (*place, name), unknown("field", name, sorted(known))
        return
    text = error.message if len(error.message) <= 300 else f"{error.message[:299]}…"
    yield place, f"{text[0].upper()}{text[1:]}."


def arguments_schema(function: FunctionLike | None) -> dict[str, Json]:
    """Return the JSON Schema of a function's arguments, empty for anything.

    Where it does not say what becomes of further members they are refused: an argument that is spelled wrong would else be
    ignored at every run.
    """
    if function is None or not function.schema:
        return {}
    schema = (
        _of_model(function.schema) if hasattr(function.schema, "model_json_schema") else dict(function.schema)
    )
    return schema if "additionalProperties" in schema else schema | {"additionalProperties": False}


@lru_cache(maxsize=512)
def _of_model(model: Any) -> dict[str, Json]:
    return model.model_json_schema()


def schema_faults(schema: Json, at: Place = ()) -> Iterator[tuple[Place, str]]:
    """Yield what is wrong with a schema that a caller wrote."""
    if schema is True or schema is False:
        return
    if not isinstance(schema, dict):
        yield at, "It is no JSON Schema."
        return
    used = list(_keywords(schema, at))
    yield from ((place, f"{word} is not allowed here: {_why(word)}.") for place, word in used)
    if used:
        return
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        yield (
            (*at, *(str(part) for part in error.absolute_path)),
            f"It is no JSON Schema: {error.message[:200]}.",
        )


def _why(word: str) -> str:
    if word in ("pattern", "patternProperties"):
        return "a pattern can take for ever on a hostile value; use enum, format or lengths"
    return "write what is meant in its place"


def _keywords(schema: Json, at: Place) -> Iterator[tuple[Place, str]]:
    """Yield refused keywords wherever a schema stands, and not where a member happens to have such a name."""
    if isinstance(schema, list):
        for number, each in enumerate(schema):
            yield from _keywords(each, (*at, str(number)))
    if not isinstance(schema, dict):
        return
    for key, inner in schema.items():
        if key in REFUSED_KEYWORDS:
            yield (*at, key), key
        elif key in ("properties", "$defs", "dependentSchemas") and isinstance(inner, dict):
            for name, each in inner.items():
                yield from _keywords(each, (*at, key, str(name)))
        elif key not in ("default", "const", "enum", "examples"):
            yield from _keywords(inner, (*at, key))


def written_out(schema: Json, definitions: Mapping[str, Json], depth: int = _INLINE_DEPTH) -> Json:
    """Return a function's schema without what a template's parameters may not have; what goes too deep becomes "anything".

    Args:
        schema: of one argument.
        definitions: `$defs` of the function's schema.
        depth: references followed within one another.
    """
    if isinstance(schema, list):
        return [written_out(each, definitions, depth) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    named = schema.get("$ref")
    if isinstance(named, str):
        target = definitions.get(named.rpartition("/")[2]) if depth else None
        rest = {key: each for key, each in schema.items() if key != "$ref"}
        inlined = written_out(target, definitions, depth - 1) if target is not None else {}
        return {**inlined, **written_out(rest, definitions, depth)} if isinstance(inlined, dict) else inlined
    kept = ("default", "const", "enum", "examples")
    return {
        key: each if key in kept else written_out(each, definitions, depth)
        for key, each in schema.items()
        if key not in REFUSED_KEYWORDS and key != "$defs"
    }
