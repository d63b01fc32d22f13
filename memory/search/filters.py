"""Parse metadata filters from JSON.

Equality (`{"a": 1}`), a list (`{"a": [1, 2]}`: any of these), and `{"a": {"$gte": 1, "$lt": 5}}` with `$eq $ne $in $nin
$gt $gte $lt $lte $exists`. If the stored value is a list, the condition matches if any element does.
Comparison is by type: a number never equals a text. All conditions must hold; there is no `$or`, `$and` or `$not`.
"""

from typing import Any

from liftos.kernel.errors import InvalidInput
from liftos.kernel.suggestions import suggestion
from memory.analysis.attributes import LONG, MAX_KEY
from memory.search.filter_sql import ORDER
from memory.search.types import Condition

MAX_CONDITIONS = 50
MAX_VALUES = 1_000
_LIST_OPERATORS = {"in", "nin"}
_OPERATORS = {"eq", "ne", "exists"} | _LIST_OPERATORS | set(ORDER)
_KNOWN = "use one of " + " ".join(sorted(f"${each}" for each in _OPERATORS))


class InvalidFilter(InvalidInput):
    """A filter is invalid."""

    code = "memory.invalid_filter"


def parse_filters(filters: dict[str, Any] | None) -> tuple[Condition, ...]:
    """Return a request's filters as conditions.

    Raises:
        InvalidFilter: with the invalid key.
    """
    conditions: list[Condition] = []
    for key, wanted in (filters or {}).items():
        if key.startswith("$"):
            raise InvalidFilter(
                "A filter must start with a metadata key, not an operator.", loc=("filters", key)
            )
        if len(key) > MAX_KEY:
            raise InvalidFilter(f"A key can have at most {MAX_KEY} characters.", loc=("filters", key))
        if isinstance(wanted, dict):
            conditions.extend(_operators(key, wanted))
        elif isinstance(wanted, list):
            conditions.append(Condition(key, "in", _scalars(key, wanted)))
        else:
            conditions.append(Condition(key, "eq", (wanted,)))
    if len(conditions) > MAX_CONDITIONS:
        raise InvalidFilter(f"At most {MAX_CONDITIONS} conditions are allowed.", loc=("filters",))
    return tuple(conditions)


def _operators(key: str, wanted: dict[str, Any]) -> list[Condition]:
    if not wanted:
        raise InvalidFilter("A condition can't be an empty object.", loc=("filters", key))
    conditions = []
    for name, value in wanted.items():
        operator = name.removeprefix("$")
        if not name.startswith("$") or operator not in _OPERATORS:
            hint = suggestion(name, [f"${each}" for each in _OPERATORS], ".")
            raise InvalidFilter(
                f"Unknown operator; {_KNOWN}{hint} Write nested keys as dotted paths.",
                loc=("filters", key, name),
            )
        if operator in _LIST_OPERATORS:
            if not isinstance(value, list):
                raise InvalidFilter("This operator takes a list.", loc=("filters", key, name))
            conditions.append(Condition(key, operator, _scalars(key, value)))
        elif isinstance(value, dict | list):
            raise InvalidFilter(
                "This operator takes a string, number, boolean or null.", loc=("filters", key, name)
            )
        elif operator == "exists" and not isinstance(value, bool):
            raise InvalidFilter("$exists takes true or false.", loc=("filters", key, name))
        elif operator in ORDER and (value is None or isinstance(value, bool)):
            raise InvalidFilter("This operator takes a number or string.", loc=("filters", key, name))
        elif operator in ORDER and isinstance(value, str) and len(value) > LONG:
            raise InvalidFilter(
                f"Strings to compare can have at most {LONG} characters.", loc=("filters", key, name)
            )
        else:
            conditions.append(Condition(key, operator, (value,)))
    return conditions


def _scalars(key: str, values: list[Any]) -> tuple[Any, ...]:
    if len(values) > MAX_VALUES:
        raise InvalidFilter(f"At most {MAX_VALUES} values are allowed.", loc=("filters", key))
    if any(isinstance(value, dict | list) for value in values):
        raise InvalidFilter(
            "A list can contain only strings, numbers, booleans and null.", loc=("filters", key)
        )
    return tuple(values)
