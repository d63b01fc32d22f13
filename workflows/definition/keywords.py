"""The subset of JSON Schema (2020-12) allowed for template parameters: an allow-list of keywords and their forms.

Callers write the schemas, so nothing is allowed that could fetch, recurse, or cost more than linear time: no references, no patterns,
no `unevaluated…`, and at most `MAX_OVERLAP` schemas that apply to one value.
"""

import math
from collections.abc import Callable, Generator, Iterator
from typing import Any, Final

from liftos.kernel.suggestions import unknown
from workflows.definition.checks import TYPES, Place, is_number
from workflows.definition.formats import FORMATS
from workflows.definition.types import Json

MAX_OVERLAP = 32
MAX_PROPERTIES = 1_000

_MEANT = "write the schema inline"
_PATTERN = "a pattern can take unlimited time on a hostile value; use enum, format or lengths"
_COST = "its cost is not linear; "
REFUSED: Final[dict[str, str]] = {
    "$ref": _MEANT,
    "$dynamicRef": _MEANT,
    "$recursiveRef": _MEANT,
    "$id": _MEANT,
    "$schema": _MEANT,
    "$anchor": _MEANT,
    "$dynamicAnchor": _MEANT,
    "$recursiveAnchor": _MEANT,
    "$vocabulary": _MEANT,
    "$defs": _MEANT,
    "definitions": _MEANT,
    "pattern": _PATTERN,
    "patternProperties": _PATTERN,
    "unevaluatedItems": f"{_COST}use items",
    "unevaluatedProperties": f"{_COST}use additionalProperties",
    "dependentRequired": f"{_COST}use if, then and required",
    "dependentSchemas": f"{_COST}use if and then",
    "dependencies": f"{_COST}use if and then",
    "additionalItems": "use prefixItems and items",
    "contentSchema": "the content of strings is not validated",
}

_Walk = Generator[tuple[Place, str], None, int]
"""Yields faults and returns the maximum number of schemas that apply to one value."""


def schema_faults(schema: Json, at: Place = (), *, published: bool = False) -> Iterator[tuple[Place, str]]:
    """Yield the path (including the keyword) and a sentence for everything wrong with a caller's schema.

    Args:
        schema: JSON, within a template's maximum depth.
        at: its path.
        published: whether an earlier release accepted it: unknown keywords and formats are then ignored, as JSON Schema specifies.
    """
    yield from _Schemas(published=published).walk(schema, at)


class _Schemas:
    def __init__(self, *, published: bool) -> None:
        self.published = published

    def walk(self, schema: Json, at: Place) -> _Walk:
        if isinstance(schema, bool):
            return 1
        if not isinstance(schema, dict):
            yield at, "It must be a JSON Schema: an object, true or false."
            return 1
        beside, below = 1, 0
        for word, wanted in schema.items():
            place = (*at, word)
            if word in REFUSED:
                yield place, f"{word} is not allowed here: {REFUSED[word]}."
            elif word in _FORMS:
                if (message := _FORMS[word](wanted)) is not None and not (
                    word == "format" and self.published
                ):
                    yield place, message
            elif word in _INNER:
                if (message := _INNER[word](wanted)) is not None:
                    yield place, message
                loads = yield from self._inner(wanted, place)
                if word in _BESIDE:
                    beside += sum(loads)
                else:
                    below = max(below, *loads, 0)
            elif not word.startswith("x-") and not self.published:
                yield place, unknown("keyword", word, KEYWORDS)
        load = beside + max(below - 1, 0)
        if load <= MAX_OVERLAP:
            return load
        yield (
            at,
            (
                f"{load} schemas may apply to one value here, but at most {MAX_OVERLAP} are allowed: "
                f"use fewer {', '.join(sorted(_BESIDE))}."
            ),
        )
        return 1

    def _inner(self, wanted: Json, at: Place) -> Generator[tuple[Place, str], None, list[int]]:
        """Walk a keyword's schemas: one, a list, or an object of them by name."""
        loads = []
        if isinstance(wanted, list):
            for number, each in enumerate(wanted):
                loads.append((yield from self.walk(each, (*at, str(number)))))
        elif at[-1] == "properties":
            for name, each in wanted.items() if isinstance(wanted, dict) else ():
                loads.append((yield from self.walk(each, (*at, name))))
        elif isinstance(wanted, dict | bool):
            loads.append((yield from self.walk(wanted, at)))
        return loads


def _is(kinds: Any, phrase: str) -> Callable[[Json], str | None]:
    return lambda value: None if isinstance(value, kinds) else f"It must be {phrase}."


def _type(value: Json) -> str | None:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not names or not all(isinstance(each, str) for each in names):
        return f"It must be one of {', '.join(TYPES)}, or a list of these."
    for name in names:
        if name not in TYPES:
            return unknown("type", name, TYPES)
    return None if len(set(names)) == len(names) else "It lists a type twice."


def _format(value: Json) -> str | None:
    if not isinstance(value, str):
        return "It must be a string."
    return None if value in FORMATS else unknown("format", value, FORMATS)


def _number(value: Json) -> str | None:
    return None if is_number(value) and _finite(value) else "It must be a number."


def _above_zero(value: Json) -> str | None:
    return None if _number(value) is None and value > 0 else "It must be a number above 0."


def _count(value: Json) -> str | None:
    fits = _number(value) is None and value >= 0 and value == math.floor(value)
    return None if fits else "It must be a whole number, not below 0."


def _finite(value: float) -> bool:
    # an integer may be larger than any float
    return isinstance(value, int) or math.isfinite(value)


def _names(value: Json) -> str | None:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        return "It must be a list of names."
    if len(value) > MAX_PROPERTIES:
        return f"At most {MAX_PROPERTIES} names."
    return None if len(set(value)) == len(value) else "It lists a member twice."


def _schemas(value: Json) -> str | None:
    return None if isinstance(value, list) and value else "It must be a list of at least one schema."


def _properties(value: Json) -> str | None:
    if not isinstance(value, dict):
        return "It must be an object of schemas by name."
    return None if len(value) <= MAX_PROPERTIES else f"At most {MAX_PROPERTIES} members."


def _schema(value: Json) -> str | None:
    return None if isinstance(value, dict | bool) else "It must be a JSON Schema: an object, true or false."


def _anything(value: Json) -> None:
    del value


_FORMS: Final[dict[str, Callable[[Json], str | None]]] = {
    "title": _is(str, "a text"),
    "description": _is(str, "a text"),
    "$comment": _is(str, "a text"),
    "default": _anything,
    "examples": _is(list, "a list"),
    "deprecated": _is(bool, "true or false"),
    "readOnly": _is(bool, "true or false"),
    "writeOnly": _is(bool, "true or false"),
    "contentEncoding": _is(str, "a text"),
    "contentMediaType": _is(str, "a text"),
    "type": _type,
    "enum": _is(list, "a list"),
    "const": _anything,
    "minimum": _number,
    "maximum": _number,
    "exclusiveMinimum": _number,
    "exclusiveMaximum": _number,
    "multipleOf": _above_zero,
    "minLength": _count,
    "maxLength": _count,
    "format": _format,
    "minItems": _count,
    "maxItems": _count,
    "uniqueItems": _is(bool, "true or false"),
    "minContains": _count,
    "maxContains": _count,
    "minProperties": _count,
    "maxProperties": _count,
    "required": _names,
}
_INNER: Final[dict[str, Callable[[Json], str | None]]] = {
    "properties": _properties,
    "additionalProperties": _schema,
    "propertyNames": _schema,
    "prefixItems": _schemas,
    "items": _schema,
    "contains": _schema,
    "allOf": _schemas,
    "anyOf": _schemas,
    "oneOf": _schemas,
    "not": _schema,
    "if": _schema,
    "then": _schema,
    "else": _schema,
}
KEYWORDS: Final = (*_FORMS, *_INNER)
# their schemas apply to the value itself, or to the same items as `items`, in addition to everything else
_BESIDE: Final = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "contains"})
