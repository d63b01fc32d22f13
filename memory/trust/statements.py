"""The SQL of trust, by the module that sends it. Each runs in a tenant transaction."""

from memory.holds.statements import HELD

# --- corrections.py

# lock the other memories of a value that are in certain states
LOCK_SAME_VALUE = """
SELECT id FROM memory_memory WHERE organisation_id = %s AND value = ANY(%s) AND head IS NULL AND id <> %s AND state = ANY(%s)
ORDER BY id FOR UPDATE
"""

# --- superseding.py

# name a memory's successor, and end its validity where the successor's begins
CLOSE_MEMORY = """
UPDATE memory_memory SET superseded_by = %(successor)s,
    valid_to = greatest(coalesce(valid_from, %(ends)s), least(coalesce(valid_to, %(ends)s), %(ends)s))
WHERE organisation_id = %(organisation)s AND id = %(memory)s
"""

# --- derived_memories.py

# memories derived from sources, directly or not; UNION drops what was reached before, so circles end
FIND_DERIVED = """
WITH RECURSIVE reached(id) AS (
    SELECT l.memory_id FROM memory_memorylink AS l
    WHERE l.organisation_id = %(organisation)s AND l.target_id = ANY(%(sources)s) AND l.kind = 'derived_from'
    UNION
    SELECT l.memory_id FROM reached AS r JOIN memory_memorylink AS l
    ON l.organisation_id = %(organisation)s AND l.target_id = r.id AND l.kind = 'derived_from'
)
SELECT id FROM reached WHERE id <> ALL(%(apart)s) LIMIT %(limit)s
"""
# lock memories in id order, as every transaction does, and read their states
LOCK_STATES = """
SELECT id, state FROM memory_memory WHERE organisation_id = %s AND id = ANY(%s) AND head IS NULL ORDER BY id FOR UPDATE
"""
# lock those of some memories that have one of several values
LOCK_OF_VALUES = """
SELECT id, content FROM memory_memory WHERE organisation_id = %s AND id = ANY(%s) AND value = ANY(%s) AND head IS NULL
ORDER BY id FOR UPDATE
"""

# --- expiry.py

# lock memories past their expiry, except those that are held or that another transaction has locked
LOCK_EXPIRED = f"""
SELECT m.id FROM memory_memory AS m WHERE m.organisation_id = %s AND m.expires_at <= now() AND m.head IS NULL AND m.state = ANY(%s)
AND NOT {HELD} ORDER BY m.id LIMIT %s FOR UPDATE SKIP LOCKED
"""  # noqa: S608  built from constants

# --- decisions.py

# the decisions that stored and changed a memory; after its erasure the one that stored it
DECISIONS_OF_MEMORY = """
SELECT stored_by FROM memory_memory
WHERE organisation_id = %(organisation)s AND id = %(memory)s AND stored_by IS NOT NULL
UNION SELECT decision_id FROM memory_memoryversion
WHERE organisation_id = %(organisation)s AND memory_id = %(memory)s
UNION SELECT stored_by FROM memory_erasure
WHERE organisation_id = %(organisation)s AND memory_id = %(memory)s AND stored_by IS NOT NULL
"""

# --- versions.py

# the database's clock, which moves inside a transaction too
NOW = "SELECT clock_timestamp()"
# copy present versions into the history, with the change that ended them
END_VERSIONS = """
INSERT INTO memory_memoryversion
    (id, organisation_id, scope_id, memory_id, version, content, is_object, metadata, memory_type, tags, importance, state, valid_from, valid_to,
     expires_at, superseded_by, known_from, known_to, operation, reason, actor_kind, actor_id, on_behalf_of, decision_id)
SELECT e.id, m.organisation_id, m.scope_id, m.id, m.version, m.content, m.is_object, m.metadata, m.memory_type, m.tags, m.importance, m.state,
       m.valid_from, m.valid_to, m.expires_at, m.superseded_by, m.changed_at, greatest(m.changed_at, %(at)s), %(operation)s,
       %(reason)s, %(kind)s, %(actor)s, %(behalf)s, %(decision)s
FROM unnest(%(ids)s::uuid[], %(memories)s::uuid[]) AS e(id, memory)
JOIN memory_memory AS m ON m.organisation_id = %(organisation)s AND m.id = e.memory
"""
# the next version, in another state
SET_STATE = """
UPDATE memory_memory SET state = %(state)s, version = version + 1, changed_at = greatest(changed_at, %(at)s)
WHERE organisation_id = %(organisation)s AND id = ANY(%(memories)s)
"""
# copy a memory's present text into a row of its own, whose head is the memory
KEEP_TEXT = """
INSERT INTO memory_memory
    (id, organisation_id, scope_id, owner, content, is_object, metadata, memory_type, source, external_id, tags, importance, state, embedding, actor_kind,
     actor_id, on_behalf_of, valid_from, valid_to, recorded_at, thread, thread_id, happened_at, asks, tells_time, language,
     passages, word_count, term_count, version, text_version, changed_at, head)
SELECT %(earlier)s, organisation_id, scope_id, owner, content, is_object, metadata, memory_type, source, '', tags, importance, state, embedding,
       actor_kind, actor_id, on_behalf_of, valid_from, valid_to, recorded_at, thread, thread_id, happened_at, asks, tells_time,
       language, passages, word_count, term_count, version, text_version, changed_at, id
FROM memory_memory WHERE organisation_id = %(organisation)s AND id = %(memory)s
"""
# copy the memory's vectors for that row
KEEP_VECTORS = """
INSERT INTO memory_memoryvector (organisation_id, scope_id, memory_id, model_id, passage, embedding)
SELECT organisation_id, scope_id, %(earlier)s, model_id, passage, embedding FROM memory_memoryvector
WHERE organisation_id = %(organisation)s AND memory_id = %(memory)s
"""
# delete the vectors of a replaced text
DROP_VECTORS = "DELETE FROM memory_memoryvector WHERE organisation_id = %s AND memory_id = %s"
# the next version, with its text and search fields
REWRITE = """
UPDATE memory_memory SET content = %(content)s, is_object = %(is_object)s, thread_id = %(thread)s,
    happened_at = coalesce(%(happened_at)s::timestamptz, recorded_at), asks = %(asks)s, tells_time = %(tells_time)s,
    language = %(language)s, passages = %(passages)s, word_count = %(words)s, term_count = %(terms)s, value = %(value)s,
    text_version = CASE WHEN %(same_text)s THEN text_version ELSE version + 1 END, version = version + 1,
    embedding = CASE WHEN %(embedded)s THEN %(embedding)s ELSE embedding END
WHERE organisation_id = %(organisation)s AND id = %(memory)s
"""

# --- visibility_change.py

# the memory of a scope that has an external id
EXTERNAL_ID_IN_SCOPE = """
SELECT id FROM memory_memory
WHERE organisation_id = %s AND source = %s AND external_id = %s AND external_id <> '' AND scope_id = %s
"""
# a memory and its earlier texts
MOVE_MEMORIES = """
UPDATE memory_memory SET scope_id = %(scope)s WHERE organisation_id = %(organisation)s AND id = ANY(%(ids)s)
"""
# what care has found of a memory that moves to another scope
LEAVE_FACTS = "DELETE FROM memory_factkey WHERE organisation_id = %(organisation)s AND memory_id = %(memory)s"
# the same: its proposals
LEAVE_PROPOSALS = """
DELETE FROM memory_proposal WHERE organisation_id = %(organisation)s AND (memory_id = %(memory)s OR other_id = %(memory)s)
"""
# their vectors
MOVE_VECTORS = """
UPDATE memory_memoryvector SET scope_id = %(scope)s WHERE organisation_id = %(organisation)s AND memory_id = ANY(%(ids)s)
"""
# the memory's links
MOVE_LINKS = """
UPDATE memory_memorylink SET scope_id = %(scope)s WHERE organisation_id = %(organisation)s AND memory_id = %(memory)s
"""
# its place in a conversation: the threads of a name in two scopes are numbered apart, so a taken number becomes the next one
MOVE_TURNS = """
UPDATE memory_conversationturn AS t SET scope_id = %(scope)s, number = CASE WHEN EXISTS (
    SELECT 1 FROM memory_conversationturn AS o WHERE o.organisation_id = t.organisation_id AND o.thread = t.thread
    AND o.scope_id = %(scope)s AND o.number = t.number
) THEN (
    SELECT max(o.number) + 1 FROM memory_conversationturn AS o
    WHERE o.organisation_id = t.organisation_id AND o.thread = t.thread AND o.scope_id = %(scope)s
) ELSE t.number END
WHERE t.organisation_id = %(organisation)s AND t.memory_id = %(memory)s
"""
# its files
MOVE_DOCUMENTS = """
UPDATE memory_document SET scope_id = %(scope)s WHERE organisation_id = %(organisation)s AND memory_id = %(memory)s
"""
# versions can't be updated: delete them and insert them again
MOVE_VERSIONS = """
WITH gone AS (
    DELETE FROM memory_memoryversion WHERE organisation_id = %(organisation)s AND memory_id = %(memory)s RETURNING *
)
INSERT INTO memory_memoryversion
    (id, organisation_id, scope_id, memory_id, version, content, is_object, metadata, memory_type, tags, importance, state, valid_from, valid_to,
     expires_at, superseded_by, known_from, known_to, operation, reason, actor_kind, actor_id, on_behalf_of, decision_id)
SELECT id, organisation_id, %(scope)s, memory_id, version, content, is_object, metadata, memory_type, tags, importance, state, valid_from,
       valid_to, expires_at, superseded_by, known_from, known_to, operation, reason, actor_kind, actor_id, on_behalf_of, decision_id
FROM gone
"""
