"""The SQL of the index of decisions, and of searching it. Each runs in a tenant transaction."""

# index the words of decisions whose payloads are still there; a vector follows
ADD_TEXTS = """
INSERT INTO accountability_decisiontext (decision_id, organisation_id, words, scope_id)
SELECT p.decision_id, p.organisation_id, to_tsvector('english', t.said), p.scope_id
FROM unnest(%(ids)s::uuid[], %(texts)s::text[]) AS t(id, said)
JOIN accountability_decisionpayload AS p ON p.organisation_id = %(organisation)s AND p.decision_id = t.id
ON CONFLICT DO NOTHING
"""

# payloads of decisions, with what their records say
PAYLOADS = """
SELECT r.id, r.operation, r.decision_point, r.subject_kind, r.subject_id, p.body
FROM accountability_decisionrecord AS r
JOIN accountability_decisionpayload AS p ON p.organisation_id = r.organisation_id AND p.decision_id = r.id
WHERE r.organisation_id = %(organisation)s AND r.id = ANY(%(ids)s)
"""

# decisions after an id that have a payload and no index; the caller leaves out the service's own
NOT_INDEXED = """
SELECT r.id, r.operation FROM accountability_decisionrecord AS r
WHERE r.organisation_id = %(organisation)s AND (%(after)s::uuid IS NULL OR r.id > %(after)s::uuid)
  AND EXISTS (SELECT 1 FROM accountability_decisionpayload AS p WHERE p.organisation_id = r.organisation_id AND p.decision_id = r.id)
  AND NOT EXISTS (SELECT 1 FROM accountability_decisiontext AS t WHERE t.decision_id = r.id)
ORDER BY r.id LIMIT %(limit)s
"""

# indexed decisions without a vector of the model
WITHOUT_VECTOR = """
SELECT decision_id FROM accountability_decisiontext
WHERE organisation_id = %(organisation)s AND model IS DISTINCT FROM %(model)s LIMIT %(limit)s
"""

# vectors of decisions; those erased meanwhile have no row
SET_VECTOR = """
UPDATE accountability_decisiontext SET embedding = %s::halfvec, model = %s WHERE organisation_id = %s AND decision_id = %s
"""

# the terms of a query, and in how many of the indexed decisions, at most 10,000, each occurs
TERMS = """
SELECT lexeme, (SELECT count(*) FROM (
    SELECT 1 FROM accountability_decisiontext
    WHERE organisation_id = %(organisation)s AND words @@ quote_literal(lexeme)::tsquery LIMIT 10000) AS n)
FROM unnest(to_tsvector('english', %(query)s)) LIMIT 50
"""

# number of indexed decisions, at most 10,000
COUNT_TEXTS = "SELECT count(*) FROM (SELECT 1 FROM accountability_decisiontext WHERE organisation_id = %s LIMIT 10000) AS n"

# the nearest by meaning, of those that pass {condition}
NEAREST = """
SELECT t.decision_id FROM accountability_decisiontext AS t
WHERE t.organisation_id = %s AND t.model = %s {condition}
ORDER BY t.embedding <=> %s::halfvec LIMIT %s
"""

# those with most of the words, of those that pass {condition}
WORDIEST = """
SELECT t.decision_id FROM accountability_decisiontext AS t
WHERE t.organisation_id = %s AND t.words @@ %s::tsquery {condition}
ORDER BY ts_rank(t.words, %s::tsquery) DESC, t.decision_id DESC LIMIT %s
"""

# cosine and matched terms of candidates
SCORED = """
SELECT t.decision_id, CASE WHEN t.model = %(model)s THEN 1 - (t.embedding <=> %(vector)s::halfvec) END,
       ARRAY(SELECT term FROM unnest(%(terms)s::text[]) AS term WHERE t.words @@ quote_literal(term)::tsquery)
FROM accountability_decisiontext AS t
WHERE t.organisation_id = %(organisation)s AND t.decision_id = ANY(%(ids)s)
"""
