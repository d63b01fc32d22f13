"""The SQL of accountability's operations, queries, erasure and figures. Each runs in a tenant transaction."""

from liftos.kernel.erasure.types import BY_PERSON

# --- operations.py

# One round trip for the record, its payload, its links and its queue entry. A trigger sets `recorded_at`, so the leaf, which
# contains it, is assembled and hashed in the database.
INSERT_DECISION = """
WITH record AS (
    INSERT INTO accountability_decisionrecord
        (id, organisation_id, operation, decision_point, subject_kind, subject_id, risk_class, effect, confidence,
         confidence_method, actor_kind, actor_id, on_behalf_of, parents, versions, correlation_id, trace_id, span_id,
         started_at, ended_at, payload_commitment, scope_id)
    VALUES
        (%(id)s, %(organisation_id)s, %(operation)s, %(decision_point)s, %(subject_kind)s, %(subject_id)s,
         %(risk_class)s, %(effect)s, %(confidence)s, %(confidence_method)s, %(actor_kind)s, %(actor_id)s,
         %(on_behalf_of)s, %(parents)s::uuid[], %(versions_text)s::jsonb, %(correlation_id)s, %(trace_id)s, %(span_id)s,
         %(started_at)s, %(ended_at)s, %(payload_commitment)s, %(scope_id)s)
    RETURNING recorded_at
), payload AS (
    INSERT INTO accountability_decisionpayload (decision_id, organisation_id, salt, body, scope_id)
    VALUES (%(id)s, %(organisation_id)s, %(salt)s, %(body)s, %(scope_id)s)
), links AS (
    INSERT INTO accountability_decisionlink (organisation_id, parent_id, child_id)
    SELECT %(organisation_id)s, parent, %(id)s FROM unnest(%(parents)s::uuid[]) AS p(parent)
)
INSERT INTO accountability_ledgerpending (decision_id, organisation_id, leaf_hash)
SELECT %(id)s, %(organisation_id)s, liftos_leaf_hash(%(leaf_head)s, recorded_at, %(leaf_tail)s) FROM record
"""


# --- queries.py

# the decisions about a memory, those that cite it, and those of the newest whose payload names it
DECISIONS_OF_MEMORY = """
WITH found AS (
    (SELECT id FROM accountability_decisionrecord
     WHERE organisation_id = %(organisation)s AND subject_kind = 'memory' AND subject_id = %(subject)s AND subject_id <> ''
     ORDER BY id DESC LIMIT %(limit)s)
    UNION
    (SELECT decision_id FROM accountability_citedmemory
     WHERE organisation_id = %(organisation)s AND memory_id = %(memory)s ORDER BY decision_id DESC LIMIT %(limit)s)
    UNION
    SELECT p.decision_id FROM (
        SELECT id FROM accountability_decisionrecord WHERE organisation_id = %(organisation)s ORDER BY id DESC LIMIT %(newest)s
    ) AS r JOIN accountability_decisionpayload AS p ON p.organisation_id = %(organisation)s AND p.decision_id = r.id
    WHERE p.body LIKE %(named)s
    UNION
    SELECT id FROM accountability_decisionrecord
    WHERE organisation_id = %(organisation)s AND id = ANY(%(about)s::uuid[])
)
SELECT id FROM found ORDER BY id DESC LIMIT %(limit)s
"""


# --- decisions/exports.py

# places and hashes of the private decisions outside of some scopes, after one of them
WITHHELD = """
SELECT r.id, l.index, l.leaf_hash FROM accountability_decisionrecord AS r
JOIN accountability_ledgerleaf AS l ON l.organisation_id = r.organisation_id AND l.decision_id = r.id
WHERE r.organisation_id = %(organisation)s AND r.scope_id <> 0 AND r.scope_id <> ALL(%(scopes)s::int[])
AND (%(after)s::uuid IS NULL OR r.id > %(after)s::uuid)
ORDER BY r.id LIMIT %(limit)s
"""


# --- erasure.py

# record that one decision cites these memories
CITE = """
INSERT INTO accountability_citedmemory (organisation_id, memory_id, decision_id)
SELECT %s, memory, %s FROM unnest(%s::uuid[]) AS memory ON CONFLICT DO NOTHING
"""

# record that these decisions cite one memory
CITED_BY = """
INSERT INTO accountability_citedmemory (organisation_id, memory_id, decision_id)
SELECT %s, %s, decision FROM unnest(%s::uuid[]) AS decision ON CONFLICT DO NOTHING
"""

# decisions with a payload about or citing these memories; never an erasure's own, which lists the others
ABOUT_MEMORIES = """
SELECT p.decision_id FROM accountability_decisionpayload AS p
JOIN accountability_decisionrecord AS r ON r.organisation_id = p.organisation_id AND r.id = p.decision_id
WHERE p.organisation_id = %(organisation)s AND r.operation <> 'memory.delete' AND p.decision_id IN (
    SELECT id FROM accountability_decisionrecord
    WHERE organisation_id = %(organisation)s AND subject_kind = 'memory' AND subject_id = ANY(%(subjects)s) AND subject_id <> ''
    UNION ALL
    SELECT decision_id FROM accountability_citedmemory
    WHERE organisation_id = %(organisation)s AND memory_id = ANY(%(memories)s)
)
ORDER BY p.decision_id
"""

# decisions of a person that have a payload; never an erasure's own
PAYLOADS_BY_PERSON = f"""
SELECT r.id FROM accountability_decisionrecord AS r
WHERE r.organisation_id = %(organisation)s AND r.operation <> 'memory.delete' AND {BY_PERSON}
  AND EXISTS (SELECT 1 FROM accountability_decisionpayload AS p WHERE p.organisation_id = r.organisation_id AND p.decision_id = r.id)
ORDER BY r.id
"""  # noqa: S608  built from constants
# the records of a person, whose facts stay
COUNT_BY_PERSON = f"""
SELECT count(*) FROM accountability_decisionrecord WHERE organisation_id = %(organisation)s AND {BY_PERSON}
"""  # noqa: S608
# a person's decisions, and those about or citing memories, after an id
DECISIONS_OF_PERSON = f"""
SELECT id FROM accountability_decisionrecord
WHERE organisation_id = %(organisation)s AND (%(after)s::uuid IS NULL OR id > %(after)s) AND (
    {BY_PERSON}
    OR (subject_kind = 'memory' AND subject_id = ANY(%(subjects)s) AND subject_id <> '')
    OR id = ANY(%(more)s::uuid[])
    OR id IN (SELECT decision_id FROM accountability_citedmemory
              WHERE organisation_id = %(organisation)s AND memory_id = ANY(%(memories)s))
)
ORDER BY id LIMIT %(limit)s
"""  # noqa: S608

# a security definer function: the application's role may not delete payloads
ERASE_PAYLOADS = "SELECT liftos_erase_payloads(%s)"

# delete all citations of these memories
FORGET_CITATIONS = "DELETE FROM accountability_citedmemory WHERE organisation_id = %s AND memory_id = ANY(%s)"

# the given decisions without erasures, whose payloads list what was erased and stay
WITHOUT_ERASURES = """
SELECT id FROM accountability_decisionrecord WHERE organisation_id = %s AND id = ANY(%s) AND operation <> 'memory.delete' ORDER BY id
"""


# --- figures.py

# how many decisions not everybody may see
COUNT_PRIVATE = (
    "SELECT count(*) FROM accountability_decisionrecord WHERE organisation_id = %s AND scope_id <> 0"
)

# One snapshot. Every record is in the log or pending, so the total is the log's size plus the queue, without counting a million
# rows. The operations are found by a loose index scan of `decision_by_operation`.
FIGURES = """
WITH RECURSIVE operations AS (
    (SELECT operation FROM accountability_decisionrecord WHERE organisation_id = %(organisation)s ORDER BY operation LIMIT 1)
    UNION ALL
    SELECT (SELECT d.operation FROM accountability_decisionrecord AS d
            WHERE d.organisation_id = %(organisation)s AND d.operation > o.operation ORDER BY d.operation LIMIT 1)
    FROM operations AS o WHERE o.operation IS NOT NULL
), recent AS (
    SELECT operation, count(*) AS n, sum(confidence) AS stated, count(confidence) AS stating
    FROM (SELECT operation, confidence FROM accountability_decisionrecord
          WHERE organisation_id = %(organisation)s ORDER BY id DESC LIMIT %(recent)s) AS newest
    GROUP BY operation
)
SELECT coalesce((SELECT max(size) FROM accountability_ledgercheckpoint WHERE organisation_id = %(organisation)s), 0)
         + (SELECT count(*) FROM accountability_ledgerpending WHERE organisation_id = %(organisation)s),
       (SELECT count(operation) FROM operations),
       coalesce((SELECT sum(n) FROM recent), 0)::bigint,
       coalesce((SELECT sum(stated) / nullif(sum(stating), 0) FROM recent), 0)::float8,
       coalesce((SELECT jsonb_object_agg(operation, n) FROM recent), '{}')::text
"""
