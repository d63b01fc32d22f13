"""The SQL of erasures, by the module that sends it. Each runs in the erasure's transaction."""

# --- removal.py

# vectors, passages, links, attributes and entities of memories
COUNT_INDEX_ROWS = """
SELECT (SELECT count(*) FROM memory_memoryvector WHERE organisation_id = %(organisation)s AND memory_id = ANY(%(ids)s)),
       (SELECT count(*) FROM memory_passage WHERE organisation_id = %(organisation)s AND memory_id = ANY(%(ids)s)),
       (SELECT count(*) FROM memory_memorylink WHERE organisation_id = %(organisation)s
        AND (memory_id = ANY(%(ids)s) OR target_id = ANY(%(ids)s))),
       (SELECT count(*) FROM memory_attribute WHERE organisation_id = %(organisation)s AND memory_id = ANY(%(ids)s)),
       (SELECT count(*) FROM memory_entity WHERE organisation_id = %(organisation)s AND memory_id = ANY(%(ids)s))
"""
# links that wait for the external ids of memories; those of two concurrent stores may still do
DELETE_WAITING_LINKS = """
DELETE FROM memory_memorylink AS l
USING unnest(%(sources)s::text[], %(external_ids)s::text[]) AS e(source, external_id)
WHERE l.organisation_id = %(organisation)s AND l.target_id IS NULL AND l.target_source = e.source
  AND l.target_external_id = e.external_id
"""
# the history of memories
DELETE_VERSIONS = "DELETE FROM memory_memoryversion WHERE organisation_id = %s AND memory_id = ANY(%s)"
# earlier texts, before the memories that they name
DELETE_EARLIER_TEXTS = "DELETE FROM memory_memory WHERE organisation_id = %s AND head = ANY(%s)"
# vectors, passages and links go by their foreign keys
DELETE_MEMORIES = "DELETE FROM memory_memory WHERE organisation_id = %s AND id = ANY(%s)"

# --- quoting_records.py

# the results of one chunk of a bulk store
SET_CHUNK_RESULTS = """
UPDATE memory_bulkchunk SET results = %s::jsonb WHERE organisation_id = %s AND job_id = %s AND number = %s
"""
# outbox events keep their ids and types
BLANK_EVENTS = """
UPDATE events_outboxevent SET data = '{"erased": true}' WHERE organisation_id = %s AND id = ANY(%s)
"""
# of events from outside, what their senders wrote
BLANK_ARRIVALS = """
UPDATE events_outboxevent SET subject = '', data = '{"erased": true}', attributes = '{}' WHERE organisation_id = %s AND id = ANY(%s)
"""
# traces that quote an erased text
DELETE_TRACES = "DELETE FROM observability_tracerecord WHERE organisation_id = %s AND id = ANY(%s)"
# versions can't be updated: delete them and insert them again without their reasons
BLANK_REASONS = """
WITH gone AS (DELETE FROM memory_memoryversion WHERE organisation_id = %s AND id = ANY(%s) RETURNING *)
INSERT INTO memory_memoryversion
    (id, organisation_id, scope_id, memory_id, version, content, metadata, memory_type, tags, importance, state, valid_from, valid_to,
     expires_at, superseded_by, known_from, known_to, operation, reason, actor_kind, actor_id, on_behalf_of, decision_id)
SELECT id, organisation_id, scope_id, memory_id, version, content, metadata, memory_type, tags, importance, state, valid_from, valid_to,
       expires_at, superseded_by, known_from, known_to, operation, '', actor_kind, actor_id, on_behalf_of, decision_id
FROM gone
"""
# the domain that the old platform's context names
BLANK_CONTEXT = "UPDATE memory_context SET domain = 'general' WHERE organisation_id = %s"
# the admin's history shows a memory's first words; the table belongs to the installation and has no organisation
BLANK_ADMIN_HISTORY = """
UPDATE django_admin_log AS l SET object_repr = 'erased', change_message = ''
FROM django_content_type AS t
WHERE t.id = l.content_type_id AND t.app_label = 'memory' AND l.object_id = ANY(%s) AND l.object_repr <> 'erased'
"""
# other memories that have one of the erased values
COUNT_SAME_VALUE = "SELECT count(*) FROM memory_memory WHERE organisation_id = %s AND value = ANY(%s) AND head IS NULL AND id <> ALL(%s)"

# whether documents wait to be stored, whose files can't be searched for quotes
DOCUMENTS_WAIT = """
SELECT EXISTS (SELECT 1 FROM memory_documentjob WHERE organisation_id = %s AND status IS NULL)
"""

# properties of links between other memories
BLANK_PROPERTIES = (
    "UPDATE memory_memorylink SET properties = '{}' WHERE organisation_id = %s AND id = ANY(%s)"
)

# --- receipts.py

# one row for each further memory of a receipt, by which an import of that memory is refused
INSERT_FURTHER_RECEIPTS = """
INSERT INTO memory_erasure (id, organisation_id, scope_id, memory_id, origin, stored_by, part_of, removed, caches, kept, actor_kind, actor_id,
                            on_behalf_of, decision_id, recorded_at)
SELECT w.id, e.organisation_id, w.scope, w.memory, w.origin, w.stored_by, e.id, '{}', '{}', '{}', e.actor_kind, e.actor_id, e.on_behalf_of,
       e.decision_id, e.recorded_at
FROM memory_erasure AS e,
     unnest(%(ids)s::uuid[], %(memories)s::uuid[], %(origins)s::bytea[], %(stored_by)s::uuid[], %(scopes)s::int[])
     AS w(id, memory, origin, stored_by, scope)
WHERE e.id = %(receipt)s
"""

# --- deletions.py

# lock the oldest unfinished job that no other worker has, and read its next memories
LOCK_DELETION = """
SELECT id, actor_kind, actor_id, on_behalf_of, principal, groups, reason, memories[done + 1:done + %(together)s] FROM memory_deletionjob
WHERE organisation_id = %(organisation)s AND finished_at IS NULL ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
# count what was erased; the last ones, or a caller that may no longer erase, finish the job
MOVE_DELETION = """
UPDATE memory_deletionjob SET done = CASE WHEN %(stopped)s THEN done ELSE least(done + %(together)s, count) END,
    reason = CASE WHEN %(stopped)s OR done + %(together)s >= count THEN '' ELSE reason END, erased = erased + %(erased)s, erasures = erasures || %(erasures)s::uuid[], is_stopped = %(stopped)s,
    finished_at = CASE WHEN %(stopped)s OR done + %(together)s >= count THEN clock_timestamp() END
WHERE organisation_id = %(organisation)s AND id = %(job)s
"""
# without its filters a webhook would receive more than its owner wanted, so it sends nothing until the owner has looked at it
BLANK_WEBHOOKS = """
UPDATE events_webhook SET description = '', filters = NULL, paused_at = coalesce(paused_at, clock_timestamp())
WHERE organisation_id = %s AND id = ANY(%s)
"""
