"""The SQL of memory's top-level modules, by the module that sends it. Each runs in a tenant transaction."""

# --- reembedding.py

# memories to embed for the first time, by their number of passages
PENDING = """
SELECT m.id, m.passages FROM memory_memory AS m
WHERE m.organisation_id = %(organisation)s AND m.embedding = 'pending' ORDER BY m.id LIMIT %(limit)s
"""
# memories without a vector of the model; those that wait for their first vector are left to the sweep
MISSING_VECTORS = """
SELECT m.id, m.passages FROM memory_memory AS m WHERE m.organisation_id = %(organisation)s AND m.embedding = ANY(%(settled)s)
AND m.id > %(after)s AND NOT EXISTS (
    SELECT 1 FROM memory_memoryvector AS v
    WHERE v.organisation_id = %(organisation)s AND v.memory_id = m.id AND v.model_id = %(model)s
) ORDER BY m.id LIMIT %(limit)s
"""
# memories that a model has tried to read
SETTLED_MEMORIES = """
SELECT m.id, m.passages, m.embedding FROM memory_memory AS m
WHERE m.organisation_id = %(organisation)s AND m.embedding = ANY(%(settled)s) AND m.id > %(after)s ORDER BY m.id LIMIT %(limit)s
"""
# texts of memories and earlier texts
TEXTS = "SELECT id, content FROM memory_memory WHERE organisation_id = %s AND id = ANY(%s) ORDER BY id"
# the passages that have a vector of the model
PRESENT_VECTORS = """
SELECT memory_id, passage FROM memory_memoryvector
WHERE organisation_id = %s AND model_id = %s AND memory_id = ANY(%s) AND passage >= 0
"""
# the states of memories whose passages have been embedded
SET_EMBEDDING = """
UPDATE memory_memory AS m SET embedding = w.state FROM unnest(%s::uuid[], %s::text[]) AS w(id, state)
WHERE m.organisation_id = %s AND m.id = w.id AND m.embedding <> w.state
"""
# lock memories that still have the text that was embedded
LOCK_UNCHANGED = """
SELECT m.id FROM unnest(%s::uuid[], %s::text[]) AS w(id, content) JOIN memory_memory AS m
ON m.organisation_id = %s AND m.id = w.id AND m.content = w.content ORDER BY m.id FOR UPDATE OF m
"""
# memories and earlier texts, and those that have a vector of the model
COUNT_VECTORS = """
SELECT count(*), count(*) FILTER (WHERE EXISTS (
    SELECT 1 FROM memory_memoryvector AS v
    WHERE v.organisation_id = m.organisation_id AND v.memory_id = m.id AND v.model_id = %(model)s
)) FROM memory_memory AS m
WHERE m.organisation_id = %(organisation)s AND m.embedding <> 'none'
"""
# set the model that searches use; returns the transaction's number
CHOOSE_MODEL = """
INSERT INTO memory_modelchoice (organisation_id, model_id) VALUES (%s, %s)
ON CONFLICT (organisation_id) DO UPDATE SET model_id = excluded.model_id, recorded_at = now(), former = CASE
    WHEN memory_modelchoice.model_id = excluded.model_id THEN memory_modelchoice.former
    ELSE array_append(array_remove(memory_modelchoice.former, memory_modelchoice.model_id), memory_modelchoice.model_id)
END
RETURNING pg_current_xact_id()::text
"""
# the number of the oldest open transaction, of any tenant
OLDEST_TRANSACTION = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text"
# vectors of other models, of a few thousand memories
DROP_OTHER_VECTORS = """
DELETE FROM memory_memoryvector WHERE organisation_id = %s AND model_id <> %s AND memory_id IN (
    SELECT memory_id FROM memory_memoryvector WHERE organisation_id = %s AND model_id <> %s LIMIT 5000
)
"""

# --- reindexing.py

# allow one process per organisation
LOCK_INDEX = "SELECT pg_try_advisory_xact_lock(hashtextextended('memory.index' || %s::text, 0))"
# the next memories and earlier texts by id
NEXT_TO_REINDEX = """
SELECT id FROM memory_memory WHERE organisation_id = %s AND id > %s ORDER BY id LIMIT %s
"""
# number of memories and earlier texts that are still to come
COUNT_TO_REINDEX = "SELECT count(*) FROM memory_memory WHERE organisation_id = %s AND id > %s"

# --- hygiene.py

# each pair of active memories once; if both contradict each other, as seen from the later one
CONTRADICTIONS = """
SELECT DISTINCT ON (least(a.id, b.id), greatest(a.id, b.id))
       b.id AS contradicted, a.id AS contradicting, b.content, a.content
FROM memory_memorylink AS l
JOIN memory_memory AS a ON a.organisation_id = l.organisation_id AND a.id = l.memory_id
JOIN memory_memory AS b ON b.organisation_id = l.organisation_id AND b.id = l.target_id
WHERE l.organisation_id = %(organisation)s AND l.kind = 'contradicts' AND a.id <> b.id
  AND a.head IS NULL AND b.head IS NULL AND a.state = 'active' AND b.state = 'active'
  AND (a.expires_at IS NULL OR a.expires_at > %(now)s) AND (b.expires_at IS NULL OR b.expires_at > %(now)s)
ORDER BY least(a.id, b.id), greatest(a.id, b.id), a.id DESC LIMIT %(limit)s
"""
# `value` is the keyed hash of the normalised text (memory/analysis/values.py)
DUPLICATES = """
SELECT (array_agg(m.id ORDER BY m.id))[1:20], count(*), (array_agg(m.content ORDER BY m.id))[1]
FROM memory_memory AS m
WHERE m.organisation_id = %(organisation)s AND m.head IS NULL AND m.state = ANY(%(visible)s) AND m.value IS NOT NULL
  AND m.embedding <> 'none'
  AND (m.expires_at IS NULL OR m.expires_at > %(now)s)
GROUP BY m.value HAVING count(*) > 1 ORDER BY count(*) DESC, (array_agg(m.id ORDER BY m.id))[1] LIMIT %(limit)s
"""

# --- queries.py

# who may see memories
READ_SCOPES = "SELECT id, scope_id FROM memory_memory WHERE organisation_id = %s AND id = ANY(%s)"

# ids and sizes in bytes of memories that pass the tests, newest first
LIST = "SELECT m.id, octet_length(m.content) + octet_length(m.metadata::text) FROM memory_memory AS m WHERE {where} ORDER BY {order} DESC LIMIT %(limit)s"
# those of some memories that pass filters
PASSING = """
SELECT m.id FROM memory_memory AS m
WHERE m.organisation_id = %(organisation)s AND m.id = ANY(%(memories)s) AND {where}
"""
