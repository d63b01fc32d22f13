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
RETURNING c.job_id, c.number, c.first_line, c.text, c.screened, j.actor_kind, j.actor_id, j.on_behalf_of, j.trust, j.principal, j.groups
"""
# return a chunk whose store failed
END_LEASE = """
UPDATE memory_bulkchunk SET leased_until = NULL WHERE organisation_id = %s AND job_id = %s AND number = %s
"""
# lock a chunk that has no results yet
LOCK_WAITING_CHUNK = """
SELECT FROM memory_bulkchunk WHERE organisation_id = %s AND job_id = %s AND number = %s AND results IS NULL FOR UPDATE
"""
# keep a chunk's results and delete its text and what was found in it
FINISH_CHUNK = """
UPDATE memory_bulkchunk SET results = %s::jsonb, text = '', screened = NULL, leased_until = NULL
WHERE organisation_id = %s AND job_id = %s AND number = %s
"""
# cancel a job's chunks without results and delete their text; waits for a chunk that is just being stored, and leaves that
CANCEL_CHUNKS = """
WITH waiting AS (
    SELECT number FROM memory_bulkchunk
    WHERE organisation_id = %(organisation)s AND job_id = %(job)s AND results IS NULL ORDER BY number FOR UPDATE
), cancelled AS (
    UPDATE memory_bulkchunk AS c SET is_cancelled = true, results = '[]', text = '', screened = NULL, leased_until = NULL FROM waiting AS w
    WHERE c.organisation_id = %(organisation)s AND c.job_id = %(job)s AND c.number = w.number RETURNING c.lines
)
SELECT coalesce(sum(lines), 0)::int FROM cancelled
"""
# jobs, newest first, each with its lines, those that are done and those that were cancelled
LIST_JOBS = """
SELECT j.id, j.recorded_at, j.actor_kind, j.actor_id, j.on_behalf_of, j.cancelled_at, c.lines, c.done, c.cancelled
FROM (
    SELECT * FROM memory_bulkjob AS b
    WHERE organisation_id = %(organisation)s AND id < %(before)s {condition} ORDER BY id DESC LIMIT %(limit)s
) AS j CROSS JOIN LATERAL (
    SELECT coalesce(sum(lines), 0)::int AS lines,
           coalesce(sum(lines) FILTER (WHERE results IS NOT NULL AND NOT is_cancelled), 0)::int AS done,
           coalesce(sum(lines) FILTER (WHERE is_cancelled), 0)::int AS cancelled
    FROM memory_bulkchunk WHERE organisation_id = %(organisation)s AND job_id = j.id
) AS c
ORDER BY j.id DESC
"""
_WAITS = "b.id IN (SELECT job_id FROM memory_bulkchunk WHERE organisation_id = %(organisation)s AND results IS NULL)"
_HAS_BEGUN = """EXISTS (SELECT FROM memory_bulkchunk AS k
WHERE k.organisation_id = %(organisation)s AND k.job_id = b.id AND k.results IS NOT NULL AND NOT k.is_cancelled)"""
# the condition of LIST_JOBS by a job's status
OF_STATUS = {
    "": "",
    "queued": f"AND {_WAITS} AND NOT {_HAS_BEGUN}",
    "running": f"AND {_WAITS} AND {_HAS_BEGUN}",
    "done": f"AND b.cancelled_at IS NULL AND NOT {_WAITS}",
    "cancelled": "AND b.cancelled_at IS NOT NULL",
    "one": "AND b.id = %(job)s",
}
# lines of a job by status
COUNT_BY_STATUS = """
SELECT (r ->> 'status')::int, count(*) FROM memory_bulkchunk AS c CROSS JOIN LATERAL jsonb_array_elements(c.results) AS r
WHERE c.organisation_id = %s AND c.job_id = %s AND c.results IS NOT NULL GROUP BY 1
"""
