"""SQL of webhooks. Times are the database's, whatever the clocks of the machines that send say."""

NOW = "SELECT clock_timestamp()"

# organisations and webhooks with something to send now, those that fail and the others apart
DUE = "SELECT organisation_id, webhook_id FROM liftos_webhooks_due(%s, %s)"
# one sender at a time works for a receiver; a sender that died is succeeded after its lease
CLAIM = """
UPDATE events_webhook SET lease_until = clock_timestamp() + make_interval(secs => %(seconds)s)
WHERE organisation_id = %(organisation)s AND id = %(webhook)s AND paused_at IS NULL AND disabled_at IS NULL
    AND due_at <= clock_timestamp() AND (lease_until IS NULL OR lease_until < clock_timestamp())
RETURNING lease_until
"""
# both only while the lease is still this sender's
RENEW = """
UPDATE events_webhook SET lease_until = clock_timestamp() + make_interval(secs => %(seconds)s)
WHERE organisation_id = %(organisation)s AND id = %(webhook)s AND lease_until = %(lease)s AND paused_at IS NULL AND disabled_at IS NULL
RETURNING lease_until
"""
RELEASE = """
UPDATE events_webhook SET lease_until = NULL
WHERE organisation_id = %(organisation)s AND id = %(webhook)s AND lease_until = %(lease)s
"""
# of one subject, the earlier event first: a later one waits until it is delivered or given up
NEXT = """
SELECT d.id FROM events_delivery AS d
WHERE d.organisation_id = %(organisation)s AND d.webhook_id = %(webhook)s AND d.state = 'pending' AND d.due_at <= clock_timestamp()
    AND NOT EXISTS (
        SELECT 1 FROM events_delivery AS earlier
        WHERE earlier.organisation_id = d.organisation_id AND earlier.webhook_id = d.webhook_id
            AND earlier.subject = d.subject AND earlier.state = 'pending' AND earlier.sequence < d.sequence
    )
ORDER BY d.sequence LIMIT 1
"""
ADD_DELIVERIES = """
INSERT INTO events_delivery (id, organisation_id, webhook_id, event_id, sequence, type, subject, scope_id, state, attempts)
SELECT n.id, %(organisation)s, n.webhook, n.event, n.sequence, n.type, n.subject, n.scope, 'pending', 0
FROM unnest(
    %(ids)s::uuid[], %(webhooks)s::uuid[], %(events)s::uuid[], %(sequences)s::bigint[], %(types)s::text[], %(subjects)s::text[],
    %(scopes)s::int[]
) AS n(id, webhook, event, sequence, type, subject, scope)
"""
# those whose time has passed; the first attempt is always made
GIVE_UP_OLD = """
UPDATE events_delivery SET state = 'failed', error = 'given up: the receiver failed for too long'
WHERE organisation_id = %(organisation)s AND webhook_id = %(webhook)s AND state = 'pending' AND recorded_at < %(before)s
"""
PRUNE_DELIVERIES = """
DELETE FROM events_delivery AS d USING (
    SELECT o.id FROM events_delivery AS o
    WHERE o.organisation_id = %(organisation)s AND o.state <> 'pending' AND o.recorded_at < %(before)s LIMIT %(limit)s
) AS old WHERE d.organisation_id = %(organisation)s AND d.id = old.id
"""
# what waits is tried at once
HURRY = """
UPDATE events_delivery SET due_at = clock_timestamp() WHERE organisation_id = %s AND webhook_id = %s AND state = 'pending'
"""
