"""Conditions of steps, in the syntax of search filters.

`"{urgent}"` holds if the value is neither null, false, 0 nor empty. An object's keys are references, with or without braces, and all
members must hold: `{"steps.search.result.count": {"$gt": 0}, "channel": ["tv", "radio"]}`. A bare value means equality, a list
membership; the operators are `$eq $ne $in $nin $gt $gte $lt $lte $exists`. `{"$any": […]}`, `{"$all": […]}` and `{"$not": …}`
combine conditions. The compared values may be references too. Comparison is strict about types: a number never equals its text,
true is never 1, and order operators are false for values without an order.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from liftos.kernel.suggestions import suggestion
from workflows.definition.references import (
    Reference,
    Resolver,
    path_of,
    read_reference,
    references,
    whole,
)
from workflows.definition.types import MAX_CONDITIONS, Json, Unresolvable

_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "$gt": lambda left, right: left > right,
    "$gte": lambda left, right: left >= right,
    "$lt": lambda left, right: left < right,
    "$lte": lambda left, right: left <= right,
}
OPERATORS: Final = frozenset({"$eq", "$ne", "$in", "$nin", "$exists"} | set(_ORDER))
_COMBINED: Final = frozenset({"$any", "$all"})


def holds(
    when: Json, *, parameters: Mapping[str, Json], results: Mapping[str, Json], most: int | None = None
) -> bool:
    """Return whether a condition holds.

    Args:
        when: a valid condition (`faults_of`); None always holds.
        parameters: of the run.
        results: of ended steps, by name; a missing result or path counts as null.
        most: maximum total size of the compared values, bytes of JSON.

    Raises:
        TooLarge: the compared values are larger.
    """
    return _holds(when, Resolver(parameters, results, most=most))


def _holds(when: Json, resolver: Resolver) -> bool:
    if when is None:
        return True
    if isinstance(when, bool):
        return when
    if isinstance(when, str):
        reference = whole(when)
        return reference is not None and bool(resolver.look_up(reference))
    return all(_member_holds(key, wanted, resolver) for key, wanted in when.items())


def _member_holds(key: str, wanted: Json, resolver: Resolver) -> bool:
    if key in _COMBINED:
        combine = any if key == "$any" else all
        return combine(_holds(each, resolver) for each in wanted)
    if key == "$not":
        return not _holds(wanted, resolver)
    value = resolver.look_up(read_reference(path_of(key) or ""))
    if not isinstance(wanted, dict):
        wanted = {"$in" if isinstance(wanted, list) else "$eq": wanted}
    return all(_compare(value, operator, _operand(against, resolver)) for operator, against in wanted.items())


def _operand(against: Json, resolver: Resolver) -> Json:
    if isinstance(against, list):
        return [_operand(each, resolver) for each in against]
    try:
        return resolver.resolve(against)
    except Unresolvable:
        return None


def _compare(value: Json, operator: str, against: Json) -> bool:
    if operator == "$exists":
        return (value is not None) == bool(against)
    if operator in ("$in", "$nin"):
        among = any(_equal(value, each) for each in against) if isinstance(against, list) else False
        return among == (operator == "$in")
    if operator in ("$eq", "$ne"):
        return _equal(value, against) == (operator == "$eq")
    both_numbers = _is_number(value) and _is_number(against)
    both_texts = isinstance(value, str) and isinstance(against, str)
    return (both_numbers or both_texts) and _ORDER[operator](value, against)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _equal(left: Json, right: Json) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(_equal(*pair) for pair in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    return bool(left == right)


def condition_references(when: Json) -> Iterator[tuple[tuple[str, ...], Reference]]:
    """Yield every reference in a condition, including its keys, with its path."""
    if isinstance(when, str):
        yield from references(when)
    if not isinstance(when, dict):
        return
    for key, wanted in when.items():
        if key in _COMBINED and isinstance(wanted, list):
            for number, each in enumerate(wanted):
                for at, reference in condition_references(each):
                    yield (key, str(number), *at), reference
        elif key == "$not":
            for at, reference in condition_references(wanted):
                yield (key, *at), reference
        else:
            if (path := path_of(key)) is not None:
                yield (key,), read_reference(path)
            yield from references(wanted, (key,))


def faults_of(when: Json, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the path and a sentence for everything wrong with a condition's shape. References are checked elsewhere."""
    if when is None or isinstance(when, bool):
        return
    if isinstance(when, str):
        if whole(when) is None:
            yield at, "A condition must be one reference in braces, or an object."
        return
    if not isinstance(when, dict) or not when:
        yield at, "A condition must be one reference in braces, or a non-empty object."
        return
    if len(when) > MAX_CONDITIONS:
        yield at, f"At most {MAX_CONDITIONS} conditions."
    for key, wanted in when.items():
        yield from _member_faults(key, wanted, (*at, key))


def _member_faults(key: str, wanted: Json, at: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if key in _COMBINED:
        if not isinstance(wanted, list) or not 0 < len(wanted) <= MAX_CONDITIONS:
            yield at, f"{key} takes a list of 1 to {MAX_CONDITIONS} conditions."
            return
        for number, each in enumerate(wanted):
            yield from _inner_faults(each, (*at, str(number)))
    elif key == "$not":
        yield from _inner_faults(wanted, at)
    elif path_of(key) is None:
        yield at, "It names neither a parameter nor a step's result."
    elif isinstance(wanted, dict):
        if unknown := sorted(set(wanted) - OPERATORS):
            closest = suggestion(unknown[0], OPERATORS, ".")
            yield (
                at,
                f"{unknown[0][:100]!r} is not an operator; use one of {', '.join(sorted(OPERATORS))}{closest}",
            )
        if not wanted:
            yield at, "An operator is missing."
        yield from (
            ((*at, operator), f"{operator} takes a list.")
            for operator in ("$in", "$nin")
            if operator in wanted
            and not isinstance(wanted[operator], list)
            and whole(wanted[operator]) is None
        )
        if not isinstance(wanted.get("$exists", True), bool):
            yield (*at, "$exists"), "$exists takes true or false."


def _inner_faults(when: Json, at: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if when is None:
        yield at, "A condition is missing."
    else:
        yield from faults_of(when, at)
