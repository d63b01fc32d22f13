"""Rejection of unknown fields and query parameters on native routes: all at once, each with the most similar known name.

Ignoring a mistyped name would silently give wrong results. A route accepts what its schema documents and nothing else. Compat
routes (docs/compat.md) ignore unknown names, as the old service did.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, get_args, get_origin

from django.http import QueryDict
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, RootModel
from pydantic.fields import FieldInfo

from liftos.kernel.suggestions import unknown

UNKNOWN = "extra_forbidden"
MAX_SUGGESTED = 50
"""Maximum number of suggestions per request."""

Loc = tuple[str | int, ...]
Item = dict[str, Any]


class Strict(BaseModel):
    """Base of wire shapes that reject unknown fields."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Declared:
    """The input of a route: the names of its query parameters and the shape of its body, or None."""

    parameters: tuple[str, ...]
    body: Any


@cache
def is_strict(model: type[BaseModel]) -> bool:
    """Return whether a shape rejects unknown fields at every depth; free-form objects (`dict[str, Any]`) are allowed."""
    pending: list[type[BaseModel]] = [model]
    seen: set[type[BaseModel]] = set()
    while pending:
        each = pending.pop()
        if each in seen:
            continue
        seen.add(each)
        if not issubclass(each, RootModel) and each.model_config.get("extra") != "forbid":
            return False
        pending += [inner for field in each.model_fields.values() for inner in _models_in(field.annotation)]
    return True


def unknown_parameters(query: QueryDict, known: Iterable[str]) -> list[Item]:
    """Return a 422 item for each unknown query parameter and each with several values."""
    names = tuple(known)
    items: list[Item] = []
    for name, values in query.lists():
        if not name:
            continue
        if name not in names:
            near = names if len(items) < MAX_SUGGESTED else ()
            items.append(_item(UNKNOWN, ("query", name), unknown("query parameter", name, near), values[-1]))
        elif len(set(values)) > 1:
            message = f"Query parameter '{name}' occurs {len(values)} times; give it one value"
            items.append(_item("repeated_parameter", ("query", name), message, values))
    return items


def surplus_body(value: Any) -> list[Item]:
    """Return a 422 item for each field of a body sent to a route that takes none."""
    if value is None or value == {}:
        return []
    if isinstance(value, dict):
        return [
            _item(UNKNOWN, ("body", name), f"Unknown field '{name[:100]}'; this route takes no body", each)
            for name, each in value.items()
        ]
    return [_item(UNKNOWN, ("body",), "This route takes no body", value)]


def name_unknown(model: type[BaseModel], value: Any, items: list[Item], root: int) -> list[Item]:
    """Return pydantic's 422 items with suggestions for unknown fields, located by the caller's keys.

    For a union, pydantic reports errors of every member, under labels in `loc`. Where an object has an unknown field, only
    that member's errors are kept, without labels.

    Args:
        model: the expected shape.
        value: as sent.
        items: from `liftos.kernel.http.parsing.items_of`.
        root: number of parts of each `loc` before the value's own.
    """
    if not any(each["type"] == UNKNOWN for each in items):
        return items
    told = 0
    branches: set[tuple[Loc, Any]] = set()
    for each in items:
        if each["type"] == UNKNOWN:
            loc = tuple(each["loc"][root:])
            labels, known = _walk(model, value, loc)
            branches |= {(loc[:place], loc[place]) for place in labels}
            near = known if told < MAX_SUGGESTED else ()
            each["msg"] = unknown("field", str(loc[-1]), near)
            told += 1
    kept = []
    for each in items:
        loc = tuple(each["loc"][root:])
        labels, _ = _walk(model, value, loc)
        rivals = [loc[place] for place in labels if _other_branch(branches, loc, place)]
        if not rivals:
            own = [part for place, part in enumerate(loc) if place not in labels]
            kept.append(each | {"loc": [*each["loc"][:root], *own]})
    return kept


def wire_names(model: type[BaseModel]) -> list[str]:
    """Return the names of a shape's fields on the wire."""
    return [name for field, info in model.model_fields.items() for name in _names_of(field, info)]


def _other_branch(branches: set[tuple[Loc, Any]], loc: Loc, place: int) -> bool:
    told = {branch for prefix, branch in branches if prefix == loc[:place]}
    return bool(told) and loc[place] not in told


def _names_of(name: str, info: FieldInfo) -> list[str]:
    alias = info.validation_alias
    if isinstance(alias, AliasChoices):
        return [each for each in alias.choices if isinstance(each, str)]
    if isinstance(alias, AliasPath):
        return [str(alias.path[0])]
    return [alias or name]


def _walk(model: type[BaseModel], value: Any, loc: Loc) -> tuple[set[int], list[str]]:
    """Return which parts of a `loc` are pydantic's labels, not the caller's keys, and the known names at its end."""
    models: set[type[BaseModel]] = {model}
    labels: set[int] = set()
    last = len(loc) - 1
    for place, part in enumerate(loc):
        inside = isinstance(value, Mapping) and part in value
        inside = inside or (isinstance(value, list) and isinstance(part, int) and part < len(value))
        if not inside and place < last:
            labels.add(place)
            models = {each for each in models if each.__name__ == part} or models
            continue
        if place == last:
            # the last part is a label too if the value has an entirely wrong shape
            if not inside and isinstance(part, str) and not any(part in wire_names(each) for each in models):
                labels.add(place)
            break
        value = value[part]
        if isinstance(part, str):
            models = {
                inner
                for each in models
                for name, info in each.model_fields.items()
                if part in _names_of(name, info)
                for inner in _models_in(info.annotation)
            } or models
    return labels, [
        name for each in sorted(models, key=lambda each: each.__name__) for name in wire_names(each)
    ]


def _models_in(annotation: Any) -> tuple[type[BaseModel], ...]:
    if isinstance(annotation, type) and issubclass(annotation, RootModel):
        return _models_in(annotation.model_fields["root"].annotation)
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return (annotation,) if issubclass(annotation, BaseModel) else ()
    parts = get_args(annotation)[:1] if get_origin(annotation) is Annotated else get_args(annotation)
    return tuple(inner for part in parts if not isinstance(part, list) for inner in _models_in(part))


def _item(kind: str, loc: Loc, message: str, value: Any) -> Item:
    return {"type": kind, "loc": list(loc), "msg": message, "input": value}
