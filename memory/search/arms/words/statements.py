"""The SQL of the words arm."""

# Postings, one row per term, with up to `most` of each, by default one more than the cap above which a term is dense. array_send
# returns bytes that numpy reads in place. Passage, length (24 bits) and tf (23) are one number: 4 bytes and an aggregate less than two. The statistics come from the same snapshot, so concurrent writes can't skew them.
POSTINGS = """
WITH corpus AS MATERIALIZED (
    SELECT coalesce(sum(documents), 0)::bigint AS documents, coalesce(sum(words), 0)::bigint AS words,
           coalesce(sum(threads), 0)::bigint AS threads
    FROM memory_corpuscounter WHERE organisation_id = %(organisation)s{visible}
), bound AS MATERIALIZED (
    SELECT documents, words, threads, CASE WHEN documents > %(dense_from)s
        THEN least(documents / %(dense_share)s, %(dense_most)s) ELSE greatest(1, documents) END AS cap FROM corpus
)
SELECT t.term, sent.*, cap, documents, words, threads
FROM bound CROSS JOIN unnest(%(terms)s::text[]) AS t(term) CROSS JOIN LATERAL (
    SELECT array_send(array_agg(memory_id)), array_send(array_agg(counts)),
           array_send(array_agg(coalesce(thread_id, 0))), array_send(array_agg(passes))
    FROM (
        SELECT p.memory_id, (p.passage::bigint << 47) | (p.length::bigint << 23) | p.tf AS counts, p.thread_id, {where} AS passes FROM memory_posting AS p
        WHERE p.organisation_id = %(organisation)s AND p.term = t.term LIMIT coalesce(%(most)s::bigint, cap + 1)
    ) AS held
) AS sent
"""
