"""SQL of the engine, by the module that sends it. Each statement runs in a tenant transaction."""

# --- attempts.py, endings.py, items.py: they run with the run's row locked, as the transaction's first or second statement. Every
# transition is a compare-and-set on the claim's token and writes its row of history.

# Sent before statements that find rows by their keys: a cached plan made while a table was nearly empty would scan the whole table
# until it is analysed (measured on a new database: 16 ms instead of 0.6).
BY_INDEX = "SELECT set_config('enable_seqscan', 'off', true)"
# locks the run and counts ended steps; the last one ends the run
COUNT_DOWN = """
WITH before AS (
    SELECT status FROM workflows_run WHERE organisation_id = %(organisation)s AND id = %(run)s
), run AS (
    UPDATE workflows_run AS r
    SET open_steps = r.open_steps - %(ended)s, failed_steps = r.failed_steps + %(failed)s,
        status = CASE WHEN r.status NOT IN ('running', 'paused') OR r.open_steps > %(ended)s THEN r.status
                      WHEN r.failed_steps + %(failed)s > 0 THEN 'failed' ELSE 'completed' END,
        finished_at = CASE WHEN r.status IN ('running', 'paused') AND r.open_steps = %(ended)s THEN clock_timestamp()
                           ELSE r.finished_at END
    WHERE r.organisation_id = %(organisation)s AND r.id = %(run)s
    RETURNING r.status, r.scope_id
), noted AS (
    INSERT INTO workflows_transition (organisation_id, run_id, before, after, attempt, reason, worker, at, scope_id)
    SELECT %(organisation)s, %(run)s, before.status, run.status, 0, '', %(worker)s, clock_timestamp(), run.scope_id
    FROM before, run WHERE before.status <> run.status
)
SELECT before.status, run.status FROM before, run
"""
# for a step with dependents, which are still open, so it can't be the run's last
COUNT_ONE = """
UPDATE workflows_run SET open_steps = open_steps - 1 WHERE organisation_id = %(organisation)s AND id = %(run)s
"""
# makes a step ready, and claims it if it is handed over
_HANDED_OVER = """token = CASE WHEN next.status = 'running' THEN %(next)s::uuid END,
        lease_until = CASE WHEN next.status = 'running' THEN clock_timestamp() + %(lease)s * interval '1 second' END,
        started_at = CASE WHEN next.status = 'running' THEN clock_timestamp() END,
        attempt = c.attempt + CASE WHEN next.status = 'running' THEN 1 ELSE 0 END,
        worker = CASE WHEN next.status = 'running' THEN %(worker)s ELSE c.worker END
    FROM next WHERE c.organisation_id = %(organisation)s AND c.id = next.id
    RETURNING c.run_id, c.id, c.name, c.item, c.function, c.attempt, c.value, c.retries, c.approval IS NOT NULL, c.status"""
# ends a step and updates its children; a child is handed over unless a more urgent step is ready
END = f"""
WITH ended AS (
    UPDATE workflows_step
    SET status = %(status)s, result = %(result)s::jsonb, error = %(error)s::jsonb, token = NULL, lease_until = NULL,
        finished_at = clock_timestamp(), decision_id = %(decision)s
    WHERE organisation_id = %(organisation)s AND id = %(step)s AND status = 'running'
      AND token IS NOT DISTINCT FROM %(token)s
    RETURNING id, attempt, priority, scope_id
), next AS MATERIALIZED (
    SELECT c.id, CASE
        WHEN c.waiting_on > 1 OR r.status <> 'running' THEN 'waiting'
        WHEN c.name = %(heir)s AND c.function = ANY(%(known)s::text[]) AND NOT EXISTS (
            SELECT 1 FROM workflows_step AS u
            WHERE u.organisation_id = %(organisation)s AND u.status = 'ready' AND u.priority < c.priority
              AND u.function = ANY(%(known)s::text[])
        ) THEN 'running'
        ELSE 'ready' END AS status
    FROM ended, workflows_run AS r, workflows_step AS c
    WHERE r.organisation_id = %(organisation)s AND r.id = %(run)s
      AND c.organisation_id = %(organisation)s AND c.run_id = %(run)s AND c.name = ANY(%(children)s::text[])
      AND c.item = -1 AND c.status = 'waiting'
), children AS (
    UPDATE workflows_step AS c
    SET waiting_on = c.waiting_on - 1, status = next.status,
        run_at = CASE WHEN next.status = 'waiting' THEN c.run_at ELSE clock_timestamp() END,
        {_HANDED_OVER}
), noted AS (
    INSERT INTO workflows_transition (organisation_id, run_id, step_id, before, after, attempt, reason, worker, at, scope_id)
    SELECT %(organisation)s, %(run)s, id, 'running', %(status)s, attempt, %(reason)s, %(worker)s, clock_timestamp(), scope_id
    FROM ended
    UNION ALL
    SELECT %(organisation)s, %(run)s, id, 'waiting', 'ready', attempt, '', '', clock_timestamp(), (SELECT scope_id FROM ended)
    FROM children WHERE status IN ('ready', 'running')
    UNION ALL
    SELECT %(organisation)s, %(run)s, id, 'ready', 'running', attempt, 'handed over', %(worker)s, clock_timestamp(),
           (SELECT scope_id FROM ended)
    FROM children WHERE status = 'running'
)
SELECT liftos_fence((SELECT count(*) FROM ended)), c.* FROM (VALUES (1)) AS one LEFT JOIN children AS c ON true
"""  # noqa: S608  put together from texts of our own
# releases the claim of a step that will continue later
RELEASE = """
WITH gone AS (
    UPDATE workflows_step
    SET status = %(status)s, token = NULL, lease_until = NULL, error = coalesce(%(error)s::jsonb, error),
        retries = retries + %(retries)s, lost = lost + %(lost)s,
        run_at = clock_timestamp() + %(delay)s * interval '1 second',
        decision_id = coalesce(%(decision)s, decision_id)
    WHERE organisation_id = %(organisation)s AND id = %(step)s AND token = %(token)s AND status = 'running'
    RETURNING id, attempt, scope_id
), noted AS (
    INSERT INTO workflows_transition (organisation_id, run_id, step_id, before, after, attempt, reason, worker, at, scope_id)
    SELECT %(organisation)s, %(run)s, id, 'running', %(status)s, attempt, %(reason)s, %(worker)s, clock_timestamp(), scope_id
    FROM gone
)
SELECT attempt FROM gone
"""
# a running step waits without a claim
PARK = """
WITH parked AS (
    UPDATE workflows_step SET token = NULL, lease_until = NULL
    WHERE organisation_id = %(organisation)s AND id = %(step)s AND token = %(token)s AND status = 'running'
    RETURNING id, attempt, scope_id
), noted AS (
    INSERT INTO workflows_transition (organisation_id, run_id, step_id, before, after, attempt, reason, worker, at, scope_id)
    SELECT %(organisation)s, %(run)s, id, 'running', 'running', attempt, %(reason)s, %(worker)s, clock_timestamp(), scope_id
    FROM parked
)
SELECT attempt FROM parked
"""
# skips the dependents of a failed step
SKIP_HEIRS = """
WITH skipped AS (
    UPDATE workflows_step
    SET status = 'skipped', error = %(error)s::jsonb, finished_at = clock_timestamp()
    WHERE organisation_id = %(organisation)s AND run_id = %(run)s AND name = ANY(%(names)s::text[]) AND item = -1
      AND status = 'waiting'
    RETURNING id, scope_id
), noted AS (
    INSERT INTO workflows_transition (organisation_id, run_id, step_id, before, after, attempt, reason, worker, at, scope_id)
    SELECT %(organisation)s, %(run)s, id, 'waiting', 'skipped', 0, %(reason)s, %(worker)s, clock_timestamp(), scope_id
    FROM skipped
)
SELECT count(*) FROM skipped
"""
# the run's row, with its status
LOCK_RUN = """
SELECT status FROM workflows_run WHERE organisation_id = %s AND id = %s FOR NO KEY UPDATE
"""
# how often a claim's step was lost before; no row if the claim is no longer held
LOST = "SELECT lost FROM workflows_step WHERE organisation_id = %s AND id = %s AND token = %s"
# the memories that a result quotes, for erasure
MENTION = """
INSERT INTO workflows_mention (organisation_id, memory_id, run_id)
SELECT %s, memory, %s FROM unnest(%s::uuid[]) AS m(memory) ON CONFLICT DO NOTHING
"""
# a run's steps by status
COUNTS = """
SELECT status, count(*) FROM workflows_step WHERE organisation_id = %s AND run_id = %s AND item = -1 GROUP BY 1
"""

# --- items of a map -----------------------------------------------------------------------------

# inserts the items of a map, the first ones ready
FAN_OUT = """
WITH map AS (
    UPDATE workflows_step SET token = NULL, lease_until = NULL, open_items = %(count)s
    WHERE organisation_id = %(organisation)s AND id = %(step)s AND token = %(token)s AND status = 'running'
    RETURNING id, position, function, priority, attempt, scope_id
), items AS (
    INSERT INTO workflows_step
        (id, organisation_id, run_id, name, position, item, value, function, priority, status, waiting_on, open_items,
         attempt, retries, lost, worker, run_at, scope_id)
    SELECT i.id, %(organisation)s, %(run)s, %(name)s, map.position, i.number - 1, i.value::jsonb, map.function,
           map.priority, CASE WHEN i.number <= %(start)s THEN 'ready' ELSE 'waiting' END, 0, 0, 0, 0, 0, '',
           clock_timestamp(), map.scope_id
    FROM map, unnest(%(ids)s::uuid[], %(values)s::text[]) WITH ORDINALITY AS i(id, value, number)
    RETURNING id, status, scope_id
), noted AS (
    INSERT INTO workflows_transition (organisation_id, run_id, step_id, before, after, attempt, reason, worker, at, scope_id)
    SELECT %(organisation)s, %(run)s, id, 'running', 'running', attempt, %(reason)s, %(worker)s, clock_timestamp(), scope_id
    FROM map
    UNION ALL
    SELECT %(organisation)s, %(run)s, id, 'waiting', 'ready', 0, '', '', clock_timestamp(), scope_id
    FROM items WHERE status = 'ready'
)
SELECT count(*) FROM map
"""
# ends an item, counts it, and makes the next one ready or hands it over
END_ITEM = f"""
WITH ended AS (
    UPDATE workflows_step
    SET status = %(status)s, result = %(result)s::jsonb, error = %(error)s::jsonb, token = NULL, lease_until = NULL,
        finished_at = clock_timestamp(), decision_id = %(decision)s
    WHERE organisation_id = %(organisation)s AND id = %(step)s AND token = %(token)s AND status = 'running'
    RETURNING id, attempt, scope_id
), map AS (
    UPDATE workflows_step AS m SET open_items = m.open_items - 1
    FROM ended
    WHERE m.organisation_id = %(organisation)s AND m.run_id = %(run)s AND m.name = %(name)s AND m.item = -1
    RETURNING m.id, m.open_items
), next AS MATERIALIZED (
    SELECT c.id, CASE WHEN %(hand_over)s AND c.function = ANY(%(known)s::text[]) AND NOT EXISTS (
            SELECT 1 FROM workflows_step AS u
            WHERE u.organisation_id = %(organisation)s AND u.status = 'ready' AND u.priority < c.priority
              AND u.function = ANY(%(known)s::text[])
        ) THEN 'running' ELSE 'ready' END AS status
    FROM ended, workflows_run AS r, workflows_step AS c
    WHERE r.organisation_id = %(organisation)s AND r.id = %(run)s AND r.status = 'running'
      AND c.organisation_id = %(organisation)s AND c.run_id = %(run)s AND c.name = %(name)s AND c.item >= 0
      AND c.status = 'waiting'
    ORDER BY c.item LIMIT 1
), started AS (
    UPDATE workflows_step AS c
    SET status = next.status, run_at = clock_timestamp(),
        {_HANDED_OVER}
), noted AS (
    INSERT INTO workflows_transition (organisation_id, run_id, step_id, before, after, attempt, reason, worker, at, scope_id)
    SELECT %(organisation)s, %(run)s, id, 'running', %(status)s, attempt, %(reason)s, %(worker)s, clock_timestamp(), scope_id
    FROM ended
    UNION ALL
    SELECT %(organisation)s, %(run)s, id, 'waiting', 'ready', attempt, '', '', clock_timestamp(), (SELECT scope_id FROM ended)
    FROM started
    UNION ALL
    SELECT %(organisation)s, %(run)s, id, 'ready', 'running', attempt, 'handed over', %(worker)s, clock_timestamp(),
           (SELECT scope_id FROM ended)
    FROM started WHERE status = 'running'
)
SELECT map.id, map.open_items, started.* FROM map LEFT JOIN started ON true
"""  # noqa: S608  put together from texts of our own
# the results of a map's items; only their size if that exceeds the limit
ITEMS = """
WITH items AS (
    SELECT item, status, result, error, sum(octet_length(result::text)) OVER () AS bytes FROM workflows_step
    WHERE organisation_id = %(organisation)s AND run_id = %(run)s AND name = %(name)s AND item >= 0
)
SELECT status, CASE WHEN bytes <= %(most)s THEN result END, error, coalesce(bytes, 0) FROM items ORDER BY item
"""

# --- starting.py

# a run, with its first history row
INSERT_RUN = """
WITH noted AS (
    INSERT INTO workflows_transition (organisation_id, run_id, before, after, attempt, reason, worker, at, scope_id)
    VALUES (%(organisation)s, %(id)s, '', %(status)s, 0, '', '', clock_timestamp(), %(scope)s)
)
INSERT INTO workflows_run
    (id, organisation_id, code, name, version_id, status, parameters, metadata, actor_kind, actor_id, on_behalf_of, scopes,
     correlation_id, traceparent, open_steps, failed_steps, decision_id, started_at, scope_id, principal_id, groups)
VALUES
    (%(id)s, %(organisation)s, %(code)s, %(name)s, %(version)s, %(status)s, %(parameters)s::jsonb, %(metadata)s::jsonb,
     %(actor_kind)s, %(actor_id)s, %(on_behalf_of)s, %(scopes)s::text[], %(correlation_id)s, %(traceparent)s,
     %(open_steps)s, 0, %(decision)s, CASE WHEN %(status)s::text = 'running' THEN clock_timestamp() END, %(scope)s,
     %(principal)s, %(groups)s::uuid[])
"""

# the steps of a run, ready or waiting
INSERT_STEPS = """
WITH made AS (
    INSERT INTO workflows_step
        (id, organisation_id, run_id, name, position, item, function, priority, status, waiting_on, open_items, attempt,
         retries, lost, worker, run_at, scope_id)
    SELECT s.id, %(organisation)s, %(run)s, s.name, s.position - 1, -1, s.function, s.priority,
           CASE WHEN s.waiting_on = 0 THEN 'ready' ELSE 'waiting' END, s.waiting_on, 0, 0, 0, 0, '',
           CASE WHEN s.waiting_on = 0 THEN clock_timestamp() END, %(scope)s
    FROM unnest(%(ids)s::uuid[], %(names)s::text[], %(functions)s::text[], %(priorities)s::int[], %(waits)s::int[])
        WITH ORDINALITY AS s(id, name, function, priority, waiting_on, position)
    RETURNING id, status
)
INSERT INTO workflows_transition (organisation_id, run_id, step_id, before, after, attempt, reason, worker, at, scope_id)
SELECT %(organisation)s, %(run)s, id, 'waiting', 'ready', 0, '', '', clock_timestamp(), %(scope)s
FROM made WHERE status = 'ready'
"""


# --- claims.py

# serialises an organisation's claims; for the setting see BY_INDEX
CLAIM_IN_TURN = """
SELECT pg_advisory_xact_lock(hashtextextended('workflows.claim:' || %s, 0)), set_config('enable_seqscan', 'off', true)
"""

# {among} restricts it to one run, for a caller that waits for it
CLAIM = """
WITH room AS (
    SELECT coalesce(
        (SELECT p.concurrency FROM workflows_policy AS p WHERE p.organisation_id = %(organisation)s), %(limit)s
    ) - (
        SELECT count(*) FROM workflows_step AS l WHERE l.organisation_id = %(organisation)s AND l.token IS NOT NULL
    ) AS free
), picked AS (
    SELECT s.id FROM workflows_step AS s
    WHERE s.organisation_id = %(organisation)s AND s.status = 'ready' AND s.function = ANY(%(known)s::text[])
      AND (SELECT free FROM room) > 0 {among}
    ORDER BY s.priority, s.run_at, s.id LIMIT 1 FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE workflows_step AS s
    SET status = 'running', token = %(token)s, worker = %(worker)s, attempt = s.attempt + 1,
        started_at = clock_timestamp(), lease_until = clock_timestamp() + %(lease)s * interval '1 second'
    FROM picked WHERE s.organisation_id = %(organisation)s AND s.id = picked.id
    RETURNING s.run_id, s.id, s.name, s.item, s.function, s.attempt, s.value, s.retries, s.approval IS NOT NULL AS approved,
              s.scope_id
), noted AS (
    INSERT INTO workflows_transition (organisation_id, run_id, step_id, before, after, attempt, reason, worker, at, scope_id)
    SELECT %(organisation)s, run_id, id, 'ready', 'running', attempt, '', %(worker)s, clock_timestamp(), scope_id
    FROM claimed
)
SELECT run_id, id, name, item, function, attempt, value, retries, approved FROM claimed
"""

# extends the leases of this worker's steps
RENEW_LEASES = """
UPDATE workflows_step SET lease_until = clock_timestamp() + %(lease)s * interval '1 second'
WHERE organisation_id = %(organisation)s AND token = ANY(%(tokens)s) AND status = 'running'
"""


# --- runs.py

# the data of a run that its steps need
READ_RUN = """
SELECT r.name, r.parameters, r.metadata, r.actor_kind, r.actor_id, r.on_behalf_of, r.scopes, r.correlation_id,
       r.traceparent, r.decision_id, r.version_id, o.slug, r.parties, r.scope_id, r.principal_id, r.groups
FROM workflows_run AS r JOIN tenancy_organisation AS o ON o.id = r.organisation_id
WHERE r.organisation_id = %s AND r.id = %s
"""

# of a published version
READ_DEFINITION = "SELECT definition FROM workflows_templateversion WHERE organisation_id = %s AND id = %s"

# only their size if that is more than one step may read
READ_RESULTS = """
WITH ended AS (
    SELECT name, result, sum(octet_length(result::text)) OVER () AS bytes FROM workflows_step
    WHERE organisation_id = %s AND run_id = %s AND name = ANY(%s) AND item = -1 AND status IN ('done', 'skipped')
)
SELECT name, CASE WHEN bytes <= %s THEN result END, coalesce(bytes, 0) FROM ended
"""


# --- authority.py

# who resumed or reran a run
READ_PARTIES = "SELECT parties FROM workflows_run WHERE organisation_id = %s AND id = %s"


# --- sources.py

# completed steps, latest first
ENDED_STEPS = """
SELECT id FROM workflows_step
WHERE organisation_id = %s AND run_id = %s AND name = ANY(%s) AND item = -1 AND status = 'done'
ORDER BY finished_at DESC
"""

# one step's result and decision
READ_RESULT = "SELECT name, result, decision_id FROM workflows_step WHERE organisation_id = %s AND id = %s"


# --- execution.py

# timeouts of a statement and of an idle transaction
SET_LIMITS = """
SELECT set_config('statement_timeout', %s, true), set_config('idle_in_transaction_session_timeout', %s, true)
"""


# --- waiting.py

# a run's status, its number of ready steps, and whether any step will continue by itself
PROGRESS = """
SELECT r.status, (
    SELECT count(*) FROM workflows_step AS s
    WHERE s.organisation_id = r.organisation_id AND s.run_id = r.id AND s.status = 'ready'
), EXISTS (
    SELECT 1 FROM workflows_step AS s WHERE s.organisation_id = r.organisation_id AND s.run_id = r.id
      AND (s.token IS NOT NULL OR s.status IN ('ready', 'retry_wait'))
) OR EXISTS (
    SELECT 1 FROM workflows_run AS c JOIN workflows_step AS p ON p.organisation_id = c.organisation_id AND p.id = c.parent_step_id
    WHERE c.organisation_id = r.organisation_id AND c.parent_id = r.id AND p.status = 'running' AND p.token IS NULL
      AND (c.status NOT IN ('pending', 'running', 'paused') OR c.status = 'running' AND EXISTS (
        SELECT 1 FROM workflows_step AS s
        WHERE s.organisation_id = c.organisation_id AND s.run_id = c.id AND s.status IN ('ready', 'running', 'retry_wait')
      ))
) FROM workflows_run AS r WHERE r.organisation_id = %s AND r.id = %s
"""


# --- reaper.py

# claims whose lease has expired
LOST_CLAIMS = """
SELECT s.token, s.run_id, s.id, s.name, s.item, s.function, s.attempt, s.value, s.retries, s.approval IS NOT NULL
FROM workflows_step AS s
WHERE s.organisation_id = %(organisation)s AND s.token IS NOT NULL AND s.lease_until < clock_timestamp()
ORDER BY s.lease_until LIMIT %(limit)s
"""

# checked again under the lock
IS_STILL_LOST = """
SELECT 1 FROM workflows_step WHERE organisation_id = %s AND id = %s AND token = %s AND lease_until < clock_timestamp()
"""

# steps whose retry is due
READY_DUE = """
WITH due AS (
    SELECT id FROM workflows_step
    WHERE organisation_id = %(organisation)s AND status = 'retry_wait' AND run_at <= clock_timestamp()
    ORDER BY run_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), ready AS (
    UPDATE workflows_step AS s SET status = 'ready' FROM due
    WHERE s.organisation_id = %(organisation)s AND s.id = due.id
    RETURNING s.id, s.run_id, s.attempt, s.scope_id
), noted AS (
    INSERT INTO workflows_transition (organisation_id, run_id, step_id, before, after, attempt, reason, worker, at, scope_id)
    SELECT %(organisation)s, run_id, id, 'retry_wait', 'ready', attempt, '', '', clock_timestamp(), scope_id
    FROM ready
)
SELECT count(*) FROM ready
"""

# except very recent ones, whose hints are still on their way
COUNT_UNCLAIMED = """
SELECT count(*) FROM (
    SELECT 1 FROM workflows_step
    WHERE organisation_id = %s AND status = 'ready' AND run_at < clock_timestamp() - interval '500 milliseconds' LIMIT %s
) AS waiting
"""
