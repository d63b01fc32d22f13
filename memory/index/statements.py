"""The SQL of memory/index, by the module that sends it."""

# --- index_rows.py

# postings of memories
INSERT_POSTINGS = """
INSERT INTO memory_posting (organisation_id, scope_id, term, memory_id, passage, tf, length, thread_id)
SELECT %s, %s, * FROM unnest(%s::text[], %s::uuid[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
"""
# metadata attributes of memories, one row per key and value
INSERT_ATTRIBUTES = """
INSERT INTO memory_attribute (organisation_id, scope_id, memory_id, key, text_value, number_value)
SELECT %s, %s, id, key, text, number::numeric
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[]) AS a(id, key, text, number)
"""
# entities of memories
INSERT_ENTITIES = """
INSERT INTO memory_entity (organisation_id, scope_id, key, memory_id, kind)
SELECT %s, %s, * FROM unnest(%s::text[], %s::uuid[], %s::text[])
"""
# lock threads in id order, as writers do
LOCK_THREADS = """
SELECT id FROM memory_thread
WHERE organisation_id = %(organisation)s AND id = ANY(%(threads)s::bigint[]) AND scope_id = %(scope)s ORDER BY id FOR UPDATE
"""
# subtract removed memories from their threads
LEAVE_THREADS = """
UPDATE memory_thread AS t SET members = t.members - w.members
FROM unnest(%(threads)s::bigint[], %(members)s::int[]) AS w(id, members)
WHERE t.organisation_id = %(organisation)s AND t.id = w.id AND t.scope_id = %(scope)s
"""
# threads left without members
DELETE_EMPTY_THREADS = """
DELETE FROM memory_thread
WHERE organisation_id = %(organisation)s AND id = ANY(%(threads)s::bigint[]) AND scope_id = %(scope)s AND members = 0
"""
# Taken before any counter: a store counts what is used (by trigger) before what is searched, an erasure and a revision after it, so that two
# connections with one part would wait for each other.
HOLD_PART = "SELECT pg_advisory_xact_lock(hashtextextended(%s::uuid::text, pg_backend_pid() %% %s))"
# Each connection updates its own counter part, so that concurrent writers rarely wait for each other's commit.
# xmax = 0 marks rows that the statement inserted: new threads.
_ADDED = """
ON CONFLICT (organisation_id, scope_id, part) DO UPDATE SET documents = memory_corpuscounter.documents + excluded.documents,
    memories = memory_corpuscounter.memories + excluded.memories,
    words = memory_corpuscounter.words + excluded.words, threads = memory_corpuscounter.threads + excluded.threads
"""
# add new memories to their threads and the counters
COUNT_IN = f"""
WITH joined AS (
    INSERT INTO memory_thread (organisation_id, scope_id, id, members)
    SELECT %(organisation)s, %(scope)s, * FROM unnest(%(threads)s::bigint[], %(members)s::int[]) AS t(id, members) ORDER BY id
    ON CONFLICT (organisation_id, id, scope_id) DO UPDATE SET members = memory_thread.members + excluded.members
    RETURNING xmax = 0 AS is_new
)
INSERT INTO memory_corpuscounter (organisation_id, scope_id, part, documents, memories, words, threads)
SELECT %(organisation)s, %(scope)s, pg_backend_pid() %% %(parts)s, %(documents)s, %(memories)s, %(words)s, count(*) FILTER (WHERE is_new) FROM joined
{_ADDED}
"""  # noqa: S608  built from constants
# subtract removed memories from the counters
COUNT_OUT = f"""
INSERT INTO memory_corpuscounter (organisation_id, scope_id, part, documents, memories, words, threads)
VALUES (%(organisation)s, %(scope)s, pg_backend_pid() %% %(parts)s, -%(documents)s, -%(memories)s, -%(words)s, -%(threads)s)
{_ADDED}
"""  # noqa: S608
# postings of memories by their terms, in every passage
DELETE_POSTINGS = """
DELETE FROM memory_posting AS p USING unnest(%s::text[], %s::uuid[]) AS w(term, memory_id)
WHERE p.organisation_id = %s AND p.term = w.term AND p.memory_id = w.memory_id RETURNING p.memory_id
"""
# postings of memories whose terms are unknown
DELETE_ALL_POSTINGS = "DELETE FROM memory_posting WHERE organisation_id = %s AND memory_id = ANY(%s)"
# attributes of memories
DELETE_ATTRIBUTES = "DELETE FROM memory_attribute WHERE organisation_id = %s AND memory_id = ANY(%s)"
# entities of memories
DELETE_ENTITIES = "DELETE FROM memory_entity WHERE organisation_id = %s AND memory_id = ANY(%s)"

# --- passage_rows.py

# the passages of memories
PASSAGES = """
SELECT memory_id, start, "end", page, heading, language FROM memory_passage
WHERE organisation_id = %s AND memory_id = ANY(%s) ORDER BY memory_id, passage
"""
# passages of memories
INSERT_PASSAGES = """
INSERT INTO memory_passage (organisation_id, scope_id, memory_id, passage, start, "end", page, heading, language)
SELECT %s, %s, * FROM unnest(%s::uuid[], %s::int[], %s::int[], %s::int[], %s::int[], %s::text[], %s::text[])
"""
# a memory's passages, for the row of an earlier text
COPY_PASSAGES = """
INSERT INTO memory_passage (organisation_id, scope_id, memory_id, passage, start, "end", page, heading, language)
SELECT organisation_id, scope_id, %(earlier)s, passage, start, "end", page, heading, language FROM memory_passage
WHERE organisation_id = %(organisation)s AND memory_id = %(memory)s
"""
# passages of memories
DELETE_PASSAGES = "DELETE FROM memory_passage WHERE organisation_id = %s AND memory_id = ANY(%s)"

# --- stored.py

# the vectors of memories that were one passage, as those of the whole
KEEP_AS_WHOLE = """
UPDATE memory_memoryvector SET passage = %s WHERE organisation_id = %s AND memory_id = ANY(%s) AND passage = 0
"""
# the vectors of passages
DROP_PASSAGE_VECTORS = (
    "DELETE FROM memory_memoryvector WHERE organisation_id = %s AND memory_id = ANY(%s) AND passage >= 0"
)
# all vectors of memories
DROP_VECTORS = "DELETE FROM memory_memoryvector WHERE organisation_id = %s AND memory_id = ANY(%s)"
# what is known of memories by their analysis; those that are cut otherwise are to be embedded
SET_INDEXED = """
UPDATE memory_memory AS m SET language = w.language, passages = w.passages, word_count = w.words, term_count = w.terms,
    embedding = CASE WHEN m.id = ANY(%s::uuid[]) THEN 'pending' ELSE m.embedding END
FROM unnest(%s::uuid[], %s::text[], %s::int[], %s::int[], %s::int[]) AS w(id, language, passages, words, terms)
WHERE m.organisation_id = %s AND m.id = w.id
"""

# --- writes.py

# the columns of a memory and their types as parameters
COLUMNS = (
    ("id", "uuid"), ("content", "text"), ("metadata", "text"), ("memory_type", "text"), ("source", "text"),
    ("external_id", "text"), ("tags", "text"), ("importance", "float8"), ("state", "text"), ("embedding", "text"),
    ("actor_kind", "text"), ("actor_id", "text"), ("on_behalf_of", "text"), ("valid_from", "timestamptz"),
    ("valid_to", "timestamptz"), ("thread", "text"), ("thread_id", "bigint"), ("happened_at", "timestamptz"),
    ("asks", "boolean"), ("tells_time", "boolean"), ("is_object", "boolean"), ("language", "text"), ("passages", "int"), ("word_count", "int"),
    ("term_count", "int"),
    ("expires_at", "timestamptz"), ("value", "bigint"), ("scope_id", "bigint"), ("recorded_at", "timestamptz"), ("changed_at", "timestamptz"),
)  # fmt: skip
# columns that are converted on insert
_AS_WRITTEN = {
    "metadata": "w.metadata::jsonb",
    "tags": "ARRAY(SELECT jsonb_array_elements_text(w.tags::jsonb))",
    "happened_at": "coalesce(w.happened_at, now())",
    "recorded_at": "coalesce(w.recorded_at, statement_timestamp())",
    "changed_at": "coalesce(w.changed_at, statement_timestamp())",
}
# memories, except those whose external id is taken
INSERT_MEMORIES = f"""
INSERT INTO memory_memory (organisation_id, stored_by, owner, {", ".join(name for name, _ in COLUMNS)})
SELECT %s, %s::uuid, %s::uuid, {", ".join(_AS_WRITTEN.get(name, f"w.{name}") for name, _ in COLUMNS)}
FROM unnest({", ".join(f"%s::{kind}[]" for _, kind in COLUMNS)}) AS w({", ".join(name for name, _ in COLUMNS)})
ON CONFLICT DO NOTHING RETURNING id
"""  # noqa: S608  built from constants
# separate from INSERT_MEMORIES: few memories are flagged, and an extra column slows every store
FLAG_MEMORIES = """
UPDATE memory_memory AS m SET flagged_by = f.rejection FROM unnest(%s::uuid[], %s::uuid[]) AS f(memory, rejection)
WHERE m.organisation_id = %s AND m.id = f.memory
"""
# compare in Postgres: Python equates true and 1, and jsonb keeps 1e23 as an integer
FIND_EARLIER = """
SELECT w.id, m.id, m.embedding,
       (m.content, m.is_object, m.embedding <> 'none' OR m.value IS NULL, m.metadata, m.memory_type, to_jsonb(m.tags), m.importance,
        m.valid_from, m.valid_to, m.thread)
       IS NOT DISTINCT FROM
       (w.content, w.is_object, w.indexed OR m.value IS NULL, w.metadata::jsonb, w.memory_type, w.tags::jsonb, w.importance,
        w.valid_from, w.valid_to, w.thread)
FROM unnest(%(ids)s::uuid[], %(sources)s::text[], %(external_ids)s::text[], %(contents)s::text[], %(objects)s::boolean[],
            %(indexed)s::boolean[], %(metadata)s::text[], %(types)s::text[], %(tags)s::text[], %(importance)s::float8[],
            %(from)s::timestamptz[], %(to)s::timestamptz[], %(threads)s::text[], %(scopes)s::int[])
     AS w(id, source, external_id, content, is_object, indexed, metadata, memory_type, tags, importance, valid_from, valid_to, thread, scope)
JOIN memory_memory AS m
  ON m.organisation_id = %(organisation)s AND m.source = w.source AND m.external_id = w.external_id AND m.scope_id = w.scope
WHERE m.external_id <> ''
"""
# one statement for many rows, because each fires the cache invalidation trigger (0.14 ms)
INSERT_VECTORS = """
INSERT INTO memory_memoryvector (organisation_id, model_id, scope_id, memory_id, passage, embedding)
SELECT %s, %s, (SELECT m.scope_id FROM memory_memory AS m WHERE m.organisation_id = %s AND m.id = v.memory),
       v.memory, v.passage, v.embedding
FROM (VALUES {rows}) AS v(memory, passage, embedding) ON CONFLICT DO NOTHING
"""
# one row of INSERT_VECTORS
VECTOR_ROW = "(%s::uuid, %s::int, %s::halfvec)"
# links by external id, resolved if the target exists (a memory of the same scope, or else the organisation's), and links by id, left
# out if the target does not exist; a link from what everybody sees to what they don't has the target's scope
INSERT_LINKS = """
INSERT INTO memory_memorylink
    (organisation_id, scope_id, memory_id, kind, target_id, target_source, target_external_id, weight, properties, valid_from, valid_to)
SELECT %(organisation)s, CASE WHEN o.scope_id = 0 THEN coalesce(own.scope_id, 0) ELSE o.scope_id END, l.memory, l.kind,
       coalesce(named.id, own.id), l.source, l.external_id, l.weight,
       l.properties::jsonb, l.valid_from, l.valid_to
FROM unnest(%(memories)s::uuid[], %(kinds)s::text[], %(targets)s::uuid[], %(sources)s::text[], %(external_ids)s::text[],
            %(weights)s::float8[], %(properties)s::text[], %(valid_from)s::timestamptz[], %(valid_to)s::timestamptz[])
     AS l(memory, kind, target, source, external_id, weight, properties, valid_from, valid_to)
JOIN memory_memory AS o ON o.organisation_id = %(organisation)s AND o.id = l.memory
LEFT JOIN LATERAL (
    SELECT t.id FROM memory_memory AS t WHERE t.organisation_id = %(organisation)s AND t.source = l.source
     AND t.external_id = l.external_id AND t.external_id <> '' AND t.scope_id IN (0, o.scope_id)
    ORDER BY t.scope_id = o.scope_id DESC LIMIT 1
) AS named ON true
LEFT JOIN memory_memory AS own ON own.organisation_id = %(organisation)s AND own.id = l.target AND own.head IS NULL
WHERE l.target IS NULL OR own.id IS NOT NULL
ON CONFLICT DO NOTHING
"""
# links from memories to the sources they were derived from
INSERT_SOURCES = """
INSERT INTO memory_memorylink
    (organisation_id, scope_id, memory_id, kind, target_id, target_source, target_external_id, weight)
SELECT %(organisation)s, o.scope_id, s.memory, 'derived_from', s.target, '', '', 1
FROM unnest(%(memories)s::uuid[], %(targets)s::uuid[]) AS s(memory, target)
JOIN memory_memory AS o ON o.organisation_id = %(organisation)s AND o.id = s.memory
JOIN memory_memory AS m ON m.organisation_id = %(organisation)s AND m.id = s.target AND m.head IS NULL
ON CONFLICT DO NOTHING
"""
# resolve links that were waiting for an external id: from the same scope, and to the organisation's memories from any
RESOLVE_LINKS = """
UPDATE memory_memorylink AS l SET target_id = a.memory
FROM unnest(%(memories)s::uuid[], %(sources)s::text[], %(external_ids)s::text[], %(scopes)s::int[])
     AS a(memory, source, external_id, scope)
WHERE l.organisation_id = %(organisation)s AND l.target_id IS NULL AND l.target_source = a.source
  AND l.target_external_id = a.external_id AND a.scope IN (0, l.scope_id)
"""

# --- vector_graph.py

# allow one worker per organisation
LOCK_GRAPH = "SELECT pg_try_advisory_xact_lock(hashtextextended('memory.graph' || %s::text, 0))"
# add vectors to the graph
ENTER_GRAPH = """
UPDATE memory_memoryvector SET in_graph = true WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM memory_memoryvector WHERE organisation_id = %s AND NOT in_graph LIMIT %s FOR UPDATE SKIP LOCKED
))
"""
# the graph index of a model
CREATE_GRAPH = """
CREATE INDEX {concurrently} IF NOT EXISTS {name} ON memory_memoryvector
USING hnsw ((embedding::halfvec({dimension})) halfvec_cosine_ops) WHERE model_id = {model} AND in_graph
"""

# --- bulk_reads.py

# a memory's vectors under a model, concatenated, and their number
_OF_MEMORY = """
LEFT JOIN LATERAL (
    SELECT string_agg(halfvec_send(own.embedding), '') AS packed, count(*) AS number FROM memory_memoryvector AS own
    WHERE own.organisation_id = %(organisation)s AND own.memory_id = {memory} AND own.model_id = %(model)s
) AS v ON true
"""
# one row of concatenated binary values, ten times cheaper than rows of lists
SAMPLE_VECTORS = f"""
SELECT array_agg(v.number), string_agg(v.packed, '') FROM (
    SELECT m.id FROM memory_memory AS m WHERE m.organisation_id = %(organisation)s AND m.head IS NULL AND m.state = ANY(%(living)s)
    AND EXISTS (SELECT 1 FROM memory_memoryvector AS s
                WHERE s.organisation_id = m.organisation_id AND s.memory_id = m.id AND s.model_id = %(model)s)
    ORDER BY hashtext(m.id::text), m.id LIMIT %(limit)s
) AS p {_OF_MEMORY.format(memory="p.id")}
"""  # noqa: S608  built from constants
# number of living memories, optionally among given ones, that have a vector
COUNT_VECTORS = """
SELECT count(*) FROM memory_memory AS m
WHERE m.organisation_id = %(organisation)s AND m.head IS NULL AND m.state = ANY(%(living)s)
AND (%(memories)s::uuid[] IS NULL OR m.id = ANY(%(memories)s::uuid[]))
AND EXISTS (SELECT 1 FROM memory_memoryvector AS s
            WHERE s.organisation_id = m.organisation_id AND s.memory_id = m.id AND s.model_id = %(model)s)
"""
# contents of the next living memories by id
PAGE_CONTENTS = f"""
SELECT string_agg(uuid_send(p.id), ''), string_agg(v.packed, ''), array_agg(v.number),
       CASE WHEN %(metadata)s THEN array_agg(p.metadata::text) END
FROM (
    SELECT m.id, m.metadata FROM memory_memory AS m
    WHERE m.organisation_id = %(organisation)s AND m.id > %(after)s AND m.head IS NULL AND m.state = ANY(%(living)s)
    AND m.embedding <> 'none'
    ORDER BY m.id LIMIT %(limit)s
) AS p {_OF_MEMORY.format(memory="p.id")}
"""  # noqa: S608
# contents of given living memories
CONTENTS = f"""
SELECT string_agg(uuid_send(m.id), ''), string_agg(v.packed, ''), array_agg(v.number),
       CASE WHEN %(metadata)s THEN array_agg(m.metadata::text) END
FROM memory_memory AS m {_OF_MEMORY.format(memory="m.id")}
WHERE m.organisation_id = %(organisation)s AND m.id = ANY(%(ids)s) AND m.head IS NULL AND m.state = ANY(%(living)s)
AND m.embedding <> 'none'
"""  # noqa: S608
# number of living memories
COUNT_LIVING = """
SELECT count(*) FROM memory_memory WHERE organisation_id = %s AND head IS NULL AND state = ANY(%s) AND embedding <> 'none'
"""
# vectors of memories and earlier texts, by passage
VECTORS = """
SELECT memory_id, passage, halfvec_send(embedding) FROM memory_memoryvector
WHERE organisation_id = %s AND model_id = %s AND memory_id = ANY(%s) ORDER BY memory_id, passage
"""
# vectors that stand for memories and earlier texts as a whole
OWN_VECTORS = """
SELECT v.memory_id, halfvec_send(v.embedding) FROM memory_memoryvector AS v
WHERE v.organisation_id = %(organisation)s AND v.model_id = %(model)s AND v.memory_id = ANY(%(memories)s)
AND (v.passage = %(whole)s OR (v.passage = 0 AND NOT EXISTS (
    SELECT 1 FROM memory_passage AS p WHERE p.organisation_id = v.organisation_id AND p.memory_id = v.memory_id
)))
"""
# texts of memories
TEXTS = """
SELECT id, content FROM memory_memory WHERE organisation_id = %s AND id = ANY(%s) AND head IS NULL
"""

# --- embeddings.py

# an organisation's chosen model
CHOSEN_MODEL = "SELECT model_id FROM memory_modelchoice WHERE organisation_id = %s"
# the first vectors' model becomes the organisation's
SETTLE_MODEL = """
INSERT INTO memory_modelchoice (organisation_id, model_id) VALUES (%s, %s) ON CONFLICT (organisation_id) DO NOTHING
"""

# the models of a dimension that an organisation used before
FORMER_MODELS = """
SELECT m.name, m.version FROM embedding_embeddingmodel AS m
JOIN memory_modelchoice AS c ON c.organisation_id = %(organisation)s AND m.id = ANY(c.former)
WHERE m.dimension = %(dimension)s
"""

# --- collection_statistics.py

# the number of passages, words, threads and memories of visible scopes
COLLECTION_SIZE = """
SELECT coalesce(sum(documents), 0)::bigint, coalesce(sum(words), 0)::bigint, coalesce(sum(threads), 0)::bigint,
       coalesce(sum(memories), 0)::bigint
FROM memory_corpuscounter WHERE organisation_id = %(organisation)s{visible}
"""
# named, because the policy's test can't use the key
OF_SCOPES = " AND scope_id = ANY(%(scopes)s)"

# --- collection_languages.py

# each language beside English once, by jumping from one to the next in a partial index
LANGUAGES = """
WITH RECURSIVE of_memories(language) AS (
    (SELECT language FROM memory_memory WHERE organisation_id = %(organisation)s AND language NOT IN ('', 'en')
     ORDER BY language LIMIT 1)
    UNION ALL
    SELECT (SELECT m.language FROM memory_memory AS m WHERE m.organisation_id = %(organisation)s
            AND m.language NOT IN ('', 'en') AND m.language > l.language ORDER BY m.language LIMIT 1)
    FROM of_memories AS l WHERE l.language IS NOT NULL
), of_passages(language) AS (
    (SELECT language FROM memory_passage WHERE organisation_id = %(organisation)s AND language NOT IN ('', 'en')
     ORDER BY language LIMIT 1)
    UNION ALL
    SELECT (SELECT p.language FROM memory_passage AS p WHERE p.organisation_id = %(organisation)s
            AND p.language NOT IN ('', 'en') AND p.language > l.language ORDER BY p.language LIMIT 1)
    FROM of_passages AS l WHERE l.language IS NOT NULL
)
SELECT language FROM of_memories WHERE language IS NOT NULL
UNION SELECT language FROM of_passages WHERE language IS NOT NULL
"""

# --- analyser_state.py

# the analyser of an organisation's index, if it has no memories yet
NOTE_ANALYSER = """
INSERT INTO memory_indexstate (organisation_id, analyser, target) SELECT %s, %s, %s
WHERE NOT EXISTS (SELECT 1 FROM memory_memory WHERE organisation_id = %s) ON CONFLICT DO NOTHING
"""
