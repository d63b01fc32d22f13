"""The SQL of memory/subjects. Each runs in a tenant transaction."""

from liftos.kernel.erasure.types import BY_PERSON

# memories stored by a person or for it, in any state
MEMORIES_BY_PERSON = f"""
SELECT id FROM memory_memory WHERE organisation_id = %(organisation)s AND head IS NULL AND {BY_PERSON} ORDER BY id
"""  # noqa: S608  built from constants
# memories whose metadata, now or in an earlier text, name a user
MEMORIES_NAMING_USER = """
SELECT DISTINCT coalesce(m.head, m.id) FROM memory_attribute AS a
JOIN memory_memory AS m ON m.organisation_id = %(organisation)s AND m.id = a.memory_id
WHERE a.organisation_id = %(organisation)s AND a.key = 'user_id' AND (
    a.text_value = %(text)s OR a.number_key = %(number_key)s::float8 AND a.number_value = %(number)s::numeric
)
"""
# memories that only a principal sees
MEMORIES_OF_PRINCIPAL = """
SELECT m.id FROM memory_memory AS m JOIN tenancy_accessscope AS s ON s.organisation_id = m.organisation_id AND s.id = m.scope_id
WHERE m.organisation_id = %(organisation)s AND m.head IS NULL AND s.principal_id = %(principal)s
"""
# memories that mention an entity, now or in an earlier text
MEMORIES_MENTIONING = """
SELECT DISTINCT coalesce(m.head, m.id) FROM memory_entity AS e
JOIN memory_memory AS m ON m.organisation_id = %(organisation)s AND m.id = e.memory_id
WHERE e.organisation_id = %(organisation)s AND e.key = %(key)s
"""
# changes that a person made to other memories
CHANGES_BY_PERSON = f"""
SELECT id, memory_id, version, operation, reason, known_to, decision_id FROM memory_memoryversion
WHERE organisation_id = %(organisation)s AND {BY_PERSON} AND memory_id <> ALL(%(memories)s)
ORDER BY known_to, id LIMIT %(limit)s
"""  # noqa: S608
# their number
COUNT_CHANGES = f"""
SELECT count(*) FROM memory_memoryversion
WHERE organisation_id = %(organisation)s AND {BY_PERSON} AND memory_id <> ALL(%(memories)s)
"""  # noqa: S608
# what a person sent in bulk or as documents: lines and files that wait, and results
DELETE_CHUNKS = f"""
DELETE FROM memory_bulkchunk WHERE organisation_id = %(organisation)s AND job_id IN (
    SELECT id FROM memory_bulkjob WHERE organisation_id = %(organisation)s AND {BY_PERSON}
)
"""  # noqa: S608
# the jobs of these lines
DELETE_BULK_JOBS = f"DELETE FROM memory_bulkjob WHERE organisation_id = %(organisation)s AND {BY_PERSON}"  # noqa: S608
# documents that a person sent in the background
DELETE_DOCUMENT_JOBS = (
    f"DELETE FROM memory_documentjob WHERE organisation_id = %(organisation)s AND {BY_PERSON}"  # noqa: S608
)
