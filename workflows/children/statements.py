"""SQL of children."""

# the latest run that a step started
CHILD_OF_STEP = """
SELECT id, status FROM workflows_run WHERE organisation_id = %s AND parent_id = %s AND parent_step_id = %s ORDER BY id DESC LIMIT 1
"""
# what a child takes from its parent
PARENT = "SELECT depth, scope_id, parties::text FROM workflows_run WHERE organisation_id = %s AND id = %s"
# makes a run a child; whoever resumed its parent limits it too
ADOPT = """
UPDATE workflows_run SET parent_id = %s, parent_step_id = %s, depth = %s, parties = %s::jsonb
WHERE organisation_id = %s AND id = %s
"""
# the memories that a run's results quote
MENTIONED = (
    "SELECT memory_id FROM workflows_mention WHERE organisation_id = %s AND run_id = %s ORDER BY memory_id"
)
# children in given states
CHILDREN = """
SELECT id FROM workflows_run WHERE organisation_id = %s AND parent_id = %s AND status = ANY(%s) ORDER BY id
"""
# the parents of ended runs
PARENTS = """
SELECT parent_id, parent_step_id FROM workflows_run
WHERE organisation_id = %s AND id = ANY(%s) AND parent_id IS NOT NULL ORDER BY parent_id, parent_step_id
"""
# makes a step ready that waits for a child; nothing if it has ended, or is claimed
WAKE = """
WITH woken AS (
    UPDATE workflows_step SET status = %(status)s, run_at = clock_timestamp()
    WHERE organisation_id = %(organisation)s AND id = %(step)s AND status = 'running' AND token IS NULL
    RETURNING id, attempt, scope_id
)
INSERT INTO workflows_transition (organisation_id, run_id, step_id, before, after, attempt, reason, worker, at, scope_id)
SELECT %(organisation)s, %(run)s, id, 'running', %(status)s, attempt, 'the run that it started has ended', '', clock_timestamp(), scope_id
FROM woken
"""
