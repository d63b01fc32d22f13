"""The SQL by which a search reads the memories it returns."""

# A memory as `memory.search.hits` reads it. An earlier text is shown under its memory's id. No more is read than the answer has room for: one
# character more than bytes, to tell what was cut. Small metadata that is not compressed is not measured, which would cost a conversion.
COLUMNS = """m.id, coalesce(m.head, m.id), left(m.content, %(room)s + 1),
       CASE WHEN pg_column_compression(m.metadata) IS NULL AND pg_column_size(m.metadata) < 2048 THEN m.metadata
            WHEN octet_length(m.metadata::text) <= %(room)s THEN m.metadata END, m.memory_type, m.source, coalesce(h.external_id, m.external_id),
       m.tags, m.recorded_at, m.state, m.version, m.valid_from, m.valid_to, m.happened_at"""
HEADS = "LEFT JOIN memory_memory AS h ON h.organisation_id = m.organisation_id AND h.id = m.head"
# some memories by their ids
READ = f"""
SELECT {COLUMNS} FROM memory_memory AS m {HEADS} WHERE m.organisation_id = %(organisation)s AND m.id = ANY(%(ids)s)
"""  # noqa: S608  texts of our own
# what memories, or earlier texts, said at a time, if that version has ended since
VERSIONS_AT = """
SELECT DISTINCT v.memory_id, left(v.content, %(room)s + 1),
       CASE WHEN octet_length(v.metadata::text) <= %(room)s THEN v.metadata END, v.memory_type, v.tags, v.state, v.version, v.valid_from, v.valid_to
FROM memory_memory AS m JOIN memory_memoryversion AS v
ON v.organisation_id = m.organisation_id AND v.memory_id = coalesce(m.head, m.id)
WHERE m.organisation_id = %(organisation)s AND m.id = ANY(%(ids)s)
AND v.known_from <= %(known_at)s AND v.known_to > %(known_at)s
"""
