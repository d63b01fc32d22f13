"""The SQL of insights. Each runs in a tenant transaction; `{where}` is the test of a search without filters."""

# memories by type and hour of recording (UTC), with their first and last time
COUNTS = """
SELECT m.memory_type, extract(hour FROM m.recorded_at AT TIME ZONE 'UTC')::int, count(*), min(m.recorded_at), max(m.recorded_at)
FROM memory_memory AS m WHERE m.organisation_id = %(organisation)s AND {where} GROUP BY 1, 2
"""
# the sample that concepts and clusters are computed from
NEWEST = """
SELECT m.id, left(m.content, 2000), m.thread_id FROM memory_memory AS m
WHERE m.organisation_id = %(organisation)s AND {where} ORDER BY m.id DESC LIMIT %(limit)s
"""
# memories of the sample that share a link, a thread or an entity with another memory
COUNT_CONNECTED = """
SELECT count(*) FROM unnest(%(ids)s::uuid[], %(threads)s::bigint[]) AS s(id, thread) WHERE
    EXISTS (SELECT 1 FROM memory_memorylink AS l
            WHERE l.organisation_id = %(organisation)s AND l.memory_id = s.id AND l.target_id IS NOT NULL)
    OR EXISTS (SELECT 1 FROM memory_memorylink AS l WHERE l.organisation_id = %(organisation)s AND l.target_id = s.id)
    OR (SELECT sum(t.members) > 1 FROM memory_thread AS t WHERE t.organisation_id = %(organisation)s AND t.id = s.thread)
    OR EXISTS (SELECT 1 FROM memory_entity AS e JOIN memory_entity AS o
               ON o.organisation_id = e.organisation_id AND o.key = e.key AND o.memory_id <> e.memory_id
               WHERE e.organisation_id = %(organisation)s AND e.memory_id = s.id)
"""
