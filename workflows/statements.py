"""SQL for reading workflows and erasing quotes from runs. Each statement runs in a tenant transaction."""

from liftos.kernel.erasure.types import BY_PERSON

# --- queries.py

# a template by name or id, with the requested version or the newest
FIND_VERSION = """
SELECT t.name, t.retired_at IS NOT NULL, v.id, v.number
FROM workflows_template AS t LEFT JOIN LATERAL (
    SELECT p.id, p.number FROM workflows_templateversion AS p
    WHERE p.organisation_id = t.organisation_id AND p.template_id = t.id AND p.status = 'published'
      AND p.number = coalesce(%(number)s, p.number)
    ORDER BY p.number DESC LIMIT 1
) AS v ON true
WHERE t.organisation_id = %(organisation)s AND (t.name = %(name)s OR t.id = %(id)s::uuid)
ORDER BY t.name = %(name)s DESC LIMIT 1
"""

# a map step itself calls nothing, its items do; the calls of lost workers are unknown and not counted
COUNT_EXECUTIONS = """
SELECT coalesce(sum(s.retries + (s.status IN ('done', 'failed'))::int), 0)::bigint,
       coalesce(avg(extract(epoch FROM s.finished_at - s.started_at) * 1e3)
                FILTER (WHERE s.status IN ('done', 'failed')), 0)::float8
FROM workflows_step AS s
WHERE s.organisation_id = %(organisation)s AND s.attempt > 0 AND s.function <> '' AND NOT (s.item = -1 AND EXISTS (
    SELECT 1 FROM workflows_step AS i
    WHERE i.organisation_id = s.organisation_id AND i.run_id = s.run_id AND i.name = s.name AND i.item = 0
))
"""


# --- erasure.py

# runs whose functions stored, changed or found one of these memories
RUNS_MENTIONING = """
SELECT DISTINCT run_id FROM workflows_mention WHERE organisation_id = %s AND memory_id = ANY(%s)
"""

# those that a person started, resumed or reran
RUNS_OF_PERSON = f"""
SELECT id FROM workflows_run WHERE organisation_id = %(organisation)s AND (
    {BY_PERSON}
    OR EXISTS (SELECT 1 FROM jsonb_to_recordset(parties) AS p(kind text, id text, on_behalf_of text)
               WHERE p.on_behalf_of = ANY(%(users)s::text[]) AND p.on_behalf_of <> '' OR p.id = ANY(%(actors)s::text[])
                  OR p.kind = 'staff' AND p.id = ANY(%(staff)s::text[]))
)
ORDER BY id
"""  # noqa: S608  built from constants
# a user in whose name a run was started, resumed or rerun; who may do what does not depend on it
FORGET_USERS = """
UPDATE workflows_run SET on_behalf_of = CASE WHEN on_behalf_of = ANY(%(users)s::text[]) THEN '' ELSE on_behalf_of END,
    parties = (SELECT coalesce(jsonb_agg(CASE WHEN p ->> 'on_behalf_of' = ANY(%(users)s::text[])
                                         THEN jsonb_set(p, '{on_behalf_of}', '""') ELSE p END ORDER BY place), '[]')
               FROM jsonb_array_elements(parties) WITH ORDINALITY AS e(p, place))
WHERE organisation_id = %(organisation)s AND id = ANY(%(runs)s)
"""

# what is left of a trigger that quoted an erased memory; it fires no more until its owner has looked at it
STRIP_TRIGGER = """
UPDATE workflows_trigger SET parameters = %s::jsonb, conditions = %s::jsonb, name = CASE WHEN %s THEN 'erased ' || id ELSE name END,
    paused_at = coalesce(paused_at, clock_timestamp())
WHERE organisation_id = %s AND id = %s
"""
# what is left of a schedule that quoted a memory, paused
STRIP_SCHEDULE = """
UPDATE workflows_schedule SET parameters = %s::jsonb, name = CASE WHEN %s THEN 'erased ' || id ELSE name END,
    paused_at = coalesce(paused_at, clock_timestamp()), next_at = NULL
WHERE organisation_id = %s AND id = %s
"""
# locked before the steps, the order in which ending a step locks them
LOCK_RUNS = (
    "SELECT id FROM workflows_run WHERE organisation_id = %s AND id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
)

# results, items, errors and reasons of their steps
BLANK_STEPS = """
UPDATE workflows_step SET result = NULL, value = NULL, error = CASE WHEN error IS NULL THEN NULL
    ELSE jsonb_build_object('type', 'Erased', 'message', 'it quoted a memory that was erased') END,
    approval = CASE WHEN approval ? 'reason' THEN jsonb_set(approval, '{reason}', '""') ELSE approval END
WHERE organisation_id = %s AND run_id = ANY(%s)
"""

# their parameters and metadata
BLANK_RUNS = """
UPDATE workflows_run SET parameters = '{}', metadata = '{}' WHERE organisation_id = %s AND id = ANY(%s)
"""

# history rows can't be updated, so they are deleted and reinserted without the reason
BLANK_REASONS = """
WITH gone AS (
    DELETE FROM workflows_transition WHERE organisation_id = %s AND run_id = ANY(%s) AND reason <> '' RETURNING *
)
INSERT INTO workflows_transition (id, organisation_id, run_id, step_id, before, after, attempt, reason, worker, at, scope_id)
SELECT id, organisation_id, run_id, step_id, before, after, attempt, '', worker, at, scope_id FROM gone
"""

# runs whose name quotes a memory
RENAME_RUNS = "UPDATE workflows_run SET name = 'erased' WHERE organisation_id = %s AND id = ANY(%s)"

# the index of mentions
FORGET_MENTIONS = "DELETE FROM workflows_mention WHERE organisation_id = %s AND memory_id = ANY(%s)"
