"""The SQL of conversations (memory/conversations/operations.py). Each runs in a tenant transaction."""

# wait for other writers of a thread; until the transaction ends
LOCK_THREAD = "SELECT pg_advisory_xact_lock(hashtextextended(%s::text || %s, 4711))"
# the last turn of a thread, and its external id
LAST_TURN = """
SELECT t.number, m.external_id FROM memory_conversationturn AS t
JOIN memory_memory AS m ON m.organisation_id = t.organisation_id AND m.id = t.memory_id
WHERE t.organisation_id = %s AND t.thread = %s AND t.scope_id = %s ORDER BY t.number DESC LIMIT 1
"""
# which external ids are stored, with the place of each in the thread
STORED_TURNS = """
SELECT m.external_id, t.number FROM memory_memory AS m
JOIN memory_conversationturn AS t ON t.organisation_id = m.organisation_id AND t.memory_id = m.id
WHERE m.organisation_id = %s AND m.source = %s AND m.external_id = ANY(%s) AND t.thread = %s AND t.scope_id = %s
"""
