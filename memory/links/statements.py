"""The SQL of links, by the module that sends it. Each runs in a tenant transaction; ends that the caller may not see hide a link."""

# the columns of `memory.links.types.Link`
_COLUMNS = (
    "l.id, l.memory_id, l.kind, l.target_id, l.target_source, l.target_external_id, l.weight, l.properties, l.valid_from, "
    "l.valid_to, l.recorded_at"
)
_TESTS = """
(%(kinds)s::text[] IS NULL OR l.kind = ANY(%(kinds)s::text[]))
AND (%(at)s::timestamptz IS NULL OR ((l.valid_from IS NULL OR l.valid_from <= %(at)s) AND (l.valid_to IS NULL OR l.valid_to > %(at)s)))
"""
_SEES = "EXISTS (SELECT 1 FROM memory_memory AS e WHERE e.organisation_id = %(organisation)s AND e.id = l.{end} AND e.head IS NULL)"

# --- operations.py

# lock memories against erasure in id order, as every transaction does
LOCK_ENDS = """
SELECT id, scope_id FROM memory_memory WHERE organisation_id = %s AND id = ANY(%s) AND head IS NULL ORDER BY id FOR NO KEY UPDATE
"""
# the memory of an external id, in the linking memory's scope if there is one, else everybody's
FIND_NAMED = """
SELECT id FROM memory_memory WHERE organisation_id = %s AND source = %s AND external_id = %s AND external_id <> ''
AND scope_id IN (0, %s) ORDER BY scope_id <> 0 DESC LIMIT 1
"""
# a memory's link of a kind to a target, whether it names it by id or by external id
FIND_LINK = f"""
SELECT {_COLUMNS} FROM memory_memorylink AS l
WHERE l.organisation_id = %(organisation)s AND l.memory_id = %(memory)s AND l.kind = %(kind)s
  AND (l.target_id = %(target)s
       OR (l.target_source = %(source)s AND l.target_external_id = %(external_id)s AND l.target_external_id <> ''))
ORDER BY l.id
"""  # noqa: S608  built from constants
# the link's strength, properties and validity
CHANGE_LINK = """
UPDATE memory_memorylink SET weight = %(weight)s, properties = %(properties)s::jsonb, valid_from = %(valid_from)s, valid_to = %(valid_to)s
WHERE organisation_id = %(organisation)s AND id = %(link)s
"""
# links by their numbers
DELETE_LINKS = "DELETE FROM memory_memorylink WHERE organisation_id = %s AND id = ANY(%s)"

# --- queries.py

# links from and to a memory, newest first; a link to itself is one from it
LIST_LINKS = f"""
SELECT * FROM (
    (SELECT {_COLUMNS} FROM memory_memorylink AS l
     WHERE %(out)s AND l.organisation_id = %(organisation)s AND l.memory_id = %(memory)s AND {_TESTS}
     AND (%(before)s::bigint IS NULL OR l.id < %(before)s) AND (l.target_id IS NULL OR {_SEES.format(end="target_id")})
     ORDER BY l.id DESC LIMIT %(limit)s)
    UNION ALL
    (SELECT {_COLUMNS} FROM memory_memorylink AS l
     WHERE %(in)s AND l.organisation_id = %(organisation)s AND l.target_id = %(memory)s AND l.memory_id <> %(memory)s AND {_TESTS}
     AND (%(before)s::bigint IS NULL OR l.id < %(before)s) AND {_SEES.format(end="memory_id")}
     ORDER BY l.id DESC LIMIT %(limit)s)
) AS found ORDER BY id DESC LIMIT %(limit)s
"""  # noqa: S608
# links from and to memories, the strongest first, each memory's up to a limit
NEIGHBOURS = f"""
SELECT found.* FROM unnest(%(memories)s::uuid[]) WITH ORDINALITY AS n(id, place) CROSS JOIN LATERAL (
    (SELECT {_COLUMNS} FROM memory_memorylink AS l
     WHERE %(out)s AND l.organisation_id = %(organisation)s AND l.memory_id = n.id AND {_TESTS} AND {_SEES.format(end="target_id")}
     ORDER BY l.weight DESC, l.id LIMIT %(limit)s)
    UNION ALL
    (SELECT {_COLUMNS} FROM memory_memorylink AS l
     WHERE %(in)s AND l.organisation_id = %(organisation)s AND l.target_id = n.id AND {_TESTS} AND {_SEES.format(end="memory_id")}
     ORDER BY l.weight DESC, l.id LIMIT %(limit)s)
) AS found ORDER BY n.place, found.weight DESC, found.id LIMIT %(limit)s
"""  # noqa: S608
# what a graph shows of memories
READ_NODES = """
SELECT id, left(content, %(characters)s), memory_type, source, external_id, state FROM memory_memory
WHERE organisation_id = %(organisation)s AND id = ANY(%(memories)s) AND head IS NULL
"""
