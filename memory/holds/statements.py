"""The SQL of legal holds. Each runs in a tenant transaction."""

# erasures and expiry share the lock; placing a hold takes it alone, so that no erasure that began before ends after it
LOCK_SHARED = "SELECT pg_advisory_xact_lock_shared(hashtextextended('memory.hold' || %s::text, 0))"
# the lock of whoever places a hold
LOCK_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('memory.hold' || %s::text, 0))"
# a condition on memories as m
HELD = """
EXISTS (
    SELECT 1 FROM memory_legalhold AS h WHERE h.organisation_id = m.organisation_id
    AND (h.memory_type IS NULL OR h.memory_type = m.memory_type) AND (h.source IS NULL OR h.source = m.source)
    AND (h.of_scope IS NULL OR h.of_scope = m.scope_id)
    AND (cardinality(h.memories) = 0 OR m.id = ANY(h.memories))
)
"""
# the first hold on some memories, and their number
FIND_HOLD = """
SELECT h.id, h.name, count(*) FROM memory_legalhold AS h JOIN memory_memory AS m ON m.organisation_id = h.organisation_id
WHERE h.organisation_id = %s AND m.id = ANY(%s)
  AND (h.memory_type IS NULL OR h.memory_type = m.memory_type) AND (h.source IS NULL OR h.source = m.source)
    AND (h.of_scope IS NULL OR h.of_scope = m.scope_id)
  AND (cardinality(h.memories) = 0 OR m.id = ANY(h.memories))
GROUP BY h.id, h.name ORDER BY h.name LIMIT 1
"""
