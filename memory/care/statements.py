"""The SQL of care. Each runs in a tenant transaction."""

# one run of a kind at a time
LOCK_CARE = "SELECT pg_advisory_xact_lock(hashtextextended('memory.care ' || %s::text || %s, 0))"

# the access scopes that the viewer sees, of those that have memories: a loose scan of the scopes' index
SCOPES = """
WITH RECURSIVE found(scope) AS (
    (SELECT scope_id FROM memory_memoryvector WHERE organisation_id = %(organisation)s ORDER BY scope_id LIMIT 1)
    UNION ALL
    SELECT (SELECT v.scope_id FROM memory_memoryvector AS v
            WHERE v.organisation_id = %(organisation)s AND v.scope_id > f.scope ORDER BY v.scope_id LIMIT 1)
    FROM found AS f WHERE f.scope IS NOT NULL
)
SELECT scope FROM found WHERE scope IS NOT NULL
"""

# the next changed memories of a scope, in the order of their changes
CHANGED = """
SELECT m.id, m.changed_at, left(m.content, 2001), m.state, m.embedding, m.is_object
FROM memory_memory AS m
WHERE m.organisation_id = %(organisation)s AND m.scope_id = %(scope)s AND m.head IS NULL AND m.embedding <> 'none'
  AND (m.changed_at, m.id) > (%(changed_at)s, %(after)s::uuid)
ORDER BY m.changed_at, m.id LIMIT %(limit)s
"""

# memories that are still believed, with what a rule compares
BELIEVED = """
SELECT m.id, m.content, m.happened_at, m.recorded_at, m.version FROM memory_memory AS m
WHERE m.organisation_id = %(organisation)s AND m.id = ANY(%(ids)s) AND m.head IS NULL AND m.state IN ('active', 'contested')
  AND NOT m.is_object AND length(m.content) <= 2000
  AND (m.expires_at IS NULL OR m.expires_at > now()) AND (m.valid_to IS NULL OR m.valid_to > now())
"""

# the nearest vectors to those of some memories by the model's graph, for large organisations
NEAREST_IN_GRAPH = """
SELECT q.memory_id, n.memory_id, 1 - n.distance
FROM memory_memoryvector AS q CROSS JOIN LATERAL (
    SELECT v.memory_id, v.scope_id, v.passage, v.embedding::halfvec({dimension}) <=> q.embedding::halfvec({dimension}) AS distance
    FROM memory_memoryvector AS v
    WHERE v.organisation_id = %(organisation)s AND v.model_id = {model} AND v.in_graph
    ORDER BY v.embedding::halfvec({dimension}) <=> q.embedding::halfvec({dimension}) LIMIT %(limit)s
) AS n
WHERE q.organisation_id = %(organisation)s AND q.model_id = {model} AND q.memory_id = ANY(%(ids)s) AND q.passage = 0
  AND n.memory_id <> q.memory_id AND n.scope_id = %(scope)s AND n.passage = 0 AND n.distance <= %(farthest)s
"""
# all vectors of a scope, to compare in numpy
ALL_VECTORS = """
SELECT string_agg(uuid_send(memory_id), '' ORDER BY memory_id), string_agg(halfvec_send(embedding), '' ORDER BY memory_id) FROM memory_memoryvector
WHERE organisation_id = %(organisation)s AND model_id = %(model)s AND scope_id = %(scope)s AND passage = 0
"""

# the same of some memories
VECTORS_OF = """
SELECT string_agg(uuid_send(memory_id), '' ORDER BY memory_id), string_agg(halfvec_send(embedding), '' ORDER BY memory_id) FROM memory_memoryvector
WHERE organisation_id = %(organisation)s AND model_id = %(model)s AND scope_id = %(scope)s AND memory_id = ANY(%(ids)s) AND passage = 0
"""

# remove the facts of memories
FORGET_FACTS = "DELETE FROM memory_factkey WHERE organisation_id = %s AND memory_id = ANY(%s)"
# index the facts of memories
ADD_FACTS = """
INSERT INTO memory_factkey (organisation_id, key, memory_id, scope_id)
SELECT %(organisation)s, f.key, m.id, m.scope_id FROM unnest(%(keys)s::bigint[], %(ids)s::uuid[]) AS f(key, memory)
JOIN memory_memory AS m ON m.organisation_id = %(organisation)s AND m.id = f.memory ON CONFLICT DO NOTHING
"""
# the memories of a scope with these facts, at most a few for each
SAME_FACTS = """
SELECT k.key, f.memory_id FROM unnest(%(keys)s::bigint[]) AS k(key) CROSS JOIN LATERAL (
    SELECT memory_id FROM memory_factkey
    WHERE organisation_id = %(organisation)s AND key = k.key AND scope_id = %(scope)s LIMIT %(most)s
) AS f
"""

# memories of a scope whose validity has ended
ENDED = """
SELECT m.id FROM memory_memory AS m
WHERE m.organisation_id = %(organisation)s AND m.scope_id = %(scope)s AND m.head IS NULL AND m.valid_to <= now()
  AND m.state IN ('active', 'contested') AND (m.expires_at IS NULL OR m.expires_at > now())
  AND NOT EXISTS (SELECT 1 FROM memory_proposal AS p WHERE p.organisation_id = m.organisation_id AND p.memory_id = m.id AND p.other_id = m.id)
ORDER BY m.valid_to, m.id LIMIT %(limit)s
"""
# active memories of a scope that are derived from others, none of which is believed any more
WITHOUT_SOURCES = """
SELECT m.id FROM memory_memory AS m
WHERE m.organisation_id = %(organisation)s AND m.scope_id = %(scope)s AND m.head IS NULL AND m.state = 'active'
  AND EXISTS (SELECT 1 FROM memory_memorylink AS l
              WHERE l.organisation_id = m.organisation_id AND l.memory_id = m.id AND l.kind = 'derived_from')
  AND NOT EXISTS (
    SELECT 1 FROM memory_memorylink AS l JOIN memory_memory AS s ON s.organisation_id = l.organisation_id AND s.id = l.target_id
    WHERE l.organisation_id = m.organisation_id AND l.memory_id = m.id AND l.kind = 'derived_from'
      AND s.state IN ('candidate', 'active', 'contested'))
  AND NOT EXISTS (SELECT 1 FROM memory_proposal AS p WHERE p.organisation_id = m.organisation_id AND p.memory_id = m.id AND p.other_id = m.id)
ORDER BY m.id LIMIT %(limit)s
"""
# pairs of active memories of a scope, one of which contradicts the other
CONTRADICTING = """
SELECT DISTINCT ON (least(a.id, b.id), greatest(a.id, b.id)) b.id, a.id
FROM memory_memorylink AS l
JOIN memory_memory AS a ON a.organisation_id = l.organisation_id AND a.id = l.memory_id
JOIN memory_memory AS b ON b.organisation_id = l.organisation_id AND b.id = l.target_id
WHERE l.organisation_id = %(organisation)s AND l.kind = 'contradicts' AND a.id <> b.id AND a.scope_id = %(scope)s AND b.scope_id = %(scope)s
  AND a.head IS NULL AND b.head IS NULL AND a.state = 'active' AND b.state = 'active'
  AND NOT EXISTS (SELECT 1 FROM memory_proposal AS p WHERE p.organisation_id = l.organisation_id
                  AND p.memory_id IN (a.id, b.id) AND p.other_id IN (a.id, b.id) AND p.memory_id <> p.other_id)
ORDER BY least(a.id, b.id), greatest(a.id, b.id), a.id DESC LIMIT %(limit)s
"""

# pairs that were proposed, in either order
KNOWN_PAIRS = """
SELECT p.memory_id, p.other_id FROM memory_proposal AS p
JOIN unnest(%(memories)s::uuid[], %(others)s::uuid[]) AS w(memory, other)
  ON (p.memory_id = w.memory AND p.other_id = w.other) OR (p.memory_id = w.other AND p.other_id = w.memory)
WHERE p.organisation_id = %(organisation)s
"""
# open proposals about memories that have changed since
DROP_OUTDATED = """
DELETE FROM memory_proposal AS p USING memory_memory AS m
WHERE p.organisation_id = %(organisation)s AND p.state = 'open' AND m.organisation_id = p.organisation_id AND m.id = ANY(%(ids)s)
  AND (p.memory_id = m.id AND p.memory_version <> m.version OR p.other_id = m.id AND p.other_version <> m.version)
"""
# a proposal, with the versions of its memories
ADD_PROPOSAL = """
INSERT INTO memory_proposal
    (id, organisation_id, scope_id, kind, memory_id, other_id, memory_version, other_version, state, confidence, reason)
SELECT %(id)s, %(organisation)s, %(scope)s, %(kind)s, a.id, b.id, a.version, b.version, 'open', %(confidence)s, %(reason)s
FROM memory_memory AS a, memory_memory AS b
WHERE a.organisation_id = %(organisation)s AND a.id = %(memory)s AND b.organisation_id = %(organisation)s AND b.id = %(other)s
ON CONFLICT DO NOTHING
"""
# end a double's claim to be believed, without ending what it says
SUPERSEDED_BY = "UPDATE memory_memory SET superseded_by = %(successor)s WHERE organisation_id = %(organisation)s AND id = %(memory)s"
