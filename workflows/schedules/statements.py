"""SQL of schedules."""

# the database's clock, the only one that counts
NOW = "SELECT clock_timestamp()"
# a schedule whose next tick is due; several workers look at once, each schedule is one's
NEXT_DUE = """
SELECT id FROM workflows_schedule
WHERE organisation_id = %s AND paused_at IS NULL AND next_at <= clock_timestamp()
ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""
# a tick that exists stays as it is, however often it is found due or backfilled
ADD_TICKS = """
INSERT INTO workflows_tick (id, organisation_id, schedule_id, due_at, run_at, in_turn, state, reason, missed, settled_at)
SELECT t.id, %(organisation)s, %(schedule)s, t.due, t.run, %(in_turn)s, %(state)s::text, %(reason)s, %(missed)s,
       CASE WHEN %(state)s::text <> 'pending' THEN clock_timestamp() END
FROM unnest(%(ids)s::uuid[], %(dues)s::timestamptz[], %(runs)s::timestamptz[]) AS t(id, due, run)
ON CONFLICT DO NOTHING
"""
# a run of the schedule, of ticks of the same kind, that has not ended
_OPEN = """SELECT 1 FROM workflows_tick AS o JOIN workflows_run AS r ON r.organisation_id = o.organisation_id AND r.id = o.run_id
        WHERE o.organisation_id = s.organisation_id AND o.schedule_id = s.id AND o.state = 'started' AND o.in_turn = t.in_turn
          AND r.status IN ('pending', 'running', 'paused')"""
# `queue` and ticks of the past wait for the run before them
_MAY_START = f"""t.state = 'pending' AND t.run_at <= clock_timestamp()
      AND NOT ((t.in_turn OR s.overlap = 'queue') AND EXISTS ({_OPEN}))"""
# a schedule with a tick to settle, locked: otherwise two workers could both find no run open
NEXT_TO_SETTLE = f"""
SELECT s.id FROM workflows_schedule AS s
WHERE s.organisation_id = %s AND s.paused_at IS NULL AND EXISTS (
    SELECT 1 FROM workflows_tick AS t WHERE t.organisation_id = s.organisation_id AND t.schedule_id = s.id AND {_MAY_START}
)
ORDER BY s.id LIMIT 1 FOR NO KEY UPDATE OF s SKIP LOCKED
"""  # noqa: S608  texts of this module
# its oldest such tick
NEXT_TICK = f"""
SELECT t.id FROM workflows_schedule AS s JOIN workflows_tick AS t ON t.organisation_id = s.organisation_id AND t.schedule_id = s.id
WHERE s.organisation_id = %s AND s.id = %s AND {_MAY_START} ORDER BY t.due_at LIMIT 1
"""  # noqa: S608  texts of this module
# runs of regular ticks that have not ended
OPEN_RUNS = """
SELECT r.id FROM workflows_tick AS o JOIN workflows_run AS r ON r.organisation_id = o.organisation_id AND r.id = o.run_id
WHERE o.organisation_id = %s AND o.schedule_id = %s AND o.state = 'started' AND NOT o.in_turn
  AND r.status IN ('pending', 'running', 'paused')
ORDER BY r.id
"""
# those with something due, seen before a tenant is known
ORGANISATIONS_WITH_DUE = "SELECT organisation_id FROM liftos_organisations_with_due_schedules()"
# ticks settled before a time
PRUNE_TICKS = """
DELETE FROM workflows_tick WHERE organisation_id = %s AND state <> 'pending' AND settled_at < %s
"""
