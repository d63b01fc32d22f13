"""Metadata filters, from JSON to conditions.

Equality (`{"a": 1}`), a list (`{"a": [1, 2]}`: any of them), and `{"a": {"$gte": 1, "$lt": 5}}` with `$eq $ne $in $nin
$gt $gte $lt $lte $exists`. A key of the stored metadata that holds a list matches if any of its elements does.
Comparison is by type: a number is never equal to its text. All conditions must hold; there is no `$or`, `$and` or `$not`.
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
_KNOWN = "known are " + " ".join(sorted(f"${each}" for each in _OPERATORS))


class InvalidFilter(InvalidInput):
    """A filter can't be understood."""

    code = "memory.invalid_filter"


def parse_filters(filters: dict[str, Any] | None) -> tuple[Condition, ...]:
    """Return a request's filters as conditions.

    Raises:
        InvalidFilter: naming the key at fault.
    """
    conditions: list[Condition] = []
    for key, wanted in (filters or {}).items():
        if key.startswith("$"):
            raise InvalidFilter(
                f"A filter begins with a metadata key, not with an operator; {_KNOWN}.", loc=("filters", key)
            )
        if len(key) > MAX_KEY:
            raise InvalidFilter(f"A key has at most {MAX_KEY} characters.", loc=("filters", key))
        if isinstance(wanted, dict):
            conditions.extend(_operators(key, wanted))
        elif isinstance(wanted, list):
            conditions.append(Condition(key, "in", _scalars(key, wanted)))
        else:
            conditions.append(Condition(key, "eq", (wanted,)))
    if len(conditions) > MAX_CONDITIONS:
        raise InvalidFilter(f"At most {MAX_CONDITIONS} conditions.", loc=("filters",))
    return tuple(conditions)


def _operators(key: str, wanted: dict[str, Any]) -> list[Condition]:
    if not wanted:
        raise InvalidFilter("An empty object is not a condition.", loc=("filters", key))
    conditions = []
    for name, value in wanted.items():
        operator = name.removeprefix("$")
        if not name.startswith("$") or operator not in _OPERATORS:
            meant = suggestion(name, [f"${each}" for each in _OPERATORS], ".")
            raise InvalidFilter(
                f"Unknown operator; {_KNOWN}{meant} A nested key is its dotted path.",
                loc=("filters", key, name),
            )
        if operator in _LIST_OPERATORS:
            if not isinstance(value, list):
                raise InvalidFilter("This operator takes a list.", loc=("filters", key, name))
            conditions.append(Condition(key, operator, _scalars(key, value)))
        elif isinstance(value, dict | list):
            raise InvalidFilter(
                "This operator takes one text, number, boolean or null.", loc=("filters", key, name)
            )
        elif operator == "exists" and not isinstance(value, bool):
            raise InvalidFilter("$exists takes true or false.", loc=("filters", key, name))
        elif operator in ORDER and (value is None or isinstance(value, bool)):
            raise InvalidFilter("Order is known among numbers and among texts.", loc=("filters", key, name))
        elif operator in ORDER and isinstance(value, str) and len(value) > LONG:
            raise InvalidFilter(
                f"Texts are put in order by up to {LONG} characters.", loc=("filters", key, name)
            )
        else:
            conditions.append(Condition(key, operator, (value,)))
    return conditions


def _scalars(key: str, values: list[Any]) -> tuple[Any, ...]:
    if len(values) > MAX_VALUES:
        raise InvalidFilter(f"At most {MAX_VALUES} values.", loc=("filters", key))
    if any(isinstance(value, dict | list) for value in values):
        raise InvalidFilter("A list of values holds texts, numbers, booleans or null.", loc=("filters", key))
    return tuple(values)
