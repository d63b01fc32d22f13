"""SQL statements on idempotency keys. All but STALE run inside a tenant transaction."""

# find a key's fingerprint and answer
FIND = """
SELECT fingerprint, status, body FROM idempotency_idempotencykey
WHERE organisation_id = %(organisation)s AND actor = %(actor)s AND key = %(key)s
"""
# claim a key; waits for a transaction that is claiming it, and writes nothing if it exists
CLAIM = """
INSERT INTO idempotency_idempotencykey (organisation_id, actor, key, fingerprint)
VALUES (%(organisation)s, %(actor)s, %(key)s, %(fingerprint)s) ON CONFLICT (organisation_id, actor, key) DO NOTHING
"""
# store the answer under a claimed key
KEEP = """
UPDATE idempotency_idempotencykey SET status = %(status)s, body = %(body)s::jsonb
WHERE organisation_id = %(organisation)s AND actor = %(actor)s AND key = %(key)s
"""
# give up a claimed key
RELEASE = """
DELETE FROM idempotency_idempotencykey WHERE organisation_id = %(organisation)s AND actor = %(actor)s AND key = %(key)s
"""
# replace a stored answer
SCRUB = """
UPDATE idempotency_idempotencykey SET body = %(body)s::jsonb
WHERE organisation_id = %(organisation)s AND actor = %(actor)s AND key = %(key)s
"""
# delete keys older than a number of hours
PRUNE = """
DELETE FROM idempotency_idempotencykey WHERE organisation_id = %s AND recorded_at < now() - %s * interval '1 hour'
"""
# list organisations with keys older than a number of hours; a definer function, outside any tenant
STALE = "SELECT liftos_organisations_with_keys_before(now() - %s * interval '1 hour')"
