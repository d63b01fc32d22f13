"""Validation of a value by each JSON Schema keyword. A check costs at most one step per member, or counts its steps itself."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any, Final, Protocol

from liftos.kernel.suggestions import unknown
from workflows.definition.equality import Equality, Unknown
from workflows.definition.formats import FORMATS
from workflows.definition.types import Json

Place = tuple[str, ...]

_MAX_SHOWN = 100
_MAX_MATCHED = 10_000
# checked in function arguments; other formats are left to the function's parser, which accepts more than RFC 3339
FUNCTION_FORMATS: Final = frozenset({"uuid", "date", "ipv4", "ipv6"})


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with a value.

    Attributes:
        place: path within the value.
        word: the failed keyword.
        message: returns a sentence; a function, because most findings (those of alternatives) are never shown.
    """

    place: Place
    word: str
    message: Callable[[], str]


Findings = Iterator[Finding]


class Walk(Protocol):
    """The parts of `workflows.definition.checking.Checker` that the checks use."""

    trusted: bool
    equality: Equality

    def tick(self, steps: int = 1) -> None: ...  # noqa: D102  all of these: see Checker
    def findings(self, schema: Json, value: Json, place: Place = ()) -> Findings: ...  # noqa: D102
    def fits(self, schema: Json, value: Json) -> bool: ...  # noqa: D102
    def among(self, members: list[Json], value: Json) -> bool: ...  # noqa: D102
    def named(self, name: Json) -> Json: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Visit:
    """One schema applied at one place of the value.

    Attributes:
        checker: of the whole value; counts steps.
        schema: the schema with all its keywords.
        place: path within the value.
    """

    checker: Walk
    schema: Mapping[str, Json]
    place: Place


Check = Callable[[Visit, Any, Any], Findings]

_PYTHON: Final[dict[str, Callable[[Any], bool]]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: is_number(value) and (isinstance(value, int) or value.is_integer()),
    "number": lambda value: is_number(value),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
TYPES: Final = tuple(_PYTHON)


def is_number(value: Json) -> bool:
    """Return whether a value is a number; booleans are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def shown(value: Json) -> str:
    """Return a value for messages: shortened, lists and objects as their length."""
    if isinstance(value, list):
        return f"A list of {len(value)}"
    if isinstance(value, dict):
        return f"An object of {len(value)} members"
    if isinstance(value, str):
        return repr(value if len(value) <= _MAX_SHOWN else f"{value[:_MAX_SHOWN]}…")
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, int) and value.bit_length() > 1_000:
        return "A number with hundreds of digits"
    return str(value)


def _listed(values: list[Json]) -> str:
    return ", ".join(shown(each) for each in values[:20]) + (", …" if len(values) > 20 else "")


def _type(at: Visit, wanted: Any, value: Json) -> Findings:
    allowed = [wanted] if isinstance(wanted, str) else wanted
    if isinstance(value, Unknown):
        possible = value.types
        # a number may turn out to be an integer, and an integer is a number
        wider = set(allowed) | ({"integer"} if "number" in allowed else set())
        if possible is not None and not wider & (possible | ({"integer"} if "number" in possible else set())):
            message = f"The reference's type is {' or '.join(sorted(possible))}, not {' or '.join(allowed)}"
            yield Finding(at.place, "type", lambda: message)
    elif not any(name in _PYTHON and _PYTHON[name](value) for name in allowed):
        names = " or ".join(repr(name) for name in allowed)
        yield Finding(at.place, "type", lambda: f"{shown(value)} is not of type {names}")


def _enum(at: Visit, wanted: Any, value: Json) -> Findings:
    if not at.checker.among(wanted, value):
        yield Finding(at.place, "enum", lambda: f"{shown(value)} is not one of {_listed(wanted)}")


def _const(at: Visit, wanted: Any, value: Json) -> Findings:
    if at.checker.equality.number(wanted) != at.checker.equality.number(value):
        yield Finding(at.place, "const", lambda: f"{shown(value)} is not {shown(wanted)}")


def _bound(word: str, holds: Callable[[Any, Any], bool], phrase: str) -> Check:
    def check(at: Visit, wanted: Any, value: Json) -> Findings:
        if is_number(value) and not holds(value, wanted):
            yield Finding(at.place, word, lambda: f"{shown(value)} is {phrase} {shown(wanted)}")

    return check


def _multiple_of(at: Visit, wanted: Any, value: Json) -> Findings:
    # in decimal notation: 0.3 is a multiple of 0.1, though not as floats
    if is_number(value) and Fraction(_exactly(value)) % Fraction(_exactly(wanted)):
        yield Finding(at.place, "multipleOf", lambda: f"{shown(value)} is not a multiple of {shown(wanted)}")


def _exactly(number: float) -> int | str:
    return number if isinstance(number, int) else repr(number)


def _length(
    word: str,
    kind: type[str] | type[list[Any]] | type[dict[str, Any]],
    holds: Callable[[int, Any], bool],
    phrase: str,
) -> Check:
    def check(at: Visit, wanted: Any, value: Json) -> Findings:
        if isinstance(value, kind) and not holds(len(value), wanted):
            yield Finding(at.place, word, lambda: f"{shown(value)} {phrase} {shown(wanted)}")

    return check


def _format(at: Visit, wanted: Any, value: Json) -> Findings:
    check = FORMATS.get(wanted) if not at.checker.trusted or wanted in FUNCTION_FORMATS else None
    if check is not None and isinstance(value, str):
        at.checker.tick(1 + len(value) // 100)
        if not check(value):
            yield Finding(at.place, "format", lambda: f"{shown(value)} is not a {wanted!r}")


def _pattern(at: Visit, wanted: Any, value: Json) -> Findings:
    if not at.checker.trusted or not isinstance(value, str) or len(value) > _MAX_MATCHED:
        return
    compiled = _compiled(wanted)
    if compiled is not None and not compiled.search(value):
        yield Finding(at.place, "pattern", lambda: f"{shown(value)} does not match {wanted!r}")


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """Return a function's compiled pattern; None if Python's syntax does not support it."""
    try:
        return re.compile(pattern)
    except re.error:
        return None


def _ref(at: Visit, wanted: Any, value: Json) -> Findings:
    if at.checker.trusted:
        yield from at.checker.findings(at.checker.named(wanted), value, at.place)


def _required(at: Visit, wanted: Any, value: Json) -> Findings:
    if not isinstance(value, dict):
        return
    for name in wanted:
        at.checker.tick()
        if name not in value:
            yield Finding((*at.place, name), "required", lambda: "It is required")


def _properties(at: Visit, wanted: Any, value: Json) -> Findings:
    if not isinstance(value, dict):
        return
    at.checker.tick(len(value))
    for name, member in value.items():
        if name in wanted:
            yield from at.checker.findings(wanted[name], member, (*at.place, name))


def _additional(at: Visit, wanted: Any, value: Json) -> Findings:
    if not isinstance(value, dict):
        return
    at.checker.tick(len(value))
    known: Any = at.schema.get("properties", {})
    for name, member in value.items():
        if name in known:
            continue
        if wanted is False:
            message = partial(unknown, "field", name, known)
            yield Finding((*at.place, name), "additionalProperties", message)
        else:
            yield from at.checker.findings(wanted, member, (*at.place, name))


def _names(at: Visit, wanted: Any, value: Json) -> Findings:
    for name in value if isinstance(value, dict) else ():
        yield from at.checker.findings(wanted, name, (*at.place, name))


def _prefix(at: Visit, wanted: Any, value: Json) -> Findings:
    for number, (each, member) in enumerate(
        zip(wanted, value, strict=False) if isinstance(value, list) else ()
    ):
        yield from at.checker.findings(each, member, (*at.place, str(number)))


def _items(at: Visit, wanted: Any, value: Json) -> Findings:
    if not isinstance(value, list):
        return
    for number in range(len(at.schema.get("prefixItems", ())), len(value)):
        yield from at.checker.findings(wanted, value[number], (*at.place, str(number)))


def _unique(at: Visit, wanted: Any, value: Json) -> Findings:
    if not wanted or not isinstance(value, list):
        return
    at.checker.tick(len(value))
    if len({at.checker.equality.number(each) for each in value}) < len(value):
        yield Finding(at.place, "uniqueItems", lambda: f"{shown(value)} has equal items")


def _contains(at: Visit, wanted: Any, value: Json) -> Findings:
    if not isinstance(value, list):
        return
    least, most = at.schema.get("minContains", 1), at.schema.get("maxContains")
    found = 0
    for each in value:
        found += at.checker.fits(wanted, each)
        if found >= least and most is None:
            return
        if most is not None and found > most:
            yield Finding(
                at.place,
                "maxContains",
                lambda: f"{shown(value)} has more than {shown(most)} items that match contains",
            )
            return
    if found < least:
        yield Finding(
            at.place,
            "contains",
            lambda: f"{shown(value)} has fewer than {shown(least)} items that match contains",
        )


def _all_of(at: Visit, wanted: Any, value: Json) -> Findings:
    for each in wanted:
        yield from at.checker.findings(each, value, at.place)


def _any_of(at: Visit, wanted: Any, value: Json) -> Findings:
    tried = []
    for each in wanted:
        findings = at.checker.findings(each, value, at.place)
        first = next(findings, None)
        if first is None:
            return
        tried.append((first, findings))
    # if exactly one alternative has the right type, report what is wrong with that one
    telling = [pair for pair in tried if pair[0].word != "type" or pair[0].place != at.place]
    if len(telling) == 1:
        first, rest = telling[0]
        yield first
        yield from rest
    else:
        yield Finding(at.place, "anyOf", lambda: _none_of(value, [first for first, _ in tried]))


def _none_of(value: Json, firsts: list[Finding]) -> str:
    reasons = "; ".join(dict.fromkeys(finding.message() for finding in firsts[:5]))
    return f"{shown(value)} matches none of the alternatives ({reasons})"


def _one_of(at: Visit, wanted: Any, value: Json) -> Findings:
    fitting = sum(at.checker.fits(each, value) for each in wanted)
    if fitting != 1:
        yield Finding(
            at.place,
            "oneOf",
            lambda: f"{shown(value)} matches {fitting} of the alternatives instead of exactly one",
        )


def _not(at: Visit, wanted: Any, value: Json) -> Findings:
    if at.checker.fits(wanted, value):
        yield Finding(at.place, "not", lambda: f"{shown(value)} is not allowed here")


def _if(at: Visit, wanted: Any, value: Json) -> Findings:
    yield from at.checker.findings(
        at.schema.get("then" if at.checker.fits(wanted, value) else "else", True), value, at.place
    )


OF_UNKNOWN: Final = frozenset({"type", "anyOf", "allOf", "$ref"})
# keywords that compare whole values, or fail because another schema passes
WHOLE_VALUE: Final = frozenset({"const", "enum", "uniqueItems", "contains", "oneOf", "not", "if"})
CHECKS: Final[dict[str, Check]] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "minimum": _bound("minimum", lambda value, bound: value >= bound, "less than the minimum of"),
    "maximum": _bound("maximum", lambda value, bound: value <= bound, "greater than the maximum of"),
    "exclusiveMinimum": _bound("exclusiveMinimum", lambda value, bound: value > bound, "less than or equal to the minimum of"),
    "exclusiveMaximum": _bound("exclusiveMaximum", lambda value, bound: value < bound, "greater than or equal to the maximum of"),
    "multipleOf": _multiple_of,
    "minLength": _length("minLength", str, lambda length, bound: length >= bound, "is shorter than"),
    "maxLength": _length("maxLength", str, lambda length, bound: length <= bound, "is longer than"),
    "format": _format,
    "pattern": _pattern,
    "minItems": _length("minItems", list, lambda length, bound: length >= bound, "has fewer items than"),
    "maxItems": _length("maxItems", list, lambda length, bound: length <= bound, "has more items than"),
    "minProperties": _length("minProperties", dict, lambda length, bound: length >= bound, "has fewer members than"),
    "maxProperties": _length("maxProperties", dict, lambda length, bound: length <= bound, "has more members than"),
    "required": _required,
    "properties": _properties,
    "additionalProperties": _additional,
    "propertyNames": _names,
    "prefixItems": _prefix,
    "items": _items,
    "uniqueItems": _unique,
    "contains": _contains,
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "not": _not,
    "if": _if,
    "$ref": _ref,
}  # fmt: skip
