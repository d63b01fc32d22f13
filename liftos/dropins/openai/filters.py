"""OpenAI's filters as ours: comparisons of one attribute, joined by `and` and `or`."""

from typing import Any

from memory.search.filter_types import Filter
from memory.search.filters import InvalidFilter, parse_filters

COMPARISONS = ("eq", "ne", "gt", "gte", "lt", "lte", "in", "nin")
JOINS = ("and", "or")
MAX_DEPTH = 9
MAX_KEY = 200

Loc = tuple[str | int, ...]


def conditions_of(filters: dict[str, Any] | None) -> tuple[Filter, ...]:
    """Return a search's filters.

    Raises:
        InvalidFilter: with the invalid part.
    """
    return parse_filters(_filter(filters, ("filters",), 0)) if filters is not None else ()


def _filter(given: Any, loc: Loc, depth: int) -> dict[str, Any]:
    kind = given.get("type") if isinstance(given, dict) else None
    if kind in JOINS:
        parts = given.get("filters")
        if depth >= MAX_DEPTH:
            raise InvalidFilter("Filters are nested too deeply.", loc=loc)
        if not isinstance(parts, list) or not parts:
            raise InvalidFilter("Takes a list of filters, at least one.", loc=(*loc, "filters"))
        inner = [_filter(each, (*loc, "filters", number), depth + 1) for number, each in enumerate(parts)]
        return {f"${kind}": inner}
    if kind not in COMPARISONS:
        known = ", ".join((*COMPARISONS, *JOINS))
        raise InvalidFilter(f"A filter has one of these types: {known}.", loc=(*loc, "type"))
    key = given.get("key")
    if not isinstance(key, str) or not 0 < len(key) <= MAX_KEY or key.startswith("$"):
        raise InvalidFilter("A comparison names an attribute.", loc=(*loc, "key"))
    if "value" not in given:
        raise InvalidFilter("A comparison has a value.", loc=(*loc, "value"))
    value, is_list = given["value"], kind in {"in", "nin"}
    if isinstance(value, dict) or value is None or is_list != isinstance(value, list):
        takes = "a list" if is_list else "a text, a number, true or false"
        raise InvalidFilter(f"{kind} takes {takes}.", loc=(*loc, "value"))
    return {"$and": [{key: {f"${kind}": value}}]}
