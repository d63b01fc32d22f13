"""SQL of triggers."""

# an event fires a trigger once, however often it is delivered
ADD_FIRINGS = """
INSERT INTO workflows_firing (id, organisation_id, trigger_id, event_id, type, subject, depth, correlation_id, state, scope_id)
SELECT n.id, %(organisation)s, n.trigger, n.event, n.type, n.subject, n.depth, n.correlation, 'pending', n.scope
FROM unnest(
    %(ids)s::uuid[], %(triggers)s::uuid[], %(events)s::uuid[], %(types)s::text[], %(subjects)s::text[], %(depths)s::int[],
    %(correlations)s::text[], %(scopes)s::int[]
) AS n(id, trigger, event, type, subject, depth, correlation, scope)
ON CONFLICT DO NOTHING
"""
# several workers start runs at once, each firing in one of them
NEXT_FIRING = """
SELECT id FROM workflows_firing WHERE organisation_id = %s AND state = 'pending' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
# what a trigger's rate is limited by
FIRED_WITHIN_A_MINUTE = """
SELECT count(*) FROM workflows_firing
WHERE organisation_id = %s AND trigger_id = %s AND state IN ('fired', 'overturned')
    AND fired_at > clock_timestamp() - interval '1 minute'
"""
# of the last hundred
RECORD = """
SELECT count(*), count(*) FILTER (WHERE state = 'overturned') FROM (
    SELECT state FROM workflows_firing
    WHERE organisation_id = %s AND trigger_id = %s AND state IN ('fired', 'overturned') ORDER BY id DESC LIMIT 100
) AS last
"""
# how deep the chain of firings is that led to runs, by their correlation ids
CAUSES = "SELECT correlation_id, depth FROM workflows_firing WHERE organisation_id = %s AND correlation_id = ANY(%s)"
# those with pending firings, seen before a tenant is known
ORGANISATIONS_WITH_FIRINGS = "SELECT organisation_id FROM liftos_organisations_with_firings()"
# the place in the sequence before the last N events
LATEST_EVENTS = """
SELECT coalesce(min(sequence), 1) - 1 FROM (
    SELECT sequence FROM events_outboxevent WHERE organisation_id = %s AND sequence IS NOT NULL ORDER BY sequence DESC LIMIT %s
) AS latest
"""
