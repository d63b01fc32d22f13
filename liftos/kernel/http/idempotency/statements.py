"""The statements on idempotency keys. All but STALE run inside a tenant transaction."""

# what a key stands for, and how it was answered
FIND = """
SELECT fingerprint, status, body FROM idempotency_idempotencykey
WHERE organisation_id = %(organisation)s AND actor = %(actor)s AND key = %(key)s
"""
# take a key; waits for a transaction that is taking it at this moment, and writes nothing where it is taken
CLAIM = """
INSERT INTO idempotency_idempotencykey (organisation_id, actor, key, fingerprint)
VALUES (%(organisation)s, %(actor)s, %(key)s, %(fingerprint)s) ON CONFLICT (organisation_id, actor, key) DO NOTHING
"""
# keep the answer under a key that was taken
KEEP = """
UPDATE idempotency_idempotencykey SET status = %(status)s, body = %(body)s::jsonb
WHERE organisation_id = %(organisation)s AND actor = %(actor)s AND key = %(key)s
"""
# put less into a kept answer
SCRUB = """
UPDATE idempotency_idempotencykey SET body = %(body)s::jsonb
WHERE organisation_id = %(organisation)s AND actor = %(actor)s AND key = %(key)s
"""
# delete the keys older than so many hours
PRUNE = """
DELETE FROM idempotency_idempotencykey WHERE organisation_id = %s AND recorded_at < now() - %s * interval '1 hour'
"""
# the organisations that have keys older than so many hours; a definer function, outside of any tenant
STALE = "SELECT liftos_organisations_with_keys_before(now() - %s * interval '1 hour')"
