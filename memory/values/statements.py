"""The SQL of memory/values. Each runs in a tenant transaction."""

# a field's values with their memories: the columns, before the filters
_OF_ROW = "SELECT m.{column} AS value, m.id AS memory FROM memory_memory AS m WHERE m.organisation_id = %(organisation)s AND m.{column} <> ''"
# each tag of a memory once
_TAGS = """
SELECT t.value, m.id AS memory FROM memory_memory AS m CROSS JOIN LATERAL (SELECT DISTINCT unnest(m.tags) AS value) AS t
WHERE m.organisation_id = %(organisation)s AND t.value <> ''
"""
# entities of memories
_ENTITIES = """
SELECT e.key AS value, m.id AS memory FROM memory_entity AS e
JOIN memory_memory AS m ON m.organisation_id = %(organisation)s AND m.id = e.memory_id
WHERE e.organisation_id = %(organisation)s
"""
# marked by type: s text, b boolean, n null, d number; a text over 200 characters is no value
_METADATA = """
SELECT coalesce(a.text_value, 'd' || trim_scale(a.number_value)::text) AS value, m.id AS memory FROM memory_attribute AS a
JOIN memory_memory AS m ON m.organisation_id = %(organisation)s AND m.id = a.memory_id
WHERE a.organisation_id = %(organisation)s AND a.key = %(key)s
  AND (a.text_value IS NULL OR (left(a.text_value, 1) IN ('s', 'b', 'n') AND length(a.text_value) <= 201))
"""
SOURCES = {
    "source": _OF_ROW.format(column="source"),
    "memory_type": _OF_ROW.format(column="memory_type"),
    "thread": _OF_ROW.format(column="thread"),
    "tags": _TAGS,
    "entity": _ENTITIES,
    "metadata": _METADATA,
}
# the values that begin with the prefix, of the memories that pass the filters
_USED = """
WITH used AS (
    SELECT u.value COLLATE "C" AS value, u.memory FROM ({source} AND m.head IS NULL AND {where}) AS u
    WHERE starts_with(u.value, %(prefix)s)
)
"""
_AFTER = {
    "count": "%(count)s::bigint IS NULL OR uses < %(count)s OR (uses = %(count)s AND value > %(value)s)",
    "value": "%(value)s::text IS NULL OR value > %(value)s",
}
_ORDER = {"count": "uses DESC, value", "value": "value"}
_PAGE = {
    order: f'WHERE {_AFTER[order]} ORDER BY {_ORDER[order]} LIMIT %(limit)s' for order in _ORDER
}  # fmt: skip
# the values of a field
_VALUES = """
SELECT value, uses FROM (SELECT value, count(*) AS uses FROM used GROUP BY value) AS counted {page}
"""
# values cut after the parts of some levels below the prefix; a node that a level does not lengthen was in the level before
_NODES = """
, cut AS (
    SELECT k.level, %(prefix)s || (regexp_match(rest, k.pattern))[1] COLLATE "C" AS node,
           %(prefix)s || (regexp_match(rest, k.shorter))[1] COLLATE "C" AS parent, used.value, used.memory
    FROM used CROSS JOIN LATERAL (SELECT substr(used.value, length(%(prefix)s) + 1) AS rest) AS r
    CROSS JOIN unnest(%(levels)s::int[], %(patterns)s::text[], %(shorter)s::text[]) AS k(level, pattern, shorter)
)
"""
# the first level
_TOP = """
SELECT value, uses, branch FROM (
    SELECT node AS value, count(DISTINCT memory) AS uses, bool_or(value <> node) AS branch FROM cut GROUP BY node
) AS counted {page}
"""
# the lower levels, below given nodes
_BELOW = """
SELECT node, parent, count(DISTINCT memory) AS uses, bool_or(value <> node) AS branch FROM cut
WHERE node <> parent AND EXISTS (SELECT 1 FROM unnest(%(tops)s::text[]) AS t(top) WHERE starts_with(cut.node, t.top))
GROUP BY level, node, parent ORDER BY level, {order} LIMIT %(limit)s
"""


def values(source: str, where: str, order: str) -> str:
    """Return the statement of a field's values: (value, uses)."""
    return _USED.format(source=source, where=where) + _VALUES.format(page=_PAGE[order])


def top_nodes(source: str, where: str, order: str) -> str:
    """Return the statement of a tree's first level: (node, uses, whether longer values begin with it)."""
    return _USED.format(source=source, where=where) + _NODES + _TOP.format(page=_PAGE[order])


def lower_nodes(source: str, where: str, order: str) -> str:
    """Return the statement of a tree's lower levels: (node, its parent, uses, whether longer values begin with it)."""
    by = _ORDER[order].replace("value", "node")
    return _USED.format(source=source, where=where) + _NODES + _BELOW.format(order=by)
