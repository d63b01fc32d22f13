"""The SQL that fills the review queue."""

from accountability.models.reviews import NO_CONFIDENCE, RANKS
from accountability.types import REVIEW_OPERATION, Because, ReviewState

_RANK = " ".join(f"WHEN '{risk}' THEN {rank}" for risk, rank in RANKS.items())

# queue the decisions that the policy selects; the sample hashes the id, so a decision's membership never changes
ENTER_QUEUE = f"""
INSERT INTO accountability_reviewcase
    (decision_id, organisation_id, state, because, rank, sureness, decision_point, assigned_to, scope_id)
SELECT c.id, c.organisation_id, '{ReviewState.OPEN}', c.because, c.rank, c.sureness, c.decision_point, '', c.scope_id
FROM (
    SELECT r.id, r.organisation_id, r.scope_id, r.decision_point, CASE r.risk_class {_RANK} ELSE 3 END AS rank,
        coalesce(r.confidence, {NO_CONFIDENCE}) AS sureness,
        CASE WHEN r.risk_class = ANY(%(risk_classes)s::text[]) THEN '{Because.RISK}'
             WHEN r.confidence < %(confidence_below)s AND r.effect = ANY(%(effects)s::text[]) THEN '{Because.CONFIDENCE}'
             WHEN r.confidence IS NOT NULL
                 AND ('x' || left(md5(r.id::text), 7))::bit(28)::int < %(sample_share)s::float8 * 268435456
             THEN '{Because.SAMPLE}' END AS because
    FROM accountability_decisionrecord AS r
    WHERE r.organisation_id = %(organisation)s AND r.id = ANY(%(ids)s::uuid[]) AND r.operation <> '{REVIEW_OPERATION}'
) AS c
WHERE c.because IS NOT NULL
ON CONFLICT DO NOTHING
"""
