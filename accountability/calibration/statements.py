"""The SQL of calibration."""

# --- operations.py

# The newest decisions that state a confidence and have an outcome that says how right they were, or a settled review: newest first.
# What came of a decision counts more than what a reviewer thought of it; of several outcomes, the last observed.
VERDICTS = """
SELECT r.decision_point, r.confidence_method, r.versions, r.confidence,
       coalesce(o.rightness, (c.state = 'approved')::int::float8), coalesce(c.because, 'outcome'), o.rightness IS NOT NULL
FROM (
    SELECT decision_id FROM accountability_reviewcase
    WHERE organisation_id = %(organisation)s AND state IN ('approved', 'overturned')
    UNION
    SELECT decision_id FROM accountability_outcome WHERE organisation_id = %(organisation)s AND rightness IS NOT NULL
) AS known
JOIN accountability_decisionrecord AS r ON r.organisation_id = %(organisation)s AND r.id = known.decision_id
LEFT JOIN accountability_reviewcase AS c ON c.organisation_id = r.organisation_id AND c.decision_id = r.id
    AND c.state IN ('approved', 'overturned')
LEFT JOIN LATERAL (
    SELECT rightness FROM accountability_outcome
    WHERE organisation_id = %(organisation)s AND decision_id = r.id AND rightness IS NOT NULL
    ORDER BY at DESC, id DESC LIMIT 1
) AS o ON true
WHERE r.confidence IS NOT NULL
ORDER BY r.id DESC LIMIT %(newest)s
"""

# one calibration of an organisation at a time
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
