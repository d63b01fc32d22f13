"""The SQL of outcomes. Each runs in a tenant transaction."""

# the newest outcomes of each of some decisions, oldest first, with their payloads
OUTCOMES = """
SELECT o.id, o.decision_id, o.rightness, o.at, r.actor_kind, r.actor_id, r.on_behalf_of, r.recorded_at, p.body
FROM (
    SELECT id, decision_id, rightness, at, row_number() OVER (PARTITION BY decision_id ORDER BY at DESC, id DESC) AS place
    FROM accountability_outcome WHERE organisation_id = %(organisation)s AND decision_id = ANY(%(decisions)s)
) AS o
JOIN accountability_decisionrecord AS r ON r.organisation_id = %(organisation)s AND r.id = o.id
LEFT JOIN accountability_decisionpayload AS p ON p.organisation_id = %(organisation)s AND p.decision_id = o.id
WHERE o.place <= %(most)s
ORDER BY o.at, o.id
"""
