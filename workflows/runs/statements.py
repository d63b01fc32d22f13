"""SQL of the run controls, by the module that sends it. Each statement runs in a tenant transaction."""

# --- controls.py: each statement changes the steps of one run, whose row is locked, and writes their history. A paused run has no
# ready steps: those that would be ready are waiting, with waiting_on = 0.

# a history row for each changed step
_NOTE = """
    INSERT INTO workflows_transition (organisation_id, run_id, step_id, before, after, attempt, reason, worker, at, scope_id)
    SELECT %(organisation)s, %(run)s, c.id, c.before, c.after, c.attempt, %(reason)s, '', clock_timestamp(), c.scope_id
    FROM changed AS c
"""


def _change(which: str, setting: str, after: str) -> str:
    """Return a statement that moves steps to another status.

    The rows are selected first for their previous status, and locked, because claims change steps without the run's lock.
    """
    return f"""
WITH found AS (
    SELECT s.id, s.status, s.attempt FROM workflows_step AS s
    WHERE s.organisation_id = %(organisation)s AND s.run_id = %(run)s AND {which}
    ORDER BY s.id FOR UPDATE
), changed AS (
    UPDATE workflows_step AS s SET status = {after}{setting} FROM found
    WHERE s.organisation_id = %(organisation)s AND s.id = found.id
    RETURNING s.id, found.status AS before, s.status AS after, s.attempt, s.scope_id
), noted AS ({_NOTE})
SELECT count(*) FROM changed
"""  # noqa: S608  only this module's own texts are put in


CANCEL_STEPS = _change(
    "s.status IN ('waiting', 'ready', 'running', 'retry_wait', 'awaiting_approval')",
    ", token = NULL, lease_until = NULL, finished_at = clock_timestamp()",
    "'cancelled'",
)
HOLD_STEPS = _change("s.status IN ('ready', 'retry_wait')", "", "'waiting'")
READY_STEPS = _change(
    "s.item = -1 AND s.status = 'waiting' AND s.waiting_on = 0", ", run_at = clock_timestamp()", "'ready'"
)
# waiting items, up to the map's limit
READY_ITEMS = _change(
    """s.id IN (
        SELECT w.id FROM workflows_step AS w
        WHERE w.organisation_id = %(organisation)s AND w.run_id = %(run)s AND w.name = %(name)s AND w.item >= 0
          AND w.status = 'waiting'
        ORDER BY w.item LIMIT greatest(0, %(limit)s - (
            SELECT count(*) FROM workflows_step AS a
            WHERE a.organisation_id = %(organisation)s AND a.run_id = %(run)s AND a.name = %(name)s AND a.item >= 0
              AND a.status IN ('ready', 'running', 'retry_wait')
        ))
    )""",
    ", run_at = clock_timestamp()",
    "'ready'",
)
# an approved step
LET_GO = _change(
    "s.id = %(step)s",
    ", run_at = clock_timestamp()",
    "CASE WHEN (SELECT r.status FROM workflows_run AS r WHERE r.organisation_id = %(organisation)s AND r.id = %(run)s)"
    " = 'running' THEN 'ready' ELSE 'waiting' END",
)
# a map keeps its completed items and runs the others again; other steps start from the beginning
RESET_ITEMS = _change(
    "s.item >= 0 AND s.status IN ('failed', 'cancelled')",
    ", retries = 0, lost = 0, error = NULL, finished_at = NULL, token = NULL, lease_until = NULL",
    "'waiting'",
)
RESET_STEPS = _change(
    "s.item = -1 AND (s.status IN ('failed', 'cancelled') OR s.status = 'skipped' AND s.error IS NOT NULL)",
    """, retries = 0, lost = 0, error = NULL, finished_at = NULL, token = NULL, lease_until = NULL, result = NULL,
        approval = NULL, open_items = (
            SELECT count(*) FROM workflows_step AS i
            WHERE i.organisation_id = %(organisation)s AND i.run_id = %(run)s AND i.name = s.name AND i.item >= 0
              AND i.status = 'waiting'
        )""",
    """CASE WHEN EXISTS (
        SELECT 1 FROM workflows_step AS i
        WHERE i.organisation_id = %(organisation)s AND i.run_id = %(run)s AND i.name = s.name AND i.item >= 0
    ) THEN 'running' ELSE 'waiting' END""",
)
# the steps that keep their results
SETTLED = """
SELECT name FROM workflows_step
WHERE organisation_id = %s AND run_id = %s AND item = -1 AND status IN ('done', 'skipped')
"""
# the number of open dependencies of each step
SET_WAITS = """
UPDATE workflows_step AS s SET waiting_on = w.waiting_on
FROM unnest(%(names)s::text[], %(waits)s::int[]) AS w(name, waiting_on)
WHERE s.organisation_id = %(organisation)s AND s.run_id = %(run)s AND s.item = -1 AND s.name = w.name
"""
# the run's status
SET_STATUS = """
WITH noted AS (
    INSERT INTO workflows_transition (organisation_id, run_id, before, after, attempt, reason, worker, at, scope_id)
    SELECT organisation_id, id, %(before)s, %(status)s, 0, %(reason)s, '', clock_timestamp(), scope_id
    FROM workflows_run WHERE organisation_id = %(organisation)s AND id = %(run)s
)
UPDATE workflows_run
SET status = %(status)s,
    finished_at = CASE WHEN %(status)s::text = 'cancelled' THEN clock_timestamp() END,
    open_steps = CASE WHEN %(status)s::text = 'cancelled' THEN 0 ELSE open_steps END
WHERE organisation_id = %(organisation)s AND id = %(run)s
"""
# the verdict of the person that a step waits for
DECIDE = """
UPDATE workflows_step SET approval = %(approval)s::jsonb WHERE organisation_id = %(organisation)s AND id = %(step)s
"""
# a refused step runs without a claim, so that it ends like any other failure
TAKE_UP = (
    "UPDATE workflows_step SET status = 'running' WHERE organisation_id = %(organisation)s AND id = %(step)s"
)

# --- batch.py

# a completed run with its steps and history
WRITE_BATCH = """
WITH moment AS MATERIALIZED (
    SELECT clock_timestamp() AS ended, clock_timestamp() - %(took)s * interval '1 second' AS began
), run AS (
    INSERT INTO workflows_run
        (id, organisation_id, code, name, status, parameters, metadata, actor_kind, actor_id, on_behalf_of, scopes,
         correlation_id, traceparent, open_steps, failed_steps, decision_id, started_at, finished_at,
         scope_id, principal_id, groups)
    SELECT %(id)s, %(organisation)s, %(code)s, %(name)s, 'completed', %(parameters)s::jsonb, '{}', %(actor_kind)s,
           %(actor_id)s, %(on_behalf_of)s, %(scopes)s::text[], %(correlation_id)s, %(traceparent)s, 0, 0, %(decision)s,
           began, ended, %(scope)s, %(principal)s, %(groups)s::uuid[] FROM moment
), steps AS (
    INSERT INTO workflows_step
        (id, organisation_id, run_id, name, position, item, function, priority, status, waiting_on, open_items, attempt,
         retries, lost, worker, run_at, started_at, finished_at, result, decision_id, scope_id)
    SELECT s.id, %(organisation)s, %(id)s, %(step)s, 0, s.number - 2, %(function)s, 3, 'done', 0, 0, 1, 0, 0,
           %(worker)s, began, began, ended, s.result::jsonb, %(decision)s, %(scope)s
    FROM moment, unnest(%(ids)s::uuid[], %(results)s::text[]) WITH ORDINALITY AS s(id, result, number)
)
INSERT INTO workflows_transition (organisation_id, run_id, step_id, before, after, attempt, reason, worker, at, scope_id)
SELECT %(organisation)s, %(id)s, t.step, t.before, t.after, t.attempt, '', %(worker)s,
       CASE WHEN t.after IN ('completed', 'done') THEN ended ELSE began END, %(scope)s
FROM moment, (VALUES
    (NULL::uuid, '', 'running', 0), (%(first)s::uuid, 'ready', 'running', 1), (%(first)s::uuid, 'running', 'done', 1),
    (NULL::uuid, 'running', 'completed', 0)
) AS t(step, before, after, attempt)
"""


# --- retention.py

# steps, history and mentions are deleted by their foreign keys
PRUNE_RUNS = """
DELETE FROM workflows_run WHERE organisation_id = %(organisation)s AND id IN (
    SELECT id FROM workflows_run
    WHERE organisation_id = %(organisation)s AND finished_at < %(before)s ORDER BY finished_at LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
"""
