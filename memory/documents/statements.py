"""The SQL of document jobs (memory/documents/jobs.py). Each runs in a tenant transaction."""

# lease the oldest waiting job that no other worker has
LEASE_JOB = """
UPDATE memory_documentjob SET leased_until = clock_timestamp() + %(seconds)s * interval '1 second', attempts = attempts + 1
WHERE organisation_id = %(organisation)s AND id = (
    SELECT id FROM memory_documentjob
    WHERE organisation_id = %(organisation)s AND status IS NULL AND coalesce(leased_until, '-infinity') < clock_timestamp()
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
  )
RETURNING id
"""
# return a job whose store failed, with or without counting the attempt
END_LEASE = """
UPDATE memory_documentjob SET leased_until = NULL, attempts = attempts - %s WHERE organisation_id = %s AND id = %s
"""
# lock a job that is not done
LOCK_WAITING_JOB = """
SELECT FROM memory_documentjob WHERE organisation_id = %s AND id = %s AND status IS NULL FOR UPDATE
"""
# keep a job's result, unless it was cancelled, and delete its file and what was sent with it
FINISH_JOB = """
UPDATE memory_documentjob SET status = %s, result = %s::jsonb, file = '', options = '{}', leased_until = NULL
WHERE organisation_id = %s AND id = %s AND status IS NULL
"""
