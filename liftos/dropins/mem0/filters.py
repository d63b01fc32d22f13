"""mem0's filters as ours: joined by AND, OR and NOT, with operators without `$`, and `*` for any value."""

from dataclasses import dataclass, field
from typing import Any

from liftos.kernel.http.parsing import validate
from memory.search.filter_types import Narrowing, TimeTest
from memory.search.filters import InvalidFilter, parse_filters
from memory.search.narrowing_inputs import MAX_TEXT, TimeRange
from memory.search.types import SearchRequest
from memory.types import TrustState

SOURCE = "mem0"
"""The source of the memories that mem0's clients see, which `import_from mem0` also gives."""
ENTITIES = ("user_id", "agent_id", "app_id", "run_id")
TIMES = {"created_at": "recorded_at", "updated_at": "changed_at"}
OPERATORS = frozenset({"eq", "ne", "in", "nin", "gt", "gte", "lt", "lte", "contains", "icontains"})
JOINS = frozenset({"AND", "OR", "NOT"})
ANY = "*"
LIVE = (TrustState.ACTIVE, TrustState.CONTESTED)
MAX_DEPTH = 10

Loc = tuple[str | int, ...]


@dataclass
class _Found:
    """Conditions that must all hold: filters on metadata in our language, and those beside them."""

    filters: list[dict[str, Any]] = field(default_factory=list)
    times: list[TimeTest] = field(default_factory=list)
    all_tags: list[str] = field(default_factory=list)
    any_tags: list[str] = field(default_factory=list)
    text: str = ""


def narrowed(
    filters: dict[str, Any] | None, *, expired: bool = False, categories: list[str] | None = None
) -> SearchRequest:
    """Return the conditions of a request, as a search without a query.

    Args:
        filters: as in mem0's API.
        expired: whether expired memories pass too.
        categories: at least one of these.

    Raises:
        InvalidFilter: with the invalid key.
    """
    found = _Found(any_tags=list(categories or ()))
    _conjunction(filters or {}, found, ("filters",), 0)
    joined: dict[str, Any] = {"$and": found.filters} if found.filters else {}
    return SearchRequest(
        query="",
        conditions=parse_filters(joined),
        states=(*LIVE, TrustState.EXPIRED) if expired else None,
        narrowing=Narrowing(
            source=SOURCE,
            all_tags=tuple(found.all_tags),
            any_tags=tuple(found.any_tags),
            text=found.text,
            times=tuple(found.times),
        ),
    )


def _conjunction(filters: dict[str, Any], found: _Found, loc: Loc, depth: int) -> None:
    """Take apart filters that must all hold, at the top or within AND."""
    for key, value in filters.items():
        at = (*loc, key)
        if key == "AND" and depth < MAX_DEPTH:
            for number, each in enumerate(_filters_of(value, at)):
                _conjunction(each, found, (*at, number), depth + 1)
        elif key in TIMES:
            asked = {f"${name}": each for name, each in _as_operators(value, at).items()}
            found.times += validate(TimeRange, asked, loc=at).tests(TIMES[key])
        elif key == "categories":
            _categories(value, found, at)
        elif key == "keywords":
            found.text = _keywords(value, at)
        else:
            found.filters.append(_plain(key, value, at, depth))


def _plain(key: str, value: Any, loc: Loc, depth: int) -> dict[str, Any]:
    """Return one filter in our language, at any depth."""
    if key in JOINS:
        if depth >= MAX_DEPTH:
            raise InvalidFilter("Filters are nested too deeply.", loc=loc)
        inner = [
            {"$and": [_plain(name, each, (*loc, number, name), depth + 1) for name, each in part.items()]}
            for number, part in enumerate(_filters_of(value, loc))
        ]
        return {f"${key.lower()}": inner}
    if key in TIMES or key in {"categories", "keywords"}:
        raise InvalidFilter(f"{key} can't be within OR or NOT.", loc=loc)
    if key == "metadata":
        if not isinstance(value, dict) or not value or OPERATORS.issuperset(value):
            raise InvalidFilter("metadata takes an object of keys and values.", loc=loc)
        return {"$and": [_plain(name, each, (*loc, name), depth) for name, each in _leaves(value, "", loc)]}
    if value == ANY:
        return {"$and": [{key: {"$exists": True}}, {key: {"$ne": None}}]}
    if isinstance(value, dict):
        return {key: {f"${name}": each for name, each in _as_operators(value, loc).items()}}
    return {key: value}


def _leaves(value: dict[str, Any], path: str, loc: Loc) -> list[tuple[str, Any]]:
    """Return the conditions of nested metadata by dotted path."""
    found: list[tuple[str, Any]] = []
    for name, each in value.items():
        own = f"{path}{name}"
        if isinstance(each, dict) and each and not OPERATORS.issuperset(each):
            found += _leaves(each, f"{own}.", loc)
        else:
            found.append((own, each))
    return found


def _filters_of(value: Any, loc: Loc) -> list[dict[str, Any]]:
    given = [value] if isinstance(value, dict) else value
    if not isinstance(given, list) or not given or not all(isinstance(each, dict) and each for each in given):
        raise InvalidFilter(f"{loc[-1]} takes a list of filters, at least one, none of them empty.", loc=loc)
    return given


def _as_operators(value: Any, loc: Loc) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {"eq": value}
    unknown = [name for name in value if name not in OPERATORS]
    if unknown or not value:
        known = ", ".join(sorted(OPERATORS))
        raise InvalidFilter(f"Unknown operator; use one of {known}.", loc=(*loc, *unknown[:1]))
    return value


def _categories(value: Any, found: _Found, loc: Loc) -> None:
    for name, given in _as_operators({"in": value} if isinstance(value, list) else value, loc).items():
        texts = given if isinstance(given, list) else [given]
        if name not in {"eq", "in", "contains"} or not texts or not all(isinstance(t, str) for t in texts):
            raise InvalidFilter("categories takes a text, or a list of texts under in.", loc=(*loc, name))
        (found.any_tags if name == "in" else found.all_tags).extend(texts)


def _keywords(value: Any, loc: Loc) -> str:
    text = next(iter(_as_operators(value, loc).values()))
    if not isinstance(text, str) or not 0 < len(text) <= MAX_TEXT:
        raise InvalidFilter(f"keywords takes a text of at most {MAX_TEXT} characters.", loc=loc)
    return text
