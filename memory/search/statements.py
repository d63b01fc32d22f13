"""The SQL of hits.py, passages.py, diversified.py and exact.py in memory/search."""

# The columns of a hit. Earlier texts have their memory's id. Content is limited to the bytes available, plus one character to detect
# cuts. Small uncompressed metadata is not measured, to save its conversion to text.
COLUMNS = """m.id, coalesce(m.head, m.id), left(m.content, %(room)s + 1),
       CASE WHEN pg_column_compression(m.metadata) IS NULL AND pg_column_size(m.metadata) < 2048 THEN m.metadata
            WHEN octet_length(m.metadata::text) <= %(room)s THEN m.metadata END, m.memory_type, m.source, coalesce(h.external_id, m.external_id),
       m.tags, m.recorded_at, m.state, m.version, m.valid_from, m.valid_to, m.happened_at, m.is_object, m.scope_id, m.passages"""
HEADS = "LEFT JOIN memory_memory AS h ON h.organisation_id = m.organisation_id AND h.id = m.head"
# hits by their ids
READ = f"""
SELECT {COLUMNS} FROM memory_memory AS m {HEADS} WHERE m.organisation_id = %(organisation)s AND m.id = ANY(%(ids)s)
"""  # noqa: S608  built from constants
# passages of memories, their text at most `room` bytes; of a text beyond what hits were read with, else it is in there
PASSAGES = """
SELECT p.memory_id, p.passage, p.start, p."end", p.page, p.heading,
       CASE WHEN p."end" > %(read)s THEN substr(m.content, p.start + 1, least(p."end" - p.start, %(room)s)) END
FROM unnest(%(ids)s::uuid[], %(numbers)s::int[]) AS w(id, number)
JOIN memory_passage AS p ON p.organisation_id = %(organisation)s AND p.memory_id = w.id AND p.passage = w.number
JOIN memory_memory AS m ON m.organisation_id = %(organisation)s AND m.id = w.id
"""
# the versions of memories, or of those earlier texts belong to, that were current at a time and have ended since
VERSIONS_AT = """
SELECT DISTINCT v.memory_id, left(v.content, %(room)s + 1),
       CASE WHEN octet_length(v.metadata::text) <= %(room)s THEN v.metadata END, v.memory_type, v.tags, v.state, v.version, v.valid_from, v.valid_to, v.is_object
FROM memory_memory AS m JOIN memory_memoryversion AS v
ON v.organisation_id = m.organisation_id AND v.memory_id = coalesce(m.head, m.id)
WHERE m.organisation_id = %(organisation)s AND m.id = ANY(%(ids)s)
AND v.known_from <= %(known_at)s AND v.known_to > %(known_at)s
"""
# what near-doubles are told by: the beginning of the text, the number of its normalised value, its length
COPIES = """
SELECT uuid_send(id), left(content, %(most)s), value, char_length(content) FROM memory_memory
WHERE organisation_id = %(organisation)s AND id = ANY(%(ids)s)
"""
# of several passages their mean
VECTORS_OF = """
SELECT uuid_send(memory_id), halfvec_send(avg(embedding)) FROM memory_memoryvector
WHERE organisation_id = %(organisation)s AND model_id = %(model)s AND memory_id = ANY(%(ids)s) GROUP BY memory_id
"""
# those of some memories that pass the filters
PASSING = """
SELECT string_agg(uuid_send(m.id), '') FROM unnest(%(ids)s::uuid[]) AS m(id) WHERE {where}
"""
# the texts of memories, for quoted phrases
TEXTS = """
SELECT uuid_send(id), content FROM memory_memory WHERE organisation_id = %(organisation)s AND id = ANY(%(ids)s)
"""
# the texts of memories that may contain one of several codes
CODED = """
SELECT uuid_send(id), content FROM memory_memory WHERE organisation_id = %(organisation)s AND id = ANY(%(ids)s)
AND EXISTS (SELECT 1 FROM unnest(%(codes)s::text[]) AS c(code) WHERE strpos(lower(content), c.code) > 0)
"""

# --- attribute_sql.py

# ids of memories with an attribute that passes a test
ATTRIBUTE_ROWS = "SELECT memory_id FROM memory_attribute WHERE organisation_id = %(organisation)s AND key = {key} AND {test}"
# whether a memory has an attribute that passes a test. OFFSET keeps the planner from reading all that have it instead.
ATTRIBUTE_PROBE = """
EXISTS (SELECT 1 FROM memory_attribute WHERE organisation_id = %(organisation)s AND memory_id = {column} AND key = {key} AND {test} OFFSET 0)
"""

# --- narrowing_sql.py

# ids of memories with one of several tags
TAGGED = """
SELECT memory_id FROM memory_attribute
    WHERE organisation_id = %(organisation)s AND key = %(tag_key)s AND text_value = ANY(%({name})s::text[])
"""
# ids of memories that mention an entity
MENTIONING = (
    "SELECT memory_id FROM memory_entity WHERE organisation_id = %(organisation)s AND key = %(entity)s"
)
# ids of the memories of a thread; one that was not given is that of the metadata
IN_THREAD = """
    SELECT id FROM memory_memory WHERE organisation_id = %(organisation)s AND thread = %(thread)s AND thread <> ''
    UNION ALL
    SELECT a.memory_id FROM memory_attribute AS a JOIN memory_memory AS t ON t.organisation_id = a.organisation_id AND t.id = a.memory_id
    WHERE a.organisation_id = %(organisation)s AND a.key = ANY(%(thread_keys)s::text[]) AND t.thread = ''
    AND (a.text_value = %(thread_text)s OR a.number_key = %(thread_key)s::float8 AND a.number_value = %(thread_number)s::numeric)
"""

# --- pages.py

# ids of the newest memories that pass the conditions of an empty query
NEWEST = "SELECT m.id FROM memory_memory AS m WHERE m.organisation_id = %(organisation)s AND {where} ORDER BY {order} DESC LIMIT %(limit)s"
# number of memories that a search may find
FINDABLE = "SELECT count(*) FROM memory_memory AS m WHERE m.organisation_id = %(organisation)s AND {where}"
