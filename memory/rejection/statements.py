"""The SQL of rejected values and refused writes, by the module that sends it. Each runs in the writer's transaction."""

from memory.policy_types import RejectedInside

# --- tombstones.py

# locks that writers of a value share
LOCK_SHARED = "SELECT pg_advisory_xact_lock_shared(n) FROM unnest(%s::bigint[]) AS n"
# the same locks, exclusive, for a rejection
LOCK_EXCLUSIVE = "SELECT pg_advisory_xact_lock(n) FROM unnest(%s::bigint[]) AS n"
# the rejections of values, by scope
FIND_TOMBSTONES = """
SELECT value, scope_id, decision_id, memory_id, recorded_at FROM memory_tombstone
WHERE organisation_id = %s AND value = ANY(%s::bytea[])
"""
# anchors to look for inside texts, one row per shape, unless the organisation's policy allows them
FIND_ANCHORS = f"""
SELECT words, lead, trail, array_agg(anchor) FROM memory_tombstone
WHERE organisation_id = %(organisation)s AND scope_id = ANY(%(scopes)s) AND anchor IS NOT NULL AND NOT EXISTS (
    SELECT FROM memory_rejectionpolicy WHERE organisation_id = %(organisation)s AND policy = '{RejectedInside.ALLOW}')
GROUP BY words, lead, trail
"""  # noqa: S608  built from a constant
# a value keeps its first rejection
INSERT_TOMBSTONES = """
INSERT INTO memory_tombstone (organisation_id, scope_id, value, memory_id, decision_id, recorded_at, words, lead, trail, anchor)
SELECT %s, %s, value, %s, %s, %s, words, lead, trail, anchor
FROM unnest(%s::bytea[], %s::int[], %s::int[], %s::int[], %s::bigint[]) AS t(value, words, lead, trail, anchor)
ON CONFLICT (organisation_id, value, scope_id) DO NOTHING
"""
# values that may be written again
DELETE_TOMBSTONES = """
DELETE FROM memory_tombstone WHERE organisation_id = %s AND scope_id = %s AND value = ANY(%s::bytea[])
"""

# --- refusals.py

# which of some memories exist
FIND_MEMORIES = "SELECT id FROM memory_memory WHERE organisation_id = %s AND id = ANY(%s) AND head IS NULL"
# erasures of ids and external ids, with the organisation's policy
FIND_ERASED = """
SELECT e.memory_id, e.origin, e.scope_id, p.refuse_erased_ids FROM memory_erasure AS e
LEFT JOIN memory_erasurepolicy AS p ON p.organisation_id = e.organisation_id
WHERE e.organisation_id = %s AND (e.memory_id = ANY(%s) OR e.origin = ANY(%s))
"""
# memories that have an imported id, and whether their text is the same
FIND_IMPORTED = """
SELECT m.id, m.embedding, m.content = w.content FROM unnest(%s::uuid[], %s::text[]) AS w(id, content)
JOIN memory_memory AS m ON m.organisation_id = %s AND m.id = w.id AND m.head IS NULL
"""
