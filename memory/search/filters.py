"""Parse metadata filters from JSON: the language that lists, queries, searches and deletions share.

A filter is an object whose conditions must all hold. A key with a value is equality (`{"a": 1}`), with a list any of these
(`{"a": [1, 2]}`), with an object of operators a comparison: `$eq $ne $in $nin $gt $gte $lt $lte $exists`, of texts also `$contains
$icontains $startswith $like`, and `$not` around others. `$and`, `$or` and `$not` (also `AND`, `OR`, `NOT`) join filters; a list under
`$not` means that none of them holds. If the stored value is a list, a condition matches if any element does. Comparison is by type:
a number never equals a text.
"""

from collections.abc import Iterator
from typing import Any

from liftos.kernel.errors import InvalidInput
from liftos.kernel.suggestions import suggestion
from memory.analysis.attributes import LONG, MAX_KEY
from memory.search.filter_types import ORDER, TEXTUAL, Condition, Filter, Group

MAX_CONDITIONS = 50
MAX_VALUES = 1_000
MAX_DEPTH = 10
MAX_PATTERN = 1_000
_LIST_OPERATORS = {"in", "nin"}
_OPERATORS = {"eq", "ne", "exists", "not"} | _LIST_OPERATORS | set(ORDER) | set(TEXTUAL)
_JOINS = {"$and": "and", "$or": "or", "$not": "not"}
_OTHER_SPELLINGS = {"AND": "and", "OR": "or", "NOT": "not"}
_KNOWN = "use one of " + " ".join(sorted(f"${each}" for each in _OPERATORS))

Loc = tuple[str | int, ...]


class InvalidFilter(InvalidInput):
    """A filter is invalid."""

    code = "memory.invalid_filter"


def parse_filters(filters: dict[str, Any] | None) -> tuple[Filter, ...]:
    """Return a request's filters, all of which must hold.

    Raises:
        InvalidFilter: with the invalid key.
    """
    parts = tuple(_parts(filters or {}, ("filters",), 0))
    if sum(1 for part in parts for _ in part.conditions()) > MAX_CONDITIONS:
        raise InvalidFilter(f"At most {MAX_CONDITIONS} conditions are allowed.", loc=("filters",))
    return parts


def _parts(filters: dict[str, Any], loc: Loc, depth: int) -> Iterator[Filter]:
    if depth > MAX_DEPTH:
        raise InvalidFilter(f"Filters can be nested at most {MAX_DEPTH} deep.", loc=loc[:3])
    for key, wanted in filters.items():
        at = (*loc, key)
        join = _join_of(key, wanted)
        if join is not None:
            yield _joined(join, wanted, at, depth)
            continue
        if key.startswith("$"):
            hint = suggestion(key, _JOINS, ".")
            raise InvalidFilter(
                f"A filter starts with a metadata key or one of {' '.join(_JOINS)}{hint}", loc=at
            )
        if len(key) > MAX_KEY:
            raise InvalidFilter(f"A key can have at most {MAX_KEY} characters.", loc=at)
        if isinstance(wanted, dict):
            yield from _operators(key, wanted, at)
        elif isinstance(wanted, list):
            yield Condition(key, "in", _scalars(wanted, at))
        else:
            yield Condition(key, "eq", (wanted,))


def _join_of(key: str, wanted: Any) -> str | None:
    """Return how a key joins filters. `AND`, `OR` and `NOT` may also be metadata keys: they join only what can be filters."""
    if key in _JOINS:
        return _JOINS[key]
    if key not in _OTHER_SPELLINGS:
        return None
    if isinstance(wanted, list):
        return _OTHER_SPELLINGS[key] if all(isinstance(each, dict) for each in wanted) else None
    is_filter = isinstance(wanted, dict) and not any(name.removeprefix("$") in _OPERATORS for name in wanted)
    return _OTHER_SPELLINGS[key] if is_filter else None


def _joined(join: str, wanted: Any, loc: Loc, depth: int) -> Group:
    given = [wanted] if isinstance(wanted, dict) else wanted
    if not isinstance(given, list) or not given or not all(isinstance(each, dict) and each for each in given):
        raise InvalidFilter(f"{loc[-1]} takes a list of filters, at least one, none of them empty.", loc=loc)
    parts = []
    for number, each in enumerate(given):
        inner = tuple(_parts(each, loc if given is not wanted else (*loc, number), depth + 1))
        parts.append(inner[0] if len(inner) == 1 else Group("and", inner))
    return Group(join, tuple(parts))


def _operators(key: str, wanted: dict[str, Any], loc: Loc) -> Iterator[Filter]:
    if not wanted:
        raise InvalidFilter("A condition can't be an empty object.", loc=loc)
    for name, value in wanted.items():
        operator, at = name.removeprefix("$"), (*loc, name)
        if not name.startswith("$") or operator not in _OPERATORS:
            hint = suggestion(name, [f"${each}" for each in _OPERATORS], ".")
            raise InvalidFilter(
                f"Unknown operator; {_KNOWN}{hint} Write nested keys as dotted paths.", loc=at
            )
        if operator == "not":
            yield _negated(key, value, at)
        else:
            yield Condition(key, operator, _values(operator, value, at))


def _negated(key: str, value: Any, loc: Loc) -> Filter:
    if not isinstance(value, dict):
        raise InvalidFilter('$not takes an object of operators, such as {"$gt": 1}.', loc=loc)
    inner = tuple(_operators(key, value, loc))
    return Group("not", (inner[0] if len(inner) == 1 else Group("and", inner),))


def _values(operator: str, value: Any, loc: Loc) -> tuple[Any, ...]:
    if operator in _LIST_OPERATORS:
        if not isinstance(value, list):
            raise InvalidFilter("This operator takes a list.", loc=loc)
        return _scalars(value, loc[:-1])
    if operator in TEXTUAL:
        _check_pattern(operator, value, loc)
    elif isinstance(value, dict | list):
        raise InvalidFilter("This operator takes a string, number, boolean or null.", loc=loc)
    elif operator == "exists" and not isinstance(value, bool):
        raise InvalidFilter("$exists takes true or false.", loc=loc)
    elif operator in ORDER and (value is None or isinstance(value, bool)):
        raise InvalidFilter("This operator takes a number or string.", loc=loc)
    elif operator in ORDER and isinstance(value, str) and len(value) > LONG:
        raise InvalidFilter(f"Strings to compare can have at most {LONG} characters.", loc=loc)
    return (value,)


def _check_pattern(operator: str, value: Any, loc: Loc) -> None:
    if not isinstance(value, str) or not value:
        raise InvalidFilter("This operator takes a string of at least one character.", loc=loc)
    most = LONG if operator == "startswith" else MAX_PATTERN
    if len(value) > most:
        raise InvalidFilter(f"This operator takes a string of at most {most} characters.", loc=loc)
    if operator == "like" and (len(value) - len(value.rstrip("\\"))) % 2:
        raise InvalidFilter("A pattern can't end with a single backslash.", loc=loc)


def _scalars(values: list[Any], loc: Loc) -> tuple[Any, ...]:
    if len(values) > MAX_VALUES:
        raise InvalidFilter(f"At most {MAX_VALUES} values are allowed.", loc=loc)
    if any(isinstance(value, dict | list) for value in values):
        raise InvalidFilter("A list can contain only strings, numbers, booleans and null.", loc=loc)
    return tuple(values)
