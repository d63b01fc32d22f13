"""The SQL of the log. All run in a tenant transaction, except the two that find organisations with work."""

# --- store.py

# one sequencer at a time for each log
TRY_LOCK = "SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))"

# delete and return the oldest pending records
TAKE_PENDING = """
WITH taken AS (
    DELETE FROM accountability_ledgerpending WHERE organisation_id = %(organisation)s AND decision_id IN (
        SELECT decision_id FROM accountability_ledgerpending WHERE organisation_id = %(organisation)s
        ORDER BY decision_id LIMIT %(limit)s
    ) RETURNING decision_id, leaf_hash
)
SELECT decision_id, leaf_hash FROM taken ORDER BY decision_id
"""

# insert leaves at consecutive places
INSERT_LEAVES = """
INSERT INTO accountability_ledgerleaf (organisation_id, index, decision_id, leaf_hash)
SELECT %s, %s + place - 1, decision, hash
FROM unnest(%s::uuid[], %s::bytea[]) WITH ORDINALITY AS l(decision, hash, place)
"""

# insert nodes of the tree
INSERT_NODES = """
INSERT INTO accountability_ledgernode (organisation_id, level, index, hash)
SELECT %s, * FROM unnest(%s::smallint[], %s::bigint[], %s::bytea[])
"""

# nodes by level and index
READ_NODES = """
SELECT n.level, n.index, n.hash FROM unnest(%(levels)s::smallint[], %(indices)s::bigint[]) AS k(level, index)
JOIN accountability_ledgernode AS n ON n.organisation_id = %(organisation)s AND n.level = k.level AND n.index = k.index
"""

# leaves by index, as nodes of level 0
READ_LEAVES = """
SELECT 0, l.index, l.leaf_hash FROM unnest(%(indices)s::bigint[]) AS k(index)
JOIN accountability_ledgerleaf AS l ON l.organisation_id = %(organisation)s AND l.index = k.index
"""

# insert a signed tree head
INSERT_CHECKPOINT = """
INSERT INTO accountability_ledgercheckpoint (organisation_id, size, root, text) VALUES (%s, %s, %s, %s)
"""

# the newest signed tree head
LAST_CHECKPOINT = """
SELECT size, root, text, recorded_at FROM accountability_ledgercheckpoint
WHERE organisation_id = %s ORDER BY size DESC LIMIT 1
"""

# the signed tree head of a size
CHECKPOINT_AT = "SELECT text FROM accountability_ledgercheckpoint WHERE organisation_id = %s AND size = %s"

# a decision's place
INDEX_OF_DECISION = (
    "SELECT index FROM accountability_ledgerleaf WHERE organisation_id = %s AND decision_id = %s"
)

# across organisations, by a security definer function
ORGANISATIONS_WITH_PENDING = "SELECT organisation_id FROM liftos_organisations_with_pending_records()"

# across organisations, by a security definer function
ORGANISATIONS_WITH_UNDELIVERED = (
    "SELECT organisation_id FROM liftos_organisations_with_undelivered_checkpoints(%s)"
)

# the oldest checkpoint not yet delivered to a destination
NEXT_UNDELIVERED = """
SELECT size, text FROM accountability_ledgercheckpoint WHERE organisation_id = %(organisation)s AND size > coalesce(
    (SELECT size FROM accountability_ledgerdelivery
     WHERE organisation_id = %(organisation)s AND destination = %(destination)s), 0)
ORDER BY size LIMIT 1
"""

# take the lease on a destination, unless another holds one that has not expired
LEASE_DELIVERY = """
INSERT INTO accountability_ledgerdelivery AS d (organisation_id, destination, size, leased_until)
VALUES (%s, %s, 0, clock_timestamp() + %s * interval '1 second')
ON CONFLICT (organisation_id, destination) DO UPDATE SET leased_until = excluded.leased_until
WHERE coalesce(d.leased_until, '-infinity') < clock_timestamp() RETURNING size
"""

# release the lease on a destination
END_DELIVERY_LEASE = """
UPDATE accountability_ledgerdelivery SET leased_until = NULL WHERE organisation_id = %s AND destination = %s
"""

# note the size delivered to a destination; ends the lease
MARK_DELIVERED = """
INSERT INTO accountability_ledgerdelivery AS d (organisation_id, destination, size) VALUES (%s, %s, %s)
ON CONFLICT (organisation_id, destination) DO UPDATE SET size = greatest(d.size, excluded.size), leased_until = NULL
"""


# --- tiles.py

# the concatenated leaf hashes of a tile
TILE_LEAVES = """
SELECT string_agg(leaf_hash, ''::bytea ORDER BY index) FROM accountability_ledgerleaf
WHERE organisation_id = %s AND index >= %s AND index < %s
"""

# the concatenated node hashes of a tile
TILE_NODES = """
SELECT string_agg(hash, ''::bytea ORDER BY index) FROM accountability_ledgernode
WHERE organisation_id = %s AND index >= %s AND index < %s AND level = %s
"""


# --- verification.py

# every signed tree head, by size
ALL_CHECKPOINTS = """
SELECT size, root, text FROM accountability_ledgercheckpoint WHERE organisation_id = %s ORDER BY size
"""

# the concatenated hashes of stored nodes, one index range per level, to compare with rebuilt ones
NODE_RANGES = """
SELECT n.level, string_agg(n.hash, ''::bytea ORDER BY n.index)
FROM unnest(%(levels)s::smallint[], %(firsts)s::bigint[], %(ends)s::bigint[]) AS k(level, first, "end")
JOIN accountability_ledgernode AS n
    ON n.organisation_id = %(organisation)s AND n.level = k.level AND n.index >= k.first AND n.index < k."end"
GROUP BY n.level
"""

# the number of leaves, and the newest signed size
EXTENT = """
SELECT (SELECT coalesce(max(index) + 1, 0) FROM accountability_ledgerleaf WHERE organisation_id = %(organisation)s),
       (SELECT coalesce(max(size), 0) FROM accountability_ledgercheckpoint WHERE organisation_id = %(organisation)s)
"""

# the first record that is neither in the log nor pending
OUTSIDE = """
SELECT r.id FROM accountability_decisionrecord AS r
WHERE r.organisation_id = %(organisation)s
AND NOT EXISTS (SELECT 1 FROM accountability_ledgerleaf AS l
                WHERE l.organisation_id = %(organisation)s AND l.decision_id = r.id)
AND NOT EXISTS (SELECT 1 FROM accountability_ledgerpending AS p
                WHERE p.organisation_id = %(organisation)s AND p.decision_id = r.id)
ORDER BY r.id LIMIT 1
"""


# --- row_rules.py

# the size from which on the database dated the records
RULE_SINCE = "SELECT size FROM accountability_ledgerrule WHERE organisation_id = %s"

# when each size was signed
SIGNED_SIZES = """
SELECT size, recorded_at FROM accountability_ledgercheckpoint WHERE organisation_id = %s ORDER BY size
"""

# those of the given decisions whose payload may be missing
LISTED_AS_ERASED = """
SELECT d.id FROM accountability_decisionrecord AS r
JOIN accountability_decisionpayload AS p ON p.organisation_id = r.organisation_id AND p.decision_id = r.id
CROSS JOIN LATERAL liftos_erased_decisions(p.body) AS d(id)
WHERE r.organisation_id = %(organisation)s AND r.effect = 'delete' AND r.operation = 'memory.delete' AND d.id = ANY(%(missing)s::uuid[])
UNION ALL
SELECT decision_id FROM accountability_unlistederasure
WHERE organisation_id = %(organisation)s AND decision_id = ANY(%(missing)s::uuid[])
"""

# the first payload that an erasure lists but that still exists
STILL_THERE = """
SELECT r.id, d.id FROM accountability_decisionrecord AS r
JOIN accountability_decisionpayload AS p ON p.organisation_id = r.organisation_id AND p.decision_id = r.id
CROSS JOIN LATERAL liftos_erased_decisions(p.body) AS d(id)
JOIN accountability_decisionpayload AS there ON there.organisation_id = r.organisation_id AND there.decision_id = d.id
WHERE r.organisation_id = %(organisation)s AND r.effect = 'delete' AND r.operation = 'memory.delete'
ORDER BY d.id LIMIT 1
"""

# the number of payloads erased before erasures listed them
COUNT_UNLISTED = "SELECT count(*) FROM accountability_unlistederasure WHERE organisation_id = %s"
