"""The SQL of extraction (memory/conversations/extraction/work.py). Each runs in a tenant transaction."""

# lease the waiting turns of the thread that has waited longest, up to %(most)s of them
LEASE_TURNS = """
WITH chosen AS (
    SELECT thread, scope_id, number FROM memory_conversationturn
    WHERE organisation_id = %(organisation)s AND waits AND coalesce(leased_until, '-infinity') < clock_timestamp() AND (thread, scope_id) = (
        SELECT thread, scope_id FROM memory_conversationturn
        WHERE organisation_id = %(organisation)s AND waits AND coalesce(leased_until, '-infinity') < clock_timestamp()
        ORDER BY attempts, memory_id LIMIT 1
    )
    ORDER BY number LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
UPDATE memory_conversationturn AS t
SET leased_until = clock_timestamp() + %(seconds)s * interval '1 second', attempts = attempts + 1
FROM chosen WHERE t.organisation_id = %(organisation)s AND t.thread = chosen.thread AND t.scope_id = chosen.scope_id
AND t.number = chosen.number
RETURNING t.thread, t.scope_id, t.number, t.attempts
"""
# the leased turns and a few before them, with their words
READ_TURNS = """
SELECT t.number, t.memory_id, coalesce(nullif(t.name, ''), t.role), m.content, m.stored_by
FROM memory_conversationturn AS t JOIN memory_memory AS m ON m.organisation_id = t.organisation_id AND m.id = t.memory_id
WHERE t.organisation_id = %s AND t.thread = %s AND t.scope_id = %s AND t.number BETWEEN %s AND %s AND m.state IN ('candidate', 'active', 'contested')
ORDER BY t.number
"""
# lock turns that still wait; another worker may have finished them after the lease
LOCK_WAITING = """
SELECT number FROM memory_conversationturn
WHERE organisation_id = %s AND thread = %s AND scope_id = %s AND number = ANY(%s) AND waits ORDER BY number FOR UPDATE
"""
# end the wait of turns
FINISH_TURNS = """
UPDATE memory_conversationturn SET waits = false, leased_until = NULL
WHERE organisation_id = %s AND thread = %s AND scope_id = %s AND number = ANY(%s)
"""
# return turns for a later attempt
RETURN_TURNS = """
UPDATE memory_conversationturn SET leased_until = clock_timestamp() + %s * interval '1 second'
WHERE organisation_id = %s AND thread = %s AND scope_id = %s AND number = ANY(%s)
"""
