"""The SQL of calibration."""

# --- operations.py

# the newest settled reviews of decisions that state a confidence
VERDICTS = """
SELECT r.decision_point, r.confidence_method, r.versions, r.confidence, c.state = 'approved', c.because
FROM accountability_reviewcase AS c
JOIN accountability_decisionrecord AS r ON r.organisation_id = c.organisation_id AND r.id = c.decision_id
WHERE c.organisation_id = %s AND c.state IN ('approved', 'overturned') AND r.confidence IS NOT NULL
ORDER BY c.decision_id DESC LIMIT %s
"""

# one calibration of an organisation at a time
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
