"""The SQL of bulk stores, by the module that sends it. Each runs in a tenant transaction."""

# lease the oldest waiting chunk that no other worker has, and read it with its job's party
LEASE_CHUNK = """
UPDATE memory_bulkchunk AS c SET leased_until = clock_timestamp() + %(seconds)s * interval '1 second' FROM memory_bulkjob AS j
WHERE c.organisation_id = %(organisation)s AND j.organisation_id = c.organisation_id AND j.id = c.job_id
  AND (c.job_id, c.number) = (
    SELECT job_id, number FROM memory_bulkchunk
    WHERE organisation_id = %(organisation)s AND results IS NULL AND coalesce(leased_until, '-infinity') < clock_timestamp()
    ORDER BY job_id, number LIMIT 1 FOR UPDATE SKIP LOCKED
  )
RETURNING c.job_id, c.number, c.first_line, c.text, j.actor_kind, j.actor_id, j.on_behalf_of, j.trust
"""
# return a chunk whose store failed
END_LEASE = """
UPDATE memory_bulkchunk SET leased_until = NULL WHERE organisation_id = %s AND job_id = %s AND number = %s
"""
# lock a chunk that has no results yet
LOCK_WAITING_CHUNK = """
SELECT FROM memory_bulkchunk WHERE organisation_id = %s AND job_id = %s AND number = %s AND results IS NULL FOR UPDATE
"""
# keep a chunk's results and delete its text
FINISH_CHUNK = """
UPDATE memory_bulkchunk SET results = %s::jsonb, text = '', leased_until = NULL
WHERE organisation_id = %s AND job_id = %s AND number = %s
"""
# lines of a job, and those that are done
COUNT_LINES = """
SELECT coalesce(sum(lines), 0)::int, coalesce(sum(lines) FILTER (WHERE results IS NOT NULL), 0)::int
FROM memory_bulkchunk WHERE organisation_id = %s AND job_id = %s
"""
# lines of a job by status
COUNT_BY_STATUS = """
SELECT (r ->> 'status')::int, count(*) FROM memory_bulkchunk AS c CROSS JOIN LATERAL jsonb_array_elements(c.results) AS r
WHERE c.organisation_id = %s AND c.job_id = %s AND c.results IS NOT NULL GROUP BY 1
"""
