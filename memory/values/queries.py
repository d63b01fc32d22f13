"""Values in use with the number of memories, inside the caller's tenant transaction; counts only memories that a list would return.

Cost: reads a field of each of the organisation's memories, about 0.1 s for 100,000.
"""

from decimal import Decimal
from typing import Any
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor
from memory.search.filter_sql import where
from memory.search.types import SearchRequest
from memory.values import statements
from memory.values.types import SEPARATORS, Place, Used, ValueOrder

METADATA = "metadata."
FIELDS = tuple(name for name in statements.SOURCES if name != "metadata")
"""Fields besides those of the metadata."""
MAX_NODES = 5_000
"""Nodes below the first level of a tree."""


def list_values(
    *,
    organisation: UUID,
    field: str,
    narrowed: SearchRequest,
    prefix: str,
    order: ValueOrder,
    limit: int,
    after: Place | None = None,
) -> list[Used]:
    """Return the values of a field.

    Args:
        organisation: the tenant.
        field: source, memory_type, thread, tags, entity or `metadata.` and a key.
        narrowed: filters on trust states and times; its query is ignored.
        prefix: only texts that begin with it; empty for all.
        order: of the values.
        limit: page size.
        after: the last value of the previous page.
    """
    source, condition, values = _parts(organisation, field, narrowed, prefix)
    values |= _place(after) | {"limit": limit}
    with raw_cursor() as cursor:
        rows = cursor.execute(statements.values(source, condition, order), values).fetchall()
    return [Used(key, _value(field, key), count) for key, count in rows]


def list_tree(
    *,
    organisation: UUID,
    field: str,
    narrowed: SearchRequest,
    prefix: str,
    order: ValueOrder,
    limit: int,
    depth: int,
    after: Place | None = None,
) -> tuple[list[Used], bool]:
    """Return texts of a field, cut after their next part, as a tree; and whether lower nodes were left out.

    Args:
        organisation: the tenant.
        field: as for `list_values`, like the next three.
        narrowed: filters.
        prefix: of the texts.
        order: of the nodes of each level.
        limit: nodes of the first level.
        depth: number of levels.
        after: the last node of the previous page.
    """
    source, condition, values = _parts(organisation, field, narrowed, prefix, only_text=True)
    values |= _place(after) | _levels(1, 1) | {"limit": limit}
    with raw_cursor() as cursor:
        rows = cursor.execute(statements.top_nodes(source, condition, order), values).fetchall()
        nodes = {key: Used(key, _value(field, key), count, branch) for key, count, branch in rows}
        tops = list(nodes.values())
        if depth == 1 or not tops:
            return tops, False
        values |= _levels(2, depth) | {"limit": MAX_NODES + 1, "tops": list(nodes)}
        below = cursor.execute(statements.lower_nodes(source, condition, order), values).fetchall()
    for key, parent, count, branch in below[:MAX_NODES]:
        node = Used(key, _value(field, key), count, branch)
        nodes.setdefault(key, node)
        if parent in nodes:
            nodes[parent].children.append(node)
    return tops, len(below) > MAX_NODES


def _parts(
    organisation: UUID, field: str, narrowed: SearchRequest, prefix: str, *, only_text: bool = False
) -> tuple[str, str, dict[str, Any]]:
    condition, values = where(narrowed, "m.id", of_many=True, blank=True)
    is_metadata = field.startswith(METADATA)
    values |= {"organisation": organisation, "key": field.removeprefix(METADATA)}
    values["prefix"] = f"s{prefix}" if is_metadata and (prefix or only_text) else prefix
    if field == "entity":
        values["prefix"] = prefix.lower()
    return statements.SOURCES["metadata" if is_metadata else field], condition, values


def _levels(first: int, last: int) -> dict[str, Any]:
    """Return the patterns of a value's first parts, and of one part less."""
    part = f"[^{SEPARATORS}]*[{SEPARATORS}]"

    def pattern(parts: int) -> str:
        return f"^((?:{part}){{0,{parts - 1}}}{part}?)" if parts else "^()"

    levels = range(first, last + 1)
    return {
        "levels": list(levels),
        "patterns": [pattern(each) for each in levels],
        "shorter": [pattern(each - 1) for each in levels],
    }


def _place(after: Place | None) -> dict[str, Any]:
    return {"count": after.count if after else None, "value": after.value if after else None}


def _value(field: str, key: str) -> Any:
    if not field.startswith(METADATA):
        return key
    mark, text = key[0], key[1:]
    if mark == "d":
        number = Decimal(text)
        return int(number) if number == number.to_integral_value() else float(number)
    return {"s": text, "b": text == "true", "n": None}[mark]
