"""The SQL of exports and imports, by the module that sends it. Each runs in a tenant transaction."""

# --- exporting.py

# memories to export, all or those after an id
COUNT_MEMORIES = "SELECT count(*) FROM memory_memory WHERE organisation_id = %s AND head IS NULL AND (%s::uuid IS NULL OR id > %s)"

# --- history_writes.py

# the version numbers of imported memories
SET_VERSIONS = """
UPDATE memory_memory AS m SET version = p.version, text_version = p.text_version
FROM unnest(%(memories)s::uuid[], %(versions)s::int[], %(texts)s::int[]) AS p(memory, version, text_version)
WHERE m.organisation_id = %(organisation)s AND m.id = p.memory
"""

# --- importing.py: successors

# name successors that exist here, except for memories that have changed since their import
SET_SUCCESSORS = """
UPDATE memory_memory AS m SET superseded_by = s.successor
FROM unnest(%(memories)s::uuid[], %(successors)s::uuid[], %(states)s::text[], %(versions)s::int[])
    AS s(memory, successor, state, version)
WHERE m.organisation_id = %(organisation)s AND m.id = s.memory AND m.superseded_by IS NULL
  AND m.state = s.state AND m.version = s.version
  AND EXISTS (SELECT 1 FROM memory_memory AS n WHERE n.organisation_id = %(organisation)s AND n.id = s.successor
              AND n.head IS NULL)
RETURNING m.id
"""
# who stored imported memories
SET_OWNERS = """
UPDATE memory_memory AS m SET owner = w.owner FROM unnest(%(memories)s::uuid[], %(owners)s::uuid[]) AS w(memory, owner)
WHERE m.organisation_id = %(organisation)s AND m.id = w.memory
"""
