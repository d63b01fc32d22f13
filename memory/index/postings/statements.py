"""The SQL of memory/index/postings, by the module that sends it."""

# --- reading.py

# Postings of terms, at one moment: those in rows, one row per term, with up to `most` of each, by default one more than the cap above which
# a term is dense; the lists of segments, none of a dense term; the segments, with their documents unless those are known; the documents
# removed from them. array_send returns bytes that numpy reads in place. Passage, length (24 bits) and tf (23) are one number: 4 bytes and
# an aggregate less than two. The statistics come from the same snapshot, so concurrent writes can't skew them.
POSTINGS = """
WITH corpus AS MATERIALIZED (
    SELECT coalesce(sum(documents), 0)::bigint AS documents, coalesce(sum(words), 0)::bigint AS words,
           coalesce(sum(threads), 0)::bigint AS threads
    FROM memory_corpuscounter WHERE organisation_id = %(organisation)s{visible}
), bound AS MATERIALIZED (
    SELECT documents, words, threads, CASE WHEN documents > %(dense_from)s
        THEN least(documents / %(dense_share)s, %(dense_most)s) ELSE greatest(1, documents) END AS cap FROM corpus
), listed AS MATERIALIZED (
    SELECT term, segment, size, places, counts, sum(size) OVER (PARTITION BY term) AS held,
           sum(size) OVER (PARTITION BY term ORDER BY segment) AS running
    FROM memory_postinglist WHERE organisation_id = %(organisation)s AND term = ANY(%(terms)s::text[]){visible}
), lists AS MATERIALIZED (SELECT term, max(held) AS held FROM listed GROUP BY term)
SELECT 'rows' AS kind, t.term, coalesce(lists.held, 0)::bigint, cap, documents, words, threads, sent.*, NULL::bytea
FROM bound CROSS JOIN unnest(%(terms)s::text[]) AS t(term) LEFT JOIN lists ON lists.term = t.term
CROSS JOIN LATERAL (
    SELECT array_send(array_agg(memory_id)), array_send(array_agg(counts)), array_send(array_agg(coalesce(thread_id, 0)))
    FROM (
        SELECT memory_id, (passage::bigint << 47) | (length::bigint << 23) | tf AS counts, thread_id FROM memory_posting
        WHERE organisation_id = %(organisation)s AND term = t.term
        LIMIT greatest(0, coalesce(%(most)s::bigint, cap + 1) - coalesce(lists.held, 0))
    ) AS held
) AS sent
UNION ALL
SELECT 'list', term, size, segment, NULL, NULL, NULL, places, counts, NULL, NULL FROM bound CROSS JOIN listed
WHERE CASE WHEN %(most)s::bigint IS NULL THEN held <= cap ELSE running <= %(most)s::bigint END
UNION ALL
SELECT 'segment', NULL, s.documents, s.id, NULL, NULL, NULL, d.* FROM memory_segment AS s
LEFT JOIN LATERAL (
    SELECT array_send(array_agg(memory_id)), array_send(array_agg((passage::bigint << 24) | length)),
           array_send(array_agg(coalesce(thread_id, 0))), array_send(array_agg(place::bigint))
    FROM memory_segmentdocument
    WHERE organisation_id = %(organisation)s AND segment = s.id AND s.id <> ALL(%(known)s::bigint[])
    AND memory_id <> '00000000-0000-0000-0000-000000000000'
) AS d ON true
WHERE s.organisation_id = %(organisation)s{visible}
UNION ALL
SELECT 'removed', NULL, segment, NULL, NULL, NULL, NULL, array_send(array_agg(place::bigint)), NULL, NULL, NULL
FROM memory_segmentdocument WHERE organisation_id = %(organisation)s AND is_removed{visible} GROUP BY segment
"""

# --- segments.py

# a segment with its documents and lists
INSERT_SEGMENT = """
WITH new AS (
    INSERT INTO memory_segment (organisation_id, scope_id, documents) VALUES (%(organisation)s, %(scope)s, %(documents)s) RETURNING id
), numbered AS (
    INSERT INTO memory_segmentdocument (organisation_id, scope_id, segment, place, memory_id, passage, length, thread_id, terms)
    SELECT %(organisation)s, %(scope)s, new.id, place, memory_id, passage, length, nullif(thread_id, 0), d.terms
    FROM new CROSS JOIN unnest(%(places)s::bigint[], %(memories)s::uuid[], %(passages)s::bigint[], %(lengths)s::bigint[],
                               %(threads)s::bigint[], %(numbers)s::bigint[])
         AS d(place, memory_id, passage, length, thread_id, terms)
)
INSERT INTO memory_postinglist (organisation_id, scope_id, segment, term, size, places, counts)
SELECT %(organisation)s, %(scope)s, new.id, l.*
FROM new CROSS JOIN unnest(%(terms)s::text[], %(sizes)s::bigint[], %(lists)s::bytea[], %(counts)s::bytea[]) AS l
"""

# --- packing.py

# allow one worker per organisation
LOCK_PACKING = "SELECT pg_try_advisory_xact_lock(hashtextextended('memory.packing' || %s::text, 0))"
# Taken by those who remove documents from segments.
HOLD_SEGMENTS = "SELECT pg_advisory_xact_lock_shared(hashtextextended('memory.segments' || %s::text, 0))"
# Taken alone by the worker while it replaces segments.
REPLACE_SEGMENTS = "SELECT pg_advisory_xact_lock(hashtextextended('memory.segments' || %s::text, 0))"
# the next memories whose postings are in rows, by id
NEXT_IN_ROWS = """
SELECT DISTINCT memory_id FROM memory_posting WHERE organisation_id = %s ORDER BY memory_id LIMIT %s
"""
# whether an organisation has so many postings in rows
HAS_ROWS = "SELECT EXISTS (SELECT 1 FROM memory_posting WHERE organisation_id = %s OFFSET %s)"
# postings in rows, by scope and term
TAKE_ROWS = """
WITH taken AS (
    DELETE FROM memory_posting WHERE organisation_id = %s AND memory_id = ANY(%s)
    RETURNING scope_id, term, memory_id, (passage::bigint << 47) | (length::bigint << 23) | tf AS counts, thread_id
)
SELECT scope_id, term, array_send(array_agg(memory_id)), array_send(array_agg(counts)), array_send(array_agg(coalesce(thread_id, 0)))
FROM taken GROUP BY scope_id, term ORDER BY scope_id, term
"""
# the segments of an organisation, with the number of documents removed from each
SEGMENTS = """
SELECT id, scope_id, documents, (
    SELECT count(*) FROM memory_segmentdocument AS d
    WHERE d.organisation_id = s.organisation_id AND d.segment = s.id AND d.is_removed
) FROM memory_segment AS s WHERE organisation_id = %s ORDER BY id
"""
# what a segment has: those of its documents that are not removed, and its lists, one after the other in order of terms
STORED = """
SELECT s.documents, d.*, l.* FROM memory_segment AS s CROSS JOIN LATERAL (
    SELECT array_send(array_agg(memory_id)), array_send(array_agg((passage::bigint << 24) | length)),
           array_send(array_agg(coalesce(thread_id, 0))), array_send(array_agg(place::bigint))
    FROM memory_segmentdocument WHERE organisation_id = %(organisation)s AND segment = %(segment)s AND NOT is_removed
) AS d CROSS JOIN LATERAL (
    SELECT array_agg(term ORDER BY term), array_agg(size ORDER BY term), array_agg(octet_length(counts) / size ORDER BY term),
           string_agg(places, '' ORDER BY term), string_agg(counts, '' ORDER BY term)
    FROM memory_postinglist WHERE organisation_id = %(organisation)s AND segment = %(segment)s
) AS l WHERE s.organisation_id = %(organisation)s AND s.id = %(segment)s
"""
# how many documents segments have that are not removed
COUNT_DOCUMENTS = """
SELECT count(*) FROM memory_segmentdocument WHERE organisation_id = %s AND segment = ANY(%s) AND NOT is_removed
"""
# what replaced segments had
DROP_LISTS = "DELETE FROM memory_postinglist WHERE organisation_id = %s AND segment = ANY(%s)"
# their documents
DROP_DOCUMENTS = "DELETE FROM memory_segmentdocument WHERE organisation_id = %s AND segment = ANY(%s)"
# replaced segments
DROP_SEGMENTS = "DELETE FROM memory_segment WHERE organisation_id = %s AND id = ANY(%s)"

# --- removal.py

# documents of memories that are no longer found
REMOVE_DOCUMENTS = """
UPDATE memory_segmentdocument SET is_removed = true
WHERE organisation_id = %s AND memory_id = ANY(%s) AND NOT is_removed RETURNING memory_id, terms
"""
# documents of memories, removed or not
PLACES_OF = """
SELECT segment, array_agg(place ORDER BY place), sum(terms)::bigint FROM memory_segmentdocument
WHERE organisation_id = %s AND memory_id = ANY(%s) GROUP BY segment ORDER BY segment
"""
# Lists of terms in segments, in one order for all writers, so that none waits for another's in a circle.
LOCK_LISTS = """
SELECT l.segment, l.term, l.size, l.places, l.counts FROM memory_postinglist AS l
WHERE l.organisation_id = %(organisation)s AND l.segment = ANY(%(segments)s::bigint[])
AND (%(terms)s::text[] IS NULL OR l.term = ANY(%(terms)s::text[])) ORDER BY l.term, l.segment FOR UPDATE
"""
# lists with fewer postings
REWRITE_LISTS = """
UPDATE memory_postinglist AS l SET size = w.size, places = w.places, counts = w.counts
FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bytea[], %s::bytea[]) AS w(segment, term, size, places, counts)
WHERE l.organisation_id = %s AND l.segment = w.segment AND l.term = w.term
"""
# lists without postings
DELETE_LISTS = """
DELETE FROM memory_postinglist AS l USING unnest(%s::bigint[], %s::text[]) AS w(segment, term)
WHERE l.organisation_id = %s AND l.segment = w.segment AND l.term = w.term
"""
# Nothing of an erased document is left but its place, by which the segment is known to be due.
FORGET_DOCUMENTS = """
UPDATE memory_segmentdocument
SET memory_id = '00000000-0000-0000-0000-000000000000', passage = 0, length = 0, thread_id = NULL, terms = 0, is_removed = true
WHERE organisation_id = %s AND memory_id = ANY(%s)
"""
